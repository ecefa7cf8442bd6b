//! What people type into a search, read by our own rules: words, "phrases" and prefix*, all of which a message must have. Nothing of it
//! reaches the index but as a quoted string, so that no input is ever syntax there.

use domain::ChannelId;

/// Characters of a search.
pub const QUERY_CHARS_MAX: usize = 256;
/// Words of a search, those within phrases included.
pub const TERMS_MAX: usize = 12;
/// A shorter beginning would match nearly every message.
const PREFIX_CHARS_MIN: usize = 2;
/// Channels that are asked for in the index itself. In more than these every hit is looked at instead.
const PLACES_MAX: usize = 64;

/// A search that can be asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Terms(Vec<Term>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Term {
    text: String,
    prefix: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadTerms {
    #[error("must have a word to search for")]
    NoWord,
    #[error("has at most {QUERY_CHARS_MAX} characters")]
    TooLong,
    #[error("has at most {TERMS_MAX} words")]
    TooMany,
    #[error("a beginning has at least {PREFIX_CHARS_MIN} characters before its *")]
    ShortPrefix,
}

impl Terms {
    pub fn parse(text: &str) -> Result<Self, BadTerms> {
        if text.chars().count() > QUERY_CHARS_MAX {
            return Err(BadTerms::TooLong);
        }
        let mut terms = vec![];
        // Quotes come in pairs; what follows the last odd one is a phrase that was not closed yet.
        for (place, part) in text.split('"').enumerate() {
            if place % 2 == 1 {
                terms.extend(Term::phrase(part));
            } else {
                for word in part.split(|c: char| c.is_whitespace() || c.is_control()) {
                    terms.extend(Term::word(word)?);
                }
            }
        }
        match terms.iter().map(Term::words).sum() {
            0 => Err(BadTerms::NoWord),
            1..=TERMS_MAX => Ok(Self(terms)),
            _ => Err(BadTerms::TooMany),
        }
    }

    /// The expression for the index, narrowed to `places` where they are few.
    pub(super) fn expression(&self, places: &[ChannelId]) -> String {
        let words: Vec<String> = self.0.iter().map(Term::quoted).collect();
        let words = format!("{{body}} : ({})", words.join(" AND "));
        if places.is_empty() || places.len() > PLACES_MAX {
            return words;
        }
        let places: Vec<String> = places
            .iter()
            .map(|channel| format!("\"{:X}\"", channel.uuid().simple()))
            .collect();
        format!("{words} AND {{place}} : ({})", places.join(" OR "))
    }
}

impl Term {
    /// Nothing where there is no word in it.
    fn word(text: &str) -> Result<Option<Self>, BadTerms> {
        let (text, prefix) = match text.strip_suffix('*') {
            Some(beginning) => (beginning.trim_end_matches('*'), true),
            None => (text, false),
        };
        let has_word = has_word(text);
        if has_word && prefix && text.chars().filter(|c| c.is_alphanumeric()).count() < PREFIX_CHARS_MIN {
            return Err(BadTerms::ShortPrefix);
        }
        Ok(has_word.then(|| Self {
            text: text.to_owned(),
            prefix,
        }))
    }

    fn phrase(text: &str) -> Option<Self> {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        has_word(&text).then_some(Self { text, prefix: false })
    }

    /// How many words the index may make of it.
    fn words(&self) -> usize {
        self.text
            .split(|c: char| !c.is_alphanumeric())
            .filter(|word| !word.is_empty())
            .count()
    }

    fn quoted(&self) -> String {
        let star = if self.prefix { " *" } else { "" };
        format!("\"{}\"{star}", self.text.replace('"', "\"\""))
    }
}

fn has_word(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expression(text: &str) -> String {
        Terms::parse(text).expect("can be asked").expression(&[])
    }

    #[test]
    fn words_phrases_and_beginnings_are_all_wanted() {
        assert_eq!(
            expression("tea \"good morning\" bisc*"),
            "{body} : (\"tea\" AND \"good morning\" AND \"bisc\" *)"
        );
    }

    #[test]
    fn nothing_of_the_index_its_syntax_has_a_meaning() {
        assert_eq!(
            expression("tea OR NOT body:x (NEAR) ^y"),
            "{body} : (\"tea\" AND \"OR\" AND \"NOT\" AND \"body:x\" AND \"(NEAR)\" AND \"^y\")"
        );
        assert_eq!(expression("\"not closed"), "{body} : (\"not closed\")");
    }

    #[test]
    fn few_channels_are_asked_for_in_the_index() {
        let expression = Terms::parse("tea")
            .expect("valid")
            .expression(&[ChannelId::from_u128(10)]);
        assert_eq!(
            expression,
            "{body} : (\"tea\") AND {place} : (\"0000000000000000000000000000000A\")"
        );
    }

    #[test]
    fn what_cannot_be_searched_for_is_refused_with_its_reason() {
        let twelve = ["a1"; TERMS_MAX].join(" ");
        assert!(Terms::parse(&twelve).is_ok());
        for (text, why) in [
            ("", BadTerms::NoWord),
            (" \n\"\" *** !?", BadTerms::NoWord),
            (&"x".repeat(QUERY_CHARS_MAX + 1), BadTerms::TooLong),
            (&format!("{twelve} more"), BadTerms::TooMany),
            (&format!("\"{twelve} more\""), BadTerms::TooMany),
            ("a*", BadTerms::ShortPrefix),
        ] {
            assert_eq!(Terms::parse(text), Err(why), "{text:?}");
        }
    }
}

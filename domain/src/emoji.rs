//! What people react with: one emoji, or a `:shortcode:` that clients draw as they like.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use crate::text::{InvalidText, texts};

texts! { Emoji; }

const WHAT: &str = "emoji";
const JOINER: char = '\u{200d}';
/// Asks for the colourful form of the character before it.
const COLOURFUL: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

impl Emoji {
    pub const MAX_BYTES: usize = 32;

    /// One emoji as people see one (Unicode TS 51: with modifiers, joined, a flag or a keycap), or `:` 1 to 30 of `a-z 0-9 _ + -` `:`.
    /// Kept as it came; at most [`Self::MAX_BYTES`] bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        if text.is_empty() {
            return Err(InvalidText::Empty { what: WHAT });
        }
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidText::TooLong {
                what: WHAT,
                max: Self::MAX_BYTES,
                unit: "bytes",
            });
        }
        if is_shortcode(text) || text.split(JOINER).all(is_element) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidText::Character { what: WHAT })
        }
    }
}

fn is_shortcode(text: &str) -> bool {
    let name = text.strip_prefix(':').and_then(|rest| rest.strip_suffix(':'));
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '+' | '-');
    name.is_some_and(|name| !name.is_empty() && name.chars().all(allowed))
}

/// What stands between two joiners.
fn is_element(text: &str) -> bool {
    let mut chars = text.chars();
    let (Some(first), rest) = (chars.next(), chars.as_str()) else {
        return false;
    };
    if is_region(first) {
        let mut others = rest.chars();
        return others.next().is_some_and(is_region) && others.next().is_none();
    }
    if matches!(first, '0'..='9' | '#' | '*') {
        return rest.strip_prefix(COLOURFUL).unwrap_or(rest).chars().eq([KEYCAP]);
    }
    let rest = rest.strip_prefix([COLOURFUL]).unwrap_or(rest);
    let rest = rest.strip_prefix(is_skin_tone).unwrap_or(rest);
    is_picture(first) && is_tags(rest)
}

fn is_region(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}

/// Nothing, or the tags that make a flag a flag of a part of a country, closed by the end of tags.
fn is_tags(text: &str) -> bool {
    let tags = text.strip_suffix('\u{e007f}');
    text.is_empty()
        || tags.is_some_and(|tags| !tags.is_empty() && tags.chars().all(|c| matches!(c, '\u{e0020}'..='\u{e007e}')))
}

/// The blocks in which emoji stand. They are wider than the list of emoji, which grows every year.
fn is_picture(c: char) -> bool {
    matches!(c,
        '\u{a9}' | '\u{ae}' | '\u{203c}' | '\u{2049}' | '\u{2122}' | '\u{2139}' | '\u{2194}'..='\u{21aa}'
        | '\u{2300}'..='\u{23ff}' | '\u{24c2}' | '\u{25aa}'..='\u{27bf}' | '\u{2934}' | '\u{2935}'
        | '\u{2b05}'..='\u{2b55}' | '\u{3030}' | '\u{303d}' | '\u{3297}' | '\u{3299}'
        | '\u{1f000}'..='\u{1faff}'
    ) && !is_region(c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_emoji_in_any_of_its_forms_is_one() {
        for text in [
            "👍",
            "👍🏽",
            "❤",
            "❤️",
            "👩‍💻",
            "👩🏾‍🚀",
            "👨‍👩‍👧",
            "🏳️‍🌈",
            "🇩🇪",
            "1️⃣",
            "#⃣",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿",
            "☝🏻",
            "©️",
            ":+1:",
            ":party_parrot-2:",
            ":a:",
        ] {
            assert_eq!(Emoji::parse(text).as_ref().map(Emoji::as_str), Ok(text), "{text}");
        }
    }

    #[test]
    fn words_two_emoji_and_halves_of_one_are_refused() {
        for text in [
            "a",
            "yes",
            "1",
            "#",
            "👍👍",
            "👍 ",
            " 👍",
            "🇩",
            "🇩🇪🇫",
            "👩‍",
            "‍💻",
            "\u{fe0f}",
            "🏻x",
            ":",
            "::",
            ":A:",
            ":a b:",
            ":ä:",
            "<b>",
            "👍\0",
            "\u{202e}",
        ] {
            assert_eq!(Emoji::parse(text), Err(InvalidText::Character { what: WHAT }), "{text}");
        }
        assert_eq!(Emoji::parse(""), Err(InvalidText::Empty { what: WHAT }));
    }

    #[test]
    fn its_bytes_are_bounded() {
        assert!(Emoji::parse(&format!(":{}:", "a".repeat(30))).is_ok());
        let long = Emoji::parse(&format!(":{}:", "a".repeat(31)));
        assert!(matches!(long, Err(InvalidText::TooLong { max: 32, .. })), "{long:?}");
    }
}

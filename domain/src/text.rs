//! Texts people write, parsed once into types that cannot be wrong. Nothing further in re-checks them.
//! Stored events are parsed by the same rules, so a limit may be raised here but never lowered: what was once valid must stay readable.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidText {
    #[error("{what} is empty")]
    Empty { what: &'static str },
    #[error("{what} is shorter than {min} characters")]
    TooShort { what: &'static str, min: usize },
    #[error("{what} is longer than {max} {unit}")]
    TooLong {
        what: &'static str,
        max: usize,
        unit: &'static str,
    },
    #[error("{what} has a character that is not allowed there")]
    Character { what: &'static str },
}

/// A text of its own type, parsed by its `parse`, whose content no debug output shows.
macro_rules! texts {
    ($($name:ident;)*) => {$(
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
        pub struct $name(String);

        impl $name {
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }
        /// The content stays out of debug output, so that no log line can carry it by accident.
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({} bytes)"), self.0.len())
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                Self::parse(&Cow::<'de, str>::deserialize(deserializer)?).map_err(D::Error::custom)
            }
        }
    )*};
}

pub(crate) use texts;

texts! { Handle; DisplayName; SpaceName; ChannelName; MessageBody; IdempotencyKey; Reason; Cohort; }

impl Handle {
    pub const MIN_CHARS: usize = 3;
    pub const MAX_CHARS: usize = 32;

    /// 3 to 32 of `a-z 0-9 _ . -`, starting with a letter or digit; capitals are folded, so that no two handles differ by case alone.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let what = "handle";
        let folded = text.to_ascii_lowercase();
        if folded.chars().count() > Self::MAX_CHARS {
            return Err(InvalidText::TooLong {
                what,
                max: Self::MAX_CHARS,
                unit: "characters",
            });
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
        if !folded.chars().all(allowed) || folded.starts_with(['_', '.', '-']) {
            return Err(InvalidText::Character { what });
        }
        if folded.len() < Self::MIN_CHARS {
            return Err(InvalidText::TooShort {
                what,
                min: Self::MIN_CHARS,
            });
        }
        Ok(Self(folded))
    }
}

impl DisplayName {
    pub const MAX_CHARS: usize = 64;

    /// Trimmed, non-empty, one line, at most [`Self::MAX_CHARS`] characters.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        one_line(text, "display name", Self::MAX_CHARS).map(Self)
    }
}

impl SpaceName {
    pub const MAX_CHARS: usize = 80;

    /// Trimmed, non-empty, one line, at most [`Self::MAX_CHARS`] characters.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        one_line(text, "space name", Self::MAX_CHARS).map(Self)
    }
}

impl ChannelName {
    pub const MAX_CHARS: usize = 80;

    /// Trimmed, non-empty, one line, at most [`Self::MAX_CHARS`] characters.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        one_line(text, "channel name", Self::MAX_CHARS).map(Self)
    }
}

impl MessageBody {
    /// Unicode scalar values.
    pub const MAX_CHARS: usize = 8_000;
    pub const MAX_BYTES: usize = 32_000;

    /// Kept exactly as written; not blank, without U+0000 (no engine stores it in text), at most [`Self::MAX_CHARS`] characters and
    /// [`Self::MAX_BYTES`] bytes.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let what = "body";
        if text.len() > Self::MAX_BYTES {
            return Err(InvalidText::TooLong {
                what,
                max: Self::MAX_BYTES,
                unit: "bytes",
            });
        }
        if text.len() > Self::MAX_CHARS && text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidText::TooLong {
                what,
                max: Self::MAX_CHARS,
                unit: "characters",
            });
        }
        if text.trim().is_empty() {
            return Err(InvalidText::Empty { what });
        }
        if text.contains('\0') {
            return Err(InvalidText::Character { what });
        }
        Ok(Self(text.to_owned()))
    }
}

impl Reason {
    pub const MAX_CHARS: usize = 500;

    /// Why somebody with a privilege used it, for the audit trail: trimmed, non-empty, one line, at most [`Self::MAX_CHARS`] characters.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        one_line(text, "reason", Self::MAX_CHARS).map(Self)
    }
}

impl Cohort {
    pub const MAX_CHARS: usize = 32;

    /// The label of invites that belong together: 1 to 32 of `a-z 0-9 _ . -`, starting with a letter or digit, so that it can stand in a path.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let what = "cohort";
        if text.is_empty() {
            return Err(InvalidText::Empty { what });
        }
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidText::TooLong {
                what,
                max: Self::MAX_CHARS,
                unit: "characters",
            });
        }
        let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '.' | '-');
        if !text.chars().all(allowed) || text.starts_with(['_', '.', '-']) {
            return Err(InvalidText::Character { what });
        }
        Ok(Self(text.to_owned()))
    }
}

impl IdempotencyKey {
    pub const MAX_CHARS: usize = 64;

    /// 1 to 64 visible ASCII characters.
    pub fn parse(text: &str) -> Result<Self, InvalidText> {
        let what = "idempotency key";
        if text.is_empty() {
            return Err(InvalidText::Empty { what });
        }
        if text.len() > Self::MAX_CHARS {
            return Err(InvalidText::TooLong {
                what,
                max: Self::MAX_CHARS,
                unit: "characters",
            });
        }
        if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(InvalidText::Character { what });
        }
        Ok(Self(text.to_owned()))
    }
}

fn one_line(text: &str, what: &'static str, max: usize) -> Result<String, InvalidText> {
    let text = text.trim();
    if text.is_empty() {
        return Err(InvalidText::Empty { what });
    }
    if text.chars().count() > max {
        return Err(InvalidText::TooLong {
            what,
            max,
            unit: "characters",
        });
    }
    if text.chars().any(breaks_a_line) {
        return Err(InvalidText::Character { what });
    }
    if text.chars().all(is_invisible) {
        return Err(InvalidText::Empty { what });
    }
    Ok(text.to_owned())
}

/// Controls, line and paragraph separators, and the marks that turn the direction of what stands after the name.
fn breaks_a_line(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Takes no ink: a name of nothing else looks like no name.
fn is_invisible(c: char) -> bool {
    c.is_whitespace()
        || matches!(c, '\u{ad}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_kept_exactly_as_written() {
        assert_eq!(
            MessageBody::parse("  two  spaces \n").expect("valid").as_str(),
            "  two  spaces \n"
        );
    }

    #[test]
    fn a_body_is_bounded_in_characters_and_in_bytes() {
        assert!(MessageBody::parse(&"é".repeat(8_000)).is_ok());
        assert!(MessageBody::parse(&"é".repeat(8_001)).is_err());
        assert!(MessageBody::parse(&"\u{1f600}".repeat(8_000)).is_ok());
        assert!(MessageBody::parse(&"x".repeat(8_001)).is_err());
    }

    #[test]
    fn blank_bodies_and_nul_are_refused() {
        assert_eq!(MessageBody::parse(" \n\t"), Err(InvalidText::Empty { what: "body" }));
        assert_eq!(MessageBody::parse("a\0b"), Err(InvalidText::Character { what: "body" }));
    }

    #[test]
    fn handles_are_folded_to_lower_case() {
        assert_eq!(Handle::parse("Ann_1").expect("valid").as_str(), "ann_1");
        for wrong in ["an", "-ann", "a b c", "änn", &"x".repeat(33)] {
            assert!(Handle::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn names_are_trimmed_to_one_line() {
        assert_eq!(ChannelName::parse("  general ").expect("valid").as_str(), "general");
        assert!(ChannelName::parse("a\nb").is_err());
        assert!(SpaceName::parse(&"n".repeat(81)).is_err());
    }

    #[test]
    fn names_can_neither_be_invisible_nor_turn_the_text_around_them() {
        assert_eq!(
            DisplayName::parse("\u{200b}\u{200d}"),
            Err(InvalidText::Empty { what: "display name" })
        );
        for turning in ["a\u{2028}b", "a\u{202e}b", "a\u{2067}b"] {
            assert_eq!(
                DisplayName::parse(turning),
                Err(InvalidText::Character { what: "display name" }),
                "{turning:?}"
            );
        }
        let family = "\u{1f468}\u{200d}\u{1f467}";
        assert_eq!(DisplayName::parse(family).expect("joined emoji").as_str(), family);
    }

    #[test]
    fn what_was_parsed_parses_to_the_same_again() {
        for name in ["Ann", "  Ann  ", "\u{3000}\u{e9}\u{200b} "] {
            let once = DisplayName::parse(name).expect("valid");
            assert_eq!(DisplayName::parse(once.as_str()), Ok(once));
        }
    }

    #[test]
    fn keys_are_visible_ascii() {
        assert!(IdempotencyKey::parse("3f1c:9").is_ok());
        for wrong in ["", "a b", "é", &"k".repeat(65)] {
            assert!(IdempotencyKey::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn debug_output_never_shows_the_words() {
        assert_eq!(
            format!("{:?}", MessageBody::parse("secret").expect("valid")),
            "MessageBody(6 bytes)"
        );
    }
}

//! Positions as clients hold them: an opaque text that names the log it belongs to, so that a position of another log is noticed.
//! What positions are good for is decided where they are used.

use std::{fmt, str::FromStr};

use event_store::Identity;
use uuid::Uuid;

use crate::problem::{Problem, codes};

/// Where answers to writes and reads of views say how far they are.
pub const POSITION_HEADER: &str = "x-position";

/// A place in one particular log: `{log}-{incarnation}.{position}` as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pos {
    pub log: Identity,
    pub position: u64,
}

impl Pos {
    pub fn new(log: Identity, position: u64) -> Self {
        Self { log, position }
    }

    /// The position, if it is one of `log`.
    pub fn within(self, log: Identity) -> Result<u64, Problem> {
        if self.log == log {
            Ok(self.position)
        } else {
            Err(Problem::new(&codes::POSITION_FOREIGN))
        }
    }
}

impl fmt::Display for Pos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.log, self.position)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a position as this service gives them")]
pub struct PosError;

impl FromStr for Pos {
    type Err = PosError;

    fn from_str(text: &str) -> Result<Self, PosError> {
        let (log, position) = text.split_once('.').ok_or(PosError)?;
        let (id, incarnation) = log.split_once('-').ok_or(PosError)?;
        let id = Uuid::try_parse(id).map_err(|_| PosError)?;
        let log = Identity {
            id,
            incarnation: incarnation.parse().map_err(|_| PosError)?,
        };
        let parsed = Self {
            log,
            position: position.parse().map_err(|_| PosError)?,
        };
        // Only the one spelling that we give out: no signs, no leading zeros, no other form of the id.
        if parsed.to_string() == text {
            Ok(parsed)
        } else {
            Err(PosError)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOG: Identity = Identity {
        id: Uuid::from_u128(7),
        incarnation: 3,
    };

    #[test]
    fn a_position_survives_its_text_form() {
        let pos = Pos::new(LOG, 812);
        assert_eq!(pos.to_string(), "00000000000000000000000000000007-3.812");
        assert_eq!(pos.to_string().parse(), Ok(pos));
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "812",
            "00000000000000000000000000000007-3.+812",
            "00000000000000000000000000000007-03.812",
            "x-3.1",
        ] {
            assert_eq!(text.parse::<Pos>(), Err(PosError), "{text}");
        }
    }

    #[test]
    fn a_position_of_another_incarnation_is_foreign() {
        let restored = Identity { incarnation: 4, ..LOG };
        assert_eq!(Pos::new(LOG, 1).within(LOG).expect("its own log"), 1);
        assert_eq!(
            Pos::new(LOG, 1).within(restored).expect_err("another log").code(),
            "position/foreign"
        );
    }
}

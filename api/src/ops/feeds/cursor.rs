//! Where a walk through a feed goes on. A cursor holds the position as of which its pages are ranked, and is bound to its feed, its order
//! and this log, so that one of another walk is told from a mistake of ours.

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use event_store::Identity;
use projections::{FeedPlace as Place, Sort};
use sha2::{Digest, Sha256};

use super::Scope;

const LEN: usize = 32;
const TAG_LEN: usize = 8;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct FeedCursor {
    pub(super) as_of: u64,
    pub(super) place: Place,
}

/// What a cursor belongs to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Walk {
    pub(super) scope: Scope,
    pub(super) sort: Sort,
    pub(super) log: Identity,
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("must be the `next` of a page of the same feed in the same order")]
pub(super) struct NotACursor;

impl FeedCursor {
    pub(super) fn text(self, walk: &Walk) -> String {
        let mut bytes = Vec::with_capacity(LEN);
        bytes.extend(self.as_of.to_be_bytes());
        bytes.extend(self.place.rank.to_be_bytes());
        bytes.extend(self.place.position.to_be_bytes());
        let tag = walk.tag(&bytes);
        bytes.extend(tag);
        BASE64_URL_SAFE_NO_PAD.encode(bytes)
    }

    pub(super) fn parse(text: &str, walk: &Walk) -> Result<Self, NotACursor> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).map_err(|_| NotACursor)?;
        let bytes: [u8; LEN] = bytes.try_into().map_err(|_| NotACursor)?;
        let (held, tag) = bytes.split_at(LEN - TAG_LEN);
        if tag != walk.tag(held) {
            return Err(NotACursor);
        }
        let number = |place: usize| {
            let mut eight = [0; 8];
            eight.copy_from_slice(&held[8 * place..8 * (place + 1)]);
            eight
        };
        Ok(Self {
            as_of: u64::from_be_bytes(number(0)),
            place: Place {
                rank: i64::from_be_bytes(number(1)),
                position: u64::from_be_bytes(number(2)),
            },
        })
    }
}

impl Walk {
    /// No secret: whoever makes up a cursor sees no more than what they may see anyway.
    fn tag(&self, held: &[u8]) -> [u8; TAG_LEN] {
        let named = format!("{:?}\n{:?}\n{}\n", self.scope, self.sort, self.log);
        let digest = Sha256::new().chain_update(named).chain_update(held).finalize();
        let mut tag = [0; TAG_LEN];
        tag.copy_from_slice(&digest[..TAG_LEN]);
        tag
    }
}

#[cfg(test)]
mod tests {
    use domain::SpaceId;
    use uuid::Uuid;

    use super::*;

    const WALK: Walk = Walk {
        scope: Scope::Home,
        sort: Sort::Hot,
        log: Identity {
            id: Uuid::from_u128(7),
            incarnation: 1,
        },
    };
    const CURSOR: FeedCursor = FeedCursor {
        as_of: 812,
        place: Place {
            rank: -5,
            position: 700,
        },
    };

    #[test]
    fn a_cursor_comes_back_as_it_went_out() {
        assert_eq!(FeedCursor::parse(&CURSOR.text(&WALK), &WALK), Ok(CURSOR));
    }

    #[test]
    fn a_cursor_of_another_walk_or_of_nobody_is_refused() {
        let text = CURSOR.text(&WALK);
        let others = [
            Walk {
                scope: Scope::Discover,
                ..WALK
            },
            Walk {
                scope: Scope::Space(SpaceId::from_u128(1)),
                ..WALK
            },
            Walk {
                sort: Sort::Top,
                ..WALK
            },
            Walk {
                log: Identity {
                    incarnation: 2,
                    ..WALK.log
                },
                ..WALK
            },
        ];
        for other in others {
            assert_eq!(FeedCursor::parse(&text, &other), Err(NotACursor), "{other:?}");
        }
        for place in 0..text.len() {
            let mut wrong = text.clone().into_bytes();
            wrong[place] = if wrong[place] == b'A' { b'B' } else { b'A' };
            let wrong = String::from_utf8(wrong).expect("ASCII");
            assert!(FeedCursor::parse(&wrong, &WALK).is_err(), "{wrong}");
        }
        for garbage in ["", "x", "AAAA", "%%%", &"A".repeat(10_000)] {
            assert_eq!(FeedCursor::parse(garbage, &WALK), Err(NotACursor));
        }
    }
}

//! Bans and mutes of spaces, as moderators list them. One row for each that was not lifted; whether it is over is asked when it is read.

use std::collections::BTreeMap;

use domain::{
    Meta, SpaceId, UserId,
    space::{MemberBanned, MemberMuted},
};
use serde::Serialize;

use crate::{columns::Hex, directory::SanctionKind, registry::Statement};

/// What became of each; `None` is lifted.
#[derive(Default)]
pub(super) struct Sanctions<'a>(BTreeMap<(SpaceId, SanctionKind, UserId), Option<Terms<'a>>>);

#[derive(Clone, Copy, Serialize)]
struct Terms<'a> {
    by: Hex,
    reason: &'a str,
    at: i64,
    until: Option<i64>,
}

impl<'a> Sanctions<'a> {
    pub(super) fn ban(&mut self, space: SpaceId, banned: &'a MemberBanned, meta: &Meta) {
        let terms = Terms {
            by: Hex(meta.actor.uuid()),
            reason: banned.reason.as_str(),
            at: meta.at.timestamp_micros(),
            until: banned.until.map(|until| until.timestamp_micros()),
        };
        self.0.insert((space, SanctionKind::Ban, banned.user), Some(terms));
    }

    pub(super) fn unban(&mut self, space: SpaceId, user: UserId) {
        self.0.insert((space, SanctionKind::Ban, user), None);
    }

    pub(super) fn mute(&mut self, space: SpaceId, muted: &'a MemberMuted, meta: &Meta) {
        let terms = Terms {
            by: Hex(meta.actor.uuid()),
            reason: muted.reason.as_str(),
            at: meta.at.timestamp_micros(),
            until: Some(muted.until.timestamp_micros()),
        };
        self.0.insert((space, SanctionKind::Mute, muted.user), Some(terms));
    }

    pub(super) fn unmute(&mut self, space: SpaceId, user: UserId) {
        self.0.insert((space, SanctionKind::Mute, user), None);
    }

    pub(super) fn statements(&self) -> [Option<Statement>; 2] {
        let rows = |there: bool| {
            let of = self.0.iter().filter(move |(_, terms)| terms.is_some() == there);
            of.map(|((space, kind, user), terms)| Row {
                space: Hex(space.uuid()),
                kind: *kind,
                user: Hex(user.uuid()),
                terms: *terms,
            })
        };
        [
            Statement::over(include_str!("../delete_sanctions.sql"), rows(false)),
            Statement::over(include_str!("../put_sanctions.sql"), rows(true)),
        ]
    }
}

#[derive(Serialize)]
struct Row<'a> {
    space: Hex,
    kind: SanctionKind,
    user: Hex,
    #[serde(flatten)]
    terms: Option<Terms<'a>>,
}

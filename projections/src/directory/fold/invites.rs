//! Invites of spaces, as their admins list them. The code is only there as its hash, by which an invite is found.

use std::collections::{BTreeMap, BTreeSet};

use domain::{Cohort, InviteId, Meta, SpaceId, space::InviteCreated};
use serde::Serialize;

use crate::{columns::Hex, registry::Statement};

/// What became of each.
#[derive(Default)]
pub(super) struct Invites<'a> {
    created: BTreeMap<InviteId, CreatedRow<'a>>,
    used: BTreeMap<InviteId, u64>,
    revoked: BTreeSet<InviteId>,
    /// Whether the cohort rests now.
    paused: BTreeMap<(SpaceId, &'a str), bool>,
}

impl<'a> Invites<'a> {
    pub(super) fn create(&mut self, space: SpaceId, created: &'a InviteCreated, meta: &Meta) {
        let row = CreatedRow {
            id: Hex(created.invite.uuid()),
            space: Hex(space.uuid()),
            code: created.code,
            by: Hex(meta.actor.uuid()),
            role: created.role,
            at: meta.at.timestamp_micros(),
            expires_at: created.expires_at.map(|end| end.timestamp_micros()),
            uses: created.uses,
            cohort: created.cohort.as_ref().map(Cohort::as_str),
        };
        // Two spaces may once have given one id to two invites: the first one has it, in whatever pieces the log is folded.
        self.created.entry(created.invite).or_insert(row);
    }

    pub(super) fn redeem(&mut self, invite: InviteId, again: bool) {
        *self.used.entry(invite).or_default() += u64::from(!again);
    }

    pub(super) fn revoke(&mut self, invite: InviteId) {
        self.revoked.insert(invite);
    }

    pub(super) fn set_cohort(&mut self, space: SpaceId, cohort: &'a Cohort, paused: bool) {
        self.paused.insert((space, cohort.as_str()), paused);
    }

    /// What was made in this run is there before it is used and revoked.
    pub(super) fn statements(&self) -> [Option<Statement>; 5] {
        let used = self.used.iter().map(|(invite, times)| UsedRow {
            id: Hex(invite.uuid()),
            times: *times,
        });
        let revoked = self.revoked.iter().map(|invite| Hex(invite.uuid()));
        let cohorts = |paused: bool| {
            let of = self.paused.iter().filter(move |(_, now)| **now == paused);
            of.map(|((space, cohort), _)| CohortRow {
                space: Hex(space.uuid()),
                cohort,
            })
        };
        [
            Statement::over(include_str!("../insert_invites.sql"), self.created.values()),
            Statement::over(include_str!("../use_invites.sql"), used),
            Statement::over(include_str!("../revoke_invites.sql"), revoked),
            Statement::over(include_str!("../pause_cohorts.sql"), cohorts(true)),
            Statement::over(include_str!("../resume_cohorts.sql"), cohorts(false)),
        ]
    }
}

#[derive(Serialize)]
struct CreatedRow<'a> {
    id: Hex,
    space: Hex,
    code: domain::space::CodeHash,
    by: Hex,
    role: domain::space::Role,
    at: i64,
    expires_at: Option<i64>,
    uses: Option<u16>,
    cohort: Option<&'a str>,
}

#[derive(Serialize)]
struct UsedRow {
    id: Hex,
    times: u64,
}

#[derive(Serialize)]
struct CohortRow<'a> {
    space: Hex,
    cohort: &'a str,
}

//! Invites of a space: who makes them, who gets in by them, and how they end. The code itself is a secret that is not here: the log has
//! its hash. An invite that is used up, revoked or over is gone from the state, so it answers like one that never was.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    fmt,
};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

use super::{
    CohortPaused, CohortResumed, Event, InviteCreated, InviteRedeemed, InviteRevoked, JoinRule, MemberAdded, Open,
    Rejection, Role,
};
use crate::{Cohort, Context, InviteId, Reason, UserId, limits, rights::Right};

/// SHA-256 of an invite's code.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CodeHash([u8; 32]);

impl CodeHash {
    pub const fn new(digest: [u8; 32]) -> Self {
        Self(digest)
    }

    pub const fn bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for CodeHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("CodeHash")
    }
}

/// In hexadecimal.
impl Serialize for CodeHash {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let digits: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        serializer.serialize_str(&digits)
    }
}

impl<'de> Deserialize<'de> for CodeHash {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        let wrong = || D::Error::custom("not 64 hexadecimal digits");
        if text.len() != 64 || !text.is_ascii() {
            return Err(wrong());
        }
        let mut digest = [0; 32];
        for (place, byte) in digest.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * place..2 * place + 2], 16).map_err(|_| wrong())?;
        }
        Ok(Self(digest))
    }
}

/// What an invite is to be like.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Terms {
    /// Guest or member.
    pub role: Role,
    /// From now on; the moment itself follows from when it is decided, so that a retry says the same.
    pub expires_in_s: Option<u32>,
    /// People it lets in, at most [`limits::INVITE_USES_MAX`]; without it any number.
    pub uses: Option<u16>,
    pub cohort: Option<Cohort>,
}

/// The invites that let somebody in, and the cohorts whose invites rest.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Invites {
    open: HashMap<CodeHash, Invite>,
    paused: BTreeSet<Cohort>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Invite {
    id: InviteId,
    role: Role,
    expires_at: Option<DateTime<Utc>>,
    uses_left: Option<u16>,
    cohort: Option<Cohort>,
    /// Who came by it, where that is counted: nobody takes two of its uses.
    users: HashSet<UserId>,
}

impl Invites {
    /// The invite of that code, unless it is over or rests.
    fn admitting(&self, code: CodeHash, now: DateTime<Utc>) -> Option<&Invite> {
        let rests = |invite: &Invite| {
            invite
                .cohort
                .as_ref()
                .is_some_and(|cohort| self.paused.contains(cohort))
        };
        let invite = self.open.get(&code)?;
        (invite.is_ahead(now) && !rests(invite)).then_some(invite)
    }

    fn count(&self, now: DateTime<Utc>) -> usize {
        self.open.values().filter(|invite| invite.is_ahead(now)).count()
    }

    fn holds(&self, id: InviteId) -> bool {
        self.open.values().any(|invite| invite.id == id)
    }

    pub(super) fn created(&mut self, created: &InviteCreated, at: DateTime<Utc>) {
        // What is over is forgotten here, so that the map stays as small as its limit.
        self.open.retain(|_, invite| invite.is_ahead(at));
        let invite = Invite {
            id: created.invite,
            role: created.role,
            expires_at: created.expires_at,
            uses_left: created.uses,
            cohort: created.cohort.clone(),
            users: HashSet::new(),
        };
        self.open.insert(created.code, invite);
    }

    pub(super) fn redeemed(&mut self, redeemed: &InviteRedeemed) {
        let Some(invite) = self.open.values_mut().find(|invite| invite.id == redeemed.invite) else {
            return;
        };
        if let Some(left) = &mut invite.uses_left
            && invite.users.insert(redeemed.user)
        {
            *left = left.saturating_sub(1);
        }
        self.open.retain(|_, invite| invite.uses_left != Some(0));
    }

    pub(super) fn revoked(&mut self, revoked: &InviteRevoked) {
        self.open.retain(|_, invite| invite.id != revoked.invite);
    }

    pub(super) fn paused(&mut self, cohort: &Cohort) {
        self.paused.insert(cohort.clone());
    }

    pub(super) fn resumed(&mut self, cohort: &Cohort) {
        self.paused.remove(cohort);
    }

    pub(super) fn weight(&self) -> usize {
        /// An invite, its hash and the map's slack.
        const INVITE_BYTES: usize = 256;
        /// A label in its tree.
        const COHORT_BYTES: usize = 64;
        let users: usize = self.open.values().map(|invite| invite.users.capacity()).sum();
        self.open.capacity() * INVITE_BYTES + users * size_of::<UserId>() * 2 + self.paused.len() * COHORT_BYTES
    }
}

impl Invite {
    fn is_ahead(&self, now: DateTime<Utc>) -> bool {
        self.expires_at.is_none_or(|end| end > now)
    }
}

impl Open {
    pub(super) fn create_invite(
        &self,
        ctx: &Context,
        invite: InviteId,
        code: CodeHash,
        terms: Terms,
    ) -> Result<Vec<Event>, Rejection> {
        self.right(ctx, Right::Invite)?;
        self.unarchived()?;
        // Everybody who may invite ranks above members; nobody hands out a rank that moderates.
        if terms.role > Role::Member
            || terms
                .uses
                .is_some_and(|uses| !(1..=limits::INVITE_USES_MAX).contains(&uses))
        {
            return Err(Rejection::Forbidden);
        }
        if self.invites.holds(invite) {
            return Ok(vec![]);
        }
        if self.invites.count(ctx.now) >= limits::INVITES_OPEN_MAX {
            return Err(Rejection::TooManyInvites {
                max: limits::INVITES_OPEN_MAX,
            });
        }
        let expires_at = terms
            .expires_in_s
            .map(|wait| ctx.now + TimeDelta::seconds(i64::from(wait)));
        Ok(vec![Event::InviteCreated(InviteCreated {
            invite,
            code,
            role: terms.role,
            expires_at,
            uses: terms.uses,
            cohort: terms.cohort,
        })])
    }

    /// Revoking what lets nobody in any more is already so.
    pub(super) fn revoke_invite(
        &self,
        ctx: &Context,
        invite: InviteId,
        reason: Option<Reason>,
    ) -> Result<Vec<Event>, Rejection> {
        self.right(ctx, Right::Invite)?;
        Ok(if self.invites.holds(invite) {
            vec![Event::InviteRevoked(InviteRevoked { invite, reason })]
        } else {
            vec![]
        })
    }

    /// A cohort may be paused before its first invite is made.
    pub(super) fn set_cohort(
        &self,
        ctx: &Context,
        cohort: Cohort,
        paused: bool,
        reason: Option<Reason>,
    ) -> Result<Vec<Event>, Rejection> {
        self.right(ctx, Right::Invite)?;
        if self.invites.paused.contains(&cohort) == paused {
            return Ok(vec![]);
        }
        if !paused {
            return Ok(vec![Event::CohortResumed(CohortResumed { cohort, reason })]);
        }
        if self.invites.paused.len() >= limits::COHORTS_PAUSED_MAX {
            return Err(Rejection::TooManyCohorts {
                max: limits::COHORTS_PAUSED_MAX,
            });
        }
        Ok(vec![Event::CohortPaused(CohortPaused { cohort, reason })])
    }

    /// Whoever is in already stays as they are and takes no use. Everybody whom the code does not let in hears the same.
    pub(super) fn redeem(&self, ctx: &Context, code: CodeHash) -> Result<Vec<Event>, Rejection> {
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        if self.roles.contains_key(&user) {
            return Ok(vec![]);
        }
        let invite = self.admitting(code, ctx.now).ok_or(Rejection::NoSuchInvite)?;
        if self.bans.holds(user, ctx.now) {
            return Err(Rejection::NoSuchInvite);
        }
        Ok(vec![
            Event::InviteRedeemed(InviteRedeemed {
                invite: invite.id,
                user,
                again: invite.users.contains(&user),
            }),
            Event::MemberAdded(MemberAdded {
                user,
                role: invite.role,
            }),
        ])
    }

    /// Whether somebody new could come in by that code now.
    pub fn admits(&self, code: CodeHash, now: DateTime<Utc>) -> bool {
        self.admitting(code, now).is_some()
    }

    fn admitting(&self, code: CodeHash, now: DateTime<Utc>) -> Option<&Invite> {
        if self.archived || self.join == JoinRule::Closed {
            return None;
        }
        self.invites.admitting(code, now)
    }
}

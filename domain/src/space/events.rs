//! What can happen to a space, as the log keeps it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{CodeHash, JoinRule, Role};
use crate::{Cohort, InviteId, Reason, SpaceName, UserId, codec::codec};

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Created(Created),
    Updated(Updated),
    Archived(Archived),
    Restored(Restored),
    MemberAdded(MemberAdded),
    RoleSet(RoleSet),
    OwnershipTransferred(OwnershipTransferred),
    MemberLeft(MemberLeft),
    MemberRemoved(MemberRemoved),
    MemberBanned(MemberBanned),
    MemberUnbanned(MemberUnbanned),
    MemberMuted(MemberMuted),
    MemberUnmuted(MemberUnmuted),
    InviteCreated(InviteCreated),
    InviteRevoked(InviteRevoked),
    InviteRedeemed(InviteRedeemed),
    CohortPaused(CohortPaused),
    CohortResumed(CohortResumed),
}

codec!(Event {
    Created = "space.created" 1,
    Updated = "space.updated" 1,
    Archived = "space.archived" 1,
    Restored = "space.restored" 1,
    MemberAdded = "space.member_added" 1,
    RoleSet = "space.role_set" 1,
    OwnershipTransferred = "space.ownership_transferred" 1,
    MemberLeft = "space.member_left" 1,
    MemberRemoved = "space.member_removed" 1,
    MemberBanned = "space.member_banned" 1,
    MemberUnbanned = "space.member_unbanned" 1,
    MemberMuted = "space.member_muted" 1,
    MemberUnmuted = "space.member_unmuted" 1,
    InviteCreated = "space.invite_created" 1,
    InviteRevoked = "space.invite_revoked" 1,
    InviteRedeemed = "space.invite_redeemed" 1,
    CohortPaused = "space.cohort_paused" 1,
    CohortResumed = "space.cohort_resumed" 1,
});

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Created {
    pub name: SpaceName,
    pub join: JoinRule,
}

/// Only what changed is present.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Updated {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub name: Option<SpaceName>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub join: Option<JoinRule>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Archived {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Restored {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberAdded {
    pub user: UserId,
    pub role: Role,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RoleSet {
    pub user: UserId,
    pub role: Role,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

/// `to` is the owner from here on, `from` an admin.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct OwnershipTransferred {
    pub from: UserId,
    pub to: UserId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberLeft {
    pub user: UserId,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberRemoved {
    pub user: UserId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

/// Ends a membership, if there is one, and keeps the person out until then, or for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberBanned {
    pub user: UserId,
    pub reason: Reason,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberUnbanned {
    pub user: UserId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberMuted {
    pub user: UserId,
    pub reason: Reason,
    pub until: DateTime<Utc>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MemberUnmuted {
    pub user: UserId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

/// Of the code only its hash is kept.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InviteCreated {
    pub invite: InviteId,
    pub code: CodeHash,
    pub role: Role,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub expires_at: Option<DateTime<Utc>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub uses: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cohort: Option<Cohort>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InviteRevoked {
    pub invite: InviteId,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

/// Stands right before the [`MemberAdded`] that it leads to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct InviteRedeemed {
    pub invite: InviteId,
    pub user: UserId,
    /// They came by it before, so that it takes no other use.
    #[serde(skip_serializing_if = "std::ops::Not::not", default)]
    pub again: bool,
}

/// No invite of the cohort lets anybody in until it is resumed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CohortPaused {
    pub cohort: Cohort,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CohortResumed {
    pub cohort: Cohort,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

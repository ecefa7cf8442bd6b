//! What can happen to a space, as the log keeps it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::{JoinRule, Role};
use crate::{Reason, SpaceName, UserId, codec::codec};

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

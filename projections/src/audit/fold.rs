//! Which events are uses of a privilege, and what the trail says of each: somebody did something to somebody or something else by a right
//! that not everyone has. What people do with their own things is nobody's trail.

use domain::{
    Actor, ChannelId, Decider, InviteId, MessageId, Meta, Reason, ReportId, SpaceId, UserId,
    audit::{Audit, Event as AuditEvent, Operated, Read},
    channel::{Channel, Event as ChannelEvent},
    report::{Event as ReportEvent, Report},
    space::{Event as SpaceEvent, Space},
    user::{Event as UserEvent, User},
};
use serde::Serialize;

use super::TargetKind;
use crate::{
    Event, Fact,
    columns::Hex,
    digest::Table,
    registry::{Projection, Schema, Statement},
};

pub(crate) static AUDIT: Projection = Projection {
    name: "audit",
    version: 3,
    categories: &[
        User::CATEGORY,
        Space::CATEGORY,
        Channel::CATEGORY,
        Report::CATEGORY,
        Audit::CATEGORY,
    ],
    tables: &[
        Table::of_many("audit_act", "actor", UserId::PREFIX),
        Table::of_stream("audit_channel", "id", Channel::CATEGORY),
    ],
    schema: Schema {
        tables: include_str!("tables.sql"),
        indexes: include_str!("indexes.sql"),
    },
    fold,
};

/// Every kind of act the trail can hold.
pub const KINDS: &[&str] = &[
    "role.granted",
    "role.revoked",
    "user.suspended",
    "user.reinstated",
    "space.updated",
    "space.archived",
    "space.restored",
    "space.member_added",
    "space.role_set",
    "space.ownership_transferred",
    "space.member_removed",
    "space.member_banned",
    "space.member_unbanned",
    "space.member_muted",
    "space.member_unmuted",
    "channel.updated",
    "channel.archived",
    "member.removed",
    "message.deleted",
    "message.restored",
    "report.resolved",
    "report.undone",
    "audit.read",
    "view.event_skipped",
    "view.rebuild_begun",
    "view.rebuild_cancelled",
    "view.promoted",
    "view.rolled_back",
    "view.retired",
];

fn fold(events: &[&Event]) -> Vec<Statement> {
    let mut acts = vec![];
    let mut channels = vec![];
    for event in events {
        if let Fact::Channel(channel, ChannelEvent::Created(created)) = &event.fact
            && let Some(space) = created.space
        {
            channels.push(ChannelRow {
                id: Hex(channel.uuid()),
                space: Hex(space.uuid()),
            });
        }
        acts.extend(act(&event.fact, &event.meta).map(|act| act.row(event)));
    }
    [
        Statement::over(include_str!("insert_channels.sql"), channels),
        Statement::over(include_str!("insert_acts.sql"), acts),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// What the trail says of an event besides who and when.
struct Act<'a> {
    kind: &'static str,
    target: (TargetKind, Option<Hex>),
    /// Of what has no id.
    name: Option<&'a str>,
    space: Option<SpaceId>,
    channel: Option<ChannelId>,
    reason: Option<&'a Reason>,
}

impl<'a> Act<'a> {
    fn on_user(kind: &'static str, user: UserId) -> Self {
        Self::on(kind, TargetKind::User, Hex(user.uuid()))
    }

    fn on_space(kind: &'static str, space: SpaceId) -> Self {
        Self::on(kind, TargetKind::Space, Hex(space.uuid()))
    }

    fn on_channel(kind: &'static str, channel: ChannelId) -> Self {
        Self::on(kind, TargetKind::Channel, Hex(channel.uuid()))
    }

    fn on_message(kind: &'static str, message: MessageId) -> Self {
        Self::on(kind, TargetKind::Message, Hex(message.uuid()))
    }

    fn on_report(kind: &'static str, report: ReportId) -> Self {
        Self::on(kind, TargetKind::Report, Hex(report.uuid()))
    }

    fn on_invite(kind: &'static str, invite: InviteId) -> Self {
        Self::on(kind, TargetKind::Invite, Hex(invite.uuid()))
    }

    /// Views have names and no ids.
    fn on_view(kind: &'static str, view: &'a str) -> Self {
        Self {
            kind,
            target: (TargetKind::View, None),
            name: Some(view),
            space: None,
            channel: None,
            reason: None,
        }
    }

    /// A label of a space is no id; the event has it.
    fn on_cohort(kind: &'static str) -> Self {
        Self {
            kind,
            target: (TargetKind::Cohort, None),
            name: None,
            space: None,
            channel: None,
            reason: None,
        }
    }

    fn on(kind: &'static str, what: TargetKind, id: Hex) -> Self {
        Self {
            kind,
            target: (what, Some(id)),
            name: None,
            space: None,
            channel: None,
            reason: None,
        }
    }

    fn because(self, reason: impl Into<Option<&'a Reason>>) -> Self {
        Self {
            reason: reason.into(),
            ..self
        }
    }

    fn within(self, space: impl Into<Option<SpaceId>>, channel: impl Into<Option<ChannelId>>) -> Self {
        Self {
            space: space.into(),
            channel: channel.into(),
            ..self
        }
    }

    fn row(self, event: &Event) -> Row<'a> {
        Row {
            position: event.position,
            at: event.meta.at.timestamp_micros(),
            kind: self.kind,
            actor: Hex(event.meta.actor.uuid()),
            target_kind: self.target.0,
            target: self.target.1,
            name: self.name,
            space: self.space.map(|space| Hex(space.uuid())),
            channel: self.channel.map(|channel| Hex(channel.uuid())),
            reason: self.reason.map(|reason| reason.as_str()),
            event: Hex(event.meta.id.uuid()),
        }
    }
}

fn act<'a>(fact: &'a Fact, meta: &Meta) -> Option<Act<'a>> {
    match fact {
        Fact::User(user, event) => on_person(*user, event),
        Fact::Space(space, event) => in_space(*space, event, meta.actor).map(|act| act.within(*space, None)),
        Fact::Channel(channel, event) => in_channel(*channel, event, meta.actor).map(|act| act.within(None, *channel)),
        Fact::Report(report, event) => on_report(*report, event),
        Fact::Audit(_, AuditEvent::Read(read)) => Some(look(read)),
        Fact::Audit(_, AuditEvent::Skipped(skipped)) => Some(Act {
            reason: Some(&skipped.reason),
            ..Act::on_view("view.event_skipped", &skipped.view)
        }),
        Fact::Audit(_, AuditEvent::RebuildBegun(operated)) => on_view("view.rebuild_begun", operated),
        Fact::Audit(_, AuditEvent::RebuildCancelled(operated)) => on_view("view.rebuild_cancelled", operated),
        Fact::Audit(_, AuditEvent::Promoted(operated)) => on_view("view.promoted", operated),
        Fact::Audit(_, AuditEvent::RolledBack(operated)) => on_view("view.rolled_back", operated),
        Fact::Audit(_, AuditEvent::Retired(operated)) => on_view("view.retired", operated),
        Fact::Inbox(..) => None,
    }
}

/// At the trail itself, or at a channel as it was.
fn look(read: &Read) -> Act<'_> {
    let target = read.target.as_ref().filter(|_| read.at.is_some());
    let channel: Option<ChannelId> = target.and_then(|id| id.parse().ok());
    Act {
        kind: "audit.read",
        target: match channel {
            Some(channel) => (TargetKind::Channel, Some(Hex(channel.uuid()))),
            None => (TargetKind::Trail, None),
        },
        name: None,
        space: None,
        channel,
        reason: None,
    }
}

fn on_view<'a>(kind: &'static str, operated: &'a Operated) -> Option<Act<'a>> {
    Some(Act::on_view(kind, &operated.view).because(&operated.reason))
}

fn on_person(user: UserId, event: &UserEvent) -> Option<Act<'_>> {
    match event {
        UserEvent::RoleGranted(_) => Some(Act::on_user("role.granted", user)),
        UserEvent::RoleRevoked(_) => Some(Act::on_user("role.revoked", user)),
        UserEvent::Suspended(suspended) => Some(Act::on_user("user.suspended", user).because(&suspended.reason)),
        UserEvent::Reinstated(reinstated) => Some(Act::on_user("user.reinstated", user).because(&reinstated.reason)),
        UserEvent::Registered(_)
        | UserEvent::ProfileChanged(_)
        | UserEvent::SessionStarted(_)
        | UserEvent::SessionRevoked(_)
        | UserEvent::SessionsRevoked(_)
        | UserEvent::Blocked(_)
        | UserEvent::Unblocked(_)
        | UserEvent::IdentityProved(_)
        | UserEvent::IdentityRemoved(_)
        | UserEvent::IdentityLapsed(_) => None,
    }
}

fn in_space(space: SpaceId, event: &SpaceEvent, actor: Actor) -> Option<Act<'_>> {
    match event {
        SpaceEvent::Updated(_) => Some(Act::on_space("space.updated", space)),
        SpaceEvent::Archived(archived) => Some(Act::on_space("space.archived", space).because(&archived.reason)),
        SpaceEvent::Restored(restored) => Some(Act::on_space("space.restored", space).because(&restored.reason)),
        SpaceEvent::MemberAdded(added) => by_another("space.member_added", added.user, actor),
        SpaceEvent::RoleSet(set) => Some(Act::on_user("space.role_set", set.user).because(&set.reason)),
        SpaceEvent::OwnershipTransferred(transferred) => {
            Some(Act::on_user("space.ownership_transferred", transferred.to))
        }
        SpaceEvent::MemberRemoved(removed) => {
            Some(Act::on_user("space.member_removed", removed.user).because(&removed.reason))
        }
        SpaceEvent::MemberBanned(banned) => {
            Some(Act::on_user("space.member_banned", banned.user).because(&banned.reason))
        }
        SpaceEvent::MemberUnbanned(unbanned) => {
            Some(Act::on_user("space.member_unbanned", unbanned.user).because(&unbanned.reason))
        }
        SpaceEvent::MemberMuted(muted) => Some(Act::on_user("space.member_muted", muted.user).because(&muted.reason)),
        SpaceEvent::MemberUnmuted(unmuted) => {
            Some(Act::on_user("space.member_unmuted", unmuted.user).because(&unmuted.reason))
        }
        SpaceEvent::InviteCreated(created) => Some(Act::on_invite("space.invite_created", created.invite)),
        SpaceEvent::InviteRevoked(revoked) => {
            Some(Act::on_invite("space.invite_revoked", revoked.invite).because(&revoked.reason))
        }
        SpaceEvent::CohortPaused(paused) => Some(Act::on_cohort("space.cohort_paused").because(&paused.reason)),
        SpaceEvent::CohortResumed(resumed) => Some(Act::on_cohort("space.cohort_resumed").because(&resumed.reason)),
        SpaceEvent::Created(_) | SpaceEvent::MemberLeft(_) | SpaceEvent::InviteRedeemed(_) => None,
    }
}

fn in_channel(channel: ChannelId, event: &ChannelEvent, actor: Actor) -> Option<Act<'_>> {
    match event {
        ChannelEvent::Updated(_) => Some(Act::on_channel("channel.updated", channel)),
        ChannelEvent::Archived(_) => Some(Act::on_channel("channel.archived", channel)),
        // What the service removes follows from what happened in the space, which is in the trail itself.
        ChannelEvent::MemberRemoved(_) if actor == Actor::System => None,
        ChannelEvent::MemberRemoved(removed) => {
            Some(Act::on_user("member.removed", removed.user).because(&removed.reason))
        }
        ChannelEvent::Deleted(deleted) => deleted
            .author
            .map(|_| Act::on_message("message.deleted", deleted.message).because(&deleted.reason)),
        ChannelEvent::Restored(restored) => {
            Some(Act::on_message("message.restored", restored.message).because(&restored.reason))
        }
        ChannelEvent::Created(_)
        | ChannelEvent::MemberAdded(_)
        | ChannelEvent::MemberLeft(_)
        | ChannelEvent::Sent(_)
        | ChannelEvent::Edited(_)
        | ChannelEvent::Reacted(_)
        | ChannelEvent::Unreacted(_)
        | ChannelEvent::Voted(_)
        | ChannelEvent::Unvoted(_)
        | ChannelEvent::Pinned(_)
        | ChannelEvent::Unpinned(_) => None,
    }
}

fn on_report(report: ReportId, event: &ReportEvent) -> Option<Act<'_>> {
    let (act, target) = match event {
        ReportEvent::Resolved(resolved) => (
            Act::on_report("report.resolved", report).because(&resolved.reason),
            &resolved.target,
        ),
        ReportEvent::Undone(undone) => (
            Act::on_report("report.undone", report).because(&undone.reason),
            &undone.target,
        ),
        ReportEvent::Opened(_) => return None,
    };
    Some(act.within(target.space, target.channel))
}

/// Adding somebody is a privilege; joining is not.
fn by_another<'a>(kind: &'static str, user: UserId, actor: Actor) -> Option<Act<'a>> {
    (actor != Actor::User(user)).then(|| Act::on_user(kind, user))
}

#[derive(Serialize)]
struct Row<'a> {
    position: u64,
    at: i64,
    kind: &'static str,
    actor: Hex,
    target_kind: TargetKind,
    target: Option<Hex>,
    name: Option<&'a str>,
    space: Option<Hex>,
    channel: Option<Hex>,
    reason: Option<&'a str>,
    event: Hex,
}

#[derive(Serialize)]
struct ChannelRow {
    id: Hex,
    space: Hex,
}

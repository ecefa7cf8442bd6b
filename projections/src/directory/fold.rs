//! How events of people and spaces change the directory.

use std::collections::BTreeMap;

use domain::{
    Decider, Meta, SpaceId, UserId,
    space::{Created, Event as SpaceEvent, JoinRule, MemberAdded, OwnershipTransferred, Role, RoleSet, Space, Updated},
    user::{Event as UserEvent, ServiceRole, User},
};
use serde::Serialize;

use crate::{
    Event, Fact,
    columns::Hex,
    digest::Table,
    registry::{Projection, Schema, Statement},
};

mod invites;
mod sanctions;

use invites::Invites;
use sanctions::Sanctions;

pub(crate) static DIRECTORY: Projection = Projection {
    name: "directory",
    version: 3,
    categories: &[User::CATEGORY, Space::CATEGORY],
    tables: &[
        Table::of_stream("directory_person", "id", User::CATEGORY),
        Table::of_stream("directory_service_role", "user", User::CATEGORY),
        Table::of_stream("directory_space", "id", Space::CATEGORY),
        Table::of_stream("directory_space_member", "space", Space::CATEGORY),
        Table::of_stream("directory_sanction", "space", Space::CATEGORY),
        Table::of_stream("directory_invite", "space", Space::CATEGORY),
        Table::of_stream("directory_paused_cohort", "space", Space::CATEGORY),
    ],
    schema: Schema {
        tables: include_str!("tables.sql"),
        indexes: include_str!("indexes.sql"),
    },
    fold,
};

fn fold(events: &[&Event]) -> Vec<Statement> {
    let mut pending = Pending::default();
    for event in events {
        match &event.fact {
            Fact::User(user, fact) => pending.person(*user, fact, event.position),
            Fact::Space(space, fact) => pending.space(*space, fact, &event.meta),
            Fact::Channel(..) | Fact::Inbox(..) | Fact::Report(..) | Fact::Audit(..) => {}
        }
    }
    pending.statements()
}

/// What a run of events amounts to.
#[derive(Default)]
struct Pending<'a> {
    registered: BTreeMap<UserId, PersonRow<'a>>,
    /// New display names of people registered in earlier runs.
    renamed: BTreeMap<UserId, &'a str>,
    /// Whether the person has the role now.
    roles: BTreeMap<(UserId, ServiceRole), bool>,
    spaces: BTreeMap<SpaceId, Settings<'a>>,
    memberships: BTreeMap<(SpaceId, UserId), Membership>,
    sanctions: Sanctions<'a>,
    invites: Invites<'a>,
}

/// What became of a space; what is `None` did not change.
#[derive(Default)]
struct Settings<'a> {
    created: Option<&'a Created>,
    name: Option<&'a str>,
    join: Option<JoinRule>,
    archived: Option<bool>,
}

/// What became of a membership.
#[derive(Default)]
struct Membership {
    /// The one that stood before this run is over.
    ended: bool,
    /// The role now, and since when if it is a new membership.
    now: Option<(Role, i64)>,
}

impl<'a> Pending<'a> {
    fn person(&mut self, user: UserId, event: &'a UserEvent, position: u64) {
        match event {
            UserEvent::Registered(registered) => {
                self.registered.entry(user).or_insert(PersonRow {
                    id: Hex(user.uuid()),
                    handle: registered.handle.as_str(),
                    display_name: registered.display_name.as_str(),
                    registered: position,
                });
            }
            UserEvent::ProfileChanged(changed) => self.rename(user, changed.display_name.as_str()),
            UserEvent::RoleGranted(granted) => {
                self.roles.insert((user, granted.role), true);
            }
            UserEvent::RoleRevoked(revoked) => {
                self.roles.insert((user, revoked.role), false);
            }
            // Shown with their last look, which is no event: from the person's own stream.
            UserEvent::IdentityProved(_) | UserEvent::IdentityRemoved(_) | UserEvent::IdentityLapsed(_) => {}
            // Who may sign in, and whom somebody has blocked, is nobody else's business.
            UserEvent::SessionStarted(_)
            | UserEvent::SessionRevoked(_)
            | UserEvent::SessionsRevoked(_)
            | UserEvent::Suspended(_)
            | UserEvent::Reinstated(_)
            | UserEvent::Blocked(_)
            | UserEvent::Unblocked(_) => {}
        }
    }

    fn rename(&mut self, user: UserId, display_name: &'a str) {
        match self.registered.get_mut(&user) {
            Some(row) => row.display_name = display_name,
            None => {
                self.renamed.insert(user, display_name);
            }
        }
    }

    fn space(&mut self, space: SpaceId, event: &'a SpaceEvent, meta: &Meta) {
        match event {
            SpaceEvent::Created(created) => {
                self.spaces.entry(space).or_default().created.get_or_insert(created);
            }
            SpaceEvent::Updated(updated) => self.spaces.entry(space).or_default().update(updated),
            SpaceEvent::Archived(_) => self.spaces.entry(space).or_default().archived = Some(true),
            SpaceEvent::Restored(_) => self.spaces.entry(space).or_default().archived = Some(false),
            SpaceEvent::MemberAdded(MemberAdded { user, role }) | SpaceEvent::RoleSet(RoleSet { user, role, .. }) => {
                self.membership(space, *user).put(*role, meta);
            }
            SpaceEvent::OwnershipTransferred(OwnershipTransferred { from, to }) => {
                self.membership(space, *from).put(Role::Admin, meta);
                self.membership(space, *to).put(Role::Owner, meta);
            }
            SpaceEvent::MemberLeft(left) => self.membership(space, left.user).end(),
            SpaceEvent::MemberRemoved(removed) => self.membership(space, removed.user).end(),
            SpaceEvent::MemberBanned(banned) => {
                self.membership(space, banned.user).end();
                self.sanctions.ban(space, banned, meta);
            }
            SpaceEvent::MemberUnbanned(unbanned) => self.sanctions.unban(space, unbanned.user),
            SpaceEvent::MemberMuted(muted) => self.sanctions.mute(space, muted, meta),
            SpaceEvent::MemberUnmuted(unmuted) => self.sanctions.unmute(space, unmuted.user),
            SpaceEvent::InviteCreated(created) => self.invites.create(space, created, meta),
            SpaceEvent::InviteRevoked(revoked) => self.invites.revoke(revoked.invite),
            SpaceEvent::InviteRedeemed(redeemed) => self.invites.redeem(redeemed.invite, redeemed.again),
            SpaceEvent::CohortPaused(paused) => self.invites.set_cohort(space, &paused.cohort, true),
            SpaceEvent::CohortResumed(resumed) => self.invites.set_cohort(space, &resumed.cohort, false),
        }
    }

    fn membership(&mut self, space: SpaceId, user: UserId) -> &mut Membership {
        self.memberships.entry((space, user)).or_default()
    }

    fn statements(self) -> Vec<Statement> {
        let renamed = self.renamed.iter().map(|(user, name)| RenameRow {
            id: Hex(user.uuid()),
            display_name: name,
        });
        let roles = |has: bool| {
            let rows = self.roles.iter().filter(move |(_, now)| **now == has);
            rows.map(|((user, role), _)| RoleRow {
                user: Hex(user.uuid()),
                role: *role,
            })
        };
        let created = self
            .spaces
            .iter()
            .filter_map(|(space, settings)| settings.created_row(*space));
        let changed = self.spaces.iter().filter(|(_, settings)| settings.created.is_none());
        let ended = self.memberships.iter().filter(|(_, membership)| membership.ended);
        let put = self
            .memberships
            .iter()
            .filter(|(_, membership)| membership.now.is_some());
        [
            Statement::over(include_str!("insert_people.sql"), self.registered.values()),
            Statement::over(include_str!("rename_people.sql"), renamed),
            Statement::over(include_str!("grant_roles.sql"), roles(true)),
            Statement::over(include_str!("revoke_roles.sql"), roles(false)),
            Statement::over(include_str!("insert_spaces.sql"), created),
            Statement::over(
                include_str!("change_spaces.sql"),
                changed.map(|(space, settings)| settings.row(*space)),
            ),
            Statement::over(
                include_str!("delete_space_members.sql"),
                ended.map(|(key, membership)| membership.row(key)),
            ),
            Statement::over(
                include_str!("put_space_members.sql"),
                put.map(|(key, membership)| membership.row(key)),
            ),
        ]
        .into_iter()
        .chain(self.sanctions.statements())
        .chain(self.invites.statements())
        .flatten()
        .collect()
    }
}

impl<'a> Settings<'a> {
    fn update(&mut self, updated: &'a Updated) {
        if let Some(name) = &updated.name {
            self.name = Some(name.as_str());
        }
        self.join = updated.join.or(self.join);
    }

    fn row(&self, space: SpaceId) -> SpaceRow<'a> {
        SpaceRow {
            id: Hex(space.uuid()),
            name: self.name,
            join_rule: self.join,
            archived: self.archived,
        }
    }

    fn created_row(&self, space: SpaceId) -> Option<SpaceRow<'a>> {
        let created = self.created?;
        Some(SpaceRow {
            name: self.name.or(Some(created.name.as_str())),
            join_rule: self.join.or(Some(created.join)),
            archived: self.archived.or(Some(false)),
            ..self.row(space)
        })
    }
}

impl Membership {
    /// A change of role keeps the day of joining.
    fn put(&mut self, role: Role, meta: &Meta) {
        let joined_at = self.now.map_or(meta.at.timestamp_micros(), |(_, joined_at)| joined_at);
        self.now = Some((role, joined_at));
    }

    fn end(&mut self) {
        *self = Self { ended: true, now: None };
    }

    fn row(&self, (space, user): &(SpaceId, UserId)) -> MemberRow {
        let (role, joined_at) = self.now.unzip();
        MemberRow {
            space: Hex(space.uuid()),
            user: Hex(user.uuid()),
            role,
            joined_at,
        }
    }
}

#[derive(Serialize)]
struct PersonRow<'a> {
    id: Hex,
    handle: &'a str,
    display_name: &'a str,
    registered: u64,
}

#[derive(Serialize)]
struct RenameRow<'a> {
    id: Hex,
    display_name: &'a str,
}

#[derive(Serialize)]
struct RoleRow {
    user: Hex,
    role: ServiceRole,
}

#[derive(Serialize)]
struct SpaceRow<'a> {
    id: Hex,
    name: Option<&'a str>,
    join_rule: Option<JoinRule>,
    archived: Option<bool>,
}

#[derive(Serialize)]
struct MemberRow {
    space: Hex,
    user: Hex,
    role: Option<Role>,
    joined_at: Option<i64>,
}

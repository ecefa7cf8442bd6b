//! How channels, groups and direct conversations come to be.

use super::*;
use crate::{Actor, limits, space::Role as SpaceRole};

fn create_text() -> Command {
    Command::CreateText {
        space: SPACE,
        name: name("general"),
        private: false,
        history: None,
    }
}

fn create_group(members: Vec<UserId>) -> Command {
    Command::CreateGroup { name: None, members }
}

fn created(kind: Kind, space: Option<SpaceId>, named: Option<&str>, history: History) -> Event {
    Event::Created(Created {
        kind,
        space,
        name: named.map(name),
        private: space.is_none(),
        history,
    })
}

fn owner(user: UserId) -> Event {
    Event::MemberAdded(MemberAdded {
        user,
        role: Role::Owner,
    })
}

#[test]
fn an_admin_opens_a_channel_and_is_its_first_member() {
    nothing::<Channel>()
        .when(ALICE, create_text())
        .as_role(SpaceRole::Admin)
        .then([
            created(Kind::Text, Some(SPACE), Some("general"), History::All),
            owner(ALICE),
        ]);
}

#[test]
fn a_channel_keeps_the_privacy_and_history_it_was_opened_with() {
    let command = Command::CreateText {
        space: SPACE,
        name: name("staff"),
        private: true,
        history: Some(History::SinceJoin),
    };
    let created = Created {
        kind: Kind::Text,
        space: Some(SPACE),
        name: Some(name("staff")),
        private: true,
        history: History::SinceJoin,
    };
    nothing::<Channel>()
        .when(ALICE, command)
        .as_role(SpaceRole::Owner)
        .then([Event::Created(created), owner(ALICE)]);
}

#[test]
fn below_admin_nobody_opens_a_channel() {
    for role in [SpaceRole::Guest, SpaceRole::Member, SpaceRole::Moderator] {
        nothing::<Channel>()
            .when(BOB, create_text())
            .as_role(role)
            .rejected(Rejection::Forbidden);
    }
}

#[test]
fn a_stranger_to_the_space_opens_no_channel_and_learns_nothing_of_it() {
    nothing::<Channel>()
        .when(DAVE, create_text())
        .rejected(Rejection::NoSuchSpace);
    nothing::<Channel>()
        .when(DAVE, create_text())
        .in_an_archived_space()
        .rejected(Rejection::NoSuchSpace);
}

#[test]
fn nobody_opens_a_channel_in_an_archived_space() {
    for role in [SpaceRole::Admin, SpaceRole::Owner] {
        nothing::<Channel>()
            .when(ALICE, create_text())
            .as_role(role)
            .in_an_archived_space()
            .rejected(Rejection::SpaceArchived);
    }
}

#[test]
fn the_service_itself_opens_nothing() {
    nothing::<Channel>()
        .when(Actor::System, create_text())
        .as_role(SpaceRole::Owner)
        .rejected(Rejection::Forbidden);
    nothing::<Channel>()
        .when(Actor::System, create_group(vec![BOB]))
        .rejected(Rejection::Forbidden);
    nothing::<Channel>()
        .when(Actor::System, Command::OpenDirect { with: BOB })
        .rejected(Rejection::Forbidden);
    given::<Channel>(direct())
        .when(Actor::System, Command::OpenDirect { with: BOB })
        .rejected(Rejection::Forbidden);
}

#[test]
fn a_group_starts_with_its_owner_and_each_invited_person_once() {
    nothing::<Channel>()
        .when(ALICE, create_group(vec![CAROL, ALICE, BOB, CAROL]))
        .then([
            created(Kind::Group, None, None, History::SinceJoin),
            owner(ALICE),
            added(BOB),
            added(CAROL),
        ]);
}

#[test]
fn a_group_may_be_named_and_start_with_nobody_else() {
    nothing::<Channel>()
        .when(
            ALICE,
            Command::CreateGroup {
                name: Some(name("plans")),
                members: vec![],
            },
        )
        .then([
            created(Kind::Group, None, Some("plans"), History::SinceJoin),
            owner(ALICE),
        ]);
}

fn crowd(size: usize) -> Vec<UserId> {
    (1..=size).map(someone).collect()
}

#[test]
fn a_group_can_start_full() {
    let others = crowd(limits::GROUP_MEMBERS_MAX - 1);
    let mut events = vec![created(Kind::Group, None, None, History::SinceJoin), owner(ALICE)];
    events.extend(others.iter().copied().map(added));
    nothing::<Channel>().when(ALICE, create_group(others)).then(events);
}

#[test]
fn a_group_cannot_start_with_more_people_than_it_holds() {
    let full = Rejection::Full {
        max: limits::GROUP_MEMBERS_MAX,
    };
    nothing::<Channel>()
        .when(ALICE, create_group(crowd(limits::GROUP_MEMBERS_MAX)))
        .rejected(full);
}

#[test]
fn a_direct_conversation_has_two_equal_people_and_all_of_its_history() {
    nothing::<Channel>()
        .when(ALICE, Command::OpenDirect { with: BOB })
        .then([
            created(Kind::Direct, None, None, History::All),
            added(ALICE),
            added(BOB),
        ]);
}

#[test]
fn nobody_has_a_direct_conversation_with_themselves() {
    nothing::<Channel>()
        .when(ALICE, Command::OpenDirect { with: ALICE })
        .rejected(Rejection::DirectWithSelf);
    given::<Channel>(direct())
        .when(ALICE, Command::OpenDirect { with: ALICE })
        .rejected(Rejection::AlreadyExists);
}

#[test]
fn opening_a_direct_conversation_again_changes_nothing_from_either_side() {
    given::<Channel>(direct())
        .when(ALICE, Command::OpenDirect { with: BOB })
        .then([]);
    given::<Channel>(direct())
        .when(BOB, Command::OpenDirect { with: ALICE })
        .then([]);
}

#[test]
fn a_direct_conversation_is_never_opened_into_that_of_others() {
    given::<Channel>(direct())
        .when(CAROL, Command::OpenDirect { with: BOB })
        .rejected(Rejection::NotFound);
    given::<Channel>(direct())
        .when(ALICE, Command::OpenDirect { with: CAROL })
        .rejected(Rejection::AlreadyExists);
    given::<Channel>(group().joined(BOB))
        .when(ALICE, Command::OpenDirect { with: BOB })
        .rejected(Rejection::AlreadyExists);
}

#[test]
fn an_id_in_use_names_no_second_channel() {
    given::<Channel>(text_channel())
        .when(ALICE, create_text())
        .as_role(SpaceRole::Admin)
        .rejected(Rejection::AlreadyExists);
    given::<Channel>(group())
        .when(ALICE, create_group(vec![]))
        .rejected(Rejection::AlreadyExists);
}

#[test]
fn nothing_can_be_done_in_a_channel_that_was_never_opened() {
    for command in strangers::everything_in_a_channel() {
        for actor in [Actor::User(ALICE), Actor::System] {
            nothing::<Channel>()
                .when(actor, command.clone())
                .as_role(SpaceRole::Owner)
                .rejected(Rejection::NotFound);
        }
    }
}

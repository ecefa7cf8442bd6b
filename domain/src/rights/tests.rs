//! The table against what the rules do, cell by cell, and against the page that shows it.
#![allow(clippy::disallowed_methods, reason = "the page is on disk")]

use std::{fmt::Write, fs, path::PathBuf};

use super::Right;
use crate::{
    ChannelName, Context, Decider, InviteId, Meta, Reason, SpaceId, SpaceName, UserId,
    channel::{self, Channel, Created as ChannelCreated, History, Kind},
    given::{ALICE, BOB, CAROL, DAVE, NOON, event_at, new_event},
    space::{self, JoinRule, MemberAdded, Role, Space},
};

const SPACE: SpaceId = SpaceId::from_u128(0x59ace);

/// Whether a person of that role gets through with what the right is about. Everything else about the command is in order.
fn allowed(right: Right, role: Role) -> bool {
    let (reason, later) = (
        || Reason::parse("because").expect("a reason"),
        NOON + chrono::TimeDelta::hours(1),
    );
    let name = || ChannelName::parse("general").expect("a name");
    let space = |command| in_space(role, command);
    let channel = |private, command| in_channel(role, private, command);
    match right {
        Right::SeeSpace => given_space(role).role(BOB).is_some(),
        Right::LeaveSpace => space(space::Command::Leave),
        Right::RemovePeople => space(space::Command::RemoveMember {
            user: CAROL,
            reason: None,
        }),
        Right::BanPeople => space(space::Command::Ban {
            user: DAVE,
            reason: reason(),
            until: None,
        }),
        Right::MutePeople => space(space::Command::Mute {
            user: CAROL,
            reason: reason(),
            until: later,
        }),
        // Decided at the edge and in the stream of the report, which ask the table.
        Right::HandleReports => role.may(Right::HandleReports),
        Right::SetRoles => space(space::Command::PutMember {
            user: DAVE,
            role: Role::Guest,
            reason: None,
        }),
        Right::Invite => space(space::Command::CreateInvite {
            invite: InviteId::from_u128(1),
            code: space::CodeHash::new([1; 32]),
            terms: space::Terms {
                role: Role::Member,
                expires_in_s: None,
                uses: None,
                cohort: None,
            },
        }),
        Right::ChangeSpace => space(space::Command::Update {
            name: Some(SpaceName::parse("Doers").expect("a name")),
            join: None,
        }),
        Right::ArchiveSpace => space(space::Command::Archive { reason: None }),
        Right::TransferSpace => space(space::Command::Transfer { to: CAROL }),
        Right::OpenChannel => {
            let open = channel::Command::CreateText {
                space: SPACE,
                name: name(),
                private: false,
                history: None,
            };
            decide_channel(&channel::State::Nothing, role, open)
        }
        Right::JoinPublic => join(role, false),
        Right::JoinPrivate => join(role, true),
        Right::BringIntoPublic => channel(false, channel::Command::AddMember { user: DAVE }),
        Right::BringIntoPrivate => channel(true, channel::Command::AddMember { user: DAVE }),
        Right::ModerateChannel => channel(
            false,
            channel::Command::RemoveMember {
                user: CAROL,
                reason: None,
            },
        ),
        Right::PinMessages => {
            let mut state = given_channel(false, &[ALICE, BOB, CAROL]);
            let message = event_at(5).into();
            let sent = channel::Event::Sent(channel::Sent {
                message,
                body: crate::MessageBody::parse("hello").expect("a body"),
                reply_to: None,
                reply_to_author: None,
                thread: None,
                depth: 0,
                mentions: vec![],
            });
            Channel::evolve(&mut state, &sent, &meta(4));
            decide_channel(&state, role, channel::Command::Pin { message })
        }
        Right::GovernChannel => channel(false, channel::Command::Archive),
    }
}

/// A space of Alice's with Bob, who has the role, and Carol, who ranks below everybody who can outrank anyone.
fn given_space(bob: Role) -> space::State {
    let mut state = space::State::default();
    let owner = if bob == Role::Owner { BOB } else { ALICE };
    let added = |user, role| space::Event::MemberAdded(MemberAdded { user, role });
    let created = space::Event::Created(space::Created {
        name: SpaceName::parse("Makers").expect("a name"),
        join: JoinRule::Open,
    });
    let past = [
        created,
        added(owner, Role::Owner),
        added(BOB, bob),
        added(CAROL, Role::Guest),
    ];
    for (place, event) in past.iter().enumerate() {
        Space::evolve(&mut state, event, &meta(place));
    }
    state
}

fn in_space(role: Role, command: space::Command) -> bool {
    Space::decide(&given_space(role), command, &context(role)).is_ok()
}

fn given_channel(private: bool, members: &[UserId]) -> channel::State {
    let mut state = channel::State::default();
    let created = channel::Event::Created(ChannelCreated {
        kind: Kind::Text,
        space: Some(SPACE),
        name: ChannelName::parse("general").ok(),
        private,
        history: History::All,
    });
    Channel::evolve(&mut state, &created, &meta(0));
    for (place, user) in members.iter().enumerate() {
        let added = channel::Event::MemberAdded(channel::MemberAdded {
            user: *user,
            role: channel::Role::Member,
        });
        Channel::evolve(&mut state, &added, &meta(place + 1));
    }
    state
}

fn in_channel(role: Role, private: bool, command: channel::Command) -> bool {
    decide_channel(&given_channel(private, &[ALICE, BOB, CAROL]), role, command)
}

fn join(role: Role, private: bool) -> bool {
    decide_channel(&given_channel(private, &[ALICE]), role, channel::Command::Join)
}

fn decide_channel(state: &channel::State, role: Role, command: channel::Command) -> bool {
    Channel::decide(state, command, &context(role)).is_ok()
}

fn meta(place: usize) -> Meta {
    Meta {
        id: event_at(place as u64 + 1),
        revision: place as u64,
        actor: ALICE.into(),
        at: NOON,
    }
}

fn context(role: Role) -> Context {
    Context {
        actor: BOB.into(),
        acting_as: None,
        now: NOON,
        event_id: new_event(0),
        space_role: Some(role),
        subject_space_role: Some(Role::Guest),
        subject_banned: false,
        space_archived: false,
        muted: false,
        blocked: false,
    }
}

#[test]
fn every_cell_of_the_table_is_what_the_rules_do() {
    for right in Right::ALL {
        for role in Role::ALL {
            // Guests outrank nobody, so that nothing but the table could let them.
            assert_eq!(allowed(*right, role), role.may(*right), "{right:?} as {role:?}");
        }
    }
}

const BEGIN: &str = "<!-- the table of rights, from domain/src/rights.rs -->\n";
const END: &str = "<!-- the end of the table -->\n";

fn page() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../ops/docs/rules.md")
}

fn table() -> String {
    let mut text = String::from("| | guest | member | moderator | admin | owner |\n|---|---|---|---|---|---|\n");
    for right in Right::ALL {
        let cells = Role::ALL.map(|role| if role.may(*right) { "yes" } else { "no" });
        writeln!(text, "| {} | {} |", right.words(), cells.join(" | ")).expect("texts take writing");
    }
    text
}

#[test]
fn the_page_of_rules_shows_the_table_as_it_is() {
    let text = fs::read_to_string(page()).expect("ops/docs/rules.md");
    let (before, rest) = text.split_once(BEGIN).expect("the mark before the table");
    let (shown, after) = rest.split_once(END).expect("the mark after the table");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        fs::write(page(), [before, BEGIN, &table(), END, after].concat()).expect("written");
    } else {
        assert_eq!(shown, table(), "UPDATE_GOLDEN=1 writes the table anew");
    }
}

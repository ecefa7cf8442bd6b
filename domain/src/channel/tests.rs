//! The rules of channels, as sentences. Here are the pasts they start from; the sentences are sorted by what they are about.

use super::{
    Archived, Channel, Command, Created, Deleted, Edited, Event, History, Kind, LastWords, MemberAdded, MemberLeft,
    MemberRemoved, Pinned, Reacted, Rejection, Restored, Role, Sent, SlowMode, Unpinned, Unreacted, Unvoted, Updated,
    Vote, Voted,
};
use crate::{ChannelName, Emoji, MessageBody, MessageId, Reason, SpaceId, UserId, given::*, user::ServiceRole};

mod creating;
mod joining;
mod leaving;
mod moderating;
mod opinions;
mod reading;
mod sequences;
mod settings;
mod strangers;
mod threads;
mod words;
mod writing;

const SPACE: SpaceId = SpaceId::from_u128(0x5face);

/// What happened in a channel so far, in order.
struct Past(Vec<(UserId, Event)>);

/// A public channel of a space, opened by Alice: seq 1 and 2.
fn text_channel() -> Past {
    Past::opened_by(ALICE, Kind::Text, Some(SPACE), History::All, Role::Owner)
}

fn private_channel() -> Past {
    let mut past = text_channel();
    if let Event::Created(created) = &mut past.0[0].1 {
        created.private = true;
    }
    past
}

/// A public forum of a space, opened by Alice: seq 1 and 2.
fn forum() -> Past {
    Past::opened_by(ALICE, Kind::Forum, Some(SPACE), History::All, Role::Owner)
}

/// A group with Alice as owner: seq 1 and 2.
fn group() -> Past {
    Past::opened_by(ALICE, Kind::Group, None, History::SinceJoin, Role::Owner)
}

/// Alice and Bob: seq 1 to 3.
fn direct() -> Past {
    Past::opened_by(ALICE, Kind::Direct, None, History::All, Role::Member).added(ALICE, BOB)
}

impl Past {
    fn opened_by(user: UserId, kind: Kind, space: Option<SpaceId>, history: History, role: Role) -> Self {
        let named = kind != Kind::Direct;
        let created = Created {
            kind,
            space,
            name: named.then(|| name("general")),
            private: space.is_none(),
            history,
        };
        Self(vec![
            (user, Event::Created(created)),
            (user, Event::MemberAdded(MemberAdded { user, role })),
        ])
    }

    fn and(mut self, by: UserId, event: Event) -> Self {
        self.0.push((by, event));
        self
    }

    fn updated(self, change: Updated) -> Self {
        self.and(ALICE, Event::Updated(change))
    }

    fn since_join(self) -> Self {
        self.updated(Updated {
            history: Some(History::SinceJoin),
            ..UNCHANGED
        })
    }

    fn archived(self) -> Self {
        self.and(ALICE, Event::Archived(Archived {}))
    }

    fn joined(self, user: UserId) -> Self {
        self.added(user, user)
    }

    fn added(self, by: UserId, user: UserId) -> Self {
        self.and(by, added(user))
    }

    fn left(self, user: UserId) -> Self {
        self.and(user, Event::MemberLeft(MemberLeft { user }))
    }

    fn removed(self, user: UserId) -> Self {
        self.and(ALICE, removed(user))
    }

    fn sent(self, by: UserId) -> Self {
        let message = event_at(self.0.len() as u64 + 1).into();
        self.and(
            by,
            Event::Sent(Sent {
                message,
                body: body("hello"),
                reply_to: None,
                reply_to_author: None,
                thread: None,
                depth: 0,
                mentions: vec![],
            }),
        )
    }

    fn edited(self, by: UserId, seq: u64, version: u16) -> Self {
        self.and(
            by,
            Event::Edited(Edited {
                message: message(seq),
                seq: Some(seq),
                version,
                body: body("hello!"),
                mentions: vec![],
            }),
        )
    }

    fn deleted(self, by: UserId, seq: u64) -> Self {
        self.and(by, deleted(seq))
    }

    fn state(self) -> super::State {
        given::<Channel>(self).state
    }
}

impl IntoIterator for Past {
    type Item = (UserId, Event);
    type IntoIter = std::vec::IntoIter<Self::Item>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

const UNCHANGED: Updated = Updated {
    name: None,
    private: None,
    history: None,
    slow_mode_s: None,
};

/// The message that the event at `seq` sent.
fn message(seq: u64) -> MessageId {
    event_at(seq).into()
}

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).expect("a valid name")
}

fn body(text: &str) -> MessageBody {
    MessageBody::parse(text).expect("a valid body")
}

fn reason() -> Reason {
    Reason::parse("sells things in every channel").expect("a valid reason")
}

fn emoji() -> Emoji {
    Emoji::parse("👍").expect("an emoji")
}

fn say(text: &str) -> Command {
    Command::Send {
        body: body(text),
        reply_to: None,
        thread: None,
        mentions: vec![],
    }
}

fn edit(seq: u64) -> Command {
    Command::Edit {
        message: message(seq),
        body: body("better"),
        mentions: vec![],
        expected_version: None,
    }
}

fn delete(seq: u64) -> Command {
    Command::Delete {
        message: message(seq),
        expected_version: None,
        reason: None,
    }
}

fn said(text: &str) -> Event {
    Event::Sent(Sent {
        message: new_event(0).into(),
        body: body(text),
        reply_to: None,
        reply_to_author: None,
        thread: None,
        depth: 0,
        mentions: vec![],
    })
}

fn edited(seq: u64, version: u16) -> Event {
    Event::Edited(Edited {
        message: message(seq),
        seq: Some(seq),
        version,
        body: body("better"),
        mentions: vec![],
    })
}

fn deleted(seq: u64) -> Event {
    Event::Deleted(Deleted {
        message: message(seq),
        author: None,
        reason: None,
    })
}

/// The message at `seq`, deleted by somebody other than its author, without a word why.
fn taken_away(seq: u64, author: UserId) -> Event {
    Event::Deleted(Deleted {
        message: message(seq),
        author: Some(author),
        reason: None,
    })
}

fn added(user: UserId) -> Event {
    Event::MemberAdded(MemberAdded {
        user,
        role: Role::Member,
    })
}

fn removed(user: UserId) -> Event {
    Event::MemberRemoved(MemberRemoved {
        user,
        reason: None,
        banned: false,
    })
}

fn rename(text: &str) -> Command {
    Command::Update {
        name: Some(name(text)),
        private: None,
        history: None,
        slow_mode_s: None,
    }
}

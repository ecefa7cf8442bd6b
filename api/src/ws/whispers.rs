//! Which sockets of this worker hear of what passes: typing goes to those who follow the channel, presence to those who asked about a
//! person in a channel that both are in. And what a socket may say of either.

use std::{
    cell::Cell,
    collections::BTreeMap,
    rc::Rc,
    sync::Arc,
    time::{Duration, Instant},
};

use bytes::Bytes;
use domain::{ChannelId, UserId, channel::Standing};
use tokio::sync::broadcast::{Receiver, error::RecvError};

use super::{
    conn::Conn,
    ephemeral::{Blocked, Lease, Whisper},
    hub::{Due, Flow, Hub},
    outbox::Topic,
    protocol::{
        ServerFrame,
        client::{PresenceState, Who},
        server::{Eph, Passing, Present, Whereabouts},
    },
    session::Session,
};
use crate::{
    ops::access,
    problem::{Problem, codes},
};

/// A person whose presence one socket is told, in one channel.
pub(super) struct Watch {
    conn: Rc<Conn>,
    channel: ChannelId,
    /// Whether the person is known to be in the channel. Until then nothing of them is told.
    armed: Cell<bool>,
}

/// Telling.
impl Hub {
    pub(super) async fn deliver_whispers(self: Rc<Self>, mut whispers: Receiver<Arc<Whisper>>) {
        loop {
            match whispers.recv().await {
                Ok(whisper) => self.deliver_whisper(&whisper),
                // Whoever missed something hears the next word, or asks again.
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    }

    fn deliver_whisper(&self, whisper: &Whisper) {
        match whisper {
            Whisper::Typing { ch, by, frame } => self.tell_typing(*ch, *by, frame),
            Whisper::Presence { user, state } => {
                let presence = &self.app.ephemeral.presence;
                self.tell_presence(*user, *state, |other| !presence.are_apart(*user, other));
            }
            Whisper::Apart { one, other } => {
                self.tell_presence(*one, None, |user| user == *other);
                self.tell_presence(*other, None, |user| user == *one);
            }
        }
    }

    fn tell_typing(&self, ch: ChannelId, by: UserId, frame: &Bytes) {
        if let Some(subscriptions) = self.channels.borrow().get(&ch) {
            let presence = &self.app.ephemeral.presence;
            let others = subscriptions
                .iter()
                .filter(|subscription| subscription.conn.user != by && subscription.flow.get() != Flow::Ended)
                .filter(|subscription| !presence.are_apart(subscription.conn.user, by));
            for other in others {
                other.conn.outbox.push_passing(Topic::Typing(ch, by), frame.clone());
            }
        }
    }

    /// To those of their watchers whom it concerns.
    fn tell_presence(&self, by: UserId, state: Option<PresenceState>, concerns: impl Fn(UserId) -> bool) {
        let watchers = self.watchers.borrow();
        let mut frames: BTreeMap<ChannelId, Bytes> = BTreeMap::new();
        let theirs = watchers.get(&by).into_iter().flatten();
        for Watch { conn, channel, .. } in theirs.filter(|watch| watch.armed.get() && concerns(watch.conn.user)) {
            let frame = frames.entry(*channel).or_insert_with(|| {
                let what = Passing::Presence { state: state.into() };
                Eph { ch: *channel, by, what }.encode()
            });
            conn.outbox.push_passing(Topic::Presence(*channel, by), frame.clone());
        }
    }
}

/// What the wheel brings around.
impl Hub {
    pub(super) fn look_at_typing(&self, lease: Lease, now: Instant) {
        if let Some(again) = self.app.ephemeral.look_at_typing(lease, now) {
            self.due_at(again, Due::Typing(lease));
        }
    }

    pub(super) fn look_at_presence(&self, user: UserId, now: Instant) {
        let told = self.app.ephemeral.presence.look(user, now);
        self.follow_up_presence(user, told);
    }

    fn follow_up_presence(&self, user: UserId, told: super::ephemeral::Told) {
        if let Some(again) = self.app.ephemeral.tell_presence(user, told) {
            self.due_at(again, Due::Presence(user));
        }
    }

    /// A socket has opened: its person is there.
    pub(super) fn appears(&self, conn: &Conn, blocked: Blocked) {
        let presence = &self.app.ephemeral.presence;
        let told = presence.enters(conn.user, conn.number, blocked, Instant::now());
        self.follow_up_presence(conn.user, told);
    }

    /// A socket has ended. Its person may be back in a moment, so they count as there for two heartbeats after the last sign of life.
    pub(super) fn disappears(&self, conn: &Conn) {
        let lease = Duration::from_millis(2 * self.app.limits.heartbeat_ms as u64);
        let until = conn.last_heard() + lease;
        self.app.ephemeral.presence.leaves(conn.user, conn.number, until);
        self.due_at(until, Due::Presence(conn.user));
    }
}

/// Watching.
impl Hub {
    /// Once armed, this socket is told when the presence of these people changes. What it watched in this channel before is replaced.
    fn watch(&self, conn: &Rc<Conn>, channel: ChannelId, people: &[UserId]) {
        self.unwatch(conn, channel);
        let mut watchers = self.watchers.borrow_mut();
        for person in people {
            let conn = Rc::clone(conn);
            let armed = Cell::new(false);
            watchers
                .entry(*person)
                .or_default()
                .push(Watch { conn, channel, armed });
        }
        conn.watched.borrow_mut().insert(channel, people.to_vec());
    }

    /// From now on it is told of these. Who has left the channel since they were looked up is not watched any more.
    fn arm(&self, conn: &Rc<Conn>, channel: ChannelId, members: &[UserId]) {
        let watchers = self.watchers.borrow();
        let watches = members.iter().filter_map(|member| watchers.get(member)).flatten();
        let theirs = watches.filter(|watch| watch.channel == channel && Rc::ptr_eq(&watch.conn, conn));
        theirs.for_each(|watch| watch.armed.set(true));
    }

    pub(super) fn unwatch(&self, conn: &Rc<Conn>, channel: ChannelId) {
        let people = conn.watched.borrow_mut().remove(&channel);
        for person in people.into_iter().flatten() {
            self.remove_watch(conn, channel, person);
        }
    }

    pub(super) fn unwatch_all(&self, conn: &Rc<Conn>) {
        let channels: Vec<ChannelId> = conn.watched.borrow().keys().copied().collect();
        channels.into_iter().for_each(|channel| self.unwatch(conn, channel));
    }

    /// Someone is not in a channel any more, so nobody there is told of them.
    pub(super) fn unwatch_person(&self, channel: ChannelId, person: UserId) {
        super::hub::remove_from(&mut self.watchers.borrow_mut(), person, |watch: &Watch| {
            let goes = watch.channel == channel;
            if goes && let Some(people) = watch.conn.watched.borrow_mut().get_mut(&channel) {
                people.retain(|other| *other != person);
            }
            goes
        });
    }

    fn remove_watch(&self, conn: &Rc<Conn>, channel: ChannelId, person: UserId) {
        super::hub::remove_from(&mut self.watchers.borrow_mut(), person, |watch: &Watch| {
            watch.channel == channel && Rc::ptr_eq(&watch.conn, conn)
        });
    }
}

/// Saying.
impl Session {
    /// Only who follows a channel, and so is in it, may be seen typing there.
    pub(super) fn typing(&self, ch: ChannelId) -> Result<(), Problem> {
        self.follows(ch)?;
        let lease = self.conn.app.ephemeral.types(ch, self.conn.user, Instant::now());
        if let Some(lease) = lease {
            self.hub.due_at(lease.until, Due::Typing(lease));
        }
        Ok(())
    }

    pub(super) fn presence(&self, state: PresenceState) {
        let conn = &self.conn;
        let presence = &self.conn.app.ephemeral.presence;
        let told = presence.says(conn.user, conn.number, state, Instant::now());
        self.hub.follow_up_presence(conn.user, told);
    }

    /// Who of these people is there, and from now on every change. Those who are not in the channel are left out of both.
    pub(super) async fn who(&self, who: &Who) -> Result<(), Problem> {
        self.follows(who.ch)?;
        let mut people = who.users.clone();
        people.sort_unstable();
        people.dedup();
        self.has_room_to_watch(who.ch, people.len())?;
        // Watching begins before the members are looked up, so that who leaves meanwhile is not watched; nobody is told of before.
        self.hub.watch(&self.conn, who.ch, &people);
        let asked = people.clone();
        let members = access::look(&self.conn.app, self.conn.user, who.ch, move |open| {
            let is_member = |user: &UserId| matches!(open.standing(*user), Some(Standing::Member { .. }));
            asked.into_iter().filter(is_member).collect::<Vec<_>>()
        })
        .await;
        let members = match members {
            Ok((_, members)) => members,
            Err(problem) => {
                self.hub.unwatch(&self.conn, who.ch);
                return Err(problem);
            }
        };
        for stranger in people.iter().filter(|person| !members.contains(person)) {
            self.hub.remove_watch(&self.conn, who.ch, *stranger);
        }
        if let Some(watched) = self.conn.watched.borrow_mut().get_mut(&who.ch) {
            watched.retain(|person| members.contains(person));
        }
        self.hub.arm(&self.conn, who.ch, &members);
        let presence = &self.conn.app.ephemeral.presence;
        let seen = |user| presence.of(user).filter(|_| !presence.are_apart(user, self.conn.user));
        let users = members
            .into_iter()
            .map(|user| (user.to_string(), Whereabouts::from(seen(user))));
        self.conn.send_frame(&Present {
            id: who.id.as_deref(),
            ch: who.ch,
            users: users.collect(),
        });
        Ok(())
    }

    fn follows(&self, ch: ChannelId) -> Result<(), Problem> {
        match self.conn.subscription(ch) {
            Some(subscription) if subscription.flow.get() != Flow::Ended => Ok(()),
            Some(_) | None => Err(access::no_such_channel()),
        }
    }

    fn has_room_to_watch(&self, ch: ChannelId, people: usize) -> Result<(), Problem> {
        let limits = &self.conn.app.limits;
        let watched = self.conn.watched.borrow();
        let elsewhere: usize = watched
            .iter()
            .filter(|(other, _)| **other != ch)
            .map(|(_, people)| people.len())
            .sum();
        if people > limits.presence_people || elsewhere + people > limits.presence_watched {
            return Err(Problem::new(&codes::PRESENCE_LIMIT));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;

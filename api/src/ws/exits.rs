//! Being put out of a space, as sockets hear it: what they follow there ends at once, long before each channel has taken notice.

use std::{collections::VecDeque, rc::Rc};

use commands::SpaceExit;
use domain::{UserId, channel::End};

use super::{
    conn::Conn,
    hub::{Flow, Hub, Subscription},
};
use crate::ops::access::{self, Within};

/// Exits that are remembered for who is about to follow something.
const EXITS_MAX: usize = 1_024;

/// The newest exits this worker has carried out: whoever asked for their rights before one and follows a channel after it is not found by
/// it any more, so they look for it here.
#[derive(Default)]
pub(super) struct Exits {
    newest: VecDeque<SpaceExit>,
    /// The exits up to this position are not all here.
    forgotten_to: u64,
}

/// What is known of somebody's place in a space.
enum Verdict {
    In,
    Out(End),
    Unknown,
}

impl Exits {
    fn push(&mut self, exit: SpaceExit) {
        if self.newest.len() >= EXITS_MAX
            && let Some(oldest) = self.newest.pop_front()
        {
            self.forgotten_to = oldest.position;
        }
        self.newest.push_back(exit);
    }

    fn verdict(&self, user: UserId, within: &Within) -> Verdict {
        let exit = self
            .newest
            .iter()
            .rev()
            .find(|exit| exit.user == user && within.ends_by(exit));
        match exit {
            Some(exit) => Verdict::Out(exit.end),
            None if within.is_older_than(self.forgotten_to) => Verdict::Unknown,
            None => Verdict::In,
        }
    }
}

impl Hub {
    /// Ends what the person follows in the space. Where they have come back since, what they follow since then goes on.
    pub(super) fn put_out(&self, exit: &SpaceExit) {
        self.exits.borrow_mut().push(*exit);
        let people = self.people.borrow();
        let conns = people.get(&exit.user).into_iter().flatten();
        for subscription in conns.flat_map(|conn| within_spaces(conn)) {
            if subscription.within.is_some_and(|within| within.ends_by(exit)) {
                self.end(&subscription, exit.end);
            }
        }
    }

    /// After it was begun: whether the exit that ends it has been here before it.
    pub(super) fn look_back(&self, subscription: &Rc<Subscription>) {
        let Some(within) = &subscription.within else { return };
        let verdict = self.exits.borrow().verdict(subscription.conn.user, within);
        match verdict {
            Verdict::In => {}
            Verdict::Out(end) => self.end(subscription, end),
            Verdict::Unknown => look_again(Rc::clone(subscription)),
        }
    }

    /// Exits were missed: everyone is asked about.
    pub(super) fn look_at_spaces(&self) {
        let people = self.people.borrow();
        let conns = people.values().flatten();
        conns.flat_map(|conn| within_spaces(conn)).for_each(look_again);
    }

    fn end(&self, subscription: &Rc<Subscription>, end: End) {
        if subscription.flow.get() == Flow::Ended {
            return;
        }
        let (user, channel) = (subscription.conn.user, subscription.channel);
        subscription.end(subscription.cursor.get().next() - 1, end);
        subscription.settle_end();
        self.app.ephemeral.stops_typing(channel, user);
    }
}

/// What a socket follows in spaces.
fn within_spaces(conn: &Conn) -> Vec<Rc<Subscription>> {
    let subscriptions = conn.subscriptions.borrow();
    let within = subscriptions.values().filter(|one| one.within.is_some());
    within.cloned().collect()
}

/// Asks for the right to read once more, and ends what it does not allow any more.
fn look_again(subscription: Rc<Subscription>) {
    actix_web::rt::spawn(async move {
        let app = subscription.conn.app.clone();
        let allowed = access::reader(&app, subscription.conn.user, subscription.channel).await;
        if allowed.is_err() {
            Hub::of_worker(&app).end(&subscription, End::Removed);
        }
    });
}

#[cfg(test)]
mod tests;

//! Brakes on spam: the same words again and again, links by the dozen from accounts that are new, mentions without end. What a person
//! did of late is remembered here, in the memory of this node, for a bounded number of people; only messages that were accepted count.
//! A channel's own pace is the channel's rule and none of ours.

mod habits;

use std::{
    hash::{BuildHasher, RandomState},
    num::NonZeroUsize,
    sync::Arc,
    time::{Duration, Instant},
};

use commands::{Caller, CommandError, Outcome};
use domain::{ChannelId, UserId, channel::Command};
use lru::LruCache;
use parking_lot::Mutex;

use self::habits::{Braked, Habits, Rules, Weight};
use crate::{
    app::App,
    limits::Limits,
    metrics::RateMetrics,
    problem::{Problem, codes},
};

/// People whose habits are remembered: some 20 megabytes. Who said nothing for the longest time is forgotten first.
const PEOPLE_MAX: NonZeroUsize = NonZeroUsize::new(20_000).expect("not zero");

/// Cheap to clone.
#[derive(Clone)]
pub struct Brakes(Arc<Inner>);

struct Inner {
    rules: Rules,
    new_account: Duration,
    /// None when rates are lifted.
    people: Option<Mutex<LruCache<UserId, Habits>>>,
    /// Words are remembered by their hash, which is worth nothing outside of this process.
    hashing: RandomState,
    metrics: RateMetrics,
}

/// A message that counts, unless it turns out not to have been accepted.
pub(crate) struct Held {
    brakes: Brakes,
    user: UserId,
    weight: Weight,
    at: Instant,
}

/// Lets a command go on to its channel, or refuses it. One that was accepted before goes on, so that a retry learns what became of it.
pub(crate) async fn hold(
    app: &App,
    channel: ChannelId,
    command: &Command,
    caller: &Caller,
) -> Result<Option<Held>, Problem> {
    let Some(user) = caller.actor.user() else {
        return Ok(None);
    };
    let Some(weight) = app.brakes.weigh(command) else {
        return Ok(None);
    };
    let new = weight.links > 0 && is_new(app, user, caller).await?;
    let at = Instant::now();
    match app.brakes.count(user, weight, new, at) {
        Ok(()) => Ok(Some(Held {
            brakes: app.brakes.clone(),
            user,
            weight,
            at,
        })),
        Err(_) if app.commands.channels.knows(channel.uuid(), caller).await? => Ok(None),
        Err(braked) => {
            app.brakes.0.metrics.refused(braked.name());
            Err(braked.into())
        }
    }
}

impl Held {
    /// What was not accepted, or had been before, does not count.
    pub(crate) fn settle<R>(self, outcome: &Result<Outcome, CommandError<R>>) {
        let accepted = match outcome {
            Ok(outcome) => !outcome.replayed && !outcome.events.is_empty(),
            // It may have been.
            Err(CommandError::OutcomeUnknown) => true,
            Err(_) => false,
        };
        if !accepted {
            self.release();
        }
    }

    pub(crate) fn release(self) {
        if let Some(people) = &self.brakes.0.people
            && let Some(habits) = people.lock().peek_mut(&self.user)
        {
            habits.forget(&self.brakes.0.rules, self.weight, self.at);
        }
    }
}

impl Brakes {
    /// With `on` false nothing is ever refused here.
    pub fn new(limits: &Limits, on: bool, metrics: RateMetrics) -> Self {
        Self(Arc::new(Inner {
            rules: Rules::of(limits),
            new_account: Duration::from_secs(limits.new_account_hours as u64 * 3_600),
            people: on.then(|| Mutex::new(LruCache::new(PEOPLE_MAX))),
            hashing: RandomState::new(),
            metrics,
        }))
    }

    /// What a command weighs; nothing for most.
    fn weigh(&self, command: &Command) -> Option<Weight> {
        self.0.people.as_ref()?;
        let (body, mentions, is_new) = match command {
            Command::Send { body, mentions, .. } => (body.as_str(), mentions, true),
            Command::Edit { body, mentions, .. } => (body.as_str(), mentions, false),
            _ => return None,
        };
        let words = is_new.then(|| self.0.hashing.hash_one(habits::gist(body)));
        Some(Weight::new(words, habits::links(body), mentions.len()))
    }

    fn count(&self, user: UserId, weight: Weight, new: bool, now: Instant) -> Result<(), Braked> {
        let Some(people) = &self.0.people else { return Ok(()) };
        let mut people = people.lock();
        let habits = people.get_or_insert_mut(user, Habits::default);
        habits.count(&self.0.rules, weight, new, now)
    }

    #[cfg(test)]
    fn people(&self) -> usize {
        self.0.people.as_ref().map_or(0, |people| people.lock().len())
    }
}

async fn is_new(app: &App, user: UserId, caller: &Caller) -> Result<bool, Problem> {
    let registered_at = app.commands.users.read(user.uuid(), |view| {
        view.state.account().map(|account| account.registered_at())
    });
    let age = registered_at.await?.map(|registered_at| caller.at - registered_at);
    // Somebody from the future is as new as can be.
    Ok(age.is_none_or(|age| age.to_std().unwrap_or_default() < app.brakes.0.new_account))
}

impl From<Braked> for Problem {
    fn from(braked: Braked) -> Self {
        let (kind, wait) = match braked {
            Braked::Repeated { wait } => (&codes::BRAKE_REPEATED, wait),
            Braked::Links { wait } => (&codes::BRAKE_LINKS, wait),
            Braked::Mentions { wait } => (&codes::BRAKE_MENTIONS, wait),
        };
        Self::new(kind).retry_after(wait)
    }
}

#[cfg(test)]
mod tests {
    use domain::MessageBody;

    use super::*;

    fn brakes(on: bool) -> Brakes {
        Brakes::new(&Limits::default(), on, RateMetrics::default())
    }

    fn send(body: &str) -> Command {
        Command::Send {
            body: MessageBody::parse(body).expect("a body"),
            reply_to: None,
            thread: None,
            mentions: vec![],
        }
    }

    #[test]
    fn what_is_said_again_is_known_again_in_any_dress() {
        let brakes = brakes(true);
        let words = |body: &str| brakes.weigh(&send(body)).expect("a message").words;
        assert_eq!(words("Buy now!"), words("  buy   NOW..."));
        assert_eq!(words("Buy now!"), words("b\u{200b}uy now"));
        assert_ne!(words("Buy now!"), words("buy it now"));
        assert_ne!(words("\u{1f600}"), words("\u{1f614}"));
    }

    #[test]
    fn only_words_weigh_anything() {
        assert_eq!(brakes(true).weigh(&Command::Join), None);
        assert_eq!(brakes(false).weigh(&send("hello")), None);
    }

    #[test]
    fn a_million_people_leave_the_memory_bounded() {
        let brakes = brakes(true);
        let weight = brakes.weigh(&send("hello")).expect("a message");
        for person in 0..200_000 {
            brakes
                .count(UserId::from_u128(person), weight, true, Instant::now())
                .expect("their first");
        }
        assert_eq!(brakes.people(), PEOPLE_MAX.get());
    }
}

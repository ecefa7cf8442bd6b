//! The bounded queue between those who append and the writer. It counts what waits until it is decided, not only until it is
//! taken.

use std::collections::VecDeque;

use parking_lot::{Condvar, Mutex};
use tokio::sync::oneshot;

use crate::{Append, UnavailableReason, admission, admission::Outcome};

/// One call of `append`, answered when all of it is decided.
pub(super) struct Job {
    pub(super) appends: Vec<Append>,
    /// Outcomes so far; the next append to write is the one at this length.
    pub(super) outcomes: Vec<Outcome>,
    size: Size,
    reply: oneshot::Sender<Vec<Outcome>>,
}

#[derive(Debug, Clone, Copy, Default)]
struct Size {
    events: usize,
    bytes: usize,
}

impl Job {
    pub(super) fn new(appends: Vec<Append>) -> (Self, oneshot::Receiver<Vec<Outcome>>) {
        let (reply, answered) = oneshot::channel();
        let events = appends.iter().map(|append| append.events.len()).sum();
        let bytes = appends.iter().map(admission::bytes_of).sum();
        let outcomes = Vec::with_capacity(appends.len());
        (
            Self {
                appends,
                outcomes,
                size: Size { events, bytes },
                reply,
            },
            answered,
        )
    }

    pub(super) fn undecided(&self) -> &[Append] {
        &self.appends[self.outcomes.len()..]
    }

    fn answer(self) {
        // A caller that went away has lost only its answer.
        let _ = self.reply.send(self.outcomes);
    }
}

pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
    max: Size,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    waiting: Size,
    closed: Option<UnavailableReason>,
}

impl Queue {
    pub(super) fn new(events_max: usize, bytes_max: usize) -> Self {
        Self {
            state: Mutex::default(),
            filled: Condvar::new(),
            max: Size {
                events: events_max,
                bytes: bytes_max,
            },
        }
    }

    /// A call that alone is larger than the queue is never taken.
    pub(super) fn push(&self, job: Job) -> Result<(), UnavailableReason> {
        let mut state = self.state.lock();
        if let Some(reason) = state.closed {
            return Err(reason);
        }
        let events = state.waiting.events + job.size.events;
        let bytes = state.waiting.bytes + job.size.bytes;
        if events > self.max.events || bytes > self.max.bytes {
            return Err(UnavailableReason::Overloaded);
        }
        state.waiting = Size { events, bytes };
        state.jobs.push_back(job);
        self.filled.notify_one();
        Ok(())
    }

    /// Moves all that waits behind `pending`, waiting for something if both are empty. False when the queue is closed and both are
    /// empty.
    pub(super) fn collect(&self, pending: &mut VecDeque<Job>) -> bool {
        let mut state = self.state.lock();
        while pending.is_empty() && state.jobs.is_empty() {
            if state.closed.is_some() {
                return false;
            }
            self.filled.wait(&mut state);
        }
        pending.append(&mut state.jobs);
        true
    }

    /// Answers the jobs at the front that are decided. Their room is free before they know, so that who appends one thing after the
    /// other is never refused because of itself.
    pub(super) fn answer_decided(&self, pending: &mut VecDeque<Job>) {
        let decided = pending.iter().take_while(|job| job.undecided().is_empty()).count();
        self.free(pending.iter().take(decided));
        pending.drain(..decided).for_each(Job::answer);
    }

    fn free<'a>(&self, decided: impl Iterator<Item = &'a Job>) {
        let mut state = self.state.lock();
        for job in decided {
            state.waiting.events -= job.size.events;
            state.waiting.bytes -= job.size.bytes;
        }
    }

    /// Takes no more; what waits is still handed out. The first reason stays.
    pub(super) fn close(&self, reason: UnavailableReason) {
        self.state.lock().closed.get_or_insert(reason);
        self.filled.notify_one();
    }
}

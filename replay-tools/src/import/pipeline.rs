//! Many commands on their way at once, in order, with a bound: the next is handed over while earlier ones become durable.

use std::collections::VecDeque;

use anyhow::{Context, bail};
use commands::{Caller, CommandError, Pending, Sequencers};
use domain::Decider;
use uuid::Uuid;

/// Commands that may wait for their outcome; enough to fill a commit while the one before it syncs.
const WAITING_MAX: usize = 512;

/// What became of the commands so far.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Tally {
    pub(super) new: u64,
    /// Replayed or already so: an earlier run did it.
    pub(super) known: u64,
}

pub(super) struct Pipeline<'a, D: Decider> {
    sequencers: &'a Sequencers<D>,
    waiting: VecDeque<(String, Pending<D>)>,
    tally: Tally,
}

impl<'a, D: Decider> Pipeline<'a, D> {
    pub(super) fn new(sequencers: &'a Sequencers<D>) -> Self {
        Self {
            sequencers,
            waiting: VecDeque::new(),
            tally: Tally::default(),
        }
    }

    /// Hands a command over; `what` names it in an error.
    pub(super) async fn push(
        &mut self,
        what: impl Into<String>,
        id: Uuid,
        command: D::Command,
        caller: Caller,
    ) -> anyhow::Result<()> {
        if self.waiting.len() >= WAITING_MAX {
            self.settle_oldest().await?;
        }
        let what = what.into();
        let pending = match self.sequencers.submit(id, command, caller).await {
            Ok(pending) => pending,
            Err(error) => bail!("{what}: {error}"),
        };
        self.waiting.push_back((what, pending));
        Ok(())
    }

    pub(super) async fn finish(mut self) -> anyhow::Result<Tally> {
        while !self.waiting.is_empty() {
            self.settle_oldest().await?;
        }
        Ok(self.tally)
    }

    async fn settle_oldest(&mut self) -> anyhow::Result<()> {
        let Some((what, pending)) = self.waiting.pop_front() else {
            return Ok(());
        };
        match pending.outcome().await {
            Ok(outcome) if outcome.replayed || outcome.events.is_empty() => self.tally.known += 1,
            Ok(_) => self.tally.new += 1,
            Err(CommandError::KeyReused) => {
                return Err(anyhow::anyhow!("an earlier import had other content there")).context(what);
            }
            Err(error) => bail!("{what}: {error}"),
        }
        Ok(())
    }
}

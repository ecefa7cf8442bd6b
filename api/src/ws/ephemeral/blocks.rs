//! Whom those who are here have blocked, so that neither is shown the other. Read when somebody comes, and followed in the log from then on.

use std::{collections::HashSet, sync::Arc, time::Duration};

use actix_web::web;
use domain::{Coded, Decider, UserId, user};
use event_store::Recorded;

use super::{Ephemeral, Whisper};
use crate::{app::App, problem::Problem};

/// Wait before the log is asked again after it could not be read.
const RETRY_AFTER: Duration = Duration::from_secs(1);

/// Whom somebody has blocked, as of a position of the log.
#[derive(Debug, Clone, Default)]
pub(in crate::ws) struct Blocked {
    pub(super) list: HashSet<UserId>,
    pub(super) at: u64,
}

/// `who` has blocked `whom`, or has taken it back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::ws) struct BlockChange {
    pub(super) who: UserId,
    pub(super) whom: UserId,
    pub(super) on: bool,
    pub(super) at: u64,
}

impl Blocked {
    pub(in crate::ws) async fn of(app: &App, user: UserId) -> Result<Self, Problem> {
        let blocked = app.commands.users.read(user.uuid(), |view| Self {
            list: view
                .state
                .account()
                .into_iter()
                .flat_map(|account| account.blocked())
                .collect(),
            at: view.position,
        });
        Ok(blocked.await?)
    }

    pub(super) fn change(&mut self, change: &BlockChange) {
        if change.at <= self.at {
            return;
        }
        self.at = change.at;
        if change.on {
            self.list.insert(change.whom);
        } else {
            self.list.remove(&change.whom);
        }
    }
}

impl BlockChange {
    fn of(recorded: &Recorded) -> Option<Self> {
        use user::Event;
        if recorded.stream.category() != user::User::CATEGORY {
            return None;
        }
        let event = &recorded.event;
        let (whom, on) = match Event::decode(&event.kind, event.version, &event.payload).ok()? {
            Event::Blocked(blocked) => (blocked.user, true),
            Event::Unblocked(unblocked) => (unblocked.user, false),
            _ => return None,
        };
        Some(Self {
            who: recorded.stream.id()?.into(),
            whom,
            on,
            at: recorded.position,
        })
    }
}

impl Ephemeral {
    /// Follows the log for ever.
    pub(crate) async fn follow_blocks(app: web::Data<App>, head: u64) {
        let mut tail = Arc::clone(&app.log).tail(head);
        loop {
            match tail.next().await {
                Ok(batch) => {
                    let changes = batch.events.iter().filter_map(|event| BlockChange::of(event));
                    changes.for_each(|change| app.ephemeral.take_block(change));
                }
                Err(error) => {
                    tracing::warn!(%error, "Blocks cannot be read from the log");
                    tokio::time::sleep(RETRY_AFTER).await;
                }
            }
        }
    }

    fn take_block(&self, change: BlockChange) {
        self.presence.changes_block(change);
        if change.on {
            self.pass_on(Whisper::Apart {
                one: change.who,
                other: change.whom,
            });
        }
    }
}

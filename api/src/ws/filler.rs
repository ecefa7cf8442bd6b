//! Catching up: reads what a subscription has missed, from the live window where it reaches back far enough, else from the log, at the
//! pace at which its socket takes it, and splices it to the live stream without hole or repeat.

use std::{rc::Rc, time::Duration};

use projections::live::Hot;
use tokio::sync::Semaphore;

use super::{
    close::CloseCode,
    hub::{Flow, Subscription},
};

/// Events per read of the log.
pub(super) const PAGE_EVENTS: usize = 256;
/// Reads of the log at once on this node, so that a storm of resumes does not starve everything else.
static COLD_READS: Semaphore = Semaphore::const_new(8);
/// Wait after the log could not be read, and how often that is tolerated in a row.
const RETRY_AFTER: Duration = Duration::from_millis(250);
const FAILURES_MAX: u32 = 20;

/// Fills once the transport has taken something: for a socket that takes nothing every read would be in vain.
pub(super) async fn fill_when_taken(subscription: Rc<Subscription>) {
    subscription.conn.outbox.takes_something().await;
    fill(subscription).await;
}

/// Fills until the subscription is live, has ended, or its socket is closing.
pub(super) async fn fill(subscription: Rc<Subscription>) {
    let mut failures = 0;
    let low_water = subscription.conn.app.limits.outbound_soft_bytes / 2;
    while subscription.flow.get() == Flow::Filling && subscription.conn.outbox.below(low_water).await {
        // No await between looking at the window and going live: batches of this worker are delivered by another task of the same
        // thread, so none can slip in between.
        match subscription
            .conn
            .app
            .live
            .hot(subscription.channel, subscription.next.get())
        {
            Hot::Events(events) => {
                if subscription.take_all(&events, low_water) && subscription.flow.get() == Flow::Filling {
                    subscription.flow.set(Flow::Live);
                }
            }
            Hot::Older | Hot::Absent => match subscription.read_log().await {
                Ok(()) => failures = 0,
                Err(()) if failures < FAILURES_MAX => {
                    failures += 1;
                    tokio::time::sleep(RETRY_AFTER).await;
                }
                Err(()) => return subscription.conn.close(CloseCode::Internal),
            },
        }
    }
    if subscription.flow.get() == Flow::Ended {
        subscription.settle_end();
    }
}

impl Subscription {
    /// Passes events on in order until the socket has enough; true when all were taken.
    fn take_all(&self, events: &[std::sync::Arc<projections::live::LiveEvent>], low_water: usize) -> bool {
        for event in events {
            if event.seq < self.next.get() {
                continue;
            }
            if self.flow.get() != Flow::Filling || self.conn.outbox.bytes() > low_water {
                return false;
            }
            self.pass_on(event);
        }
        true
    }

    /// One page from the log. At its end, a channel without a window is as live as one with: its next event makes a window, and if one
    /// came in between, its seq shows the gap.
    async fn read_log(&self) -> Result<(), ()> {
        let from = self.next.get();
        let page = {
            let _turn = COLD_READS.acquire().await.map_err(|_| ())?;
            self.conn.app.live.cold(self.channel, from, PAGE_EVENTS).await
        };
        let page =
            page.map_err(|error| tracing::warn!(%error, channel.id = %self.channel, "Missed events cannot be read"))?;
        if self.flow.get() != Flow::Filling || self.next.get() != from {
            return Ok(());
        }
        let soft = self.conn.app.limits.outbound_soft_bytes;
        let whole = self.take_all(&page.events, soft);
        let at_end = whole && self.next.get() > page.top;
        let window_is_away = matches!(self.conn.app.live.hot(self.channel, self.next.get()), Hot::Absent);
        if at_end && window_is_away && self.flow.get() == Flow::Filling {
            self.flow.set(Flow::Live);
        }
        // A page without progress that is not the end would be asked for again and again.
        if !at_end && self.next.get() == from {
            Err(())
        } else {
            Ok(())
        }
    }
}

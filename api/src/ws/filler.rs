//! Catching up: reads what a subscription has missed, at the pace at which its socket takes it, and splices it to the live stream
//! without hole or repeat. Where events are read from is the live timeline's business.

use std::{rc::Rc, time::Duration};

use projections::live::Page;

use super::{
    close::CloseCode,
    hub::{Flow, Subscription},
};
use crate::ops::reading::PAGE_EVENTS;

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
        // Whatever is announced while the page is read may not be in it.
        subscription.announced.set(0);
        let page = subscription
            .conn
            .app
            .live
            .read(subscription.cursor.get(), PAGE_EVENTS)
            .await;
        match page {
            Ok(page) => {
                failures = 0;
                subscription.take(&page);
            }
            Err(error) if failures < FAILURES_MAX => {
                failures += 1;
                let channel = subscription.cursor.get().channel;
                tracing::warn!(%error, channel.id = %channel, "Missed events cannot be read");
                tokio::time::sleep(RETRY_AFTER).await;
            }
            Err(_) => return subscription.conn.close(CloseCode::Internal),
        }
    }
    if subscription.flow.get() == Flow::Ended {
        subscription.settle_end();
    }
}

impl Subscription {
    /// Passes a page on until the socket has enough. At the end of what there is the subscription goes live, unless something was
    /// announced meanwhile that is not behind it now: then the next page has it.
    ///
    /// Nothing here awaits, and batches are announced by another task of the same thread, so none can slip in between.
    fn take(&self, page: &Page) {
        // Room is left for what is live on other channels, which would have to wait otherwise.
        let enough = self.conn.app.limits.outbound_soft_bytes / 4 * 3;
        for event in &page.events {
            if self.flow.get() != Flow::Filling || self.conn.outbox.bytes() > enough {
                return;
            }
            self.pass_on(event);
        }
        if self.flow.get() != Flow::Filling {
            return;
        }
        let mut cursor = self.cursor.get();
        cursor.skip_to(page.next);
        self.cursor.set(cursor);
        if page.complete && self.announced.get() < cursor.next() {
            self.flow.set(Flow::Live);
        }
    }
}

#[cfg(test)]
mod tests;

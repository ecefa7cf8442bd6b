//! Where someone begins to read a channel's events: the one rule for subscriptions, event streams and pages of events.

use std::time::Duration;

use domain::{ChannelId, UserId};
use projections::live::{Cursor, Sight};

use super::access::{self, Access};
use crate::{
    app::App,
    problem::{Problem, codes},
};

/// Events per read. A page has one frame or item per event, so this bounds what waits in memory for one reader.
pub(crate) const PAGE_EVENTS: usize = 256;
/// How long the windows may take to show what was just decided before we go on without it.
const WINDOW_WAIT: Duration = Duration::from_secs(2);

/// The right to read a channel, and the place to go on from.
pub(crate) struct Begun {
    pub(crate) access: Access,
    pub(crate) cursor: Cursor,
}

/// Begins behind `after`, or behind the newest event without one, and not before what the person may see.
pub(crate) async fn begin(app: &App, user: UserId, channel: ChannelId, after: Option<u64>) -> Result<Begun, Problem> {
    let access = access::reader(app, user, channel).await?;
    if after.is_some_and(|after| after > access.top) {
        return Err(Problem::new(&codes::RESUME_AHEAD));
    }
    // The window must not be older than what was just read, or it could still show deleted words.
    app.live.wait_for(access.position, WINDOW_WAIT).await;
    let next = (after.unwrap_or(access.top) + 1).max(access.visible_from);
    let sight = Sight {
        since: access.since,
        from: access.visible_from,
    };
    Ok(Begun {
        cursor: Cursor::new(channel, user, sight, next),
        access,
    })
}

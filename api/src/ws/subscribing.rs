//! How a socket comes to follow a channel: `sub`, the places in `hello.resume`, and `gap`. Where one begins is decided here; what is
//! missing from there on is read by the `filler`.

use std::{collections::HashSet, time::Instant};

use domain::{ChannelId, MessageId, channel::Standing};
use projections::{
    Anchor,
    live::{Cursor, Page, Reach},
};
use tokio::sync::Semaphore;

use super::{
    filler,
    protocol::{
        client::{Gap, Hello, Resume, Sub},
        how_many_fit,
        server::{EndReason, Mode, Snap, SubEnd, SubOk},
    },
    session::{Session, VIEW_WAIT},
};
use crate::{
    ops::{
        access::{self, Access},
        reading::{self, Begun, PAGE_EVENTS},
    },
    problem::{Problem, codes},
    render::Message,
};

/// Windows of messages that are read at once on this node, so that a storm of resumes leaves the views to others too.
static SNAPS: Semaphore = Semaphore::const_new(2);
/// What a `snap` frame has besides its items, at most.
const SNAP_FRAME_BYTES: usize = 256;

impl Session {
    /// Goes on where the client left off, unless its places are those of another log, where the same numbers mean other events.
    pub(super) async fn resume(&self, hello: Hello) {
        let ours = |incarnation| incarnation == self.conn.app.identity.to_string();
        let same_log = hello.incarnation.is_none_or(ours);
        for place in hello.resume {
            if self.conn.is_expelled() {
                return;
            }
            if same_log {
                self.resume_one(place).await;
            } else {
                self.send_error(None, Some(place.ch), &Problem::new(&codes::RESUME_INCARNATION));
            }
        }
    }

    /// Where they may no longer be, they are told so, if they ever were there.
    async fn resume_one(&self, place: Resume) {
        let Err(problem) = self.subscribe(None, place.ch, Some(place.seq)).await else {
            return;
        };
        match self.departure(place.ch).await {
            Some((at, reason)) => self.conn.send_frame(&SubEnd {
                ch: place.ch,
                at,
                reason,
            }),
            None => self.send_error(None, Some(place.ch), &problem),
        }
    }

    async fn departure(&self, channel: ChannelId) -> Option<(u64, EndReason)> {
        let user = self.conn.user;
        let standing = self.conn.app.commands.channels.read(channel.uuid(), move |view| {
            view.state.open().and_then(|open| open.standing(user))
        });
        match standing.await.ok()?? {
            Standing::Former { at, end } => Some((at, end.into())),
            Standing::Member { .. } => None,
        }
    }

    pub(super) async fn sub(&self, sub: &Sub) {
        let asked = Instant::now();
        if let Err(problem) = self.subscribe(sub.id.as_deref(), sub.ch, sub.after).await {
            self.refuse(sub.id.as_deref(), Some(sub.ch), &problem, asked).await;
        }
    }

    async fn subscribe(&self, id: Option<&str>, ch: ChannelId, after: Option<u64>) -> Result<(), Problem> {
        self.has_room_for(ch)?;
        let app = &self.conn.app;
        let Begun { access, mut cursor } = reading::begin(app, self.conn.user, ch, after).await?;
        let snap = self.snap_instead_of(&access, cursor).await?;
        if let Some(snap) = &snap {
            cursor.skip_to(snap.hi + 1);
            self.conn.send_frame(snap);
        }
        // Nothing awaits from here on, so every later event is announced to this subscription.
        let reach = app.live.reach(cursor, access.top, access.position);
        let mode = match (snap, reach) {
            (Some(_), Reach::Nothing | Reach::Memory | Reach::Log) => Mode::Snap,
            (None, Reach::Nothing | Reach::Memory) => Mode::Hot,
            (None, Reach::Log) if cursor.next() > access.top => Mode::Hot,
            (None, Reach::Log) => Mode::Cold,
        };
        let subscription = self
            .hub
            .follow(&self.conn, cursor, access.within, reach == Reach::Nothing);
        self.conn.send_frame(&SubOk {
            id,
            ch,
            mode,
            from: cursor.next(),
            top: access.top.max(cursor.next() - 1),
        });
        self.hub.look_back(&subscription);
        if reach != Reach::Nothing {
            actix_web::rt::spawn(filler::fill(subscription));
        }
        Ok(())
    }

    fn has_room_for(&self, ch: ChannelId) -> Result<(), Problem> {
        let most = self.conn.app.limits.subscriptions_per_socket;
        let subscriptions = self.conn.subscriptions.borrow();
        if subscriptions.contains_key(&ch) || subscriptions.len() < most {
            return Ok(());
        }
        Err(Problem::new(&codes::SUBSCRIPTION_LIMIT).detail(format!("a socket follows at most {most} channels")))
    }

    /// The newest messages, where more events were missed than are replayed. `None` where replaying is right, and where the view
    /// knows less than the client does or cannot be read: the log knows all.
    async fn snap_instead_of(&self, access: &Access, cursor: Cursor) -> Result<Option<Snap>, Problem> {
        let app = &self.conn.app;
        let missed = (access.top + 1).saturating_sub(cursor.next());
        if missed <= app.limits.max_replay as u64 || !self.conn.outbox.below(app.limits.outbound_soft_bytes / 2).await {
            return Ok(None);
        }
        app.views.wait_for(access.position, VIEW_WAIT).await;
        let _turn = SNAPS.acquire().await;
        let (channel, limit) = (cursor.channel, app.limits.page_max);
        let page = app
            .views
            .timeline
            .page_for(self.conn.user, channel, access.visible_from, Anchor::Latest, limit)
            .await;
        let page = match page {
            Ok(page) if page.hi >= cursor.next() => page,
            Ok(_) => return Ok(None),
            Err(error) => {
                tracing::warn!(%error, channel.id = %channel, "Newest messages cannot be read for a snap");
                return Ok(None);
            }
        };
        let ids: Vec<MessageId> = page.items.iter().map(|message| message.id).collect();
        let deleted = move |open: &domain::channel::Open| -> HashSet<MessageId> {
            ids.into_iter().filter(|id| open.is_deleted(*id)).collect()
        };
        // Asked after the page was read: who has been removed by now and words deleted by now stay out of it.
        let (now, deleted) = access::look(app, self.conn.user, channel, deleted).await?;
        let seen = page.items.into_iter().filter(|row| row.seq >= now.visible_from);
        let items = seen
            .map(|row| {
                let deleted = deleted.contains(&row.id);
                Message::of(row, deleted)
            })
            .collect();
        let snap = Snap {
            ch: channel,
            lo: page.lo.max(now.visible_from),
            hi: page.hi,
            items,
            complete_before: page.complete_before || now.visible_from > page.lo,
        };
        Ok(Some(within(snap, app.limits.frame_bytes)))
    }

    pub(super) async fn gap(&self, gap: &Gap) {
        let asked = Instant::now();
        if let Err(problem) = self.send_again(gap).await {
            self.refuse(gap.id.as_deref(), Some(gap.ch), &problem, asked).await;
        }
    }

    /// Events the client has lost, once more. They do not move the subscription.
    async fn send_again(&self, gap: &Gap) -> Result<(), Problem> {
        let app = &self.conn.app;
        let Begun { access, mut cursor } = reading::begin(app, self.conn.user, gap.ch, Some(0)).await?;
        let longest = app.limits.max_replay as u64;
        if gap.from == 0 || gap.from > gap.to || gap.to - gap.from >= longest || gap.to > access.top {
            return Err(Problem::new(&codes::GAP_INVALID));
        }
        cursor.skip_to(gap.from);
        let low_water = app.limits.outbound_soft_bytes / 2;
        while cursor.next() <= gap.to && self.conn.outbox.below(low_water).await {
            let page = app.live.read(cursor, PAGE_EVENTS).await.map_err(|error| {
                tracing::warn!(%error, channel.id = %gap.ch, "Lost events cannot be read");
                Problem::new(&codes::SERVICE_LOG_UNAVAILABLE)
            })?;
            let complete = page.complete;
            if self.send_page(page, &mut cursor, gap.to) && complete {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Sends the events of a page up to `to`, as far as the socket takes them; true when the whole page is behind the cursor.
    fn send_page(&self, page: Page, cursor: &mut Cursor, to: u64) -> bool {
        for event in &page.events {
            if event.seq > to {
                break;
            }
            if self.conn.outbox.bytes() > self.conn.app.limits.outbound_soft_bytes {
                return false;
            }
            self.conn.send(event.frame_for(cursor));
            cursor.pass(event);
        }
        cursor.skip_to(page.next);
        true
    }
}

/// The newest items, as many as one frame takes. What is left out is no longer covered.
fn within(mut snap: Snap, frame_bytes: usize) -> Snap {
    let fitting = how_many_fit(snap.items.iter().rev(), frame_bytes.saturating_sub(SNAP_FRAME_BYTES));
    let left_out = snap.items.len() - fitting;
    if let Some(newest_left_out) = left_out.checked_sub(1) {
        snap.lo = snap.items[newest_left_out].seq + 1;
        snap.complete_before = false;
        snap.items.drain(..left_out);
    }
    snap
}

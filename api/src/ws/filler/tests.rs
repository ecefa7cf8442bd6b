//! Where a filler and the hub meet: what is announced while a page is read is neither lost nor sent twice.

use actix_web::web;
use commands::Caller;
use domain::{ChannelId, MessageBody, SessionId, UserId, channel::Command};
use projections::live::{Cursor, Sight};
use uuid::Uuid;

use super::*;
use crate::{
    app::App,
    request::{Who, fresh_key, now},
    serve::Stage,
    ws::{conn::Conn, ephemeral::Blocked, hub::Hub},
};

const ANN: UserId = UserId::from_u128(0xa);
const BOB: UserId = UserId::from_u128(0xb);
const GROUP: ChannelId = ChannelId::from_u128(0xc);
/// The group is created, then each of the two is added.
const TOP: u64 = 3;

async fn act(app: &App, command: Command) {
    let caller = Caller {
        actor: ANN.into(),
        acting_as: None,
        key: fresh_key(),
        request_id: Uuid::nil(),
        at: now(),
    };
    let outcome = app.commands.channels.execute(GROUP.uuid(), command, caller).await;
    let position = outcome.expect("allowed").position;
    assert!(app.live.wait_for(position, Duration::from_secs(30)).await);
}

/// A group of two, and a socket of Bob's.
async fn group_and_socket(app: &web::Data<App>) -> (Rc<Hub>, Rc<Conn>) {
    let hub = Hub::of_worker(app);
    let place = app.sockets.enter(BOB, 12).expect("the first socket");
    let who = Who {
        user: BOB,
        session: SessionId::from_u128(0xd),
        expires_at: now() + Duration::from_secs(900),
    };
    let conn = hub.enter(who, Blocked::default(), hub.outbox(), place);
    let (name, members) = (None, vec![BOB]);
    act(app, Command::CreateGroup { name, members }).await;
    (hub, conn)
}

fn from_the_beginning() -> Cursor {
    Cursor::new(GROUP, BOB, Sight { since: 1, from: 1 }, 1)
}

fn stands(subscription: &Subscription) -> (Flow, u64) {
    (subscription.flow.get(), subscription.cursor.get().next())
}

#[actix_web::test]
async fn what_was_announced_during_a_read_is_read_before_going_live() {
    let stage = Stage::set(&[]).await;
    let app = &stage.app;
    let (hub, conn) = group_and_socket(app).await;
    let subscription = hub.follow(&conn, from_the_beginning(), None, false);
    let page = app
        .live
        .read(subscription.cursor.get(), PAGE_EVENTS)
        .await
        .expect("readable");
    assert!(page.complete);
    let body = MessageBody::parse("meanwhile").expect("valid");
    act(
        app,
        Command::Send {
            body,
            reply_to: None,
            thread: None,
            mentions: vec![],
        },
    )
    .await;
    while subscription.announced.get() <= TOP {
        tokio::task::yield_now().await;
    }
    subscription.take(&page);
    assert_eq!(stands(&subscription), (Flow::Filling, TOP + 1));
    fill(Rc::clone(&subscription)).await;
    assert_eq!(stands(&subscription), (Flow::Live, TOP + 2));
}

#[actix_web::test]
async fn batches_lost_during_a_read_are_read_before_going_live() {
    let stage = Stage::set(&[]).await;
    let app = &stage.app;
    let (hub, conn) = group_and_socket(app).await;
    let subscription = hub.follow(&conn, from_the_beginning(), None, false);
    let page = app
        .live
        .read(subscription.cursor.get(), PAGE_EVENTS)
        .await
        .expect("readable");
    hub.everyone_catches_up();
    subscription.take(&page);
    assert_eq!(stands(&subscription), (Flow::Filling, TOP + 1));
    fill(Rc::clone(&subscription)).await;
    assert_eq!(stands(&subscription), (Flow::Live, TOP + 1));
}

#[actix_web::test]
async fn a_replaced_subscription_sends_nothing_more_and_leaves_its_successor_alone() {
    let stage = Stage::set(&[]).await;
    let (hub, conn) = group_and_socket(&stage.app).await;
    let first = hub.follow(&conn, from_the_beginning(), None, false);
    let second = hub.follow(&conn, from_the_beginning(), None, false);
    fill(Rc::clone(&first)).await;
    assert_eq!(stands(&first), (Flow::Ended, 1));
    fill(Rc::clone(&second)).await;
    assert_eq!(stands(&second), (Flow::Live, TOP + 1));
    let current = conn.subscription(GROUP).expect("followed");
    assert!(Rc::ptr_eq(&current, &second));
}

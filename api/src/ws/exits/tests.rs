//! Who is put out of a space hears nothing more in it, though no channel has taken notice: in these tests nobody tells the channels.

use std::time::Duration;

use actix_web::web;
use commands::Caller;
use domain::{ChannelId, ChannelName, Reason, SessionId, SpaceId, SpaceName, channel, space};
use uuid::Uuid;

use super::*;
use crate::{
    app::App,
    ops::reading::{self, Begun},
    request::{Who, fresh_key, now},
    serve::Stage,
    ws::{conn::Conn, ephemeral::Blocked},
};

const ANN: UserId = UserId::from_u128(0xa);
const BOB: UserId = UserId::from_u128(0xb);
const SPACE: SpaceId = SpaceId::from_u128(0xc);
const CHANNEL: ChannelId = ChannelId::from_u128(0xd);

fn caller(user: UserId) -> Caller {
    Caller {
        actor: user.into(),
        acting_as: None,
        key: fresh_key(),
        request_id: Uuid::nil(),
        at: now(),
    }
}

async fn in_space(app: &App, by: UserId, command: space::Command) -> u64 {
    let done = app.commands.spaces.execute(SPACE.uuid(), command, caller(by)).await;
    done.expect("allowed").position
}

async fn in_channel(app: &App, by: UserId, command: channel::Command) {
    let done = app.commands.channels.execute(CHANNEL.uuid(), command, caller(by)).await;
    let position = done.expect("allowed").position;
    assert!(app.live.wait_for(position, Duration::from_secs(30)).await);
}

async fn ban_bob(app: &App) {
    let ban = space::Command::Ban {
        user: BOB,
        reason: Reason::parse("shouts").expect("valid"),
        until: None,
    };
    let position = in_space(app, ANN, ban).await;
    app.auth.standings.has_seen(position).await;
}

/// A space of Ann's with a channel, Bob in both, and a socket of his.
async fn bob_in_a_space(app: &web::Data<App>) -> (Rc<Hub>, Rc<Conn>) {
    let create = space::Command::Create {
        name: SpaceName::parse("Club").expect("valid"),
        join: space::JoinRule::Open,
    };
    in_space(app, ANN, create).await;
    in_space(app, BOB, space::Command::Join).await;
    let create = channel::Command::CreateText {
        space: SPACE,
        name: ChannelName::parse("general").expect("valid"),
        private: false,
        history: None,
    };
    in_channel(app, ANN, create).await;
    in_channel(app, BOB, channel::Command::Join).await;
    let hub = Hub::of_worker(app);
    let place = app.sockets.enter(BOB, 12).expect("the first socket");
    let who = Who {
        user: BOB,
        session: SessionId::from_u128(0xe),
        expires_at: now() + Duration::from_secs(900),
    };
    let conn = hub.enter(who, Blocked::default(), hub.outbox(), place);
    (hub, conn)
}

async fn begin(app: &App) -> Begun {
    reading::begin(app, BOB, CHANNEL, None).await.expect("a member")
}

async fn ended(subscription: &Subscription) {
    let end = async {
        while subscription.flow.get() != Flow::Ended {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), end).await.expect("ended");
}

#[actix_web::test]
async fn what_is_followed_in_a_space_ends_with_being_in_it() {
    let stage = Stage::set(&[]).await;
    let app = &stage.app;
    let (hub, conn) = bob_in_a_space(app).await;
    let Begun { access, cursor } = begin(app).await;
    let subscription = hub.follow(&conn, cursor, access.within, true);
    ban_bob(app).await;
    ended(&subscription).await;
    assert!(conn.subscription(CHANNEL).is_none());
    assert!(hub.channels.borrow().get(&CHANNEL).is_none());
}

#[actix_web::test]
async fn who_was_put_out_between_asking_and_following_follows_nothing() {
    let stage = Stage::set(&[]).await;
    let app = &stage.app;
    let (hub, conn) = bob_in_a_space(app).await;
    let Begun { access, cursor } = begin(app).await;
    ban_bob(app).await;
    while hub.exits.borrow().newest.is_empty() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let subscription = hub.follow(&conn, cursor, access.within, true);
    hub.look_back(&subscription);
    assert_eq!(subscription.flow.get(), Flow::Ended);
    assert!(conn.subscription(CHANNEL).is_none());
}

#[actix_web::test]
async fn where_exits_were_missed_everyone_is_asked_about() {
    let stage = Stage::set(&[]).await;
    let app = &stage.app;
    let (hub, conn) = bob_in_a_space(app).await;
    let Begun { access, cursor } = begin(app).await;
    let subscription = hub.follow(&conn, cursor, access.within, true);
    hub.look_at_spaces();
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(subscription.flow.get(), Flow::Live, "he is in it");
    hub.exits.borrow_mut().forgotten_to = u64::MAX;
    hub.look_back(&subscription);
    tokio::time::sleep(Duration::from_millis(20)).await;
    assert_eq!(subscription.flow.get(), Flow::Live, "he still is");
    ban_bob(app).await;
    ended(&subscription).await;
}

#[actix_web::test]
async fn who_came_back_hears_on() {
    let stage = Stage::set(&[]).await;
    let app = &stage.app;
    let (hub, conn) = bob_in_a_space(app).await;
    let out = in_space(app, BOB, space::Command::Leave).await;
    in_space(app, BOB, space::Command::Join).await;
    let Begun { access, cursor } = begin(app).await;
    let subscription = hub.follow(&conn, cursor, access.within, true);
    let old = SpaceExit {
        space: SPACE,
        user: BOB,
        end: End::Left,
        position: out,
    };
    hub.put_out(&old);
    assert_eq!(subscription.flow.get(), Flow::Live);
    hub.put_out(&SpaceExit {
        position: u64::MAX,
        ..old
    });
    assert_eq!(subscription.flow.get(), Flow::Ended);
}

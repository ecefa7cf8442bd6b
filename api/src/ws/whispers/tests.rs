//! Whom a socket is told of.

use domain::SessionId;

use super::*;
use crate::{
    request::{Who as Signed, now},
    serve::Stage,
};

const BOB: UserId = UserId::from_u128(0xb);
const CAROL: UserId = UserId::from_u128(0xc);
const CHANNEL: ChannelId = ChannelId::from_u128(0xd);

#[actix_web::test]
async fn nobody_is_told_of_before_they_are_known_to_be_in_the_channel() {
    let stage = Stage::set(&[]).await;
    let hub = Hub::of_worker(&stage.app);
    let place = stage.app.sockets.enter(BOB, 12).expect("the first socket");
    let who = Signed {
        user: BOB,
        session: SessionId::from_u128(0xe),
        expires_at: now() + Duration::from_secs(900),
    };
    let conn = hub.enter(who, Blocked::default(), hub.outbox(), place);
    let told_of_carol = || {
        let before = conn.outbox.bytes();
        hub.tell_presence(CAROL, Some(PresenceState::Away), |_| true);
        conn.outbox.bytes() > before
    };
    hub.watch(&conn, CHANNEL, &[CAROL]);
    assert!(!told_of_carol());
    hub.arm(&conn, CHANNEL, &[BOB]);
    assert!(!told_of_carol());
    hub.arm(&conn, CHANNEL, &[CAROL]);
    assert!(told_of_carol());
}

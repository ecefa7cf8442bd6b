//! Order, limits, and who gives way when a socket is slow.

use super::*;

const ANN: UserId = UserId::from_u128(1);
const BOB: UserId = UserId::from_u128(2);
const ROOM: ChannelId = ChannelId::from_u128(3);
const QUIET: Handle = Handle(1);
const BUSY: Handle = Handle(2);

fn outbox(soft: usize, hard: usize) -> Rc<Outbox> {
    Outbox::new(soft, hard, Rc::default())
}

fn text(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

fn drain(outbox: &Outbox) -> Vec<Bytes> {
    let cx = Context::from_waker(Waker::noop());
    std::iter::from_fn(|| match outbox.poll_frame(&cx) {
        Poll::Ready(frame) => frame,
        Poll::Pending => None,
    })
    .collect()
}

fn taken_back(shed: &Shed) -> Vec<(Handle, u64, u64)> {
    shed.events
        .iter()
        .map(|taken| (taken.of, taken.first, taken.count))
        .collect()
}

#[test]
fn frames_leave_in_the_order_they_came() {
    let outbox = outbox(100, 100);
    outbox.push_events(BUSY, 1, 1, text("one")).expect("room");
    outbox.push(text("two")).expect("room");
    assert_eq!(drain(&outbox), ["one", "two"]);
    assert_eq!(outbox.bytes(), 0);
}

#[test]
fn what_waits_and_what_the_transport_took_is_counted_once() {
    let tally = Rc::new(Tally::default());
    let outbox = Outbox::new(100, 100, Rc::clone(&tally));
    outbox.push(text("one")).expect("room");
    outbox.push_events(BUSY, 1, 2, text("three")).expect("room");
    outbox.push_passing(Topic::Typing(ROOM, ANN), text("typing"));
    assert_eq!((tally.queued_bytes(), tally.take_sent()), (14, Sent::default()));
    drain(&outbox);
    assert_eq!(
        (tally.queued_bytes(), tally.take_sent()),
        (0, Sent { frames: 4, bytes: 14 })
    );
    assert_eq!(tally.take_sent(), Sent::default());
    outbox.push(text("never read")).expect("room");
    drop(outbox);
    assert_eq!(tally.queued_bytes(), 0);
}

#[test]
fn a_frame_past_the_hard_limit_is_refused_and_nothing_is_lost() {
    let outbox = outbox(5, 5);
    outbox.push(text("four")).expect("room");
    assert_eq!(outbox.push(text("xx")), Err(Overflow));
    assert_eq!(drain(&outbox), ["four"]);
}

#[test]
fn after_the_last_frame_nothing_more_is_taken() {
    let outbox = outbox(100, 100);
    outbox.push(text("event")).expect("room");
    outbox.push_passing(Topic::Typing(ROOM, ANN), text("typing"));
    outbox.finish(text("close"), false);
    outbox.push(text("late")).expect("dropped silently");
    outbox.push_passing(Topic::Typing(ROOM, BOB), text("typing"));
    assert_eq!(drain(&outbox), ["event", "close"]);
}

#[test]
fn in_the_end_nothing_is_kept_for_who_does_not_read_but_the_reason() {
    let tally = Rc::new(Tally::default());
    let outbox = Outbox::new(100, 100, Rc::clone(&tally));
    outbox.push_events(BUSY, 1, 1, text("event")).expect("room");
    outbox.finish(text("close"), false);
    outbox.end();
    assert_eq!((outbox.bytes(), tally.queued_bytes()), (5, 5));
    assert_eq!(drain(&outbox), ["close"]);
}

#[test]
fn a_slow_socket_is_told_why_without_what_it_did_not_read() {
    let outbox = outbox(100, 100);
    outbox.push(text("event")).expect("room");
    outbox.finish(text("close"), true);
    assert_eq!(drain(&outbox), ["close"]);
}

#[test]
fn the_busiest_subscription_gives_way_and_the_quiet_one_stays_in_order() {
    let outbox = outbox(20, 100);
    outbox.push_events(QUIET, 1, 1, text("q1")).expect("room");
    for batch in 5..9 {
        outbox.push_events(BUSY, 2 * batch, 2, text("bbbbbb")).expect("room");
    }
    outbox.push(text("ok")).expect("room");
    outbox.push_events(QUIET, 1, 1, text("q2")).expect("room");
    assert!(outbox.is_slow());
    let shed = outbox.shed(|_| true);
    assert_eq!(taken_back(&shed), [(BUSY, 10, 8)]);
    assert_eq!(drain(&outbox), ["q1", "ok", "q2"]);
    assert_eq!(outbox.bytes(), 0);
}

#[test]
fn what_the_transport_has_taken_is_not_taken_back() {
    let outbox = outbox(10, 100);
    for seq in 1..=3 {
        outbox.push_events(BUSY, seq, 1, text("bbbbbb")).expect("room");
    }
    assert!(outbox.poll_frame(&Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(taken_back(&outbox.shed(|_| true)), [(BUSY, 2, 2)]);
}

#[test]
fn only_as_many_subscriptions_give_way_as_have_to() {
    let outbox = outbox(20, 100);
    outbox.push_events(Handle(3), 1, 1, text("333333333")).expect("room");
    outbox.push_events(BUSY, 1, 1, text("222222222222")).expect("room");
    assert_eq!(taken_back(&outbox.shed(|_| true)), [(BUSY, 1, 1)]);
}

#[test]
fn a_subscription_that_may_not_wait_keeps_its_events() {
    let outbox = outbox(10, 100);
    outbox.push_events(BUSY, 1, 1, text("bbbbbbbbbbbb")).expect("room");
    assert_eq!(outbox.shed(|of| of != BUSY), Shed::default());
    assert_eq!(drain(&outbox), ["bbbbbbbbbbbb"]);
}

#[test]
fn a_heartbeat_goes_with_the_events_it_tells_of() {
    let outbox = outbox(10, 100);
    outbox.push_events(BUSY, 1, 1, text("bbbbbbbbbbbb")).expect("room");
    outbox.push_heartbeat(text("hb")).expect("room");
    assert!(outbox.shed(|_| true).heartbeat);
    assert!(drain(&outbox).is_empty());
}

#[tokio::test]
async fn who_waits_for_a_slow_transport_goes_on_when_it_takes_something_or_ends() {
    let outbox = outbox(100, 100);
    outbox.takes_something().await;
    for goes_on in [Outbox::end, |outbox: &Outbox| drop(drain(outbox))].into_iter().rev() {
        outbox.push(text("event")).expect("room");
        let mut waiting = Box::pin(outbox.takes_something());
        let mut cx = Context::from_waker(Waker::noop());
        assert!(waiting.as_mut().poll(&mut cx).is_pending());
        goes_on(&outbox);
        waiting.await;
    }
}

#[test]
fn what_passes_goes_out_last() {
    let outbox = outbox(100, 100);
    outbox.push_passing(Topic::Typing(ROOM, ANN), text("typing"));
    outbox.push(text("ok")).expect("room");
    assert_eq!(drain(&outbox), ["ok", "typing"]);
}

#[test]
fn of_what_passes_the_latest_wins() {
    let outbox = outbox(100, 100);
    outbox.push_passing(Topic::Presence(ROOM, ANN), text("online"));
    outbox.push_passing(Topic::Presence(ROOM, BOB), text("online"));
    outbox.push_passing(Topic::Presence(ROOM, ANN), text("away"));
    assert_eq!(drain(&outbox), ["away", "online"]);
}

#[test]
fn what_passes_is_dropped_where_the_socket_is_slow() {
    let outbox = outbox(4, 100);
    outbox.push_passing(Topic::Typing(ROOM, ANN), text("typing"));
    outbox.push(text("answer")).expect("room");
    outbox.push_passing(Topic::Typing(ROOM, BOB), text("typing"));
    assert_eq!(drain(&outbox), ["answer", "typing"]);
    outbox.push_passing(Topic::Typing(ROOM, ANN), text("typing"));
    outbox.push(text("answer")).expect("room");
    assert_eq!(outbox.shed(|_| true), Shed::default());
    assert_eq!(drain(&outbox), ["answer"]);
}

#[test]
fn what_passes_is_bounded_in_number() {
    let outbox = outbox(100_000, 100_000);
    for person in 0..1_000 {
        outbox.push_passing(Topic::Typing(ROOM, UserId::from_u128(person)), text("typing"));
    }
    assert_eq!(drain(&outbox).len(), PASSING_MAX);
}

//! The live timeline as its readers see it: one order, no hole, keys only for authors, and no deleted word from window or log.

mod restored;

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use chrono::{TimeZone, Utc};
use domain::{Actor, ChannelId, Coded, EventId, MessageBody, MessageId, UserId, channel, inbox};
use event_store::{
    Append, AppendError, Appended, EventLog, Expected, Head, MemoryLog, NewEvent, ReadError, Recorded, StreamName,
    StreamPage, Tail,
};
use futures_util::FutureExt;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    Cursor, Deletions, LiveEvent, LiveTimeline, Page, Reach, Sight, run,
    window::{Hot, Order, Window},
};

const ANN: UserId = UserId::from_u128(0xa);
const BOB: UserId = UserId::from_u128(0xb);
const CHANNEL: ChannelId = ChannelId::from_u128(0xc);

/// The messages of these tests that count as deleted in the channel's own state.
struct Deleted(Vec<MessageId>);

#[async_trait::async_trait]
impl Deletions for Deleted {
    async fn among(&self, _channel: ChannelId, messages: Vec<MessageId>) -> Option<HashSet<MessageId>> {
        Some(
            messages
                .into_iter()
                .filter(|message| self.0.contains(message))
                .collect(),
        )
    }
}

fn message(n: u128) -> MessageId {
    MessageId::from_u128(0x1000 + n)
}

fn sent(n: u128, words: &str) -> channel::Event {
    let body = MessageBody::parse(words).expect("a valid body");
    channel::Event::Sent(channel::Sent {
        message: message(n),
        body,
        reply_to: None,
        reply_to_author: None,
        thread: None,
        depth: 0,
        mentions: vec![BOB],
    })
}

fn deleted(n: u128) -> channel::Event {
    channel::Event::Deleted(channel::Deleted {
        message: message(n),
        author: None,
        reason: None,
    })
}

fn stored(event: &channel::Event, key: &str) -> NewEvent {
    NewEvent {
        id: Uuid::new_v5(&Uuid::nil(), key.as_bytes()),
        kind: event.kind().into(),
        version: event.version(),
        actor: ANN.uuid(),
        key: key.into(),
        intent: [0; 16],
        request_id: Uuid::nil(),
        recorded_at: Utc
            .with_ymd_and_hms(2026, 11, 21, 12, 0, 0)
            .single()
            .expect("a valid time"),
        payload: Bytes::from(event.encode()),
    }
}

fn recorded(revision: u64, event: &channel::Event) -> Recorded {
    let stream = StreamName::new("channel", CHANNEL.uuid());
    Recorded {
        position: revision + 1,
        stream,
        revision,
        event: stored(event, &format!("k{revision}")),
    }
}

fn live(revision: u64, event: &channel::Event) -> Arc<LiveEvent> {
    Arc::new(LiveEvent::encode(&recorded(revision, event), |_| false).expect("a channel event"))
}

fn seqs(hot: Hot) -> Vec<u64> {
    match hot {
        Hot::Events { events, .. } => events.iter().map(|event| event.seq).collect(),
        Hot::Older | Hot::Absent => panic!("the window should reach back that far"),
    }
}

/// Someone who is in the channel since `since` and sees all of it.
fn of(user: UserId, since: u64, next: u64) -> Cursor {
    Cursor::new(CHANNEL, user, Sight { since, from: 1 }, next)
}

/// Bob has been in the channel from its beginning and gets `next` next.
fn bobs(next: u64) -> Cursor {
    of(BOB, 1, next)
}

fn annes() -> Cursor {
    of(ANN, 1, 1)
}

fn words(event: &LiveEvent) -> Value {
    serde_json::from_str::<Value>(&event.item_for(&bobs(1))).expect("valid JSON")["d"]["body"].clone()
}

#[test]
fn an_event_is_encoded_as_the_protocol_says() {
    let event = live(6, &sent(1, "hello"));
    let item: Value = serde_json::from_str(&event.item_for(&bobs(1))).expect("valid JSON");
    let expected = json!({
        "ch": CHANNEL, "seq": 7, "type": "message.sent", "event": EventId::from(Uuid::new_v5(&Uuid::nil(), b"k6")),
        "at": "2026-11-21T12:00:00.000000Z", "by": ANN,
        "d": { "message": message(1), "body": "hello", "mentions": [BOB] },
    });
    assert_eq!(item, expected);
}

#[test]
fn the_frame_is_the_item_with_its_kind_behind_a_text_header() {
    let event = live(0, &sent(1, "hello"));
    let frame = event.frame_for(&bobs(1));
    assert_eq!(frame[0], 0x81);
    let length = usize::from(u16::from_be_bytes([frame[2], frame[3]]));
    assert_eq!((frame[1], length), (126, frame.len() - 4));
    let json: Value = serde_json::from_slice(&frame[4..]).expect("valid JSON");
    assert_eq!(json["t"], "ev");
}

#[test]
fn the_key_is_for_its_author_alone() {
    let event = live(0, &sent(1, "hello"));
    let key = |reader| {
        serde_json::from_str::<Value>(&event.item_for(&of(reader, 1, 1)))
            .expect("valid JSON")
            .get("key")
            .cloned()
    };
    assert_eq!(key(ANN), Some(json!("k0")));
    assert_eq!(key(BOB), None);
}

#[test]
fn the_service_has_no_key_and_no_name() {
    let mut recorded = recorded(0, &sent(1, "hello"));
    recorded.event.actor = Actor::System.uuid();
    let event = LiveEvent::encode(&recorded, |_| false).expect("a channel event");
    let item: Value = serde_json::from_str(&event.item_for(&annes())).expect("valid JSON");
    assert_eq!((item["by"].clone(), item.get("key")), (Value::Null, None));
}

#[test]
fn a_window_hands_out_everything_from_a_seq_on() {
    let mut window = Window::default();
    for revision in 0..5 {
        window.push(live(revision, &sent(revision.into(), "x")));
    }
    assert_eq!(seqs(window.from(3, usize::MAX)), [3, 4, 5]);
    assert_eq!(seqs(window.from(6, usize::MAX)), [0u64; 0]);
}

#[test]
fn a_window_keeps_the_newest_and_says_when_it_begins_later() {
    let mut window = Window::default();
    for revision in 0..300 {
        window.push(live(revision, &sent(revision.into(), "x")));
    }
    assert!(matches!(window.from(44, usize::MAX), Hot::Older));
    assert_eq!(seqs(window.from(45, usize::MAX)).len(), 256);
}

#[test]
fn a_window_is_bounded_in_bytes() {
    let mut window = Window::default();
    let grown: isize = (0..100)
        .map(|revision| window.push(live(revision, &sent(revision.into(), &"x".repeat(8_000)))))
        .sum();
    assert!(grown <= 256 * 1024, "{grown}");
    assert_eq!(seqs(window.from(100, usize::MAX)), [100]);
}

#[test]
fn a_window_with_a_hole_starts_anew_behind_it() {
    let mut window = Window::default();
    window.push(live(0, &sent(1, "x")));
    window.push(live(5, &sent(2, "x")));
    assert!(matches!(window.from(1, usize::MAX), Hot::Older));
    assert_eq!(seqs(window.from(6, usize::MAX)), [6]);
}

#[test]
fn an_event_seen_twice_is_kept_once() {
    let mut window = Window::default();
    window.push(live(0, &sent(1, "x")));
    assert_eq!(window.push(live(0, &sent(1, "x"))), 0);
    assert_eq!(seqs(window.from(1, usize::MAX)), [1]);
}

#[test]
fn deleted_words_leave_the_window_with_the_deletion() {
    let mut window = Window::default();
    window.push(live(0, &sent(1, "secret")));
    window.push(live(1, &sent(2, "kept")));
    window.push(live(2, &deleted(1)));
    let Hot::Events { events, .. } = window.from(1, usize::MAX) else {
        panic!("the window holds them")
    };
    assert_eq!((words(&events[0]), words(&events[1])), (Value::Null, json!("kept")));
    assert!(!format!("{:?}{:?}", events[0].frame_for(&annes()), events[0].frame_for(&bobs(1))).contains("secret"));
}

#[test]
fn windows_are_dropped_in_the_order_of_their_last_use() {
    let mut order = Order::new(2, usize::MAX);
    let [one, two, three] = [1, 2, 3].map(ChannelId::from_u128);
    assert!(order.touched(one, 10).is_empty());
    assert!(order.touched(two, 10).is_empty());
    assert!(order.touched(one, 10).is_empty());
    assert_eq!(order.touched(three, 10), [two]);
}

#[test]
fn windows_are_bounded_together() {
    let mut order = Order::new(100, 25);
    let [one, two, three] = [1, 2, 3].map(ChannelId::from_u128);
    order.touched(one, 10);
    order.touched(two, 10);
    assert_eq!(order.touched(three, 10), [one]);
}

#[test]
fn a_run_is_its_events_in_one_piece_with_the_author_apart() {
    let events = [live(0, &sent(1, "one")), live(1, &sent(2, "two"))];
    let [run] = &run::runs(&events)[..] else {
        panic!("one run")
    };
    assert_eq!((run.first(), run.last(), run.has_changes()), (1, 2, false));
    assert_eq!(
        run.frames,
        [&events[0].frame_for(&bobs(1))[..], &events[1].frame_for(&bobs(1))].concat()
    );
    assert!(run.concerns(&annes()) && !run.concerns(&bobs(1)));
}

#[test]
fn a_hole_and_a_full_piece_end_a_run() {
    let events = [live(0, &sent(1, "x")), live(2, &sent(2, "x"))];
    assert_eq!(
        run::runs(&events).iter().map(|run| run.first()).collect::<Vec<_>>(),
        [1, 3]
    );
    let large: Vec<_> = (0..10)
        .map(|n| live(n, &sent(u128::from(n), &"x".repeat(7_000))))
        .collect();
    let runs = run::runs(&large);
    assert!(runs.iter().all(|run| run.frames.len() <= 32 * 1024), "{}", runs.len());
    let seqs: Vec<_> = runs
        .iter()
        .flat_map(|run| run.events.iter().map(|event| event.seq))
        .collect();
    assert_eq!(seqs, (1..=10).collect::<Vec<_>>());
}

#[test]
fn channels_of_one_batch_have_runs_of_their_own() {
    let elsewhere = |revision| {
        let mut recorded = recorded(revision, &sent(9, "x"));
        recorded.stream = StreamName::new("channel", Uuid::from_u128(0xd));
        Arc::new(LiveEvent::encode(&recorded, |_| false).expect("a channel event"))
    };
    let events = [
        live(0, &sent(1, "x")),
        elsewhere(4),
        live(1, &sent(2, "x")),
        elsewhere(5),
    ];
    let runs = run::runs(&events);
    assert_eq!(
        runs.iter().map(|run| (run.first(), run.last())).collect::<Vec<_>>(),
        [(1, 2), (5, 6)]
    );
}

async fn append(log: &MemoryLog, events: &[(u64, channel::Event)]) {
    let events = events
        .iter()
        .map(|(revision, event)| stored(event, &format!("k{revision}")))
        .collect();
    append_stored(log, events).await;
}

async fn append_stored(log: &MemoryLog, events: Vec<NewEvent>) {
    let append = Append {
        stream: StreamName::new("channel", CHANNEL.uuid()),
        expected: Expected::Any,
        events,
    };
    log.append(vec![append])
        .await
        .pop()
        .expect("an answer")
        .expect("appended");
}

async fn timeline(log: &Arc<MemoryLog>, gone: Vec<MessageId>) -> Arc<LiveTimeline> {
    let head = log.head().await.expect("head").position;
    LiveTimeline::new(Arc::clone(log) as Arc<dyn EventLog>, Arc::new(Deleted(gone)), head)
}

#[tokio::test]
async fn what_is_older_than_the_start_is_read_from_the_log_without_deleted_words() {
    let log = MemoryLog::new();
    append(&log, &[(0, sent(1, "secret")), (1, sent(2, "kept")), (2, deleted(1))]).await;
    let live = timeline(&log, vec![message(1)]).await;
    assert_eq!(live.reach(bobs(1), 3, 3), Reach::Log);
    let page = live.read(bobs(1), 10).await.expect("readable");
    assert_eq!((page.next, page.complete), (4, true));
    assert_eq!(
        page.events.iter().map(|event| words(event)).collect::<Vec<_>>(),
        [Value::Null, json!("kept"), Value::Null]
    );
}

fn removed(user: UserId) -> channel::Event {
    channel::Event::MemberRemoved(channel::MemberRemoved {
        user,
        reason: None,
        banned: false,
    })
}

fn page_seqs(page: &Page) -> Vec<u64> {
    page.events.iter().map(|event| event.seq).collect()
}

/// A log that counts how often it was read.
struct Counted(Arc<MemoryLog>, AtomicUsize);

#[async_trait::async_trait]
impl EventLog for Counted {
    async fn append(&self, appends: Vec<Append>) -> Vec<Result<Appended, AppendError>> {
        self.0.append(appends).await
    }

    async fn read_stream(&self, stream: &StreamName, from: u64, limit: usize) -> Result<StreamPage, ReadError> {
        self.1.fetch_add(1, Ordering::Relaxed);
        self.0.read_stream(stream, from, limit).await
    }

    async fn read_all(&self, after: u64, limit: usize) -> Result<event_store::Page, ReadError> {
        self.0.read_all(after, limit).await
    }

    async fn head(&self) -> Result<Head, ReadError> {
        self.0.head().await
    }

    fn tail(self: Arc<Self>, after: u64) -> Tail {
        Arc::clone(&self.0).tail(after)
    }

    async fn failed(&self) -> String {
        self.0.failed().await
    }
}

#[tokio::test]
async fn what_a_window_covers_is_never_read_from_the_log() {
    let log = Arc::new(Counted(MemoryLog::new(), AtomicUsize::new(0)));
    let live = LiveTimeline::new(Arc::clone(&log) as Arc<dyn EventLog>, Arc::new(Deleted(vec![])), 0);
    assert_eq!(live.reach(bobs(1), 0, 0), Reach::Nothing);
    let running = tokio::spawn(Arc::clone(&live).run());
    let events: Vec<_> = (0..300).map(|n| (n, sent(n.into(), "x"))).collect();
    append(&log.0, &events).await;
    assert!(live.wait_for(300, Duration::from_secs(30)).await);
    let before = log.1.load(Ordering::Relaxed);
    for from in [45, 200, 300] {
        assert_eq!(live.reach(bobs(from), 300, 300), Reach::Memory);
        let page = live.read(bobs(from), usize::MAX).await.expect("readable");
        assert_eq!(page_seqs(&page), (from..=300).collect::<Vec<_>>());
        assert_eq!((page.next, page.complete), (301, true));
    }
    assert_eq!(live.reach(bobs(301), 300, 300), Reach::Nothing);
    let cut = live.read(bobs(45), 10).await.expect("readable");
    assert_eq!((cut.next, cut.complete), (55, false));
    assert_eq!(log.1.load(Ordering::Relaxed), before);
    assert_eq!(live.reach(bobs(44), 300, 300), Reach::Log);
    live.read(bobs(44), usize::MAX).await.expect("readable");
    assert_eq!(log.1.load(Ordering::Relaxed), before + 1);
    running.abort();
}

#[tokio::test]
async fn reading_ends_with_ones_own_departure_wherever_it_is_read_from() {
    let log = MemoryLog::new();
    let events = [
        (0, sent(1, "one")),
        (1, removed(BOB)),
        (2, sent(2, "now that he is gone")),
    ];
    append(&log, &events).await;
    let cold = timeline(&log, vec![]).await;
    let hot = LiveTimeline::new(Arc::clone(&log) as Arc<dyn EventLog>, Arc::new(Deleted(vec![])), 0);
    let running = tokio::spawn(Arc::clone(&hot).run());
    assert!(hot.wait_for(3, Duration::from_secs(30)).await);
    for live in [cold, hot] {
        let page = live.read(bobs(1), 10).await.expect("readable");
        assert_eq!((page_seqs(&page), page.next, page.complete), (vec![1, 2], 3, true));
        let back_again = of(BOB, 3, 1);
        let page = live.read(back_again, 10).await.expect("readable");
        assert_eq!(page_seqs(&page), [1, 2, 3]);
        assert_eq!(page_seqs(&live.read(annes(), 10).await.expect("readable")), [1, 2, 3]);
    }
    running.abort();
}

#[tokio::test]
async fn an_event_is_the_same_bytes_from_memory_and_from_the_log() {
    let log = MemoryLog::new();
    let edited = channel::Event::Edited(channel::Edited {
        message: message(1),
        seq: Some(1),
        version: 2,
        body: MessageBody::parse("secret, corrected").expect("valid"),
        mentions: vec![ANN],
    });
    let events = [
        (0, sent(1, "secret")),
        (1, sent(2, "kept")),
        (2, edited),
        (3, deleted(1)),
        (4, removed(BOB)),
    ];
    append(&log, &events).await;
    let cold = timeline(&log, vec![message(1)]).await;
    let hot = LiveTimeline::new(Arc::clone(&log) as Arc<dyn EventLog>, Arc::new(Deleted(vec![])), 0);
    let running = tokio::spawn(Arc::clone(&hot).run());
    assert!(hot.wait_for(5, Duration::from_secs(30)).await);
    let cold = cold.read(bobs(1), 10).await.expect("readable").events;
    let hot = hot.read(bobs(1), 10).await.expect("readable").events;
    assert_eq!((cold.len(), hot.len()), (5, 5));
    for (cold, hot) in cold.iter().zip(&hot) {
        for reader in [ANN, BOB] {
            assert_eq!(
                cold.frame_for(&of(reader, 1, 1)),
                hot.frame_for(&of(reader, 1, 1)),
                "{}",
                cold.item_for(&of(reader, 1, 1))
            );
        }
    }
    running.abort();
}

#[tokio::test]
async fn an_event_that_nobody_can_read_is_passed_over() {
    let log = MemoryLog::new();
    append(&log, &[(0, sent(1, "one"))]).await;
    let mut unreadable = stored(&sent(2, "two"), "k1");
    unreadable.kind = "message.sung".into();
    append_stored(&log, vec![unreadable]).await;
    let live = timeline(&log, vec![]).await;
    let page = live.read(bobs(1), 10).await.expect("readable");
    assert_eq!((page_seqs(&page), page.next, page.complete), (vec![1], 3, true));
}

#[tokio::test]
async fn a_dropped_window_is_not_taken_for_silence() {
    let log = MemoryLog::new();
    append(&log, &[(0, sent(1, "one"))]).await;
    let live = timeline(&log, vec![]).await;
    assert_eq!(live.reach(bobs(2), 1, 1), Reach::Nothing);
    let events = log.read_all(0, 10).await.expect("readable").events;
    let mut order = Order::new(1, usize::MAX);
    live.apply(&events, 1, &mut order);
    append(&log, &[(1, sent(2, "two"))]).await;
    let events = log.read_all(1, 10).await.expect("readable").events;
    live.apply(&events, 2, &mut order);
    let mut elsewhere = events[0].as_ref().clone();
    elsewhere.stream = StreamName::new("channel", Uuid::from_u128(0xd));
    live.apply(&[Arc::new(elsewhere)], 3, &mut order);
    assert_eq!(live.reach(bobs(2), 1, 1), Reach::Log);
    assert_eq!(live.reach(bobs(3), 2, 2), Reach::Nothing);
}

#[tokio::test]
async fn who_listens_hears_of_later_events_of_that_channel_alone() {
    let log = MemoryLog::new();
    let live = timeline(&log, vec![]).await;
    let running = tokio::spawn(Arc::clone(&live).run());
    let (mut here, elsewhere) = (live.news(CHANNEL), live.news(ChannelId::from_u128(0xd)));
    append(&log, &[(0, sent(1, "one")), (1, sent(2, "two"))]).await;
    here.reaches(2).await;
    assert!(std::pin::pin!(here.reaches(3)).now_or_never().is_none());
    drop(here);
    drop(elsewhere);
    assert!(live.newsroom.is_empty());
    running.abort();
}

#[tokio::test]
async fn committed_events_are_announced_in_order_after_their_windows_have_them() {
    let log = MemoryLog::new();
    let live = timeline(&log, vec![]).await;
    let mut batches = live.subscribe();
    let running = tokio::spawn(Arc::clone(&live).run());
    for n in 0..20 {
        append(&log, &[(n, sent(n.into(), "x"))]).await;
    }
    let mut announced = Vec::new();
    while announced.len() < 20 {
        let batch = batches.recv().await.expect("running");
        for event in batch.runs.iter().flat_map(|run| &run.events) {
            assert_eq!(live.reach(bobs(event.seq), 0, 0), Reach::Memory);
            announced.push(event.seq);
        }
    }
    assert_eq!(announced, (1..=20).collect::<Vec<_>>());
    assert!(live.wait_for(20, Duration::from_secs(30)).await);
    running.abort();
}

#[tokio::test]
async fn without_the_channels_state_nothing_is_shown() {
    struct Unknown;
    #[async_trait::async_trait]
    impl Deletions for Unknown {
        async fn among(&self, _channel: ChannelId, _messages: Vec<MessageId>) -> Option<HashSet<MessageId>> {
            None
        }
    }
    let log = MemoryLog::new();
    append(&log, &[(0, sent(1, "secret"))]).await;
    let live = LiveTimeline::new(Arc::clone(&log) as Arc<dyn EventLog>, Arc::new(Unknown), 1);
    assert!(live.read(bobs(1), 10).await.is_err());
}

#[tokio::test]
async fn a_mark_in_an_inbox_is_announced_as_a_receipt() {
    let log = MemoryLog::new();
    let live = timeline(&log, vec![]).await;
    let mut batches = live.subscribe();
    let running = tokio::spawn(Arc::clone(&live).run());
    let read = inbox::Event::Read(inbox::Read {
        channel: CHANNEL,
        seq: 7,
    });
    let mut event = stored(&deleted(1), "mark");
    (event.kind, event.payload) = (read.kind().into(), Bytes::from(read.encode()));
    let append = Append {
        stream: StreamName::new("inbox", BOB.uuid()),
        expected: Expected::Empty,
        events: vec![event],
    };
    log.append(vec![append])
        .await
        .pop()
        .expect("an answer")
        .expect("appended");
    let batch = batches.recv().await.expect("running");
    let [receipt] = &batch.receipts[..] else {
        panic!("one receipt")
    };
    let told: Value = serde_json::from_slice(&receipt.frame[4..]).expect("a frame of medium length");
    assert_eq!(
        told,
        json!({ "t": "feed", "seq": 1, "type": "receipt", "d": { "ch": CHANNEL, "user": BOB, "read": 7 } })
    );
    assert_eq!(receipt.channel, CHANNEL);
    running.abort();
}

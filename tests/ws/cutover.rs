//! The seam between what is read from the log, what is in memory and what is live: consumers join and resume at any seq, again and again,
//! while the channels are written as fast as they can be. Nobody misses, repeats or sees another byte than the others.
//!
//! Against a release build, at a rate that matters:
//! `VERBATIM_BIN=$PWD/target/release/verbatim VERBATIM_CUTOVER_EVENTS=200000 cargo test --release -p verbatim-tests --test ws cutover -- --nocapture`

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Instant,
};

use rand::{RngExt, SeedableRng, rngs::StdRng};
use serde_json::{Value, json};
use tokio::sync::watch;
use verbatim_tests::{
    Person, Server, Stage,
    raw::{CLOSE, FINAL, RawFrame, RawSocket},
};

const CONSUMERS: u64 = 50;
const SENDERS: usize = 4;
/// Commands in one frame of a sender, who sends the next once these are answered.
const BATCH: usize = 50;
/// Events of all channels together, in a normal run.
const EVENTS: usize = 8_000;

/// One channel, as its consumers together have seen it.
struct Track {
    channel: String,
    /// The newest seq that a sender had answered.
    top: AtomicU64,
    seen: Mutex<HashMap<u64, Vec<u8>>>,
}

impl Track {
    fn of(channel: String) -> Arc<Self> {
        Arc::new(Self {
            channel,
            top: AtomicU64::new(0),
            seen: Mutex::default(),
        })
    }

    /// Whoever sees an event first sets what the others must see.
    fn compare(&self, seq: u64, frame: RawFrame) {
        let mut seen = self.seen.lock().expect("no panic of others");
        let first = seen.entry(seq).or_insert_with(|| frame.payload.clone());
        assert_eq!(*first, frame.payload, "two readers see different bytes at {seq}");
    }
}

/// Sends this many messages in batches; the last is answered when it returns.
async fn write(person: Person, track: Arc<Track>, count: usize) {
    let mut socket = RawSocket::welcomed(&person).await;
    for batch in 0..count.div_ceil(BATCH) {
        let frames: Vec<_> = (0..BATCH)
            .map(|number| {
                let body = format!("{} {batch} {number}", person.handle);
                json!({"t": "cmd", "op": "message.send", "ch": track.channel, "d": {"body": body}})
            })
            .collect();
        socket.send_text(&Value::from(frames).to_string()).await;
        let mut answered = 0;
        while answered < BATCH {
            let frame = socket.frame().await.expect("an answer").json();
            match frame["t"].as_str() {
                Some("ok") => answered += 1,
                Some("hb") => socket.send_text(r#"{"t":"pong"}"#).await,
                _ => panic!("{frame}"),
            }
            track
                .top
                .fetch_max(frame["seq"].as_u64().unwrap_or(0), Ordering::Relaxed);
        }
    }
}

/// One place at which a consumer reads.
struct Reader<'a> {
    socket: RawSocket,
    track: &'a Track,
    /// Known once the answer to the subscription has come.
    next: Option<u64>,
}

impl<'a> Reader<'a> {
    /// From after this seq; none: live only.
    async fn join(person: &Person, track: &'a Track, after: Option<u64>, in_hello: bool) -> Self {
        let address = person.stage().address();
        let resume = match after {
            Some(seq) if in_hello => json!([{"ch": track.channel, "seq": seq}]),
            _ => json!([]),
        };
        let asked_in_hello = resume != json!([]);
        let socket = RawSocket::upgraded(address).await.introduced(person, resume).await;
        let mut reader = Self {
            socket,
            track,
            next: None,
        };
        if !asked_in_hello {
            reader.subscribe(after, "first").await;
        }
        reader
    }

    async fn subscribe(&mut self, after: Option<u64>, id: &str) {
        let mut frame = json!({"t": "sub", "id": id, "ch": self.track.channel});
        if let Some(after) = after {
            frame["after"] = after.into();
        }
        self.socket.send_text(&frame.to_string()).await;
    }

    /// Takes one frame; the seq that was reached, or `None` when the socket has ended.
    async fn take(&mut self) -> Option<u64> {
        let frame = self.socket.frame().await?;
        if frame.first == FINAL | CLOSE {
            assert!(matches!(frame.close_code(), Some(4408 | 4410)), "{frame:?}");
            return None;
        }
        if let Some(seq) = frame.seq() {
            let next = self.next.expect("the answer to a subscription comes before its events");
            assert_eq!(seq, next, "a hole or a repeat");
            self.track.compare(seq, frame);
            self.next = Some(seq + 1);
        } else {
            self.answer(&frame.json()).await;
        }
        Some(self.next.map_or(0, |next| next - 1))
    }

    async fn answer(&mut self, frame: &Value) {
        match frame["t"].as_str() {
            // Events of an earlier subscription go on until this. Answers come in the order of the questions.
            Some("sub_ok") => self.next = frame["from"].as_u64(),
            Some("hb") => self.socket.send_text(r#"{"t":"pong"}"#).await,
            Some("lag" | "feed" | "eph") => {}
            _ => panic!("{frame}"),
        }
    }
}

/// Joins at all kinds of places until the writers are done, and then once more, up to the end. The number of joins.
async fn consume(
    person: Person,
    tracks: Vec<Arc<Track>>,
    mut done: watch::Receiver<bool>,
    mut chance: StdRng,
) -> usize {
    let mut joins = 0;
    while !*done.borrow() {
        let track = &tracks[chance.random_range(0..tracks.len())];
        let mut reader = Reader::join(&person, track, place(track, &mut chance), chance.random()).await;
        let mut frames = chance.random_range(1..600);
        joins += 1;
        while read(&mut reader, frames, &mut done).await && chance.random_bool(0.3) {
            reader.subscribe(place(track, &mut chance), &joins.to_string()).await;
            frames = chance.random_range(1..600);
            joins += 1;
        }
    }
    for track in &tracks {
        read_to_the_end(&person, track, &mut chance).await;
    }
    joins + tracks.len()
}

/// After which seq to go on: the beginning, near the top, anywhere; or live only.
fn place(track: &Track, chance: &mut StdRng) -> Option<u64> {
    let top = track.top.load(Ordering::Relaxed);
    match chance.random_range(0..8) {
        0 => Some(0),
        1 => Some(top),
        2 => None,
        3..5 => Some(top.saturating_sub(chance.random_range(0..300))),
        _ => Some(chance.random_range(0..=top)),
    }
}

/// Reads this many frames; false when the socket was closed for being slow, or when the writers are done.
async fn read(reader: &mut Reader<'_>, frames: usize, done: &mut watch::Receiver<bool>) -> bool {
    for _ in 0..frames {
        let went_on = tokio::select! {
            taken = reader.take() => taken.is_some(),
            _ = done.wait_for(|done| *done) => false,
        };
        if !went_on {
            return false;
        }
    }
    true
}

async fn read_to_the_end(person: &Person, track: &Track, chance: &mut StdRng) {
    let top = track.top.load(Ordering::Relaxed);
    let mut after = top.saturating_sub(chance.random_range(1..5_000));
    while after < top {
        let mut reader = Reader::join(person, track, Some(after), chance.random()).await;
        while after < top
            && let Some(reached) = reader.take().await
        {
            after = reached.max(after);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_joins_or_resumes_under_load_sees_every_event_once() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let events = number("VERBATIM_CUTOVER_EVENTS").map_or(EVENTS, |events| events as usize);
    let seed = number("VERBATIM_SEED").unwrap_or_else(rand::random);
    println!("VERBATIM_SEED={seed}");
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_SOCKETS_PER_USER", "1000");
        options.set("VERBATIM_LIMIT_SOCKETS_PER_ADDRESS", "10000");
        // Any gap is filled event by event.
        options.set("VERBATIM_LIMIT_MAX_REPLAY", "10000000");
    });
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let mut tracks = vec![];
    for _ in 0..2 {
        tracks.push(Track::of(stage.room(&[&ann, &bob]).await.channel));
    }
    let (done, is_done) = watch::channel(false);
    let consumers: Vec<_> = (0..CONSUMERS)
        .map(|number| {
            let chance = StdRng::seed_from_u64(seed.wrapping_add(number));
            tokio::spawn(consume(bob.clone(), tracks.clone(), is_done.clone(), chance))
        })
        .collect();
    let begun = Instant::now();
    let writers: Vec<_> = (0..SENDERS)
        .map(|number| {
            tokio::spawn(write(
                ann.clone(),
                Arc::clone(&tracks[number % tracks.len()]),
                events / SENDERS,
            ))
        })
        .collect();
    for writer in writers {
        writer.await.expect("no panic");
    }
    let rate = events as f64 / begun.elapsed().as_secs_f64();
    done.send(true).expect("consumers listen");
    let mut joins = 0;
    for consumer in consumers {
        joins += consumer.await.expect("no panic");
    }
    println!("{events} events at {rate:.0}/s, {joins} joins by {CONSUMERS} consumers");
    server.assert_no_panic();
}

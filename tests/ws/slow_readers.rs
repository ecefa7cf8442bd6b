//! Readers that stop reading: they cost the server a bounded amount of memory and the others nothing, and miss nothing when they go on.

use serde_json::json;
use verbatim_tests::{
    Person, Server, Stage,
    raw::{CLOSE, FINAL, RawSocket},
    until,
};

const READERS: usize = 10;
const SLOW: usize = 3;
const MESSAGES: usize = 160;
/// `outbound_hard_bytes`, and what a close frame may add to it.
const HARD_BYTES: u64 = 1024 * 1024 + 125;

struct Reader {
    socket: RawSocket,
    /// The last seq that was read.
    seq: u64,
    lagged: usize,
    reconnected: usize,
}

impl Reader {
    async fn join(person: &Person, channel: &str, seq: u64) -> Self {
        let address = person.stage().address();
        let resume = json!([{"ch": channel, "seq": seq}]);
        let socket = RawSocket::narrow(address).await.upgrade(address).await;
        let mut reader = Self {
            socket: socket.introduced(person, resume).await,
            seq,
            lagged: 0,
            reconnected: 0,
        };
        let answer = reader.socket.frame().await.expect("an answer").json();
        assert_eq!(
            (&answer["t"], &answer["from"]),
            (&json!("sub_ok"), &json!(seq + 1)),
            "{answer}"
        );
        reader
    }

    /// Reads on to this seq, each event exactly once, over reconnects where the server asked for one.
    async fn read_to(&mut self, person: &Person, channel: &str, top: u64) {
        while self.seq < top {
            let frame = self.socket.frame().await;
            let closed = frame.as_ref().is_none_or(|frame| frame.first == FINAL | CLOSE);
            if closed {
                let code = frame.and_then(|frame| frame.close_code());
                assert!(code.is_none_or(|code| matches!(code, 4408 | 4410 | 4412)), "{code:?}");
                let again = Self::join(person, channel, self.seq).await;
                self.socket = again.socket;
                self.reconnected += 1;
            } else if let Some(frame) = frame {
                match frame.seq() {
                    Some(seq) => {
                        assert_eq!(seq, self.seq + 1, "a hole or a repeat");
                        self.seq = seq;
                    }
                    None if frame.json()["t"] == "lag" => self.lagged += 1,
                    None if frame.json()["t"] == "hb" => self.socket.send_text(r#"{"t":"pong"}"#).await,
                    None => assert!(matches!(frame.json()["t"].as_str(), Some("feed" | "eph"))),
                }
            }
        }
    }
}

async fn queued_bytes(stage: &Stage) -> u64 {
    let metrics = stage.get("/metrics").send().await.is(200).text;
    let line = metrics.lines().find_map(|line| line.strip_prefix("ws_queued_bytes "));
    line.and_then(|number| number.trim().parse::<f64>().ok())
        .expect("the gauge") as u64
}

#[tokio::test]
async fn who_stops_reading_delays_nobody_and_misses_nothing() {
    let server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let channel = stage.room(&[&ann, &bob]).await.channel;
    let begin = ann.send(&channel, "here we go").await.u64("seq");
    let mut readers = vec![];
    for _ in 0..READERS {
        readers.push(Reader::join(&bob, &channel, begin).await);
    }
    let mut slow = readers.split_off(READERS - SLOW);
    // Bodies as large as they may be, so that no buffer of the system holds them all.
    let body = "🦉".repeat(8_000);
    let mut top = begin;
    for _ in 0..MESSAGES {
        top = ann.send(&channel, &body).await.u64("seq");
        for reader in &mut readers {
            reader.read_to(&bob, &channel, top).await;
        }
        let queued = queued_bytes(&stage).await;
        assert!(queued <= SLOW as u64 * HARD_BYTES, "{queued} bytes are queued");
    }
    assert!(
        readers.iter().all(|reader| reader.reconnected == 0),
        "the others were delayed"
    );
    for reader in &mut slow {
        reader.read_to(&bob, &channel, top).await;
        assert!(
            reader.lagged + reader.reconnected > 0,
            "nobody was slow: the test needs more to send"
        );
    }
    let last = ann.send(&channel, "live again").await.u64("seq");
    for reader in slow.iter_mut().chain(&mut readers) {
        reader.read_to(&bob, &channel, last).await;
    }
    drop((readers, slow));
    until("empty queues", async || (queued_bytes(&stage).await == 0).then_some(())).await;
}

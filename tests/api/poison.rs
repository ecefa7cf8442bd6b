//! Events that nobody can read, put into the log by hand: each halts its own channel, is seen by operators, and everything else goes on.

use rusqlite::{Connection, params};
use serde_json::{Value, json};
use uuid::Uuid;
use verbatim_tests::{Person, Server, Stage};

/// Enough of an event to be written as the log writes it.
struct Poison<'a> {
    kind: &'a str,
    version: u16,
    payload: String,
    /// Whether its checksum is right.
    whole: bool,
}

const SECRET: &str = "the-secret-of-the-payload";

impl Poison<'_> {
    /// Puts it behind the newest event of the channel's stream and moves the head. Gives its position.
    fn insert(&self, log: &Connection, channel: &str) -> u64 {
        let id = Uuid::new_v4();
        let name = format!("channel-{}", uuid_of(channel));
        let (stream, revision): (i64, i64) = log
            .query_row(
                "select stream, (select max(revision) + 1 from events where events.stream = streams.stream) from streams where name = $1",
                [&name],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .expect("the stream of the channel");
        log.execute("update head set position = position + 1", [])
            .expect("the head moves");
        let position: i64 = log
            .query_row("select position from head", [], |row| row.get(0))
            .expect("a head");
        let payload = self.payload.replace("{message}", &format!("message_{}", type_id(id)));
        let sum = self.checksum(position as u64, revision as u64, id, &name, payload.as_bytes());
        log.execute(
            "insert into events values ($1, $2, $3, $4, 0, $5, $6, $7, 'by hand', zeroblob(16), zeroblob(16), $8, $9, $10)",
            params![
                position,
                stream,
                revision,
                id.as_bytes(),
                self.kind,
                self.version,
                [0u8; 16],
                AT,
                payload.as_bytes(),
                if self.whole { sum } else { sum ^ 1 }
            ],
        )
        .expect("a row");
        position as u64
    }

    /// The canonical form of an event, as the log describes it.
    fn checksum(&self, position: u64, revision: u64, id: Uuid, name: &str, payload: &[u8]) -> u32 {
        let mut form = vec![];
        form.extend(position.to_le_bytes());
        form.extend(revision.to_le_bytes());
        form.extend(0u32.to_le_bytes());
        form.extend(id.as_bytes());
        form.extend(self.version.to_le_bytes());
        form.extend([0; 48]);
        form.extend(AT.to_le_bytes());
        for text in [name, self.kind, "by hand"] {
            form.extend((text.len() as u64).to_le_bytes());
            form.extend(text.as_bytes());
        }
        form.extend((payload.len() as u64).to_le_bytes());
        form.extend(payload);
        crc32c::crc32c(&form)
    }
}

/// Later than every event of the stream before it, as times in a stream are.
const AT: i64 = 4_000_000_000_000_000;
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

fn uuid_of(public: &str) -> Uuid {
    let (_, digits) = public.split_once('_').expect("a public id");
    let value = digits.bytes().fold(0u128, |value, digit| {
        let digit = ALPHABET.iter().position(|known| *known == digit).expect("base32");
        value << 5 | digit as u128
    });
    Uuid::from_u128(value)
}

fn type_id(id: Uuid) -> String {
    let value = id.as_u128();
    let digits = (0..26)
        .rev()
        .map(|place| ALPHABET[(value >> (place * 5)) as usize & 31]);
    String::from_utf8(digits.collect()).expect("base32")
}

fn good_message(body: &str) -> Poison<'static> {
    Poison {
        kind: "message.sent",
        version: 1,
        payload: format!("{{\"message\":\"{{message}}\",\"body\":\"{body}\"}}"),
        whole: true,
    }
}

/// A quiet server with people on it, stopped in order.
struct Town {
    server: Server,
    stage: Stage,
    ann: Person,
    olga: Person,
    space: String,
}

impl Town {
    async fn new() -> Self {
        let mut server = Server::start();
        let stage = Stage::on(&server);
        let (ann, olga) = (stage.person("ann").await, stage.person("olga").await);
        let space = ann.create_space("Reading club").await;
        server.kill9();
        for role in ["operator", "auditor"] {
            assert!(server.run(&["grant", &olga.handle, role]).status.success());
        }
        server.launch();
        Self {
            server,
            stage,
            ann,
            olga,
            space,
        }
    }

    async fn channel(&self, name: &str) -> String {
        let channel = self.ann.create_channel(&self.space, name).await;
        self.ann.send(&channel, "before").await.accepted();
        channel
    }

    /// Changes the log while nobody has it open.
    async fn by_hand<T>(&mut self, change: impl FnOnce(&Connection) -> T) -> T {
        assert_eq!(self.server.terminate().await, Some(0));
        let log = Connection::open(self.server.data().join("log.sqlite")).expect("the log");
        let changed = change(&log);
        drop(log);
        self.server.launch();
        changed
    }

    async fn quarantined(&self, view: &str) -> Vec<Value> {
        let path = format!("/admin/projections/{view}");
        let known = self.olga.get(&path).send().await.is(200);
        known["quarantined"].as_array().cloned().unwrap_or_default()
    }

    async fn act(&self, view: &str, act: &str, body: Value) -> verbatim_tests::Answer {
        let path = format!("/admin/projections/{view}/{act}");
        self.olga.post(&path).json(&body).send().await
    }
}

#[tokio::test]
async fn each_kind_of_poison_halts_its_own_channel_and_nothing_else() {
    let poison = |kind, version, payload: String| Poison {
        kind,
        version,
        payload,
        whole: true,
    };
    let large = "x".repeat(1 << 20);
    let poisons = [
        poison("message.exploded", 1, format!("{{\"words\":\"{SECRET}\"}}")),
        poison("message.sent", 99, format!("{{\"words\":\"{SECRET}\"}}")),
        poison("message.sent", 1, format!("{{\"message\":\"{SECRET}")),
        poison(
            "message.sent",
            1,
            format!("{{\"message\":\"{{message}}\",\"body\":\"{SECRET}{large}\"}}"),
        ),
        Poison {
            whole: false,
            ..good_message(SECRET)
        },
    ];
    let mut town = Town::new().await;
    let healthy = town.channel("healthy").await;
    let mut channels = vec![];
    for place in 0..poisons.len() {
        channels.push(town.channel(&format!("poisoned-{place}")).await);
    }
    let positions: Vec<u64> = town
        .by_hand(|log| {
            let insert = |(poison, channel): (&Poison<'_>, &String)| {
                let position = poison.insert(log, channel);
                good_message("behind it").insert(log, channel);
                position
            };
            poisons.iter().zip(&channels).map(insert).collect()
        })
        .await;

    town.ann.send(&healthy, "all well").await.accepted();
    let page = town.ann.page(&healthy, "").await;
    assert_eq!(page.items().len(), 2, "{}", page.text);
    for channel in &channels {
        let more = town.ann.sending(channel, "more", "more").send().await;
        more.problem_code(500, "stream/unreadable");
        let read = town.ann.get(&format!("/channels/{channel}/messages")).send().await;
        read.problem_code(500, "stream/unreadable");
    }
    for view in ["timeline", "channel_list", "audit"] {
        let found = town.quarantined(view).await;
        let waits: Vec<(u64, u64)> = found
            .iter()
            .map(|stream| {
                (
                    stream["position"].as_u64().unwrap_or(0),
                    stream["events"].as_u64().unwrap_or(0),
                )
            })
            .collect();
        let expected: Vec<(u64, u64)> = positions.iter().map(|position| (*position, 2)).collect();
        assert_eq!(waits, expected, "{view}");
        assert!(
            found
                .iter()
                .all(|stream| stream["reason"].as_str().is_some_and(|why| !why.is_empty()))
        );
    }
    assert_eq!(town.quarantined("directory").await, Vec::<Value>::new());
    let metrics = town.stage.get("/metrics").send().await.text;
    for line in [
        "projection_parked_events{projection=\"timeline\"} 10",
        "projection_lag_events{projection=\"timeline\"} 0",
    ] {
        assert!(metrics.lines().any(|found| found == line), "{line}");
    }
    let printed = town.server.printed().join("\n");
    let asides = printed
        .lines()
        .filter(|line| line.contains("View timeline puts channel-"));
    assert_eq!(asides.count(), poisons.len());
    assert!(!printed.contains(SECRET), "a payload came into the log lines");
    town.server.assert_no_panic();
}

#[tokio::test]
async fn a_stream_comes_back_when_its_event_can_be_read_and_it_is_tried_again() {
    let mut town = Town::new().await;
    let channel = town.channel("club").await;
    let position = town
        .by_hand(|log| {
            let torn = Poison {
                whole: false,
                ..good_message("torn")
            };
            let position = torn.insert(log, &channel);
            good_message("behind it").insert(log, &channel);
            position
        })
        .await;
    let still = town.act("timeline", "retry", json!({})).await.is(200);
    assert_eq!((&still["streams"], &still["events"]), (&json!(0), &json!(0)));
    assert_eq!(still["parked"][0]["position"], json!(position));
    town.by_hand(|log| {
        let mended = "update events set checksum = (checksum | 1) - (checksum & 1) where position = $1";
        log.execute(mended, [position as i64]).expect("the right checksum");
    })
    .await;
    // Nothing is tried again by itself.
    assert_eq!(town.quarantined("timeline").await.len(), 1);
    for view in ["timeline", "channel_list", "audit"] {
        let mended = town.act(view, "retry", json!({})).await.is(200);
        let rebuilding = view != "timeline";
        let expected = json!({"streams": 1, "events": 2, "parked": [], "rebuilding": rebuilding});
        assert_eq!(mended.body, expected, "{view}");
        let known = town.act(view, "verify", json!({"channels": "all"})).await.is(200);
        assert_eq!(known["differing"], json!([]), "{view}");
    }
    town.ann.send(&channel, "and on").await.accepted();
    let page = town.ann.page(&channel, "").await;
    let bodies: Vec<&str> = page.items().iter().filter_map(|item| item["body"].as_str()).collect();
    assert_eq!(bodies.len(), 4, "{bodies:?}");
    let metrics = town.stage.get("/metrics").send().await.text;
    assert!(metrics.contains("projection_parked_events{projection=\"timeline\"} 0"));
}

#[tokio::test]
async fn passing_over_an_event_is_an_act_with_a_name_and_a_reason_and_stays_done() {
    let mut town = Town::new().await;
    let channel = town.channel("club").await;
    let position = town
        .by_hand(|log| {
            let unknown = Poison {
                kind: "message.exploded",
                version: 1,
                payload: "{}".to_owned(),
                whole: true,
            };
            let position = unknown.insert(log, &channel);
            good_message("behind it").insert(log, &channel);
            position
        })
        .await;
    let reason = "lost with a bad disk";
    for (body, status) in [
        (json!({"position": position}), 422),
        (json!({"position": position, "reason": ""}), 422),
        (json!({"position": position + 1, "reason": reason}), 409),
    ] {
        town.act("timeline", "skip", body).await.problem(status);
    }
    let skip = json!({"position": position, "reason": reason});
    town.ann
        .post("/admin/projections/timeline/skip")
        .json(&skip)
        .send()
        .await
        .problem_code(403, "auth/role-required");
    let mended = town.act("timeline", "skip", skip.clone()).await.is(200);
    let expected = json!({"streams": 1, "events": 2, "parked": [], "rebuilding": false});
    assert_eq!(mended.body, expected);
    assert_eq!(town.quarantined("timeline").await, Vec::<Value>::new());
    assert_eq!(town.quarantined("channel_list").await.len(), 1);
    town.act("timeline", "skip", skip)
        .await
        .problem_code(409, "view/not-parked");
    let trail = town
        .olga
        .get("/audit/events?kind=view.event_skipped")
        .send()
        .await
        .is(200);
    assert_eq!(trail.items().len(), 1);
    assert_eq!(trail.items()[0]["reason"], json!(reason));
    assert_eq!(trail.items()[0]["actor"], json!(town.olga.id));

    town.server.restart();
    assert_eq!(town.quarantined("timeline").await, Vec::<Value>::new());
    let known = town.act("timeline", "verify", json!({"channels": "all"})).await.is(200);
    assert_eq!(known["differing"], json!([]));
}

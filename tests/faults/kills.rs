//! Kill -9 at any moment: every acknowledged send is there once at its acknowledged seq, and a repeat gets the answer of before.

use std::collections::BTreeMap;

use serde_json::Value;
use verbatim_tests::{Hello, Server, Socket, Stage, fresh_key, until};

use crate::ledger::Ledger;

const KILLS: usize = 20;

async fn two_rooms(server: &Server) -> Ledger {
    let stage = Stage::on(server);
    let people = vec![
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    ];
    let room = stage.room(&people.iter().collect::<Vec<_>>()).await;
    let second = people[0].create_channel(&room.space, "second").await;
    for person in &people[1..] {
        person.join(&second).await;
    }
    Ledger::new(people, vec![room.channel, second])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn twenty_kills_under_load_lose_nothing_and_double_nothing() {
    let mut server = Server::start();
    let ledger = two_rooms(&server).await;
    let mut witness = Witness::new(&ledger);
    let mut unknown = 0;
    for round in 0..KILLS {
        let (sent_before, acks_before) = (ledger.sent(), ledger.acks());
        let writers = ledger.write();
        let watching = witness.watch();
        // A different number each round, so that no moment of a commit is spared.
        let enough = 10 + 17 * (round % 5) + round;
        until("some acknowledgements", async || {
            (ledger.acks() >= acks_before + enough).then_some(())
        })
        .await;
        server.kill9();
        for writer in writers {
            writer.await.expect("no panic");
        }
        witness = watching.await.expect("no panic");
        unknown += ledger.sent() - sent_before - ledger.acked_since(sent_before);
        server.launch();
        ledger.assert_log_agrees().await;
        ledger.repeat_from(sent_before, 7).await;
        ledger.settle().await;
        ledger.assert_log_agrees().await;
    }
    assert!(unknown >= KILLS, "the kills came when nothing was on its way");
    ledger.assert_pages_agree().await;
    ledger.repeat_from(0, 23).await;
    witness.assert_saw_only_what_is_stored().await;
}

/// A reader who resumes after each kill and remembers everything they were shown.
struct Witness {
    ledger: Ledger,
    seen: Vec<BTreeMap<u64, Value>>,
}

impl Witness {
    fn new(ledger: &Ledger) -> Self {
        Self {
            ledger: ledger.clone(),
            seen: vec![BTreeMap::new(); ledger.channels().len()],
        }
    }

    fn watch(mut self) -> tokio::task::JoinHandle<Self> {
        tokio::spawn(async move {
            self.read_until_the_end().await;
            self
        })
    }

    async fn read_until_the_end(&mut self) -> Option<()> {
        let channels = self.ledger.channels().to_vec();
        let last_seen = |seen: &BTreeMap<u64, Value>| seen.last_key_value().map_or(0, |(seq, _)| *seq);
        let resume = channels
            .iter()
            .zip(&self.seen)
            .map(|(channel, seen)| (channel.clone(), last_seen(seen)))
            .collect();
        let mut socket = Socket::try_resumed(
            &self.ledger.people()[2],
            Hello {
                resume,
                ..Hello::default()
            },
        )
        .await?;
        loop {
            let event = socket
                .try_take("an event", |frame| frame["t"] == "ev" || frame["t"] == "err")
                .await?;
            assert_eq!(event["t"], "ev", "{event}");
            let place = channels
                .iter()
                .position(|channel| event["ch"] == *channel)
                .expect("a channel of ours");
            let seq = event["seq"].as_u64().expect("a seq");
            assert_eq!(seq, last_seen(&self.seen[place]) + 1, "{event}");
            self.seen[place].insert(seq, event["event"].clone());
        }
    }

    async fn assert_saw_only_what_is_stored(&self) {
        for (channel, seen) in self.ledger.channels().iter().zip(&self.seen) {
            assert!(seen.len() > KILLS, "the witness hardly saw anything of {channel}");
            let events = self.ledger.people()[0].all_events(channel).await;
            for (seq, event) in seen {
                assert_eq!(
                    events[*seq as usize - 1]["event"],
                    *event,
                    "shown at {seq} of {channel}, and now it is another"
                );
            }
        }
    }
}

#[tokio::test]
async fn everything_a_person_made_outlives_a_kill() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let direct = ann.open_direct(&bob).await.str("id");
    let key = fresh_key();
    let sent = ann.send_keyed(&room.channel, &key, "first").await.is(201);
    let edited = ann.edit(&room.channel, &sent.str("message"), "second").await.is(201);
    let gone = bob.send(&direct, "soon gone").await.str("message");
    bob.delete_message(&direct, &gone).await.is(201);
    bob.mark_read(&room.channel, edited.u64("seq")).await;
    server.restart();
    ann.get("/users/me").send().await.is(200);
    assert_eq!(
        bob.another_session().await.id,
        bob.id,
        "the password still opens the door"
    );
    let message = bob.message(&room.channel, &sent.str("message")).await.is(200);
    assert_eq!((&message["body"], &message["version"]), (&"second".into(), &2.into()));
    assert_eq!(ann.message(&direct, &gone).await["deleted"], true);
    let listed = bob.listed(&room.channel).await;
    assert_eq!((&listed["read"], &listed["unread"]), (&edited["seq"], &0.into()));
    assert_eq!(bob.read(&format!("/spaces/{}", room.space)).await["role"], "member");
    let again = ann.send_keyed(&room.channel, &key, "first").await.is(200);
    assert_eq!(
        (&again["seq"], &again["event"], &again["at"]),
        (&sent["seq"], &sent["event"], &sent["at"])
    );
    ann.send_keyed(&room.channel, &key, "other")
        .await
        .problem_code(409, "idempotency/mismatch");
    assert_eq!(ann.open_direct(&bob).await.is(200)["id"], direct);
}

#[tokio::test]
async fn removals_outlive_a_kill() {
    let mut server = Server::start();
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    ann.remove_from_space(&room.space, &bob).await.accepted();
    // Killed before or after the channel heard of it: either way it hears.
    server.restart();
    bob.send_keyed(&room.channel, &fresh_key(), "am I in?")
        .await
        .problem(404);
    until("the removal to reach the channel", async || {
        let events = ann.all_events(&room.channel).await;
        (events.last().expect("events")["type"] == "member.removed").then_some(())
    })
    .await;
    bob.get(&format!("/channels/{}/messages", room.channel))
        .send()
        .await
        .problem(404);
}

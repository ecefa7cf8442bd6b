//! Being cut off in the middle of things: whoever is logged out, suspended or removed is told nothing more, neither of what others say nor
//! of what became of their own words.

use std::time::Duration;

use serde_json::json;
use verbatim_tests::{Answer, Person, Room, Server, Socket, Stage, fresh_key, until};

const MESSAGES: usize = 1_000;
/// Commands on their way at a time.
const IN_FLIGHT: usize = 32;
/// What the service may take for a cut.
const A_SECOND: Duration = Duration::from_secs(1);

/// Everything that came of writing until all was said or the socket closed.
struct Wrote {
    socket: Socket,
    /// Seqs of what was acknowledged.
    acknowledged: Vec<u64>,
    refused: Vec<String>,
    all_said: bool,
}

/// Says a thousand things, as fast as they are acknowledged.
async fn write(mut socket: Socket, channel: String) -> Wrote {
    let (mut acknowledged, mut refused) = (vec![], vec![]);
    let mut waiting = std::collections::VecDeque::new();
    for number in 0..MESSAGES {
        let body = format!("number {number}");
        if let Some(id) = socket.try_post_message(&channel, &fresh_key(), &body).await {
            waiting.push_back(id);
        }
        while waiting.len() >= IN_FLIGHT || (number + 1 == MESSAGES && !waiting.is_empty()) {
            let id = waiting.pop_front().expect("not empty");
            let answer = socket.try_take("an answer", |frame| frame["id"] == id.as_str()).await;
            match answer {
                Some(ok) if ok["t"] == "ok" => acknowledged.push(ok["seq"].as_u64().expect("a seq")),
                Some(err) => refused.push(err["code"].to_string()),
                None => waiting.clear(),
            }
        }
        if socket.is_closed() {
            break;
        }
    }
    Wrote {
        all_said: !socket.is_closed(),
        socket,
        acknowledged,
        refused,
    }
}

/// What became of a cut in the middle of things.
struct Cut {
    /// Another socket of Bob's, which only listens.
    listening: Socket,
    wrote: tokio::task::JoinHandle<Wrote>,
    /// Seq of what Ann said when the cut had been answered, and a second later.
    at_the_cut: u64,
    last: u64,
}

/// Bob writes and listens; once some of it is there, `cut` cuts him off, and Ann goes on.
async fn in_the_middle(ann: &Person, bob: &Person, room: &Room, cut: impl AsyncFnOnce() -> Answer) -> Cut {
    let mut listening = bob.socket().await;
    listening.subscribe(&room.channel, None).await;
    let mut socket = bob.socket().await;
    socket.subscribe(&room.channel, None).await;
    let start = top(ann, room).await;
    let wrote = tokio::spawn(write(socket, room.channel.clone()));
    until("Bob to be in the middle of it", async || {
        (top(ann, room).await >= start + 40).then_some(())
    })
    .await;
    cut().await.accepted();
    let at_the_cut = ann.send(&room.channel, "that was it").await.u64("seq");
    // Whoever would still hear after a second would hear this.
    tokio::time::sleep(A_SECOND).await;
    let last = ann.send(&room.channel, "the last word").await.u64("seq");
    Cut {
        listening,
        wrote,
        at_the_cut,
        last,
    }
}

/// Nothing is acknowledged to Bob that was said after he was cut off, he hears nothing after a second, and his sockets are closed.
async fn bob_is_cut(ann: &Person, bob: &Person, room: &Room, cut: impl AsyncFnOnce() -> Answer) -> Wrote {
    let mut cut = in_the_middle(ann, bob, room, cut).await;
    assert_eq!(cut.listening.close_code().await, Some(4601));
    assert_not_heard(&cut.listening, cut.last);
    let wrote = cut.wrote.await.expect("no panic");
    assert!(!wrote.all_said, "all was said before the cut");
    assert_not_heard(&wrote.socket, cut.last);
    assert_none_late(&wrote, cut.at_the_cut);
    wrote
}

/// The same for whoever loses the channel and keeps the session: the sockets stay, and the channel is not there any more.
async fn bob_is_put_out(ann: &Person, bob: &Person, room: &Room, cut: impl AsyncFnOnce() -> Answer) {
    let mut cut = in_the_middle(ann, bob, room, cut).await;
    let wrote = cut.wrote.await.expect("no panic");
    assert!(wrote.all_said, "the socket was closed");
    assert!(!wrote.refused.is_empty(), "all was said before the cut");
    let not_found = |code: &String| code.contains("channel/not-found");
    assert!(wrote.refused.iter().all(not_found), "{:?}", wrote.refused);
    assert_none_late(&wrote, cut.at_the_cut);
    assert_not_heard(&wrote.socket, cut.last);
    cut.listening.expect("sub_end").await;
    cut.listening.is_alive().await;
    assert_not_heard(&cut.listening, cut.last);
}

fn assert_none_late(wrote: &Wrote, at_the_cut: u64) {
    let late: Vec<_> = wrote.acknowledged.iter().filter(|seq| **seq > at_the_cut).collect();
    assert!(late.is_empty(), "acknowledged after the cut at {at_the_cut}: {late:?}");
}

async fn top(ann: &Person, room: &Room) -> u64 {
    let channel = ann.get(&format!("/channels/{}", room.channel)).send().await;
    channel.is(200).u64("top")
}

fn assert_not_heard(socket: &Socket, seq: u64) {
    let heard = socket.unread().filter(|frame| frame["t"] == "ev");
    assert!(
        heard.into_iter().all(|event| event["seq"].as_u64() < Some(seq)),
        "heard {seq}"
    );
}

/// No write of somebody who is out is carried out any more.
async fn assert_silent(ann: &Person, bob: &Person, room: &Room) {
    let words = ann.all_messages(&room.channel).await.len();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(ann.all_messages(&room.channel).await.len(), words);
    let refused = bob.send_keyed(&room.channel, &fresh_key(), "anyone?").await;
    refused.problem_code(401, "auth/invalid-token");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_logged_out_while_writing_is_told_nothing_more() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let elsewhere = bob.another_session().await;
    let revoke = async || {
        let path = format!("/auth/sessions/{}", bob.session);
        elsewhere.delete(&path).send().await
    };
    let wrote = bob_is_cut(&ann, &bob, &room, revoke).await;
    assert!(wrote.refused.is_empty(), "{:?}", wrote.refused);
    assert_silent(&ann, &bob, &room).await;
    // His other session goes on, and its socket.
    let mut socket = elsewhere.socket().await;
    socket.say(&room.channel, "still here").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_removed_while_writing_is_told_nothing_more() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    bob_is_put_out(&ann, &bob, &room, async || ann.remove_member(&room.channel, &bob).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_banned_while_writing_is_told_nothing_more() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let ban = async || {
        let bans = ann.put(&format!("/spaces/{}/bans/{}", room.space, bob.id));
        bans.json(&json!({"reason": "does not stop"})).send().await
    };
    bob_is_put_out(&ann, &bob, &room, ban).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_suspended_while_writing_is_told_nothing_more() {
    let mut server = Server::start();
    let operator = Stage::on(&server).person("operator").await;
    server.terminate().await;
    let granted = server.run(&["grant", &operator.handle, "operator"]);
    assert_eq!(granted.status.code(), Some(0));
    server.launch();
    let stage = Stage::on(&server);
    let operator = operator.another_session().await;
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let elsewhere = bob.another_session().await;
    let mut there = elsewhere.socket().await;
    let suspend = async || {
        let path = format!("/admin/users/{}/suspend", bob.id);
        operator.post(&path).json(&json!({"reason": "spam"})).send().await
    };
    bob_is_cut(&ann, &bob, &room, suspend).await;
    assert_silent(&ann, &bob, &room).await;
    assert_eq!(there.close_code().await, Some(4601), "wherever he is");
    elsewhere
        .get("/users/me")
        .send()
        .await
        .problem_code(401, "auth/invalid-token");
}

#[tokio::test]
async fn a_ticket_of_an_ended_session_opens_nothing_and_takes_over_nothing() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let other = ann.another_session().await;
    let (one, two) = (other.ticket().await, other.ticket().await);
    let mut socket = ann.socket().await;
    ann.delete(&format!("/auth/sessions/{}", other.session))
        .send()
        .await
        .accepted();
    let mut late = Socket::unintroduced(stage.address()).await;
    late.introduce(&one, &verbatim_tests::Hello::default()).await;
    assert_eq!(late.close_code().await, Some(4501));
    socket.send(&json!({"t": "reauth", "id": "r", "ticket": two})).await;
    assert_eq!(socket.answer("r").await["code"], "auth/invalid-ticket");
    socket.is_alive().await;
}

#[tokio::test]
async fn a_socket_ends_with_the_session_it_goes_on_in() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let (first, second) = (ann.another_session().await, ann.another_session().await);
    let mut socket = first.socket().await;
    let ticket = second.ticket().await;
    socket.send(&json!({"t": "reauth", "id": "r", "ticket": ticket})).await;
    assert_eq!(socket.answer("r").await["t"], "reauth_ok");
    ann.delete(&format!("/auth/sessions/{}", first.session))
        .send()
        .await
        .accepted();
    socket.is_alive().await;
    ann.delete(&format!("/auth/sessions/{}", second.session))
        .send()
        .await
        .accepted();
    assert_eq!(socket.close_code().await, Some(4601));
}

#[tokio::test]
async fn event_streams_and_long_polls_end_with_the_session() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let other = ann.another_session().await;
    let top = ann.send(&room.channel, "the last").await.u64("seq");
    let mut stream = other.event_stream(&room.channel, &format!("after={top}")).await;
    let path = format!("/channels/{}/events?after={top}&wait_ms=30000", room.channel);
    let polled = tokio::spawn(other.get(&path).send());
    // The stream has said its first word, so both of them are most likely waiting.
    stream.block().await.expect("a stream");
    tokio::time::sleep(Duration::from_millis(200)).await;
    ann.delete(&format!("/auth/sessions/{}", other.session))
        .send()
        .await
        .accepted();
    tokio::time::sleep(A_SECOND).await;
    ann.send(&room.channel, "not for the other").await;
    while let Some(block) = stream.block().await {
        assert_eq!(block.data, None);
    }
    let polled = polled.await.expect("no panic");
    polled.problem_code(401, "auth/invalid-token");
}

#[tokio::test]
async fn event_streams_and_long_polls_end_with_being_in_the_space() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let top = ann.send(&room.channel, "the last").await.u64("seq");
    let mut stream = bob.event_stream(&room.channel, &format!("after={top}")).await;
    let path = format!("/channels/{}/events?after={top}&wait_ms=30000", room.channel);
    let polled = tokio::spawn(bob.get(&path).send());
    // The stream has said its first word, so both of them are most likely waiting.
    stream.block().await.expect("a stream");
    tokio::time::sleep(Duration::from_millis(200)).await;
    ann.ban(&room.space, &bob).await.is(201);
    tokio::time::sleep(A_SECOND).await;
    ann.send(&room.channel, "not for bob").await;
    let mut last = None;
    while let Some(block) = stream.block().await {
        assert!(!block.data.as_deref().unwrap_or_default().contains("not for bob"));
        last = block.event.is_some().then_some(block).or(last);
    }
    let last = last.expect("a last word");
    assert_eq!(
        (last.event.as_deref(), &last.json()["reason"]),
        (Some("sub_end"), &json!("banned"))
    );
    polled.await.expect("no panic").problem(404);
}

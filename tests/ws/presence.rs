//! Who is there: asked for by those who share a channel, and told to them when it changes.

use serde_json::{Value, json};
use verbatim_tests::{Person, Server, Socket, Stage, until};

async fn who(socket: &mut Socket, channel: &str, people: &[&Person]) -> Value {
    let users: Vec<&str> = people.iter().map(|person| person.id.as_str()).collect();
    let id = socket.next_id();
    socket
        .send(&json!({"t": "who", "id": id, "ch": channel, "users": users}))
        .await;
    socket.answer(&id).await
}

async fn be(socket: &mut Socket, state: &str) {
    socket.send(&json!({"t": "presence", "state": state})).await;
}

fn is_presence(frame: &Value) -> bool {
    frame["t"] == "eph" && frame["type"] == "presence"
}

/// Waits until this socket has been told that a person's state is this one.
async fn told(socket: &mut Socket, channel: &str, person: &Person, state: &str) {
    let fits = |frame: &Value| {
        is_presence(frame) && frame["ch"] == channel && frame["by"] == person.id && frame["d"]["state"] == state
    };
    socket.take(&format!("{} {state}", person.handle), fits).await;
}

#[tokio::test]
async fn whoever_shares_a_channel_may_ask_and_is_told_of_changes() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob]).await;
    let _of_a_stranger = eve.socket().await;
    let mut asking = ann.socket().await;
    asking.subscribe(&room.channel, None).await;
    let present = who(&mut asking, &room.channel, &[&ann, &bob, &eve]).await;
    let users = json!({&ann.id: "online", &bob.id: "offline"});
    assert_eq!(
        (&present["t"], &present["users"]),
        (&json!("present"), &users),
        "{present}"
    );
    let mut socket = bob.socket().await;
    told(&mut asking, &room.channel, &bob, "online").await;
    be(&mut socket, "away").await;
    told(&mut asking, &room.channel, &bob, "away").await;
    let mut another = bob.socket().await;
    told(&mut asking, &room.channel, &bob, "online").await;
    be(&mut another, "away").await;
    told(&mut asking, &room.channel, &bob, "away").await;
}

#[tokio::test]
async fn who_goes_is_missed_when_the_lease_ends_and_not_before() {
    // Long enough for coming back three times on a busy machine.
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_HEARTBEAT_MS", "4000");
    });
    let stage = Stage::on(&server);
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut asking = ann.socket().await;
    asking.subscribe(&room.channel, None).await;
    let mut socket = bob.socket().await;
    let present = who(&mut asking, &room.channel, &[&bob]).await;
    assert_eq!(present["users"][&bob.id], "online", "{present}");
    for _ in 0..3 {
        socket.close(1000).await;
        socket.close_code().await;
        socket = bob.socket().await;
    }
    socket.close(1000).await;
    told(&mut asking, &room.channel, &bob, "offline").await;
    assert!(!asking.unread().any(is_presence), "coming back at once was told");
}

#[tokio::test]
async fn strangers_and_former_members_learn_nothing() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob, &eve]).await;
    let own = stage.room(&[&eve]).await;
    let mut former = eve.socket().await;
    former.subscribe(&room.channel, None).await;
    former.subscribe(&own.channel, None).await;
    let present = who(&mut former, &room.channel, &[&bob]).await;
    assert_eq!(present["users"][&bob.id], "offline", "{present}");
    ann.remove_member(&room.channel, &eve).await.accepted();
    former.expect("sub_end").await;
    let mut asking = ann.socket().await;
    asking.subscribe(&room.channel, None).await;
    who(&mut asking, &room.channel, &[&bob]).await;
    let _bob = bob.socket().await;
    told(&mut asking, &room.channel, &bob, "online").await;
    let err = who(&mut former, &room.channel, &[&bob]).await;
    assert_eq!(err["code"], "channel/not-found", "{err}");
    let elsewhere = who(&mut former, &own.channel, &[&bob]).await;
    assert_eq!(elsewhere["users"], json!({}), "{elsewhere}");
    assert!(!former.unread().any(is_presence));
}

#[tokio::test]
async fn who_was_removed_is_no_longer_told_of() {
    let stage = Stage::shared();
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    let mut asking = ann.socket().await;
    asking.subscribe(&room.channel, None).await;
    let mut socket = bob.socket().await;
    let present = who(&mut asking, &room.channel, &[&bob]).await;
    assert_eq!(present["users"][&bob.id], "online", "{present}");
    ann.remove_member(&room.channel, &bob).await.accepted();
    asking.event(&room.channel).await;
    be(&mut socket, "away").await;
    let direct = ann.create_group(&[&bob]).await;
    asking.subscribe(&direct, None).await;
    until("the change to be known", async || {
        let present = who(&mut asking, &direct, &[&bob]).await;
        (present["users"][&bob.id] == "away").then_some(())
    })
    .await;
    asking.is_alive().await;
    assert!(
        !asking
            .unread()
            .any(|frame| is_presence(frame) && frame["ch"] == room.channel),
        "a former member is watched"
    );
}

#[tokio::test]
async fn a_socket_watches_a_limited_number_of_people() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_PRESENCE_PEOPLE", "2");
        options.set("VERBATIM_LIMIT_PRESENCE_WATCHED", "3");
    });
    let stage = Stage::on(&server);
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let rooms = [
        stage.room(&[&ann, &bob, &eve]).await,
        stage.room(&[&ann, &bob, &eve]).await,
    ];
    let mut asking = ann.socket().await;
    for room in &rooms {
        asking.subscribe(&room.channel, None).await;
    }
    let all = [&ann, &bob, &eve];
    for (room, people, answer) in [
        (0, &all[..3], "presence/limit"),
        (0, &all[..2], ""),
        (1, &all[..2], "presence/limit"),
        (1, &all[..1], ""),
        (0, &all[1..2], ""),
        (1, &all[..2], ""),
    ] {
        let answered = who(&mut asking, &rooms[room].channel, people).await;
        assert_eq!(answered["code"].as_str().unwrap_or_default(), answer, "{answered}");
    }
}

#[tokio::test]
async fn a_block_hides_two_people_from_each_other() {
    let stage = Stage::shared();
    let (ann, bob, eve) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("eve").await,
    );
    let room = stage.room(&[&ann, &bob, &eve]).await;
    let mut sockets = [ann.socket().await, bob.socket().await, eve.socket().await];
    for socket in &mut sockets {
        socket.subscribe(&room.channel, None).await;
        let present = who(socket, &room.channel, &[&ann, &bob, &eve]).await;
        let users = json!({&ann.id: "online", &bob.id: "online", &eve.id: "online"});
        assert_eq!(present["users"], users);
    }
    ann.put(&format!("/users/me/blocks/{}", bob.id)).send().await.is(200);
    let [hers, his, theirs] = &mut sockets;
    told(hers, &room.channel, &bob, "offline").await;
    told(his, &room.channel, &ann, "offline").await;
    // From now on only the third sees what either does.
    for (socket, person) in [(&mut *hers, &ann), (&mut *his, &bob)] {
        be(socket, "away").await;
        socket.send(&json!({"t": "typing", "ch": room.channel})).await;
        told(theirs, &room.channel, person, "away").await;
        let typing = |frame: &Value| frame["type"] == "typing" && frame["by"] == person.id;
        theirs.take("typing", typing).await;
    }
    for (socket, other) in [(hers, &bob), (his, &ann)] {
        let present = who(socket, &room.channel, &[&ann, &bob, &eve]).await;
        assert_eq!(present["users"][&other.id], "offline", "{present}");
        let of_other = |frame: &&Value| frame["t"] == "eph" && frame["by"] == other.id;
        assert_eq!(socket.unread().find(of_other), None);
    }
    // Who comes back later is hidden as well.
    let mut again = bob.socket().await;
    again.subscribe(&room.channel, None).await;
    let present = who(&mut again, &room.channel, &[&ann, &eve]).await;
    assert_eq!(present["users"], json!({&ann.id: "offline", &eve.id: "online"}));
}

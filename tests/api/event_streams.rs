//! The events of a channel as server-sent events: the same bytes as everywhere, resumable, and over when one may see no more.

use serde_json::json;
use verbatim_tests::{EventStream, Person, Room, Server, Socket, Stage, until};

async fn write(person: &Person, channel: &str, count: usize) -> u64 {
    let mut top = 0;
    for number in 0..count {
        top = person.send(channel, &format!("number {number}")).await.u64("seq");
    }
    top
}

async fn ann_and_bob(stage: &Stage) -> (Person, Person, Room) {
    let (ann, bob) = (stage.person("ann").await, stage.person("bob").await);
    let room = stage.room(&[&ann, &bob]).await;
    (ann, bob, room)
}

#[tokio::test]
async fn a_stream_gives_the_past_and_goes_on_with_what_comes() {
    let (ann, bob, room) = ann_and_bob(&Stage::shared()).await;
    let top = write(&ann, &room.channel, 5).await;
    let mut stream = bob.event_stream(&room.channel, "after=0").await;
    for seq in 1..=top {
        let event = stream.events(1).await.remove(0);
        assert_eq!(
            (event.id.as_deref(), &event.json()["seq"]),
            (Some(&*seq.to_string()), &json!(seq))
        );
    }
    for number in 0..3 {
        let sent = ann.send(&room.channel, &format!("live {number}")).await;
        assert_eq!(stream.events(1).await[0].json()["event"], sent["event"]);
    }
}

#[tokio::test]
async fn events_are_the_same_bytes_on_sockets_streams_and_pages() {
    let (ann, bob, room) = ann_and_bob(&Stage::shared()).await;
    let first = ann
        .send(&room.channel, "line\nbreak, \"quotes\", \u{1f600}")
        .await
        .str("message");
    let gone = ann.send(&room.channel, "not for long").await.str("message");
    ann.edit(&room.channel, &first, "corrected").await.is(201);
    ann.delete_message(&room.channel, &gone).await.is(201);
    let top = write(&bob, &room.channel, 2).await;
    for reader in [&ann, &bob] {
        let mut socket = reader.socket().await;
        socket.subscribe(&room.channel, Some(0)).await;
        socket.events(&room.channel, top as usize).await;
        let frames: Vec<String> = socket
            .event_texts
            .iter()
            .map(|text| format!("{{{}", text.strip_prefix(r#"{"t":"ev","#).expect("an ev frame")))
            .collect();
        let mut stream = reader.event_stream(&room.channel, "").await;
        let streamed: Vec<String> = stream
            .events(top as usize)
            .await
            .into_iter()
            .filter_map(|event| event.data)
            .collect();
        assert_eq!(streamed, frames);
        let page = reader
            .get(&format!("/channels/{}/events?after=0", room.channel))
            .send()
            .await
            .is(200);
        let items = page.text.strip_prefix(r#"{"items":["#).expect("the items come first");
        assert!(items.starts_with(&frames.join(",")), "{items}");
    }
}

#[tokio::test]
async fn the_last_event_id_wins_over_after() {
    let (ann, bob, room) = ann_and_bob(&Stage::shared()).await;
    let top = write(&ann, &room.channel, 6).await;
    let ask = bob
        .asking_for_stream(&room.channel, "after=0")
        .header("last-event-id", &(top - 2).to_string());
    let events = EventStream::of(ask).await.events(2).await;
    assert_eq!(
        (events[0].json()["seq"].as_u64(), events[1].json()["seq"].as_u64()),
        (Some(top - 1), Some(top))
    );
    let wrong = bob
        .asking_for_stream(&room.channel, "")
        .header("last-event-id", "yesterday");
    wrong.send().await.problem(422);
    let ahead = bob.asking_for_stream(&room.channel, &format!("after={}", top + 1));
    ahead.send().await.problem_code(409, "resume/ahead");
}

#[tokio::test]
async fn a_stream_that_was_cut_goes_on_without_hole_or_repeat_while_others_write() {
    let (ann, bob, room) = ann_and_bob(&Stage::shared()).await;
    let before = write(&ann, &room.channel, 2).await;
    let writer = {
        let (ann, channel) = (ann.clone(), room.channel.clone());
        tokio::spawn(async move {
            let mut socket = Socket::of(&ann).await;
            let mut last = String::new();
            for number in 0..400 {
                last = socket
                    .post_message(&channel, &verbatim_tests::fresh_key(), &format!("{number}"))
                    .await;
            }
            socket.answer(&last).await["seq"].as_u64().expect("a seq")
        })
    };
    let mut seen = vec![];
    while seen.len() < 400 {
        let mut ask = bob.asking_for_stream(&room.channel, &format!("after={before}"));
        if let Some(last) = seen.last() {
            ask = ask.header("last-event-id", &u64::to_string(last));
        }
        let mut stream = EventStream::of(ask).await;
        let wanted = 37.min(400 - seen.len());
        let events = stream.events(wanted).await;
        seen.extend(events.iter().map(|event| event.json()["seq"].as_u64().expect("a seq")));
    }
    let top = writer.await.expect("no panic");
    assert_eq!(seen, (before + 1..=top).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_stream_ends_with_ones_own_removal() {
    let (ann, bob, room) = ann_and_bob(&Stage::shared()).await;
    let top = write(&ann, &room.channel, 2).await;
    let mut stream = bob.event_stream(&room.channel, &format!("after={top}")).await;
    let removed = ann.remove_member(&room.channel, &bob).await.accepted().u64("seq");
    ann.send(&room.channel, "now that he is gone").await;
    let mut told = vec![];
    while let Some(block) = stream.data().await {
        told.push(block);
    }
    let [removal, end] = &told[..] else { panic!("{told:?}") };
    assert_eq!(
        (&removal.json()["type"], &removal.json()["seq"]),
        (&json!("member.removed"), &json!(removed))
    );
    assert_eq!((end.event.as_deref(), &end.id), (Some("sub_end"), &None));
    assert_eq!(
        end.json(),
        json!({"ch": room.channel, "at": removed, "reason": "removed"})
    );
    let again = bob.asking_for_stream(&room.channel, "").send().await;
    again.problem_code(404, "channel/not-found");
}

#[tokio::test]
async fn who_may_not_see_the_past_is_not_streamed_it() {
    let stage = Stage::shared();
    let (ann, bob, carol) = (
        stage.person("ann").await,
        stage.person("bob").await,
        stage.person("carol").await,
    );
    let group = ann.create_group(&[&bob]).await;
    write(&ann, &group, 3).await;
    let joined = ann.add_member(&group, &carol).await.accepted().u64("seq");
    let first = carol.event_stream(&group, "after=0").await.events(1).await;
    assert_eq!(first[0].json()["seq"], joined);
    carol
        .asking_for_stream(verbatim_tests::NOWHERE, "")
        .send()
        .await
        .problem(404);
}

#[tokio::test]
async fn a_quiet_stream_shows_that_it_lives() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_HEARTBEAT_MS", "100");
    });
    let (_ann, bob, room) = ann_and_bob(&Stage::on(&server)).await;
    let top = bob.all_events(&room.channel).await.len();
    let mut stream = bob.event_stream(&room.channel, &format!("after={top}")).await;
    let mut comments = 0;
    while comments < 3 {
        let block = stream.block().await.expect("the stream goes on");
        assert_eq!(block.data, None);
        comments += block.comments.len();
    }
}

#[tokio::test]
async fn a_person_has_so_many_streams_and_places_come_back() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_STREAMS_PER_USER", "2");
        options.set("VERBATIM_LIMIT_HEARTBEAT_MS", "100");
    });
    let (ann, bob, room) = ann_and_bob(&Stage::on(&server)).await;
    let _first = bob.event_stream(&room.channel, "").await;
    let second = bob.event_stream(&room.channel, "").await;
    let refused = bob.asking_for_stream(&room.channel, "").send().await;
    refused.problem_code(429, "stream/too-many");
    let _anns = ann.event_stream(&room.channel, "").await;
    drop(second);
    until("a place to come back", async || {
        EventStream::open(bob.asking_for_stream(&room.channel, "")).await.ok()
    })
    .await;
}

#[tokio::test]
async fn streams_end_when_the_service_stops() {
    let mut server = Server::start();
    let (ann, bob, room) = ann_and_bob(&Stage::on(&server)).await;
    let mut stream = bob.event_stream(&room.channel, "").await;
    let sent = ann.send(&room.channel, "the last word").await.u64("seq");
    stream.events(sent as usize).await;
    server.ask_to_stop();
    assert_eq!(stream.data().await, None);
    assert_eq!(server.exit_code().await, Some(0));
}

//! The write side as its callers see it: one event per key whatever happens, one order, typed outcomes, and rules that bite at once.

use std::sync::Arc;

use crate::world::{ANN, BOB, CHANNEL, EVE, SPACE, World, caller, noon, send, service_on};
use commands::{CommandError, Unavailable};
use domain::{
    ChannelId, ChannelName,
    channel::{self, Rejection},
    space,
};
use event_store::{EventLog, StreamName, UnavailableReason};
use futures_util::future::join_all;

#[tokio::test]
async fn a_command_is_answered_with_its_events_as_they_stand_in_the_log() {
    let world = World::new().await;
    let outcome = world.channel(ANN, "k1", send("hello")).await.expect("committed");
    let page = world
        .log
        .read_stream(&StreamName::new("channel", CHANNEL.uuid()), 3, 10)
        .await
        .expect("readable");
    assert_eq!(outcome.events, page.events);
    assert_eq!((outcome.replayed, outcome.top), (false, 4));
}

#[tokio::test]
async fn the_same_key_gives_the_first_answer_and_one_event() {
    let world = World::new().await;
    let first = world.channel(ANN, "k1", send("hello")).await.expect("committed");
    let before = world.count().await;
    let second = world.channel(ANN, "k1", send("hello")).await.expect("replayed");
    assert!(second.replayed);
    assert_eq!(second.events, first.events);
    assert_eq!(world.count().await, before);
}

#[tokio::test]
async fn a_hundred_equal_commands_at_once_make_one_event() {
    let world = World::new().await;
    let before = world.count().await;
    let outcomes = join_all((0..100).map(|_| world.channel(BOB, "same", send("hello")))).await;
    let outcomes: Vec<_> = outcomes
        .into_iter()
        .map(|outcome| outcome.expect("committed or replayed"))
        .collect();
    assert_eq!(world.count().await, before + 1);
    assert_eq!(outcomes.iter().filter(|outcome| !outcome.replayed).count(), 1);
    assert!(outcomes.iter().all(|outcome| outcome.events == outcomes[0].events));
}

#[tokio::test]
async fn a_replayed_creation_answers_with_all_its_events() {
    let world = World::new().await;
    let group = channel::Command::CreateGroup {
        name: None,
        members: vec![BOB, EVE],
    };
    let id = ChannelId::from_u128(0x77).uuid();
    let first = world
        .commands
        .channels
        .execute(id, group.clone(), caller(ANN, "g"))
        .await
        .expect("created");
    let again = world
        .commands
        .channels
        .execute(id, group, caller(ANN, "g"))
        .await
        .expect("replayed");
    assert_eq!(first.events.len(), 4);
    assert_eq!(again.events, first.events);
}

#[tokio::test]
async fn the_same_key_with_other_content_is_refused() {
    let world = World::new().await;
    world.channel(ANN, "k1", send("hello")).await.expect("committed");
    let before = world.count().await;
    assert_eq!(
        world.channel(ANN, "k1", send("goodbye")).await.map(drop),
        Err(CommandError::KeyReused)
    );
    assert_eq!(world.count().await, before);
}

#[tokio::test]
async fn the_same_key_of_another_person_or_in_another_channel_is_independent() {
    let world = World::new().await;
    let ann = world.channel(ANN, "k1", send("hello")).await.expect("committed");
    let bob = world.channel(BOB, "k1", send("hi")).await.expect("committed");
    let direct = domain::direct_channel_id(ANN, BOB).uuid();
    let open = channel::Command::OpenDirect { with: BOB };
    world
        .commands
        .channels
        .execute(direct, open, caller(ANN, "open"))
        .await
        .expect("opened");
    let elsewhere = world
        .commands
        .channels
        .execute(direct, send("psst"), caller(ANN, "k1"))
        .await
        .expect("committed");
    assert!(!ann.replayed && !bob.replayed && !elsewhere.replayed);
}

#[tokio::test]
async fn keys_are_known_after_a_restart() {
    let world = World::new().await;
    let first = world.channel(ANN, "k1", send("hello")).await.expect("committed");
    let restarted = service_on(&world.log, None, 1 << 20).await;
    let again = restarted
        .channels
        .execute(CHANNEL.uuid(), send("hello"), caller(ANN, "k1"))
        .await
        .expect("replayed");
    assert_eq!(again.events, first.events);
    let other = restarted
        .channels
        .execute(CHANNEL.uuid(), send("other"), caller(ANN, "k1"))
        .await;
    assert_eq!(other.map(drop), Err(CommandError::KeyReused));
}

#[tokio::test]
async fn an_unknown_outcome_settles_to_one_event_when_it_was_written() {
    let world = World::new().await;
    world.log.fail_next(UnavailableReason::Storage, true, true);
    assert_eq!(
        world.channel(ANN, "k1", send("hello")).await.map(drop),
        Err(CommandError::OutcomeUnknown)
    );
    let before = world.count().await;
    let retried = world.channel(ANN, "k1", send("hello")).await.expect("replayed");
    assert!(retried.replayed);
    assert_eq!(world.count().await, before);
}

#[tokio::test]
async fn an_unknown_outcome_settles_to_one_event_when_it_was_not_written() {
    let world = World::new().await;
    world.log.fail_next(UnavailableReason::Storage, true, false);
    assert_eq!(
        world.channel(ANN, "k1", send("hello")).await.map(drop),
        Err(CommandError::OutcomeUnknown)
    );
    let before = world.count().await;
    let retried = world.channel(ANN, "k1", send("hello")).await.expect("committed");
    assert!(!retried.replayed);
    assert_eq!(world.count().await, before + 1);
}

#[tokio::test]
async fn a_refused_append_leaves_no_trace_in_the_state() {
    let world = World::new().await;
    world.log.fail_next(UnavailableReason::DiskFull, false, false);
    let refused = world.channel(ANN, "k1", send("hello")).await.map(drop);
    assert_eq!(refused, Err(CommandError::Unavailable(Unavailable::DiskFull)));
    let next = world.channel(ANN, "k2", send("again")).await.expect("committed");
    assert_eq!(next.events[0].revision, 3);
}

#[tokio::test]
async fn two_services_on_one_log_make_one_dense_order() {
    let world = World::new().await;
    let other = service_on(&world.log, None, 1 << 20).await;
    let sends = (0..200).map(|n| {
        let service = if n % 2 == 0 { &world.commands } else { &other };
        service
            .channels
            .execute(CHANNEL.uuid(), send("hello"), caller(ANN, &format!("k{n}")))
    });
    let mut revisions: Vec<_> = join_all(sends)
        .await
        .into_iter()
        .map(|outcome| outcome.expect("committed").events[0].revision)
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, (3..203).collect::<Vec<_>>());
}

#[tokio::test]
async fn commands_of_one_sender_are_decided_in_the_order_they_were_handed_over() {
    let world = World::new().await;
    let mut pending = Vec::new();
    for n in 0..300 {
        let submitted = world
            .commands
            .channels
            .submit(CHANNEL.uuid(), send("x"), caller(ANN, &format!("k{n}")))
            .await;
        pending.push(submitted.expect("taken"));
    }
    let mut revisions = Vec::new();
    for one in pending {
        revisions.push(one.outcome().await.expect("committed").events[0].revision);
    }
    assert_eq!(revisions, (3..303).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_command_outlives_whoever_sent_it() {
    let world = World::new().await;
    let pending = world
        .commands
        .channels
        .submit(CHANNEL.uuid(), send("hello"), caller(ANN, "k1"))
        .await;
    drop(pending.expect("taken"));
    let again = world.channel(ANN, "k1", send("hello")).await.expect("replayed");
    assert!(again.replayed);
}

#[tokio::test]
async fn a_read_never_shows_what_is_not_yet_durable() {
    let world = Arc::new(World::new().await);
    world.log.hold();
    let pending = world
        .commands
        .channels
        .submit(CHANNEL.uuid(), channel::Command::Leave, caller(BOB, "go"))
        .await;
    let reading = tokio::spawn({
        let world = Arc::clone(&world);
        async move { world.commands.channels.read(CHANNEL.uuid(), |view| view.top).await }
    });
    // Long enough for a read that waits for nothing to be over.
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    assert!(!reading.is_finished());
    world.log.release();
    pending.expect("taken").outcome().await.expect("committed");
    assert_eq!(reading.await.expect("not cancelled"), Ok(4));
}

#[tokio::test]
async fn leaving_the_space_ends_writing_in_its_channels_at_once() {
    let world = World::new().await;
    world.channel(BOB, "k1", send("hello")).await.expect("committed");
    world.space(BOB, "leave", space::Command::Leave).await;
    let refused = world.channel(BOB, "k2", send("still here")).await.map(drop);
    assert_eq!(refused, Err(CommandError::Rejected(Rejection::NotFound)));
}

#[tokio::test]
async fn archiving_the_space_ends_writing_in_its_channels_at_once() {
    let world = World::new().await;
    let before = world.channel(BOB, "k1", send("hello")).await.expect("committed");
    world
        .space(ANN, "archive", space::Command::Archive { reason: None })
        .await;
    for user in [ANN, BOB] {
        let refused = world.channel(user, "k2", send("too late")).await.map(drop);
        assert_eq!(refused, Err(CommandError::Rejected(Rejection::Archived)));
    }
    let again = world.channel(BOB, "k1", send("hello")).await.expect("replayed");
    assert_eq!((again.replayed, again.events), (true, before.events));
    world
        .channel(BOB, "leave", channel::Command::Leave)
        .await
        .expect("whoever wants to go may go");
}

#[tokio::test]
async fn that_a_space_is_archived_is_known_after_a_restart_and_without_it_in_memory() {
    let world = World::new().await;
    world
        .space(ANN, "archive", space::Command::Archive { reason: None })
        .await;
    let commands = service_on(&world.log, None, 0).await;
    let elsewhere = ChannelId::from_u128(0xe15e).uuid();
    let create = channel::Command::CreateText {
        space: SPACE,
        name: ChannelName::parse("late").expect("a valid name"),
        private: false,
        history: None,
    };
    for (id, command, why) in [
        (CHANNEL.uuid(), send("too late"), Rejection::Archived),
        (elsewhere, create, Rejection::SpaceArchived),
    ] {
        let refused = commands.channels.execute(id, command, caller(ANN, "k")).await.map(drop);
        assert_eq!(refused, Err(CommandError::Rejected(why)));
    }
}

#[tokio::test]
async fn a_stranger_hears_the_same_as_for_a_channel_that_does_not_exist() {
    let world = World::new().await;
    let known = world.channel(EVE, "k1", send("hello")).await.map(drop);
    let nowhere = ChannelId::from_u128(0xdead).uuid();
    let unknown = world
        .commands
        .channels
        .execute(nowhere, send("hello"), caller(EVE, "k1"))
        .await
        .map(drop);
    assert_eq!(known, unknown);
    assert_eq!(known, Err(CommandError::Rejected(Rejection::NotFound)));
}

#[tokio::test]
async fn states_beyond_the_memory_budget_are_folded_again() {
    let world = World::with(None, 0).await;
    for n in 0..20u128 {
        let id = ChannelId::from_u128(0x1000 + n).uuid();
        let group = channel::Command::CreateGroup {
            name: None,
            members: vec![BOB],
        };
        world
            .commands
            .channels
            .execute(id, group, caller(ANN, "g"))
            .await
            .expect("created");
    }
    let again = world.channel(ANN, "k1", send("hello")).await.expect("committed");
    assert_eq!(again.top, 4);
}

#[tokio::test]
async fn recorded_times_never_fall_within_a_stream() {
    let world = World::new().await;
    let mut early = caller(ANN, "k1");
    early.at = noon() - chrono::TimeDelta::hours(1);
    let outcome = world
        .commands
        .channels
        .execute(CHANNEL.uuid(), send("hello"), early)
        .await
        .expect("committed");
    assert_eq!(outcome.events[0].event.recorded_at, noon());
}

#[tokio::test]
async fn a_space_that_was_never_made_is_not_found() {
    let world = World::new().await;
    let nowhere = domain::SpaceId::from_u128(0xdead).uuid();
    let refused = world
        .commands
        .spaces
        .execute(nowhere, space::Command::Join, caller(BOB, "j"))
        .await
        .map(drop);
    assert_eq!(refused, Err(CommandError::Rejected(space::Rejection::NotFound)));
    assert_ne!(nowhere, SPACE.uuid());
}

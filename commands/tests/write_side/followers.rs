//! What follows events: acknowledgements that wait for each other, and people who leave a space's channels with the space.

use std::sync::{Arc, Mutex};

use crate::world::{ANN, BOB, CHANNEL, SPACE, World, noon, service_on};
use commands::{Checkpoints, Mark, Options, PortFailure, SpaceChannels, SpaceExits};
use domain::{ChannelId, Coded, SpaceId, UserId, channel, space};
use event_store::{Append, EventLog, Expected, NewEvent, StreamName};
use uuid::Uuid;

#[tokio::test]
async fn many_marks_of_one_person_become_one_event() {
    let world = World::new().await;
    for seq in 1..=3 {
        world
            .commands
            .acknowledgements
            .note(BOB, CHANNEL, Mark::Read(seq), noon());
    }
    world.commands.acknowledgements.note(BOB, CHANNEL, Mark::Got(3), noon());
    world.commands.acknowledgements.flush(BOB).await;
    let inbox = world
        .log
        .read_stream(&StreamName::new("inbox", BOB.uuid()), 0, 10)
        .await
        .expect("readable");
    let payloads: Vec<_> = inbox
        .events
        .iter()
        .map(|event| (&*event.event.kind, &event.event.payload[..]))
        .collect();
    let expected = format!(r#"{{"channel":"{CHANNEL}","seq":3}}"#);
    assert_eq!(payloads, [("ack.read", expected.as_bytes())]);
}

#[tokio::test]
async fn a_mark_that_does_not_rise_makes_no_event() {
    let world = World::new().await;
    for _ in 0..2 {
        world.commands.acknowledgements.note(BOB, CHANNEL, Mark::Got(2), noon());
        world.commands.acknowledgements.flush_all().await;
    }
    let inbox = world
        .log
        .read_stream(&StreamName::new("inbox", BOB.uuid()), 0, 10)
        .await
        .expect("readable");
    assert_eq!(inbox.events.len(), 1);
}

/// A channel whose stream nobody can read.
const DAMAGED: ChannelId = ChannelId::from_u128(0xdead);

/// Everyone is in the one channel and in a damaged one before it; the first question is not answered.
#[derive(Default)]
struct OneChannel {
    asked: Mutex<u32>,
}

#[async_trait::async_trait]
impl SpaceChannels for OneChannel {
    async fn of(&self, space: SpaceId, _user: UserId, _at: u64) -> Result<Vec<ChannelId>, PortFailure> {
        let mut asked = self.asked.lock().expect("not poisoned");
        *asked += 1;
        if *asked == 1 {
            return Err(PortFailure("not ready yet".to_owned()));
        }
        Ok(if space == SPACE { vec![DAMAGED, CHANNEL] } else { vec![] })
    }
}

#[derive(Default)]
struct Kept(Mutex<Option<u64>>);

#[async_trait::async_trait]
impl Checkpoints for Kept {
    async fn load(&self, _reactor: &str) -> Result<Option<u64>, PortFailure> {
        Ok(*self.0.lock().expect("not poisoned"))
    }

    async fn store(&self, _reactor: &str, position: u64) -> Result<(), PortFailure> {
        *self.0.lock().expect("not poisoned") = Some(position);
        Ok(())
    }
}

async fn bob_is_in_the_channel(world: &World) -> bool {
    let read = world.commands.channels.read(CHANNEL.uuid(), |view| {
        view.state.open().and_then(|open| open.visible_from(BOB))
    });
    read.await.expect("readable").is_some()
}

fn exits(world: &World, checkpoints: &Arc<Kept>) -> SpaceExits {
    SpaceExits {
        log: Arc::clone(&world.log) as Arc<dyn EventLog>,
        channels: world.commands.channels.clone(),
        spaces: world.commands.spaces.clone(),
        memberships: Arc::new(OneChannel::default()),
        checkpoints: Arc::clone(checkpoints) as Arc<dyn Checkpoints>,
    }
}

/// Something stands in the log that no command of these tests has put there.
async fn stands(world: &World, channel: ChannelId, after: u64, kind: &str, payload: Vec<u8>) {
    let event = NewEvent {
        id: Uuid::new_v5(&channel.uuid(), kind.as_bytes()),
        kind: kind.into(),
        version: 1,
        actor: ANN.uuid(),
        key: "from elsewhere".into(),
        intent: [0; 16],
        request_id: Uuid::nil(),
        recorded_at: noon(),
        payload: payload.into(),
    };
    let append = Append {
        stream: StreamName::new("channel", channel.uuid()),
        expected: Expected::after(after),
        events: vec![event],
    };
    for appended in world.log.append(vec![append]).await {
        appended.expect("appended");
    }
}

#[tokio::test(start_paused = true)]
async fn who_was_brought_in_while_they_were_put_out_is_removed_again() {
    let world = World::new().await;
    let checkpoints = Arc::new(Kept::default());
    exits(&world, &checkpoints).begin().await.expect("notes its start");
    let leave = world.channel(BOB, "leave", channel::Command::Leave).await;
    let top = leave.expect("Bob may leave").top;
    world.space(BOB, "out", space::Command::Leave).await;
    // Another node had asked before that, and writes after it.
    let added = channel::Event::MemberAdded(channel::MemberAdded {
        user: BOB,
        role: channel::Role::Member,
    });
    stands(&world, CHANNEL, top, added.kind(), added.encode()).await;
    let World { log, .. } = world;
    let commands = service_on(&log, None, Options::MEMORY_BYTES).await;
    let world = World { log, commands };
    assert!(bob_is_in_the_channel(&world).await);
    let following = tokio::spawn(exits(&world, &checkpoints).run());
    while bob_is_in_the_channel(&world).await {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn whoever_is_removed_from_a_space_is_removed_from_its_channels_even_after_a_failure() {
    let world = World::new().await;
    stands(&world, DAMAGED, 0, "channel.sung", vec![]).await;
    let checkpoints = Arc::new(Kept::default());
    let following = tokio::spawn(exits(&world, &checkpoints).run());
    while checkpoints.load("").await.expect("loads").is_none() {
        tokio::task::yield_now().await;
    }
    world
        .space(
            ANN,
            "out",
            space::Command::RemoveMember {
                user: BOB,
                reason: None,
            },
        )
        .await;
    while bob_is_in_the_channel(&world).await {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn who_is_removed_before_the_follower_gets_its_turn_is_not_forgotten() {
    let world = World::new().await;
    let checkpoints = Arc::new(Kept::default());
    exits(&world, &checkpoints).begin().await.expect("notes its start");
    world
        .space(
            ANN,
            "out",
            space::Command::RemoveMember {
                user: BOB,
                reason: None,
            },
        )
        .await;
    // As after a crash: another one begins again, and begins where the first did.
    let exits = exits(&world, &checkpoints);
    exits.begin().await.expect("knows its start");
    let following = tokio::spawn(exits.run());
    while bob_is_in_the_channel(&world).await {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    following.abort();
}

#[tokio::test(start_paused = true)]
async fn a_follower_goes_on_where_it_left_off() {
    let world = World::new().await;
    let checkpoints = Arc::new(Kept::default());
    let head = world.log.head().await.expect("head").position;
    checkpoints.store("", head).await.expect("stores");
    world
        .space(
            ANN,
            "out",
            space::Command::RemoveMember {
                user: BOB,
                reason: None,
            },
        )
        .await;
    let following = tokio::spawn(exits(&world, &checkpoints).run());
    while bob_is_in_the_channel(&world).await {
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    following.abort();
}

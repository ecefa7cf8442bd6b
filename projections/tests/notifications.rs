//! What calls whom, against the sentences that say so, however the log is cut.
#![allow(clippy::unwrap_used)]

mod world;

use domain::{Actor, ChannelId, MessageId, UserId, channel::Command, inbox, user};
use projections::{NotificationKind as Kind, Views};
use world::{ANN, BOB, CAROL, World, fold_all, settle};

async fn calls(views: &Views, user: UserId, channel: ChannelId) -> Vec<(Kind, Option<MessageId>)> {
    let listed = views
        .notifications
        .between(user, (0, u64::MAX), 1000)
        .await
        .unwrap()
        .items;
    let here = listed.into_iter().filter(|call| call.channel == Some(channel));
    here.map(|call| (call.kind, call.message)).collect()
}

/// What is expected of the views of a world, in every cut.
async fn everywhere<F: AsyncFn(Views)>(world: &World, expect: F) {
    for batch_events_max in [1, 2, 3, 1000] {
        let folder = tempfile::tempdir().unwrap();
        expect(fold_all(folder.path(), &world.log, batch_events_max).await).await;
    }
}

async fn general_with_bob(world: &mut World) -> ChannelId {
    settle(world).await;
    let general = world.channels[0];
    for user in [BOB, CAROL] {
        world.channel(user, general, Command::Join).await.unwrap();
    }
    general
}

fn block(user: UserId, on: bool) -> user::Command {
    if on {
        user::Command::Block { user }
    } else {
        user::Command::Unblock { user }
    }
}

#[tokio::test]
async fn answers_and_mentions_call_and_one_message_calls_once() {
    let mut world = World::new(1);
    let general = general_with_bob(&mut world).await;
    let first = world.say(BOB, general, "anybody").await;
    let answer = world.try_say(ANN, general, "yes", Some(first), &[BOB]).await.unwrap();
    let mention = world.say_to(CAROL, general, "both of you", &[ANN, BOB]).await;
    world
        .try_say(BOB, general, "myself", Some(first), &[BOB])
        .await
        .unwrap();
    everywhere(&world, async |views| {
        let expected = [(Kind::Mention, Some(mention)), (Kind::Reply, Some(answer))];
        assert_eq!(calls(&views, BOB, general).await, expected);
        assert_eq!(calls(&views, ANN, general).await, [(Kind::Mention, Some(mention))]);
    })
    .await;
}

#[tokio::test]
async fn edits_call_those_who_are_new_in_them_and_call_off_the_others() {
    let mut world = World::new(1);
    let general = general_with_bob(&mut world).await;
    let message = world.say_to(ANN, general, "hello", &[BOB]).await;
    world.edit(ANN, general, message, "hello all", &[BOB, CAROL]).await;
    let then = world.head().await;
    world.edit(ANN, general, message, "hello one", &[CAROL]).await;
    world.edit(ANN, general, message, "hello two", &[CAROL, BOB]).await;
    let now = world.head().await;
    everywhere(&world, async |views| {
        let position = async |user| {
            let listed = views
                .notifications
                .between(user, (0, u64::MAX), 10)
                .await
                .unwrap()
                .items;
            listed
                .iter()
                .find(|call| call.message == Some(message))
                .map(|call| call.position)
        };
        assert_eq!(position(CAROL).await, Some(then), "mentioned ever since");
        assert_eq!(position(BOB).await, Some(now), "mentioned again");
    })
    .await;
}

#[tokio::test]
async fn direct_messages_and_being_brought_somewhere_call() {
    let mut world = World::new(1);
    let general = general_with_bob(&mut world).await;
    let direct = world.channels[4];
    let message = world.say(BOB, direct, "psst").await;
    let board = world.channels[2];
    world
        .channel(ANN, board, Command::AddMember { user: BOB })
        .await
        .unwrap();
    everywhere(&world, async |views| {
        assert_eq!(calls(&views, ANN, direct).await, [(Kind::Direct, Some(message))]);
        assert_eq!(
            calls(&views, BOB, direct).await,
            [],
            "opening it calls nobody, nor do one's own words"
        );
        assert_eq!(calls(&views, BOB, board).await, [(Kind::Invite, None)]);
        assert_eq!(calls(&views, BOB, general).await, [], "who joins is not brought");
    })
    .await;
}

#[tokio::test]
async fn deletions_hide_and_restorations_show_again() {
    let mut world = World::new(1);
    let general = general_with_bob(&mut world).await;
    let gone = world.say_to(BOB, general, "gone", &[ANN]).await;
    world.delete(BOB, general, gone).await;
    let back = world.say_to(BOB, general, "back", &[CAROL]).await;
    world.delete(ANN, general, back).await;
    world.restore(ANN, general, back, "back", &[CAROL]).await.unwrap();
    everywhere(&world, async |views| {
        assert_eq!(calls(&views, ANN, general).await, []);
        assert_eq!(calls(&views, CAROL, general).await, [(Kind::Mention, Some(back))]);
    })
    .await;
}

#[tokio::test]
async fn nobody_is_called_by_whom_they_have_blocked() {
    let mut world = World::new(1);
    let general = general_with_bob(&mut world).await;
    let before = world.say_to(BOB, general, "before", &[ANN]).await;
    world.user(Actor::User(ANN), ANN, block(BOB, true)).await.unwrap();
    world.say_to(BOB, general, "meanwhile", &[ANN]).await;
    let first = world.say(ANN, general, "anybody").await;
    world.try_say(BOB, general, "yes", Some(first), &[]).await.unwrap();
    everywhere(&world, async |views| {
        assert_eq!(calls(&views, ANN, general).await, [], "not even by what was before");
    })
    .await;
    world.user(Actor::User(ANN), ANN, block(BOB, false)).await.unwrap();
    let after = world.say_to(BOB, general, "after", &[ANN]).await;
    everywhere(&world, async |views| {
        let expected = [(Kind::Mention, Some(after)), (Kind::Mention, Some(before))];
        assert_eq!(calls(&views, ANN, general).await, expected);
    })
    .await;
}

#[tokio::test]
async fn the_mark_only_rises() {
    let mut world = World::new(1);
    settle(&mut world).await;
    for up_to in [7, 3] {
        drop(world.inbox(ANN, inbox::Command::MarkNotifications { up_to }).await);
    }
    everywhere(&world, async |views| {
        assert_eq!(views.notifications.mark(ANN).await.unwrap(), 7);
        assert_eq!(views.notifications.mark(BOB).await.unwrap(), 0);
    })
    .await;
}

//! What people do with each other's messages: threads, reactions, votes, pins, and a forum.

use domain::{
    ChannelId, Emoji, MessageId, UserId,
    channel::{Command, Vote},
    inbox,
    space::{self, JoinRule},
};

use crate::world::{ANN, BOB, CAROL, DAVE, World};

const EMOJI: [&str; 4] = ["👍", "🎉", "❤️", ":tea:"];

/// One opinion by chance about any message there is.
pub(super) async fn opine(world: &mut World, who: UserId) {
    if world.messages.is_empty() {
        return;
    }
    let place = world.roll(world.messages.len());
    let (channel, message, _) = world.messages[place];
    let emoji = emoji(EMOJI[world.roll(EMOJI.len())]);
    let command = match world.roll(8) {
        0..=2 => Command::React { message, emoji },
        3 => Command::Unreact { message, emoji },
        4 | 5 => Command::Vote {
            message,
            vote: [Some(Vote::Up), Some(Vote::Down), None][world.roll(3)],
        },
        6 => Command::Pin { message },
        _ => Command::Unpin { message },
    };
    drop(world.channel(who, channel, command).await);
}

/// A thread, and what is thought of it.
pub(super) async fn a_thread(world: &mut World) {
    let group = world.new_group(ANN, "Thread", &[BOB, CAROL]).await;
    let root = world.say(ANN, group, "where do we meet").await;
    let first = world.comment(BOB, group, root, root, "at the well").await.unwrap();
    let second = world.comment(CAROL, group, root, first, "which well").await.unwrap();
    let third = world.comment(ANN, group, root, second, "never mind").await.unwrap();
    world.delete(ANN, group, third).await;
    world.edit(BOB, group, first, "at the old well", &[]).await;
    world.edit(BOB, group, first, "at the very old well", &[CAROL]).await;
    for (who, on, with) in [
        (ANN, first, "👍"),
        (CAROL, first, "👍"),
        (CAROL, first, ":tea:"),
        (BOB, root, "🎉"),
    ] {
        react(world, who, group, on, with).await;
    }
    let take_back = Command::Unreact {
        message: root,
        emoji: emoji("🎉"),
    };
    world.channel(BOB, group, take_back).await.unwrap();
    for message in [root, second] {
        world.channel(ANN, group, Command::Pin { message }).await.unwrap();
    }
    world
        .channel(ANN, group, Command::Unpin { message: second })
        .await
        .unwrap();
    let unwanted = world.comment(CAROL, group, root, root, "or at mine").await.unwrap();
    react(world, BOB, group, unwanted, "❤️").await;
    world.delete(CAROL, group, unwanted).await;
}

/// Posts, and comments on comments, with votes that change.
pub(super) async fn a_forum(world: &mut World) -> (ChannelId, MessageId) {
    let fair = world.new_space(DAVE, "Fair", JoinRule::Open).await;
    let forum = world.new_forum(DAVE, fair, "ideas").await;
    for user in [ANN, BOB, CAROL] {
        world.space(user, fair, space::Command::Join).await.unwrap();
        world.channel(user, forum, Command::Join).await.unwrap();
    }
    let well = world.say(ANN, forum, "a well on the square").await;
    let tree = world.say(BOB, forum, "a tree on the square").await;
    let first = world.comment(BOB, forum, well, well, "who digs").await.unwrap();
    let second = world.comment(CAROL, forum, well, first, "you do").await.unwrap();
    let third = world.comment(BOB, forum, well, second, "no").await.unwrap();
    let other = world.comment(DAVE, forum, well, well, "too deep").await.unwrap();
    for (who, on, vote) in [
        (BOB, well, Some(Vote::Up)),
        (CAROL, well, Some(Vote::Down)),
        (CAROL, well, Some(Vote::Up)),
        (DAVE, well, Some(Vote::Up)),
        (DAVE, well, None),
        (ANN, tree, Some(Vote::Down)),
        (ANN, first, Some(Vote::Up)),
        (DAVE, second, Some(Vote::Down)),
        (ANN, other, Some(Vote::Up)),
        (CAROL, other, Some(Vote::Up)),
    ] {
        world
            .channel(who, forum, Command::Vote { message: on, vote })
            .await
            .unwrap();
    }
    world.delete(BOB, forum, third).await;
    world.delete(DAVE, forum, second).await;
    world.restore(DAVE, forum, second, "you do", &[]).await.unwrap();
    let up_to = world.head().await;
    world
        .inbox(ANN, inbox::Command::MarkNotifications { up_to })
        .await
        .unwrap();
    (forum, first)
}

pub(super) async fn a_late_vote(world: &mut World, (forum, message): (ChannelId, MessageId)) {
    let vote = Some(Vote::Down);
    world
        .channel(CAROL, forum, Command::Vote { message, vote })
        .await
        .unwrap();
}

async fn react(world: &mut World, who: UserId, channel: ChannelId, message: MessageId, with: &str) {
    let command = Command::React {
        message,
        emoji: emoji(with),
    };
    world.channel(who, channel, command).await.unwrap();
}

fn emoji(text: &str) -> Emoji {
    Emoji::parse(text).unwrap()
}

//! Threads, opinions and rankings as readers of the timeline see them, wherever the log was cut into runs.
#![allow(clippy::unwrap_used)]

mod world;

use chrono::TimeDelta;
use domain::{
    ChannelId, Emoji, MessageId, UserId,
    channel::{Command, Vote},
    space::{self, JoinRule},
};
use projections::{Anchor, Comments, Opinions, Place, Ranking, Views};
use tempfile::TempDir;
use world::{ANN, BOB, CAROL, DAVE, World, fold_all};

/// A forum that Ann opened, with everybody in it, and a post of hers.
async fn forum() -> (World, ChannelId, MessageId) {
    let mut world = World::new(5);
    world.register_everyone().await;
    let fair = world.new_space(ANN, "Fair", JoinRule::Open).await;
    let forum = world.new_forum(ANN, fair, "ideas").await;
    for user in [BOB, CAROL, DAVE] {
        world.space(user, fair, space::Command::Join).await.unwrap();
        world.channel(user, forum, Command::Join).await.unwrap();
    }
    let post = world.say(ANN, forum, "a well").await;
    (world, forum, post)
}

async fn folded(world: &World, batch_events_max: usize) -> (TempDir, Views) {
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, batch_events_max).await;
    (folder, views)
}

async fn vote(world: &mut World, who: UserId, forum: ChannelId, message: MessageId, vote: Option<Vote>) {
    world
        .channel(who, forum, Command::Vote { message, vote })
        .await
        .unwrap();
}

async fn react(world: &mut World, who: UserId, channel: ChannelId, message: MessageId, on: bool) {
    let emoji = Emoji::parse("👍").unwrap();
    let command = if on {
        Command::React { message, emoji }
    } else {
        Command::Unreact { message, emoji }
    };
    world.channel(who, channel, command).await.unwrap();
}

async fn opinions(views: &Views, reader: UserId, channel: ChannelId, message: MessageId) -> Opinions {
    let found = views.timeline.message_for(reader, channel, message).await.unwrap();
    found.unwrap().opinions
}

async fn page(
    views: &Views,
    forum: ChannelId,
    post: MessageId,
    ranking: Ranking,
    from: Option<Place>,
    limit: usize,
) -> (Vec<MessageId>, Option<Place>) {
    match views
        .timeline
        .comments(BOB, forum, post, ranking, from, limit)
        .await
        .unwrap()
    {
        Comments::Page { items, next } => (items.iter().map(|item| item.id).collect(), next),
        Comments::Forgotten => panic!("the ranking is forgotten"),
    }
}

#[tokio::test]
async fn numbers_are_those_of_the_log_wherever_it_is_cut() {
    let (mut world, forum, post) = forum().await;
    let comment = world.comment(BOB, forum, post, post, "who digs").await.unwrap();
    react(&mut world, ANN, forum, comment, true).await;
    react(&mut world, CAROL, forum, comment, true).await;
    react(&mut world, ANN, forum, comment, false).await;
    react(&mut world, ANN, forum, comment, true).await;
    vote(&mut world, ANN, forum, comment, Some(Vote::Up)).await;
    vote(&mut world, CAROL, forum, comment, Some(Vote::Down)).await;
    vote(&mut world, CAROL, forum, comment, Some(Vote::Up)).await;
    vote(&mut world, DAVE, forum, comment, Some(Vote::Up)).await;
    vote(&mut world, DAVE, forum, comment, None).await;
    let gone = world.comment(CAROL, forum, post, comment, "not me").await.unwrap();
    let back = world.comment(CAROL, forum, post, comment, "nor me").await.unwrap();
    world.delete(CAROL, forum, gone).await;
    world.delete(ANN, forum, back).await;
    world.restore(ANN, forum, back, "nor me", &[]).await.unwrap();
    let last_seq = world.top(forum) - 3;
    world
        .channel(ANN, forum, Command::Pin { message: comment })
        .await
        .unwrap();
    for batch_events_max in [1, 2, 3, 7, 1000] {
        let (_folder, views) = folded(&world, batch_events_max).await;
        let seen = opinions(&views, CAROL, forum, comment).await;
        let [reaction] = &seen.reactions[..] else {
            panic!("{seen:?}");
        };
        assert_eq!(
            (reaction.emoji.as_str(), reaction.count, reaction.mine),
            ("👍", 2, true)
        );
        assert_eq!((seen.score, seen.own_vote, seen.pinned), (2, Some(Vote::Up), true));
        let replies = opinions(&views, BOB, forum, post).await.replies.unwrap();
        assert_eq!(
            (replies.count, replies.last_seq),
            (2, last_seq),
            "in batches of {batch_events_max}"
        );
        let thread = views
            .timeline
            .thread(BOB, forum, post, 1, Anchor::Latest, 10)
            .await
            .unwrap();
        let ids: Vec<_> = thread.items.iter().map(|item| item.id).collect();
        assert_eq!(ids, [comment, gone, back]);
    }
}

#[tokio::test]
async fn a_message_deleted_twice_is_one_reply_less() {
    let (mut world, forum, post) = forum().await;
    let comment = world.comment(BOB, forum, post, post, "sells things").await.unwrap();
    // By a moderator, then by its author for good.
    world.delete(ANN, forum, comment).await;
    world.delete(BOB, forum, comment).await;
    for batch_events_max in [1, 1000] {
        let (_folder, views) = folded(&world, batch_events_max).await;
        assert_eq!(opinions(&views, BOB, forum, post).await.replies.unwrap().count, 0);
    }
}

#[tokio::test]
async fn a_ranking_is_shown_as_of_its_beginning() {
    for ranking in [Ranking::Top, Ranking::New] {
        let (mut world, forum, post) = forum().await;
        let mut comments = vec![];
        for number in 0..6 {
            let parent = if number % 3 == 2 { comments[number - 1] } else { post };
            comments.push(world.comment(ANN, forum, post, parent, "a comment").await.unwrap());
        }
        vote(&mut world, BOB, forum, comments[3], Some(Vote::Up)).await;
        let (_folder, views) = folded(&world, 1000).await;
        let (whole, none) = page(&views, forum, post, ranking, None, 10).await;
        assert_eq!((whole.len(), none), (6, None));
        let (first, next) = page(&views, forum, post, ranking, None, 2).await;
        assert_eq!(first, whole[..2]);
        // What comes after the first page changes everything for a new one, and nothing for the walk.
        vote(&mut world, CAROL, forum, whole[5], Some(Vote::Up)).await;
        vote(&mut world, DAVE, forum, whole[5], Some(Vote::Up)).await;
        vote(&mut world, BOB, forum, whole[0], Some(Vote::Down)).await;
        world.comment(BOB, forum, post, post, "meanwhile").await.unwrap();
        let (_folder, views) = folded(&world, 3).await;
        let (second, next) = page(&views, forum, post, ranking, next, 3).await;
        let (third, end) = page(&views, forum, post, ranking, next, 3).await;
        assert_eq!(
            ([second, third].concat(), end),
            (whole[2..].to_vec(), None),
            "{ranking:?}"
        );
        let (fresh, _) = page(&views, forum, post, ranking, None, 20).await;
        assert_ne!(fresh, whole);
    }
}

#[tokio::test]
async fn a_ranking_from_too_long_ago_is_known_to_be_forgotten() {
    let (mut world, forum, post) = forum().await;
    let comment = world.comment(BOB, forum, post, post, "one").await.unwrap();
    world.comment(BOB, forum, post, post, "two").await.unwrap();
    let as_of = world.top(forum);
    let place = Some(Place { as_of, behind: 1 });
    vote(&mut world, CAROL, forum, comment, Some(Vote::Up)).await;
    let known = async |world: &World, ranking| {
        let (_folder, views) = folded(world, 1000).await;
        let found = views
            .timeline
            .comments(BOB, forum, post, ranking, place, 5)
            .await
            .unwrap();
        found != Comments::Forgotten
    };
    assert!(known(&world, Ranking::Top).await);
    world.now += TimeDelta::minutes(90);
    assert!(known(&world, Ranking::Top).await, "time alone forgets nothing");
    vote(&mut world, DAVE, forum, comment, Some(Vote::Up)).await;
    assert!(!known(&world, Ranking::Top).await);
    assert!(known(&world, Ranking::New).await, "an order by age needs no votes");
}

#[tokio::test]
async fn a_comment_of_a_deleted_one_stays_and_the_deleted_is_left_out() {
    let (mut world, forum, post) = forum().await;
    let parent = world.comment(BOB, forum, post, post, "sells things").await.unwrap();
    let child = world.comment(CAROL, forum, post, parent, "really").await.unwrap();
    world.delete(BOB, forum, parent).await;
    let (_folder, views) = folded(&world, 1000).await;
    let (items, next) = page(&views, forum, post, Ranking::Top, None, 1).await;
    assert_eq!(items, []);
    let (items, next) = page(&views, forum, post, Ranking::Top, next, 1).await;
    assert_eq!((items, next), (vec![child], None));
}

#[tokio::test]
async fn versions_stand_where_their_words_do() {
    let (mut world, forum, post) = forum().await;
    world.edit(ANN, forum, post, "two wells", &[]).await;
    let (second, at) = (world.top(forum), world.now);
    world.edit(ANN, forum, post, "three wells", &[]).await;
    let (_folder, views) = folded(&world, 1000).await;
    let found = views.timeline.revisions(forum, post, 4, 10).await.unwrap();
    let seen: Vec<_> = found.iter().map(|revision| (revision.version, revision.seq)).collect();
    assert_eq!(seen, [(3, second + 1), (2, second)]);
    assert_eq!(found[1].at, at);
    assert_eq!(views.timeline.revisions(forum, post, 3, 10).await.unwrap().len(), 1);
}

//! The timeline as readers see it: what became of each message, and pages that tell exactly what they cover.
#![allow(clippy::unwrap_used)]

mod world;

use domain::{
    Actor, ChannelId,
    channel::{Command, History},
    space::JoinRule,
};
use projections::{Anchor, TimelinePage, Views};
use tempfile::TempDir;
use world::{ANN, BOB, CAROL, World, fold_all, settle, step};

#[tokio::test]
async fn a_message_shows_its_newest_words_and_when_they_were_changed() {
    let (mut world, channel) = direct().await;
    let message = world.say_to(ANN, channel, "first", &[BOB]).await;
    let sent_at = world.now;
    world.edit(ANN, channel, message, "second", &[]).await;
    let edited_at = world.now;
    let (_folder, views) = folded(&world).await;
    let found = views.timeline.message(channel, message).await.unwrap().unwrap();
    assert_eq!((found.body.as_deref(), found.version), (Some("second"), 2));
    assert_eq!((found.at, found.edited_at), (sent_at, Some(edited_at)));
    assert_eq!(
        (found.author, found.mentions, found.deleted),
        (Actor::User(ANN), vec![], false)
    );
}

#[tokio::test]
async fn a_deleted_message_keeps_its_place_and_loses_words_and_mentions() {
    let (mut world, channel) = direct().await;
    let message = world.say_to(ANN, channel, "first", &[BOB]).await;
    let answer = world.try_say(BOB, channel, "what?", Some(message), &[]).await.unwrap();
    world.delete(ANN, channel, message).await;
    let (_folder, views) = folded(&world).await;
    let page = views.timeline.page(channel, 1, Anchor::Latest, 10).await.unwrap();
    assert_eq!(page.items[0].id, message);
    assert_eq!(
        (&page.items[0].body, &page.items[0].mentions, page.items[0].deleted),
        (&None, &vec![], true)
    );
    assert_eq!((page.items[1].id, page.items[1].reply_to), (answer, Some(message)));
}

#[tokio::test]
async fn a_message_is_found_only_in_its_own_channel() {
    let (mut world, channel) = direct().await;
    let elsewhere = world.new_direct(ANN, CAROL).await;
    let message = world.say(ANN, channel, "here").await;
    let (_folder, views) = folded(&world).await;
    assert!(views.timeline.message(channel, message).await.unwrap().is_some());
    assert_eq!(views.timeline.message(elsewhere, message).await.unwrap(), None);
}

#[tokio::test]
async fn a_page_of_an_unknown_channel_is_empty_and_covers_nothing() {
    let (world, _) = direct().await;
    let (_folder, views) = folded(&world).await;
    let page = views
        .timeline
        .page(ChannelId::from_u128(404), 1, Anchor::Latest, 10)
        .await
        .unwrap();
    assert_eq!(
        page,
        TimelinePage {
            items: vec![],
            lo: 1,
            hi: 0,
            complete_before: true,
            complete_after: true
        }
    );
}

#[tokio::test]
async fn a_page_covers_the_seqs_around_it_that_are_no_messages() {
    // Seqs 1 to 4 make the channel and its first members, then: 5 a, 6 b, 7 b edited, 8 c, 9 someone leaves, 10 d, 11 they return.
    let mut world = World::new(1);
    world.register_everyone().await;
    let space = world.new_space(ANN, "Town", JoinRule::Open).await;
    for user in [BOB, CAROL] {
        world.space(user, space, domain::space::Command::Join).await.unwrap();
    }
    let channel = world.new_text(ANN, space, "general", false, History::All).await;
    for user in [BOB, CAROL] {
        world.channel(user, channel, Command::Join).await.unwrap();
    }
    world.say(ANN, channel, "a").await;
    let b = world.say(ANN, channel, "b").await;
    world.edit(ANN, channel, b, "b!", &[]).await;
    world.say(BOB, channel, "c").await;
    world.channel(CAROL, channel, Command::Leave).await.unwrap();
    world.say(BOB, channel, "d").await;
    world.channel(CAROL, channel, Command::Join).await.unwrap();
    let (_folder, views) = folded(&world).await;
    let covers = async |floor, anchor, limit| {
        let page = views.timeline.page(channel, floor, anchor, limit).await.unwrap();
        let seqs: Vec<u64> = page.items.iter().map(|message| message.seq).collect();
        (seqs, page.lo, page.hi, page.complete_before, page.complete_after)
    };
    assert_eq!(covers(1, Anchor::Latest, 2).await, (vec![8, 10], 7, 11, false, true));
    assert_eq!(covers(1, Anchor::Before(7), 2).await, (vec![5, 6], 1, 7, true, false));
    assert_eq!(covers(1, Anchor::Before(8), 1).await, (vec![6], 6, 7, false, false));
    assert_eq!(covers(1, Anchor::After(6), 1).await, (vec![8], 7, 9, false, false));
    assert_eq!(covers(1, Anchor::After(9), 5).await, (vec![10], 9, 11, false, true));
    assert_eq!(covers(1, Anchor::After(10), 5).await, (vec![], 11, 11, false, true));
    assert_eq!(covers(1, Anchor::Before(5), 5).await, (vec![], 1, 4, true, false));
    assert_eq!(covers(1, Anchor::Around(7), 2).await, (vec![6, 8], 6, 9, false, false));
    assert_eq!(
        covers(1, Anchor::Around(10), 4).await,
        (vec![5, 6, 8, 10], 1, 11, true, true)
    );
    assert_eq!(covers(6, Anchor::Latest, 10).await, (vec![6, 8, 10], 6, 11, true, true));
    assert_eq!(covers(9, Anchor::Before(9), 10).await, (vec![], 9, 9, true, false));
    assert_eq!(covers(12, Anchor::Latest, 10).await, (vec![], 12, 11, true, true));
}

#[tokio::test]
async fn pages_of_any_size_meet_without_holes_and_agree_with_the_whole() {
    let mut world = World::new(11);
    settle(&mut world).await;
    for _ in 0..400 {
        step(&mut world).await;
    }
    let (_folder, views) = folded(&world).await;
    let mut messages = 0;
    for channel in world.channels.clone() {
        let top = world.top(channel);
        for floor in [1, top / 2 + 1] {
            let whole = views.timeline.page(channel, floor, Anchor::Latest, 1000).await.unwrap();
            assert_eq!(
                (whole.lo, whole.hi, whole.complete_before, whole.complete_after),
                (floor, top, true, true)
            );
            messages += whole.items.len();
            for limit in 1..=4 {
                assert_eq!(backwards(&views, channel, floor, limit).await, whole.items);
                assert_eq!(forwards(&views, channel, floor, top, limit).await, whole.items);
            }
            for seq in floor..=top {
                around_agrees(&views, channel, floor, seq, &whole).await;
            }
        }
    }
    assert!(messages > 50, "hardly anything was there to page through: {messages}");
}

async fn backwards(views: &Views, channel: ChannelId, floor: u64, limit: usize) -> Vec<projections::TimelineMessage> {
    let mut page = views
        .timeline
        .page(channel, floor, Anchor::Latest, limit)
        .await
        .unwrap();
    let mut items = page.items.clone();
    while !page.complete_before {
        let next = views
            .timeline
            .page(channel, floor, Anchor::Before(page.lo), limit)
            .await
            .unwrap();
        assert!(next.hi + 1 >= page.lo && next.lo < page.lo && next.items.len() <= limit);
        items.splice(0..0, next.items.clone());
        page = next;
    }
    items
}

async fn forwards(
    views: &Views,
    channel: ChannelId,
    floor: u64,
    top: u64,
    limit: usize,
) -> Vec<projections::TimelineMessage> {
    let mut page = views
        .timeline
        .page(channel, floor, Anchor::After(floor - 1), limit)
        .await
        .unwrap();
    let mut items = page.items.clone();
    while !page.complete_after {
        let next = views
            .timeline
            .page(channel, floor, Anchor::After(page.hi), limit)
            .await
            .unwrap();
        assert!(next.lo <= page.hi + 1 && next.hi > page.hi && next.items.len() <= limit);
        items.extend(next.items.clone());
        page = next;
    }
    assert_eq!(page.hi, top);
    items
}

/// The page is the part of the whole that it says it covers, as large as it may be, and has the seq it was asked for in its range.
async fn around_agrees(views: &Views, channel: ChannelId, floor: u64, seq: u64, whole: &TimelinePage) {
    for limit in [1, 2, 5] {
        let page = views
            .timeline
            .page(channel, floor, Anchor::Around(seq), limit)
            .await
            .unwrap();
        let covered: Vec<_> = whole
            .items
            .iter()
            .filter(|item| (page.lo..=page.hi).contains(&item.seq))
            .cloned()
            .collect();
        assert_eq!(page.items, covered, "around {seq}");
        assert_eq!(page.items.len(), limit.min(whole.items.len()), "around {seq}");
        assert!((page.lo..=page.hi).contains(&seq), "around {seq}");
    }
}

async fn direct() -> (World, ChannelId) {
    let mut world = World::new(1);
    world.register_everyone().await;
    let channel = world.new_direct(ANN, BOB).await;
    (world, channel)
}

async fn folded(world: &World) -> (TempDir, Views) {
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    (folder, views)
}

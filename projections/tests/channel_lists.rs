//! The channel list as its readers see it: whose channels, who is in them, and what each has received and read.
#![allow(clippy::unwrap_used)]

mod world;

use domain::{
    ChannelId, ChannelName, SpaceId, UserId,
    channel::{Command, History, Kind, Role},
    inbox, space,
    space::JoinRule,
};
use projections::{ChannelMember, Receipt, Views};
use tempfile::TempDir;
use world::{ANN, BOB, CAROL, DAVE, World, fold_all};

#[tokio::test]
async fn a_channel_shows_its_settings_as_they_are_now() {
    let (mut world, space) = town().await;
    let channel = world.new_text(ANN, space, "general", false, History::All).await;
    let name = Some(ChannelName::parse("plaza").unwrap());
    let update = Command::Update {
        name,
        private: Some(true),
        history: Some(History::SinceJoin),
        slow_mode_s: None,
    };
    world.channel(ANN, channel, update).await.unwrap();
    world.channel(ANN, channel, Command::Archive).await.unwrap();
    let (_folder, views) = folded(&world).await;
    let row = views.channel_list.channel(channel).await.unwrap().unwrap();
    assert_eq!(
        (row.space, row.kind, row.name.as_deref()),
        (Some(space), Kind::Text, Some("plaza"))
    );
    assert_eq!(
        (row.private, row.history, row.archived),
        (true, History::SinceJoin, true)
    );
    assert_eq!((row.members_count, row.top), (1, 4));
    assert_eq!(
        views.channel_list.channel(ChannelId::from_u128(404)).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn lists_go_from_page_to_page_in_id_order() {
    let (mut world, space) = town().await;
    let mut channels = vec![];
    for name in ["a", "b", "c", "d", "e"] {
        channels.push(world.new_text(ANN, space, name, false, History::All).await);
    }
    channels.sort();
    let (_folder, views) = folded(&world).await;
    let list = &views.channel_list;
    let (mut mine, mut public) = (vec![], vec![]);
    let mut after = None;
    loop {
        let page = list.channels_of(ANN, after, 2).await.unwrap();
        let same = list.public_channels(space, after, 2).await.unwrap();
        assert_eq!(page.more, same.more);
        mine.extend(page.items.iter().map(|of| of.channel.id));
        public.extend(same.items.iter().map(|row| row.id));
        after = mine.last().copied();
        if !page.more {
            break;
        }
    }
    assert_eq!((&mine, &public), (&channels, &channels));
    assert_eq!(mine.len(), 5);
}

#[tokio::test]
async fn a_direct_conversation_names_its_two_people_and_nothing_else_does() {
    let (mut world, space) = town().await;
    let direct = world.new_direct(BOB, ANN).await;
    let group = world.new_group(ANN, "Lunch", &[BOB, CAROL]).await;
    let text = world.new_text(ANN, space, "general", false, History::All).await;
    let (_folder, views) = folded(&world).await;
    let peers = async |channel| {
        views
            .channel_list
            .channel_of(ANN, channel)
            .await
            .unwrap()
            .unwrap()
            .peers
    };
    assert_eq!(peers(direct).await, [ANN, BOB]);
    assert_eq!((peers(group).await, peers(text).await), (vec![], vec![]));
    let listed = views.channel_list.channels_of(ANN, None, 10).await.unwrap().items;
    assert_eq!(listed.iter().map(|of| of.peers.len()).sum::<usize>(), 2);
    let direct = listed.iter().find(|of| of.channel.kind == Kind::Direct).unwrap();
    assert_eq!((&direct.channel.name, &direct.peers), (&None, &vec![ANN, BOB]));
}

#[tokio::test]
async fn who_left_or_was_removed_has_the_channel_no_more_until_they_return() {
    let (mut world, space) = town().await;
    let channel = world.new_text(ANN, space, "general", false, History::All).await;
    for user in [BOB, CAROL, DAVE] {
        world.channel(user, channel, Command::Join).await.unwrap();
    }
    world.channel(BOB, channel, Command::Leave).await.unwrap();
    world
        .channel(
            ANN,
            channel,
            Command::RemoveMember {
                user: CAROL,
                reason: None,
            },
        )
        .await
        .unwrap();
    world.channel(BOB, channel, Command::Join).await.unwrap();
    let (_folder, views) = folded(&world).await;
    let list = &views.channel_list;
    assert!(list.channel_of(CAROL, channel).await.unwrap().is_none());
    assert_eq!(list.channels_in_space_of(space, CAROL).await.unwrap(), []);
    assert_eq!(list.channels_in_space_of(space, BOB).await.unwrap(), [channel]);
    assert_eq!(
        list.channels_in_space_of(SpaceId::from_u128(404), BOB).await.unwrap(),
        []
    );
    let back = list.channel_of(BOB, channel).await.unwrap().unwrap();
    assert_eq!(
        (back.role, back.since, back.channel.members_count),
        (Role::Member, 8, 3)
    );
    assert_eq!(members(&views, channel).await, [ANN, BOB, DAVE]);
}

#[tokio::test]
async fn marks_only_rise_and_what_was_read_has_arrived() {
    let (mut world, _) = town().await;
    let channel = world.new_direct(ANN, BOB).await;
    for number in 0..5 {
        world.say(ANN, channel, &format!("message {number}")).await;
    }
    world
        .inbox(BOB, inbox::Command::MarkGot { channel, seq: 7 })
        .await
        .unwrap();
    world
        .inbox(BOB, inbox::Command::MarkRead { channel, seq: 5 })
        .await
        .unwrap();
    world
        .inbox(ANN, inbox::Command::MarkRead { channel, seq: 8 })
        .await
        .unwrap();
    let (_folder, views) = folded(&world).await;
    let receipts = views.channel_list.receipts(channel, None, 10).await.unwrap();
    assert_eq!(
        receipts.items,
        [
            Receipt {
                user: ANN,
                got: 8,
                read: 8
            },
            Receipt {
                user: BOB,
                got: 7,
                read: 5
            }
        ]
    );
    let first = views.channel_list.members(channel, None, 1).await.unwrap();
    assert_eq!(
        (first.items, first.more),
        (
            vec![ChannelMember {
                user: ANN,
                role: Role::Member,
                since: 2,
                got: 8,
                read: 8
            }],
            true
        )
    );
    assert_eq!(
        views
            .channel_list
            .channel_of(BOB, channel)
            .await
            .unwrap()
            .unwrap()
            .unread,
        3
    );
}

#[tokio::test]
async fn a_mark_beyond_all_numbers_harms_nothing() {
    let (mut world, _) = town().await;
    let channel = world.new_direct(ANN, BOB).await;
    world
        .inbox(BOB, inbox::Command::MarkRead { channel, seq: u64::MAX })
        .await
        .unwrap();
    world.say(ANN, channel, "still here").await;
    let (_folder, views) = folded(&world).await;
    let of = views.channel_list.channel_of(BOB, channel).await.unwrap().unwrap();
    assert_eq!((of.read, of.unread), (i64::MAX as u64, 0));
}

#[tokio::test]
async fn mentions_follow_edits_and_end_with_the_message() {
    let (mut world, _) = town().await;
    let group = world.new_group(ANN, "Lunch", &[BOB, CAROL]).await;
    let moved = world.say_to(ANN, group, "one", &[BOB, ANN]).await;
    let gone = world.say_to(ANN, group, "two", &[CAROL]).await;
    world.edit(ANN, group, moved, "one, moved", &[CAROL]).await;
    world.delete(ANN, group, gone).await;
    let (_folder, views) = folded(&world).await;
    let mentions = async |user| {
        views
            .channel_list
            .channel_of(user, group)
            .await
            .unwrap()
            .unwrap()
            .mentions
    };
    assert_eq!(
        (mentions(ANN).await, mentions(BOB).await, mentions(CAROL).await),
        (0, 0, 1)
    );
}

#[tokio::test]
async fn private_and_archived_channels_are_not_offered() {
    let (mut world, space) = town().await;
    let open = world.new_text(ANN, space, "open", false, History::All).await;
    world.new_text(ANN, space, "board", true, History::All).await;
    let closed = world.new_text(ANN, space, "closed", false, History::All).await;
    world.channel(ANN, closed, Command::Archive).await.unwrap();
    let (_folder, views) = folded(&world).await;
    let offered = views.channel_list.public_channels(space, None, 10).await.unwrap();
    assert_eq!(offered.items.iter().map(|row| row.id).collect::<Vec<_>>(), [open]);
}

async fn members(views: &Views, channel: ChannelId) -> Vec<UserId> {
    let members = views.channel_list.members(channel, None, 100).await.unwrap();
    members.items.iter().map(|member| member.user).collect()
}

async fn town() -> (World, SpaceId) {
    let mut world = World::new(1);
    world.register_everyone().await;
    let space = world.new_space(ANN, "Town", JoinRule::Open).await;
    for user in [BOB, CAROL, DAVE] {
        world.space(user, space, space::Command::Join).await.unwrap();
    }
    (world, space)
}

async fn folded(world: &World) -> (TempDir, Views) {
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    (folder, views)
}

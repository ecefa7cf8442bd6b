//! The directory as its readers see it: people, spaces, and who belongs where since when.
#![allow(clippy::unwrap_used)]

mod world;

use domain::{
    Actor, DisplayName, Handle, SpaceId, SpaceName, UserId,
    space::{Command, JoinRule, Role},
    user::{self, ServiceRole},
};
use projections::{Person, SpaceRow, Views};
use tempfile::TempDir;
use world::{ANN, BOB, CAROL, DAVE, ERIN, World, fold_all};

#[tokio::test]
async fn a_person_is_found_by_id_by_handle_and_among_many() {
    let mut world = World::new(1);
    world.register_everyone().await;
    let display_name = DisplayName::parse("Bob the Second").unwrap();
    world
        .user(Actor::User(BOB), BOB, user::Command::ChangeProfile { display_name })
        .await
        .unwrap();
    for role in [ServiceRole::Operator, ServiceRole::Auditor] {
        world
            .user(Actor::System, BOB, user::Command::GrantRole { role })
            .await
            .unwrap();
    }
    let (_folder, views) = folded(&world, 1000).await;
    let bob = Person {
        id: BOB,
        handle: "bob".into(),
        display_name: "Bob the Second".into(),
        roles: vec![ServiceRole::Auditor, ServiceRole::Operator],
    };
    assert_eq!(views.directory.person(BOB).await.unwrap().as_ref(), Some(&bob));
    assert_eq!(
        views
            .directory
            .person_by_handle(&Handle::parse("BOB").unwrap())
            .await
            .unwrap()
            .as_ref(),
        Some(&bob)
    );
    assert_eq!(
        views
            .directory
            .person_by_handle(&Handle::parse("nobody").unwrap())
            .await
            .unwrap(),
        None
    );
    let many = views
        .directory
        .people(&[BOB, ANN, BOB, UserId::from_u128(404)])
        .await
        .unwrap();
    assert_eq!(many.iter().map(|person| person.id).collect::<Vec<_>>(), [ANN, BOB]);
    assert_eq!(views.directory.people(&[]).await.unwrap(), []);
}

#[tokio::test]
async fn of_two_people_with_one_handle_the_first_keeps_it() {
    let mut world = World::new(1);
    for user in [DAVE, CAROL] {
        let handle = Handle::parse("wanted").unwrap();
        let display_name = DisplayName::parse("Someone").unwrap();
        world
            .user(
                Actor::User(user),
                user,
                user::Command::Register { handle, display_name },
            )
            .await
            .unwrap();
    }
    let (_folder, views) = folded(&world, 1000).await;
    let found = views
        .directory
        .person_by_handle(&Handle::parse("wanted").unwrap())
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found.id, DAVE);
    assert!(views.directory.person(CAROL).await.unwrap().is_some());
}

#[tokio::test]
async fn a_space_shows_its_settings_as_they_are_now() {
    let mut world = World::new(1);
    world.register_everyone().await;
    let id = world.new_space(ANN, "Town", JoinRule::Open).await;
    let name = Some(SpaceName::parse("City").unwrap());
    world
        .space(
            ANN,
            id,
            Command::Update {
                name,
                join: Some(JoinRule::Closed),
            },
        )
        .await
        .unwrap();
    world.space(ANN, id, Command::Archive { reason: None }).await.unwrap();
    let city = SpaceRow {
        id,
        name: "City".into(),
        join: JoinRule::Closed,
        archived: true,
        owner: Some(ANN),
    };
    for batch_events_max in [1, 1000] {
        let (_folder, views) = folded(&world, batch_events_max).await;
        assert_eq!(views.directory.space(id).await.unwrap().as_ref(), Some(&city));
        assert_eq!(views.directory.space(SpaceId::from_u128(404)).await.unwrap(), None);
    }
}

#[tokio::test]
async fn a_new_role_keeps_the_day_of_joining_and_a_return_is_a_new_one() {
    let mut world = World::new(1);
    world.register_everyone().await;
    let space = world.new_space(ANN, "Town", JoinRule::Open).await;
    world.space(BOB, space, Command::Join).await.unwrap();
    let bob_joined = world.now;
    world
        .space(
            ANN,
            space,
            Command::PutMember {
                user: BOB,
                role: Role::Admin,
                reason: None,
            },
        )
        .await
        .unwrap();
    world.space(CAROL, space, Command::Join).await.unwrap();
    world.space(CAROL, space, Command::Leave).await.unwrap();
    world.space(CAROL, space, Command::Join).await.unwrap();
    let carol_joined = world.now;
    world.space(DAVE, space, Command::Join).await.unwrap();
    world
        .space(
            BOB,
            space,
            Command::RemoveMember {
                user: DAVE,
                reason: None,
            },
        )
        .await
        .unwrap();
    for batch_events_max in [1, 2, 1000] {
        let (_folder, views) = folded(&world, batch_events_max).await;
        let members = views.directory.space_members(space, None, 10).await.unwrap().items;
        let seen: Vec<_> = members
            .iter()
            .map(|member| (member.handle.as_str(), member.role))
            .collect();
        assert_eq!(
            seen,
            [("ann", Role::Owner), ("bob", Role::Admin), ("carol", Role::Member)]
        );
        assert_eq!((members[1].joined_at, members[2].joined_at), (bob_joined, carol_joined));
        assert_eq!(members[1].display_name, "Bob");
    }
}

#[tokio::test]
async fn lists_go_from_page_to_page_in_id_order() {
    let mut world = World::new(1);
    world.register_everyone().await;
    let mut spaces = vec![];
    for name in ["a", "b", "c"] {
        spaces.push(world.new_space(ANN, name, JoinRule::Open).await);
    }
    spaces.sort();
    for user in [BOB, CAROL, DAVE, ERIN] {
        world.space(user, spaces[0], Command::Join).await.unwrap();
    }
    let (_folder, views) = folded(&world, 1000).await;
    let first = views.directory.spaces_of(ANN, None, 2).await.unwrap();
    let second = views.directory.spaces_of(ANN, Some(spaces[1]), 2).await.unwrap();
    assert_eq!((first.more, second.more), (true, false));
    let seen: Vec<_> = first
        .items
        .iter()
        .chain(&second.items)
        .map(|of| (of.space.id, of.role))
        .collect();
    assert_eq!(seen, spaces.iter().map(|id| (*id, Role::Owner)).collect::<Vec<_>>());
    assert_eq!(views.directory.spaces_of(BOB, None, 2).await.unwrap().items.len(), 1);
    let people = views.directory.space_members(spaces[0], Some(BOB), 2).await.unwrap();
    assert_eq!((people.items.len(), people.more), (2, true));
    assert!(people.items.iter().all(|member| member.user > BOB));
}

async fn folded(world: &World, batch_events_max: usize) -> (TempDir, Views) {
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, batch_events_max).await;
    (folder, views)
}

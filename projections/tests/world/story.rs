//! What happens in the world: any number of chance acts, most of them allowed, and one first week with all there is in it.

use domain::{
    Actor, ChannelId, ChannelName, DidWeb, DisplayName, EventId, MessageBody, Reason, SessionId, SpaceName, UserId,
    audit,
    channel::{self, History},
    inbox, report,
    space::{self, JoinRule, Role},
    user::{self, Revocation, ServiceRole},
};

use self::{
    opinions::{a_forum, a_late_vote, a_thread, opine},
    spaces::{doors_open, order_is_kept},
};
use super::{ANN, BOB, CAROL, DAVE, ERIN, PEOPLE, World};

mod opinions;
mod spaces;

const WORDS: [&str; 12] = [
    "tea",
    "morning",
    "who is there",
    "quotes \" and \\",
    "naïve",
    "日本",
    "🙂",
    "line\nbreak",
    "later",
    "yes",
    "no",
    "{}",
];

/// One act by chance. What the rules refuse does not happen.
pub(crate) async fn step(world: &mut World) {
    let who = someone(world);
    let channel = somewhere(world);
    match world.roll(24) {
        0..=8 => send(world, who).await,
        9 | 10 => edit(world).await,
        11 => delete(world).await,
        12 if world.roll(2) == 0 => moderate(world).await,
        12 | 13 => {
            let seq = 1 + world.roll(world.top(channel).max(1) as usize) as u64;
            world
                .inbox(who, inbox::Command::MarkRead { channel, seq })
                .await
                .unwrap();
        }
        14 => {
            let seq = 1 + world.roll(world.top(channel).max(1) as usize) as u64;
            world
                .inbox(who, inbox::Command::MarkGot { channel, seq })
                .await
                .unwrap();
        }
        15 | 16 => drop(world.channel(who, channel, channel::Command::Join).await),
        17 => drop(world.channel(who, channel, channel::Command::Leave).await),
        18 => {
            let user = someone(world);
            drop(
                world
                    .channel(who, channel, channel::Command::RemoveMember { user, reason: None })
                    .await,
            );
        }
        19 => opine(world, who).await,
        20 | 21 => drop(block(world, who, true).await),
        22 => drop(block(world, who, false).await),
        _ => {
            let user = someone(world);
            drop(world.channel(who, channel, channel::Command::AddMember { user }).await);
        }
    }
}

async fn block(world: &mut World, who: UserId, on: bool) -> Result<(), user::Rejection> {
    let user = someone(world);
    let command = if on {
        user::Command::Block { user }
    } else {
        user::Command::Unblock { user }
    };
    world.user(Actor::User(who), who, command).await
}

fn someone(world: &mut World) -> UserId {
    PEOPLE[world.roll(PEOPLE.len())].0
}

fn somewhere(world: &mut World) -> ChannelId {
    let place = world.roll(world.channels.len());
    world.channels[place]
}

async fn send(world: &mut World, who: UserId) {
    let channel = somewhere(world);
    let words = format!("{} {}", WORDS[world.roll(WORDS.len())], world.messages.len());
    let mentions = if world.roll(4) == 0 {
        vec![someone(world), someone(world)]
    } else {
        vec![]
    };
    let here: Vec<_> = world
        .messages
        .iter()
        .filter(|(at, ..)| *at == channel)
        .map(|(_, message, _)| *message)
        .collect();
    let reply_to = if !here.is_empty() && world.roll(5) == 0 {
        Some(here[world.roll(here.len())])
    } else {
        None
    };
    drop(world.try_say(who, channel, &words, reply_to, &mentions).await);
}

async fn edit(world: &mut World) {
    if world.messages.is_empty() {
        return;
    }
    let place = world.roll(world.messages.len());
    let (channel, message, author) = world.messages[place];
    let body = MessageBody::parse(&format!("{} edited", WORDS[world.roll(WORDS.len())])).unwrap();
    let mentions = if world.roll(2) == 0 {
        vec![someone(world)]
    } else {
        vec![]
    };
    let command = channel::Command::Edit {
        message,
        body,
        mentions,
        expected_version: None,
    };
    drop(world.channel(author, channel, command).await);
}

async fn delete(world: &mut World) {
    if world.messages.is_empty() {
        return;
    }
    let place = world.roll(world.messages.len());
    let (channel, message, author) = world.messages[place];
    drop(
        world
            .channel(
                author,
                channel,
                channel::Command::Delete {
                    message,
                    expected_version: None,
                    reason: None,
                },
            )
            .await,
    );
}

/// Takes away what another said or gives back what was taken, whichever the message and the rank allow.
async fn moderate(world: &mut World) {
    if world.messages.is_empty() {
        return;
    }
    let place = world.roll(world.messages.len());
    let (channel, message, _) = world.messages[place];
    let moderator = [ANN, BOB][world.roll(2)];
    let delete = channel::Command::Delete {
        message,
        expected_version: None,
        reason: Reason::parse("not here").ok(),
    };
    let mentioned = someone(world);
    let back = world
        .restore(moderator, channel, message, "back again", &[mentioned])
        .await;
    if back.is_ok() {
        drop(world.channel(moderator, channel, delete).await);
    }
}

/// People, a space and all kinds of channels, without a word said.
pub(crate) async fn settle(world: &mut World) {
    world.register_everyone().await;
    let town = world.new_space(ANN, "Town", JoinRule::Open).await;
    for user in [BOB, CAROL, DAVE, ERIN] {
        world.space(user, town, space::Command::Join).await.unwrap();
    }
    world.new_text(ANN, town, "general", false, History::All).await;
    world.new_text(ANN, town, "random", false, History::SinceJoin).await;
    world.new_text(ANN, town, "board", true, History::All).await;
    world.new_group(BOB, "Lunch", &[ANN, CAROL]).await;
    world.new_direct(ANN, BOB).await;
    world.new_direct(CAROL, DAVE).await;
}

/// Everything that events can say, at least once, within a week's chatter.
pub(crate) async fn first_week() -> World {
    let mut world = World::new(7);
    settle(&mut world).await;
    profiles(&mut world).await;
    chatter(&mut world, 220).await;
    a_closed_circle(&mut world).await;
    a_message_that_changes_and_goes(&mut world).await;
    a_message_that_is_taken_away_and_given_back(&mut world).await;
    Box::pin(people_report_each_other(&mut world)).await;
    people_come_and_go(&mut world).await;
    chatter(&mut world, 220).await;
    closing_time(&mut world).await;
    order_is_kept(&mut world).await;
    doors_open(&mut world).await;
    Box::pin(a_thread(&mut world)).await;
    let comment = Box::pin(a_forum(&mut world)).await;
    // Long enough for the first votes to be forgotten as changes.
    chatter(&mut world, 70).await;
    a_late_vote(&mut world, comment).await;
    world
}

async fn chatter(world: &mut World, acts: usize) {
    for _ in 0..acts {
        step(world).await;
    }
}

async fn profiles(world: &mut World) {
    let session = SessionId::from_u128(0x5e55);
    let start = user::Command::StartSession {
        session,
        device: Some("kitchen".into()),
    };
    world.user(Actor::User(BOB), BOB, start).await.unwrap();
    let display_name = DisplayName::parse("Carol of the Hill").unwrap();
    world
        .user(Actor::User(CAROL), CAROL, user::Command::ChangeProfile { display_name })
        .await
        .unwrap();
    for role in [ServiceRole::Operator, ServiceRole::Auditor] {
        world
            .user(Actor::System, ANN, user::Command::GrantRole { role })
            .await
            .unwrap();
    }
    let role = ServiceRole::Operator;
    let take_back = user::Command::RevokeRole { role };
    world.user(Actor::System, ANN, take_back).await.unwrap();
    sessions_end(world).await;
    Box::pin(people_fall_out(world)).await;
}

async fn sessions_end(world: &mut World) {
    let (session, why) = (SessionId::from_u128(0x5e55), Revocation::Logout);
    for session in [session, SessionId::from_u128(0x5e56)] {
        let start = user::Command::StartSession { session, device: None };
        world.user(Actor::User(BOB), BOB, start).await.unwrap();
    }
    let logout = user::Command::RevokeSession { session, why };
    world.user(Actor::User(BOB), BOB, logout).await.unwrap();
    let (except, why) = (None, Revocation::PasswordChanged);
    let everywhere = user::Command::RevokeSessions { except, why };
    world.user(Actor::User(BOB), BOB, everywhere).await.unwrap();
}

fn did(host: &str) -> DidWeb {
    DidWeb::parse(&format!("did:web:{host}")).unwrap()
}

async fn people_fall_out(world: &mut World) {
    let reason = |text| Reason::parse(text).unwrap();
    for command in [
        user::Command::Block { user: ERIN },
        user::Command::Unblock { user: ERIN },
        user::Command::Block { user: ERIN },
        user::Command::ProveIdentity {
            did: did("example.org"),
        },
        user::Command::ProveIdentity {
            did: did("example.net"),
        },
        user::Command::RemoveIdentity {
            did: did("example.org"),
        },
    ] {
        world.user(Actor::User(DAVE), DAVE, command).await.unwrap();
    }
    let lapse = user::Command::LapseIdentity {
        did: did("example.net"),
    };
    world.user(Actor::System, DAVE, lapse).await.unwrap();
    let (until, why) = (None, reason("writes the same thing everywhere"));
    let suspend = user::Command::Suspend { until, reason: why };
    world.user(Actor::System, ERIN, suspend).await.unwrap();
    let reinstate = user::Command::Reinstate {
        reason: reason("it was a mistake"),
    };
    world.user(Actor::System, ERIN, reinstate).await.unwrap();
}

async fn a_closed_circle(world: &mut World) {
    let circle = world.new_space(DAVE, "Circle", JoinRule::Closed).await;
    world
        .space(
            DAVE,
            circle,
            space::Command::PutMember {
                user: ERIN,
                role: Role::Guest,
                reason: None,
            },
        )
        .await
        .unwrap();
    world
        .space(
            DAVE,
            circle,
            space::Command::PutMember {
                user: ERIN,
                role: Role::Moderator,
                reason: None,
            },
        )
        .await
        .unwrap();
    world
        .space(
            DAVE,
            circle,
            space::Command::PutMember {
                user: BOB,
                role: Role::Member,
                reason: None,
            },
        )
        .await
        .unwrap();
    let name = Some(SpaceName::parse("Inner Circle").unwrap());
    world
        .space(
            DAVE,
            circle,
            space::Command::Update {
                name,
                join: Some(JoinRule::Open),
            },
        )
        .await
        .unwrap();
    let den = world.new_text(DAVE, circle, "den", true, History::SinceJoin).await;
    world
        .channel(DAVE, den, channel::Command::AddMember { user: ERIN })
        .await
        .unwrap();
    world.say_to(ERIN, den, "found it", &[DAVE]).await;
    let name = Some(ChannelName::parse("the den").unwrap());
    let update = channel::Command::Update {
        name,
        private: Some(false),
        history: Some(History::All),
        slow_mode_s: channel::SlowMode::parse(5).ok(),
    };
    world.channel(DAVE, den, update).await.unwrap();
    world
        .space(
            ERIN,
            circle,
            space::Command::RemoveMember {
                user: BOB,
                reason: None,
            },
        )
        .await
        .unwrap();
}

async fn a_message_that_changes_and_goes(world: &mut World) {
    let direct = world.new_direct(ANN, CAROL).await;
    let first = world.say_to(ANN, direct, "see you at nine", &[CAROL]).await;
    world.edit(ANN, direct, first, "see you at ten", &[]).await;
    world.edit(ANN, direct, first, "see you at eleven", &[CAROL]).await;
    world
        .try_say(CAROL, direct, "what was that", Some(first), &[ANN])
        .await
        .unwrap();
    world.delete(ANN, direct, first).await;
    let seq = world.top(direct);
    world
        .inbox(ANN, inbox::Command::MarkGot { channel: direct, seq })
        .await
        .unwrap();
    world
        .inbox(ANN, inbox::Command::MarkRead { channel: direct, seq })
        .await
        .unwrap();
}

async fn a_message_that_is_taken_away_and_given_back(world: &mut World) {
    let general = world.channels[0];
    drop(world.channel(ANN, general, channel::Command::Join).await);
    drop(world.channel(BOB, general, channel::Command::Join).await);
    let wanted = world.say_to(BOB, general, "free tea", &[ANN]).await;
    let delete = channel::Command::Delete {
        message: wanted,
        expected_version: None,
        reason: Reason::parse("looks like an advertisement").ok(),
    };
    world.channel(ANN, general, delete.clone()).await.unwrap();
    world.restore(ANN, general, wanted, "free tea", &[ANN]).await.unwrap();
    let unwanted = world.say(BOB, general, "free tea, at the usual address").await;
    let delete = match delete {
        channel::Command::Delete { reason, .. } => channel::Command::Delete {
            message: unwanted,
            expected_version: None,
            reason,
        },
        other => other,
    };
    world.channel(ANN, general, delete).await.unwrap();
}

/// One report is decided and taken back, one is decided and made again, one waits.
async fn people_report_each_other(world: &mut World) {
    let general = world.channels[0];
    let space = world
        .state::<channel::Channel>(general.uuid())
        .open()
        .and_then(|open| open.space);
    let words = world.say(BOB, general, "tea, tea, tea").await;
    let person = report::Target {
        space,
        channel: general,
        user: BOB,
        message: None,
    };
    let message = report::Target {
        message: Some(report::Snapshot {
            message: words,
            seq: world.top(general),
            event: EventId::from(words.uuid()),
            version: 1,
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".into(),
        }),
        ..person.clone()
    };
    let reason = |text| Reason::parse(text).unwrap();
    let resolve = |action| report::Command::Resolve {
        action,
        until: None,
        reason: reason("seen worse"),
        deed: None,
    };
    for (reporter, target) in [(CAROL, &message), (CAROL, &person), (DAVE, &person)] {
        let named = target.message.as_ref().map(|snapshot| snapshot.message);
        let id = report::id(reporter, general, named.map_or(BOB.uuid(), |message| message.uuid()));
        let open = report::Command::Open {
            target: target.clone(),
            reason: reason("always the same"),
        };
        world.report(reporter, id, open.clone()).await.unwrap();
        match (reporter, named) {
            (CAROL, Some(_)) => {
                world
                    .report(ANN, id, resolve(report::Action::RemoveMessage))
                    .await
                    .unwrap();
                let undo = report::Command::Undo {
                    reason: reason("seen it again"),
                };
                world.report(ANN, id, undo).await.unwrap();
            }
            (CAROL, None) => {
                world.report(ANN, id, resolve(report::Action::None)).await.unwrap();
                world.report(reporter, id, open).await.unwrap();
            }
            _ => {}
        }
    }
    let look = audit::Read {
        kind: Some("report.resolved".into()),
        limit: 50,
        ..audit::Read::default()
    };
    world.look_at_the_trail(ANN, look).await;
    let skipped = audit::Skipped {
        view: "timeline".into(),
        position: 1,
        reason: Reason::parse("cut off by a bad disk").unwrap(),
    };
    world.skip_an_event(BOB, skipped).await;
    let view = |reason: Option<&str>| audit::Operated {
        view: "timeline".into(),
        reason: reason.map(|reason| Reason::parse(reason).unwrap()),
    };
    for command in [
        audit::Command::Rebuild(view(Some("rows were changed by hand"))),
        audit::Command::CancelRebuild(view(None)),
        audit::Command::Promote(view(None)),
        audit::Command::RollBack(view(Some("people miss messages"))),
        audit::Command::Retire(view(None)),
    ] {
        world.operate_views(BOB, command).await;
    }
}

async fn people_come_and_go(world: &mut World) {
    let general = world.channels[0];
    drop(world.channel(ANN, general, channel::Command::Join).await);
    drop(world.channel(ERIN, general, channel::Command::Join).await);
    world.say_to(ANN, general, "welcome", &[ERIN]).await;
    world
        .channel(
            ANN,
            general,
            channel::Command::RemoveMember {
                user: ERIN,
                reason: Some(Reason::parse("was told twice").unwrap()),
            },
        )
        .await
        .unwrap();
    world.say(ANN, general, "now without Erin").await;
    world.channel(ERIN, general, channel::Command::Join).await.unwrap();
    world.say(ANN, general, "and back").await;
    let supper = world.new_group(BOB, "Supper", &[CAROL, DAVE]).await;
    world.channel(CAROL, supper, channel::Command::Leave).await.unwrap();
    world
        .channel(BOB, supper, channel::Command::AddMember { user: CAROL })
        .await
        .unwrap();
}

async fn closing_time(world: &mut World) {
    let attic = world.new_space(ERIN, "Attic", JoinRule::Open).await;
    world.space(ANN, attic, space::Command::Join).await.unwrap();
    let boxes = world.new_text(ERIN, attic, "boxes", false, History::All).await;
    world.say(ERIN, boxes, "all packed").await;
    world.channel(ERIN, boxes, channel::Command::Archive).await.unwrap();
    world.space(ANN, attic, space::Command::Leave).await.unwrap();
    world
        .space(ERIN, attic, space::Command::Archive { reason: None })
        .await
        .unwrap();
}

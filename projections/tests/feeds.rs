//! Rankings against a plain recount of the log: as of any position, page by page, whatever happens between two pages.
#![allow(clippy::unwrap_used)]

mod world;

use std::collections::{BTreeMap, BTreeSet};

use domain::{
    ChannelId, Coded, Decider, MessageBody, MessageId, UserId,
    channel::{self, Command, Vote},
};
use event_store::EventLog;
use projections::{Among, Entry, FeedPlace as Place, Sort, Views};
use sqlx::{AssertSqlSafe, Row};
use world::{ANN, PATIENCE, PEOPLE, World, at_once, connect, fold_all, open, settle, step};

const SORTS: [Sort; 3] = [Sort::New, Sort::Top, Sort::Hot];

/// What a ranking can be told from.
#[derive(Clone, Default)]
struct Recount {
    spaces: BTreeSet<ChannelId>,
    entries: BTreeMap<MessageId, Counted>,
    roots: BTreeMap<MessageId, MessageId>,
    gone: BTreeSet<MessageId>,
    votes: BTreeMap<(MessageId, UserId), i64>,
}

#[derive(Clone)]
struct Counted {
    position: u64,
    at: i64,
}

impl Recount {
    /// The plain way, up to a position.
    async fn at(world: &World, position: u64) -> Self {
        let mut recount = Self::default();
        let events = world.log.read_all(0, usize::MAX).await.unwrap().events;
        for recorded in events.iter().filter(|recorded| recorded.position <= position) {
            if recorded.stream.category() != channel::Channel::CATEGORY {
                continue;
            }
            let (event, channel) = (&recorded.event, ChannelId::from(recorded.stream.id().unwrap()));
            let by = UserId::from(event.actor);
            match channel::Event::decode(&event.kind, event.version, &event.payload).unwrap() {
                channel::Event::Created(created) if created.space.is_some() => drop(recount.spaces.insert(channel)),
                channel::Event::Sent(sent) => match sent.thread {
                    Some(root) => drop(recount.roots.insert(sent.message, root)),
                    None if recount.spaces.contains(&channel) => {
                        let counted = Counted {
                            position: recorded.position,
                            at: event.recorded_at.timestamp_micros(),
                        };
                        recount.entries.insert(sent.message, counted);
                    }
                    None => {}
                },
                channel::Event::Deleted(deleted) => drop(recount.gone.insert(deleted.message)),
                channel::Event::Restored(restored) => drop(recount.gone.remove(&restored.message)),
                channel::Event::Voted(voted) => {
                    let vote = if voted.vote == Vote::Up { 1 } else { -1 };
                    recount.votes.insert((voted.message, by), vote);
                }
                channel::Event::Unvoted(unvoted) => drop(recount.votes.remove(&(unvoted.message, by))),
                _ => {}
            }
        }
        recount
    }

    fn score(&self, message: MessageId) -> i64 {
        let votes = self.votes.iter().filter(|((on, _), _)| *on == message);
        votes.map(|(_, vote)| vote).sum()
    }

    fn comments(&self, message: MessageId) -> u64 {
        let below = self.roots.iter().filter(|(_, root)| **root == message);
        below.filter(|(id, _)| !self.gone.contains(id)).count() as u64
    }

    /// The formula with floating point numbers, to be met within the lines between the points of the table.
    fn hot(&self, message: MessageId) -> f64 {
        let score = self.score(message);
        let worth = 45e9 * (score.abs().max(1) as f64).log10();
        self.entries[&message].at as f64 + score.signum() as f64 * worth
    }

    /// Messages in the order of `sort`. The hot rank of few votes is exact.
    fn ranked(&self, sort: Sort) -> Vec<MessageId> {
        let mut entries: Vec<_> = self.entries.iter().filter(|(id, _)| !self.gone.contains(id)).collect();
        entries.sort_by_key(|(id, counted)| {
            let rank = match sort {
                Sort::New => 0,
                Sort::Top => self.score(**id),
                Sort::Hot => self.hot(**id) as i64,
            };
            std::cmp::Reverse((rank, counted.position))
        });
        entries.into_iter().map(|(id, _)| *id).collect()
    }

    fn channels(&self) -> Among {
        Among::These(self.spaces.iter().copied().collect())
    }
}

/// A chance act, or a vote, which chance alone seldom casts.
async fn act(world: &mut World) {
    step(world).await;
    if world.messages.is_empty() {
        return;
    }
    let place = world.roll(world.messages.len());
    let (channel, message, _) = world.messages[place];
    let who = PEOPLE[world.roll(PEOPLE.len())].0;
    let command = if world.roll(5) == 0 {
        Command::Send {
            body: MessageBody::parse("below").unwrap(),
            reply_to: None,
            thread: Some(message),
            mentions: vec![],
        }
    } else {
        let vote = [Some(Vote::Up), Some(Vote::Up), Some(Vote::Down), None][world.roll(4)];
        Command::Vote { message, vote }
    };
    let sent = matches!(command, Command::Send { .. });
    if let (Ok(Some(event)), true) = (world.channel(who, channel, command).await, sent) {
        world.messages.push((channel, MessageId::from(event), who));
    }
}

async fn all(views: &Views, among: &Among, sort: Sort, as_of: u64) -> Vec<Entry> {
    let ranking = views
        .feed
        .ranking(among, sort, as_of, Place::TOP, 10_000)
        .await
        .unwrap();
    ranking.unwrap().entries
}

fn ids(entries: &[Entry]) -> Vec<MessageId> {
    entries.iter().map(|entry| entry.message).collect()
}

#[tokio::test]
async fn a_ranking_is_that_of_its_position_however_the_log_was_cut() {
    let mut world = World::new(3);
    settle(&mut world).await;
    for _ in 0..200 {
        act(&mut world).await;
    }
    let head = world.head().await;
    let now = Recount::at(&world, head).await;
    assert!(now.votes.len() > 20 && now.gone.len() > 3, "hardly anything to rank");
    for batch_events_max in [1, 7, 1000] {
        let folder = tempfile::tempdir().unwrap();
        let views = fold_all(folder.path(), &world.log, batch_events_max).await;
        for as_of in [head / 3, head / 2, head - 20, head] {
            let then = Recount::at(&world, as_of).await;
            for sort in SORTS {
                let expected: Vec<_> = then
                    .ranked(sort)
                    .into_iter()
                    .filter(|id| !now.gone.contains(id))
                    .collect();
                let entries = all(&views, &now.channels(), sort, as_of).await;
                assert_eq!(ids(&entries), expected, "{sort:?} as of {as_of} of {head}");
                for entry in entries {
                    assert_eq!(entry.score, now.score(entry.message));
                    assert_eq!(entry.comments, now.comments(entry.message));
                    let off = (entry.hot as f64 - now.hot(entry.message)).abs();
                    assert!(off < 2.0, "{off} microseconds off");
                }
            }
        }
    }
}

#[tokio::test]
async fn pages_of_a_walk_double_nothing_and_miss_nothing_while_people_go_on() {
    for sort in SORTS {
        let mut world = World::new(11);
        settle(&mut world).await;
        for _ in 0..150 {
            act(&mut world).await;
        }
        let folder = tempfile::tempdir().unwrap();
        let views = open(folder.path(), &world.log).await;
        let running = views.start_with(world.log.clone(), at_once(1024));
        let as_of = world.head().await;
        assert!(views.wait_for(as_of, PATIENCE).await);
        let then = Recount::at(&world, as_of).await;
        let (mut place, mut walked) = (Some(Place::TOP), vec![]);
        while let Some(below) = place {
            let page = views
                .feed
                .ranking(&then.channels(), sort, as_of, below, 3)
                .await
                .unwrap()
                .unwrap();
            walked.extend(ids(&page.entries));
            place = page.looked_to;
            for _ in 0..3 {
                act(&mut world).await;
            }
            assert!(views.wait_for(world.head().await, PATIENCE).await);
        }
        let now = Recount::at(&world, world.head().await).await;
        let expected = then.ranked(sort);
        let without_gone =
            |ids: &[MessageId]| -> Vec<MessageId> { ids.iter().copied().filter(|id| !now.gone.contains(id)).collect() };
        assert_eq!(without_gone(&walked), without_gone(&expected), "{sort:?}");
        assert_eq!(walked.iter().collect::<BTreeSet<_>>().len(), walked.len(), "{sort:?}");
        running.stop().await.unwrap();
    }
}

#[tokio::test]
async fn only_open_channels_are_ranked_for_everyone() {
    let mut world = World::new(5);
    settle(&mut world).await;
    // As the world settles: general is public with all of its history, random hides what was before, board is private.
    let [general, random, board] = [world.channels[0], world.channels[1], world.channels[2]];
    let mut said = vec![];
    for channel in [general, random, board] {
        said.push(world.say(ANN, channel, "to whom it may concern").await);
    }
    let folder = tempfile::tempdir().unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    for sort in SORTS {
        assert_eq!(
            ids(&all(&views, &Among::Open, sort, world.head().await).await),
            [said[0]]
        );
    }
    world.channel(ANN, general, Command::Archive).await.unwrap();
    let views = fold_all(folder.path(), &world.log, 1000).await;
    assert!(
        all(&views, &Among::Open, Sort::Hot, world.head().await)
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn ten_votes_are_worth_twelve_and_a_half_hours() {
    const HOUR: i64 = 3_600_000_000;
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(1);
    open(folder.path(), &world.log).await;
    let mut db = connect(folder.path(), "feed").await;
    let worth = "select bonus + ($1 - votes) * step from feed_bonus where votes <= $1 order by votes desc limit 1";
    for (votes, expected) in [
        (1_i64, 0),
        (10, 25 * HOUR / 2),
        (100, 25 * HOUR),
        (1_000_000, 75 * HOUR),
    ] {
        let found: i64 = sqlx::query_scalar(worth).bind(votes).fetch_one(&mut db).await.unwrap();
        assert_eq!(found, expected, "{votes}");
    }
    let mut before = -1;
    for votes in (1..2_000_i64).chain((2_000..20_000_000).step_by(99_991)) {
        let found: i64 = sqlx::query_scalar(worth).bind(votes).fetch_one(&mut db).await.unwrap();
        let curve = 45e9 * (votes as f64).log10();
        assert!(found > before, "more votes are worth more: {votes}");
        assert!(
            votes > 10_000_000 || curve - found as f64 >= -1.0 && curve - (found as f64) < 45e9 * 0.03,
            "{votes}"
        );
        before = found - i64::from(votes > 10_000_000);
    }
}

#[tokio::test]
async fn no_question_looks_at_a_whole_table() {
    let folder = tempfile::tempdir().unwrap();
    let world = World::new(1);
    open(folder.path(), &world.log).await;
    let mut db = connect(folder.path(), "feed").await;
    let questions = [
        include_str!("../src/feed/ranked_in_channels_new.sql"),
        include_str!("../src/feed/ranked_in_channels_top.sql"),
        include_str!("../src/feed/ranked_in_channels_hot.sql"),
        include_str!("../src/feed/ranked_everywhere_new.sql"),
        include_str!("../src/feed/ranked_everywhere_top.sql"),
        include_str!("../src/feed/ranked_everywhere_hot.sql"),
        include_str!("../src/feed/changed_new.sql"),
        include_str!("../src/feed/changed_top.sql"),
        include_str!("../src/feed/changed_hot.sql"),
        include_str!("../src/feed/boundary_new.sql"),
        include_str!("../src/feed/boundary_top.sql"),
        include_str!("../src/feed/boundary_hot.sql"),
        include_str!("../src/feed/channels_of.sql"),
        include_str!("../src/feed/votes_of.sql"),
    ];
    for question in questions {
        let plan = sqlx::query(AssertSqlSafe(format!("explain query plan {question}")))
            .fetch_all(&mut db)
            .await
            .unwrap();
        let steps: Vec<String> = plan.iter().map(|step| step.get("detail")).collect();
        let scans = steps.iter().filter(|step| step.starts_with("SCAN"));
        let scans: Vec<_> = scans.filter(|step| !step.contains("VIRTUAL TABLE")).collect();
        assert!(scans.is_empty(), "{question}\n{steps:#?}");
    }
}

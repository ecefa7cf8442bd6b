//! Real conversations: each log becomes a channel, each nickname a person with a socket of their own, and every message is sent by its
//! author in the order of the file. Files run side by side, a round of them at a time; within one file the next author starts only
//! when the one before was acknowledged, since nothing less makes the order certain.
//!
//! Times and rates count the sending alone: signing up, joining and reading pages happen between the rounds.

use std::{
    collections::{HashMap, HashSet},
    path::PathBuf,
    time::Duration,
};

use anyhow::{Context, ensure};
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use tokio::task::JoinSet;

use crate::{
    http::Http,
    people::{self, Person, REQUESTS_AT_ONCE},
    process::{self, Usage},
    progress,
    report::{Figures, Latency, Report},
    server::{Server, Target},
};

mod conversation;
mod play;
mod stage;

use conversation::Conversation;
use play::Played;
use stage::Stage;

#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The folder of logs (`*.txt`, `*.log`)
    folder: PathBuf,
    #[command(flatten)]
    target: Target,
    /// How many sockets may be open at a time; a file with more nicknames runs alone
    #[arg(long, value_name = "N", default_value_t = 500)]
    parallel_sockets: usize,
    /// Take only the first files, in the order of their names
    #[arg(long, value_name = "K")]
    files: Option<usize>,
    /// How many messages in a row of one author may wait for their acknowledgement at once
    #[arg(long, value_name = "N", default_value_t = 16)]
    in_flight: usize,
}

pub(crate) async fn run(args: Args) -> anyhow::Result<Report> {
    ensure!(args.in_flight > 0, "at least one message must be in flight");
    let conversations = conversation::read_folder(&args.folder, args.files)?;
    let largest = conversations
        .iter()
        .map(|conversation| conversation.nicks.len())
        .max()
        .unwrap_or_default();
    process::ensure_open_files(largest.max(args.parallel_sockets))?;
    let server = Server::start(&args.target).await?;
    let mut run = Run::new(&server, &conversations, args.in_flight).await?;
    for round in rounds(&conversations, args.parallel_sockets) {
        run.round(round).await?;
    }
    let report = run.report(&conversations);
    server.stop().await?;
    Ok(report)
}

/// Files in their order, as many together as the sockets allow.
fn rounds(conversations: &[Conversation], sockets_max: usize) -> Vec<&[Conversation]> {
    let mut rounds = Vec::new();
    let (mut start, mut sockets) = (0, 0);
    for (at, conversation) in conversations.iter().enumerate() {
        if sockets > 0 && sockets + conversation.nicks.len() > sockets_max {
            rounds.push(&conversations[start..at]);
            (start, sockets) = (at, 0);
        }
        sockets += conversation.nicks.len();
    }
    rounds.push(&conversations[start..]);
    rounds
}

/// What lives from round to round.
struct Run<'a> {
    server: &'a Server,
    http: Http,
    in_flight: usize,
    owner: Person,
    space: String,
    people: HashMap<String, Person>,
    people_bar: ProgressBar,
    messages_bar: ProgressBar,
    total: Played,
    sending: Duration,
    server_cpu_seconds: f64,
}

impl<'a> Run<'a> {
    async fn new(server: &'a Server, conversations: &[Conversation], in_flight: usize) -> anyhow::Result<Self> {
        let http = Http::new(&server.url)?;
        let owner = Person::sign_up(&http, "load-owner", "Keeper of the logs").await?;
        let space = http.create_space(&owner.token, "IRC logs").await?;
        let nicks: HashSet<&String> = conversations
            .iter()
            .flat_map(|conversation| &conversation.nicks)
            .collect();
        let messages: usize = conversations
            .iter()
            .map(|conversation| conversation.messages.len())
            .sum();
        let [people_bar, messages_bar] =
            progress::bars([("people", nicks.len() as u64), ("messages", messages as u64)]);
        Ok(Self {
            server,
            http,
            in_flight,
            owner,
            space,
            people: HashMap::new(),
            people_bar,
            messages_bar,
            total: Played::default(),
            sending: Duration::ZERO,
            server_cpu_seconds: 0.0,
        })
    }

    async fn round(&mut self, conversations: &[Conversation]) -> anyhow::Result<()> {
        self.bring_people(conversations).await?;
        let mut stages = Vec::with_capacity(conversations.len());
        for conversation in conversations {
            let stage = Stage::set(
                self.server,
                &self.http,
                &self.owner,
                &self.space,
                conversation,
                &self.people,
            )
            .await;
            stages.push(stage.with_context(|| conversation.name.clone())?);
        }
        self.play(stages).await
    }

    /// Everyone in the round has an account, a token that will last, and a place in the space.
    async fn bring_people(&mut self, conversations: &[Conversation]) -> anyhow::Result<()> {
        self.owner.refresh(&self.http).await?;
        let nicks: HashSet<&String> = conversations
            .iter()
            .flat_map(|conversation| &conversation.nicks)
            .collect();
        let (known, new): (Vec<_>, Vec<_>) = nicks.into_iter().partition(|nick| self.people.contains_key(*nick));
        let names = new
            .iter()
            .map(|nick| (irc_log::handle_for(nick), irc_log::display_name_for(nick)))
            .collect();
        let arrived = people::sign_up_all(&self.http, names, &self.people_bar).await?;
        let (http, space, token) = (&self.http, &self.space, &self.owner.token);
        stream::iter(&arrived)
            .map(|person| http.put_space_member(token, space, &person.id))
            .buffer_unordered(REQUESTS_AT_ONCE)
            .try_collect::<Vec<()>>()
            .await?;
        self.people.extend(new.into_iter().cloned().zip(arrived));
        for nick in known {
            self.people
                .get_mut(nick)
                .context("known people stay known")?
                .refresh(&self.http)
                .await?;
        }
        Ok(())
    }

    async fn play(&mut self, stages: Vec<Stage>) -> anyhow::Result<()> {
        let before = self.cpu_seconds();
        let start = std::time::Instant::now();
        let mut playing = JoinSet::new();
        for stage in stages {
            playing.spawn(play::play(stage, self.in_flight, self.messages_bar.clone()));
        }
        let mut took = Duration::ZERO;
        let mut stages = Vec::new();
        while let Some(played) = playing.join_next().await {
            let (stage, played, finished) = played??;
            took = took.max(finished - start);
            self.total.add(&played);
            stages.push((stage, played.last_pos));
        }
        self.sending += took;
        self.server_cpu_seconds += self.cpu_seconds() - before;
        for (stage, last_pos) in &stages {
            stage
                .check_pages(&self.http, last_pos)
                .await
                .with_context(|| stage.name.clone())?;
        }
        Ok(())
    }

    fn cpu_seconds(&self) -> f64 {
        self.server.usage().map_or(0.0, |usage| usage.cpu_seconds)
    }

    fn report(self, conversations: &[Conversation]) -> Report {
        let count = |of: fn(&Conversation) -> u64| conversations.iter().map(of).sum::<u64>() as f64;
        let figures = Figures {
            seconds: self.sending.as_secs_f64(),
            sends: self.total.sends,
            deliveries: self.total.deliveries,
            ack: self.total.ack,
            delivery: Latency::new(),
            server: self.server.usage().map(|usage| Usage {
                cpu_seconds: self.server_cpu_seconds,
                ..usage
            }),
        };
        Report {
            scenario: "irc",
            rounds: vec![figures],
            floor: Vec::new(),
            fsync: Latency::new(),
            counts: vec![
                ("files", conversations.len() as f64),
                ("people", self.people.len() as f64),
                ("sockets", count(|conversation| conversation.nicks.len() as u64)),
                ("blank", count(|conversation| conversation.blank)),
                ("actions", count(|conversation| conversation.actions)),
                ("other_lines", count(|conversation| conversation.others)),
            ],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn conversation(nicks: usize) -> Conversation {
        Conversation {
            nicks: (0..nicks).map(|nick| format!("nick{nick}")).collect(),
            ..Conversation::default()
        }
    }

    #[test]
    fn a_round_holds_as_many_files_as_the_sockets_allow() {
        let conversations: Vec<_> = [3, 4, 5, 20, 1, 1].map(conversation).into();
        let sizes: Vec<_> = rounds(&conversations, 8).iter().map(|round| round.len()).collect();
        assert_eq!(sizes, [2, 1, 1, 2]);
    }
}

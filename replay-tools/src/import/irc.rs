//! `replay import irc`: every message of a folder of channel logs becomes an event, in file order, by the person of its nickname. Keys are
//! made of file name and line number, so running it again, or on after a crash, doubles nothing.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    time::Instant,
};

use anyhow::{Context, bail};
use clap::Args;
use commands::{Caller, Commands};
use domain::{
    Actor, ChannelId, ChannelName, DisplayName, Handle, IdempotencyKey, MessageBody, SpaceId, SpaceName, UserId,
    channel, owned_id, space, user,
};
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;
use irc_log::Line;
use uuid::Uuid;

use super::pipeline::{Pipeline, Tally};
use crate::{data_folder::DataFolder, progress, results::Showing};

/// Files on their way at once: their commits are shared.
const FILES_AT_ONCE: usize = 8;
/// Name space of the people made of nicknames, drawn once and never changed.
const NICKNAMES: Uuid = Uuid::from_u128(0x6e0f_51c4_8a3d_4b19_b7e2_90d5_4c16_a83f);
/// The person who owns the imported spaces.
const IMPORTER: &str = "irc-import";

/// Channel logs of IRC: one space for the folder, one channel a file, one person a nickname
#[derive(Args)]
#[command(after_help = "Example: replay import irc ./logs --data-dir ./data")]
pub(super) struct Irc {
    /// Folder of *.txt or *.log files
    folder: PathBuf,
    /// The service's data folder; the service must not be running on it
    #[arg(long, env = "VERBATIM_DATA_DIR", default_value = "./data")]
    data_dir: PathBuf,
    /// Where keys are, if not in the data folder
    #[arg(long, env = "VERBATIM_SECRETS_DIR")]
    secrets_dir: Option<PathBuf>,
    /// Only the first so many files, by name
    #[arg(long)]
    files: Option<usize>,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Debug, Default, serde::Serialize)]
struct Report {
    files: usize,
    people: usize,
    messages: u64,
    /// Messages that were not in the log before this run.
    new: u64,
    skipped_actions: u64,
    skipped_events: u64,
    skipped_blank: u64,
    skipped_too_long: u64,
    skipped_other: u64,
    seconds: f64,
    messages_per_s: f64,
}

/// One file, parsed.
struct Log {
    path: PathBuf,
    name: String,
    lines: Vec<Line>,
}

impl Irc {
    pub(super) async fn run(self) -> anyhow::Result<()> {
        let logs = self.read_logs()?;
        let people: BTreeSet<&str> = logs.iter().flat_map(Log::nicks).collect();
        let mut report = count(&logs, people.len());
        let data = DataFolder::open(&self.data_dir, self.secrets_dir.as_deref()).await?;
        data.reserve_handles(people.iter().map(|nick| (nickname_handle(nick), nickname_id(nick))))
            .await?;
        let bar = progress::bar(self.showing, report.messages, "messages");
        let started = Instant::now();
        let import = Import {
            commands: &data.commands,
            folder: self.folder_name(),
            bar: &bar,
        };
        import.people(&people).await?;
        let imported = stream::iter(&logs)
            .map(|log| import.file(log))
            .buffer_unordered(FILES_AT_ONCE);
        let tallies: Vec<Tally> = imported.try_collect().await?;
        data.close().await;
        bar.finish_and_clear();
        report.new = tallies.iter().map(|tally| tally.new).sum();
        report.seconds = started.elapsed().as_secs_f64();
        report.messages_per_s = report.messages as f64 / report.seconds;
        self.print(&report)
    }

    fn read_logs(&self) -> anyhow::Result<Vec<Log>> {
        let files =
            irc_log::files(&self.folder).with_context(|| format!("{} cannot be read", self.folder.display()))?;
        if files.is_empty() {
            bail!("{} holds no *.txt or *.log files", self.folder.display());
        }
        files
            .into_iter()
            .take(self.files.unwrap_or(usize::MAX))
            .map(Log::read)
            .collect()
    }

    fn folder_name(&self) -> String {
        let path = self.folder.canonicalize().unwrap_or_else(|_| self.folder.clone());
        path.file_name()
            .map_or_else(|| "irc".to_owned(), |name| name.to_string_lossy().into_owned())
    }

    fn print(&self, report: &Report) -> anyhow::Result<()> {
        let mut results = self.showing.results();
        results.json(report)?;
        results.say(format!(
            "{} messages of {} people in {} files: {} new, {} already there",
            report.messages,
            report.people,
            report.files,
            report.new,
            report.messages - report.new
        ))?;
        results.say(format!(
            "skipped: {} actions, {} joins and the like, {} blank, {} too long, {} other lines",
            report.skipped_actions,
            report.skipped_events,
            report.skipped_blank,
            report.skipped_too_long,
            report.skipped_other
        ))?;
        results.say(format!(
            "{:.1} s, {:.0} messages/s",
            report.seconds, report.messages_per_s
        ))?;
        Ok(results.finish()?)
    }
}

impl Log {
    fn read(path: PathBuf) -> anyhow::Result<Self> {
        let bytes = std::fs::read(&path).with_context(|| format!("{} cannot be read", path.display()))?;
        let name = path
            .file_name()
            .map(|name| name.to_string_lossy().into_owned())
            .unwrap_or_default();
        Ok(Self {
            lines: irc_log::lines(&bytes).collect(),
            name,
            path,
        })
    }

    fn nicks(&self) -> impl Iterator<Item = &str> {
        self.messages().map(|(_, nick, _)| nick)
    }

    /// (line number from 1, nickname, words)
    fn messages(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        self.lines.iter().enumerate().filter_map(|(index, line)| match line {
            Line::Message { nick, text, .. } => Some((index + 1, nick.as_str(), text.as_str())),
            Line::Blank { .. } | Line::TooLong { .. } | Line::Action { .. } | Line::Event | Line::Other => None,
        })
    }
}

fn count(logs: &[Log], people: usize) -> Report {
    let mut report = Report {
        files: logs.len(),
        people,
        ..Report::default()
    };
    for line in logs.iter().flat_map(|log| &log.lines) {
        *match line {
            Line::Message { .. } => &mut report.messages,
            Line::Blank { .. } => &mut report.skipped_blank,
            Line::TooLong { .. } => &mut report.skipped_too_long,
            Line::Action { .. } => &mut report.skipped_actions,
            Line::Event => &mut report.skipped_events,
            Line::Other => &mut report.skipped_other,
        } += 1;
    }
    report
}

/// One import on its way.
struct Import<'a> {
    commands: &'a Commands,
    folder: String,
    bar: &'a ProgressBar,
}

impl Import<'_> {
    /// Registers everyone and lets them into the space of the folder.
    async fn people(&self, nicks: &BTreeSet<&str>) -> anyhow::Result<()> {
        let mut users = Pipeline::new(&self.commands.users);
        for nick in nicks.iter().copied().chain([IMPORTER]) {
            let (id, display_name) = (nickname_id(nick), display_name(nick)?);
            let register = user::Command::Register {
                handle: nickname_handle(nick),
                display_name,
            };
            users
                .push(
                    format!("registering {nick}"),
                    id.uuid(),
                    register,
                    caller(id, "irc:register")?,
                )
                .await?;
        }
        users.finish().await?;
        let owner = importer();
        let mut spaces = Pipeline::new(&self.commands.spaces);
        let create = space::Command::Create {
            name: SpaceName::parse(&self.folder)?,
            join: space::JoinRule::Closed,
        };
        spaces
            .push(
                "creating the space",
                self.space().uuid(),
                create,
                caller(owner, &self.space_key())?,
            )
            .await?;
        for nick in nicks {
            let user = nickname_id(nick);
            let put = space::Command::PutMember {
                user,
                role: space::Role::Member,
                reason: None,
            };
            let key = format!("irc:in:{}", user.uuid().simple());
            spaces
                .push(
                    format!("adding {nick} to the space"),
                    self.space().uuid(),
                    put,
                    caller(owner, &key)?,
                )
                .await?;
        }
        spaces.finish().await.map(drop)
    }

    /// One channel, its people, its messages in the order of the file.
    async fn file(&self, log: &Log) -> anyhow::Result<Tally> {
        let file = Uuid::new_v5(&NICKNAMES, log.name.as_bytes());
        let key = format!("irc:{}", file.simple());
        let id = ChannelId::from(owned_id("channel", importer(), &key)).uuid();
        let mut setup = Pipeline::new(&self.commands.channels);
        let stem = Path::new(&log.name)
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default();
        let name = ChannelName::parse(&stem.chars().take(ChannelName::MAX_CHARS).collect::<String>())?;
        let create = channel::Command::CreateText {
            space: self.space(),
            name,
            private: false,
            history: None,
        };
        setup
            .push(
                format!("creating the channel of {}", log.name),
                id,
                create,
                caller(importer(), &key)?,
            )
            .await?;
        for nick in log.nicks().collect::<BTreeSet<_>>() {
            let user = nickname_id(nick);
            let key = format!("irc:in:{}", user.uuid().simple());
            let add = channel::Command::AddMember { user };
            setup
                .push(
                    format!("adding {nick} to the channel"),
                    id,
                    add,
                    caller(importer(), &key)?,
                )
                .await?;
        }
        setup.finish().await?;
        let mut messages = Pipeline::new(&self.commands.channels);
        for (line, nick, text) in log.messages() {
            let body = MessageBody::parse(text).with_context(|| format!("{} line {line}", log.path.display()))?;
            let send = channel::Command::Send {
                body,
                reply_to: None,
                thread: None,
                mentions: vec![],
            };
            let key = format!("irc:{}:{line}", file.simple());
            messages
                .push(
                    format!("{} line {line}", log.path.display()),
                    id,
                    send,
                    caller(nickname_id(nick), &key)?,
                )
                .await?;
            self.bar.inc(1);
        }
        messages.finish().await
    }

    fn space(&self) -> SpaceId {
        owned_id("space", importer(), &self.space_key()).into()
    }

    fn space_key(&self) -> String {
        format!("irc:{}", Uuid::new_v5(&NICKNAMES, self.folder.as_bytes()).simple())
    }
}

fn importer() -> UserId {
    nickname_id(IMPORTER)
}

fn nickname_id(nick: &str) -> UserId {
    Uuid::new_v5(&NICKNAMES, nick.as_bytes()).into()
}

fn nickname_handle(nick: &str) -> Handle {
    Handle::parse(&irc_log::handle_for(nick)).expect("handles made of nicknames keep the rules of handles")
}

fn display_name(nick: &str) -> anyhow::Result<DisplayName> {
    DisplayName::parse(&irc_log::display_name_for(nick))
        .with_context(|| format!("the nickname {nick} makes no display name"))
}

fn caller(user: UserId, key: &str) -> anyhow::Result<Caller> {
    let key = IdempotencyKey::parse(key)?;
    Ok(Caller {
        actor: Actor::User(user),
        acting_as: None,
        key,
        request_id: Uuid::nil(),
        at: chrono::Utc::now(),
    })
}

//! `replay at`: a channel as it was at a moment: its settings, its people and what they could do, its newest messages as they read then,
//! and who could read one of them.

use chrono::{DateTime, Utc};
use clap::Args;
use domain::{ChannelId, MessageId};
use projections::history::{self, ChannelAt, Member, Message, Wanted, When, Why};

use crate::{
    ending::{Ending, wrong_usage},
    naming,
    results::{Results, Showing, time},
    source::Source,
};

#[derive(Args)]
#[command(
    after_help = "Example: replay at --channel channel_01h455vb4pex5vsknk084sn02q --time 2026-03-01T12:00:00Z --messages 20"
)]
pub(crate) struct At {
    /// channel_…, its UUID, or its stream
    #[arg(long, value_parser = naming::channel)]
    channel: ChannelId,
    #[command(flatten)]
    moment: MomentArgs,
    /// Who could read this message then?
    #[arg(long, value_parser = naming::message)]
    message: Option<MessageId>,
    /// How many of the newest messages; they are people's words
    #[arg(long, default_value_t = 0)]
    messages: usize,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Args)]
#[group(multiple = false)]
struct MomentArgs {
    /// After the channel's event with this seq
    #[arg(long)]
    seq: Option<u64>,
    /// After the event at this position of the log
    #[arg(long)]
    position: Option<u64>,
    /// After everything recorded up to this time; now by default
    #[arg(long, value_parser = naming::time)]
    time: Option<DateTime<Utc>>,
}

impl MomentArgs {
    fn when(&self) -> anyhow::Result<When> {
        match (self.seq, self.position, self.time) {
            (Some(0), _, _) => Err(wrong_usage("seqs begin at 1")),
            (Some(seq), _, _) => Ok(When::Seq(seq)),
            (_, Some(position), _) => Ok(When::Position(position)),
            (_, _, Some(time)) => Ok(When::Time(time)),
            (None, None, None) => Ok(When::Time(Utc::now())),
        }
    }
}

impl At {
    pub(crate) async fn run(self) -> anyhow::Result<Ending> {
        let when = self.moment.when()?;
        let log = self.source.open().await?;
        let wanted = Wanted {
            messages: self.messages,
            message: self.message,
        };
        let found = history::channel_at(&*log, self.channel, when, wanted).await?;
        let mut results = self.showing.results();
        results.json(&found)?;
        say(&found, &mut results)?;
        results.finish()?;
        Ok(Ending::Done)
    }
}

fn say(at: &ChannelAt, results: &mut Results) -> anyhow::Result<()> {
    let (settings, moment) = (&at.settings, at.moment);
    results.say(format!(
        "{} {} as of seq {}, position {}, {}",
        at.channel,
        settings.name.as_ref().map_or("", |name| name.as_str()),
        moment.seq,
        moment.position,
        time(moment.at)
    ))?;
    results.say(format!(
        "kind {:?}, {}, history {:?}, slow mode {} s{}",
        settings.kind,
        if settings.private { "private" } else { "public" },
        settings.history,
        settings.slow_mode_s,
        if settings.archived { ", archived" } else { "" }
    ))?;
    if let Some(space) = &at.space {
        let archived = if space.archived { ", archived" } else { "" };
        results.say(format!("in space {} {}{archived}", space.id, space.name.as_str()))?;
    }
    results.say(format!("\n{} members", at.members.len()))?;
    for member in &at.members {
        results.say(member_line(member))?;
    }
    if !at.could_join.is_empty() {
        results.say(format!("{} more could have joined by themselves", at.could_join.len()))?;
        for user in &at.could_join {
            results.say(format!("  {user}"))?;
        }
    }
    results.say(format!("\n{} messages had been sent", at.messages_count))?;
    for message in &at.messages {
        say_message(message, results)?;
    }
    if let Some(readers) = &at.readers {
        results.say("\nwho could read")?;
        say_message(&readers.message, results)?;
        for reader in &readers.members {
            let could = if reader.could_read { "could" } else { "could not" };
            results.say(format!("  {} {could}: {}", reader.user, because(reader.why)))?;
        }
    }
    Ok(())
}

fn member_line(member: &Member) -> String {
    let able = [
        (member.writes, "writes"),
        (member.moderates, "moderates"),
        (member.governs, "governs"),
    ];
    let able: Vec<&str> = able.into_iter().filter(|(can, _)| *can).map(|(_, what)| what).collect();
    format!(
        "  {} {:?}{} since seq {}, reads from {}, {}",
        member.user,
        member.role,
        member
            .space_role
            .map(|role| format!(" ({role:?} of the space)"))
            .unwrap_or_default(),
        member.since,
        member
            .reads_from
            .map_or_else(|| "nowhere".to_owned(), |seq| seq.to_string()),
        if able.is_empty() {
            "only reads".to_owned()
        } else {
            able.join(", ")
        }
    )
}

fn say_message(message: &Message, results: &mut Results) -> anyhow::Result<()> {
    let author = message
        .author
        .map_or_else(|| "the service".to_owned(), |author| author.to_string());
    let body = match (&message.body, message.gone) {
        (Some(body), _) => body.as_str(),
        (None, Some(_)) => "(deleted)",
        (None, None) => "(no words)",
    };
    Ok(results.say(format!(
        "  {:>6}  {}  {author} v{}: {body}",
        message.seq,
        time(message.at),
        message.version
    ))?)
}

fn because(why: Why) -> &'static str {
    match why {
        Why::OpenHistory => "the channel shows its past",
        Why::WasThere => "was in it when it was sent",
        Why::CameLater => "came later, and the channel shows only what follows",
        Why::OutOfSpace => "was no longer in the space",
        Why::Gone => "it was deleted by then",
    }
}

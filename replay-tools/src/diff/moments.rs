//! `replay diff channel`: what changed in a channel between two moments: its messages, its people, its settings.

use std::collections::BTreeMap;

use clap::Args;
use domain::{ChannelId, UserId};
use projections::history::{self, ChannelAt, Member, Message, Wanted, When};
use serde::Serialize;

use crate::{
    ending::{Ending, wrong_usage},
    naming,
    results::Showing,
    source::Source,
};

#[derive(Args)]
#[command(
    after_help = "Example: replay diff channel --channel channel_01h455vb4pex5vsknk084sn02q --at 10 --and 2026-03-01"
)]
pub(super) struct Moments {
    /// channel_…, its UUID, or its stream
    #[arg(long, value_parser = naming::channel)]
    channel: ChannelId,
    /// The first moment: a seq, `@` and a position, or a time
    #[arg(long, value_parser = moment)]
    at: When,
    /// The second moment
    #[arg(long, value_parser = moment)]
    and: When,
    #[command(flatten)]
    source: Source,
    #[command(flatten)]
    showing: Showing,
}

#[derive(Debug, Default, Serialize)]
struct Report {
    from_seq: u64,
    to_seq: u64,
    /// Seqs of messages, as are the following.
    sent: Vec<u64>,
    edited: Vec<u64>,
    deleted: Vec<u64>,
    restored: Vec<u64>,
    came: Vec<UserId>,
    went: Vec<UserId>,
    /// People who were in at both moments and could do other things then.
    rights_changed: Vec<UserId>,
    settings_changed: bool,
    space_changed: bool,
}

impl Moments {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        let log = self.source.open().await?;
        let wanted = Wanted {
            messages: usize::MAX,
            message: None,
        };
        let before = history::channel_at(&*log, self.channel, self.at, wanted).await?;
        let after = history::channel_at(&*log, self.channel, self.and, wanted).await?;
        if before.moment.seq > after.moment.seq {
            return Err(wrong_usage("the second moment is before the first"));
        }
        let report = Report::of(&before, &after);
        let mut results = self.showing.results();
        results.json(&report)?;
        results.say(format!(
            "{} from seq {} to {}",
            self.channel, report.from_seq, report.to_seq
        ))?;
        for (what, seqs) in [
            ("sent", &report.sent),
            ("edited", &report.edited),
            ("deleted", &report.deleted),
            ("restored", &report.restored),
        ] {
            let seqs: Vec<String> = seqs.iter().map(u64::to_string).collect();
            results.say(format!("{:>8} messages {what}: {}", seqs.len(), seqs.join(" ")).trim_end())?;
        }
        for (what, people) in [
            ("came", &report.came),
            ("went", &report.went),
            ("had other rights", &report.rights_changed),
        ] {
            let people: Vec<String> = people.iter().map(UserId::to_string).collect();
            results.say(format!("{:>8} people {what}: {}", people.len(), people.join(" ")).trim_end())?;
        }
        for (changed, what) in [(report.settings_changed, "settings"), (report.space_changed, "space")] {
            if changed {
                results.say(format!("the {what} of the channel changed"))?;
            }
        }
        results.finish()?;
        Ok(Ending::differs(report.is_any()))
    }
}

impl Report {
    fn of(before: &ChannelAt, after: &ChannelAt) -> Self {
        let mut report = Self {
            from_seq: before.moment.seq,
            to_seq: after.moment.seq,
            settings_changed: before.settings != after.settings,
            space_changed: before.space != after.space,
            ..Self::default()
        };
        let old: BTreeMap<u64, &Message> = before.messages.iter().map(|message| (message.seq, message)).collect();
        for message in &after.messages {
            let was = old.get(&message.seq);
            let list = match was {
                None => &mut report.sent,
                Some(was) if was.gone.is_none() && message.gone.is_some() => &mut report.deleted,
                Some(was) if was.gone.is_some() && message.gone.is_none() => &mut report.restored,
                Some(was) if was.version != message.version => &mut report.edited,
                Some(_) => continue,
            };
            list.push(message.seq);
        }
        let old: BTreeMap<UserId, &Member> = before.members.iter().map(|member| (member.user, member)).collect();
        let new: BTreeMap<UserId, &Member> = after.members.iter().map(|member| (member.user, member)).collect();
        report.came = new.keys().filter(|user| !old.contains_key(user)).copied().collect();
        report.went = old.keys().filter(|user| !new.contains_key(user)).copied().collect();
        let changed =
            |(user, member): (&UserId, &&Member)| old.get(user).is_some_and(|was| was != member).then_some(*user);
        report.rights_changed = new.iter().filter_map(changed).collect();
        report
    }

    fn is_any(&self) -> bool {
        let messages = [&self.sent, &self.edited, &self.deleted, &self.restored];
        let people = [&self.came, &self.went, &self.rights_changed];
        self.settings_changed
            || self.space_changed
            || messages.iter().any(|list| !list.is_empty())
            || people.iter().any(|list| !list.is_empty())
    }
}

fn moment(text: &str) -> Result<When, String> {
    if let Some(position) = text.strip_prefix('@') {
        return position
            .parse()
            .map(When::Position)
            .map_err(|_| "not a position".to_owned());
    }
    match text.parse() {
        Ok(0) => Err("seqs begin at 1".to_owned()),
        Ok(seq) => Ok(When::Seq(seq)),
        Err(_) => naming::time(text).map(When::Time),
    }
}

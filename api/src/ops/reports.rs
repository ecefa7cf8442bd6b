//! Reports, from the press of a button to what follows from it. What is reported is looked at on the reporter's behalf; what is decided is
//! carried out in the stream it concerns, by the rules there, before the report says that it was. So a report never tells of something
//! that was not done, and whoever repeats a decision that was interrupted completes it.

mod deed;

use chrono::{DateTime, Utc};
use commands::{Caller, Outcome};
use domain::{
    Actor, ChannelId, Coded, Decider, EventId, MessageId, Reason, ReportId, SpaceId, UserId,
    channel::{self, Channel},
    report::{self, Action, Command, Made, Rejection, Snapshot, Status, Target},
    space,
    user::ServiceRole,
};
use event_store::{Recorded, StreamName};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use self::deed::Deed;
use super::{
    access,
    fields::{Fields, word},
    spaces::time,
};
use crate::{
    app::App,
    problem::{Problem, codes},
    render,
};

/// The one answer for reports that do not exist and for those the person has nothing to do with.
pub(crate) fn no_such_report() -> Problem {
    Rejection::NotFound.into()
}

/// `POST /reports`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Make {
    channel: String,
    message: Option<String>,
    user: Option<String>,
    reason: String,
}

/// What somebody points at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Thing {
    Message(MessageId),
    Person(UserId),
}

impl Make {
    fn parse(self) -> Result<(ChannelId, Thing, Reason), Problem> {
        let mut fields = Fields::default();
        let channel = fields.field("/channel", self.channel.parse::<ChannelId>());
        let message = fields.optional("/message", self.message, |id| id.parse::<MessageId>());
        let user = fields.optional("/user", self.user, |id| id.parse::<UserId>());
        let reason = fields.field("/reason", Reason::parse(&self.reason));
        let thing = match (message, user) {
            (Some(Some(message)), Some(None)) => Some(Thing::Message(message)),
            (Some(None), Some(Some(user))) => Some(Thing::Person(user)),
            (Some(_), Some(_)) => {
                fields.refuse("/message", "either a message or a user is reported");
                None
            }
            (None, _) | (_, None) => None,
        };
        let parts = channel.zip(thing).zip(reason);
        fields.finish(parts.map(|((channel, thing), reason)| (channel, thing, reason)))
    }
}

/// What a report is answered with.
#[derive(Debug, Serialize)]
pub(crate) struct ReportAck {
    pub(crate) id: ReportId,
    pub(crate) state: &'static str,
    pub(crate) event: Option<EventId>,
    pub(crate) pos: String,
    pub(crate) replayed: bool,
}

/// Reports what the caller can see.
pub(crate) async fn make(app: &App, made: Make, caller: Caller) -> Result<ReportAck, Problem> {
    let (channel, thing, reason) = made.parse()?;
    let reporter = caller.actor.user().ok_or_else(no_such_report)?;
    let id = match thing {
        Thing::Message(message) => report::id(reporter, channel, message.uuid()),
        Thing::Person(user) => report::id(reporter, channel, user.uuid()),
    };
    // A repeat is answered from its key, also where the thing cannot be seen any more.
    let target = if app.commands.reports.knows(id.uuid(), &caller).await? {
        look(app, id).await?.target
    } else {
        seen(app, reporter, channel, thing).await?
    };
    let command = Command::Open { target, reason };
    let outcome = app.commands.reports.execute(id.uuid(), command, caller).await?;
    ack(app, id, &outcome).await
}

async fn ack(app: &App, id: ReportId, outcome: &Outcome) -> Result<ReportAck, Problem> {
    let first = outcome.events.first();
    let state = match first.and_then(|first| state_after(first)) {
        Some(state) => state,
        None => state_of(&look(app, id).await?.status),
    };
    Ok(ReportAck {
        id,
        state,
        event: first.map(|first| first.event.id.into()),
        pos: app.pos(outcome.position).to_string(),
        replayed: outcome.replayed || first.is_none(),
    })
}

/// What an event made of its report, whatever has become of it since.
fn state_after(recorded: &Recorded) -> Option<&'static str> {
    let event = &recorded.event;
    Some(
        match report::Event::decode(&event.kind, event.version, &event.payload).ok()? {
            report::Event::Opened(_) => "open",
            report::Event::Resolved(_) => "resolved",
            report::Event::Undone(_) => "undone",
        },
    )
}

/// What the reporter points at, as the log has it. What they cannot see does not exist.
async fn seen(app: &App, reporter: UserId, channel: ChannelId, thing: Thing) -> Result<Target, Problem> {
    let question = move |open: &channel::Open| {
        let floor = open.visible_from(reporter).unwrap_or(u64::MAX);
        match thing {
            Thing::Person(user) => open.standing(user).map(|_| (open.space, user, None)),
            Thing::Message(message) => open
                .message(message)
                .filter(|fact| u64::from(fact.seq) >= floor)
                .and_then(|_| open.words_at(message))
                .and_then(|at| Some((open.space, at.author?, Some((message, at))))),
        }
    };
    let (_access, found) = access::look(app, reporter, channel, question).await?;
    let (space, user, words) = found.ok_or(match thing {
        Thing::Person(_) => channel::Rejection::NoSuchMember,
        Thing::Message(_) => channel::Rejection::NoSuchMessage,
    })?;
    let message = match words {
        Some((message, at)) => Some(snapshot(app, channel, message, at).await?),
        None => None,
    };
    Ok(Target {
        space,
        channel,
        user,
        message,
    })
}

/// Which event carries the words, and what its stored bytes hash to.
async fn snapshot(
    app: &App,
    channel: ChannelId,
    message: MessageId,
    at: channel::WordsAt,
) -> Result<Snapshot, Problem> {
    let stream = StreamName::new(Channel::CATEGORY, channel.uuid());
    let page = app.log.read_stream(&stream, at.seq - 1, 1).await.map_err(|error| {
        tracing::warn!(%error, channel.id = %channel, "A reported message cannot be read");
        Problem::new(&codes::SERVICE_LOG_UNAVAILABLE)
    })?;
    let recorded = page.events.first().ok_or(channel::Rejection::NoSuchMessage)?;
    let hash = Sha256::digest(&recorded.event.payload);
    Ok(Snapshot {
        message,
        seq: at.seq,
        event: recorded.event.id.into(),
        version: at.version,
        sha256: hash.iter().map(|byte| format!("{byte:02x}")).collect(),
    })
}

/// A report as one reader may see it.
pub(crate) enum Shown {
    Whole(Box<Made>),
    /// To who made it.
    StateOnly(&'static str),
}

pub(crate) async fn show(app: &App, id: ReportId, reader: UserId) -> Result<Shown, Problem> {
    let made = look(app, id).await?;
    let acting_as = operates(app, reader).await?.then_some(ServiceRole::Operator);
    let role = role_around(app, &made, reader).await?;
    if made.is_judged_by(reader.into(), role, acting_as) {
        Ok(Shown::Whole(Box::new(made)))
    } else if made.reporter == reader {
        Ok(Shown::StateOnly(state_of(&made.status)))
    } else {
        Err(no_such_report())
    }
}

/// `POST /reports/{id}/resolve`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Resolve {
    action: String,
    reason: String,
    until: Option<String>,
}

struct Resolution {
    action: Action,
    until: Option<DateTime<Utc>>,
    reason: Reason,
}

impl Resolve {
    fn parse(self) -> Result<Resolution, Problem> {
        let actions = [
            ("none", Action::None),
            ("remove_message", Action::RemoveMessage),
            ("mute", Action::Mute),
            ("remove", Action::Remove),
            ("ban", Action::Ban),
        ];
        let mut fields = Fields::default();
        let action = fields.field("/action", word(&self.action, &actions));
        let until = fields.optional("/until", self.until, |until| time(&until));
        let reason = fields.field("/reason", Reason::parse(&self.reason));
        let parts = action.zip(until).zip(reason);
        fields.finish(parts.map(|((action, until), reason)| Resolution { action, until, reason }))
    }
}

/// Does what was decided, then says so in the report. A key that the report knows does nothing again: it is answered from its first time,
/// whatever has become of the report since.
pub(crate) async fn resolve(app: &App, id: ReportId, resolve: Resolve, caller: Caller) -> Result<ReportAck, Problem> {
    let Resolution { action, until, reason } = resolve.parse()?;
    let made = judged(app, id, &caller).await?;
    made.decidable(action, until)?;
    let deed = if made.status == Status::Open && !app.commands.reports.knows(id.uuid(), &caller).await? {
        let deed = Deed::new(app, &made, id, &caller);
        deed.carry_out(action, until, reason.clone()).await?
    } else {
        None
    };
    let command = Command::Resolve {
        action,
        until,
        reason,
        deed,
    };
    let outcome = app.commands.reports.execute(id.uuid(), command, caller).await?;
    ack(app, id, &outcome).await
}

/// Makes good what the decision led to, then says so in the report.
pub(crate) async fn undo(app: &App, id: ReportId, reason: Reason, caller: Caller) -> Result<ReportAck, Problem> {
    let made = judged(app, id, &caller).await?;
    if let Status::Resolved(verdict) = &made.status
        && !app.commands.reports.knows(id.uuid(), &caller).await?
    {
        let deed = Deed::new(app, &made, id, &caller);
        deed.make_good(verdict, reason.clone()).await?;
    }
    let command = Command::Undo { reason };
    let outcome = app.commands.reports.execute(id.uuid(), command, caller).await?;
    ack(app, id, &outcome).await
}

/// A report, for someone who decides about it.
async fn judged(app: &App, id: ReportId, caller: &Caller) -> Result<Made, Problem> {
    let made = look(app, id).await?;
    let role = match caller.actor {
        Actor::User(user) => role_around(app, &made, user).await?,
        Actor::System => None,
    };
    if made.is_judged_by(caller.actor, role, caller.acting_as) {
        Ok(made)
    } else {
        Err(no_such_report())
    }
}

async fn look(app: &App, id: ReportId) -> Result<Made, Problem> {
    let made = app
        .commands
        .reports
        .read(id.uuid(), |view| view.state.made().cloned())
        .await?;
    made.ok_or_else(no_such_report)
}

async fn role_around(app: &App, made: &Made, user: UserId) -> Result<Option<space::Role>, Problem> {
    match made.target.space {
        None => Ok(None),
        Some(space) => Ok(app
            .commands
            .spaces
            .read(space.uuid(), move |view| view.state.role(user))
            .await?),
    }
}

async fn operates(app: &App, user: UserId) -> Result<bool, Problem> {
    let has = app.commands.users.read(user.uuid(), |view| {
        let account = view.state.account();
        account.is_some_and(|account| account.roles.contains(&ServiceRole::Operator))
    });
    Ok(has.await?)
}

pub(crate) fn state_of(status: &Status) -> &'static str {
    match status {
        Status::Open => "open",
        Status::Resolved(_) => "resolved",
        Status::Undone { .. } => "undone",
    }
}

/// A report as those see it who decide about it.
#[derive(Debug, Serialize)]
pub(crate) struct ReportShape {
    pub(crate) id: ReportId,
    pub(crate) state: &'static str,
    space: Option<SpaceId>,
    channel: ChannelId,
    user: UserId,
    message: Option<SnapshotShape>,
    reporter: UserId,
    reason: String,
    #[serde(serialize_with = "render::time")]
    opened_at: DateTime<Utc>,
    decision: Option<DecisionShape>,
    undone: Option<SaidShape>,
}

#[derive(Debug, Serialize)]
struct SnapshotShape {
    id: MessageId,
    seq: u64,
    event: EventId,
    version: u16,
    sha256: String,
}

#[derive(Debug, Serialize)]
struct DecisionShape {
    action: Action,
    #[serde(serialize_with = "render::optional_time")]
    until: Option<DateTime<Utc>>,
    #[serde(flatten)]
    said: SaidShape,
}

#[derive(Debug, Serialize)]
struct SaidShape {
    by: Option<UserId>,
    #[serde(serialize_with = "render::time")]
    at: DateTime<Utc>,
    reason: String,
}

impl From<Snapshot> for SnapshotShape {
    fn from(snapshot: Snapshot) -> Self {
        let Snapshot {
            message,
            seq,
            event,
            version,
            sha256,
        } = snapshot;
        Self {
            id: message,
            seq,
            event,
            version,
            sha256,
        }
    }
}

impl From<report::Words> for SaidShape {
    fn from(words: report::Words) -> Self {
        Self {
            by: words.by.user(),
            at: words.at,
            reason: words.reason.as_str().to_owned(),
        }
    }
}

impl From<projections::Said> for SaidShape {
    fn from(said: projections::Said) -> Self {
        Self {
            by: said.by.user(),
            at: said.at,
            reason: said.reason,
        }
    }
}

impl From<report::Verdict> for DecisionShape {
    fn from(verdict: report::Verdict) -> Self {
        Self {
            action: verdict.action,
            until: verdict.until,
            said: verdict.words.into(),
        }
    }
}

impl ReportShape {
    pub(crate) fn of_state(id: ReportId, made: Made) -> Self {
        let state = state_of(&made.status);
        let (decision, undone) = match made.status {
            Status::Open => (None, None),
            Status::Resolved(verdict) => (Some(verdict.into()), None),
            Status::Undone { verdict, by } => (Some(verdict.into()), Some(by.into())),
        };
        Self {
            id,
            state,
            space: made.target.space,
            channel: made.target.channel,
            user: made.target.user,
            message: made.target.message.map(SnapshotShape::from),
            reporter: made.reporter,
            reason: made.reason.as_str().to_owned(),
            opened_at: made.opened_at,
            decision,
            undone,
        }
    }

    pub(crate) fn of_row(row: projections::ReportRow) -> Self {
        let decision = row.decision.map(|decision| DecisionShape {
            action: decision.action,
            until: decision.until,
            said: decision.said.into(),
        });
        Self {
            id: row.id,
            state: row.state.word(),
            space: row.target.space,
            channel: row.target.channel,
            user: row.target.user,
            message: row.target.message.map(SnapshotShape::from),
            reporter: row.reporter,
            reason: row.reason,
            opened_at: row.opened_at,
            decision,
            undone: row.undoing.map(SaidShape::from),
        }
    }
}

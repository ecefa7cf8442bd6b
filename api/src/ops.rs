//! What people can do, the same over HTTP and sockets: a command comes in by its name and its JSON, goes to the owner of its stream in
//! the order of arrival, and is answered once it is durable. What is allowed is decided in `domain`; status codes are in `problem`.
//!
//! To add an operation:
//! 1. write its `d` as a strict struct in the file of its noun, with `into_command`;
//! 2. name it in the table of [`submit`];
//! 3. give it an endpoint in `http/<noun>/<verb>.rs` and a route in `http.rs`.

use actix_web::web;
use chrono::{DateTime, Utc};
use commands::{Caller, Outcome};
use domain::{ChannelId, EventId, IdempotencyKey, MessageId, Reason, UserId, channel::Command};
use futures_util::{FutureExt, future::BoxFuture};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use uuid::Uuid;

use self::leaving::Farewell;
use crate::{
    app::App,
    brakes::{self, Held},
    position::Pos,
    problem::{Problem, codes},
    render,
    request::{self, Who},
};

pub(crate) mod access;
pub(crate) mod channels;
pub(crate) mod feeds;
pub(crate) mod fields;
pub(crate) mod inbox;
pub(crate) mod invites;
mod leaving;
pub(crate) mod messages;
pub(crate) mod moderation;
pub(crate) mod notifications;
pub(crate) mod overview;
pub(crate) mod pages;
pub(crate) mod people;
pub(crate) mod reading;
pub(crate) mod reports;
pub(crate) mod search;
pub(crate) mod showing;
pub(crate) mod spaces;
pub(crate) mod versions;

/// Nesting of a command's `d`. Nothing nests deeper than a list, and the frame around it was bounded before.
const DEPTH_MAX: usize = 32;

/// A command as a `cmd` frame has it.
pub(crate) struct Cmd {
    pub(crate) op: String,
    pub(crate) ch: Option<ChannelId>,
    pub(crate) key: IdempotencyKey,
    pub(crate) d: Option<Box<RawValue>>,
}

/// A command that has its place in the order of its stream. It is carried out whether or not anyone awaits the answer.
pub(crate) struct Submitted {
    pub(crate) answer: BoxFuture<'static, Result<Ack, Problem>>,
}

/// What became of a command to a channel. When everything was already so there is no event, and `seq` is the channel's top.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Ack {
    pub(crate) seq: u64,
    pub(crate) event: Option<EventId>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) message: Option<MessageId>,
    pub(crate) channel: ChannelId,
    pub(crate) pos: String,
    #[serde(serialize_with = "render::time")]
    pub(crate) at: DateTime<Utc>,
    pub(crate) replayed: bool,
}

/// Parses a command by its name and hands it over. When this returns, later commands to the same stream come after it.
pub(crate) async fn submit(app: &web::Data<App>, who: &Who, request_id: Uuid, cmd: Cmd) -> Result<Submitted, Problem> {
    let Cmd { op, ch, key, d } = cmd;
    let by = who.user;
    let caller = Caller {
        actor: by.into(),
        acting_as: None,
        key,
        request_id,
        at: request::now(),
    };
    let command = match op.as_str() {
        "channel.create" => {
            return create(
                app,
                ch,
                caller,
                parse::<channels::Create, _>(d, |d| d.into_creation(by))?,
            )
            .await;
        }
        "channel.update" => parse::<channels::Update, _>(d, channels::Update::into_command)?,
        "channel.archive" => parse::<channels::Nothing, _>(d, |_| Ok(Command::Archive))?,
        "channel.join" => parse::<channels::Nothing, _>(d, |_| Ok(Command::Join))?,
        "channel.leave" => parse::<channels::Nothing, _>(d, |_| Ok(Command::Leave))?,
        "channel.add_member" => {
            channels::add_member(app, parse::<channels::Member, _>(d, channels::Member::into_user)?).await?
        }
        "channel.remove_member" => {
            let (user, reason) = parse::<channels::Removal, _>(d, channels::Removal::into_parts)?;
            return remove_member(app, named(ch)?, user, reason, caller).await;
        }
        "message.send" => parse::<messages::Send, _>(d, messages::Send::into_command)?,
        "message.edit" => parse::<messages::Edit, _>(d, messages::Edit::into_command)?,
        "message.delete" => parse::<messages::Delete, _>(d, messages::Delete::into_command)?,
        "message.restore" => {
            let (message, reason) = parse::<messages::Restore, _>(d, messages::Restore::into_parts)?;
            moderation::restoring(app, named(ch)?, message, reason, None).await?
        }
        "message.react" => {
            let (message, emoji) = parse::<messages::React, _>(d, messages::React::into_parts)?;
            Command::React { message, emoji }
        }
        "message.unreact" => {
            let (message, emoji) = parse::<messages::React, _>(d, messages::React::into_parts)?;
            Command::Unreact { message, emoji }
        }
        "message.vote" => parse::<messages::VoteOn, _>(d, messages::VoteOn::into_command)?,
        "message.pin" => Command::Pin {
            message: parse::<messages::One, _>(d, messages::One::into_message)?,
        },
        "message.unpin" => Command::Unpin {
            message: parse::<messages::One, _>(d, messages::One::into_message)?,
        },
        _ => return Err(Problem::new(&codes::COMMAND_UNKNOWN_OP)),
    };
    to_channel(app, named(ch)?, command, caller).await
}

fn named(ch: Option<ChannelId>) -> Result<ChannelId, Problem> {
    ch.ok_or_else(|| Problem::invalid("/ch", "is missing"))
}

/// Hands a command to the owner of its channel.
pub(crate) async fn to_channel(
    app: &App,
    channel: ChannelId,
    command: Command,
    caller: Caller,
) -> Result<Submitted, Problem> {
    let by = caller.actor.user();
    if let Some(user) = by {
        app.rates.channel_command(user, channel)?;
    }
    let about = About::of(&command);
    let leaver = by
        .filter(|_| command == Command::Leave)
        .map(|user| Farewell::new(app, user));
    let log = app.identity;
    let held = brakes::hold(app, channel, &command, &caller).await?;
    let pending = match app.commands.channels.submit(channel.uuid(), command, caller).await {
        Ok(pending) => pending,
        Err(why) => {
            held.into_iter().for_each(Held::release);
            return Err(why.into());
        }
    };
    if let (Some(user), About::ItsOwn) = (by, about) {
        app.ephemeral.stops_typing(channel, user);
    }
    let answer = async move {
        let outcome = pending.outcome().await;
        held.into_iter().for_each(|held| held.settle(&outcome));
        let outcome = outcome?;
        if let (Some(leaver), []) = (leaver, &outcome.events[..]) {
            return leaver.again(channel).await;
        }
        Ok(ack(channel, about, &outcome, Pos::new(log, outcome.position)))
    };
    Ok(Submitted { answer: answer.boxed() })
}

/// Carries out a command to a channel and says what became of it.
pub(crate) async fn carry_out(app: &App, channel: ChannelId, command: Command, caller: Caller) -> Result<Ack, Problem> {
    to_channel(app, channel, command, caller).await?.answer.await
}

/// Removes someone from a channel; oneself is leaving.
pub(crate) async fn remove_member(
    app: &App,
    channel: ChannelId,
    user: UserId,
    reason: Option<Reason>,
    caller: Caller,
) -> Result<Submitted, Problem> {
    if caller.actor.user() == Some(user) {
        to_channel(app, channel, Command::Leave, caller)
            .await
            .map(leaving::for_members_only)
    } else {
        to_channel(app, channel, Command::RemoveMember { user, reason }, caller).await
    }
}

/// Creates a channel whose id follows from its creator and key.
pub(crate) async fn create_channel(
    app: &App,
    creation: channels::Creation,
    caller: Caller,
) -> Result<Submitted, Problem> {
    let by = caller.actor.user().ok_or(domain::channel::Rejection::Forbidden)?;
    let id = creation.id(by, &caller.key);
    creation.prepare(app).await?;
    channels::room_for(app, by, id, &creation).await?;
    to_channel(app, id, creation.into_command(), caller).await
}

async fn create(
    app: &App,
    ch: Option<ChannelId>,
    caller: Caller,
    creation: channels::Creation,
) -> Result<Submitted, Problem> {
    match ch {
        Some(_) => Err(Problem::invalid(
            "/ch",
            "the id of a new channel is made by the service",
        )),
        None => create_channel(app, creation, caller).await,
    }
}

/// `d` of one operation, strictly, with pointers that begin at the frame.
fn parse<D: DeserializeOwned, T>(
    d: Option<Box<RawValue>>,
    into: impl FnOnce(D) -> Result<T, Problem>,
) -> Result<T, Problem> {
    let text = d.as_deref().map_or("{}", RawValue::get);
    let parsed = request::parse_strictly(text.as_bytes(), "/d", DEPTH_MAX)?;
    into(parsed).map_err(beneath_d)
}

fn beneath_d(problem: Problem) -> Problem {
    let outer = Problem::new(problem.kind()).detail(problem.detail_text());
    problem.errors().iter().fold(outer, |outer, error| {
        outer.field(format!("/d{}", error.pointer), error.detail.as_str())
    })
}

/// Which message a command is about.
#[derive(Debug, Clone, Copy)]
enum About {
    /// The one it sends.
    ItsOwn,
    This(MessageId),
    NoMessage,
}

impl About {
    fn of(command: &Command) -> Self {
        match command {
            Command::Send { .. } => Self::ItsOwn,
            Command::Edit { message, .. }
            | Command::Delete { message, .. }
            | Command::Restore { message, .. }
            | Command::React { message, .. }
            | Command::Unreact { message, .. }
            | Command::Vote { message, .. }
            | Command::Pin { message }
            | Command::Unpin { message } => Self::This(*message),
            Command::CreateText { .. }
            | Command::CreateForum { .. }
            | Command::CreateGroup { .. }
            | Command::OpenDirect { .. }
            | Command::Update { .. }
            | Command::Archive
            | Command::Join
            | Command::Leave
            | Command::AddMember { .. }
            | Command::RemoveMember { .. } => Self::NoMessage,
        }
    }
}

/// A command of several events (a creation) is told by its first.
fn ack(channel: ChannelId, about: About, outcome: &Outcome, pos: Pos) -> Ack {
    let first = outcome.events.first();
    let event = first.map(|first| EventId::from(first.event.id));
    Ack {
        seq: first.map_or(outcome.top, |first| first.revision + 1),
        event,
        message: match about {
            About::ItsOwn => event.map(MessageId::from),
            About::This(message) => Some(message),
            About::NoMessage => None,
        },
        channel,
        pos: pos.to_string(),
        at: first.map_or_else(request::now, |first| first.event.recorded_at),
        replayed: outcome.replayed || first.is_none(),
    }
}

#[cfg(test)]
mod tests;

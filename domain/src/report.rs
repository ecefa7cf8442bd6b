//! A report: somebody says that a message or a person in a channel breaks the rules, and whoever looks after the place decides. One
//! person reports one thing in one stream, so that there is one open report of it however often they press the button. What was reported
//! is named by its place and its fingerprint, never by its words. Carrying out what was decided is a command of another stream.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    Actor, ChannelId, Context, Decider, EventId, MessageId, Meta, Reason, ReportId, SpaceId, UserId, codec::codec,
    owned_id, rights::Right, space::Role as SpaceRole, user::ServiceRole,
};

#[cfg(test)]
mod tests;

/// Marker of the rules of reports.
#[derive(Debug, Clone, Copy)]
pub struct Report;

/// What is reported. The sender makes sure that the reporter can see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub space: Option<SpaceId>,
    pub channel: ChannelId,
    /// The person, or who wrote the message.
    pub user: UserId,
    /// Without it the person is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub message: Option<Snapshot>,
}

/// A message as it was when it was reported: where its words stand in the log, and what they hash to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    pub message: MessageId,
    /// Of the event that carries the words.
    pub seq: u64,
    pub event: EventId,
    pub version: u16,
    /// SHA-256 of the event's stored payload, in hexadecimal.
    pub sha256: String,
}

/// What follows from a report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// It was nothing.
    None,
    RemoveMessage,
    /// From writing in the space, for a time.
    Mute,
    /// From the space, or from the group.
    Remove,
    /// From the space, for a time or for good.
    Ban,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Command {
    Open {
        /// What the log says of it at the moment is not part of what they ask for.
        #[serde(skip)]
        target: Target,
        reason: Reason,
    },
    /// Decides. What was decided has been carried out by then.
    Resolve {
        action: Action,
        until: Option<DateTime<Utc>>,
        reason: Reason,
        /// What carrying it out came to; not part of what they ask for.
        #[serde(skip)]
        deed: Option<Deed>,
    },
    /// Takes the decision back. What it led to has been made good by then.
    Undo { reason: Reason },
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Opened(Opened),
    Resolved(Resolved),
    Undone(Undone),
}

codec!(Event {
    Opened = "report.opened" 1,
    Resolved = "report.resolved" 1,
    Undone = "report.undone" 1,
});

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Opened {
    pub target: Target,
    pub reason: Reason,
}

/// What carrying out a decision came to, in the stream it concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Deed {
    /// This event did it.
    Event(EventId),
    /// It was so already, by somebody else's doing, which is not taken back with the decision.
    AlreadySo,
}

/// The target is told again, so that whoever reads one event knows whom it concerned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Resolved {
    pub action: Action,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub until: Option<DateTime<Utc>>,
    pub reason: Reason,
    pub target: Target,
    /// Absent where nothing had to be done, and in old events.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub deed: Option<Deed>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Undone {
    pub action: Action,
    pub reason: Reason,
    pub target: Target,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    /// Also the answer to anyone who may not know that the report exists.
    #[error("there is no such report")]
    NotFound,
    #[error("nobody reports themselves")]
    OwnDoing,
    #[error("the report was decided already")]
    Decided,
    #[error("the report was not decided yet")]
    Undecided,
    #[error("the decision was taken back already")]
    UndoneAlready,
    #[error("that cannot follow from this report")]
    NotApplicable,
    #[error("a mute needs an end, and only a mute or a ban has one")]
    WrongUntil,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub enum State {
    #[default]
    Nothing,
    Made(Box<Made>),
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Made {
    pub reporter: UserId,
    pub target: Target,
    pub reason: Reason,
    pub opened_at: DateTime<Utc>,
    /// How often it was opened: a thing can be reported again once the last report of it was decided.
    pub round: u32,
    pub status: Status,
    seen: HashMap<EventId, u64>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Status {
    Open,
    Resolved(Verdict),
    Undone { verdict: Verdict, by: Words },
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Verdict {
    pub action: Action,
    pub until: Option<DateTime<Utc>>,
    pub words: Words,
    pub deed: Option<Deed>,
}

/// Who said when why.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Words {
    pub by: Actor,
    pub at: DateTime<Utc>,
    pub reason: Reason,
}

impl State {
    pub fn made(&self) -> Option<&Made> {
        match self {
            Self::Nothing => None,
            Self::Made(made) => Some(made),
        }
    }
}

impl Action {
    /// Whether it can follow from a report of `target` at all. Whether somebody may do it, its own stream decides.
    pub fn applies_to(self, target: &Target) -> bool {
        match self {
            Self::None => true,
            Self::RemoveMessage => target.message.is_some(),
            Self::Mute | Self::Ban => target.space.is_some(),
            Self::Remove => true,
        }
    }

    fn fits(self, until: Option<DateTime<Utc>>) -> bool {
        match self {
            Self::None | Self::RemoveMessage | Self::Remove => until.is_none(),
            Self::Mute => until.is_some(),
            Self::Ban => true,
        }
    }
}

impl Made {
    /// What may be decided, asked before anything is carried out.
    pub fn decidable(&self, action: Action, until: Option<DateTime<Utc>>) -> Result<(), Rejection> {
        if !action.applies_to(&self.target) {
            return Err(Rejection::NotApplicable);
        }
        if !action.fits(until) {
            return Err(Rejection::WrongUntil);
        }
        Ok(())
    }

    /// Looks after the place that the report is about: a moderator of its space, or where there is none an operator who says so. Nobody
    /// decides about themselves.
    pub fn is_judged_by(&self, actor: Actor, role: Option<SpaceRole>, acting_as: Option<ServiceRole>) -> bool {
        let outside = self.target.space.is_none();
        let moderates = !outside && role.is_some_and(|role| role.may(Right::HandleReports));
        let operates = outside && acting_as == Some(ServiceRole::Operator);
        actor != Actor::User(self.target.user) && (moderates || operates || actor == Actor::System)
    }
}

impl Decider for Report {
    const CATEGORY: &'static str = "report";
    const STATE_VERSION: u32 = 2;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(state: &State, command: Command, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        use Command::*;
        match (state, command) {
            (State::Nothing, Open { target, reason }) => open(ctx, target, reason),
            (State::Made(made), Open { target, reason }) => made.open_again(ctx, target, reason),
            (State::Nothing, Resolve { .. } | Undo { .. }) => Err(Rejection::NotFound),
            (
                State::Made(made),
                Resolve {
                    action,
                    until,
                    reason,
                    deed,
                },
            ) => made.resolve(ctx, action, until, reason, deed),
            (State::Made(made), Undo { reason }) => made.undo(ctx, reason),
        }
    }

    fn evolve(state: &mut State, event: &Event, meta: &Meta) {
        if let (State::Nothing, Event::Opened(opened)) = (&*state, event) {
            let Some(reporter) = meta.actor.user() else { return };
            *state = State::Made(Box::new(Made {
                reporter,
                target: opened.target.clone(),
                reason: opened.reason.clone(),
                opened_at: meta.at,
                round: 0,
                status: Status::Open,
                seen: HashMap::new(),
            }));
        }
        let State::Made(made) = state else { return };
        made.seen.insert(meta.id, meta.revision);
        match event {
            Event::Opened(opened) => {
                made.target = opened.target.clone();
                made.reason = opened.reason.clone();
                made.opened_at = meta.at;
                made.round += 1;
                made.status = Status::Open;
            }
            Event::Resolved(resolved) => {
                made.status = Status::Resolved(Verdict {
                    action: resolved.action,
                    until: resolved.until,
                    words: Words::of(&resolved.reason, meta),
                    deed: resolved.deed,
                });
            }
            Event::Undone(undone) => {
                if let Status::Resolved(verdict) = &made.status {
                    made.status = Status::Undone {
                        verdict: verdict.clone(),
                        by: Words::of(&undone.reason, meta),
                    };
                }
            }
        }
    }

    fn seen(state: &State, event: EventId) -> Option<u64> {
        state.made()?.seen.get(&event).copied()
    }

    fn weight(state: &State) -> usize {
        /// Key, value and the map's slack.
        const ENTRY_BYTES: usize = 40;
        state.made().map_or(0, |made| {
            size_of::<Made>() + made.seen.capacity() * ENTRY_BYTES + made.reason.as_str().len()
        })
    }
}

/// The stream of a report, by name.
pub fn stream(id: ReportId) -> String {
    format!("{}-{}", Report::CATEGORY, id.uuid())
}

/// Reports of the same thing, a message or a person, by the same person are one stream.
pub fn id(reporter: UserId, channel: ChannelId, thing: Uuid) -> ReportId {
    owned_id("report", reporter, &format!("{}\n{thing}", channel.uuid())).into()
}

impl Words {
    fn of(reason: &Reason, meta: &Meta) -> Self {
        Self {
            by: meta.actor,
            at: meta.at,
            reason: reason.clone(),
        }
    }
}

fn open(ctx: &Context, target: Target, reason: Reason) -> Result<Vec<Event>, Rejection> {
    match ctx.actor {
        Actor::System => Err(Rejection::NotFound),
        Actor::User(reporter) if reporter == target.user => Err(Rejection::OwnDoing),
        Actor::User(_) => Ok(vec![Event::Opened(Opened { target, reason })]),
    }
}

impl Made {
    fn open_again(&self, ctx: &Context, target: Target, reason: Reason) -> Result<Vec<Event>, Rejection> {
        if ctx.actor != Actor::User(self.reporter) {
            return Err(Rejection::NotFound);
        }
        match &self.status {
            Status::Open => Ok(vec![]),
            Status::Resolved(_) | Status::Undone { .. } => open(ctx, target, reason),
        }
    }

    fn resolve(
        &self,
        ctx: &Context,
        action: Action,
        until: Option<DateTime<Utc>>,
        reason: Reason,
        deed: Option<Deed>,
    ) -> Result<Vec<Event>, Rejection> {
        self.judge(ctx)?;
        match &self.status {
            Status::Open => {}
            Status::Resolved(verdict) if verdict.action == action && verdict.until == until => return Ok(vec![]),
            Status::Resolved(_) => return Err(Rejection::Decided),
            Status::Undone { .. } => return Err(Rejection::UndoneAlready),
        }
        self.decidable(action, until)?;
        Ok(vec![Event::Resolved(Resolved {
            action,
            until,
            reason,
            target: self.target.clone(),
            deed,
        })])
    }

    fn undo(&self, ctx: &Context, reason: Reason) -> Result<Vec<Event>, Rejection> {
        self.judge(ctx)?;
        match &self.status {
            Status::Open => Err(Rejection::Undecided),
            Status::Undone { .. } => Ok(vec![]),
            Status::Resolved(verdict) => Ok(vec![Event::Undone(Undone {
                action: verdict.action,
                reason,
                target: self.target.clone(),
            })]),
        }
    }

    /// Everyone else, the reporter too, is answered as if there were nothing to decide.
    fn judge(&self, ctx: &Context) -> Result<(), Rejection> {
        if self.is_judged_by(ctx.actor, ctx.space_role, ctx.acting_as) {
            Ok(())
        } else {
            Err(Rejection::NotFound)
        }
    }
}

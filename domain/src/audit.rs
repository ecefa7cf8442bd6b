//! What auditors look at, and what operators do with the views: one stream for each of them, one event for each act. The trail
//! itself is a view.

use serde::{Deserialize, Serialize};

use crate::{Context, Decider, EventId, Meta, Reason, UserId, codec::codec, user::ServiceRole};

/// Marker of the rules of audits.
#[derive(Debug, Clone, Copy)]
pub struct Audit;

#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Command {
    Read(Read),
    Skip(Skipped),
    Rebuild(Operated),
    CancelRebuild(Operated),
    Promote(Operated),
    RollBack(Operated),
    Retire(Operated),
}

#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    Read(Read),
    Skipped(Skipped),
    RebuildBegun(Operated),
    RebuildCancelled(Operated),
    Promoted(Operated),
    RolledBack(Operated),
    Retired(Operated),
}

codec!(Event {
    Read = "audit.read" 1,
    Skipped = "view.event_skipped" 1,
    RebuildBegun = "view.rebuild_begun" 1,
    RebuildCancelled = "view.rebuild_cancelled" 1,
    Promoted = "view.promoted" 1,
    RolledBack = "view.rolled_back" 1,
    Retired = "view.retired" 1,
});

/// Which page of the trail an auditor was about to be shown, or which channel as it was at a moment.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Read {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub actor: Option<UserId>,
    /// A public id, of whatever kind of thing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub target: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub after: Option<u64>,
    /// The seq or the time at which the target was looked at, which is a channel then.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub at: Option<String>,
    pub limit: u64,
}

/// An event that a view cannot read, and shall do without.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Skipped {
    /// The view.
    pub view: String,
    pub position: u64,
    pub reason: Reason,
}

/// A view whose generations an operator had exchanged, built or deleted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operated {
    pub view: String,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Rejection {
    #[error("only auditors read the trail")]
    NotAuditor,
    #[error("only operators work with the views")]
    NotOperator,
}

/// Only the newest look is known by its key: a look is never repeated later than at once.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct State {
    newest: Option<(EventId, u64)>,
}

impl Decider for Audit {
    const CATEGORY: &'static str = "audit";
    const STATE_VERSION: u32 = 1;
    type State = State;
    type Command = Command;
    type Event = Event;
    type Rejection = Rejection;

    fn decide(_state: &State, command: Command, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        match (command, ctx.acting_as) {
            (Command::Read(read), Some(ServiceRole::Auditor)) => Ok(vec![Event::Read(read)]),
            (Command::Read(_), Some(ServiceRole::Operator) | None) => Err(Rejection::NotAuditor),
            (Command::Skip(skipped), Some(ServiceRole::Operator)) => Ok(vec![Event::Skipped(skipped)]),
            (Command::Rebuild(view), Some(ServiceRole::Operator)) => Ok(vec![Event::RebuildBegun(view)]),
            (Command::CancelRebuild(view), Some(ServiceRole::Operator)) => Ok(vec![Event::RebuildCancelled(view)]),
            (Command::Promote(view), Some(ServiceRole::Operator)) => Ok(vec![Event::Promoted(view)]),
            (Command::RollBack(view), Some(ServiceRole::Operator)) => Ok(vec![Event::RolledBack(view)]),
            (Command::Retire(view), Some(ServiceRole::Operator)) => Ok(vec![Event::Retired(view)]),
            (
                Command::Skip(_)
                | Command::Rebuild(_)
                | Command::CancelRebuild(_)
                | Command::Promote(_)
                | Command::RollBack(_)
                | Command::Retire(_),
                Some(ServiceRole::Auditor) | None,
            ) => Err(Rejection::NotOperator),
        }
    }

    fn evolve(state: &mut State, _event: &Event, meta: &Meta) {
        state.newest = Some((meta.id, meta.revision));
    }

    fn seen(state: &State, event: EventId) -> Option<u64> {
        state
            .newest
            .filter(|(newest, _)| *newest == event)
            .map(|(_, revision)| revision)
    }

    fn weight(_state: &State) -> usize {
        size_of::<State>()
    }
}

/// The stream of an auditor, by name.
pub fn stream(auditor: UserId) -> String {
    format!("{}-{}", Audit::CATEGORY, auditor.uuid())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::given::*;

    fn look() -> Read {
        Read {
            kind: Some("role.granted".into()),
            limit: 50,
            ..Read::default()
        }
    }

    #[test]
    fn every_look_of_an_auditor_is_written_down() {
        nothing::<Audit>()
            .when(ALICE, Command::Read(look()))
            .acting_as(ServiceRole::Auditor)
            .repeatable("each look is one of its own")
            .then([Event::Read(look())]);
    }

    fn skip() -> Skipped {
        Skipped {
            view: "timeline".into(),
            position: 7,
            reason: Reason::parse("cut off by a bad disk").expect("a reason"),
        }
    }

    #[test]
    fn operators_have_views_pass_over_events_and_nobody_else_does() {
        nothing::<Audit>()
            .when(ALICE, Command::Skip(skip()))
            .acting_as(ServiceRole::Operator)
            .repeatable("each act is one of its own")
            .then([Event::Skipped(skip())]);
        nothing::<Audit>()
            .when(ALICE, Command::Skip(skip()))
            .acting_as(ServiceRole::Auditor)
            .rejected(Rejection::NotOperator);
        nothing::<Audit>()
            .when(ALICE, Command::Skip(skip()))
            .rejected(Rejection::NotOperator);
    }

    #[test]
    fn nobody_else_looks() {
        nothing::<Audit>()
            .when(ALICE, Command::Read(look()))
            .rejected(Rejection::NotAuditor);
        nothing::<Audit>()
            .when(ALICE, Command::Read(look()))
            .acting_as(ServiceRole::Operator)
            .rejected(Rejection::NotAuditor);
    }

    #[test]
    fn what_operators_do_with_views_is_written_down_and_nobody_else_does_it() {
        let view = || Operated {
            view: "timeline".into(),
            reason: None,
        };
        for (command, event) in [
            (Command::Rebuild(view()), Event::RebuildBegun(view())),
            (Command::CancelRebuild(view()), Event::RebuildCancelled(view())),
            (Command::Promote(view()), Event::Promoted(view())),
            (Command::RollBack(view()), Event::RolledBack(view())),
            (Command::Retire(view()), Event::Retired(view())),
        ] {
            nothing::<Audit>()
                .when(ALICE, command.clone())
                .acting_as(ServiceRole::Operator)
                .repeatable("each act is one of its own")
                .then([event]);
            nothing::<Audit>()
                .when(ALICE, command.clone())
                .acting_as(ServiceRole::Auditor)
                .rejected(Rejection::NotOperator);
            nothing::<Audit>().when(ALICE, command).rejected(Rejection::NotOperator);
        }
    }
}

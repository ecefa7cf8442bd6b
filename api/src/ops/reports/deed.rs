//! What is done because of a report, in the channel or space it concerns, as the person who decides: carried out before the report says so,
//! under a key of its own, so that whoever repeats a decision that was interrupted completes it.

use chrono::{DateTime, Utc};
use commands::{Caller, CommandError, Outcome};
use domain::{
    Decider, EventId, IdempotencyKey, MessageId, Reason, ReportId, SpaceId,
    channel::{self, Channel},
    event_id,
    report::{self, Action, Made, Rejection, Target, Verdict},
    space::{self, Space},
};
use event_store::StreamName;
use uuid::Uuid;

use crate::{app::App, ops::moderation, problem::Problem};

/// What follows from a report, in other streams, as the person who decides.
pub(super) struct Deed<'a> {
    app: &'a App,
    target: &'a Target,
    caller: &'a Caller,
    report: ReportId,
    round: u32,
}

impl<'a> Deed<'a> {
    pub(super) fn new(app: &'a App, made: &'a Made, id: ReportId, caller: &'a Caller) -> Self {
        Self {
            app,
            target: &made.target,
            caller,
            report: id,
            round: made.round,
        }
    }

    fn caller(&self, letter: char, until: Option<DateTime<Utc>>) -> Caller {
        Caller {
            key: key(self.report, self.round, letter, until),
            ..self.caller.clone()
        }
    }

    /// What it came to; `None` where there is nothing to do.
    pub(super) async fn carry_out(
        &self,
        action: Action,
        until: Option<DateTime<Utc>>,
        reason: Reason,
    ) -> Result<Option<report::Deed>, Problem> {
        let user = self.target.user;
        let done = match (action, self.target.space, until) {
            (Action::None, ..) => return Ok(None),
            (Action::RemoveMessage, ..) => {
                let command = channel::Command::Delete {
                    message: self.message()?,
                    expected_version: None,
                    reason: Some(reason),
                };
                self.in_channel(command, self.caller('d', None)).await?
            }
            (Action::Remove, None, _) => {
                let reason = Some(reason);
                let command = channel::Command::RemoveMember { user, reason };
                self.in_channel(command, self.caller('r', None)).await?
            }
            (Action::Remove, Some(space), _) => {
                let reason = Some(reason);
                let command = space::Command::RemoveMember { user, reason };
                self.in_space(space, command, self.caller('r', None)).await?
            }
            (Action::Mute, Some(space), Some(until)) => {
                let command = space::Command::Mute { user, reason, until };
                self.in_space(space, command, self.caller('m', Some(until))).await?
            }
            (Action::Ban, Some(space), until) => {
                let command = space::Command::Ban { user, reason, until };
                self.in_space(space, command, self.caller('b', until)).await?
            }
            (Action::Mute, ..) | (Action::Ban, ..) => return Err(Rejection::NotApplicable.into()),
        };
        Ok(Some(done))
    }

    /// Takes back what the decision did and nothing else: what was so before, or was decided anew since, stays. Of old decisions it is not
    /// known what they did, so whatever holds is lifted.
    pub(super) async fn make_good(&self, verdict: &Verdict, reason: Reason) -> Result<(), Problem> {
        let deed = match verdict.deed {
            Some(report::Deed::AlreadySo) => return Ok(()),
            Some(report::Deed::Event(event)) => Some(event),
            None => None,
        };
        let user = self.target.user;
        match (verdict.action, self.target.space) {
            // Whoever was removed may come back by themselves.
            (Action::None | Action::Remove, _) | (Action::Mute | Action::Ban, None) => Ok(()),
            (Action::RemoveMessage, _) => self.restore_message(reason, deed).await,
            (Action::Mute, Some(space)) => {
                let command = space::Command::Unmute {
                    user,
                    reason: Some(reason),
                    laid_by: deed,
                };
                self.in_space(space, command, self.caller('M', None)).await.map(drop)
            }
            (Action::Ban, Some(space)) => {
                let command = space::Command::Unban {
                    user,
                    reason: Some(reason),
                    laid_by: deed,
                };
                self.in_space(space, command, self.caller('B', None)).await.map(drop)
            }
        }
    }

    /// What its author has deleted meanwhile cannot come back, and need not.
    async fn restore_message(&self, reason: Reason, deed: Option<EventId>) -> Result<(), Problem> {
        let command = moderation::restoring(self.app, self.target.channel, self.message()?, reason, deed).await?;
        let channels = &self.app.commands.channels;
        let done = channels
            .execute(self.target.channel.uuid(), command, self.caller('D', None))
            .await;
        match done {
            Ok(_) | Err(CommandError::KeyReused | CommandError::Rejected(channel::Rejection::DeletedByAuthor)) => {
                Ok(())
            }
            Err(why) => Err(why.into()),
        }
    }

    fn message(&self) -> Result<MessageId, Rejection> {
        let snapshot = self.target.message.as_ref().ok_or(Rejection::NotApplicable)?;
        Ok(snapshot.message)
    }

    async fn in_channel(&self, command: channel::Command, caller: Caller) -> Result<report::Deed, Problem> {
        let channel = self.target.channel.uuid();
        let done = self
            .app
            .commands
            .channels
            .execute(channel, command, caller.clone())
            .await;
        as_deed::<Channel>(done, channel, &caller)
    }

    async fn in_space(&self, space: SpaceId, command: space::Command, caller: Caller) -> Result<report::Deed, Problem> {
        let space = space.uuid();
        let done = self.app.commands.spaces.execute(space, command, caller.clone()).await;
        as_deed::<Space>(done, space, &caller)
    }
}

/// The same report, round, deed and end are the same command for ever, however often it is tried. Another end is another command: what
/// was carried out in a try that was interrupted is not what is decided now.
fn key(report: ReportId, round: u32, letter: char, until: Option<DateTime<Utc>>) -> IdempotencyKey {
    let end = until.map_or_else(|| "-".to_owned(), |until| until.timestamp_micros().to_string());
    let named = Uuid::new_v5(&report.uuid(), format!("{round}\n{end}").as_bytes());
    IdempotencyKey::parse(&format!("report:{}:{letter}", named.simple()))
        .expect("a word, a UUID and a letter are 41 visible ASCII characters")
}

/// Done in an earlier try, with other words, is done, by the event that its key names.
fn as_deed<D: Decider>(
    done: Result<Outcome, CommandError<D::Rejection>>,
    id: Uuid,
    caller: &Caller,
) -> Result<report::Deed, Problem>
where
    Problem: From<D::Rejection>,
{
    match done {
        Ok(outcome) => Ok(match outcome.events.first() {
            Some(first) => report::Deed::Event(first.event.id.into()),
            None => report::Deed::AlreadySo,
        }),
        Err(CommandError::KeyReused) => {
            let stream = StreamName::new(D::CATEGORY, id);
            let event = event_id(stream.as_str(), caller.actor.uuid(), caller.key.as_str(), 0);
            Ok(report::Deed::Event(event))
        }
        Err(why) => Err(why.into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ban_for_an_hour_and_one_for_good_are_two_deeds() {
        let report = ReportId::from_u128(7);
        let hour = DateTime::from_timestamp_micros(3_600_000_000).expect("a time");
        let keys = [
            key(report, 1, 'b', None),
            key(report, 1, 'b', Some(hour)),
            key(report, 1, 'm', Some(hour)),
            key(report, 2, 'b', Some(hour)),
            key(ReportId::from_u128(8), 1, 'b', Some(hour)),
        ];
        for (place, one) in keys.iter().enumerate() {
            assert!(keys[place + 1..].iter().all(|other| other != one), "{one:?}");
        }
        assert_eq!(key(report, 1, 'b', Some(hour)), keys[1]);
    }
}

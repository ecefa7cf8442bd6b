//! What is done because of a report, in the channel or space it concerns, as the person who decides: carried out before the report says so,
//! under a key of its own, so that whoever repeats a decision that was interrupted completes it.

use chrono::{DateTime, Utc};
use commands::{Caller, CommandError, Outcome};
use domain::{
    IdempotencyKey, Reason, ReportId, SpaceId, channel,
    report::{Action, Made, Rejection, Target},
    space,
};
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

    pub(super) async fn carry_out(
        &self,
        action: Action,
        until: Option<DateTime<Utc>>,
        reason: Reason,
    ) -> Result<(), Problem> {
        let user = self.target.user;
        match (action, self.target.space, until) {
            (Action::None, ..) => Ok(()),
            (Action::RemoveMessage, ..) => self.remove_message(reason).await,
            (Action::Remove, None, _) => {
                let command = channel::Command::RemoveMember {
                    user,
                    reason: Some(reason),
                };
                self.in_channel(command, 'r').await
            }
            (Action::Remove, Some(space), _) => {
                let reason = Some(reason);
                self.in_space(space, space::Command::RemoveMember { user, reason }, 'r')
                    .await
            }
            (Action::Mute, Some(space), Some(until)) => {
                let command = space::Command::Mute { user, reason, until };
                as_done(self.ask_space(space, command, self.caller('m', Some(until))).await)
            }
            (Action::Ban, Some(space), until) => {
                let command = space::Command::Ban { user, reason, until };
                as_done(self.ask_space(space, command, self.caller('b', until)).await)
            }
            (Action::Mute, ..) | (Action::Ban, ..) => Err(Rejection::NotApplicable.into()),
        }
    }

    pub(super) async fn make_good(&self, action: Action, reason: Reason) -> Result<(), Problem> {
        let user = self.target.user;
        match (action, self.target.space) {
            // Whoever was removed may come back by themselves.
            (Action::None | Action::Remove, _) | (Action::Mute | Action::Ban, None) => Ok(()),
            (Action::RemoveMessage, _) => self.restore_message(reason).await,
            (Action::Mute, Some(space)) => {
                let reason = Some(reason);
                self.in_space(space, space::Command::Unmute { user, reason }, 'M').await
            }
            (Action::Ban, Some(space)) => {
                let reason = Some(reason);
                self.in_space(space, space::Command::Unban { user, reason }, 'B').await
            }
        }
    }

    async fn remove_message(&self, reason: Reason) -> Result<(), Problem> {
        let snapshot = self.target.message.as_ref().ok_or(Rejection::NotApplicable)?;
        let command = channel::Command::Delete {
            message: snapshot.message,
            expected_version: None,
            reason: Some(reason),
        };
        self.in_channel(command, 'd').await
    }

    /// What its author has deleted meanwhile cannot come back, and need not.
    async fn restore_message(&self, reason: Reason) -> Result<(), Problem> {
        let snapshot = self.target.message.as_ref().ok_or(Rejection::NotApplicable)?;
        let command = moderation::restoring(self.app, self.target.channel, snapshot.message, reason).await?;
        let channels = &self.app.commands.channels;
        let done = channels
            .execute(self.target.channel.uuid(), command, self.caller('D', None))
            .await;
        match done {
            Err(CommandError::Rejected(channel::Rejection::DeletedByAuthor)) => Ok(()),
            done => as_done(done),
        }
    }

    async fn in_channel(&self, command: channel::Command, letter: char) -> Result<(), Problem> {
        let channels = &self.app.commands.channels;
        let caller = self.caller(letter, None);
        as_done(channels.execute(self.target.channel.uuid(), command, caller).await)
    }

    async fn in_space(&self, space: SpaceId, command: space::Command, letter: char) -> Result<(), Problem> {
        as_done(self.ask_space(space, command, self.caller(letter, None)).await)
    }

    async fn ask_space(
        &self,
        space: SpaceId,
        command: space::Command,
        caller: Caller,
    ) -> Result<Outcome, CommandError<space::Rejection>> {
        self.app.commands.spaces.execute(space.uuid(), command, caller).await
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

/// Done in an earlier try, with other words, is done.
fn as_done<R>(done: Result<Outcome, CommandError<R>>) -> Result<(), Problem>
where
    Problem: From<R>,
{
    match done {
        Ok(_) | Err(CommandError::KeyReused) => Ok(()),
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

//! Ids in paths. One that cannot be an id is answered like one that names nothing.

use domain::{ChannelId, MessageId, ReportId, SpaceId, UserId, channel};

use crate::{
    app::App,
    ops::{access, people, reports},
    problem::Problem,
};

pub(crate) fn channel(text: &str) -> Result<ChannelId, Problem> {
    text.parse().map_err(|_| access::no_such_channel())
}

pub(crate) fn space(text: &str) -> Result<SpaceId, Problem> {
    text.parse().map_err(|_| access::no_such_space())
}

pub(crate) fn report(text: &str) -> Result<ReportId, Problem> {
    text.parse().map_err(|_| reports::no_such_report())
}

pub(crate) fn user(text: &str) -> Result<UserId, Problem> {
    text.parse().map_err(|_| people::no_such_person())
}

/// A message of a channel; whoever may not read the channel hears only of the channel.
pub(crate) async fn message(app: &App, reader: UserId, channel: ChannelId, text: &str) -> Result<MessageId, Problem> {
    match text.parse() {
        Ok(id) => Ok(id),
        Err(_) => {
            access::reader(app, reader, channel).await?;
            Err(no_such_message())
        }
    }
}

pub(crate) fn no_such_message() -> Problem {
    channel::Rejection::NoSuchMessage.into()
}

//! Giving back what was taken away: the words of a message are in the log alone once it is deleted, so they are read from there and go
//! back with the command. Whether they may, the channel decides.

use domain::{
    ChannelId, Coded, Decider, EventId, MessageId, Reason,
    channel::{Channel, Command, Event, LastWords, WordsAt},
};
use event_store::StreamName;

use crate::{
    app::App,
    problem::{Problem, codes},
};

/// The command that restores a message, or only takes back this deletion of it. Of one that is not there, the channel will say so.
pub(crate) async fn restoring(
    app: &App,
    channel: ChannelId,
    message: MessageId,
    reason: Reason,
    taken_by: Option<EventId>,
) -> Result<Command, Problem> {
    let at = app.commands.channels.read(channel.uuid(), move |view| {
        let open = view.state.open()?;
        if open.is_deleted(message) {
            open.words_at(message)
        } else {
            None
        }
    });
    let words = match at.await? {
        Some(at) => last_words(app, channel, at).await?,
        None => None,
    };
    Ok(Command::Restore {
        message,
        reason,
        taken_by,
        words,
    })
}

async fn last_words(app: &App, channel: ChannelId, at: WordsAt) -> Result<Option<LastWords>, Problem> {
    let stream = StreamName::new(Channel::CATEGORY, channel.uuid());
    let page = app.log.read_stream(&stream, at.seq - 1, 1).await.map_err(|error| {
        tracing::warn!(%error, channel.id = %channel, "A message to be restored cannot be read");
        Problem::new(&codes::SERVICE_LOG_UNAVAILABLE)
    })?;
    let Some(recorded) = page.events.first() else {
        return Ok(None);
    };
    let event = &recorded.event;
    let (body, mentions) = match Event::decode(&event.kind, event.version, &event.payload) {
        Ok(Event::Sent(sent)) => (sent.body, sent.mentions),
        Ok(Event::Edited(edited)) => (edited.body, edited.mentions),
        Ok(_) | Err(_) => return Ok(None),
    };
    Ok(Some(LastWords {
        version: at.version,
        body,
        mentions,
    }))
}

//! How things are named on the command line: streams by their own names or by public ids, events by id or position, moments, and spans.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use domain::{ChannelId, EventId, MessageId, ReportId, SpaceId, UserId};
use event_store::StreamName;
use uuid::Uuid;

/// `channel-6d1f…` as the log has it, or the public id of a user, space, channel or report.
pub(crate) fn stream(text: &str) -> Result<StreamName, String> {
    let by_id = |category: &str, id: Uuid| StreamName::new(category, id);
    let public = text
        .parse::<ChannelId>()
        .map(|id| by_id("channel", id.uuid()))
        .or_else(|_| text.parse::<SpaceId>().map(|id| by_id("space", id.uuid())))
        .or_else(|_| text.parse::<UserId>().map(|id| by_id("user", id.uuid())))
        .or_else(|_| text.parse::<ReportId>().map(|id| by_id("report", id.uuid())));
    if let Ok(stream) = public {
        return Ok(stream);
    }
    let named = StreamName::from_text(text);
    if named.id().is_some() {
        Ok(named)
    } else {
        Err("neither a stream (channel-6d1f…) nor a public id (channel_…, space_…, user_…, report_…)".to_owned())
    }
}

/// A public id, the UUID in it, or a stream's name.
pub(crate) fn id_of(prefix: &'static str, text: &str) -> Result<Uuid, String> {
    let wrong = || format!("not the id of a {prefix}: {prefix}_… or its UUID");
    if let Ok(id) = Uuid::try_parse(text) {
        return Ok(id);
    }
    let found = stream(text).map_err(|_| wrong())?;
    found.id().filter(|_| found.category() == prefix).ok_or_else(wrong)
}

pub(crate) fn channel(text: &str) -> Result<ChannelId, String> {
    id_of("channel", text).map(ChannelId::from)
}

pub(crate) fn space(text: &str) -> Result<SpaceId, String> {
    id_of("space", text).map(SpaceId::from)
}

pub(crate) fn user(text: &str) -> Result<UserId, String> {
    id_of("user", text).map(UserId::from)
}

pub(crate) fn message(text: &str) -> Result<MessageId, String> {
    match event(text)? {
        EventRef::Id(id) => Ok(MessageId::from(id)),
        EventRef::Position(_) => Err("not the id of a message: message_…".to_owned()),
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EventRef {
    Id(Uuid),
    Position(u64),
}

/// `event_…`, `message_…` (a message is named by the event that sent it), a UUID, or a position.
pub(crate) fn event(text: &str) -> Result<EventRef, String> {
    if let Ok(position) = text.parse() {
        return Ok(EventRef::Position(position));
    }
    text.parse::<EventId>()
        .map(EventId::uuid)
        .or_else(|_| text.parse::<MessageId>().map(MessageId::uuid))
        .ok()
        .or_else(|| Uuid::try_parse(text).ok())
        .map(EventRef::Id)
        .ok_or_else(|| "neither an id (event_…, message_…, a UUID) nor a position".to_owned())
}

/// RFC 3339, or a day, which begins at midnight UTC.
pub(crate) fn time(text: &str) -> Result<DateTime<Utc>, String> {
    if let Ok(time) = DateTime::parse_from_rfc3339(text) {
        return Ok(time.to_utc());
    }
    let day: NaiveDate = text
        .parse()
        .map_err(|_| "not a time: 2026-03-01T12:00:00Z or 2026-03-01".to_owned())?;
    Ok(day.and_time(chrono::NaiveTime::MIN).and_utc())
}

/// `90d`, `12h`, `30m`, `4w`.
pub(crate) fn span(text: &str) -> Result<TimeDelta, String> {
    let wrong = || "not a span of time: 90d, 12h, 30m or 4w".to_owned();
    let (number, unit) = text.split_at_checked(text.len().saturating_sub(1)).ok_or_else(wrong)?;
    let number: i64 = number.parse().map_err(|_| wrong())?;
    let span = match unit {
        "m" => TimeDelta::try_minutes(number),
        "h" => TimeDelta::try_hours(number),
        "d" => TimeDelta::try_days(number),
        "w" => TimeDelta::try_weeks(number),
        _ => None,
    };
    span.filter(|span| *span >= TimeDelta::zero()).ok_or_else(wrong)
}

/// A stream as clients know it, where they do.
pub(crate) fn public_id(stream: &StreamName) -> Option<String> {
    let id = stream.id()?;
    match stream.category() {
        "channel" => Some(ChannelId::from(id).to_string()),
        "space" => Some(SpaceId::from(id).to_string()),
        "user" | "inbox" | "audit" => Some(UserId::from(id).to_string()),
        "report" => Some(ReportId::from(id).to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_public_id_and_a_stream_name_name_the_same_stream() {
        let id = ChannelId::from_u128(7);
        let by_id = stream(&id.to_string()).expect("an id");
        assert_eq!(stream(by_id.as_str()), Ok(by_id.clone()));
        assert_eq!(channel(by_id.as_str()), Ok(id));
        assert_eq!(public_id(&by_id), Some(id.to_string()));
        assert!(space(&id.to_string()).is_err());
        assert!(stream("general").is_err());
    }

    #[test]
    fn an_event_goes_by_its_id_or_its_position() {
        let id = Uuid::from_u128(9);
        assert_eq!(event("17"), Ok(EventRef::Position(17)));
        for text in [
            EventId::from(id).to_string(),
            MessageId::from(id).to_string(),
            id.to_string(),
        ] {
            assert_eq!(event(&text), Ok(EventRef::Id(id)), "{text}");
        }
        assert!(event("user_1").is_err());
    }

    #[test]
    fn spans_and_times_are_read_and_refused() {
        assert_eq!(span("90d"), Ok(TimeDelta::days(90)));
        assert_eq!(span("2w"), Ok(TimeDelta::days(14)));
        for wrong in ["", "d", "-1d", "1y", "9d9", "99999999999999999d"] {
            assert!(span(wrong).is_err(), "{wrong}");
        }
        assert_eq!(
            time("2026-03-01").map(crate::results::time),
            Ok("2026-03-01T00:00:00.000000Z".to_owned())
        );
        assert!(time("yesterday").is_err());
    }
}

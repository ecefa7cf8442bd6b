//! Every bound that clients can meet, in one struct: the defaults, what `VERBATIM_LIMIT_<NAME>` overrides, and what `GET /limits`
//! publishes. Bounds of single values are fixed by `domain` and only published here; nothing is enforced in this file.
//!
//! To add a limit: one row in the table below, and the place that enforces it.

use domain::{ChannelName, DisplayName, Handle, IdempotencyKey, MessageBody, Reason, limits as rules};
use schemars::JsonSchema;
use serde::Serialize;

macro_rules! limits {
    (
        overridable { $($(#[$doc:meta])* $name:ident: $min:literal..=$max:literal = $default:expr;)* }
        fixed { $($(#[$fixed_doc:meta])* $fixed:ident = $constant:expr;)* }
    ) => {
        /// All limits, as they hold in this process.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
        pub struct Limits {
            $($(#[$doc])* pub $name: usize,)*
            $($(#[$fixed_doc])* pub $fixed: usize,)*
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)* $($fixed: $constant,)* }
            }
        }

        impl Limits {
            /// The names that can be overridden, for the command line's help and for messages.
            pub const NAMES: &[&str] = &[$(stringify!($name)),*];

            /// Overrides one limit by name.
            pub fn set(&mut self, name: &str, value: &str) -> Result<(), LimitMistake> {
                match name {
                    $(stringify!($name) => {
                        self.$name = within(value, $min, $max)?;
                        Ok(())
                    })*
                    $(stringify!($fixed) => Err(LimitMistake::Fixed),)*
                    _ => Err(LimitMistake::Unknown),
                }
            }
        }
    };
}

limits! {
    overridable {
        /// One WebSocket frame, in either direction.
        frame_bytes: 1_024..=1_048_576 = 64 * 1024;
        /// Parts a fragmented frame may come in.
        frame_fragments: 1..=1_024 = 64;
        /// Body of an HTTP request; uploads have a limit of their own.
        request_body_bytes: 1_024..=16_777_216 = 256 * 1024;
        /// Names and values of all headers together.
        request_head_bytes: 1_024..=65_536 = 32 * 1024;
        request_headers: 8..=90 = 64;
        /// How long the body of a request may take to arrive.
        request_body_timeout_ms: 100..=600_000 = 30_000;
        json_depth: 4..=100 = 32;
        sockets_per_user: 1..=10_000 = 12;
        sockets_per_address: 1..=1_000_000 = 200;
        /// Event streams (`text/event-stream`) of one person.
        streams_per_user: 1..=10_000 = 12;
        /// From the upgrade to the first frame.
        hello_timeout_ms: 100..=600_000 = 10_000;
        subscriptions_per_socket: 1..=10_000 = 128;
        /// Above this, a socket loses ephemeral frames and its busiest channels go to catch-up.
        outbound_soft_bytes: 1_024..=1_073_741_824 = 256 * 1024;
        /// At this, a socket is closed with 4408.
        outbound_hard_bytes: 1_024..=1_073_741_824 = 1024 * 1024;
        /// A socket whose queue makes no progress for this long is closed with 4408.
        outbound_stall_ms: 100..=600_000 = 10_000;
        /// A socket that is more than `max_replay` events behind and comes no nearer for this long is closed with 4410.
        behind_ms: 100..=3_600_000 = 30_000;
        /// When the service stops, sockets are closed at moments spread over this time.
        drain_window_ms: 0..=15_000 = 10_000;
        heartbeat_ms: 100..=3_600_000 = 25_000;
        /// Silence after a heartbeat that ends a socket with 4412.
        pong_timeout_ms: 100..=3_600_000 = 10_000;
        /// Events replayed on a subscription; a larger gap is answered with the newest window.
        max_replay: 1..=10_000_000 = 10_000;
        /// How long somebody counts as typing after they said so.
        typing_lease_ms: 100..=60_000 = 6_000;
        /// People one `who` may name.
        presence_people: 1..=1_000 = 100;
        /// People one socket may watch, over all its channels.
        presence_watched: 1..=100_000 = 500;
        /// Spaces one person is in.
        spaces_per_user: 1..=100_000 = 200;
        /// Channels of one space that are not archived.
        channels_per_space: 1..=100_000 = 500;
        page_default: 1..=1_000 = 50;
        page_max: 1..=1_000 = 100;
        /// The longest long poll.
        wait_ms_max: 0..=600_000 = 30_000;
        /// The longest wait of a read with `min_pos`.
        view_wait_ms: 1..=60_000 = 2_000;
        /// By address, every request.
        requests_per_second: 1..=1_000_000 = 100;
        requests_burst: 1..=1_000_000 = 500;
        /// By person.
        reads_per_second: 1..=1_000_000 = 50;
        reads_burst: 1..=1_000_000 = 200;
        commands_per_second: 1..=1_000_000 = 20;
        commands_burst: 1..=1_000_000 = 60;
        channel_commands_per_second: 1..=1_000_000 = 10;
        channel_commands_burst: 1..=1_000_000 = 30;
        /// Messages of one person that say the same, over all channels, within `repeat_window_ms`.
        repeats: 1..=32 = 8;
        repeat_window_ms: 1_000..=3_600_000 = 60_000;
        /// How long an account counts as new.
        new_account_hours: 0..=8_760 = 24;
        /// By person, in messages of new accounts.
        new_account_links_per_hour: 1..=1_000_000 = 10;
        /// By person.
        mentions_per_minute: 1..=1_000_000 = 100;
        /// By socket, all frames but commands; some cost more than one.
        frames_per_second: 1..=1_000_000 = 100;
        frames_burst: 1..=1_000_000 = 400;
        /// By address; and by account, from all addresses together that nobody has signed in from to it.
        logins_per_minute: 1..=1_000_000 = 10;
        /// By address.
        registrations_per_hour: 1..=1_000_000 = 10;
        /// By address.
        refreshes_per_minute: 1..=1_000_000 = 60;
        /// By person.
        tickets_per_minute: 1..=1_000_000 = 30;
        /// By person.
        reports_per_hour: 1..=1_000_000 = 20;
        /// Tickets of all people that may wait to be used.
        tickets_open: 1..=10_000_000 = 100_000;
        ticket_ttl_ms: 100..=600_000 = 30_000;
        access_token_seconds: 1..=86_400 = 900;
        /// From one refresh to the next.
        refresh_token_days: 1..=3_650 = 30;
        /// From signing in to signing in again, however often refreshed.
        session_days: 1..=3_650 = 365;
        /// For how long a used refresh token may come again, to be answered the same.
        refresh_retry_seconds: 0..=60 = 10;
        /// Passwords that may wait to be hashed; the next one is told that we are busy.
        password_queue: 1..=100_000 = 256;
        /// Between two looks at a proved identity.
        identity_check_seconds: 1..=31_536_000 = 86_400;
    }
    fixed {
        body_chars = MessageBody::MAX_CHARS;
        body_bytes = MessageBody::MAX_BYTES;
        reason_chars = Reason::MAX_CHARS;
        slow_mode_seconds = rules::SLOW_MODE_SECONDS_MAX as usize;
        mentions = rules::MENTIONS_MAX;
        /// Different emoji on one message.
        reaction_kinds_per_message = rules::REACTION_KINDS_MAX;
        pins_per_channel = rules::PINS_MAX;
        /// How many answers a comment of a forum can be away from its post.
        comment_depth = rules::COMMENT_DEPTH_MAX as usize;
        /// How long one can walk through the pages of a ranking, in the time of the votes.
        ranking_seconds = projections::RANKING_SECONDS as usize;
        identities = rules::IDENTITIES_MAX;
        group_members = rules::GROUP_MEMBERS_MAX;
        channel_members = rules::CHANNEL_MEMBERS_MAX;
        /// Invites of one space that let somebody in.
        invites_per_space = rules::INVITES_OPEN_MAX;
        /// People one counted invite lets in.
        uses_per_invite = rules::INVITE_USES_MAX as usize;
        /// People a space keeps out at a time.
        bans_per_space = rules::BANS_MAX;
        /// People a space keeps silent at a time.
        mutes_per_space = rules::MUTES_MAX;
        handle_chars_min = Handle::MIN_CHARS;
        handle_chars = Handle::MAX_CHARS;
        display_name_chars = DisplayName::MAX_CHARS;
        channel_name_chars = ChannelName::MAX_CHARS;
        idempotency_key_chars = IdempotencyKey::MAX_CHARS;
        /// Of a search.
        search_chars = projections::SEARCH_CHARS_MAX;
        /// Words of a search.
        search_terms = projections::SEARCH_TERMS_MAX;
        password_chars_min = crate::auth::PASSWORD_CHARS_MIN;
        password_bytes = crate::auth::PASSWORD_BYTES_MAX;
    }
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LimitMistake {
    #[error("there is no such limit")]
    Unknown,
    #[error("this limit is part of the rules and cannot be changed")]
    Fixed,
    #[error("must be a whole number from {min} to {max}")]
    OutOfRange { min: usize, max: usize },
}

fn within(value: &str, min: usize, max: usize) -> Result<usize, LimitMistake> {
    let number = value.trim().parse().ok().filter(|number| (min..=max).contains(number));
    number.ok_or(LimitMistake::OutOfRange { min, max })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_is_overridden_by_name() {
        let mut limits = Limits::default();
        limits.set("sockets_per_user", "20").expect("in range");
        assert_eq!(limits.sockets_per_user, 20);
    }

    #[test]
    fn unknown_fixed_and_impossible_limits_are_refused() {
        let mut limits = Limits::default();
        assert_eq!(limits.set("sockets", "1"), Err(LimitMistake::Unknown));
        assert_eq!(limits.set("body_chars", "9"), Err(LimitMistake::Fixed));
        for value in ["", "many", "-1", "0", "99999999999999999999"] {
            let refused = limits.set("page_max", value);
            assert_eq!(refused, Err(LimitMistake::OutOfRange { min: 1, max: 1_000 }), "{value}");
        }
        assert_eq!(limits, Limits::default());
    }

    const PAGE: &str = include_str!("../../ops/docs/settings.md");

    /// What a row of the page says behind the name of a limit.
    fn row(name: &str) -> Vec<&'static str> {
        let start = format!("| `{name}` |");
        let row = PAGE.lines().find_map(|line| line.strip_prefix(&start));
        let row = row.unwrap_or_else(|| panic!("settings.md does not tell {name}"));
        row.split('|').map(str::trim).collect()
    }

    #[test]
    fn the_page_of_settings_tells_every_limit_as_it_is() {
        let published = serde_json::to_value(Limits::default()).expect("plain numbers");
        for (name, value) in published.as_object().expect("an object") {
            assert_eq!(row(name)[0], value.to_string(), "{name}");
        }
    }

    #[test]
    fn the_page_of_settings_tells_the_range_of_every_override() {
        for name in Limits::NAMES {
            let ends = [row(name)[1], row(name)[2]].map(|end| end.parse::<usize>().expect("a number"));
            let [from, to] = ends.map(|end| Limits::default().set(name, &end.to_string()));
            assert_eq!((from, to), (Ok(()), Ok(())), "{name}");
            let below = ends[0].checked_sub(1);
            for beyond in below.into_iter().chain([ends[1] + 1]) {
                let (min, max) = (ends[0], ends[1]);
                let refused = Limits::default().set(name, &beyond.to_string());
                assert_eq!(refused, Err(LimitMistake::OutOfRange { min, max }), "{name}");
            }
        }
    }
}

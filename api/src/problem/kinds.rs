//! The table of all problems: code, status, title, what a client can do, and whether waiting helps. `contracts/problems.md` and the
//! pages under `/problems/` are written from it. How errors become problems is in `conversions.rs`.

/// One row of the table. The code is stable for ever, the words are not.
#[derive(Debug, PartialEq, Eq)]
pub struct Kind {
    pub code: &'static str,
    pub status: u16,
    pub title: &'static str,
    pub explanation: &'static str,
    /// The usual wait, for problems that go away by themselves.
    pub retry_after_ms: Option<u64>,
}

macro_rules! kinds {
    ($($name:ident = $status:literal $code:literal $(retry $wait:literal)?, $title:literal, $explanation:literal;)*) => {
        pub mod codes {
            use super::Kind;
            $(pub static $name: Kind = Kind {
                code: $code,
                status: $status,
                title: $title,
                explanation: $explanation,
                retry_after_ms: kinds!(@wait $($wait)?),
            };)*
        }
        /// Every problem there is, in the order of the table.
        pub static ALL: &[&Kind] = &[$(&codes::$name),*];
    };
    (@wait) => { None };
    (@wait $wait:literal) => { Some($wait) };
}

kinds! {
    REQUEST_INVALID = 422 "request/invalid", "The request has wrong fields",
        "Something in the body or the query is missing, unknown or out of its bounds. `errors` names each field by JSON pointer.";
    REQUEST_MALFORMED = 400 "request/malformed", "The request cannot be read",
        "The body is not JSON, is nested too deeply, or the connection ended within it.";
    REQUEST_TOO_LARGE = 413 "request/too-large", "The request is too large",
        "The body is larger than `request_body_bytes` of `GET /api/v1/limits`.";
    REQUEST_TIMEOUT = 408 "request/timeout", "The body took too long to arrive",
        "Nothing was done. Repeat the request over a better connection.";
    REQUEST_HEAD_TOO_LARGE = 431 "request/head-too-large", "The request has too many or too long headers",
        "See `request_head_bytes` and `request_headers` of `GET /api/v1/limits`.";
    REQUEST_MEDIA_TYPE = 415 "request/media-type", "The body is not declared as JSON",
        "Send `Content-Type: application/json`.";
    REQUEST_TOKEN_IN_QUERY = 400 "request/token-in-query", "A secret stands in the address",
        "Addresses are logged and kept. Send tokens as `Authorization: Bearer ...`, tickets in the first frame, everything else in the body; and replace the one that was sent.";
    REQUEST_WRONG_HOST = 421 "request/wrong-host", "Another host is meant",
        "This service does not answer to the name in `Host`. Operators name theirs in VERBATIM_PUBLIC_ORIGIN or VERBATIM_ALLOWED_HOSTS.";
    ROUTE_NOT_FOUND = 404 "route/not-found", "There is nothing at this address",
        "Check the path; everything but health and metrics lives under `/api/v1`.";
    ROUTE_METHOD_NOT_ALLOWED = 405 "route/method-not-allowed", "This address does not take that method",
        "The `Allow` header lists the methods it takes.";

    AUTH_REQUIRED = 401 "auth/required", "You need to be signed in",
        "Send the access token of `POST /api/v1/auth/login` as `Authorization: Bearer ...`.";
    AUTH_INVALID_TOKEN = 401 "auth/invalid-token", "The access token is not valid",
        "It has expired, was altered, or belongs to another service. Sign in again.";
    AUTH_INVALID_TICKET = 401 "auth/invalid-ticket", "The ticket is not valid",
        "It was used, has expired, or its session has ended. Get a new one from `POST /api/v1/ws/ticket`.";
    AUTH_INVALID_CREDENTIALS = 401 "auth/invalid-credentials", "Handle or password is wrong",
        "Which of the two is not told.";
    AUTH_INVALID_REFRESH = 401 "auth/invalid-refresh", "The session does not go on",
        "It has ended, its cookie is missing, or its refresh token was used before. Sign in again.";
    AUTH_SESSION_ELSEWHERE = 409 "auth/session-elsewhere", "The session is kept by somebody else",
        "The token comes from an outside issuer, where its session is ended; here it ends with the token.";
    AUTH_INVALID_PROOF = 401 "auth/invalid-dpop-proof", "The proof of possession is not valid",
        "Make a new one for each request, with its method, its address, the hash of the token, the time and an id of its own (RFC 9449).";
    AUTH_ISSUER_UNAVAILABLE = 503 "auth/issuer-unavailable" retry 5000, "The issuer of the token cannot be asked at the moment",
        "Whether the token is valid cannot be told without its keys. Ask again in a moment.";
    AUTH_ROLE_REQUIRED = 403 "auth/role-required", "This takes a role over the whole service",
        "Operators give it at the console with `verbatim grant`.";
    REGISTRATION_CLOSED = 403 "registration/closed", "New accounts are not taken",
        "This service does not let people register by themselves at the moment.";
    HANDLE_TAKEN = 409 "handle/taken", "The handle is taken",
        "Choose another handle, or sign in if it is yours.";
    USER_NOT_FOUND = 404 "user/not-found", "There is no such person",
        "The id or handle names nobody you can see.";
    USER_FORBIDDEN = 403 "user/forbidden", "You may not do that to this account",
        "Only the person themselves may.";
    USER_SUSPENDED = 403 "user/suspended", "The account is suspended",
        "Ask the operators of this service.";
    USER_BLOCK_SELF = 422 "user/block-self", "Nobody can block themselves",
        "Name someone else.";
    USER_TOO_MANY_BLOCKED = 409 "user/too-many-blocked", "You have blocked as many people as one can",
        "Unblock somebody first.";
    IDENTITY_UNPROVED = 422 "identity/unproved", "The identity is not proved",
        "Its document must be at its well-known address, be of that identity, and name the account in `alsoKnownAs`.";
    IDENTITY_TOO_MANY = 409 "identity/too-many", "You have proved as many identities as one can",
        "Remove one first.";
    SESSION_NOT_FOUND = 404 "session/not-found", "There is no such session",
        "It has ended, or never was one of yours.";

    SPACE_NOT_FOUND = 404 "space/not-found", "There is no such space",
        "The id names no space, or none that you can see.";
    SPACE_FORBIDDEN = 403 "space/forbidden", "You may not do that in this space",
        "It takes a higher role in the space.";
    SPACE_ARCHIVED = 409 "space/archived", "The space is archived",
        "It can be read but no longer changed.";
    SPACE_ALREADY_EXISTS = 409 "space/already-exists", "The id already names another space",
        "Repeat the request with a new idempotency key.";
    SPACE_NO_SUCH_MEMBER = 404 "space/no-such-member", "That person is not in the space",
        "Nothing was changed.";
    SPACE_OWNER_STAYS = 409 "space/owner-stays", "The owner cannot leave the space",
        "Hand the space over to somebody else first, or archive it.";
    SPACE_BANNED = 409 "space/banned", "That person is banned from the space",
        "Lift the ban first.";
    SPACE_OVER_ALREADY = 422 "space/over-already", "The time at which it should end is over",
        "Name a time in the future.";
    INVITE_NOT_FOUND = 404 "invite/not-found", "There is no such invite",
        "The code or id names no invite, or one that is used up, over, revoked or resting.";
    INVITE_TOO_MANY = 409 "invite/too-many", "The space has as many open invites as one can",
        "Revoke one, or let new ones have an end.";
    INVITE_TOO_MANY_COHORTS = 409 "invite/too-many-cohorts", "The space pauses as many cohorts as one can",
        "Resume one first.";
    SPACE_TOO_MANY = 409 "space/too-many", "The person is in as many spaces as one can be",
        "Leave one first; see `spaces_per_user` of `GET /api/v1/limits`.";
    SPACE_TOO_MANY_CHANNELS = 409 "space/too-many-channels", "The space has as many channels as one can",
        "Archive one first; see `channels_per_space` of `GET /api/v1/limits`.";
    SPACE_TOO_MANY_BANS = 409 "space/too-many-bans", "The space bans as many people as one can",
        "Lift a ban, or let new ones have an end.";
    SPACE_TOO_MANY_MUTES = 409 "space/too-many-mutes", "The space mutes as many people as one can",
        "Lift a mute, or wait until one is over.";

    CHANNEL_NOT_FOUND = 404 "channel/not-found", "There is no such channel",
        "The id names no channel, or none that you are in.";
    CHANNEL_FORBIDDEN = 403 "channel/forbidden", "You may not do that in this channel",
        "It takes a higher role in the channel or its space.";
    CHANNEL_ARCHIVED = 409 "channel/archived", "The channel is archived",
        "It can be read but no longer changed.";
    CHANNEL_ALREADY_EXISTS = 409 "channel/already-exists", "The id already names another channel",
        "Repeat the request with a new idempotency key.";
    CHANNEL_DIRECT_FIXED = 409 "channel/direct-fixed", "A direct conversation keeps its two people",
        "Open a group to talk with more people.";
    CHANNEL_DIRECT_WITH_SELF = 422 "channel/direct-with-self", "A direct conversation needs another person",
        "Name someone other than yourself.";
    CHANNEL_BLOCKED = 403 "channel/blocked", "One of the two does not want messages from the other",
        "Which of the two is not told. What was said can still be read, and taken back.";
    CHANNEL_FULL = 409 "channel/full", "The channel is full",
        "It holds as many people or events as it can.";
    CHANNEL_NOT_IN_SPACE = 409 "channel/not-in-space", "That person is not in the space of this channel",
        "Add them to the space first.";
    CHANNEL_NO_SUCH_MEMBER = 404 "channel/no-such-member", "That person is not in the channel",
        "Nothing was changed.";

    CHANNEL_SLOW_MODE = 429 "channel/slow-mode" retry 1000, "The channel is in slow mode",
        "Wait for `retry_after_ms`, then send the next message. `slow_mode_s` of the channel says how long the pause is.";
    CHANNEL_MUTED = 403 "channel/muted", "You are muted in this space",
        "You can read, and take back your own messages. Its moderators muted you.";

    MESSAGE_NOT_FOUND = 404 "message/not-found", "There is no such message in this channel",
        "The id names no message of this channel.";
    MESSAGE_NOT_AUTHOR = 403 "message/not-author", "Only the author can edit a message",
        "Moderators may delete it, nobody else may change its words.";
    MESSAGE_DELETED = 409 "message/deleted", "The message was deleted",
        "A deleted message keeps its place but takes no more changes.";
    MESSAGE_VERSION_MISMATCH = 409 "message/version-mismatch", "The message has changed meanwhile",
        "Read it again and repeat the change on its current version.";
    MESSAGE_TOO_MANY_MENTIONS = 422 "message/too-many-mentions", "The message mentions too many people",
        "See `mentions` of `GET /api/v1/limits`.";
    MESSAGE_UNKNOWN_MENTION = 422 "message/unknown-mention", "A mentioned person is not in the channel",
        "Mention only members of the channel.";
    MESSAGE_THREAD_IN_THREAD = 422 "message/thread-in-thread", "A thread begins with a message that is in no thread itself",
        "Name the root of the thread as `thread`, and what you answer as `reply_to`.";
    MESSAGE_OTHER_THREAD = 422 "message/other-thread", "What it answers belongs to another thread",
        "`reply_to` is the root of `thread`, or a message of it.";
    MESSAGE_THREAD_MISSING = 422 "message/thread-missing", "In a forum an answer names its post",
        "Send the post as `thread`, and what you answer as `reply_to`. A new post answers nothing.";
    MESSAGE_TOO_DEEP = 422 "message/too-deep", "The comments are nested too deeply",
        "Answer a comment nearer to the post; see `comment_depth` of `GET /api/v1/limits`.";
    MESSAGE_TOO_MANY_REACTIONS = 409 "message/too-many-reactions", "The message has as many kinds of reactions as one can",
        "Use one that is there already; see `reaction_kinds_per_message` of `GET /api/v1/limits`.";
    MESSAGE_OWN_VOTE = 403 "message/own-vote", "Nobody votes on what they wrote themselves",
        "Vote on what others write.";
    CURSOR_TOO_OLD = 410 "cursor/too-old", "The ranking has changed too much since that page",
        "Begin again with the first page; see `ranking_seconds` of `GET /api/v1/limits`.";
    CHANNEL_TOO_MANY_PINS = 409 "channel/too-many-pins", "The channel pins as many messages as one can",
        "Unpin one first; see `pins_per_channel` of `GET /api/v1/limits`.";

    REPORT_NOT_FOUND = 404 "report/not-found", "There is no such report",
        "The id names no report, or none that you made or decide about.";
    REPORT_OWN_DOING = 422 "report/own-doing", "Nobody reports themselves",
        "You can delete your own messages.";
    REPORT_DECIDED = 409 "report/decided", "The report was decided already",
        "Take the decision back, or wait for a new report.";
    REPORT_UNDECIDED = 409 "report/undecided", "The report was not decided yet",
        "There is nothing to take back.";
    REPORT_NOT_APPLICABLE = 422 "report/not-applicable", "That cannot follow from this report",
        "Only a reported message can be removed; muting and banning take a space; a mute needs `until`, a ban may have one.";

    INBOX_NOT_OWNER = 403 "inbox/not-owner", "Only the owner of an inbox marks what they read",
        "Nothing was changed.";

    COMMAND_UNKNOWN_OP = 422 "command/unknown-op", "There is no such command",
        "`op` is none of the commands this version knows.";
    IDEMPOTENCY_MISMATCH = 409 "idempotency/mismatch", "The idempotency key was used for another command",
        "Repeat the first command unchanged, or use a new key.";
    IDEMPOTENCY_INVALID_KEY = 422 "idempotency/invalid-key", "The idempotency key cannot be used",
        "A key is 1 to 64 visible ASCII characters.";
    CURSOR_EXPIRED = 410 "cursor/expired", "The walk began too long ago",
        "Too much was voted and deleted since its first page to tell the ranking of that time. Begin again without `after`.";
    POSITION_FOREIGN = 422 "position/foreign", "The position belongs to another log",
        "The log was restored or replaced since; forget positions of its earlier incarnation.";
    VIEW_BEHIND = 503 "view/behind" retry 500, "The view has not come that far yet",
        "What you wrote is safe. Ask again in a moment.";

    PROJECTION_REBUILD_RUNNING = 409 "projection/rebuild-running", "A generation of this view is being built already",
        "Wait for it, or cancel it with `POST /api/v1/admin/projections/{name}/cancel`.";
    PROJECTION_NO_REBUILD = 409 "projection/no-rebuild", "No generation of this view is being built",
        "Begin with `POST /api/v1/admin/projections/{name}/rebuild`.";
    PROJECTION_NOTHING_TO_PROMOTE = 409 "projection/nothing-to-promote", "No newer generation of this view is ready",
        "`GET /api/v1/admin/projections` shows which generations there are. Only a newer one in the state `ready` can be promoted.";
    PROJECTION_NOTHING_TO_ROLL_BACK_TO = 409 "projection/nothing-to-roll-back-to", "No generation that served before is kept",
        "It was retired, or replaced by a later rebuild. A rebuild makes a new one from the log.";
    PROJECTION_NOTHING_TO_RETIRE = 409 "projection/nothing-to-retire", "The view has only the generation that serves",
        "The serving generation cannot be retired, and one that is being built is cancelled instead.";
    PROJECTION_NOT_CAUGHT_UP = 409 "projection/not-caught-up" retry 1000, "That generation is not yet where the serving one is",
        "It follows after a start. Ask again when its `checkpoint` is that of the serving one, so that no page goes back.";
    VIEW_NOT_PARKED = 409 "view/not-parked", "No stream of the view waits for that event",
        "See `quarantined` of `GET /api/v1/admin/projections/{name}`: only the event at its `position` can be skipped.";
    VIEW_VERIFYING = 409 "view/verifying", "A view is being verified already",
        "Its result will be in `GET /api/v1/admin/projections`. Ask again when it is there.";
    VIEW_UNAVAILABLE = 503 "view/unavailable" retry 2000, "The view cannot be read at the moment",
        "What you wrote is safe. Ask again in a moment.";

    RATE_LIMITED = 429 "rate/limited" retry 1000, "Too many requests",
        "Wait for `retry_after_ms`, then go on more slowly.";
    BRAKE_REPEATED = 429 "brake/repeated" retry 60000, "You have said that often enough for now",
        "The same words were sent many times within a short while; see `repeats` of `GET /api/v1/limits`. Nothing was sent.";
    BRAKE_LINKS = 429 "brake/links" retry 3600000, "New accounts send links slowly",
        "See `new_account_links_per_hour` and `new_account_hours` of `GET /api/v1/limits`. Nothing was sent.";
    BRAKE_MENTIONS = 429 "brake/mentions" retry 60000, "You have mentioned many people within a short while",
        "See `mentions_per_minute` of `GET /api/v1/limits`. Nothing was sent.";
    SERVICE_BUSY = 503 "service/busy" retry 1000, "The service is busy",
        "Nothing was done. Repeat the request with the same key.";
    SERVICE_DRAINING = 503 "service/draining" retry 2000, "The service is about to stop",
        "Nothing was done. Repeat the request with the same key; another instance takes over.";
    SERVICE_LOG_UNAVAILABLE = 503 "service/log-unavailable" retry 2000, "The log takes no events at the moment",
        "Nothing was done. Repeat the request with the same key.";
    SERVICE_DISK_FULL = 507 "service/disk-full" retry 5000, "The service has no room left",
        "Nothing was done; reading still works. Repeat the request with the same key later.";
    OUTCOME_UNKNOWN = 503 "outcome/unknown" retry 2000, "It is not known whether the command was carried out",
        "Repeat it with the same key: if it was carried out, the answer says so, and nothing is done twice.";
    STREAM_UNREADABLE = 500 "stream/unreadable", "What is stored there cannot be read",
        "The operators have been told. Repeating the request does not help.";
    INTERNAL_ERROR = 500 "internal/error", "Something went wrong on our side",
        "Give the request id to the operators.";

    FRAME_MALFORMED = 400 "frame/malformed", "The frame cannot be read",
        "A frame is one JSON object, or an array of them, with a kind in `t`.";
    FRAME_UNKNOWN = 422 "frame/unknown", "There is no such kind of frame",
        "`t` is none of the kinds this version knows.";
    FRAME_INVALID = 422 "frame/invalid", "The frame has wrong fields",
        "Something is missing, unknown or out of its bounds.";
    SUBSCRIPTION_LIMIT = 409 "subscription/limit", "The socket has as many subscriptions as it can",
        "Unsubscribe from another channel first; see `subscriptions_per_socket`.";
    PRESENCE_LIMIT = 409 "presence/limit", "The socket watches as many people as it can",
        "Name fewer people, or ask in fewer channels; see `presence_people` and `presence_watched`.";
    GAP_INVALID = 422 "gap/invalid", "The gap is not a range of the channel",
        "`from` is at least 1 and at most `to`, `to` at most the newest seq, and the range no longer than `max_replay`.";
    ACK_AHEAD = 422 "ack/ahead", "The channel has not come that far",
        "Only what is there can be received or read.";
    ORIGIN_REFUSED = 403 "origin/refused", "Pages of this origin may not use the service",
        "Name the origin in VERBATIM_ALLOWED_ORIGINS if it is yours.";
    SOCKET_SUBPROTOCOL = 400 "socket/subprotocol", "No offered subprotocol is spoken here",
        "Offer `verbatim.v1`.";
    SOCKET_UPGRADE = 426 "socket/upgrade", "This address takes WebSocket upgrades only",
        "Send the handshake of RFC 6455, version 13.";
    SOCKETS_PER_ADDRESS = 429 "socket/too-many" retry 5000, "Too many sockets from this address",
        "Close one first; see `sockets_per_address` of `GET /api/v1/limits`.";
    STREAMS_PER_USER = 429 "stream/too-many" retry 5000, "Too many event streams of this person",
        "Close one first; see `streams_per_user` of `GET /api/v1/limits`. One socket follows many channels.";
    RESUME_AHEAD = 409 "resume/ahead", "The channel has not come that far",
        "The seq lies beyond the newest event: forget it and subscribe anew.";
    RESUME_INCARNATION = 409 "resume/incarnation", "The position belongs to another log",
        "The log was restored or replaced since: forget what was stored and subscribe anew.";
}

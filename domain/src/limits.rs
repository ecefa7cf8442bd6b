//! Bounds of single values, where the rule itself needs them. Rates, queues and sockets are bounded at the edge.

/// People in one group conversation; a larger crowd wants a space.
pub const GROUP_MEMBERS_MAX: usize = 250;
/// People in one channel of a space.
pub const CHANNEL_MEMBERS_MAX: usize = 100_000;
/// People mentioned by one message; more is a broadcast, not a mention.
pub const MENTIONS_MAX: usize = 50;
/// Messages one channel has pinned at a time: a board, not a second timeline.
pub const PINS_MAX: usize = 50;
/// Different emoji on one message.
pub const REACTION_KINDS_MAX: usize = 50;
/// How many answers a comment can be away from its post.
pub const COMMENT_DEPTH_MAX: u8 = 10;
/// Events one channel can hold; seqs are kept in 32 bits in memory.
pub const CHANNEL_EVENTS_MAX: u64 = u32::MAX as u64;
/// Sessions one person has at a time; with one more the oldest ends.
pub const SESSIONS_MAX: usize = 50;
/// People one person has blocked.
pub const BLOCKED_MAX: usize = 1_000;
/// Identities one person has proved; each is asked for again every day.
pub const IDENTITIES_MAX: usize = 5;
/// Seconds between two messages of one person in the slowest channel: a quarter of a day.
pub const SLOW_MODE_SECONDS_MAX: u32 = 21_600;
/// People one space keeps out at a time.
pub const BANS_MAX: usize = 10_000;
/// People one space keeps silent at a time.
pub const MUTES_MAX: usize = 10_000;
/// Invites of one space that let somebody in at a time.
pub const INVITES_OPEN_MAX: usize = 100;
/// People one counted invite lets in; the rules know each of them.
pub const INVITE_USES_MAX: u16 = 1_000;
/// Cohorts of one space that rest at a time.
pub const COHORTS_PAUSED_MAX: usize = 100;

//! From each area's errors to a problem. There is no catch-all arm: a new rejection must choose its kind here before it compiles.

use std::time::Duration;

use commands::{CommandError, Unavailable};
use domain::{audit, channel, inbox, report, space, user};
use projections::ViewError;

use super::{Kind, Problem, codes};

impl From<channel::Rejection> for Problem {
    fn from(why: channel::Rejection) -> Self {
        use channel::Rejection::*;
        let kind: &'static Kind = match &why {
            NotFound => &codes::CHANNEL_NOT_FOUND,
            NoSuchSpace => &codes::SPACE_NOT_FOUND,
            AlreadyExists => &codes::CHANNEL_ALREADY_EXISTS,
            Archived => &codes::CHANNEL_ARCHIVED,
            SpaceArchived => &codes::SPACE_ARCHIVED,
            Forbidden => &codes::CHANNEL_FORBIDDEN,
            DirectIsFixed => &codes::CHANNEL_DIRECT_FIXED,
            DirectWithSelf => &codes::CHANNEL_DIRECT_WITH_SELF,
            Blocked => &codes::CHANNEL_BLOCKED,
            Full { .. } | StreamFull => &codes::CHANNEL_FULL,
            NotInSpace => &codes::CHANNEL_NOT_IN_SPACE,
            NoSuchMember => &codes::CHANNEL_NO_SUCH_MEMBER,
            NoSuchMessage => &codes::MESSAGE_NOT_FOUND,
            NotAuthor => &codes::MESSAGE_NOT_AUTHOR,
            MessageDeleted | DeletedByAuthor => &codes::MESSAGE_DELETED,
            SlowMode { .. } => &codes::CHANNEL_SLOW_MODE,
            Muted => &codes::CHANNEL_MUTED,
            VersionMismatch { .. } => &codes::MESSAGE_VERSION_MISMATCH,
            TooManyMentions { .. } => &codes::MESSAGE_TOO_MANY_MENTIONS,
            UnknownMention => &codes::MESSAGE_UNKNOWN_MENTION,
            ThreadInThread => &codes::MESSAGE_THREAD_IN_THREAD,
            OtherThread => &codes::MESSAGE_OTHER_THREAD,
            ThreadMissing => &codes::MESSAGE_THREAD_MISSING,
            TooDeep { .. } => &codes::MESSAGE_TOO_DEEP,
            TooManyReactions { .. } => &codes::MESSAGE_TOO_MANY_REACTIONS,
            TooManyPins { .. } => &codes::CHANNEL_TOO_MANY_PINS,
            OwnVote => &codes::MESSAGE_OWN_VOTE,
        };
        let problem = Self::new(kind).detail(why.to_string());
        match why {
            SlowMode { wait_ms } => problem.retry_after(Duration::from_millis(wait_ms)),
            _ => problem,
        }
    }
}

impl From<space::Rejection> for Problem {
    fn from(why: space::Rejection) -> Self {
        use space::Rejection::*;
        let kind: &'static Kind = match &why {
            NotFound => &codes::SPACE_NOT_FOUND,
            AlreadyExists => &codes::SPACE_ALREADY_EXISTS,
            Archived => &codes::SPACE_ARCHIVED,
            Forbidden => &codes::SPACE_FORBIDDEN,
            NoSuchMember => &codes::SPACE_NO_SUCH_MEMBER,
            OwnerStays => &codes::SPACE_OWNER_STAYS,
            Banned => &codes::SPACE_BANNED,
            OverAlready => &codes::SPACE_OVER_ALREADY,
            NoSuchInvite => &codes::INVITE_NOT_FOUND,
            TooManyInvites { .. } => &codes::INVITE_TOO_MANY,
            TooManyCohorts { .. } => &codes::INVITE_TOO_MANY_COHORTS,
            TooManyBans { .. } => &codes::SPACE_TOO_MANY_BANS,
            TooManyMutes { .. } => &codes::SPACE_TOO_MANY_MUTES,
        };
        Self::new(kind).detail(why.to_string())
    }
}

impl From<user::Rejection> for Problem {
    fn from(why: user::Rejection) -> Self {
        use user::Rejection::*;
        let kind: &'static Kind = match &why {
            NotFound => &codes::USER_NOT_FOUND,
            AlreadyRegistered => &codes::HANDLE_TAKEN,
            Forbidden => &codes::USER_FORBIDDEN,
            NoSuchSession => &codes::SESSION_NOT_FOUND,
            Suspended => &codes::USER_SUSPENDED,
            BlockSelf => &codes::USER_BLOCK_SELF,
            TooManyBlocked { .. } => &codes::USER_TOO_MANY_BLOCKED,
            TooManyIdentities { .. } => &codes::IDENTITY_TOO_MANY,
        };
        Self::new(kind).detail(why.to_string())
    }
}

impl From<inbox::Rejection> for Problem {
    fn from(why: inbox::Rejection) -> Self {
        let kind: &'static Kind = match &why {
            inbox::Rejection::NotOwner => &codes::INBOX_NOT_OWNER,
        };
        Self::new(kind).detail(why.to_string())
    }
}

impl From<report::Rejection> for Problem {
    fn from(why: report::Rejection) -> Self {
        use report::Rejection::*;
        let kind: &'static Kind = match &why {
            NotFound => &codes::REPORT_NOT_FOUND,
            OwnDoing => &codes::REPORT_OWN_DOING,
            Decided | UndoneAlready => &codes::REPORT_DECIDED,
            Undecided => &codes::REPORT_UNDECIDED,
            NotApplicable | WrongUntil => &codes::REPORT_NOT_APPLICABLE,
        };
        Self::new(kind).detail(why.to_string())
    }
}

impl From<audit::Rejection> for Problem {
    fn from(why: audit::Rejection) -> Self {
        let kind: &'static Kind = match &why {
            audit::Rejection::NotAuditor | audit::Rejection::NotOperator => &codes::AUTH_ROLE_REQUIRED,
        };
        Self::new(kind).detail(why.to_string())
    }
}

impl From<Unavailable> for Problem {
    fn from(why: Unavailable) -> Self {
        let kind: &'static Kind = match why {
            Unavailable::Busy | Unavailable::Contended => &codes::SERVICE_BUSY,
            Unavailable::DiskFull => &codes::SERVICE_DISK_FULL,
            Unavailable::Log => &codes::SERVICE_LOG_UNAVAILABLE,
            Unavailable::Unreadable => &codes::STREAM_UNREADABLE,
        };
        Self::new(kind).detail(why.to_string())
    }
}

impl From<ViewError> for Problem {
    fn from(error: ViewError) -> Self {
        tracing::error!(error = &error as &dyn std::error::Error, "A view could not be read");
        Self::new(&codes::VIEW_UNAVAILABLE)
    }
}

impl<R> From<CommandError<R>> for Problem
where
    Problem: From<R>,
{
    fn from(error: CommandError<R>) -> Self {
        match error {
            CommandError::Rejected(why) => why.into(),
            CommandError::KeyReused => Self::new(&codes::IDEMPOTENCY_MISMATCH),
            CommandError::Unavailable(why) => why.into(),
            CommandError::OutcomeUnknown => Self::new(&codes::OUTCOME_UNKNOWN),
        }
    }
}

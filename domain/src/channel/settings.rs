//! What a channel is called, who may see what of it, how fast people may write in it, and whether it still takes changes.

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

use super::{Archived, Event, History, Kind, Open, Rejection, Updated};
use crate::{ChannelName, Context, UserId, limits};

/// Seconds between two messages of one person, 0 for as fast as they like. Moderators are not slowed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct SlowMode(u32);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must be a whole number of seconds from 0 to {max}")]
pub struct TooSlow {
    max: u32,
}

impl SlowMode {
    pub fn parse(seconds: u32) -> Result<Self, TooSlow> {
        const MAX: u32 = limits::SLOW_MODE_SECONDS_MAX;
        if seconds <= MAX {
            Ok(Self(seconds))
        } else {
            Err(TooSlow { max: MAX })
        }
    }

    pub fn seconds(self) -> u32 {
        self.0
    }
}

impl<'de> Deserialize<'de> for SlowMode {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(u32::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Open {
    /// Opening what is open changes nothing, for its own two people.
    pub(super) fn reopen_direct(&self, ctx: &Context, with: UserId) -> Result<Vec<Event>, Rejection> {
        self.insider(ctx)?;
        let user = ctx.actor.user().ok_or(Rejection::Forbidden)?;
        let same = self.kind == Kind::Direct && user != with && self.people.since(with).is_some();
        if same {
            Ok(vec![])
        } else {
            Err(Rejection::AlreadyExists)
        }
    }

    pub(super) fn update(
        &self,
        ctx: &Context,
        name: Option<ChannelName>,
        private: Option<bool>,
        history: Option<History>,
        slow_mode_s: Option<SlowMode>,
    ) -> Result<Vec<Event>, Rejection> {
        self.writable_by(ctx)?;
        if self.kind == Kind::Direct || !self.governed_by(ctx) {
            return Err(Rejection::Forbidden);
        }
        // Only a channel of a space can be public; a group is private by nature.
        if self.kind == Kind::Group && private == Some(false) {
            return Err(Rejection::Forbidden);
        }
        let changed = Updated {
            name: name.filter(|name| self.name.as_ref() != Some(name)),
            private: private.filter(|private| self.private != *private),
            history: history.filter(|history| self.history != *history),
            slow_mode_s: slow_mode_s.filter(|slow_mode_s| self.slow_mode_s != *slow_mode_s),
        };
        let unchanged = changed == Updated::default();
        Ok(if unchanged {
            vec![]
        } else {
            vec![Event::Updated(changed)]
        })
    }

    pub(super) fn archive(&self, ctx: &Context) -> Result<Vec<Event>, Rejection> {
        self.insider(ctx)?;
        if self.kind == Kind::Direct || !self.governed_by(ctx) {
            return Err(Rejection::Forbidden);
        }
        if self.archived {
            return Ok(vec![]);
        }
        self.still_open(ctx)?;
        Ok(vec![Event::Archived(Archived {})])
    }

    pub(super) fn apply_update(&mut self, updated: &Updated) {
        if let Some(name) = &updated.name {
            self.name = Some(name.clone());
        }
        self.private = updated.private.unwrap_or(self.private);
        self.history = updated.history.unwrap_or(self.history);
        self.slow_mode_s = updated.slow_mode_s.unwrap_or(self.slow_mode_s);
    }
}

//! `replay what-if retention`: which messages would be taken away, were they kept for so long only.

use chrono::{DateTime, TimeDelta, Utc};
use clap::Args;

use super::pass::{self, Scope};
use crate::{
    ending::{Ending, wrong_usage},
    naming,
    results::time,
};

#[derive(Args)]
#[command(after_help = "Example: replay what-if retention --older-than 90d --space space_01h455vb4pex5vsknk084sn02q")]
pub(super) struct Retention {
    /// How long messages would be kept: 90d, 12h, 4w
    #[arg(long, value_parser = naming::span)]
    older_than: TimeDelta,
    /// As of this time; now by default
    #[arg(long, value_parser = naming::time)]
    now: Option<DateTime<Utc>>,
    #[command(flatten)]
    scope: Scope,
}

impl Retention {
    pub(super) async fn run(self) -> anyhow::Result<Ending> {
        let now = self.now.unwrap_or_else(Utc::now);
        let before = now
            .checked_sub_signed(self.older_than)
            .ok_or_else(|| wrong_usage("--older-than reaches back before time"))?;
        let rule = format!("recorded before {}", time(before));
        pass::run(self.scope, rule, move |words| words.sent_at < before).await
    }
}

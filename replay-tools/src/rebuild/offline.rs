//! A rebuild on a data folder that no service holds. A rebuild that was cut off is gone on with.

use std::sync::Arc;

use event_store::{EventLog, LogLock, OpenError};
use projections::offline::Offline;
use serde::Serialize;

use super::{Promote, Rebuild};
use crate::{
    ending::Ending,
    progress,
    source::{self, LOG},
};

#[derive(Serialize)]
struct Report {
    view: String,
    generation: u64,
    position: u64,
    digest: Option<String>,
    /// Whether it adds up to the same as the generation that serves; null where none serves at that position.
    equal: Option<bool>,
    promoted: bool,
}

impl Rebuild {
    pub(super) async fn here(self) -> anyhow::Result<Ending> {
        let log = source::open_either(&self.data_dir).await?;
        let _lock = LogLock::acquire(&self.data_dir.join(LOG)).map_err(|error| match error {
            OpenError::InUse { .. } => anyhow::anyhow!(
                "the service is running on {}; let it rebuild with --server URL --token-file FILE",
                self.data_dir.display()
            ),
            other => other.into(),
        })?;
        let folder = self.views.clone().unwrap_or_else(|| self.data_dir.join("views"));
        let views = Offline::open(&folder)?;
        let log: Arc<dyn EventLog> = log;
        let bar = progress::bar(self.showing, log.head().await?.position, "events");
        let rebuilt = views
            .rebuild(&self.name, &log, |position, head| {
                bar.set_length(head);
                bar.set_position(position);
            })
            .await?;
        bar.finish_and_clear();
        let promoted = match self.promote {
            Promote::WhenEqual => rebuilt.equal == Some(true),
            Promote::Always => true,
            Promote::Never => false,
        };
        if promoted {
            views.promote(&self.name, rebuilt.generation)?;
        }
        let report = Report {
            view: self.name,
            generation: rebuilt.generation,
            position: rebuilt.position,
            digest: rebuilt.digest.map(|digest| digest.to_string()),
            equal: rebuilt.equal,
            promoted,
        };
        let mut results = self.showing.results();
        results.json(&report)?;
        results.say(report.line())?;
        results.finish()?;
        Ok(Ending::differs(rebuilt.equal == Some(false)))
    }
}

impl Report {
    fn line(&self) -> String {
        let equal = match self.equal {
            Some(true) => "equal to the one that serves",
            Some(false) => "NOT equal to the one that serves",
            None => "not compared, since none serves at that position",
        };
        let then = if self.promoted {
            "it serves from the next start on"
        } else {
            "it is kept ready (--promote always lets it serve)"
        };
        format!(
            "{} generation {} at position {}: {equal}; {then}",
            self.view, self.generation, self.position
        )
    }
}

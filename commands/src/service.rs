//! The write side put together: one set of owners per category over one log.

use std::{path::PathBuf, sync::Arc};

use domain::{audit::Audit, channel::Channel, inbox::Inbox, report::Report, space::Space, user::User};
use event_store::{EventLog, Identity};

use crate::{
    Acknowledgements, CommandMetrics, IntentKey, Sequencers,
    blocks::{BlockLists, Blocks},
    rosters::{AroundChannel, NoSurroundings, Rosters, Surroundings},
    snapshots::Snapshots,
};

/// Everything that can be commanded.
pub struct Commands {
    pub users: Sequencers<User>,
    pub spaces: Sequencers<Space>,
    pub channels: Sequencers<Channel>,
    pub inboxes: Sequencers<Inbox>,
    pub reports: Sequencers<Report>,
    pub audits: Sequencers<Audit>,
    pub acknowledgements: Arc<Acknowledgements>,
    /// Makes the codes that are handed out and never kept.
    pub codes: IntentKey,
}

pub struct Options {
    /// Where snapshots of long streams are kept; `None` keeps none.
    pub snapshots: Option<PathBuf>,
    /// Bytes that folded states may take together, shared out among the categories.
    pub memory_bytes: usize,
    pub intents: IntentKey,
    pub metrics: CommandMetrics,
}

impl Options {
    /// Enough for some five million messages of active channels.
    pub const MEMORY_BYTES: usize = 256 * 1024 * 1024;
}

impl Commands {
    /// Must be called inside a tokio runtime, on which the owners then run.
    pub fn new(log: &Arc<dyn EventLog>, identity: Identity, options: Options) -> Self {
        let Options {
            snapshots,
            memory_bytes,
            intents,
            metrics,
        } = options;
        let snapshots = Snapshots::new(snapshots, identity);
        let codes = intents.clone();
        let rosters = Rosters::default();
        let spaces = Sequencers::new(
            Arc::clone(log),
            snapshots.clone(),
            Arc::new(rosters.clone()),
            intents.clone(),
            metrics.clone(),
            memory_bytes / 8,
        );
        let lists = BlockLists::default();
        let users = Sequencers::new(
            Arc::clone(log),
            snapshots.clone(),
            Arc::new(lists.clone()),
            intents.clone(),
            metrics.clone(),
            memory_bytes / 8,
        );
        let around = Arc::new(AroundChannel {
            blocks: Blocks {
                lists,
                users: users.clone(),
            },
            rosters,
            spaces: spaces.clone(),
        });
        let channels = Sequencers::new(
            Arc::clone(log),
            snapshots.clone(),
            Arc::clone(&around) as Arc<dyn Surroundings<Channel>>,
            intents.clone(),
            metrics.clone(),
            memory_bytes / 2,
        );
        let inboxes = Sequencers::new(
            Arc::clone(log),
            snapshots.clone(),
            Arc::new(NoSurroundings),
            intents.clone(),
            metrics.clone(),
            memory_bytes / 8,
        );
        let reports = Sequencers::new(
            Arc::clone(log),
            snapshots.clone(),
            Arc::clone(&around) as Arc<dyn Surroundings<Report>>,
            intents.clone(),
            metrics.clone(),
            memory_bytes / 16,
        );
        let audits = Sequencers::new(
            Arc::clone(log),
            snapshots,
            Arc::new(NoSurroundings),
            intents,
            metrics,
            memory_bytes / 64,
        );
        let acknowledgements = Acknowledgements::start(inboxes.clone());
        Self {
            users,
            spaces,
            channels,
            inboxes,
            reports,
            audits,
            acknowledgements,
            codes,
        }
    }

    /// Lets pending acknowledgements become events and retires every owner. Part of a graceful end.
    pub async fn close(&self) {
        self.acknowledgements.flush_all().await;
        self.users.retire_all();
        self.spaces.retire_all();
        self.channels.retire_all();
        self.inboxes.retire_all();
        self.reports.retire_all();
        self.audits.retire_all();
    }
}

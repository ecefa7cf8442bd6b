//! What the write side counts: commands by outcome, conflicts, and the memory the folded states take.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

use crate::{CommandError, Outcome};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OutcomeLabels {
    category: &'static str,
    outcome: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CategoryLabels {
    category: &'static str,
}

/// Counters of the write side. Cheap to clone.
#[derive(Clone, Default)]
pub struct CommandMetrics {
    outcomes: Family<OutcomeLabels, Counter>,
    conflicts: Family<CategoryLabels, Counter>,
    state_bytes: Family<CategoryLabels, Gauge>,
    streams: Family<CategoryLabels, Gauge>,
}

impl CommandMetrics {
    pub fn register(&self, registry: &mut Registry) {
        registry.register("commands", "Commands by category and outcome", self.outcomes.clone());
        registry.register(
            "command_conflicts",
            "Batches decided again because another writer was first",
            self.conflicts.clone(),
        );
        registry.register(
            "sequencer_state_bytes",
            "Estimated bytes of folded states in memory",
            self.state_bytes.clone(),
        );
        registry.register(
            "sequencer_streams",
            "Streams that have an owner in memory",
            self.streams.clone(),
        );
    }

    pub(crate) fn outcome<R>(&self, category: &'static str, answer: &Result<Outcome, CommandError<R>>) {
        let outcome = match answer {
            Ok(outcome) if outcome.replayed => "replayed",
            Ok(outcome) if outcome.events.is_empty() => "unchanged",
            Ok(_) => "committed",
            Err(CommandError::Rejected(_)) => "rejected",
            Err(CommandError::KeyReused) => "key_reused",
            Err(CommandError::Unavailable(_)) => "unavailable",
            Err(CommandError::OutcomeUnknown) => "unknown",
        };
        self.outcomes.get_or_create(&OutcomeLabels { category, outcome }).inc();
    }

    pub(crate) fn conflict(&self, category: &'static str) {
        self.conflicts.get_or_create(&CategoryLabels { category }).inc();
    }

    pub(crate) fn memory(&self, category: &'static str, bytes: usize, streams: usize) {
        self.state_bytes
            .get_or_create(&CategoryLabels { category })
            .set(bytes as i64);
        self.streams
            .get_or_create(&CategoryLabels { category })
            .set(streams as i64);
    }
}

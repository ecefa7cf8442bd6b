//! Where missed events are read from. Memory is cheap; many reads of the log mean that many clients come back after long absences.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    source: &'static str,
}

#[derive(Debug, Clone)]
pub(super) struct LiveMetrics {
    reads: Family<Labels, Counter>,
    memory: Counter,
    log: Counter,
}

impl Default for LiveMetrics {
    fn default() -> Self {
        let reads = Family::<Labels, Counter>::default();
        let from = |source| reads.get_or_create(&Labels { source }).clone();
        let (memory, log) = (from("memory"), from("log"));
        Self { reads, memory, log }
    }
}

impl LiveMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "live_reads",
            "Pages of missed events that were read, by where they came from",
            self.reads.clone(),
        );
    }

    pub(super) fn memory_was_read(&self) {
        self.memory.inc();
    }

    pub(super) fn log_was_read(&self) {
        self.log.inc();
    }
}

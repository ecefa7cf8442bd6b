//! Fetches from others, by how they ended.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    outcome: &'static str,
}

#[derive(Debug, Clone, Default)]
pub struct OutboundMetrics {
    ended: Family<Ended, Counter>,
}

impl OutboundMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "outbound_fetches",
            "Documents asked of others, by outcome",
            self.ended.clone(),
        );
    }

    pub fn ended(&self, outcome: &'static str) {
        self.ended.get_or_create(&Ended { outcome }).inc();
    }
}

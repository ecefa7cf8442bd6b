//! Event streams over HTTP: how many there are and what passes through them.

use prometheus_client::{
    metrics::{counter::Counter, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, Default)]
pub struct StreamMetrics {
    pub open: Gauge,
    pub events_out: Counter,
}

impl StreamMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("event_streams", "Open event streams", self.open.clone());
        registry.register(
            "event_stream_events_out",
            "Events handed to event streams",
            self.events_out.clone(),
        );
    }
}

//! The log's transactions: how many events share one, and how long one takes until it is durable.

use std::time::Duration;

use prometheus_client::{
    metrics::{counter::Counter, histogram::Histogram},
    registry::{Registry, Unit},
};

const EVENTS_BUCKETS: [f64; 11] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1024.0];
const SECONDS_BUCKETS: [f64; 12] = [
    0.000_1, 0.000_25, 0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.0,
];

#[derive(Debug, Clone)]
pub struct LogMetrics {
    events: Histogram,
    duration: Histogram,
    bytes: Counter,
}

impl Default for LogMetrics {
    fn default() -> Self {
        Self {
            events: Histogram::new(EVENTS_BUCKETS),
            duration: Histogram::new(SECONDS_BUCKETS),
            bytes: Counter::default(),
        }
    }
}

impl LogMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "log_append_batch_events",
            "Events that became durable together",
            self.events.clone(),
        );
        let help = "Time of one transaction of the log, its sync included";
        registry.register_with_unit("log_append_duration", help, Unit::Seconds, self.duration.clone());
        registry.register(
            "log_append_payload_bytes",
            "Payload bytes appended to the log",
            self.bytes.clone(),
        );
    }

    pub fn committed(&self, events: usize, bytes: usize, duration: Duration) {
        self.events.observe(events as f64);
        self.duration.observe(duration.as_secs_f64());
        self.bytes.inc_by(bytes as u64);
    }
}

//! Requests: how many of which kind, answered how, how fast.

use std::time::Duration;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{family::Family, histogram::Histogram},
    registry::{Registry, Unit},
};

/// Seconds; from what a cached answer takes to the longest wait a reader may ask for.
const BUCKETS: [f64; 12] = [
    0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1.0, 5.0, 30.0,
];

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct HttpLabels {
    pub method: &'static str,
    /// The template, like `/channels/{channel}`.
    pub route: String,
    pub status: u16,
}

#[derive(Debug, Clone)]
pub struct HttpMetrics {
    duration: Family<HttpLabels, Histogram, fn() -> Histogram>,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl HttpMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let help = "Time from the head of a request to the head of its answer";
        registry.register_with_unit(
            "http_server_request_duration",
            help,
            Unit::Seconds,
            self.duration.clone(),
        );
    }

    pub fn answered(&self, labels: HttpLabels, elapsed: Duration) {
        self.duration.get_or_create(&labels).observe(elapsed.as_secs_f64());
    }
}

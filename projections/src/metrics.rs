//! What operators see of the views. Labels are names of projections, a closed set.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    projection: &'static str,
}

/// Metrics of all views together; clones count into the same numbers.
#[derive(Debug, Clone)]
pub(crate) struct Metrics {
    lag_events: Family<Labels, Gauge>,
    applied_events: Family<Labels, Counter>,
    parked_events: Family<Labels, Gauge>,
    failures: Family<Labels, Counter>,
    drift: Family<Labels, Gauge>,
    drift_found: Family<Labels, Counter>,
    apply_duration: Family<Labels, Histogram>,
}

impl Default for Metrics {
    fn default() -> Self {
        /// Seconds: from a quiet commit to a large batch on a busy disk.
        const BUCKETS: [f64; 12] = [
            0.000_5, 0.001, 0.002_5, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0,
        ];
        Self {
            lag_events: Family::default(),
            applied_events: Family::default(),
            parked_events: Family::default(),
            failures: Family::default(),
            drift: Family::default(),
            drift_found: Family::default(),
            apply_duration: Family::new_with_constructor(|| Histogram::new(BUCKETS)),
        }
    }
}

impl Metrics {
    /// Counters get their `_total` from the encoder.
    pub(crate) fn register(&self, registry: &mut Registry) {
        registry.register(
            "projection_lag_events",
            "Events of the log a view has not folded yet",
            self.lag_events.clone(),
        );
        registry.register(
            "projection_applied_events",
            "Events folded into a view",
            self.applied_events.clone(),
        );
        registry.register(
            "projection_parked_events",
            "Events a view has put aside, those of earlier runs included",
            self.parked_events.clone(),
        );
        registry.register(
            "projection_failures",
            "Batches a view had to try again",
            self.failures.clone(),
        );
        registry.register(
            "projection_drift",
            "Keys of a view that serves whose rows are not what the log says, as far as they are known",
            self.drift.clone(),
        );
        registry.register(
            "projection_drift_found",
            "Times such a key was found",
            self.drift_found.clone(),
        );
        registry.register(
            "projection_apply_duration_seconds",
            "Time to fold one batch into one view, commit included",
            self.apply_duration.clone(),
        );
    }

    pub(crate) fn lag(&self, projection: &'static str, events: u64) {
        self.lag_events
            .get_or_create(&Labels { projection })
            .set(events.cast_signed());
    }

    pub(crate) fn parked(&self, projection: &'static str, events: u64) {
        self.parked_events
            .get_or_create(&Labels { projection })
            .set(events.cast_signed());
    }

    pub(crate) fn applied(&self, projection: &'static str, events: usize, seconds: f64) {
        self.applied_events
            .get_or_create(&Labels { projection })
            .inc_by(events as u64);
        self.apply_duration
            .get_or_create(&Labels { projection })
            .observe(seconds);
    }

    pub(crate) fn drift(&self, projection: &'static str, keys: usize) {
        self.drift.get_or_create(&Labels { projection }).set(keys as i64);
    }

    pub(crate) fn drift_found(&self, projection: &'static str) {
        self.drift_found.get_or_create(&Labels { projection }).inc();
    }

    pub(crate) fn failed(&self, projection: &'static str) {
        self.failures.get_or_create(&Labels { projection }).inc();
    }
}

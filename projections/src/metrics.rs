//! What operators see of the views. Labels are names of projections, a closed set.

use std::sync::atomic::AtomicU64;

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge, histogram::Histogram},
    registry::Registry,
};

use crate::{ProjectionState, ProjectionStatus, registry::ALL};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Labels {
    projection: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabels {
    projection: &'static str,
    state: &'static str,
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
    lag_seconds: Family<Labels, Seconds>,
    generation: Family<Labels, Gauge>,
    states: Family<StateLabels, Gauge>,
    halted: Family<Labels, Gauge>,
    rebuild_events: Family<Labels, Gauge>,
    rebuild_rate: Family<Labels, Seconds>,
    rebuild_eta: Family<Labels, Seconds>,
}

/// A gauge of fractions.
type Seconds = Gauge<f64, AtomicU64>;

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
            lag_seconds: Family::default(),
            generation: Family::default(),
            states: Family::default(),
            halted: Family::default(),
            rebuild_events: Family::default(),
            rebuild_rate: Family::default(),
            rebuild_eta: Family::default(),
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
        self.register_generations(registry);
    }

    fn register_generations(&self, registry: &mut Registry) {
        registry.register(
            "projection_lag_seconds",
            "Age of the oldest event a view has not folded yet",
            self.lag_seconds.clone(),
        );
        registry.register(
            "projection_generation",
            "Number of the generation of a view that serves",
            self.generation.clone(),
        );
        registry.register(
            "projection_generations",
            "Generations of a view by state",
            self.states.clone(),
        );
        registry.register(
            "projection_halted",
            "1 while a view that serves cannot be written",
            self.halted.clone(),
        );
        registry.register(
            "projection_rebuild_events",
            "Position in the log of the generation that is being built",
            self.rebuild_events.clone(),
        );
        registry.register(
            "projection_rebuild_rate",
            "Events a second folded into the generation that is being built, of late",
            self.rebuild_rate.clone(),
        );
        registry.register(
            "projection_rebuild_eta_seconds",
            "Time until the generation that is being built has caught up, at that rate",
            self.rebuild_eta.clone(),
        );
    }

    /// What changes slowly, once a second.
    pub(crate) fn observe(&self, generations: &[ProjectionStatus]) {
        for projection in ALL {
            let labels = Labels {
                projection: projection.name,
            };
            let of_view = || generations.iter().filter(|row| row.name == projection.name);
            for state in ProjectionState::ALL {
                let labels = StateLabels {
                    projection: projection.name,
                    state: state.as_str(),
                };
                let count = of_view().filter(|row| row.state == state).count();
                self.states.get_or_create(&labels).set(count as i64);
            }
            if let Some(row) = of_view().find(|row| row.state == ProjectionState::Serving) {
                self.lag(row.name, row.lag_events);
                self.lag_seconds.get_or_create(&labels).set(row.lag_seconds);
                self.generation.get_or_create(&labels).set(row.generation.cast_signed());
            }
            let built = of_view().find_map(|row| row.progress);
            let (events, rate) = built.map_or((0, 0.0), |built| (built.events, built.rate));
            let eta = built.and_then(|built| built.eta_s).unwrap_or(0.0);
            self.rebuild_events.get_or_create(&labels).set(events.cast_signed());
            self.rebuild_rate.get_or_create(&labels).set(rate);
            self.rebuild_eta.get_or_create(&labels).set(eta);
        }
    }

    pub(crate) fn halted(&self, projection: &'static str, halted: bool) {
        self.halted.get_or_create(&Labels { projection }).set(i64::from(halted));
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

//! Rates and brakes: how many keys each class remembers, and how often somebody was told to slow down.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ClassLabel {
    /// One of the classes in `rates`, or a brake.
    class: &'static str,
}

#[derive(Debug, Clone, Default)]
pub struct RateMetrics {
    keys: Family<ClassLabel, Gauge>,
    refusals: Family<ClassLabel, Counter>,
}

impl RateMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        let keys = "Keys that are remembered, by class";
        registry.register("rate_limit_keys", keys, self.keys.clone());
        let refusals = "Requests, frames and messages refused for their haste, by class";
        registry.register("rate_limit_refusals", refusals, self.refusals.clone());
    }

    /// How many keys the class remembers.
    pub(crate) fn keys(&self, class: &'static str) -> Gauge {
        self.keys.get_or_create(&ClassLabel { class }).clone()
    }

    pub(crate) fn refused(&self, class: &'static str) {
        self.refusals.get_or_create(&ClassLabel { class }).inc();
    }

    /// Lines of `/metrics` that this makes.
    #[cfg(test)]
    pub(crate) fn families(&self) -> usize {
        let mut registry = Registry::default();
        self.register(&mut registry);
        let mut text = String::new();
        prometheus_client::encoding::text::encode(&mut text, &registry).expect("a text");
        text.lines().filter(|line| !line.starts_with('#')).count()
    }
}

//! What is kept to tell who someone is.

use prometheus_client::{metrics::gauge::Gauge, registry::Registry};

#[derive(Debug, Clone, Default)]
pub struct AuthMetrics {
    pub proofs_kept: Gauge,
}

impl AuthMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "auth_proofs_kept",
            "Proofs of possession remembered against replay",
            self.proofs_kept.clone(),
        );
    }
}

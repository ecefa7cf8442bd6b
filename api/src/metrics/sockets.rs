//! Sockets: how many there are, what passes through them, why they end, and what the slow ones are spared.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Closed {
    code: u16,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Dropped {
    /// `ephemeral` or `catch_up`.
    kind: &'static str,
}

#[derive(Debug, Clone, Default)]
pub struct SocketMetrics {
    /// Open sockets, those that have not said hello yet included.
    pub connections: Gauge,
    pub frames_in: Counter,
    pub frames_out: Counter,
    pub bytes_out: Counter,
    /// Bytes waiting in the queues of all sockets.
    pub queued_bytes: Gauge,
    lagged: Counter,
    closed: Family<Closed, Counter>,
    dropped: Family<Dropped, Counter>,
}

impl SocketMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register("ws_connections", "Open sockets", self.connections.clone());
        registry.register(
            "ws_disconnects",
            "Sockets that ended, by close code",
            self.closed.clone(),
        );
        registry.register("ws_frames_in", "Frames received", self.frames_in.clone());
        registry.register("ws_frames_out", "Frames sent", self.frames_out.clone());
        registry.register(
            "ws_bytes_out",
            "Bytes sent, frame headers included",
            self.bytes_out.clone(),
        );
        registry.register(
            "ws_queued_bytes",
            "Bytes waiting in the queues of all sockets",
            self.queued_bytes.clone(),
        );
        registry.register(
            "ws_dropped_frames",
            "Frames taken out of full queues",
            self.dropped.clone(),
        );
    }

    /// A socket ended with this close code; 1006 when it just vanished.
    pub fn closed(&self, code: u16) {
        self.closed.get_or_create(&Closed { code }).inc();
    }

    /// A channel went to catch-up because its socket was slow.
    pub fn lagged(&self) {
        self.lagged.inc();
    }

    /// Ephemeral frames that a full queue did not take.
    pub fn dropped_ephemeral(&self, frames: u64) {
        self.dropped
            .get_or_create(&Dropped { kind: "ephemeral" })
            .inc_by(frames);
    }

    /// Durable frames that were discarded because their channel went to catch-up.
    pub fn dropped_for_catch_up(&self, frames: u64) {
        self.dropped.get_or_create(&Dropped { kind: "catch_up" }).inc_by(frames);
    }
}

//! Sockets: how many there are, what passes through them, why they end, and how often they are too slow.

use prometheus_client::{
    encoding::EncodeLabelSet,
    metrics::{counter::Counter, family::Family, gauge::Gauge},
    registry::Registry,
};

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Closed {
    code: u16,
}

#[derive(Debug, Clone, Default)]
pub struct SocketMetrics {
    /// Open sockets that have said hello.
    pub connections: Gauge,
    pub frames_in: Counter,
    pub frames_out: Counter,
    pub bytes_out: Counter,
    /// Bytes waiting in the queues of all sockets.
    pub queued_bytes: Gauge,
    /// People who are typing, each in each channel.
    pub typing: Gauge,
    /// People who are there.
    pub present: Gauge,
    lagged: Counter,
    closed: Family<Closed, Counter>,
}

impl SocketMetrics {
    pub(super) fn register(&self, registry: &mut Registry) {
        registry.register(
            "ws_connections",
            "Open sockets that have said hello",
            self.connections.clone(),
        );
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
        registry.register("ws_typing", "People who are typing, by channel", self.typing.clone());
        registry.register(
            "ws_present",
            "People who are there, or were a moment ago",
            self.present.clone(),
        );
        registry.register(
            "ws_lagged_channels",
            "Channels that went to catch-up because their socket was slow",
            self.lagged.clone(),
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
}

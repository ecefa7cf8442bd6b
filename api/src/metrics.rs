//! Everything that is counted, one struct per area, registered in one place. Labels come from closed sets: routes, codes, outcomes,
//! never people, channels or addresses.

mod auth;
mod http;
mod log;
mod outbound;
mod rates;
mod sockets;
mod streams;

use commands::CommandMetrics;
use prometheus_client::{encoding::text::encode, registry::Registry};

pub use auth::AuthMetrics;
pub use http::{HttpLabels, HttpMetrics};
pub use log::LogMetrics;
pub use outbound::OutboundMetrics;
pub use rates::RateMetrics;
pub use sockets::SocketMetrics;
pub use streams::StreamMetrics;

/// What `/metrics` is served as.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// All areas and the registry that shows them.
pub struct Metrics {
    pub http: HttpMetrics,
    pub sockets: SocketMetrics,
    pub streams: StreamMetrics,
    pub commands: CommandMetrics,
    pub log: LogMetrics,
    pub outbound: OutboundMetrics,
    pub auth: AuthMetrics,
    pub rates: RateMetrics,
    registry: Registry,
}

impl Metrics {
    /// Registers every area; `others` adds those that belong to other crates' handles.
    pub fn new(commands: CommandMetrics, log: LogMetrics, others: impl FnOnce(&mut Registry)) -> Self {
        let (http, sockets) = (HttpMetrics::default(), SocketMetrics::default());
        let (streams, outbound) = (StreamMetrics::default(), OutboundMetrics::default());
        let auth = AuthMetrics::default();
        let rates = RateMetrics::default();
        let mut registry = Registry::default();
        http.register(&mut registry);
        sockets.register(&mut registry);
        streams.register(&mut registry);
        commands.register(&mut registry);
        log.register(&mut registry);
        outbound.register(&mut registry);
        auth.register(&mut registry);
        rates.register(&mut registry);
        others(&mut registry);
        Self {
            http,
            sockets,
            streams,
            commands,
            log,
            outbound,
            auth,
            rates,
            registry,
        }
    }

    /// OpenMetrics text.
    pub fn text(&self) -> String {
        let mut text = String::new();
        encode(&mut text, &self.registry).expect("a string takes any text");
        text
    }
}

#[cfg(test)]
mod tests;

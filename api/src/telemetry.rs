//! Log lines: one JSON object a line (or text, for people) on standard error. What may stand in them is decided where they are written:
//! never bodies, names, tokens, queries or addresses.

use std::io::stderr;

use tracing_subscriber::{EnvFilter, Layer, layer::SubscriberExt, util::SubscriberInitExt};

use crate::settings::LogFormat;

/// Ours in full, what others say only when it matters. `RUST_LOG` overrides it.
const DEFAULT_FILTER: &str = "info,sqlx=warn,actix_server=warn,actix_http=error,actix_web=warn";

/// Starts logging. Only once per process.
pub fn start(format: LogFormat) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(DEFAULT_FILTER));
    let layer = match format {
        LogFormat::Json => json_subscriber::fmt::layer()
            .with_writer(stderr)
            .flatten_event(true)
            .with_target(true)
            .boxed(),
        LogFormat::Text => tracing_subscriber::fmt::layer()
            .with_writer(stderr)
            .with_ansi(false)
            .boxed(),
    };
    tracing_subscriber::registry().with(layer.with_filter(filter)).init();
    std::panic::set_hook(Box::new(|panic| {
        // The message may quote what somebody wrote; the place says enough to find the fault.
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "A panic was stopped");
    }));
}

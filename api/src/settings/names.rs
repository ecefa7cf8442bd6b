//! The names of all settings: one row gives the flag, the variable, the key in `verbatim.toml` and the line of help.

/// One setting as operators spell it. The key is that of `verbatim.toml`; flag and variable follow from it.
#[derive(Debug)]
pub struct Name {
    pub key: &'static str,
    pub value: &'static str,
    pub help: &'static str,
    /// May hold a password: shown redacted, and readable from the file that `<VARIABLE>_FILE` names.
    pub secret: bool,
}

impl Name {
    pub fn variable(&self) -> String {
        match self.key {
            // A standard of its own.
            OTLP => OTLP_VARIABLE.to_owned(),
            key => format!("{PREFIX}{}", key.to_ascii_uppercase()),
        }
    }

    pub fn flag(&self) -> String {
        self.key.replace('_', "-")
    }

    pub fn of(key: &str) -> Option<&'static Self> {
        NAMES.iter().find(|name| name.key == key)
    }
}

pub(super) const PREFIX: &str = "VERBATIM_";
pub(super) const LIMIT_PREFIX: &str = "VERBATIM_LIMIT_";
pub(super) const FILE_SUFFIX: &str = "_FILE";
const OTLP: &str = "otel_exporter_otlp_endpoint";
const OTLP_VARIABLE: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

const fn plain(key: &'static str, value: &'static str, help: &'static str) -> Name {
    Name {
        key,
        value,
        help,
        secret: false,
    }
}

const fn secret(key: &'static str, value: &'static str, help: &'static str) -> Name {
    Name {
        key,
        value,
        help,
        secret: true,
    }
}

pub static NAMES: &[Name] = &[
    plain(
        "profile",
        "dev|production",
        "What to assume where nothing is set [default: dev]",
    ),
    plain(
        "listen",
        "ADDRESS",
        "Where to serve; port 0 takes a free one [default: 127.0.0.1:8080]",
    ),
    plain(
        "public_origin",
        "ORIGIN",
        "Where browsers reach the service, like https://chat.example.org",
    ),
    plain(
        "allowed_hosts",
        "HOSTS",
        "Names to answer to besides that of the public origin, comma-separated [default: in profile dev, every name]",
    ),
    plain(
        "metrics_listen",
        "ADDRESS",
        "Where to serve metrics [default: in profile dev, the same address]",
    ),
    secret(
        "metrics_token",
        "TOKEN",
        "What metrics are shown for, as a bearer token; 32 characters at least",
    ),
    plain("data_dir", "FOLDER", "Where everything is kept [default: ./data]"),
    secret(
        "log_url",
        "URL",
        "The log: sqlite: or sqlite:FILE [default: sqlite:, in the data folder]",
    ),
    secret(
        "views_url",
        "URL",
        "The views: sqlite: or sqlite:FOLDER [default: sqlite:, in the data folder]",
    ),
    secret(
        "bus_url",
        "URL",
        "How several nodes wake each other: none [default: none]",
    ),
    secret(
        "files_url",
        "URL",
        "Where uploads are kept: file: [default: file:, in the data folder]",
    ),
    plain(
        "allowed_origins",
        "ORIGINS",
        "Web origins besides our own whose pages may use the service, comma-separated",
    ),
    plain(
        "trusted_proxies",
        "NETWORKS",
        "Proxies whose X-Forwarded-For is believed, comma-separated CIDR blocks",
    ),
    plain(
        "registration",
        "open|invite|closed",
        "Who may open an account [default: open]",
    ),
    plain(
        "secrets_dir",
        "FOLDER",
        "Where keys are kept [default: keys in the data folder]",
    ),
    plain("cdn_origin", "ORIGIN", "Where browsers fetch public files from"),
    plain(
        "log_format",
        "json|text",
        "Form of the log lines on standard error [default: json]",
    ),
    plain(
        "rate_limits",
        "on|off",
        "off lifts rates, never sizes or counts; for load tests [default: on]",
    ),
    plain(
        "verify_interval_s",
        "SECONDS",
        "Pause between rounds of the verifier of the views; 0 switches it off [default: 60]",
    ),
    plain(
        "verify_rows",
        "NUMBER",
        "Rows of views compared with their sums in each round [default: 500000]",
    ),
    plain(
        "verify_streams",
        "NUMBER",
        "Streams folded again in each round, for each view [default: 20]",
    ),
    plain(
        "outbound_test_origins",
        "ORIGINS",
        "For tests, in profile dev: origins on this machine that may be asked for keys and documents",
    ),
    plain(OTLP, "URL", "Where to send traces"),
];

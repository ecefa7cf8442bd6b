//! What an operator can set, read once at the start: flag, then environment, then secret file, then `verbatim.toml`, then default.
//! Every mistake is collected, so that one failed start tells all of them. What the settings cause happens elsewhere.
//!
//! To add a setting: a row in `settings/names.rs`, a field here, and its parsing in `settings/parse.rs`.

mod gather;
mod issuers;
mod names;
mod parse;
mod show;

use std::{fmt, net::SocketAddr, path::PathBuf};

use ipnet::IpNet;

pub use gather::{Flags, Given};
pub use issuers::{ClaimNames, IssuerSettings};
pub use names::{NAMES, Name};

use crate::limits::Limits;

/// The exit code of a start that was refused for its settings (`EX_CONFIG` of sysexits).
pub const EXIT_SETTINGS: u8 = 78;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub profile: Profile,
    pub listen: SocketAddr,
    /// Where metrics are served; without it the main address serves them, in profile dev only.
    pub metrics_listen: Option<SocketAddr>,
    pub data_dir: PathBuf,
    pub secrets_dir: PathBuf,
    /// File of the log.
    pub log_path: PathBuf,
    /// File of the views.
    pub views_path: PathBuf,
    /// Origins besides our own whose pages may open sockets, as `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    pub registration: Registration,
    pub log_format: LogFormat,
    pub rate_limits: bool,
    /// Whose tokens are taken, besides our own.
    pub issuers: Vec<IssuerSettings>,
    /// Origins on this machine that tests may let us ask; none outside of profile dev.
    pub outbound_test_origins: Vec<String>,
    pub limits: Limits,
    /// What was given, by whom, for `check-config`.
    given: Given,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Profile {
    /// For a developer's machine: friendly to local origins, metrics on the main address.
    Dev,
    Production,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Registration {
    Open,
    Invite,
    Closed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    Json,
    Text,
}

/// One thing that keeps the server from starting: which setting, what is wrong, what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub setting: String,
    pub problem: String,
}

/// All of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistakes(pub Vec<Mistake>);

impl fmt::Display for Mistakes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "the settings have {} mistake(s):", self.0.len())?;
        for mistake in &self.0 {
            writeln!(f, "  {}: {}", mistake.setting, mistake.problem)?;
        }
        f.write_str("`verbatim --help` lists every setting")
    }
}

impl std::error::Error for Mistakes {}

impl Settings {
    /// Reads the machine's environment and files.
    pub fn load(flags: &Flags) -> Result<Self, Mistakes> {
        let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let (given, mistakes) = gather::gather(flags, environment);
        parse::settings(given, mistakes)
    }

    pub fn service_path(&self) -> PathBuf {
        self.data_dir.join("service.sqlite")
    }

    pub fn snapshots_dir(&self) -> PathBuf {
        self.data_dir.join("snapshots")
    }

    /// The effective settings, one line each, secrets redacted.
    pub fn shown(&self) -> String {
        show::lines(self)
    }
}

#[cfg(test)]
mod tests;
#[cfg(test)]
pub(crate) use tests::settings_of;

//! What an operator can set, read once at the start: flag, then environment, then secret file, then `verbatim.toml`, then default.
//! Every mistake is collected, so that one failed start tells all of them. What the settings cause happens elsewhere.
//!
//! To add a setting: a row in `settings/names.rs`, a field here, and its parsing in `settings/parse.rs`.

mod gather;
mod issuers;
mod names;
mod parse;
mod show;

use std::{
    fmt,
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;

pub use gather::{Flags, Given};
pub use issuers::{ClaimNames, IssuerSettings};
pub use names::{NAMES, Name};

use crate::{auth::Keys, limits::Limits};

/// What a browser leaves out.
const HTTPS_PORT: &str = ":443";

/// The exit code of a start that was refused for its settings (`EX_CONFIG` of sysexits).
pub const EXIT_SETTINGS: u8 = 78;

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub profile: Profile,
    pub listen: SocketAddr,
    /// Where browsers reach us, as `https://host[:port]`.
    pub public_origin: Option<String>,
    /// Names we answer to besides that of the public origin; one without a port goes with any.
    pub allowed_hosts: Vec<String>,
    /// Where metrics are served; without it the main address serves them, in profile dev only.
    pub metrics_listen: Option<SocketAddr>,
    /// Hash of the token that metrics are shown for; without one they are shown to whoever reaches them.
    pub metrics_token: Option<TokenHash>,
    pub data_dir: PathBuf,
    pub secrets_dir: PathBuf,
    /// File of the log.
    pub log_path: PathBuf,
    /// Folder of the views.
    pub views_path: PathBuf,
    /// Origins besides our own whose pages may use the service, as `scheme://host[:port]`.
    pub allowed_origins: Vec<String>,
    /// Proxies whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpNet>,
    pub registration: Registration,
    pub log_format: LogFormat,
    pub rate_limits: bool,
    pub verify: Verify,
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

/// SHA-256 of a token, so that the token itself is kept nowhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    pub fn of(token: &str) -> Self {
        use sha2::{Digest, Sha256};
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// In the same time whatever the token is.
    pub fn is_of(&self, token: &str) -> bool {
        use subtle::ConstantTimeEq;
        self.0.ct_eq(&Self::of(token).0).into()
    }
}

/// How the views are verified beside everything else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verify {
    /// 0 is never.
    pub interval_s: u64,
    pub rows: u64,
    pub streams: u64,
}

impl Default for Verify {
    fn default() -> Self {
        Self {
            interval_s: 60,
            rows: 500_000,
            streams: 20,
        }
    }
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
    /// Reads the machine's environment and files. In profile production the keys must be there, and be keys.
    pub fn load(flags: &Flags) -> Result<Self, Mistakes> {
        Self::read(flags, Keys::mistakes)
    }

    /// The same for whoever is about to make the keys.
    pub fn load_before_keys(flags: &Flags) -> Result<Self, Mistakes> {
        Self::read(flags, |_| vec![])
    }

    fn read(flags: &Flags, mistakes_of_keys: impl Fn(&Path) -> Vec<String>) -> Result<Self, Mistakes> {
        let environment = std::env::vars_os().filter_map(|(name, value)| Some((name.into_string().ok()?, value)));
        let (given, mistakes) = gather::gather(flags, environment);
        parse::settings(given, mistakes, mistakes_of_keys)
    }

    /// Whether a request that names this host is meant for us. On a developer's machine every name is, unless some are named.
    pub fn serves_host(&self, host: &str) -> bool {
        if self.profile == Profile::Dev && self.allowed_hosts.is_empty() {
            return true;
        }
        let host = host.to_ascii_lowercase();
        let host = host.strip_suffix(HTTPS_PORT).unwrap_or(&host);
        let bare = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
            Some(_) | None => host,
        };
        let public = self
            .public_origin
            .as_ref()
            .and_then(|origin| origin.split("://").nth(1));
        let named = |allowed: &String| allowed == host || allowed == bare;
        public == Some(host) || self.allowed_hosts.iter().any(named)
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
pub(crate) use tests::{production_with, settings_of};

//! The real server under load: one that runs already, or the release binary started here on a folder of its own and ended afterwards.
//! Nothing here speaks the protocol.

use std::{
    ffi::OsString,
    net::{SocketAddr, ToSocketAddrs},
    path::{Path, PathBuf},
};

use anyhow::{Context, ensure};
use reqwest::Url;
use tokio::process::Command;

use crate::process::{Data, Process, Usage};

const BINARY: &str = "verbatim";
/// Lifted for a server of our own: all load comes from one address, and one person may be in many rooms.
const LIMITS: &[(&str, &str)] = &[
    ("VERBATIM_LIMIT_SOCKETS_PER_ADDRESS", "1000000"),
    ("VERBATIM_LIMIT_SOCKETS_PER_USER", "1000"),
];

/// Which server to load.
#[derive(Debug, clap::Args)]
pub(crate) struct Target {
    /// Load this server instead of starting one; its own limits apply (200 sockets an address, rates)
    #[arg(long, value_name = "URL")]
    server: Option<Url>,
    /// The server's binary; next to this program, and built when missing, unless given
    #[arg(long, value_name = "PATH", conflicts_with = "server")]
    binary: Option<PathBuf>,
    /// Keep the started server's data in this folder instead of a temporary one beside the binary
    #[arg(long, value_name = "FOLDER", conflicts_with = "server")]
    data_dir: Option<PathBuf>,
}

#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) url: Url,
    pub(crate) address: SocketAddr,
    /// None for a server that was not started here.
    own: Option<Process>,
}

impl Target {
    /// It is not started here.
    pub(crate) fn runs_already(&self) -> bool {
        self.server.is_some()
    }
}

impl Server {
    pub(crate) async fn start(target: &Target) -> anyhow::Result<Self> {
        Self::start_with(target, &[]).await
    }

    /// With settings of its own, where the server is ours.
    pub(crate) async fn start_with(target: &Target, settings: &[(&str, String)]) -> anyhow::Result<Self> {
        match &target.server {
            Some(url) => Ok(Self {
                url: url.clone(),
                address: address_of(url)?,
                own: None,
            }),
            None => start_own(target, settings).await,
        }
    }

    /// None for a server that was not started here.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.own.as_ref()?.usage()
    }

    /// Where a server of our own keeps its data.
    pub(crate) fn data(&self) -> Option<&Path> {
        Some(&self.own.as_ref()?.data)
    }

    pub(crate) async fn rest(&self) {
        if let Some(own) = &self.own {
            own.rest().await;
        }
    }

    /// Ends a server of our own; one that does not end in time or not well is an error.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let Some(own) = self.own else { return Ok(()) };
        let status = own.terminate().await?;
        ensure!(status.success(), "the server ended with {status} after SIGTERM");
        Ok(())
    }
}

async fn start_own(target: &Target, settings: &[(&str, String)]) -> anyhow::Result<Server> {
    let binary = match &target.binary {
        Some(path) => path.clone(),
        None => sibling_binary().await?,
    };
    let data = Data::of(target.data_dir.as_deref(), &binary)?;
    let mut command = Command::new(&binary);
    command
        .arg("serve")
        .env("VERBATIM_LISTEN", "127.0.0.1:0")
        .env("VERBATIM_DATA_DIR", data.path())
        .env("VERBATIM_RATE_LIMITS", "off")
        .envs(LIMITS.iter().copied())
        .envs(settings.iter().map(|(name, value)| (name, value)));
    let own = Process::start(&mut command, data)
        .await
        .with_context(|| format!("{} did not start", binary.display()))?;
    Ok(Server {
        address: address_of(&own.url)?,
        url: own.url.clone(),
        own: Some(own),
    })
}

async fn sibling_binary() -> anyhow::Result<PathBuf> {
    let here = std::env::current_exe()?;
    let binary = here.with_file_name(BINARY);
    if !binary.exists() {
        eprintln!("building the server");
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo"));
        let built = Command::new(cargo)
            .args(["build", "--release", "-p", "api"])
            .status()
            .await?;
        ensure!(
            built.success() && binary.exists(),
            "the server could not be built at {}",
            binary.display()
        );
    }
    Ok(binary)
}

pub(crate) fn address_of(url: &Url) -> anyhow::Result<SocketAddr> {
    ensure!(
        url.scheme() == "http",
        "{url} is not http://, the only thing spoken here"
    );
    let host = url.host_str().context("the URL has no host")?.trim_matches(['[', ']']);
    let port = url.port_or_known_default().context("the URL has no port")?;
    (host, port)
        .to_socket_addrs()?
        .next()
        .with_context(|| format!("{host} has no address"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_http_is_spoken() {
        let address = |url: &str| address_of(&url.parse().expect("a URL"));
        assert_eq!(
            address("http://127.0.0.1:8080").expect("an address").to_string(),
            "127.0.0.1:8080"
        );
        assert_eq!(
            address("http://[::1]:8080").expect("an address").to_string(),
            "[::1]:8080"
        );
        assert!(address("https://127.0.0.1").is_err());
    }
}

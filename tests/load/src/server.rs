//! The server under load: one that runs already, or the release binary started here on a folder of its own and ended afterwards.
//! What it costs is read from `/proc`. Nothing here speaks the protocol.

use std::{
    collections::VecDeque,
    ffi::OsString,
    fs,
    net::{SocketAddr, ToSocketAddrs},
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use reqwest::Url;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::timeout,
};

const BINARY: &str = "verbatim";
const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The protocol promises 30 s; the rest is for the machine.
const STOP_TIMEOUT: Duration = Duration::from_secs(40);
/// Lines of the server's log that are shown when it does not start.
const LOG_LINES_SHOWN: usize = 20;
/// `/proc` counts processor time in these on every Linux there is.
const TICKS_PER_SECOND: f64 = 100.0;
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
    own: Option<Own>,
}

#[derive(Debug)]
struct Own {
    child: Child,
    pid: u32,
    /// Held, so that the folder lives as long as the server.
    _folder: Option<TempDir>,
}

/// What the server has used so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usage {
    pub(crate) rss_kib: u64,
    pub(crate) cpu_seconds: f64,
}

impl Server {
    pub(crate) async fn start(target: &Target) -> anyhow::Result<Self> {
        match &target.server {
            Some(url) => Ok(Self {
                url: url.clone(),
                address: address_of(url)?,
                own: None,
            }),
            None => start_own(target).await,
        }
    }

    /// None for a server that was not started here.
    pub(crate) fn usage(&self) -> Option<Usage> {
        let pid = self.own.as_ref()?.pid;
        let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        usage(&status, &stat)
    }

    /// Asks a server of our own to end and waits for it; one that does not end in time or not well is an error.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        let Some(mut own) = self.own else { return Ok(()) };
        // The shell's own `kill`, since a small machine may have no other.
        let asked = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &own.pid.to_string()])
            .status()
            .await?;
        ensure!(asked.success(), "the server had ended before it was asked to");
        let status = timeout(STOP_TIMEOUT, own.child.wait())
            .await
            .context("the server did not end after SIGTERM")??;
        ensure!(status.success(), "the server ended with {status} after SIGTERM");
        Ok(())
    }
}

async fn start_own(target: &Target) -> anyhow::Result<Server> {
    let binary = match &target.binary {
        Some(path) => path.clone(),
        None => sibling_binary().await?,
    };
    let (data, folder) = data_folder(target, &binary)?;
    let log = data.join("server.log");
    let mut child = Command::new(&binary)
        .arg("serve")
        .env("VERBATIM_LISTEN", "127.0.0.1:0")
        .env("VERBATIM_DATA_DIR", &data)
        .env("VERBATIM_RATE_LIMITS", "off")
        .envs(LIMITS.iter().copied())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(fs::File::create(&log).with_context(|| format!("no log at {}", log.display()))?)
        .kill_on_drop(true)
        .spawn()
        .with_context(|| format!("{} cannot be run", binary.display()))?;
    let mut lines = BufReader::new(child.stdout.take().context("the server has no output")?).lines();
    let url = timeout(START_TIMEOUT, listening(&mut lines))
        .await
        .unwrap_or_else(|_| bail!("the server did not start in time"));
    let url = url.with_context(|| format!("{} said last:\n{}", binary.display(), tail(&log)))?;
    // Its output must go somewhere, or the server would wait for a reader.
    tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
    let pid = child.id().context("the server ended at once")?;
    Ok(Server {
        address: address_of(&url)?,
        url,
        own: Some(Own {
            child,
            pid,
            _folder: folder,
        }),
    })
}

/// The address in the one line that the server prints when it is ready.
async fn listening(lines: &mut Lines<BufReader<ChildStdout>>) -> anyhow::Result<Url> {
    while let Some(line) = lines.next_line().await? {
        if let Some(url) = line.strip_prefix("listening on ") {
            return Ok(url.parse()?);
        }
    }
    bail!("the server ended before it listened")
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

/// Beside the binary rather than in `/tmp`, which may be memory and would make every sync free.
fn data_folder(target: &Target, binary: &Path) -> anyhow::Result<(PathBuf, Option<TempDir>)> {
    if let Some(folder) = &target.data_dir {
        fs::create_dir_all(folder)?;
        return Ok((folder.clone(), None));
    }
    let beside = binary.parent().context("the server's binary is in no folder")?;
    let folder = tempfile::Builder::new().prefix("load-").tempdir_in(beside)?;
    Ok((folder.path().to_owned(), Some(folder)))
}

fn address_of(url: &Url) -> anyhow::Result<SocketAddr> {
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

fn tail(log: &Path) -> String {
    let text = fs::read_to_string(log).unwrap_or_default();
    let mut last = VecDeque::with_capacity(LOG_LINES_SHOWN);
    for line in text.lines() {
        if last.len() == LOG_LINES_SHOWN {
            last.pop_front();
        }
        last.push_back(line);
    }
    Vec::from(last).join("\n")
}

fn usage(status: &str, stat: &str) -> Option<Usage> {
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    // Fields are counted behind the name, which may hold blanks: 14 and 15 of the whole are 12 and 13 here.
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some(Usage {
        rss_kib: rss.trim().trim_end_matches(" kB").parse().ok()?,
        cpu_seconds: (user + system) / TICKS_PER_SECOND,
    })
}

/// Refuses a run that would end in "too many open files": a socket costs one file here and one in the server we start.
pub(crate) fn ensure_open_files(sockets: usize) -> anyhow::Result<()> {
    const OTHERS: usize = 200;
    let limits = fs::read_to_string("/proc/self/limits").unwrap_or_default();
    let Some(most) = open_files(&limits) else { return Ok(()) };
    ensure!(
        sockets + OTHERS <= most,
        "{sockets} sockets need more open files than the {most} allowed: raise `ulimit -n`"
    );
    Ok(())
}

fn open_files(limits: &str) -> Option<usize> {
    limits
        .lines()
        .find_map(|line| line.strip_prefix("Max open files"))?
        .split_whitespace()
        .next()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usage_is_read_behind_a_name_with_blanks() {
        let status = "Name:\tverbatim\nVmRSS:\t   12345 kB\nThreads:\t4\n";
        let stat = "42 (a) b) S 1 1 1 0 -1 4194560 100 0 0 0 250 50 0 0 20 0 4 0 100 1000 100";
        assert_eq!(
            usage(status, stat),
            Some(Usage {
                rss_kib: 12_345,
                cpu_seconds: 3.0
            })
        );
        assert_eq!(usage("", stat), None);
    }

    #[test]
    fn the_limit_of_open_files_is_read() {
        assert_eq!(
            open_files("Limit  Soft Limit\nMax open files            1024                 4096   files\n"),
            Some(1_024)
        );
        assert_eq!(open_files("Max open files            unlimited   unlimited\n"), None);
    }

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

//! A server of ours as a process: waiting until it listens, what it costs as `/proc` tells, and its end. Which server it is, is not
//! known here.

use std::{
    collections::VecDeque,
    fs,
    path::{Path, PathBuf},
    process::{ExitStatus, Stdio},
    time::Duration,
};

use anyhow::{Context, bail, ensure};
use reqwest::Url;
use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command},
    time::{sleep, timeout},
};

const START_TIMEOUT: Duration = Duration::from_secs(60);
/// The protocol promises 30 s; the rest is for the machine.
const STOP_TIMEOUT: Duration = Duration::from_secs(40);
/// Lines of the server's log that are shown when it does not start.
const LOG_LINES_SHOWN: usize = 20;
/// `/proc` counts processor time in these on every Linux there is.
const TICKS_PER_SECOND: f64 = 100.0;
/// A server is at rest when it used less than this share of a processor for this long. It is waited for no longer than the last.
const REST_SHARE: f64 = 0.05;
const REST_WINDOW: Duration = Duration::from_millis(200);
const REST_PATIENCE: Duration = Duration::from_secs(20);

#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    pid: u32,
    pub(crate) url: Url,
    /// Where its data lives.
    pub(crate) data: PathBuf,
    /// Held, so that a folder of its own lives as long as the process.
    _folder: Option<TempDir>,
}

/// What a server has used so far.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Usage {
    pub(crate) rss_kib: u64,
    pub(crate) cpu_seconds: f64,
}

/// Where a server's data lives: a folder given, or a new one beside a binary rather than in `/tmp`, which may be memory and would make
/// every sync free.
#[derive(Debug)]
pub(crate) struct Data {
    path: PathBuf,
    own: Option<TempDir>,
}

impl Data {
    pub(crate) fn of(given: Option<&Path>, binary: &Path) -> anyhow::Result<Self> {
        if let Some(folder) = given {
            fs::create_dir_all(folder)?;
            return Ok(Self {
                path: folder.to_owned(),
                own: None,
            });
        }
        let beside = binary.parent().context("the server's binary is in no folder")?;
        let folder = tempfile::Builder::new().prefix("load-").tempdir_in(beside)?;
        Ok(Self {
            path: folder.path().to_owned(),
            own: Some(folder),
        })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }
}

impl Process {
    /// Starts it and waits until it says where it listens. What it logs goes to a file with its data.
    pub(crate) async fn start(command: &mut Command, data: Data) -> anyhow::Result<Self> {
        let log = data.path.join("server.log");
        let mut child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).with_context(|| format!("no log at {}", log.display()))?)
            .kill_on_drop(true)
            .spawn()
            .context("the server cannot be run")?;
        let mut lines = BufReader::new(child.stdout.take().context("the server has no output")?).lines();
        let url = timeout(START_TIMEOUT, listening(&mut lines))
            .await
            .unwrap_or_else(|_| bail!("the server did not start in time"));
        let url = url.with_context(|| format!("it said last:\n{}", tail(&log)))?;
        // Its output must go somewhere, or the server would wait for a reader.
        tokio::spawn(async move { while let Ok(Some(_)) = lines.next_line().await {} });
        Ok(Self {
            pid: child.id().context("the server ended at once")?,
            child,
            url,
            data: data.path,
            _folder: data.own,
        })
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.pid)).ok()?;
        usage(&status, &stat)
    }

    /// Waits until it has nothing left to do, so that it does not disturb what is measured next.
    pub(crate) async fn rest(&self) {
        let waited = timeout(REST_PATIENCE, async {
            let mut before = self.usage();
            loop {
                sleep(REST_WINDOW).await;
                let now = self.usage();
                match (before, now) {
                    (Some(before), Some(now))
                        if now.cpu_seconds - before.cpu_seconds > REST_SHARE * REST_WINDOW.as_secs_f64() => {}
                    _ => return,
                }
                before = now;
            }
        });
        if waited.await.is_err() {
            eprintln!("a server is still busy; going on");
        }
    }

    /// Asks it to end and waits for it.
    pub(crate) async fn terminate(mut self) -> anyhow::Result<ExitStatus> {
        // The shell's own `kill`, since a small machine may have no other.
        let asked = Command::new("sh")
            .args(["-c", "kill -TERM \"$0\"", &self.pid.to_string()])
            .status()
            .await?;
        ensure!(asked.success(), "the server had ended before it was asked to");
        Ok(timeout(STOP_TIMEOUT, self.child.wait())
            .await
            .context("the server did not end after SIGTERM")??)
    }
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
}

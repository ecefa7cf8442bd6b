//! One running server: the real binary, a folder of its own, a port of its own, and everything it printed.
//! It can be killed, asked to stop and started again on the same data; it never outlives the test process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Output, Stdio},
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        mpsc::{self, Receiver, Sender},
    },
    time::Instant,
};

use tempfile::TempDir;

use crate::{Address, DEADLINE, until};

static SHARED: OnceLock<Server> = OnceLock::new();

/// The server that tests without special wishes share.
pub fn shared() -> &'static Server {
    SHARED.get_or_init(Server::start)
}

/// What the shared server complained about, for the sentence of a wait that ran out.
pub(crate) fn shared_complaints() -> String {
    let printed = SHARED.get().map(Server::printed).unwrap_or_default();
    let complaints = printed
        .into_iter()
        .filter(|line| line.contains("WARN") || line.contains("ERROR"));
    complaints.map(|line| format!("\nthe shared server: {line}")).collect()
}

/// What a server is started with, on top of a quiet local default.
#[derive(Debug, Clone, Default)]
pub struct Options {
    environment: Vec<(String, String)>,
}

impl Options {
    /// Sets an environment variable; the last word counts.
    pub fn set(&mut self, name: &str, value: impl Into<String>) -> &mut Self {
        self.environment.push((name.to_owned(), value.into()));
        self
    }
}

#[derive(Debug)]
pub struct Server {
    running: Option<Running>,
    folder: TempDir,
    options: Options,
    address: Address,
    printed: Printed,
}

#[derive(Debug)]
struct Running {
    child: Child,
    guard: Child,
}

impl Server {
    pub fn start() -> Self {
        Self::start_with(|_| {})
    }

    pub fn start_with(choose: impl FnOnce(&mut Options)) -> Self {
        let mut server = Self::prepared_with(choose);
        server.launch();
        server
    }

    /// A folder and settings, not started yet.
    pub fn prepared_with(choose: impl FnOnce(&mut Options)) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let mut server = Self {
            running: None,
            folder,
            options: Options::default(),
            address: Address::default(),
            printed: Printed::default(),
        };
        server.choose(choose);
        server
    }

    /// Other settings from the next launch on.
    pub fn choose(&mut self, choose: impl FnOnce(&mut Options)) {
        choose(&mut self.options);
    }

    /// Starts the server on the data it has, and waits until it says it is ready.
    pub fn launch(&mut self) {
        assert!(self.running.is_none(), "the server is already running");
        let mut child = self
            .program(&["serve"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("starts");
        let listening = self.printed.follow(&mut child);
        self.running = Some(Running {
            guard: guard(child.id()),
            child,
        });
        match listening.recv_timeout(DEADLINE) {
            Ok(authority) => self.address.moved_to(&authority),
            Err(_) => panic!("the server did not start listening:\n{}", self.printed.last_lines()),
        }
        self.wait_until_ready();
    }

    /// Starts again on the same data; whatever was running is killed first.
    pub fn restart(&mut self) {
        self.kill9();
        self.launch();
    }

    /// The process ends between two instructions.
    pub fn kill9(&mut self) {
        if let Some(running) = self.running.take() {
            running.end();
        }
    }

    /// Sends SIGTERM and waits for the end; the exit code, or `None` after a death by signal.
    pub async fn terminate(&mut self) -> Option<i32> {
        self.ask_to_stop();
        self.exit_code().await
    }

    /// Sends SIGTERM and returns at once.
    pub fn ask_to_stop(&self) {
        let pid = self.pid();
        let sent = Command::new("sh")
            .arg("-c")
            .arg(format!("kill -TERM {pid}"))
            .status()
            .expect("sh runs");
        assert!(sent.success(), "SIGTERM was not delivered");
    }

    /// Waits until the process has ended by itself.
    pub async fn exit_code(&mut self) -> Option<i32> {
        let status = until("the server to exit", async || self.try_wait()).await;
        self.kill9();
        status.code()
    }

    pub fn pid(&self) -> u32 {
        self.running.as_ref().expect("the server is running").child.id()
    }

    pub fn is_running(&mut self) -> bool {
        self.running.is_some() && self.try_wait().is_none()
    }

    pub fn address(&self) -> &Address {
        &self.address
    }

    /// The folder with its data.
    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// Its working directory, where a `verbatim.toml` would lie.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Runs another subcommand with the same settings, to its end.
    pub fn run(&self, arguments: &[&str]) -> Output {
        self.program(arguments).output().expect("the binary runs")
    }

    /// Everything printed so far, standard output and standard error.
    pub fn printed(&self) -> Vec<String> {
        self.printed.lines()
    }

    /// No panic is reachable from outside, whatever was sent.
    pub fn assert_no_panic(&self) {
        let panic = self.printed().into_iter().find(|line| line.contains("panicked at"));
        assert_eq!(panic, None, "the server panicked");
    }

    fn program(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(binary());
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .stdin(Stdio::null())
            .env_clear();
        command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
        command.env("VERBATIM_DATA_DIR", self.data());
        command.env("VERBATIM_LISTEN", "127.0.0.1:0");
        command.env("VERBATIM_RATE_LIMITS", "off");
        command.env("VERBATIM_LOG_FORMAT", "json");
        // Those who watch a server stop should not wait long for their moment.
        command.env("VERBATIM_LIMIT_DRAIN_WINDOW_MS", "500");
        command.envs(self.options.environment.iter().cloned());
        command
    }

    fn try_wait(&mut self) -> Option<ExitStatus> {
        self.running
            .as_mut()
            .and_then(|running| running.child.try_wait().expect("the child can be waited for"))
    }

    fn wait_until_ready(&mut self) {
        let end = Instant::now() + DEADLINE;
        while !answers_ready(&self.address.authority()) {
            let alive = self.try_wait().is_none();
            assert!(
                alive && Instant::now() < end,
                "the server did not become ready:\n{}",
                self.printed.last_lines()
            );
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill9();
        if std::thread::panicking() {
            eprintln!("the server's last lines:\n{}", self.printed.last_lines());
        } else {
            self.assert_no_panic();
        }
    }
}

impl Running {
    fn end(mut self) {
        // The guard goes first: once the child is waited for, its id may name another process.
        self.guard.kill().ok();
        self.guard.wait().ok();
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

/// Runs the binary once in an empty folder with nothing but the given environment.
pub fn run_to_end(arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut command = Command::new(binary());
    command
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .env_clear();
    command
        .env("VERBATIM_DATA_DIR", folder.path().join("data"))
        .env("VERBATIM_LISTEN", "127.0.0.1:0");
    command
        .envs(environment.iter().copied())
        .output()
        .expect("the binary runs")
}

fn binary() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug/verbatim");
    let path = std::env::var_os("VERBATIM_BIN").map_or(built, PathBuf::from);
    assert!(
        path.exists(),
        "there is no {}: run `cargo build -p api` first, or name a binary in VERBATIM_BIN",
        path.display()
    );
    path
}

/// Kills the server when this process ends in any way, since statics are never dropped: the end closes the guard's input.
fn guard(pid: u32) -> Child {
    let script = format!("read _; kill -KILL {pid}");
    Command::new("sh")
        .arg("-c")
        .arg(script)
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("sh runs")
}

fn answers_ready(authority: &str) -> bool {
    let ask = || -> std::io::Result<String> {
        let mut stream = TcpStream::connect(authority)?;
        write!(
            stream,
            "GET /readyz HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n\r\n"
        )?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer)?;
        Ok(answer)
    };
    ask().is_ok_and(|answer| answer.starts_with("HTTP/1.1 200"))
}

/// What the server wrote, line by line, over all its runs.
#[derive(Debug, Clone, Default)]
struct Printed(Arc<Mutex<Vec<String>>>);

impl Printed {
    /// Reads both outputs on threads of their own; the address arrives on the channel once it is announced.
    fn follow(&self, child: &mut Child) -> Receiver<String> {
        let (announce, listening) = mpsc::channel();
        self.collect(child.stdout.take().expect("piped"), Some(announce));
        self.collect(child.stderr.take().expect("piped"), None);
        listening
    }

    fn collect(&self, output: impl Read + Send + 'static, announce: Option<Sender<String>>) {
        let printed = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if let (Some(announce), Some(authority)) = (&announce, line.strip_prefix("listening on http://")) {
                    announce.send(authority.trim().to_owned()).ok();
                }
                printed.0.lock().unwrap_or_else(PoisonError::into_inner).push(line);
            }
        });
    }

    fn lines(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn last_lines(&self) -> String {
        const SHOWN: usize = 40;
        let lines = self.lines();
        lines[lines.len().saturating_sub(SHOWN)..].join("\n")
    }
}

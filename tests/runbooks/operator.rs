//! An operator at work on one server: carries out the commands of a page in one shell, with the variables that the pages take for
//! granted. `systemctl` is a stand-in that stops and starts the server of the test.

use std::{
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Stdio,
};

use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::{TcpListener, TcpStream},
    process::Command,
};
use verbatim_tests::{Person, Server, Stage};

use crate::page::Page;

/// What the stand-in runs: it asks the test, and fails as the test says.
const SYSTEMCTL: &str = r#"#!/usr/bin/env bash
set -euo pipefail
exec 3<>"/dev/tcp/127.0.0.1/$SERVICE_PORT"
echo "$1 ${2:-}" >&3
read -r answer <&3
[ "$answer" = ok ]
"#;

pub(crate) struct Operator {
    pub(crate) server: Server,
    person: Person,
    /// Holds the stand-in, the token and what the pages put aside.
    desk: tempfile::TempDir,
}

impl Operator {
    /// A server that keeps its address over restarts, with an operator signed in.
    pub(crate) async fn on_duty(settings: &[(&str, &str)]) -> Self {
        let address = free_address();
        let mut server = Server::start_with(|options| {
            options.set("VERBATIM_LISTEN", address);
            for (name, value) in settings {
                options.set(name, *value);
            }
        });
        let olga = Stage::on(&server).person("olga").await;
        assert_eq!(server.terminate().await, Some(0));
        assert!(server.run(&["grant", &olga.handle, "operator"]).status.success());
        server.launch();
        let person = Stage::on(&server).signed_in(&olga.handle).await;
        let desk = tempfile::tempdir().expect("a temporary folder");
        let operator = Self { server, person, desk };
        operator.put_in_place("systemctl", SYSTEMCTL);
        operator
    }

    pub(crate) fn stage(&self) -> Stage {
        Stage::on(&self.server)
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.server.data()
    }

    /// Carries out every command of the page, each of which must succeed. What they printed.
    pub(crate) async fn follows(&mut self, page: &Page) -> String {
        self.follows_with(page, &[]).await
    }

    /// The same, with what a reader would fill in from the log line or the alarm.
    pub(crate) async fn follows_with(&mut self, page: &Page, known: &[(&str, &str)]) -> String {
        // A token lives for minutes, and a page may have restarted the server.
        self.person = self.stage().signed_in(&self.person.handle).await;
        let script = script(page, known);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("bound").port();
        let mut shell = self.shell(&script, port);
        let mut output = std::pin::pin!(shell.output());
        let output = loop {
            tokio::select! {
                output = &mut output => break output.expect("bash runs"),
                asked = listener.accept() => serve(&mut self.server, asked.expect("accepts").0).await,
            }
        };
        let printed = format!(
            "{}{}",
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(
            output.status.success(),
            "the commands of {} ended with {}:\n{printed}",
            page.name(),
            output.status
        );
        printed
    }

    fn shell(&self, script: &str, port: u16) -> Command {
        let binaries = binaries();
        let path = std::env::var("PATH").unwrap_or_default();
        let mut command = Command::new("bash");
        command
            .arg("-c")
            .arg(script)
            .current_dir(self.desk.path())
            .stdin(Stdio::null())
            .env_clear()
            .env(
                "PATH",
                format!("{}:{}:{path}", self.desk.path().display(), binaries.display()),
            )
            .env("HOME", self.desk.path())
            .env("SERVICE_PORT", port.to_string())
            .env("data", self.data())
            .env("backups", self.desk.path().join("backups"))
            .env("server", self.server.address().http(""))
            .env("metrics", self.server.address().http("/metrics"))
            .env("token", &self.person.token)
            .kill_on_drop(true);
        command
    }

    fn put_in_place(&self, name: &str, text: &str) {
        let path = self.desk.path().join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("made executable");
    }
}

/// The blocks one after the other, each announced, so that a failure names its command. Where a page shows an example of what its reader
/// fills in (`position=31`), the known value takes its place.
fn script(page: &Page, known: &[(&str, &str)]) -> String {
    let mut script = String::from("set -euo pipefail\n");
    for (number, block) in page.commands().iter().enumerate() {
        script.push_str(&format!("echo '--- block {}' >&2\n", number + 1));
        for line in block.lines() {
            let filled = known
                .iter()
                .find(|(name, _)| line.split_once('=').is_some_and(|(variable, _)| variable == *name));
            match filled {
                Some((name, value)) => script.push_str(&format!("{name}='{value}'\n")),
                None => {
                    script.push_str(line);
                    script.push('\n');
                }
            }
        }
    }
    script
}

/// One request of the stand-in.
async fn serve(server: &mut Server, connection: TcpStream) {
    let mut connection = BufReader::new(connection);
    let mut asked = String::new();
    connection.read_line(&mut asked).await.expect("a line");
    let answer = match asked.trim() {
        "stop verbatim" => {
            let stopped = !server.is_running() || server.terminate().await == Some(0);
            if stopped { "ok" } else { "failed" }
        }
        "start verbatim" => {
            if !server.is_running() {
                server.kill9();
                server.launch();
            }
            "ok"
        }
        _ => "unknown",
    };
    connection
        .write_all(format!("{answer}\n").as_bytes())
        .await
        .expect("answered");
}

/// Where `verbatim` and `replay` were built.
fn binaries() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/debug");
    let path = std::env::var_os("VERBATIM_BIN").map_or(built, |binary| {
        Path::new(&binary).parent().map(Path::to_owned).unwrap_or_default()
    });
    for name in ["verbatim", "replay"] {
        assert!(
            path.join(name).exists(),
            "there is no {name} in {}: run `cargo build --workspace` first",
            path.display()
        );
    }
    path.canonicalize().expect("it is there")
}

/// A port that was free a moment ago.
fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("bound").to_string()
}

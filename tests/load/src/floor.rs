//! The yardstick: the least server that does the same work, and as fast as we can make it. It parses only what it must, checks
//! membership, writes with one group commit at a time (SQLite, WAL, `synchronous=FULL`, with the guard against a key used twice), encodes
//! each event once with its WebSocket head, and drains what waits for a socket in one write. It keeps no views, no accounts, no limits,
//! no heartbeats, and nothing can be read back from it: whoever says hello is who they say, and whoever follows a room is in it.
//!
//! It runs as a process of its own, so that its cost is read like the real server's. `serve` is that process.

use std::{net::SocketAddr, path::Path};

use tokio::process::Command;

use crate::{
    process::{Data, Process, Usage},
    server,
};

mod handshake;
mod log;
mod parse;
mod serve;
mod wire;
mod worker;

pub(crate) use serve::{Args, run};

/// The name of the hidden subcommand that is the yardstick.
pub(crate) const SUBCOMMAND: &str = "floor-server";

/// Threads that serve its sockets, unless told otherwise.
pub(crate) const WORKERS: u8 = 2;

/// A running yardstick.
#[derive(Debug)]
pub(crate) struct Yardstick {
    process: Process,
    pub(crate) address: SocketAddr,
}

impl Yardstick {
    /// This program once more, on a folder beside it.
    pub(crate) async fn start(workers: u8) -> anyhow::Result<Self> {
        let binary = std::env::current_exe()?;
        let data = Data::of(None, &binary)?;
        let mut command = Command::new(&binary);
        command.arg(SUBCOMMAND).arg("--data-dir").arg(data.path());
        command.arg("--workers").arg(workers.to_string());
        let process = Process::start(&mut command, data).await?;
        Ok(Self {
            address: server::address_of(&process.url)?,
            process,
        })
    }

    pub(crate) fn usage(&self) -> Option<Usage> {
        self.process.usage()
    }

    pub(crate) fn data(&self) -> &Path {
        &self.process.data
    }

    pub(crate) async fn rest(&self) {
        self.process.rest().await;
    }

    /// It promises nothing about its end.
    pub(crate) async fn stop(self) -> anyhow::Result<()> {
        self.process.terminate().await.map(drop)
    }
}

/// Stands for a person in `hello`: the yardstick has no tickets, but people are told apart by number.
pub(crate) fn ticket(person: u32) -> String {
    format!("person {person}")
}

/// A room as the yardstick's clients name it: as long as a real id, since the bytes are part of the work.
pub(crate) fn channel(number: usize) -> String {
    format!("channel_{number:026}")
}

#[cfg(test)]
mod tests {
    use std::{net::TcpListener, thread};

    use serde_json::{Value, json};
    use tempfile::TempDir;

    use super::*;
    use crate::socket::{Incoming, Socket};

    /// A yardstick in this process; it ends with it.
    fn yardstick() -> (SocketAddr, TempDir) {
        let folder = tempfile::tempdir().expect("a folder");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let data = folder.path().to_owned();
        thread::spawn(move || serve::serve(&listener, &data, 2));
        (address, folder)
    }

    async fn enter(address: SocketAddr, person: u32) -> Socket {
        Socket::open(address, &ticket(person), "d", &[]).await.expect("welcome")
    }

    async fn hear(socket: &mut Socket) -> Value {
        loop {
            if let Some(Incoming::Text(text)) = socket.reader.next().expect("a frame") {
                return serde_json::from_slice(text).expect("JSON");
            }
            socket.reader.fill().await.expect("more");
        }
    }

    async fn say(socket: &mut Socket, id: &str, key: &str, body: &str) {
        let frame = format!(
            r#"{{"t":"cmd","id":"{id}","op":"message.send","ch":"{}","key":"{key}","d":{{"body":"{body}"}}}}"#,
            channel(1)
        );
        socket.writer.push(frame.as_bytes());
        socket.writer.flush().await.expect("sent");
    }

    #[tokio::test]
    async fn the_yardstick_holds_a_small_conversation() {
        let (address, _folder) = yardstick();
        let (mut ann, mut bob) = (enter(address, 1).await, enter(address, 2).await);
        for socket in [&mut ann, &mut bob] {
            socket.subscribe(&channel(1), 0).await.expect("subscribed");
        }
        say(&mut ann, "a", "k", "hello").await;
        let (own, ok, event) = (hear(&mut ann).await, hear(&mut ann).await, hear(&mut bob).await);
        assert_eq!(
            (&ok["t"], &ok["id"], &ok["seq"]),
            (&json!("ok"), &json!("a"), &json!(1))
        );
        assert_eq!((&own["key"], &event["key"]), (&json!("k"), &Value::Null));
        for event in [&own, &event] {
            assert_eq!((&event["seq"], &event["d"]["body"]), (&json!(1), &json!("hello")));
            assert_eq!((&event["event"], &event["at"]), (&ok["event"], &ok["at"]));
        }
        say(&mut bob, "b", "k", "hi").await;
        assert_eq!(hear(&mut ann).await["seq"], 2);
    }

    #[tokio::test]
    async fn a_key_used_before_is_answered_with_the_event_of_that_time() {
        let (address, _folder) = yardstick();
        let mut ann = enter(address, 1).await;
        ann.subscribe(&channel(1), 0).await.expect("subscribed");
        say(&mut ann, "a", "k", "one").await;
        let first = [hear(&mut ann).await, hear(&mut ann).await][1].clone();
        say(&mut ann, "b", "k", "one").await;
        let again = hear(&mut ann).await;
        assert_eq!((&again["t"], &again["replayed"]), (&json!("ok"), &json!(true)));
        assert_eq!((&again["seq"], &again["event"]), (&first["seq"], &first["event"]));
        say(&mut ann, "c", "l", "two").await;
        assert_eq!(hear(&mut ann).await["seq"], 2);
    }

    #[tokio::test]
    async fn whoever_is_not_in_the_room_cannot_send_to_it() {
        let (address, _folder) = yardstick();
        let mut ann = enter(address, 1).await;
        ann.subscribe(&channel(1), 0).await.expect("subscribed");
        let mut eve = enter(address, 3).await;
        let mut eve_too = enter(address, 3).await;
        // One of the two is on the worker that knows the room; the other one is dropped.
        for socket in [&mut eve, &mut eve_too] {
            say(socket, "e", "k", "let me in").await;
        }
        let mut refusals = 0;
        for mut socket in [eve, eve_too] {
            if socket.reader.fill().await.is_ok() {
                refusals += usize::from(hear(&mut socket).await["code"] == "channel/not-found");
            }
        }
        assert_eq!(refusals, 1);
        say(&mut ann, "a", "k", "alone").await;
        assert_eq!(hear(&mut ann).await["seq"], 1);
    }
}

//! One WebSocket to the server, made to cost little beside it: frames are read in place out of one buffer and never copied.
//! What the frames say is not known here beyond the greeting; see `frame`.

use std::{io, net::SocketAddr};

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpSocket, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};
use tokio_tungstenite::tungstenite::handshake::{client::generate_key, derive_accept_key};

use crate::frame::{self, Frame};

mod framing;

pub(crate) use framing::Incoming;
use framing::{Opcode, Parsed};

const SUBPROTOCOL: &str = "verbatim.v1";
/// A response head longer than this is no answer to a handshake.
const HEAD_BYTES_MAX: usize = 16 * 1024;
/// Starts small, since thousands of sockets may be idle; doubles while reads fill it.
const BUFFER_BYTES_FIRST: usize = 4 * 1024;
const BUFFER_BYTES_BUSY: usize = 256 * 1024;

#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketError {
    #[error("the connection failed: {0}")]
    Io(#[from] io::Error),
    #[error("the server answered the handshake with: {0}")]
    Refused(String),
    #[error("the server ended the connection without a close frame")]
    Ended,
    #[error("the server closed the socket with {code} {reason:?}")]
    Closed { code: u16, reason: String },
    #[error("the server sent a frame that is not allowed here: {0}")]
    Framing(&'static str),
    #[error("the server sent something that is not a frame of the protocol: {0}")]
    Frame(#[from] serde_json::Error),
    #[error("the server refused {what} with {code}: {detail}")]
    Error {
        what: &'static str,
        code: String,
        detail: String,
    },
}

/// An open socket before its halves go separate ways.
#[derive(Debug)]
pub(crate) struct Socket {
    pub(crate) reader: Reader,
    pub(crate) writer: Writer,
}

/// How far a channel has been read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'a> {
    pub(crate) channel: &'a str,
    pub(crate) seq: u64,
}

impl Socket {
    /// Connects and greets with a ticket; returns once the server said welcome. What follows on `resume` is still to be read.
    pub(crate) async fn open(
        address: SocketAddr,
        ticket: &str,
        device: &str,
        resume: &[Place<'_>],
    ) -> Result<Self, SocketError> {
        Self::open_over(tcp_socket(address)?, address, ticket, device, resume).await
    }

    /// As [`Self::open`], with a receive buffer of the system's that holds no more than about so many bytes.
    pub(crate) async fn open_narrow(
        bytes: u32,
        address: SocketAddr,
        ticket: &str,
        device: &str,
        resume: &[Place<'_>],
    ) -> Result<Self, SocketError> {
        let tcp = tcp_socket(address)?;
        tcp.set_recv_buffer_size(bytes)?;
        Self::open_over(tcp, address, ticket, device, resume).await
    }

    async fn open_over(
        tcp: TcpSocket,
        address: SocketAddr,
        ticket: &str,
        device: &str,
        resume: &[Place<'_>],
    ) -> Result<Self, SocketError> {
        let mut socket = handshake(tcp, address).await?;
        socket.greet(ticket, device, resume).await?;
        Ok(socket)
    }

    /// Ends the connection as a broken network does: no close frame, and what was on the way is thrown away.
    pub(crate) fn cut(self) -> Result<(), SocketError> {
        let stream = self
            .reader
            .half
            .reunite(self.writer.half)
            .expect("both halves are of one socket");
        Ok(stream.set_zero_linger()?)
    }

    async fn greet(&mut self, ticket: &str, device: &str, resume: &[Place<'_>]) -> Result<(), SocketError> {
        let mut hello = json!({"t": "hello", "ticket": ticket, "device": device});
        if !resume.is_empty() {
            hello["resume"] = resume
                .iter()
                .map(|place| json!({"ch": place.channel, "seq": place.seq}))
                .collect();
        }
        self.writer.send(&hello).await?;
        self.wait_for("welcome").await
    }

    /// Follows a channel from the seq after `after`.
    pub(crate) async fn subscribe(&mut self, channel: &str, after: u64) -> Result<(), SocketError> {
        self.writer
            .send(&json!({"t": "sub", "id": "sub", "ch": channel, "after": after}))
            .await?;
        self.wait_for("sub_ok").await
    }

    /// Reads on until a frame of the kind; frames nobody asked for may come before it.
    async fn wait_for(&mut self, kind: &'static str) -> Result<(), SocketError> {
        loop {
            let mut found = false;
            while let Some(incoming) = self.reader.next()? {
                found |= answers(incoming, kind)?;
                if found {
                    return Ok(());
                }
            }
            self.reader.fill().await?;
        }
    }
}

fn answers(incoming: Incoming<'_>, kind: &'static str) -> Result<bool, SocketError> {
    let Incoming::Text(text) = incoming else {
        return Ok(false);
    };
    let mut found = false;
    for one in frame::split(text)? {
        match frame::parse(one)? {
            Frame::Error { code, detail } => {
                return Err(SocketError::Error {
                    what: kind,
                    code,
                    detail,
                });
            }
            Frame::Other { kind: other } => found |= other == kind,
            Frame::Following { .. } => found |= kind == "sub_ok",
            Frame::Event(_) | Frame::Ok(_) | Frame::Heartbeat => {}
        }
    }
    Ok(found)
}

#[derive(Debug)]
pub(crate) struct Reader {
    half: OwnedReadHalf,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
}

impl Reader {
    /// The next frame that has arrived whole, or none before more is read. A close frame is an error, being the end.
    pub(crate) fn next(&mut self) -> Result<Option<Incoming<'_>>, SocketError> {
        match framing::parse(&self.buffer[self.start..self.end])? {
            Parsed::Partial => Ok(None),
            Parsed::Frame { opcode, head, len } => {
                let payload = self.start + head..self.start + head + len;
                self.start = payload.end;
                Incoming::new(opcode, &self.buffer[payload]).map(Some)
            }
        }
    }

    /// Waits for more bytes.
    pub(crate) async fn fill(&mut self) -> Result<(), SocketError> {
        self.make_room();
        let read = self.half.read(&mut self.buffer[self.end..]).await?;
        if read == 0 {
            return Err(SocketError::Ended);
        }
        self.end += read;
        if self.end == self.buffer.len() && self.buffer.len() < BUFFER_BYTES_BUSY {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
        Ok(())
    }

    /// Moves what is left of a frame to the front; a frame larger than the whole buffer makes it grow.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.end == self.buffer.len() {
            self.buffer.resize(self.buffer.len() * 2, 0);
        }
    }
}

#[derive(Debug)]
pub(crate) struct Writer {
    half: OwnedWriteHalf,
    out: Vec<u8>,
}

impl Writer {
    /// Puts a frame into the next [`Self::flush`].
    pub(crate) fn push(&mut self, text: &[u8]) {
        framing::write(&mut self.out, Opcode::Text, text);
    }

    /// Answers a heartbeat, with the next flush.
    pub(crate) fn push_pong(&mut self) {
        self.push(br#"{"t":"pong"}"#);
    }

    /// Answers a ping of the WebSocket layer, with the next flush.
    pub(crate) fn push_ping_answer(&mut self, payload: &[u8]) {
        framing::write(&mut self.out, Opcode::Pong, payload);
    }

    pub(crate) async fn flush(&mut self) -> Result<(), SocketError> {
        if !self.out.is_empty() {
            self.half.write_all(&self.out).await?;
            self.out.clear();
        }
        Ok(())
    }

    pub(crate) async fn send(&mut self, frame: &Value) -> Result<(), SocketError> {
        self.push(frame.to_string().as_bytes());
        self.flush().await
    }
}

fn tcp_socket(address: SocketAddr) -> io::Result<TcpSocket> {
    if address.is_ipv4() {
        TcpSocket::new_v4()
    } else {
        TcpSocket::new_v6()
    }
}

async fn handshake(socket: TcpSocket, address: SocketAddr) -> Result<Socket, SocketError> {
    let mut stream = socket.connect(address).await?;
    // Otherwise small frames wait for the acknowledgement of the one before.
    stream.set_nodelay(true)?;
    let key = generate_key();
    let request = format!(
        "GET /api/v1/ws HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let (head, rest) = read_head(&mut stream).await?;
    check_head(&head, &derive_accept_key(key.as_bytes()))?;
    let (read, write) = stream.into_split();
    let mut buffer = rest;
    let end = buffer.len();
    buffer.resize(BUFFER_BYTES_FIRST.max(end), 0);
    Ok(Socket {
        reader: Reader {
            half: read,
            buffer,
            start: 0,
            end,
        },
        writer: Writer {
            half: write,
            out: Vec::new(),
        },
    })
}

/// The response head, and the bytes that came along behind it.
async fn read_head(stream: &mut TcpStream) -> Result<(String, Vec<u8>), SocketError> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(SocketError::Ended);
        }
        if let Some(end) = memchr::memmem::find(&bytes, b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        if bytes.len() > HEAD_BYTES_MAX {
            return Err(SocketError::Refused("a head without an end".to_owned()));
        }
    }
}

fn check_head(head: &str, accept: &str) -> Result<(), SocketError> {
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap_or_default();
    let has = |name: &str, value: &str| {
        head.split("\r\n")
            .filter_map(|line| line.split_once(':'))
            .any(|(n, v)| n.eq_ignore_ascii_case(name) && v.trim() == value)
    };
    if !status.starts_with("HTTP/1.1 101 ") {
        return Err(SocketError::Refused(status.to_owned()));
    }
    if !has("sec-websocket-accept", accept) || !has("sec-websocket-protocol", SUBPROTOCOL) {
        return Err(SocketError::Refused(format!(
            "{status} without the right accept key and subprotocol"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use futures_util::{SinkExt, StreamExt};
    use tokio::net::TcpListener;
    use tokio_tungstenite::{
        WebSocketStream, accept_hdr_async,
        tungstenite::{
            Message,
            handshake::server::{ErrorResponse, Request, Response},
        },
    };

    use super::*;

    const HEAD: &str =
        "HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: abc=\r\nsec-websocket-protocol: verbatim.v1\r\n\r\n";

    #[test]
    fn a_handshake_needs_status_accept_key_and_subprotocol() {
        assert!(check_head(HEAD, "abc=").is_ok());
        assert!(check_head(HEAD, "abd=").is_err());
        assert!(check_head(&HEAD.replace("verbatim.v1", "other"), "abc=").is_err());
        assert!(check_head(&HEAD.replace("101 Switching", "200 OK"), "abc=").is_err());
    }

    #[expect(clippy::result_large_err, reason = "the signature is the library's")]
    fn negotiate(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
        let asked = request
            .headers()
            .get("sec-websocket-protocol")
            .expect("a subprotocol is asked for");
        response.headers_mut().insert("sec-websocket-protocol", asked.clone());
        Ok(response)
    }

    async fn hear(server: &mut WebSocketStream<TcpStream>) -> Value {
        let heard = server.next().await.expect("a frame").expect("a legal frame");
        serde_json::from_str(heard.to_text().expect("text")).expect("JSON")
    }

    async fn say(server: &mut WebSocketStream<TcpStream>, frame: Value) {
        server.send(Message::text(frame.to_string())).await.expect("sent");
    }

    /// A server by another hand greets, answers a subscription, then sends texts of many lengths with pings between.
    async fn serve(listener: TcpListener, lengths: Vec<usize>) {
        let (stream, _) = listener.accept().await.expect("a connection");
        let mut server = accept_hdr_async(stream, negotiate).await.expect("a handshake");
        assert_eq!(hear(&mut server).await["ticket"], "a ticket");
        say(&mut server, json!({"t": "feed"})).await;
        say(&mut server, json!({"t": "welcome"})).await;
        assert_eq!(
            hear(&mut server).await,
            json!({"t": "sub", "id": "sub", "ch": "c", "after": 7})
        );
        say(&mut server, json!({"t": "sub_ok", "id": "sub"})).await;
        for length in lengths {
            server.feed(Message::Ping("now".into())).await.expect("sent");
            server.feed(Message::text("x".repeat(length))).await.expect("sent");
        }
        server.close(None).await.expect("sent");
    }

    #[tokio::test]
    async fn a_server_by_another_hand_is_understood() {
        let lengths: Vec<usize> = (0..400).chain([4_090, 4_096, 65_535, 65_536, 300_000, 1]).collect();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = tokio::spawn(serve(listener, lengths.clone()));
        let mut socket = Socket::open(address, "a ticket", "a device", &[])
            .await
            .expect("welcome");
        socket.subscribe("c", 7).await.expect("subscribed");
        let (mut seen, mut pings) = (Vec::new(), 0);
        let end = loop {
            match socket.reader.next() {
                Ok(Some(Incoming::Text(text))) => seen.push(text.len()),
                Ok(Some(Incoming::Ping(payload))) => pings += usize::from(payload == b"now"),
                Ok(Some(Incoming::Pong)) => {}
                Ok(None) => socket.reader.fill().await.expect("more"),
                Err(end) => break end,
            }
        };
        assert!(matches!(end, SocketError::Closed { .. }), "{end}");
        assert_eq!((pings, seen), (lengths.len(), lengths));
        server.await.expect("the server is content");
    }
}

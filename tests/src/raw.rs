//! A socket without a WebSocket library: whatever bytes a test likes, and what comes back, frame by frame.

use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, BufReader},
    net::{TcpSocket, TcpStream},
    time::timeout,
};

use crate::{Address, DEADLINE, Person, socket::SUBPROTOCOL};

pub const FINAL: u8 = 0x80;
pub const CONTINUATION: u8 = 0x0;
pub const TEXT: u8 = 0x1;
pub const BINARY: u8 = 0x2;
pub const CLOSE: u8 = 0x8;
pub const PING: u8 = 0x9;
pub const PONG: u8 = 0xa;

pub struct RawSocket {
    stream: BufReader<TcpStream>,
}

/// A frame of the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawFrame {
    pub first: u8,
    pub payload: Vec<u8>,
}

impl RawFrame {
    /// The seq of an `ev` frame, read without a parser: these come by the hundred thousand.
    pub fn seq(&self) -> Option<u64> {
        const CHANNEL_ID: usize = "channel_".len() + 26;
        let rest = self.payload.strip_prefix(br#"{"t":"ev","ch":""#)?;
        let rest = rest.get(CHANNEL_ID..)?.strip_prefix(br#"","seq":"#)?;
        let digits = rest.iter().take_while(|byte| byte.is_ascii_digit());
        Some(digits.fold(0, |seq, digit| seq * 10 + u64::from(digit - b'0')))
    }

    /// Any frame but an event.
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.payload).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// The code of a close frame.
    pub fn close_code(&self) -> Option<u16> {
        let code = self.payload.first_chunk().filter(|_| self.first == FINAL | CLOSE)?;
        Some(u16::from_be_bytes(*code))
    }
}

/// A client's frame, masked as it must be.
pub fn raw_frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x37, 0xfa, 0x21, 0x3d];
    let mut frame = raw_header(first, payload.len() as u64);
    frame.extend_from_slice(&MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, key)| byte ^ key));
    frame
}

/// What a client's frame begins with, up to where the mask would follow.
pub fn raw_header(first: u8, length: u64) -> Vec<u8> {
    const MASKED: u8 = 0x80;
    let mut header = vec![first];
    match length {
        0..126 => header.push(MASKED | length as u8),
        126..0x1_0000 => {
            header.push(MASKED | 126);
            header.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            header.push(MASKED | 127);
            header.extend_from_slice(&length.to_be_bytes());
        }
    }
    header
}

impl RawSocket {
    /// A connection on which nothing has been said.
    pub async fn connected(address: &Address) -> Self {
        Self::over(TcpStream::connect(address.authority()).await.expect("a connection"))
    }

    /// One whose side of the connection holds so little that the server notices soon when nobody reads.
    pub async fn narrow(address: &Address) -> Self {
        const BYTES: u32 = 4 * 1024;
        let socket = TcpSocket::new_v4().expect("a TCP socket");
        socket.set_recv_buffer_size(BYTES).expect("a small buffer");
        let authority = address.authority().parse().expect("an address");
        Self::over(socket.connect(authority).await.expect("a connection"))
    }

    fn over(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a TCP socket");
        Self {
            stream: BufReader::new(stream),
        }
    }

    /// After the upgrade, before the hello.
    pub async fn upgraded(address: &Address) -> Self {
        Self::connected(address).await.upgrade(address).await
    }

    /// After the welcome.
    pub async fn welcomed(person: &Person) -> Self {
        let socket = Self::upgraded(person.stage().address()).await;
        socket.introduced(person, json!([])).await
    }

    pub async fn upgrade(mut self, address: &Address) -> Self {
        self.send(&upgrade_request(address)).await;
        let head = self.read_head().await;
        assert!(head.starts_with("HTTP/1.1 101"), "{head}");
        self
    }

    /// Says hello with these places to resume at, and is welcomed.
    pub async fn introduced(mut self, person: &Person, resume: Value) -> Self {
        let hello = json!({"t": "hello", "ticket": person.ticket().await, "resume": resume});
        self.send_text(&hello.to_string()).await;
        let welcome = self.frame().await.expect("a welcome");
        assert!(welcome.payload.starts_with(br#"{"t":"welcome""#), "{welcome:?}");
        self
    }

    pub async fn send_text(&mut self, text: &str) {
        self.send(&raw_frame(FINAL | TEXT, text.as_bytes())).await;
    }

    /// The server may have hung up over an earlier part already.
    pub async fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.ok();
    }

    /// The next frame, or `None` when the connection ends first.
    pub async fn frame(&mut self) -> Option<RawFrame> {
        let read = timeout(DEADLINE, self.read_frame()).await;
        read.unwrap_or_else(|_| panic!("waited {DEADLINE:?} for a frame")).ok()
    }

    /// The code the server closes with, whatever it says before.
    pub async fn close_code(&mut self) -> Option<u16> {
        while let Some(frame) = self.frame().await {
            if frame.first == FINAL | CLOSE {
                return frame.close_code();
            }
        }
        None
    }

    /// The text of an HTTP answer up to its empty line, or what came of it before the connection ended.
    pub async fn read_head(&mut self) -> String {
        let mut head = vec![];
        let reading = async {
            while !head.ends_with(b"\r\n\r\n") {
                match self.stream.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => return,
                }
            }
        };
        assert!(
            timeout(DEADLINE, reading).await.is_ok(),
            "waited {DEADLINE:?} for an answer"
        );
        String::from_utf8_lossy(&head).into_owned()
    }

    async fn read_frame(&mut self) -> std::io::Result<RawFrame> {
        let first = self.stream.read_u8().await?;
        let length = match self.stream.read_u8().await? {
            126 => u64::from(self.stream.read_u16().await?),
            127 => self.stream.read_u64().await?,
            short => u64::from(short),
        };
        let mut payload = vec![0; length as usize];
        self.stream.read_exact(&mut payload).await?;
        Ok(RawFrame { first, payload })
    }
}

/// A correct request for the upgrade.
pub fn upgrade_request(address: &Address) -> Vec<u8> {
    let host = address.authority();
    format!(
        "GET /api/v1/ws HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n\r\n"
    )
    .into_bytes()
}

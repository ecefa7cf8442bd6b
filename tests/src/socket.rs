//! One WebSocket, as a client sees it: frames in, frames out, and the code it was closed with. Frames that a test is not waiting for
//! are kept in order, since an answer and an event may overtake each other. Every frame is held against the published contract, coming and going;
//! only `send_text` and below take what breaks it.

use std::{collections::VecDeque, time::Duration};

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::{
    net::{TcpSocket, TcpStream},
    time::{Instant, timeout, timeout_at},
};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, client_async, connect_async_with_config,
    tungstenite::{
        Error, Message,
        client::IntoClientRequest,
        handshake::client::{Request, Response},
        http::{HeaderName, HeaderValue},
        protocol::frame::{
            CloseFrame, Frame,
            coding::{Data, OpCode},
        },
    },
};

use crate::{
    Address, DEADLINE, Person,
    ask::Seen,
    contract::{self, Sender},
    server::shared_complaints,
};

pub const SUBPROTOCOL: &str = "verbatim.v1";
/// A well-formed id that names no channel.
pub const NOWHERE: &str = "channel_01h455vb4pex5vsknk084sn02q";

pub struct Socket {
    stream: WebSocketStream<MaybeTlsStream<TcpStream>>,
    kept: VecDeque<Value>,
    /// The `ev` frames as they came, for tests that compare bytes.
    pub event_texts: Vec<String>,
    closed: Option<Option<u16>>,
    last_id: u64,
    pub welcome: Value,
    /// The subprotocol the server agreed to.
    pub subprotocol: Option<String>,
    pub answers_heartbeats: bool,
    /// Pongs of the WebSocket protocol itself.
    pub pongs: usize,
    /// The stage's memory of what was written, once somebody is known to be here.
    seen: Option<Seen>,
}

/// The upgrade was answered with an HTTP error.
#[derive(Debug)]
pub struct Refused {
    pub status: u16,
    pub headers: reqwest::header::HeaderMap,
}

/// What a socket says first.
#[derive(Debug, Clone, Default)]
pub struct Hello {
    pub resume: Vec<(String, u64)>,
    pub incarnation: Option<String>,
}

/// What came next.
#[derive(Debug)]
enum Read {
    Frame,
    Closed,
}

/// Opening.
impl Socket {
    /// Connected, introduced and welcomed.
    pub async fn of(person: &Person) -> Self {
        Self::resumed(person, Hello::default()).await
    }

    pub async fn resumed(person: &Person, hello: Hello) -> Self {
        let socket = Self::unintroduced(person.stage().address()).await;
        socket.welcomed(person, &hello).await
    }

    async fn welcomed(mut self, person: &Person, hello: &Hello) -> Self {
        self.introduce(&person.ticket().await, hello).await;
        self.seen = Some(person.stage().seen());
        self.welcome = self.expect("welcome").await;
        self
    }

    /// Like [`Self::resumed`], with so small a window that little is on its way to somebody who does not read.
    pub async fn narrow(person: &Person, hello: Hello) -> Self {
        const WINDOW_BYTES: u32 = 4 * 1024;
        let address = person.stage().address();
        let tcp = TcpSocket::new_v4().expect("a socket");
        tcp.set_recv_buffer_size(WINDOW_BYTES).expect("a small window");
        let to = address.authority().parse().expect("an address");
        let stream = tcp.connect(to).await.expect("the server accepts");
        let request = asking(address, &[("sec-websocket-protocol", SUBPROTOCOL)]).expect("a request");
        let (stream, answer) = client_async(request, MaybeTlsStream::Plain(stream))
            .await
            .expect("the upgrade is accepted");
        Self::over(stream, &answer).welcomed(person, &hello).await
    }

    /// For tests that kill the server: `None` when it is gone before the welcome.
    pub async fn try_of(person: &Person) -> Option<Self> {
        Self::try_resumed(person, Hello::default()).await
    }

    pub async fn try_resumed(person: &Person, hello: Hello) -> Option<Self> {
        let answer = person.post("/ws/ticket").try_send().await.ok()?;
        let ticket = answer["ticket"].as_str()?;
        let headers = [("sec-websocket-protocol", SUBPROTOCOL)];
        let mut socket = Self::try_upgrade(person.stage().address(), &headers).await.ok()?;
        socket.try_introduce(ticket, &hello).await.ok()?;
        socket.welcome = socket.try_take("the welcome", |frame| frame["t"] == "welcome").await?;
        Some(socket)
    }

    /// Connected, without a word said.
    pub async fn unintroduced(address: &Address) -> Self {
        Self::upgrade(address, &[("sec-websocket-protocol", SUBPROTOCOL)])
            .await
            .expect("the upgrade is accepted")
    }

    /// Asks for the upgrade with these headers.
    pub async fn upgrade(address: &Address, headers: &[(&str, &str)]) -> Result<Self, Refused> {
        match Self::try_upgrade(address, headers).await {
            Ok(socket) => Ok(socket),
            Err(Error::Http(answer)) => Err(Refused {
                status: answer.status().as_u16(),
                headers: answer.headers().clone(),
            }),
            Err(error) => panic!("the upgrade got no answer: {error}"),
        }
    }

    /// For tests that kill the server.
    pub async fn try_upgrade(address: &Address, headers: &[(&str, &str)]) -> Result<Self, Error> {
        // What a test has sent is on its way, not held back until something else was acknowledged.
        const NO_DELAY: bool = true;
        let (stream, answer) = connect_async_with_config(asking(address, headers)?, None, NO_DELAY).await?;
        Ok(Self::over(stream, &answer))
    }

    fn over(stream: WebSocketStream<MaybeTlsStream<TcpStream>>, answer: &Response) -> Self {
        let subprotocol = answer
            .headers()
            .get("sec-websocket-protocol")
            .and_then(|value| value.to_str().ok());
        Self {
            subprotocol: subprotocol.map(str::to_owned),
            stream,
            kept: VecDeque::new(),
            event_texts: vec![],
            closed: None,
            last_id: 0,
            welcome: Value::Null,
            answers_heartbeats: true,
            pongs: 0,
            seen: None,
        }
    }

    pub async fn introduce(&mut self, ticket: &str, hello: &Hello) {
        self.try_introduce(ticket, hello)
            .await
            .expect("the socket takes a frame");
    }

    async fn try_introduce(&mut self, ticket: &str, hello: &Hello) -> Result<(), Error> {
        let resume: Vec<Value> = hello
            .resume
            .iter()
            .map(|(ch, seq)| json!({"ch": ch, "seq": seq}))
            .collect();
        let mut frame = json!({"t": "hello", "ticket": ticket, "device": "black-box", "resume": resume});
        if let Some(incarnation) = &hello.incarnation {
            frame["incarnation"] = json!(incarnation);
        }
        self.try_send_frame(&frame).await
    }
}

/// Sending.
impl Socket {
    /// A frame, or an array of them, as the contract has it.
    pub async fn send(&mut self, frame: &Value) {
        self.try_send_frame(frame).await.expect("the socket takes a frame");
    }

    /// For tests that kill the server.
    async fn try_send_frame(&mut self, frame: &Value) -> Result<(), Error> {
        match frame {
            Value::Array(frames) => frames.iter().for_each(|frame| contract::check(frame, Sender::Client)),
            frame => contract::check(frame, Sender::Client),
        }
        self.try_send(Message::text(frame.to_string())).await
    }

    /// Whatever it is: for what breaks the contract on purpose.
    pub async fn send_text(&mut self, text: impl Into<String>) {
        self.try_send(Message::text(text.into()))
            .await
            .expect("the socket takes a frame");
    }

    pub async fn send_binary(&mut self, bytes: Vec<u8>) {
        self.try_send(Message::binary(bytes))
            .await
            .expect("the socket takes a frame");
    }

    /// Bytes that call themselves text, whatever they are; `last` ends the message.
    pub async fn send_fragment(&mut self, bytes: Vec<u8>, first: bool, last: bool) {
        let code = OpCode::Data(if first { Data::Text } else { Data::Continue });
        // The server may have hung up over an earlier part already.
        self.try_send(Message::Frame(Frame::message(bytes, code, last)))
            .await
            .ok();
    }

    pub async fn ping(&mut self) {
        self.try_send(Message::Ping(vec![1].into()))
            .await
            .expect("the socket takes a frame");
    }

    /// Says goodbye; the answer is read by [`Self::close_code`].
    pub async fn close(&mut self, code: u16) {
        let frame = CloseFrame {
            code: code.into(),
            reason: "bye".into(),
        };
        self.try_send(Message::Close(Some(frame)))
            .await
            .expect("the socket takes a frame");
    }

    pub async fn try_send(&mut self, message: Message) -> Result<(), Error> {
        self.stream.send(message).await
    }

    pub fn next_id(&mut self) -> String {
        self.last_id += 1;
        self.last_id.to_string()
    }

    /// Sends a command without waiting; the id its answer will carry.
    pub async fn post(&mut self, op: &str, ch: &str, key: &str, d: Value) -> String {
        let id = self.next_id();
        self.send(&json!({"t": "cmd", "id": id, "op": op, "ch": ch, "key": key, "d": d}))
            .await;
        id
    }

    /// For tests that kill the server: `None` when the socket is gone.
    pub async fn try_post_message(&mut self, ch: &str, key: &str, body: &str) -> Option<String> {
        let id = self.next_id();
        let frame = json!({"t": "cmd", "id": id, "op": "message.send", "ch": ch, "key": key, "d": {"body": body}});
        self.try_send_frame(&frame).await.ok()?;
        Some(id)
    }

    pub async fn post_message(&mut self, ch: &str, key: &str, body: &str) -> String {
        self.post("message.send", ch, key, json!({"body": body})).await
    }
}

/// Asking.
impl Socket {
    /// Sends a command and waits for its `ok` or `err`.
    pub async fn command(&mut self, op: &str, ch: &str, key: &str, d: Value) -> Value {
        let id = self.post(op, ch, key, d).await;
        self.answer(&id).await
    }

    /// Sends a message and waits for its `ok`.
    pub async fn say(&mut self, ch: &str, body: &str) -> Value {
        let ok = self
            .command("message.send", ch, &crate::fresh_key(), json!({"body": body}))
            .await;
        assert_eq!(ok["t"], "ok", "{ok}");
        ok
    }

    /// Subscribes, from live or from after a seq, and waits for `sub_ok`.
    pub async fn subscribe(&mut self, ch: &str, after: Option<u64>) -> Value {
        let answer = self.try_subscribe(ch, after).await;
        assert_eq!(answer["t"], "sub_ok", "{answer}");
        answer
    }

    /// Subscribes and waits for whatever answers.
    pub async fn try_subscribe(&mut self, ch: &str, after: Option<u64>) -> Value {
        let id = self.next_id();
        let mut frame = json!({"t": "sub", "id": id, "ch": ch});
        if let Some(after) = after {
            frame["after"] = after.into();
        }
        self.send(&frame).await;
        self.answer(&id).await
    }
}

/// Receiving.
impl Socket {
    /// The next frame of this kind.
    pub async fn expect(&mut self, kind: &str) -> Value {
        self.take(kind, |frame| frame["t"] == kind).await
    }

    /// The frame that answers `id`.
    pub async fn answer(&mut self, id: &str) -> Value {
        self.take(&format!("the answer to {id}"), |frame| frame["id"] == id)
            .await
    }

    /// The next event of a channel.
    pub async fn event(&mut self, ch: &str) -> Value {
        self.take(&format!("an event of {ch}"), |frame| {
            frame["t"] == "ev" && frame["ch"] == ch
        })
        .await
    }

    /// The next events of a channel, this many.
    pub async fn events(&mut self, ch: &str, count: usize) -> Vec<Value> {
        let mut events = vec![];
        while events.len() < count {
            events.push(self.event(ch).await);
        }
        events
    }

    /// The first frame that fits, kept or still to come.
    pub async fn take(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let found = self.try_take(what, fits).await;
        found.unwrap_or_else(|| panic!("closed with {:?} before {what}; unread: {:?}", self.closed, self.kept))
    }

    /// Like [`Self::take`], or `None` when the socket ends first.
    pub async fn try_take(&mut self, what: &str, fits: impl Fn(&Value) -> bool) -> Option<Value> {
        let end = Instant::now() + DEADLINE;
        let mut looked = 0;
        loop {
            while looked < self.kept.len() {
                if fits(&self.kept[looked]) {
                    return self.kept.remove(looked);
                }
                looked += 1;
            }
            if let Read::Closed = self.read(what, end).await {
                return None;
            }
        }
    }

    /// The code the server closes with, once it does.
    pub async fn close_code(&mut self) -> Option<u16> {
        let end = Instant::now() + DEADLINE;
        while let Read::Frame = self.read("the close", end).await {}
        self.closed.expect("just closed")
    }

    /// Frames that arrived and were not asked for, in order.
    pub fn unread(&self) -> impl Iterator<Item = &Value> {
        self.kept.iter()
    }

    /// Lets go of everything that arrived and was not asked for.
    pub fn forget_unread(&mut self) {
        self.kept.clear();
    }

    /// Shows that the socket still works: a command is answered, with a refusal, since the channel exists nowhere.
    pub async fn is_alive(&mut self) {
        let err = self
            .command(
                "message.send",
                NOWHERE,
                &crate::fresh_key(),
                json!({"body": "anyone there?"}),
            )
            .await;
        assert_eq!(err["t"], "err", "{err}");
    }

    /// The next frame, kept or arriving within this time; `None` when there is none, which does not mean that none will come.
    pub async fn next_within(&mut self, wait: Duration) -> Option<Value> {
        while self.kept.is_empty() && self.closed.is_none() {
            let message = timeout(wait, self.stream.next()).await.ok()?;
            self.receive(message).await;
        }
        self.kept.pop_front()
    }

    pub fn is_closed(&self) -> bool {
        self.closed.is_some()
    }

    async fn read(&mut self, what: &str, end: Instant) -> Read {
        if self.closed.is_some() {
            return Read::Closed;
        }
        let Ok(message) = timeout_at(end, self.stream.next()).await else {
            panic!(
                "waited {DEADLINE:?} for {what}; unread: {:?}{}",
                self.kept,
                shared_complaints()
            );
        };
        self.receive(message).await
    }

    async fn receive(&mut self, message: Option<Result<Message, Error>>) -> Read {
        match message {
            Some(Ok(Message::Text(text))) => self.keep(&text).await,
            Some(Ok(Message::Pong(_))) => self.pongs += 1,
            Some(Ok(Message::Ping(_) | Message::Frame(_))) => {}
            Some(Ok(Message::Binary(_))) => panic!("the server sent a binary frame"),
            Some(Ok(Message::Close(frame))) => return self.end(frame.map(|frame| frame.code.into())),
            Some(Err(_)) | None => return self.end(None),
        }
        Read::Frame
    }

    fn end(&mut self, code: Option<u16>) -> Read {
        self.closed = Some(code);
        Read::Closed
    }

    async fn keep(&mut self, text: &str) {
        if text.starts_with(r#"{"t":"ev","#) {
            self.event_texts.push(text.to_owned());
        }
        let frames = match serde_json::from_str(text) {
            Ok(Value::Array(frames)) => frames,
            Ok(frame @ Value::Object(_)) => vec![frame],
            Ok(_) | Err(_) => panic!("the server sent something that is not a frame: {text}"),
        };
        for frame in frames {
            contract::check(&frame, Sender::Server);
            if frame["t"] == "hb" && self.answers_heartbeats {
                self.try_send(Message::text(json!({"t": "pong"}).to_string()))
                    .await
                    .ok();
            }
            if let (Some(seen), Some(position)) = (&self.seen, frame["pos"].as_str().filter(|_| frame["t"] == "ok")) {
                seen.note(position);
            }
            self.kept.push_back(frame);
        }
    }
}

/// The request for the upgrade, with these headers.
fn asking(address: &Address, headers: &[(&str, &str)]) -> Result<Request, Error> {
    let mut request = address.ws("/api/v1/ws").into_client_request()?;
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).expect("a header name");
        request
            .headers_mut()
            .insert(name, HeaderValue::from_str(value).expect("a header value"));
    }
    Ok(request)
}

//! A channel's events as server-sent events, read as they come over the wire.

use std::collections::VecDeque;

use serde_json::Value;
use tokio::time::timeout;

use crate::{Answer, Ask, DEADLINE, Person};

pub struct EventStream {
    response: reqwest::Response,
    /// Bytes that are no whole block yet.
    rest: Vec<u8>,
    blocks: VecDeque<Block>,
}

/// What stands between two empty lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Block {
    pub id: Option<String>,
    pub event: Option<String>,
    pub data: Option<String>,
    /// Comments: what clients ignore.
    pub comments: Vec<String>,
}

impl Block {
    pub fn json(&self) -> Value {
        let data = self.data.as_deref().expect("a block with data");
        serde_json::from_str(data).expect("data is JSON")
    }
}

impl Person {
    /// Asks for the stream; `query` like `after=9`, or nothing.
    pub fn asking_for_stream(&self, channel: &str, query: &str) -> Ask {
        self.get(&format!("/channels/{channel}/events?{query}"))
            .header("accept", "text/event-stream")
    }

    pub async fn event_stream(&self, channel: &str, query: &str) -> EventStream {
        EventStream::of(self.asking_for_stream(channel, query)).await
    }
}

impl EventStream {
    /// Opened, or a refusal.
    pub async fn open(ask: Ask) -> Result<Self, Answer> {
        let response = ask.open().await;
        if response.status() != 200 {
            return Err(Answer::read("a stream".to_owned(), response).await.expect("an answer"));
        }
        let kind = response.headers().get("content-type").expect("a kind");
        assert_eq!(kind, "text/event-stream");
        Ok(Self {
            response,
            rest: vec![],
            blocks: VecDeque::new(),
        })
    }

    pub async fn of(ask: Ask) -> Self {
        match Self::open(ask).await {
            Ok(stream) => stream,
            Err(refused) => panic!("the stream was refused: {}", refused.text),
        }
    }

    /// The next block; `None` at the end of the stream.
    pub async fn block(&mut self) -> Option<Block> {
        while self.blocks.is_empty() {
            let chunk = timeout(DEADLINE, self.response.chunk()).await.expect("in time");
            self.take(&chunk.expect("the stream is whole")?);
        }
        self.blocks.pop_front()
    }

    /// The next block with data; `None` at the end of the stream.
    pub async fn data(&mut self) -> Option<Block> {
        loop {
            let block = self.block().await?;
            if block.data.is_some() {
                return Some(block);
            }
        }
    }

    /// The next events, this many.
    pub async fn events(&mut self, count: usize) -> Vec<Block> {
        let mut events = vec![];
        while events.len() < count {
            let block = self.data().await.expect("the stream goes on");
            assert_eq!(block.event, None, "an event has the default kind");
            events.push(block);
        }
        events
    }

    fn take(&mut self, chunk: &[u8]) {
        self.rest.extend_from_slice(chunk);
        while let Some(end) = self.rest.windows(2).position(|two| two == b"\n\n") {
            let block: Vec<u8> = self.rest.drain(..end + 2).collect();
            let text = String::from_utf8(block).expect("UTF-8");
            self.blocks.push_back(parse(&text));
        }
    }
}

fn parse(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.split_once(':').expect("a field or a comment") {
            ("", comment) => block.comments.push(comment.trim().to_owned()),
            ("id", id) => block.id = Some(id.trim_start().to_owned()),
            ("event", event) => block.event = Some(event.trim_start().to_owned()),
            ("data", data) => block.data = Some(data.strip_prefix(' ').unwrap_or(data).to_owned()),
            ("retry", wait) => assert!(wait.trim().parse::<u64>().is_ok(), "{line}"),
            _ => panic!("no field of an event stream: {line}"),
        }
    }
    block
}

//! One request over HTTP, being put together. What a test does not say is not sent.

use std::sync::{Arc, Mutex, PoisonError};

use reqwest::{Method, RequestBuilder};
use serde_json::Value;

use crate::Answer;

/// The newest place in the log that a write was answered with, shared by the people of one stage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Seen(Arc<Mutex<Option<String>>>);

impl Seen {
    pub(crate) fn position(&self) -> Option<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Answers come in any order, and a repeat is answered with the position of its first time: an older one changes nothing.
    pub(crate) fn note(&self, position: &str) {
        let mut newest = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if newest.as_deref().is_none_or(|newest| place(newest) <= place(position)) {
            *newest = Some(position.to_owned());
        }
    }
}

/// Clients must not look into a position. The harness does, since waiting for less than was written would make tests fail by chance.
fn place(position: &str) -> u64 {
    let number = position.rsplit('.').next().and_then(|number| number.parse().ok());
    number.unwrap_or_else(|| panic!("the harness cannot order the position {position:?}"))
}

#[must_use = "a request is sent by `.send().await`"]
pub struct Ask {
    builder: RequestBuilder,
    asked: String,
    /// Only the position of a write is remembered: a view may answer with an older one.
    writes_seen: Option<Seen>,
}

impl Ask {
    pub(crate) fn new(client: &reqwest::Client, method: Method, url: &str, seen: Seen) -> Self {
        let writes_seen = (method != Method::GET && method != Method::HEAD).then_some(seen);
        Self {
            asked: format!("{method} {url}"),
            builder: client.request(method, url),
            writes_seen,
        }
    }

    pub fn json(mut self, body: &Value) -> Self {
        self.builder = self.builder.json(body);
        self
    }

    /// These bytes, declared as JSON.
    pub fn raw_json(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.builder = self
            .builder
            .header("content-type", "application/json")
            .body(body.into());
        self
    }

    /// These bytes, and no word about what they are.
    pub fn raw_body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.builder = self.builder.body(body.into());
        self
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.builder = self.builder.header(name, value);
        self
    }

    pub fn token(self, token: &str) -> Self {
        self.header("authorization", &format!("Bearer {token}"))
    }

    pub fn key(self, key: &str) -> Self {
        self.header("idempotency-key", key)
    }

    pub async fn send(self) -> Answer {
        let asked = self.asked.clone();
        self.try_send()
            .await
            .unwrap_or_else(|error| panic!("{asked} got no answer: {error:?}"))
    }

    /// The head of the answer, with its body still to come.
    pub(crate) async fn open(self) -> reqwest::Response {
        let sent = self.builder.send().await;
        sent.unwrap_or_else(|error| panic!("{} got no answer: {error:?}", self.asked))
    }

    /// For tests that kill the server: no answer is an outcome.
    pub async fn try_send(self) -> reqwest::Result<Answer> {
        let answer = Answer::read(self.asked, self.builder.send().await?).await?;
        if let (Some(seen), 200..300, Some(position)) = (self.writes_seen, answer.status, answer.header("x-position")) {
            seen.note(position);
        }
        Ok(answer)
    }
}

//! The HTTP side of the protocol, as far as scenarios need it to set the scene and to read it back. One method per resource and verb;
//! an answer that is not a success is an error with the server's own sentence.

use anyhow::{Context, ensure};
use reqwest::{Method, StatusCode, Url};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::{Value, json};

/// The most a page may hold.
const PAGE_ITEMS_MAX: u32 = 100;

#[derive(Debug, Clone)]
pub(crate) struct Http {
    client: reqwest::Client,
    base: Url,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Session {
    pub(crate) access_token: String,
    pub(crate) expires_in: u64,
    pub(crate) user: User,
}

#[derive(Debug, Clone, Deserialize)]
pub(crate) struct User {
    pub(crate) id: String,
}

#[derive(Debug, Deserialize)]
struct Named {
    id: String,
}

#[derive(Debug, Deserialize)]
struct Ticket {
    ticket: String,
}

/// The answer to a command on a channel.
#[derive(Debug, Deserialize)]
pub(crate) struct Acked {
    pub(crate) seq: u64,
}

#[derive(Debug, Deserialize)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    pub(crate) hi: u64,
    pub(crate) complete_after: bool,
}

/// One generation of a view, as operators see it.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Generation {
    name: String,
    pub(crate) generation: u64,
    pub(crate) state: String,
    pub(crate) checkpoint: u64,
}

#[derive(Debug, Deserialize)]
struct Generations {
    items: Vec<Generation>,
}

/// A message as timeline pages show it.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub(crate) struct Item {
    pub(crate) id: String,
    pub(crate) seq: u64,
    pub(crate) by: String,
    pub(crate) body: Option<String>,
}

impl Http {
    pub(crate) fn new(server: &Url) -> anyhow::Result<Self> {
        Ok(Self {
            client: reqwest::Client::builder().tcp_nodelay(true).no_proxy().build()?,
            base: server.join("/api/v1/")?,
        })
    }

    /// None when the handle is taken.
    pub(crate) async fn register(
        &self,
        handle: &str,
        display_name: &str,
        password: &str,
    ) -> anyhow::Result<Option<Session>> {
        let body = json!({"handle": handle, "display_name": display_name, "password": password});
        let (status, text) = self.call(Method::POST, "auth/register", None, Some(&body)).await?;
        if status == StatusCode::CONFLICT {
            Ok(None)
        } else {
            read(status, &text, "registering").map(Some)
        }
    }

    pub(crate) async fn login(&self, handle: &str, password: &str) -> anyhow::Result<Session> {
        let (status, text) = self
            .call(
                Method::POST,
                "auth/login",
                None,
                Some(&json!({"handle": handle, "password": password})),
            )
            .await?;
        read(status, &text, "signing in")
    }

    pub(crate) async fn create_space(&self, token: &str, name: &str) -> anyhow::Result<String> {
        self.ask::<Named>(Method::POST, "spaces", token, Some(&json!({"name": name})))
            .await
            .map(|space| space.id)
    }

    pub(crate) async fn put_space_member(&self, token: &str, space: &str, user: &str) -> anyhow::Result<()> {
        let path = format!("spaces/{space}/members/{user}");
        self.ask::<Value>(Method::PUT, &path, token, Some(&json!({"role": "member"})))
            .await
            .map(drop)
    }

    pub(crate) async fn create_channel(&self, token: &str, space: &str, name: &str) -> anyhow::Result<String> {
        let body = json!({"name": name, "kind": "text"});
        self.ask::<Named>(Method::POST, &format!("spaces/{space}/channels"), token, Some(&body))
            .await
            .map(|channel| channel.id)
    }

    pub(crate) async fn join_channel(&self, token: &str, channel: &str) -> anyhow::Result<Acked> {
        self.ask(Method::POST, &format!("channels/{channel}/join"), token, None)
            .await
    }

    pub(crate) async fn ticket(&self, token: &str) -> anyhow::Result<String> {
        self.ask::<Ticket>(Method::POST, "ws/ticket", token, None)
            .await
            .map(|ticket| ticket.ticket)
    }

    /// A page of a channel's messages after a seq, as of a place in the log at least.
    pub(crate) async fn messages_after(
        &self,
        token: &str,
        channel: &str,
        after: u64,
        min_pos: &str,
    ) -> anyhow::Result<Page> {
        let min_pos: String = reqwest::Url::parse_with_params("http://x", [("min_pos", min_pos)])?
            .query()
            .unwrap_or_default()
            .to_owned();
        let path = format!("channels/{channel}/messages?after={after}&limit={PAGE_ITEMS_MAX}&{min_pos}");
        self.ask(Method::GET, &path, token, None).await
    }

    /// The newest page of a channel's messages, as the view has it.
    pub(crate) async fn newest_messages(&self, token: &str, channel: &str) -> anyhow::Result<Page> {
        self.ask(Method::GET, &format!("channels/{channel}/messages"), token, None)
            .await
    }

    /// As an operator: the generations of a view.
    pub(crate) async fn generations(&self, token: &str, view: &str) -> anyhow::Result<Vec<Generation>> {
        let all: Generations = self.ask(Method::GET, "admin/projections", token, None).await?;
        Ok(all.items.into_iter().filter(|one| one.name == view).collect())
    }

    /// As an operator: has a view built again.
    pub(crate) async fn rebuild(&self, token: &str, view: &str, events_per_s: Option<u32>) -> anyhow::Result<()> {
        let path = format!("admin/projections/{view}/rebuild");
        let body = json!({"events_per_s": events_per_s});
        self.ask::<Value>(Method::POST, &path, token, Some(&body))
            .await
            .map(drop)
    }

    async fn ask<T: DeserializeOwned>(
        &self,
        method: Method,
        path: &str,
        token: &str,
        body: Option<&Value>,
    ) -> anyhow::Result<T> {
        let what = format!("{method} {path}");
        let (status, text) = self.call(method, path, Some(token), body).await?;
        read(status, &text, &what)
    }

    async fn call(
        &self,
        method: Method,
        path: &str,
        token: Option<&str>,
        body: Option<&Value>,
    ) -> anyhow::Result<(StatusCode, String)> {
        let mut request = self.client.request(method, self.base.join(path)?);
        if let Some(token) = token {
            request = request.bearer_auth(token);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        let response = request.send().await?;
        Ok((response.status(), response.text().await?))
    }
}

/// Reads a success, or turns a problem into its sentence.
fn read<T: DeserializeOwned>(status: StatusCode, text: &str, what: &str) -> anyhow::Result<T> {
    ensure!(
        status.is_success(),
        "{what} was answered with {status}: {}",
        problem(text)
    );
    // An empty answer reads as null, which is enough where nothing of it is needed.
    let text = if text.is_empty() { "null" } else { text };
    serde_json::from_str(text).with_context(|| format!("{what} was answered with another shape than the protocol's"))
}

fn problem(text: &str) -> String {
    let problem: Value = serde_json::from_str(text).unwrap_or_default();
    match (
        problem["code"].as_str(),
        problem["detail"].as_str().or(problem["title"].as_str()),
    ) {
        (Some(code), Some(detail)) => format!("{code}, {detail}"),
        (Some(code), None) => code.to_owned(),
        (None, _) => text.chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_problem_becomes_a_sentence() {
        let body = r#"{"status":403,"code":"message/not-author","detail":"only the author can edit a message"}"#;
        let error = read::<Value>(StatusCode::FORBIDDEN, body, "PATCH x").expect_err("refused");
        assert_eq!(
            error.to_string(),
            "PATCH x was answered with 403 Forbidden: message/not-author, only the author can edit a message"
        );
        assert!(
            read::<Value>(StatusCode::BAD_GATEWAY, "<html>", "GET x")
                .expect_err("refused")
                .to_string()
                .contains("<html>")
        );
    }

    #[test]
    fn an_empty_success_is_enough_where_nothing_is_needed() {
        assert_eq!(
            read::<Value>(StatusCode::NO_CONTENT, "", "PUT x").expect("read"),
            Value::Null
        );
        assert!(read::<Named>(StatusCode::OK, "", "POST x").is_err());
    }
}

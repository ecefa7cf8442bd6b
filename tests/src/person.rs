//! A person with an account: what they ask over HTTP, one method for each thing people do. Reads wait for the stage's last write.

use reqwest::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Answer, Ask, Stage,
    contract::{self, Sender},
    socket::Socket,
};

/// Long enough for any policy; the same for everyone.
pub const PASSWORD: &str = "correct horse battery staple";

#[derive(Debug, Clone)]
pub struct Person {
    pub id: String,
    pub handle: String,
    pub token: String,
    pub session: String,
    stage: Stage,
}

/// Accounts.
impl Person {
    pub(crate) async fn register(stage: Stage, handle: &str) -> Self {
        let body = json!({"handle": handle, "display_name": handle, "password": PASSWORD});
        let answer = stage.post("/api/v1/auth/register").json(&body).send().await.is(201);
        Self::signed_in(stage, handle, &answer)
    }

    /// The same person in a session of its own.
    pub async fn another_session(&self) -> Self {
        Self::sign_in(self.stage.clone(), &self.handle).await
    }

    pub(crate) async fn sign_in(stage: Stage, handle: &str) -> Self {
        let body = json!({"handle": handle, "password": PASSWORD});
        let answer = stage.post("/api/v1/auth/login").json(&body).send().await.is(200);
        Self::signed_in(stage, handle, &answer)
    }

    fn signed_in(stage: Stage, handle: &str, answer: &Answer) -> Self {
        let id = answer["user"]["id"].as_str().expect("a user").to_owned();
        Self {
            id,
            handle: handle.to_owned(),
            token: answer.str("access_token"),
            session: answer.str("session_id"),
            stage,
        }
    }
}

/// Requests.
impl Person {
    pub fn stage(&self) -> &Stage {
        &self.stage
    }

    pub fn ask(&self, method: Method, path: &str) -> Ask {
        self.stage.ask(method, &format!("/api/v1{path}")).token(&self.token)
    }

    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Ask {
        self.ask(Method::POST, path)
    }

    pub fn put(&self, path: &str) -> Ask {
        self.ask(Method::PUT, path)
    }

    pub fn patch(&self, path: &str) -> Ask {
        self.ask(Method::PATCH, path)
    }

    pub fn delete(&self, path: &str) -> Ask {
        self.ask(Method::DELETE, path)
    }

    /// Reads a view that has seen everything the stage wrote.
    pub async fn read(&self, path: &str) -> Answer {
        let joint = if path.contains('?') { '&' } else { '?' };
        let position = self.stage.position().map(|position| escaped(&position));
        let path = position.map_or(path.to_owned(), |position| format!("{path}{joint}min_pos={position}"));
        self.get(&path).send().await
    }

    /// The one `cmd` frame, by `POST /commands`.
    pub async fn command(&self, op: &str, ch: &str, key: &str, d: Value) -> Answer {
        let answer = self
            .post("/commands")
            .json(&json!({"t": "cmd", "id": "c", "op": op, "ch": ch, "key": key, "d": d}))
            .send()
            .await;
        if matches!(answer.status, 200 | 201) {
            contract::check(&answer.body, Sender::Server);
        }
        answer
    }
}

/// Spaces and channels.
impl Person {
    pub async fn create_space(&self, name: &str) -> String {
        self.post("/spaces")
            .json(&json!({"name": name}))
            .send()
            .await
            .is(201)
            .str("id")
    }

    pub async fn create_channel(&self, space: &str, name: &str) -> String {
        let body = json!({"name": name, "kind": "text"});
        self.post(&format!("/spaces/{space}/channels"))
            .json(&body)
            .send()
            .await
            .is(201)
            .str("id")
    }

    pub async fn create_private_channel(&self, space: &str, name: &str) -> String {
        let body = json!({"name": name, "kind": "text", "private": true});
        self.post(&format!("/spaces/{space}/channels"))
            .json(&body)
            .send()
            .await
            .is(201)
            .str("id")
    }

    pub async fn open_direct(&self, with: &Person) -> Answer {
        self.post("/channels")
            .json(&json!({"kind": "direct", "members": [with.id]}))
            .send()
            .await
            .accepted()
    }

    pub async fn create_group(&self, others: &[&Person]) -> String {
        let members: Vec<&str> = others.iter().map(|person| person.id.as_str()).collect();
        self.post("/channels")
            .json(&json!({"kind": "group", "members": members}))
            .send()
            .await
            .is(201)
            .str("id")
    }

    /// Makes someone a member of a space.
    pub async fn admit(&self, space: &str, person: &Person) {
        self.set_role(space, person, "member").await.accepted();
    }

    pub async fn set_role(&self, space: &str, person: &Person, role: &str) -> Answer {
        self.put(&format!("/spaces/{space}/members/{}", person.id))
            .json(&json!({"role": role}))
            .send()
            .await
    }

    pub async fn remove_from_space(&self, space: &str, person: &Person) -> Answer {
        self.delete(&format!("/spaces/{space}/members/{}", person.id))
            .send()
            .await
    }

    /// Puts someone out of a space and keeps them out.
    pub async fn ban(&self, space: &str, person: &Person) -> Answer {
        self.put(&format!("/spaces/{space}/bans/{}", person.id))
            .json(&json!({"reason": "sells things"}))
            .send()
            .await
    }

    pub async fn join(&self, channel: &str) -> Answer {
        self.post(&format!("/channels/{channel}/join")).send().await.accepted()
    }

    pub async fn leave(&self, channel: &str) -> Answer {
        self.post(&format!("/channels/{channel}/leave")).send().await.accepted()
    }

    pub async fn add_member(&self, channel: &str, person: &Person) -> Answer {
        self.put(&format!("/channels/{channel}/members/{}", person.id))
            .send()
            .await
    }

    pub async fn remove_member(&self, channel: &str, person: &Person) -> Answer {
        self.delete(&format!("/channels/{channel}/members/{}", person.id))
            .send()
            .await
    }

    /// This channel as it stands in the person's own list.
    pub async fn listed(&self, channel: &str) -> Value {
        let list = self.read("/channels").await.is(200);
        let found = list.items().iter().find(|item| item["id"] == channel);
        found
            .unwrap_or_else(|| panic!("{channel} is not in {}", list.text))
            .clone()
    }
}

/// Messages.
impl Person {
    pub async fn send(&self, channel: &str, body: &str) -> Answer {
        self.send_keyed(channel, &fresh_key(), body).await.is(201)
    }

    pub async fn send_keyed(&self, channel: &str, key: &str, body: &str) -> Answer {
        self.sending(channel, key, body).send().await
    }

    pub fn sending(&self, channel: &str, key: &str, body: &str) -> Ask {
        self.post(&format!("/channels/{channel}/messages"))
            .key(key)
            .json(&json!({"body": body}))
    }

    pub async fn edit(&self, channel: &str, message: &str, body: &str) -> Answer {
        self.patch(&format!("/channels/{channel}/messages/{message}"))
            .json(&json!({"body": body}))
            .send()
            .await
    }

    pub async fn delete_message(&self, channel: &str, message: &str) -> Answer {
        self.delete(&format!("/channels/{channel}/messages/{message}"))
            .send()
            .await
    }

    pub async fn message(&self, channel: &str, message: &str) -> Answer {
        self.read(&format!("/channels/{channel}/messages/{message}")).await
    }

    /// A page of the timeline; `query` like `limit=5&before=9`, or nothing.
    pub async fn page(&self, channel: &str, query: &str) -> Answer {
        let page = self
            .read(&format!("/channels/{channel}/messages?{query}"))
            .await
            .is(200);
        page.items().iter().for_each(contract::check_message);
        page
    }

    pub async fn mark_read(&self, channel: &str, seq: u64) -> Answer {
        self.put(&format!("/channels/{channel}/read"))
            .json(&json!({"seq": seq}))
            .send()
            .await
            .accepted()
    }

    /// One page of the raw stream.
    pub async fn events_after(&self, channel: &str, after: u64) -> Vec<Value> {
        let page = self
            .get(&format!("/channels/{channel}/events?after={after}&limit=100"))
            .send()
            .await
            .is(200);
        page.items().iter().for_each(contract::check_event);
        page.items().clone()
    }

    /// The whole raw stream, page by page.
    pub async fn all_events(&self, channel: &str) -> Vec<Value> {
        let mut events: Vec<Value> = vec![];
        loop {
            let after = events.last().map_or(0, |event| event["seq"].as_u64().expect("a seq"));
            let page = self.events_after(channel, after).await;
            if page.is_empty() {
                return events;
            }
            events.extend(page);
        }
    }

    /// The whole timeline, from the oldest message on.
    pub async fn all_messages(&self, channel: &str) -> Vec<Value> {
        let mut messages: Vec<Value> = vec![];
        loop {
            let after = messages
                .last()
                .map_or(0, |message| message["seq"].as_u64().expect("a seq"));
            let page = self.page(channel, &format!("after={after}&limit=100")).await;
            if page.items().is_empty() {
                return messages;
            }
            messages.extend(page.items().iter().cloned());
        }
    }
}

/// Sockets.
impl Person {
    pub async fn ticket(&self) -> String {
        self.post("/ws/ticket").send().await.is(201).str("ticket")
    }

    /// A socket that was welcomed.
    pub async fn socket(&self) -> Socket {
        Socket::of(self).await
    }
}

/// Fit for one command.
pub fn fresh_key() -> String {
    Uuid::new_v4().to_string()
}

/// Positions are opaque: nothing says that their characters may stand in a query.
fn escaped(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

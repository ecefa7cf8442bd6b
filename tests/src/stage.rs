//! A stage: one server and the people of one test on it. They share what they have written, so that a read by one of them sees what
//! another did before.

use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::Method;

use crate::{Address, Ask, Person, Server, ask::Seen, shared};

#[derive(Debug, Clone)]
pub struct Stage {
    address: Address,
    seen: Seen,
    client: reqwest::Client,
}

/// A space with one channel and the people in both.
#[derive(Debug, Clone)]
pub struct Room {
    pub space: String,
    pub channel: String,
}

impl Stage {
    /// On the server that tests without special wishes share.
    pub fn shared() -> Self {
        Self::on(shared())
    }

    pub fn on(server: &Server) -> Self {
        // One client per test: its connections belong to the runtime of that test.
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("a client without special wishes");
        Self {
            address: server.address().clone(),
            seen: Seen::default(),
            client,
        }
    }

    /// Registers a person whose handle begins with `name`.
    pub async fn person(&self, name: &str) -> Person {
        Person::register(self.clone(), &fresh_handle(name)).await
    }

    /// Somebody who registered on another stage of the same server, perhaps before it was restarted.
    pub async fn signed_in(&self, handle: &str) -> Person {
        Person::sign_in(self.clone(), handle).await
    }

    /// The first owns the space and the channel; the others are plain members of both.
    pub async fn room(&self, people: &[&Person]) -> Room {
        let (owner, others) = people.split_first().expect("a room has somebody in it");
        let space = owner.create_space("Reading club").await;
        let channel = owner.create_channel(&space, "general").await;
        for person in others {
            owner.admit(&space, person).await;
            person.join(&channel).await;
        }
        Room { space, channel }
    }

    /// A request from nobody in particular.
    pub fn ask(&self, method: Method, path: &str) -> Ask {
        Ask::new(&self.client, method, &self.address.http(path), self.seen.clone())
    }

    pub fn get(&self, path: &str) -> Ask {
        self.ask(Method::GET, path)
    }

    pub fn post(&self, path: &str) -> Ask {
        self.ask(Method::POST, path)
    }

    /// The newest place in the log that this stage's writes were answered with.
    pub fn position(&self) -> Option<String> {
        self.seen.position()
    }

    pub(crate) fn seen(&self) -> Seen {
        self.seen.clone()
    }

    pub fn address(&self) -> &Address {
        &self.address
    }
}

/// No two tests, runs or people share one.
pub(crate) fn fresh_handle(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let run = &uuid::Uuid::new_v4().simple().to_string()[..8];
    format!("{name}-{run}-{count}")
}

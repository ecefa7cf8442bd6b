//! The people of a run: signed up once, signed in again when their access token grows old. What they do is the scenario's business.

use std::time::{Duration, Instant};

use anyhow::Context;
use futures_util::{StreamExt, TryStreamExt, stream};
use indicatif::ProgressBar;

use crate::{
    http::{Http, Session},
    socket::Socket,
};

/// Enough to keep a server busy that hashes passwords on every core, few enough for its queue.
const SIGN_UPS_AT_ONCE: usize = 8;
/// Cheap requests.
pub(crate) const REQUESTS_AT_ONCE: usize = 32;
/// The same for everyone: these accounts protect nothing.
const PASSWORD: &str = "correct horse battery staple 7";

/// Someone who can sign in.
#[derive(Debug, Clone)]
pub(crate) struct Person {
    pub(crate) id: String,
    pub(crate) token: String,
    handle: String,
    stale_at: Instant,
}

impl Person {
    /// Makes the account, or signs in to it when an earlier run made it.
    pub(crate) async fn sign_up(http: &Http, handle: &str, display_name: &str) -> anyhow::Result<Self> {
        let session = match http.register(handle, display_name, PASSWORD).await? {
            Some(session) => session,
            None => http.login(handle, PASSWORD).await?,
        };
        Ok(Self::signed_in(handle.to_owned(), session))
    }

    /// Signs in again if the token has lived more than half its time.
    pub(crate) async fn refresh(&mut self, http: &Http) -> anyhow::Result<()> {
        if Instant::now() >= self.stale_at {
            let session = http.login(&self.handle, PASSWORD).await?;
            *self = Self::signed_in(std::mem::take(&mut self.handle), session);
        }
        Ok(())
    }

    /// Opens a socket with a fresh ticket.
    pub(crate) async fn connect(&self, http: &Http, address: std::net::SocketAddr) -> anyhow::Result<Socket> {
        let ticket = http.ticket(&self.token).await?;
        Socket::open(address, &ticket, &format!("load-{}", self.handle), &[])
            .await
            .with_context(|| format!("{} got no socket", self.handle))
    }

    fn signed_in(handle: String, session: Session) -> Self {
        let stale_at = Instant::now() + Duration::from_secs(session.expires_in) / 2;
        Self {
            id: session.user.id,
            token: session.access_token,
            handle,
            stale_at,
        }
    }
}

/// Signs up everyone of a list of handles and display names, in its order.
pub(crate) async fn sign_up_all(
    http: &Http,
    names: Vec<(String, String)>,
    bar: &ProgressBar,
) -> anyhow::Result<Vec<Person>> {
    stream::iter(names)
        .map(|(handle, display_name)| async move {
            let person = Person::sign_up(http, &handle, &display_name).await?;
            bar.inc(1);
            anyhow::Ok(person)
        })
        .buffered(SIGN_UPS_AT_ONCE)
        .try_collect()
        .await
}

//! The one HTTP client for every address that somebody outside may influence: key sets of issuers, documents that prove an identity.
//! It reaches public addresses over https only, looks every name up itself and connects to nothing but the addresses it has checked,
//! checks each redirect like the first address, and bounds bytes and time. What is fetched, and what it means, is decided by the callers.
//!
//! To add a caller: choose its [`Reach`] and its bound of bytes; never build a client elsewhere.

mod addresses;
mod names;
#[cfg(test)]
pub(crate) mod site;
mod target;

use std::{
    sync::{Arc, OnceLock},
    time::Duration,
};

use reqwest::{Client, Response, header, redirect};
use tokio::sync::Semaphore;
use url::Url;

pub(crate) use names::{Names, SystemNames};
pub(crate) use target::Reach;

use crate::metrics::OutboundMetrics;
use names::{Guarded, NothingPublic};

/// Redirects of one fetch; a well-known document needs one or none.
const REDIRECTS_MAX: usize = 3;
/// From the lookup of the name to a connection with TLS.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
/// From the wish to the last byte, redirects and waiting for one's turn included.
const TOTAL_TIMEOUT: Duration = Duration::from_secs(8);
/// Fetches under way at a time: they are for documents that are asked rarely.
const AT_ONCE: usize = 16;
/// Headers of one answer.
const ANSWER_HEADERS_MAX: usize = 64;

/// Why there is no document. Nothing in it names an address, so that it may be told and logged.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the address must be an https one without user, password or port")]
    Address,
    // One sentence for both: which names resolve inside is nobody's business outside.
    #[error("the name has no public address")]
    NotPublic,
    #[error("the name has no public address")]
    NoSuchName,
    #[error("there are more than {REDIRECTS_MAX} redirects")]
    Redirects,
    #[error("the server cannot be reached")]
    Unreachable,
    #[error("the server answered with {0}")]
    Status(u16),
    #[error("the answer is larger than {0} bytes")]
    TooLarge(usize),
    #[error("it took too long")]
    TooSlow,
}

impl Refused {
    /// For metrics: a closed set.
    fn outcome(&self) -> &'static str {
        match self {
            Self::Address => "address",
            Self::NotPublic => "not_public",
            Self::NoSuchName => "no_such_name",
            Self::Redirects => "redirects",
            Self::Unreachable => "unreachable",
            Self::Status(_) => "status",
            Self::TooLarge(_) => "too_large",
            Self::TooSlow => "too_slow",
        }
    }
}

pub(crate) struct Outbound {
    names: Arc<dyn Names>,
    /// Origins for tests, for which the address is not checked. Only profile dev knows any.
    exceptions: Vec<String>,
    /// Made when first needed: the roots of trust are read from the machine, and a service that asks nobody needs none.
    guarded: OnceLock<Client>,
    unguarded: OnceLock<Client>,
    turns: Semaphore,
    metrics: OutboundMetrics,
}

impl Outbound {
    pub(crate) fn new(names: Arc<dyn Names>, exceptions: Vec<String>, metrics: OutboundMetrics) -> Self {
        Self {
            names,
            exceptions,
            guarded: OnceLock::new(),
            unguarded: OnceLock::new(),
            turns: Semaphore::new(AT_ONCE),
            metrics,
        }
    }

    /// The document at `url`, at most `bytes_max` of it.
    pub(crate) async fn get(&self, url: &Url, reach: Reach, bytes_max: usize) -> Result<Vec<u8>, Refused> {
        let fetched = tokio::time::timeout(TOTAL_TIMEOUT, self.in_turn(url.clone(), reach, bytes_max)).await;
        let fetched = fetched.unwrap_or(Err(Refused::TooSlow));
        let outcome = fetched.as_ref().err().map_or("fetched", Refused::outcome);
        self.metrics.ended(outcome);
        fetched
    }

    /// Whether `origin` is one of those for tests.
    pub(crate) fn is_exception(&self, origin: &str) -> bool {
        self.exceptions.iter().any(|exception| exception == origin)
    }

    async fn in_turn(&self, mut url: Url, reach: Reach, bytes_max: usize) -> Result<Vec<u8>, Refused> {
        let _turn = self.turns.acquire().await.map_err(|_| Refused::Unreachable)?;
        for _ in 0..=REDIRECTS_MAX {
            let response = self.once(&url, reach).await?;
            match response.status().as_u16() {
                200 => return body(response, bytes_max).await,
                301 | 302 | 303 | 307 | 308 => url = next(&url, reach, &response)?,
                status => return Err(Refused::Status(status)),
            }
        }
        Err(Refused::Redirects)
    }

    async fn once(&self, url: &Url, reach: Reach) -> Result<Response, Refused> {
        let client = if self.is_exception(&url.origin().ascii_serialization()) {
            self.client(&self.unguarded, Reach::Private)
        } else {
            target::check(url, reach)?;
            match reach {
                Reach::Anywhere | Reach::Configured => self.client(&self.guarded, reach),
                Reach::Private => self.client(&self.unguarded, reach),
            }
        };
        let asked = client?
            .get(url.clone())
            .header(header::ACCEPT, "application/json, */*;q=0.1");
        asked.send().await.map_err(|error| why(&error))
    }

    fn client(&self, made: &OnceLock<Client>, reach: Reach) -> Result<Client, Refused> {
        if let Some(client) = made.get() {
            return Ok(client.clone());
        }
        let client = build(Guarded::new(Arc::clone(&self.names), reach)).map_err(|error| {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "No client for outbound requests can be made"
            );
            Refused::Unreachable
        })?;
        Ok(made.get_or_init(|| client).clone())
    }
}

/// No connection is kept, so that each fetch looks its name up anew; no proxy of the environment, which would do the lookup in our place.
fn build(names: Guarded) -> reqwest::Result<Client> {
    Client::builder()
        .dns_resolver(Arc::new(names))
        .no_proxy()
        .redirect(redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .timeout(TOTAL_TIMEOUT)
        .pool_max_idle_per_host(0)
        .http1_max_headers(ANSWER_HEADERS_MAX)
        .user_agent(concat!("verbatim/", env!("CARGO_PKG_VERSION")))
        .build()
}

/// Where a redirect leads. An address that may be private was named by the operator, and nobody else may lead us on from there.
fn next(from: &Url, reach: Reach, response: &Response) -> Result<Url, Refused> {
    let location = response.headers().get(header::LOCATION);
    let location = location
        .and_then(|location| location.to_str().ok())
        .ok_or(Refused::Address)?;
    match reach {
        Reach::Private => Err(Refused::Redirects),
        Reach::Anywhere | Reach::Configured => from.join(location).map_err(|_| Refused::Address),
    }
}

/// Read piece by piece, so that no more than the bound is ever held, whatever length was announced.
async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>, Refused> {
    let mut body = vec![];
    while let Some(piece) = response.chunk().await.map_err(|error| why(&error))? {
        if body.len() + piece.len() > bytes_max {
            return Err(Refused::TooLarge(bytes_max));
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// Our own lookup says why it refused, deep below.
fn why(error: &reqwest::Error) -> Refused {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(found) = cause {
        if found.is::<NothingPublic>() {
            return Refused::NotPublic;
        }
        if found.is::<names::NoAddress>() {
            return Refused::NoSuchName;
        }
        cause = found.source();
    }
    if error.is_timeout() {
        Refused::TooSlow
    } else {
        Refused::Unreachable
    }
}

#[cfg(test)]
mod tests;

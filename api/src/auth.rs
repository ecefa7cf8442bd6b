//! Who someone is: passwords, the tokens and tickets that stand for a session, and the accounts behind them. Credentials live in the
//! service database, never in the log. What a known person may do is decided by the domain.

mod accounts;
mod bearer;
mod credentials;
mod dpop;
mod families;
mod identities;
mod issuers;
mod jwt;
mod keys;
mod passwords;
mod sessions;
mod standings;
mod stay;
mod tickets;
mod tokens;

use std::{path::Path, sync::Arc, time::Duration};

use event_store::{EventLog, Head, ReadError};
use prometheus_client::registry::Registry;
use serde_json::Value;
use tokio::task::JoinHandle;

pub use accounts::{NewAccount, SignIn, SignedIn};
pub(crate) use bearer::authenticate;
pub use credentials::{Credentials, CredentialsError};
pub(crate) use dpop::{Proofs, algorithms as proof_algorithms};
pub(crate) use families::{Exchanged, Families, Issued, RefreshToken};
pub(crate) use identities::Identities;
pub(crate) use issuers::Issuers;
pub use issuers::{SigningAlgorithm, algorithm_named, algorithm_names};
pub(crate) use jwt::strict_object;
pub use keys::{KeyError, Keys};
pub use passwords::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, Passwords};
pub use sessions::{Listed, NewPassword, Refreshed};
use standings::Kept;
pub use standings::{Cut, Standings};
pub(crate) use stay::Stay;
pub use tickets::Tickets;
pub use tokens::Tokens;

use crate::{
    limits::Limits,
    problem::{Problem, codes},
    request::{Who, now},
};

/// Everything that tells who someone is.
pub struct Auth {
    pub(crate) passwords: Passwords,
    pub(crate) credentials: Credentials,
    pub(crate) standings: Arc<Standings>,
    tokens: Tokens,
    tickets: Tickets,
    families: Arc<Families>,
    /// The turn of those who register, from being let in to being somebody.
    admissions: tokio::sync::Mutex<()>,
    following: [JoinHandle<()>; 3],
}

/// What accounts stand on cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum AuthError {
    #[error(transparent)]
    Database(#[from] CredentialsError),
    #[error(transparent)]
    Log(#[from] ReadError),
}

impl Auth {
    /// Knows everyone who was out when the log's head was `head`, and follows the log from there.
    pub async fn open(
        service: &Path,
        keys: &Keys,
        limits: &Limits,
        log: &Arc<dyn EventLog>,
        head: &Head,
    ) -> Result<Self, AuthError> {
        let token_life = Duration::from_secs(limits.access_token_seconds as u64);
        let credentials = Credentials::open(service).await?;
        let (kept, keeper) = Kept::load(credentials.pool(), head, token_life)
            .await
            .map_err(CredentialsError::from)?;
        let standings = Standings::new(&kept, token_life);
        standings.catch_up(log.as_ref(), head.position).await?;
        let families = Arc::new(Families::new(credentials.pool(), limits));
        let following = [
            tokio::spawn(Arc::clone(&standings).run(Arc::clone(log))),
            tokio::spawn(keeper.run(Arc::clone(log))),
            tokio::spawn({
                let families = Arc::clone(&families);
                async move { families.keep_house().await }
            }),
        ];
        let ticket_life = Duration::from_millis(limits.ticket_ttl_ms as u64);
        Ok(Self {
            passwords: Passwords::new(limits.password_queue),
            credentials,
            standings,
            tokens: Tokens::new(&keys.access, token_life),
            tickets: Tickets::new(limits.tickets_open, ticket_life),
            families,
            admissions: tokio::sync::Mutex::new(()),
            following,
        })
    }

    pub fn register_metrics(&self, registry: &mut Registry) {
        self.standings.register(registry);
    }

    /// Who the bearer of an access token is.
    pub fn verify(&self, token: &str) -> Result<Who, Problem> {
        self.tokens
            .verify(token)
            .filter(|who| self.is_in(who))
            .ok_or_else(|| Problem::new(&codes::AUTH_INVALID_TOKEN))
    }

    /// A ticket that opens one socket, soon.
    pub fn issue_ticket(&self, who: Who) -> Result<String, Problem> {
        self.tickets
            .issue(who, now())
            .ok_or_else(|| Problem::new(&codes::SERVICE_BUSY))
    }

    /// Whose ticket it is. A ticket works once, and `None` says nothing about why it does not.
    pub fn redeem(&self, ticket: &str) -> Option<Who> {
        let who = self.tickets.redeem(ticket, now()).filter(|who| self.is_in(who))?;
        self.families.note_use(who.session, now());
        Some(who)
    }

    /// Whether the session lasts and its person is not suspended. Says nothing of how long its access token lasts.
    pub(crate) fn is_in(&self, who: &Who) -> bool {
        let issued_at = who.expires_at - self.tokens.life();
        !self.standings.is_out(who.user, who.session, now()) && !self.standings.is_forgotten(issued_at)
    }

    /// The public keys that verify access tokens, as a JWK set.
    pub fn jwks(&self) -> Value {
        self.tokens.jwks()
    }

    pub async fn close(&self) {
        self.following.iter().for_each(JoinHandle::abort);
        self.credentials.close().await;
    }
}

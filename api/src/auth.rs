//! Who someone is: passwords, the tokens and tickets that stand for a session, and the accounts behind them. Credentials live in the
//! service database, never in the log. What a known person may do is decided by the domain.

mod accounts;
mod credentials;
mod keys;
mod passwords;
mod standings;
mod tickets;
mod tokens;

use std::{path::Path, sync::Arc, time::Duration};

use event_store::EventLog;
use serde_json::Value;

pub use accounts::{NewAccount, SignIn, SignedIn};
pub use credentials::{Credentials, CredentialsError};
pub use keys::{KeyError, Keys};
pub use passwords::{PASSWORD_BYTES_MAX, PASSWORD_CHARS_MIN, Passwords};
pub use standings::{Cut, Standings};
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
}

impl Auth {
    /// From `head` on, the log is followed for those who are out.
    pub async fn open(
        service: &Path,
        keys: &Keys,
        limits: &Limits,
        log: &Arc<dyn EventLog>,
        head: u64,
    ) -> Result<Self, CredentialsError> {
        let token_life = Duration::from_secs(limits.access_token_seconds as u64);
        let standings = Standings::new(head);
        tokio::spawn(Arc::clone(&standings).run(Arc::clone(log)));
        let ticket_life = Duration::from_millis(limits.ticket_ttl_ms as u64);
        Ok(Self {
            passwords: Passwords::new(limits.password_queue),
            credentials: Credentials::open(service).await?,
            standings,
            tokens: Tokens::new(&keys.access, token_life),
            tickets: Tickets::new(limits.tickets_open, ticket_life),
        })
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
        self.tickets.redeem(ticket, now()).filter(|who| self.is_in(who))
    }

    fn is_in(&self, who: &Who) -> bool {
        !self.standings.is_out(who.user, who.session, now())
    }

    /// The public keys that verify access tokens, as a JWK set.
    pub fn jwks(&self) -> Value {
        self.tokens.jwks()
    }

    pub async fn close(&self) {
        self.credentials.close().await;
    }
}

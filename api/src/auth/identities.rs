//! The accounts of those who come with a token of somebody else's: found by issuer and subject, or opened at their first request. The
//! rows come first and in one transaction, then the event: where a crash falls between the two, the next request completes it, so there is
//! exactly one account.

use std::num::NonZeroUsize;

use actix_web::HttpRequest;
use domain::{DisplayName, Handle, UserId};
use lru::LruCache;
use parking_lot::Mutex;
use secrecy::SecretString;
use sha2::{Digest, Sha256};
use sqlx::SqlitePool;
use uuid::Uuid;

use super::{
    accounts,
    credentials::{Credential, CredentialsError, credential},
    issuers::Foreign,
};
use crate::{
    app::App,
    problem::{Problem, codes},
    request::{client_address, fresh_key, now, request_id},
};

/// Subjects whose account is remembered without a query.
const KNOWN_MAX: NonZeroUsize = NonZeroUsize::new(10_000).expect("more than none");
/// Characters of a wished handle that are kept, so that there is room to make it unique.
const HANDLE_ROOM: usize = Handle::MAX_CHARS - 14;
/// What a handle begins with whose owner's wish cannot be one.
const NAMELESS: &str = "user";

type Subject = [u8; 32];

pub(crate) struct Identities {
    pool: SqlitePool,
    known: Mutex<LruCache<Subject, UserId>>,
    /// One account is opened at a time, so that the many first requests of a new person make one.
    opening: tokio::sync::Mutex<()>,
}

/// How an account that somebody tried to open came out.
enum Opened {
    Done,
    HandleTaken,
    /// By another request of the same subject.
    Already,
}

impl Identities {
    pub(crate) fn new(pool: SqlitePool) -> Self {
        Self {
            pool,
            known: Mutex::new(LruCache::new(KNOWN_MAX)),
            opening: tokio::sync::Mutex::default(),
        }
    }

    /// Whose token it is. Where nobody may be added, an unknown subject is told what a wrong token is told.
    pub(crate) async fn user_of(&self, app: &App, foreign: &Foreign, request: &HttpRequest) -> Result<UserId, Problem> {
        let subject = hash(foreign);
        if let Some(user) = self.known.lock().get(&subject) {
            return Ok(*user);
        }
        let credential = match self.find(foreign).await? {
            Some(credential) => credential,
            None if foreign.issuer.create_accounts => self.open(app, foreign, request).await?,
            None => return Err(Problem::new(&codes::AUTH_INVALID_TOKEN)),
        };
        if !accounts::is_registered(&app.commands, credential.user).await? {
            let (name, id) = (&credential.display_name, request_id(request));
            accounts::register_account(&app.commands, &credential, name, fresh_key(), id).await?;
        }
        self.known.lock().put(subject, credential.user);
        Ok(credential.user)
    }

    async fn find(&self, foreign: &Foreign) -> Result<Option<Credential>, CredentialsError> {
        let row = sqlx::query(include_str!("identities/by_subject.sql"))
            .bind(&foreign.issuer.issuer)
            .bind(&foreign.subject)
            .fetch_optional(&self.pool)
            .await?;
        row.as_ref().map(credential).transpose()
    }

    async fn open(&self, app: &App, foreign: &Foreign, request: &HttpRequest) -> Result<Credential, Problem> {
        app.takes_work()?;
        app.rates
            .registration(client_address(request, &app.settings.trusted_proxies))?;
        let _one = self.opening.lock().await;
        if let Some(credential) = self.find(foreign).await? {
            return Ok(credential);
        }
        // Nobody has this password; that it is a real one makes the account refuse sign-ins as slowly as any other.
        let secret = SecretString::from(format!("{}{}", Uuid::new_v4(), Uuid::new_v4()));
        let mut credential = Credential {
            user: Uuid::now_v7().into(),
            handle: Handle::parse(NAMELESS).map_err(|error| Problem::internal(&error))?,
            display_name: display_name(foreign)?,
            password_hash: app.auth.passwords.hash(secret).await?,
            password_version: 0,
        };
        for handle in handles(foreign) {
            // The log may know handles that the table has lost.
            if app.views.directory.person_by_handle(&handle).await?.is_some() {
                continue;
            }
            credential.handle = handle;
            match self.insert(foreign, &credential).await? {
                Opened::Done => return Ok(credential),
                Opened::HandleTaken => {}
                Opened::Already => break,
            }
        }
        let theirs = self.find(foreign).await?;
        theirs.ok_or_else(|| Problem::new(&codes::SERVICE_BUSY))
    }

    async fn insert(&self, foreign: &Foreign, credential: &Credential) -> Result<Opened, CredentialsError> {
        let at = now().timestamp_micros();
        let mut both = self.pool.begin_with("begin immediate").await?;
        let subject = sqlx::query(include_str!("identities/insert.sql"))
            .bind(&foreign.issuer.issuer)
            .bind(&foreign.subject)
            .bind(credential.user.uuid().as_bytes().to_vec())
            .bind(at)
            .execute(&mut *both)
            .await?;
        if subject.rows_affected() == 0 {
            return Ok(Opened::Already);
        }
        let handle = sqlx::query(include_str!("credentials/insert.sql"))
            .bind(credential.handle.as_str())
            .bind(credential.user.uuid().as_bytes().to_vec())
            .bind(credential.display_name.as_str())
            .bind(&credential.password_hash)
            .bind(at)
            .execute(&mut *both)
            .await?;
        if handle.rows_affected() == 0 {
            return Ok(Opened::HandleTaken);
        }
        both.commit().await?;
        Ok(Opened::Done)
    }
}

fn hash(foreign: &Foreign) -> Subject {
    let mut text = Sha256::new();
    text.update(foreign.issuer.issuer.len().to_be_bytes());
    text.update(&foreign.issuer.issuer);
    text.update(&foreign.subject);
    text.finalize().into()
}

/// The wished handle in a form that one can be, then the same with ever more of the subject's hash behind it.
fn handles(foreign: &Foreign) -> Vec<Handle> {
    let wished = foreign
        .handle
        .as_deref()
        .map(folded)
        .filter(|text| Handle::parse(text).is_ok());
    let plain = wished.clone().unwrap_or_default();
    let base = wished.unwrap_or_else(|| NAMELESS.to_owned());
    let hash: String = hash(foreign).iter().map(|byte| format!("{byte:02x}")).collect();
    let longer = [4, 8, 12].map(|digits| format!("{base}-{}", &hash[..digits]));
    let texts = std::iter::once(plain).chain(longer);
    texts.filter_map(|text| Handle::parse(&text).ok()).collect()
}

/// The part before an `@`, in the letters of a handle.
fn folded(wish: &str) -> String {
    let name = wish.split('@').next().unwrap_or_default();
    let letter = |c: char| match c.to_ascii_lowercase() {
        c @ ('a'..='z' | '0'..='9' | '_' | '.' | '-') => c,
        _ => '-',
    };
    let text: String = name.chars().take(HANDLE_ROOM).map(letter).collect();
    text.trim_matches(['_', '.', '-']).to_owned()
}

/// As the issuer has it, if that can be one, else after the handle.
fn display_name(foreign: &Foreign) -> Result<DisplayName, Problem> {
    let short = |text: &str| text.chars().take(DisplayName::MAX_CHARS).collect::<String>();
    let wishes = [&foreign.display_name, &foreign.handle];
    let wished = wishes
        .into_iter()
        .flatten()
        .find_map(|text| DisplayName::parse(&short(text)).ok());
    match wished {
        Some(name) => Ok(name),
        None => DisplayName::parse(NAMELESS).map_err(|error| Problem::internal(&error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_wish_becomes_a_handle_or_none() {
        for (wish, made) in [
            ("Ann", "ann"),
            ("ann.b@example.org", "ann.b"),
            ("Ann Böhm", "ann-b-hm"),
            ("--ann--", "ann"),
            ("..", ""),
            ("日本", ""),
        ] {
            assert_eq!(folded(wish), made, "{wish}");
        }
        assert!(folded(&"x".repeat(500)).len() <= HANDLE_ROOM);
    }
}

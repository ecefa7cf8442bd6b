//! Sessions after their start: how they go on, how they end, and which there are. Whoever ends one is answered when nobody is let in by it
//! any more.

use std::time::Duration;

use chrono::{DateTime, Utc};
use commands::{Caller, CommandError, Commands, Outcome};
use domain::{
    Actor, DisplayName, Handle, SessionId, UserId,
    user::{Command, Rejection, Revocation},
};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Auth, Exchanged, Issued, RefreshToken, credentials::Credential};
use crate::{
    problem::{Problem, codes},
    request::{Who, fresh_key, now},
};

/// How long an answer waits until this node knows of the end that it tells of.
const KNOWN_WITHIN: Duration = Duration::from_secs(5);

/// A session goes on.
pub struct Refreshed {
    pub user: UserId,
    pub handle: Handle,
    pub display_name: DisplayName,
    pub session: SessionId,
    pub access_token: String,
    pub access_expires_at: DateTime<Utc>,
    pub(crate) refresh: Issued,
}

/// A session as its person sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    pub id: SessionId,
    pub device: Option<String>,
    pub started_at: DateTime<Utc>,
    pub last_used_at: DateTime<Utc>,
}

/// Somebody wants another password.
#[derive(Debug)]
pub struct NewPassword {
    pub who: Who,
    pub old: SecretString,
    pub new: SecretString,
    pub caller: Caller,
}

impl Auth {
    /// The next pair of tokens for a refresh token; the same pair for the same token within the time for lost answers. A token that comes
    /// back later ends its session.
    pub async fn refresh(&self, commands: &Commands, presented: &str, request_id: Uuid) -> Result<Refreshed, Problem> {
        let refused = || Problem::new(&codes::AUTH_INVALID_REFRESH);
        let token = RefreshToken::parse(presented).ok_or_else(refused)?;
        let user = self.families.owner(&token).await?.ok_or_else(refused)?;
        let session = token.session();
        let (handle, display_name) = open_session(commands, user, session).await?.ok_or_else(refused)?;
        let at = now();
        let exchanged = self
            .families
            .exchange(&token, at, |user, session| self.tokens.issue(user, session, at));
        match exchanged.await? {
            Exchanged::Pair(pair) => Ok(Refreshed {
                user,
                handle,
                display_name,
                session,
                access_token: pair.access_token,
                access_expires_at: pair.access_expires_at,
                refresh: pair.refresh,
            }),
            Exchanged::Reused => {
                tracing::warn!(user.id = %user, session.id = %session, "A refresh token came a second time; its session ends");
                self.end_session(commands, user, session, Revocation::Reuse, request_id)
                    .await?;
                Err(refused())
            }
            Exchanged::Refused => Err(refused()),
        }
    }

    /// Whose session a refresh token is of, whether or not it is the newest; `None` for one that was never issued, or is forgotten.
    pub async fn bearer_of(&self, presented: &str) -> Result<Option<(UserId, SessionId)>, Problem> {
        let Some(token) = RefreshToken::parse(presented) else {
            return Ok(None);
        };
        let owner = self.families.owner(&token).await?;
        Ok(owner.map(|user| (user, token.session())))
    }

    /// Ends one session on behalf of the service; one that has ended is left as it is.
    pub async fn end_session(
        &self,
        commands: &Commands,
        user: UserId,
        session: SessionId,
        why: Revocation,
        request_id: Uuid,
    ) -> Result<(), Problem> {
        let caller = Caller {
            actor: Actor::User(user),
            acting_as: None,
            key: fresh_key(),
            request_id,
            at: now(),
        };
        let command = Command::RevokeSession { session, why };
        match commands.users.execute(user.uuid(), command, caller).await {
            Ok(outcome) => self.known(outcome.position).await,
            // Ended before, perhaps a moment ago: it is over once this node knows.
            Err(CommandError::Rejected(Rejection::NoSuchSession)) => {
                let ended_by = commands.users.read(user.uuid(), |view| view.position).await?;
                self.known(ended_by).await
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Carries out a command that ends sessions.
    pub async fn end(
        &self,
        commands: &Commands,
        user: UserId,
        command: Command,
        caller: Caller,
    ) -> Result<Outcome, Problem> {
        let outcome = commands.users.execute(user.uuid(), command, caller).await?;
        self.known(outcome.position).await?;
        Ok(outcome)
    }

    /// A person's sessions that can go on, and the one they ask from; the newest first.
    pub async fn sessions(&self, commands: &Commands, who: Who) -> Result<Vec<Listed>, Problem> {
        let going_on = self.families.of(who.user).await?;
        let listed = commands.users.read(who.user.uuid(), move |view| {
            let sessions = view.state.account()?.sessions().filter_map(|(id, session)| {
                let used = going_on.get(&id).copied();
                let last_used_at = used.or((id == who.session).then_some(session.started_at))?;
                Some(Listed {
                    id,
                    device: session.device.clone(),
                    started_at: session.started_at,
                    last_used_at: last_used_at.max(session.started_at),
                })
            });
            Some(sessions.collect::<Vec<_>>())
        });
        let mut listed = listed.await?.unwrap_or_default();
        listed.sort_by_key(|session| std::cmp::Reverse((session.started_at, session.id)));
        Ok(listed)
    }

    /// Replaces the password and ends every session but the one that asks.
    pub async fn change_password(&self, commands: &Commands, wish: NewPassword) -> Result<Outcome, Problem> {
        let NewPassword { who, old, new, caller } = wish;
        let wrong = || Problem::invalid("/old", "this is not the password");
        let credential = self.credentials.of(who.user).await?;
        let hash = credential.as_ref().map(|credential| credential.password_hash.clone());
        let right = self.passwords.verify(old, hash.clone()).await?;
        match credential.filter(|_| right) {
            Some(credential) => self.replace_password(&credential, who, new).await?,
            // The password is the new one already: a repeat, whose first time may have been cut short before the others were out.
            None if self.passwords.verify(new.clone(), hash).await? => {}
            None => return Err(wrong()),
        }
        let command = Command::RevokeSessions {
            except: Some(who.session),
            why: Revocation::PasswordChanged,
        };
        self.end(commands, who.user, command, caller).await
    }

    async fn replace_password(&self, credential: &Credential, who: Who, new: SecretString) -> Result<(), Problem> {
        let about = [credential.handle.as_str(), credential.display_name.as_str()];
        if let Some(weakness) = self.passwords.weakness(&new, &about).await? {
            return Err(Problem::invalid("/new", weakness));
        }
        let hash = self.passwords.hash(new).await?;
        if self.credentials.replace(credential, &hash, who.session).await? {
            Ok(())
        } else {
            // Another change was faster, so the old password is so no more.
            Err(Problem::invalid("/old", "this is not the password"))
        }
    }

    /// Waits until what stands at `position` is known to everyone who is asked on this node.
    async fn known(&self, position: u64) -> Result<(), Problem> {
        let seen = tokio::time::timeout(KNOWN_WITHIN, self.standings.has_seen(position));
        seen.await.map_err(|_| Problem::new(&codes::VIEW_BEHIND))
    }
}

/// The account's names, if the session has not ended, as the log says now.
async fn open_session(
    commands: &Commands,
    user: UserId,
    session: SessionId,
) -> Result<Option<(Handle, DisplayName)>, Problem> {
    let names = commands.users.read(user.uuid(), move |view| {
        let account = view.state.account()?;
        let goes_on = account.has_session(session) && !account.is_suspended(now());
        goes_on.then(|| (account.handle.clone(), account.display_name.clone()))
    });
    Ok(names.await?)
}

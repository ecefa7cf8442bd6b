//! Opening an account and signing in. The credentials come first, then the events: where a crash falls between the two, the next
//! sign-in (or the same registration again) completes what is missing, so there is exactly one registration.

use chrono::{DateTime, Utc};
use commands::{Caller, Commands, Outcome};
use domain::{
    Actor, DisplayName, Handle, IdempotencyKey, SessionId, UserId,
    user::{self, Revocation},
};
use secrecy::SecretString;
use uuid::Uuid;

use super::{Auth, Issued, credentials::Credential, passwords};
use crate::{
    problem::{Problem, codes},
    request::{fresh_key, now},
};

/// A wish for an account, its texts checked.
#[derive(Debug)]
pub struct NewAccount {
    pub handle: Handle,
    pub display_name: DisplayName,
    pub password: SecretString,
    pub key: IdempotencyKey,
    pub request_id: Uuid,
}

/// Somebody says who they are.
#[derive(Debug)]
pub struct SignIn {
    /// `None` for a text that can be no handle: refused like any unknown one, after the same work.
    pub handle: Option<Handle>,
    pub password: SecretString,
    pub device: Option<String>,
    /// A registration that was cut short may be completed by this, since anybody may register.
    pub completes: bool,
    pub request_id: Uuid,
}

/// A session has begun.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub user: UserId,
    pub handle: Handle,
    pub display_name: DisplayName,
    pub session: SessionId,
    pub access_token: String,
    pub(crate) refresh: Issued,
    pub expires_at: DateTime<Utc>,
    pub expires_in_seconds: u64,
    /// Where in the log all this stands.
    pub position: u64,
    /// The account had been opened before, by the same request.
    pub replayed: bool,
}

impl Auth {
    /// Opens an account and its first session.
    pub async fn register(&self, commands: &Commands, wish: NewAccount) -> Result<SignedIn, Problem> {
        self.register_admitted(commands, wish, async |_anyone| Ok(())).await
    }

    /// The same for people who must be let in first. They are asked about once their handle is theirs and before they are anybody; a
    /// retry of what was cut short in between asks again, so asking must be repeatable. One at a time, so that nobody loses the handle to
    /// a refusal of an earlier try while a later one is let in.
    pub async fn register_admitted(
        &self,
        commands: &Commands,
        wish: NewAccount,
        admit: impl AsyncFnOnce(UserId) -> Result<(), Problem>,
    ) -> Result<SignedIn, Problem> {
        let about = [wish.handle.as_str(), wish.display_name.as_str()];
        if let Some(weakness) = self.passwords.weakness(&wish.password, &about).await? {
            return Err(Problem::invalid("/password", weakness));
        }
        let taken = || Problem::new(&codes::HANDLE_TAKEN);
        let credential = self.claim(&wish).await?.ok_or_else(taken)?;
        let turn = self.admissions.lock().await;
        if !is_registered(commands, credential.user).await? {
            // Who had the turn before may have been this person too, and let go of the handle.
            let still_theirs = match self.credentials.find(&wish.handle).await? {
                Some(current) => current.user == credential.user,
                None => self.credentials.insert(&credential, now().timestamp_micros()).await?,
            };
            if !still_theirs {
                return Err(taken());
            }
            if let Err(problem) = admit(credential.user).await {
                // Nobody becomes anybody by this, so the handle is free again.
                if problem.code() == codes::INVITE_NOT_FOUND.code {
                    self.credentials.forget(&credential).await?;
                }
                return Err(problem);
            }
        }
        let registered = register_account(commands, &credential, &wish.display_name, wish.key, wish.request_id).await?;
        drop(turn);
        // Already so under another key: an account that someone who knows its password tries to open again.
        if registered.events.is_empty() {
            return Err(taken());
        }
        let signed_in = self.start_session(commands, &credential, None, wish.request_id).await?;
        Ok(SignedIn {
            replayed: registered.replayed,
            ..signed_in
        })
    }

    /// Begins a session.
    pub async fn sign_in(&self, commands: &Commands, sign_in: SignIn) -> Result<SignedIn, Problem> {
        let known = match &sign_in.handle {
            Some(handle) => self.credentials.find(handle).await?,
            None => None,
        };
        let hash = known.as_ref().map(|credential| credential.password_hash.clone());
        let right = self.passwords.verify(sign_in.password.clone(), hash).await?;
        let credential = known
            .filter(|_| right)
            .ok_or_else(|| Problem::new(&codes::AUTH_INVALID_CREDENTIALS))?;
        if !is_registered(commands, credential.user).await? {
            if !sign_in.completes {
                return Err(Problem::new(&codes::AUTH_INVALID_CREDENTIALS));
            }
            register_account(
                commands,
                &credential,
                &credential.display_name,
                fresh_key(),
                sign_in.request_id,
            )
            .await?;
        }
        let signed_in = self
            .start_session(commands, &credential, sign_in.device, sign_in.request_id)
            .await?;
        if passwords::is_outdated(&credential.password_hash) {
            let hash = self.passwords.hash(sign_in.password).await?;
            self.credentials.rehash(&credential, &hash).await?;
        }
        Ok(signed_in)
    }

    /// Whether the account of that handle is theirs who know this password; nobody's handle takes as long to tell.
    pub async fn owns(&self, handle: &Handle, password: &SecretString) -> Result<bool, Problem> {
        let known = self.credentials.find(handle).await?;
        let hash = known.map(|credential| credential.password_hash);
        self.passwords.verify(password.clone(), hash).await
    }

    /// Takes the handle, or finds that its owner is the one who asks; `None` when it is somebody else's.
    async fn claim(&self, wish: &NewAccount) -> Result<Option<Credential>, Problem> {
        if let Some(existing) = self.credentials.find(&wish.handle).await? {
            return self.own(existing, &wish.password).await;
        }
        let credential = Credential {
            user: Uuid::now_v7().into(),
            handle: wish.handle.clone(),
            display_name: wish.display_name.clone(),
            password_hash: self.passwords.hash(wish.password.clone()).await?,
            password_version: 0,
        };
        if self.credentials.insert(&credential, now().timestamp_micros()).await? {
            return Ok(Some(credential));
        }
        // Somebody took it while the password was hashed.
        match self.credentials.find(&wish.handle).await? {
            Some(existing) => self.own(existing, &wish.password).await,
            None => Ok(None),
        }
    }

    async fn own(&self, existing: Credential, password: &SecretString) -> Result<Option<Credential>, Problem> {
        let own = self
            .passwords
            .verify(password.clone(), Some(existing.password_hash.clone()))
            .await?;
        Ok(own.then_some(existing))
    }

    async fn start_session(
        &self,
        commands: &Commands,
        credential: &Credential,
        device: Option<String>,
        request_id: Uuid,
    ) -> Result<SignedIn, Problem> {
        let session: SessionId = Uuid::now_v7().into();
        let at = now();
        let outdated = || Problem::new(&codes::AUTH_INVALID_CREDENTIALS);
        // The way to go on comes first: a session without one would be in its person's list for ever.
        let begun = self
            .families
            .begin(session, credential.user, credential.password_version, at);
        let refresh = begun.await?.ok_or_else(outdated)?;
        let caller = Caller {
            actor: Actor::User(credential.user),
            acting_as: None,
            key: fresh_key(),
            request_id,
            at,
        };
        let command = user::Command::StartSession { session, device };
        let started = match commands.users.execute(credential.user.uuid(), command, caller).await {
            Ok(started) => started,
            Err(error) => {
                self.families.delete(session).await?;
                return Err(error.into());
            }
        };
        // Whoever changed the password in between has ended the sessions they knew of. This one they may not have known.
        if !self.families.holds(session).await? {
            self.end_session(
                commands,
                credential.user,
                session,
                Revocation::PasswordChanged,
                request_id,
            )
            .await?;
            return Err(outdated());
        }
        let profile = profile(commands, credential).await?;
        let (access_token, expires_at) = self.tokens.issue(credential.user, session, at);
        Ok(SignedIn {
            user: credential.user,
            handle: credential.handle.clone(),
            display_name: profile,
            session,
            access_token,
            refresh,
            expires_at,
            expires_in_seconds: self.tokens.life().as_secs(),
            position: started.position,
            replayed: false,
        })
    }
}

pub(super) async fn register_account(
    commands: &Commands,
    credential: &Credential,
    display_name: &DisplayName,
    key: IdempotencyKey,
    request_id: Uuid,
) -> Result<Outcome, Problem> {
    let command = user::Command::Register {
        handle: credential.handle.clone(),
        display_name: display_name.clone(),
    };
    let caller = Caller {
        actor: Actor::User(credential.user),
        acting_as: None,
        key,
        request_id,
        at: now(),
    };
    Ok(commands.users.execute(credential.user.uuid(), command, caller).await?)
}

pub(super) async fn is_registered(commands: &Commands, user: UserId) -> Result<bool, Problem> {
    Ok(commands
        .users
        .read(user.uuid(), |view| view.state.account().is_some())
        .await?)
}

/// The name as it is now, which the credentials do not follow.
async fn profile(commands: &Commands, credential: &Credential) -> Result<DisplayName, Problem> {
    let current = commands.users.read(credential.user.uuid(), |view| {
        view.state.account().map(|account| account.display_name.clone())
    });
    Ok(current.await?.unwrap_or_else(|| credential.display_name.clone()))
}

#[cfg(test)]
mod tests;

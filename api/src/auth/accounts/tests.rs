//! However a registration is repeated, raced or cut short, there is exactly one.

use commands::Unavailable;

use super::*;
use crate::serve::Stage;

const PASSWORD: &str = "correct horse battery staple";

fn handle() -> Handle {
    Handle::parse("ann").expect("a handle")
}

fn wish(key: &str, password: &str) -> NewAccount {
    NewAccount {
        handle: handle(),
        display_name: DisplayName::parse("Ann").expect("a name"),
        password: password.into(),
        key: IdempotencyKey::parse(key).expect("a key"),
        request_id: Uuid::from_u128(1),
    }
}

fn sign_in(password: &str) -> SignIn {
    SignIn {
        handle: Some(handle()),
        password: password.into(),
        device: None,
        completes: true,
        request_id: Uuid::from_u128(1),
    }
}

/// Events in the person's stream: one registration and a session for each time they signed in.
async fn events(stage: &Stage, user: UserId) -> Result<u64, Unavailable> {
    stage.app.commands.users.read(user.uuid(), |view| view.top).await
}

#[actix_web::test]
async fn the_same_request_again_is_the_same_account() {
    let stage = Stage::set(&[]).await;
    let (auth, commands) = (&stage.app.auth, &stage.app.commands);
    let first = auth.register(commands, wish("k", PASSWORD)).await.expect("registered");
    let again = auth.register(commands, wish("k", PASSWORD)).await.expect("replayed");
    assert!(!first.replayed && again.replayed);
    assert_eq!(first.user, again.user);
    assert_eq!(events(&stage, first.user).await, Ok(3));
}

#[actix_web::test]
async fn a_taken_handle_stays_with_its_owner() {
    let stage = Stage::set(&[]).await;
    let (auth, commands) = (&stage.app.auth, &stage.app.commands);
    auth.register(commands, wish("k", PASSWORD)).await.expect("registered");
    let other_key = auth.register(commands, wish("l", PASSWORD)).await.expect_err("taken");
    let other_password = auth
        .register(commands, wish("k", "another horse, another staple"))
        .await
        .expect_err("taken");
    assert_eq!(
        (other_key.code(), other_password.code()),
        ("handle/taken", "handle/taken")
    );
}

#[actix_web::test]
async fn of_racing_registrations_one_wins() {
    let stage = Stage::set(&[]).await;
    let (auth, commands) = (&stage.app.auth, &stage.app.commands);
    let keys = ["a", "b", "c", "d"];
    let racing = keys.map(|key| auth.register(commands, wish(key, PASSWORD)));
    let outcomes = futures_util::future::join_all(racing).await;
    let winners: Vec<_> = outcomes.iter().flatten().collect();
    assert_eq!(winners.len(), 1);
    assert!(outcomes.iter().all(|outcome| {
        outcome
            .as_ref()
            .err()
            .is_none_or(|problem| problem.code() == "handle/taken")
    }));
}

#[actix_web::test]
async fn a_registration_that_was_cut_short_is_completed_by_signing_in() {
    let stage = Stage::set(&[]).await;
    let (auth, commands) = (&stage.app.auth, &stage.app.commands);
    let claimed = auth.claim(&wish("k", PASSWORD)).await.expect("claimed").expect("free");
    assert_eq!(events(&stage, claimed.user).await, Ok(0));
    let signed_in = auth.sign_in(commands, sign_in(PASSWORD)).await.expect("signed in");
    assert_eq!((signed_in.user, signed_in.display_name.as_str()), (claimed.user, "Ann"));
    assert_eq!(events(&stage, claimed.user).await, Ok(2));
}

#[actix_web::test]
async fn a_registration_that_was_cut_short_is_completed_by_repeating_it() {
    let stage = Stage::set(&[]).await;
    let (auth, commands) = (&stage.app.auth, &stage.app.commands);
    let claimed = auth.claim(&wish("k", PASSWORD)).await.expect("claimed").expect("free");
    let repeated = auth.register(commands, wish("l", PASSWORD)).await.expect("registered");
    assert_eq!((repeated.user, repeated.replayed), (claimed.user, false));
    assert_eq!(events(&stage, claimed.user).await, Ok(2));
}

#[actix_web::test]
async fn wrong_passwords_and_unknown_handles_get_the_same_answer() {
    let stage = Stage::set(&[]).await;
    let (auth, commands) = (&stage.app.auth, &stage.app.commands);
    auth.register(commands, wish("k", PASSWORD)).await.expect("registered");
    let wrong = auth.sign_in(commands, sign_in("wrong")).await.expect_err("refused");
    let unknown = SignIn {
        handle: Handle::parse("bob").ok(),
        ..sign_in(PASSWORD)
    };
    let unknown = auth.sign_in(commands, unknown).await.expect_err("refused");
    let impossible = SignIn {
        handle: None,
        ..sign_in(PASSWORD)
    };
    let impossible = auth.sign_in(commands, impossible).await.expect_err("refused");
    assert_eq!(wrong.to_string(), unknown.to_string());
    assert_eq!(wrong.to_string(), impossible.to_string());
    assert_eq!(wrong.code(), "auth/invalid-credentials");
}

#[actix_web::test]
async fn a_weak_password_is_named_and_takes_no_handle() {
    let stage = Stage::set(&[]).await;
    let (auth, commands) = (&stage.app.auth, &stage.app.commands);
    let refused = auth.register(commands, wish("k", "short")).await.expect_err("weak");
    assert_eq!(refused.errors()[0].pointer, "/password");
    auth.register(commands, wish("k", PASSWORD)).await.expect("still free");
}

#[actix_web::test]
async fn a_hash_with_other_parameters_is_made_anew_at_the_next_sign_in() {
    use argon2::{Argon2, Params, PasswordHasher};
    let stage = Stage::set(&[]).await;
    let (auth, commands) = (&stage.app.auth, &stage.app.commands);
    auth.register(commands, wish("k", PASSWORD)).await.expect("registered");
    let params = Params::new(64, 1, 1, None).expect("parameters");
    let cheap = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params)
        .hash_password(PASSWORD.as_bytes())
        .expect("hashed")
        .to_string();
    let ann = auth.credentials.find(&handle()).await.expect("read").expect("known");
    auth.credentials.rehash(&ann, &cheap).await.expect("written");
    auth.sign_in(commands, sign_in("wrong")).await.expect_err("refused");
    let kept = auth.credentials.find(&handle()).await.expect("read").expect("known");
    assert_eq!(kept.password_hash, cheap);
    auth.sign_in(commands, sign_in(PASSWORD)).await.expect("signed in");
    let renewed = auth.credentials.find(&handle()).await.expect("read").expect("known");
    assert!(!passwords::is_outdated(&renewed.password_hash));
    auth.sign_in(commands, sign_in(PASSWORD)).await.expect("signed in");
}

/// As when another session changes the password between the check of the old one and the start of the session.
#[actix_web::test]
async fn a_sign_in_with_a_password_that_is_changed_meanwhile_is_refused() {
    let stage = Stage::set(&[]).await;
    let (auth, commands) = (&stage.app.auth, &stage.app.commands);
    let first = auth.register(commands, wish("k", PASSWORD)).await.expect("registered");
    let old = auth.credentials.find(&handle()).await.expect("read").expect("known");
    let replaced = auth.credentials.replace(&old, "another hash", first.session).await;
    assert!(replaced.expect("written"));
    let before = events(&stage, first.user).await;
    let refused = auth.start_session(commands, &old, None, Uuid::from_u128(1)).await;
    assert_eq!(refused.expect_err("refused").code(), "auth/invalid-credentials");
    assert_eq!(events(&stage, first.user).await, before);
}

#[actix_web::test]
async fn a_session_is_known_by_its_token() {
    let stage = Stage::set(&[]).await;
    let registered = stage
        .app
        .auth
        .register(&stage.app.commands, wish("k", PASSWORD))
        .await
        .expect("registered");
    let who = stage.app.auth.verify(&registered.access_token).expect("valid");
    assert_eq!((who.user, who.session), (registered.user, registered.session));
    let ticket = stage.app.auth.issue_ticket(who).expect("room");
    assert_eq!(stage.app.auth.redeem(&ticket), Some(who));
    assert_eq!(stage.app.auth.redeem(&ticket), None);
}

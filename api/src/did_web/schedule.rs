//! Proved identities are looked at again: a few at a time, each about once an interval, a failing one sooner. One that fails too often
//! has lapsed, which is an event.

use std::time::Duration;

use actix_web::web;
use chrono::TimeDelta;
use commands::{Caller, CommandError, Unavailable};
use domain::{Actor, user};
use futures_util::{StreamExt, stream};
use uuid::Uuid;

use super::checks::Due;
use crate::{
    app::App,
    request::{fresh_key, now},
};

/// Documents fetched at a time.
const AT_ONCE: usize = 4;
/// Tries in a row after which an identity has lapsed.
const TRIES: i64 = 5;
/// A failing identity is tried again after this part of the interval.
const RETRY_PART: i32 = 24;
/// The longest rest between two looks at the schedule.
const REST_MAX: Duration = Duration::from_secs(30);

/// For ever, until it is aborted.
pub(crate) async fn recheck(app: web::Data<App>) {
    let rest = (interval(&app).to_std().unwrap_or(REST_MAX) / 10).min(REST_MAX);
    loop {
        tokio::time::sleep(rest).await;
        let due = app.proving.checks().due(now()).await.unwrap_or_else(|error| {
            tracing::warn!(%error, "The schedule of identities cannot be read");
            vec![]
        });
        stream::iter(due)
            .for_each_concurrent(AT_ONCE, |due| async {
                if let Err(error) = look(&app, due).await {
                    tracing::warn!(%error, "An identity could not be looked at again");
                }
            })
            .await;
    }
}

/// Between two looks at one identity.
pub(crate) fn interval(app: &App) -> TimeDelta {
    TimeDelta::seconds(i64::try_from(app.limits.identity_check_seconds).unwrap_or(i64::from(u32::MAX)))
}

/// It is looked at when it is due again.
#[derive(Debug, thiserror::Error)]
enum NotLooked {
    #[error("the schedule cannot be used: {0}")]
    Schedule(#[from] sqlx::Error),
    #[error("the account cannot be read: {0}")]
    Account(#[from] Unavailable),
    #[error("that it has lapsed cannot be noted: {0}")]
    Lapse(CommandError<user::Rejection>),
}

async fn look(app: &App, due: Due) -> Result<(), NotLooked> {
    let (user, did) = (due.user, due.did.clone());
    let asked = did.clone();
    let proved = app.commands.users.read(user.uuid(), move |view| {
        view.state.account().is_some_and(|account| account.has_proved(&asked))
    });
    let checks = app.proving.checks();
    // Removed meanwhile, or never proved since the process ended half way.
    if !proved.await? {
        return Ok(checks.forget(user, &did).await?);
    }
    match app.proving.check(&did, user).await {
        Ok(()) => checks.passed(user, &did, interval(app), now()).await?,
        Err(_) if due.failures + 1 < TRIES => checks.failed(&due, interval(app) / RETRY_PART, now()).await?,
        Err(why) => {
            lapse(app, &due).await?;
            checks.forget(user, &did).await?;
            tracing::info!(%user, %why, "An identity of {user} has lapsed");
        }
    }
    Ok(())
}

async fn lapse(app: &App, due: &Due) -> Result<(), NotLooked> {
    let command = user::Command::LapseIdentity { did: due.did.clone() };
    let caller = Caller {
        actor: Actor::System,
        acting_as: None,
        key: fresh_key(),
        request_id: Uuid::now_v7(),
        at: now(),
    };
    let lapsed = app.commands.users.execute(due.user.uuid(), command, caller).await;
    lapsed.map(drop).map_err(NotLooked::Lapse)
}

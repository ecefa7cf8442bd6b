//! `POST /admin/projections/{name}/verify`: compares a view with the sums of its rows and with the log. What takes longer than a moment goes on
//! behind the answer, and its result is shown with the view.

use std::{sync::Arc, time::Duration};

use actix_web::{HttpResponse, web};
use projections::{Extent, Refusal, VerificationState};
use serde::Deserialize;

use super::VerificationShape;
use crate::{
    app::App,
    problem::{Problem, codes},
    request::JsonIfAny,
};

/// A request that lasts longer than this looks as if it hung.
const PATIENCE: Duration = Duration::from_secs(2);
/// Streams folded again where nobody says how many.
const SAMPLE: usize = 100;

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Verify {
    #[serde(default)]
    channels: Option<Channels>,
}

/// Streams, most of which are channels.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(untagged)]
enum Channels {
    Sample(u32),
    Word(Word),
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Word {
    All,
}

pub(crate) async fn begin(
    app: web::Data<App>,
    name: web::Path<String>,
    body: JsonIfAny<Verify>,
) -> Result<HttpResponse, Problem> {
    let extent = match body.0.channels {
        None => Extent::Sample(SAMPLE),
        Some(Channels::Sample(streams)) => Extent::Sample(streams as usize),
        Some(Channels::Word(Word::All)) => Extent::All,
    };
    let begun = app.views.verify(&name, extent, Arc::clone(&app.log), PATIENCE).await;
    let verification = begun.map_err(|refusal| match refusal {
        Refusal::NoSuchView => Problem::new(&codes::ROUTE_NOT_FOUND),
        Refusal::Busy => Problem::new(&codes::VIEW_VERIFYING),
    })?;
    let mut answer = match verification.state {
        VerificationState::Running => HttpResponse::Accepted(),
        VerificationState::Done | VerificationState::Failed => HttpResponse::Ok(),
    };
    Ok(answer.json(VerificationShape::from(verification)))
}

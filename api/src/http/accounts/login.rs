//! `POST /auth/login`: begins a session.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use domain::Handle;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::begun;
use crate::{
    app::App,
    auth::{PASSWORD_BYTES_MAX, SignIn},
    problem::{Problem, codes},
    request::{Json, client_address, request_id},
    settings::Registration,
};

/// What a person may call a device.
const DEVICE_CHARS_MAX: usize = 128;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Login {
    handle: String,
    password: SecretString,
    #[serde(default)]
    device: Option<String>,
}

pub async fn login(app: web::Data<App>, request: HttpRequest, body: Json<Login>) -> Result<HttpResponse, Problem> {
    app.takes_work()?;
    let Login {
        handle,
        password,
        device,
    } = body.into_inner();
    if device
        .as_ref()
        .is_some_and(|device| device.chars().count() > DEVICE_CHARS_MAX)
    {
        return Err(Problem::invalid(
            "/device",
            format!("device is longer than {DEVICE_CHARS_MAX} characters"),
        ));
    }
    if password.expose_secret().len() > PASSWORD_BYTES_MAX {
        return Err(Problem::new(&codes::AUTH_INVALID_CREDENTIALS));
    }
    let handle = Handle::parse(&handle).ok();
    let from = client_address(&request, &app.settings.trusted_proxies);
    let attempt = handle
        .as_ref()
        .map(|handle| app.rates.login(handle, from))
        .transpose()?;
    let sign_in = SignIn {
        handle,
        password,
        device,
        completes: app.settings.registration == Registration::Open,
        request_id: request_id(&request),
    };
    let signed_in = app.auth.sign_in(&app.commands, sign_in).await?;
    if let Some(attempt) = attempt {
        app.rates.signed_in(attempt);
    }
    Ok(begun(&app, &request, StatusCode::OK, signed_in))
}

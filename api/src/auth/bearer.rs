//! The one way from a request to a person: a token in the `Authorization` header, ours or one of an issuer the operator has named, and a
//! proof of possession where it is bound to a key.

use actix_web::{
    HttpRequest,
    http::header::{self, HeaderMap},
};
use serde_json::Value;
use url::Url;

use super::{
    dpop::{PROOF_HEADER, Shown, Unproved},
    issuers::NotTaken,
};
use crate::{
    app::App,
    problem::{Problem, codes},
    request::{Who, now},
    settings::Profile,
};

/// Who sends the request. A token of ours is tried first: that costs nothing, and nobody is asked.
pub(crate) async fn authenticate(app: &App, request: &HttpRequest) -> Result<Who, Problem> {
    let presented = Presented::of(request.headers())?;
    match app.auth.verify(presented.token) {
        Ok(who) => {
            possession(app, request, &presented, Binding::None)?;
            Ok(who)
        }
        Err(invalid) if app.settings.issuers.is_empty() => Err(invalid),
        Err(_) => foreign(app, request, &presented).await,
    }
}

/// Nothing is done for the token, no account opened above all, before whoever shows it has proved that it is theirs.
async fn foreign(app: &App, request: &HttpRequest, presented: &Presented<'_>) -> Result<Who, Problem> {
    let foreign = app
        .issuers
        .verify(presented.token, now())
        .await
        .map_err(|why| match why {
            NotTaken::Invalid => invalid(),
            NotTaken::NoKeys => Problem::new(&codes::AUTH_ISSUER_UNAVAILABLE),
        })?;
    let binding = Binding::of(foreign.bound.as_ref());
    if foreign.issuer.require_dpop && binding == Binding::None {
        return Err(invalid());
    }
    possession(app, request, presented, binding)?;
    let who = Who {
        user: app.identities.user_of(app, &foreign, request).await?,
        session: foreign.session,
        expires_at: foreign.expires_at,
    };
    if app.auth.standings.is_out(who.user, who.session, now()) {
        return Err(invalid());
    }
    Ok(who)
}

fn invalid() -> Problem {
    Problem::new(&codes::AUTH_INVALID_TOKEN)
}

/// What a token is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Binding<'a> {
    None,
    /// The key with this thumbprint.
    Key(&'a str),
    /// Something we cannot check, such as a certificate.
    Unknown,
}

impl<'a> Binding<'a> {
    /// From the claim `cnf`.
    fn of(confirmation: Option<&'a Value>) -> Self {
        match confirmation {
            None => Self::None,
            Some(Value::Object(members)) if members.len() == 1 => members
                .get("jkt")
                .and_then(Value::as_str)
                .map_or(Self::Unknown, Self::Key),
            Some(_) => Self::Unknown,
        }
    }
}

/// A bound token comes with a proof, one that is not bound comes without.
fn possession(
    app: &App,
    request: &HttpRequest,
    presented: &Presented<'_>,
    binding: Binding<'_>,
) -> Result<(), Problem> {
    match (presented.scheme, binding) {
        (Scheme::Bearer, Binding::None) => Ok(()),
        (Scheme::Bearer, Binding::Key(_) | Binding::Unknown) | (Scheme::Dpop, Binding::None | Binding::Unknown) => {
            Err(invalid())
        }
        (Scheme::Dpop, Binding::Key(bound)) => {
            let proved = proved(app, request, Some(presented.token))?;
            let proved = proved.ok_or_else(|| Problem::new(&codes::AUTH_INVALID_PROOF))?;
            if proved == bound { Ok(()) } else { Err(invalid()) }
        }
    }
}

/// The thumbprint of the key of which the request proves possession; `None` where it brings no proof.
pub(crate) fn proved(app: &App, request: &HttpRequest, token: Option<&str>) -> Result<Option<String>, Problem> {
    let wrong = || Problem::new(&codes::AUTH_INVALID_PROOF);
    let mut proofs = request.headers().get_all(PROOF_HEADER);
    let proof = match (proofs.next(), proofs.next()) {
        (None, _) => return Ok(None),
        (Some(_), Some(_)) => return Err(wrong()),
        (Some(proof), None) => proof.to_str().map_err(|_| wrong())?,
    };
    let shown = Shown {
        proof,
        method: request.method().as_str(),
        targets: &targets(app, request),
        token,
    };
    let proved = app.proofs.check(&shown, now()).map_err(|why| match why {
        Unproved::Wrong => wrong(),
        Unproved::Busy => Problem::new(&codes::SERVICE_BUSY),
    });
    proved.map(Some)
}

/// The address of the request: below the public origin, whatever a proxy made of the host. Without one, as its sender wrote it: behind the
/// host they named, and over https, which a proxy may have taken off.
fn targets(app: &App, request: &HttpRequest) -> Vec<Url> {
    if let Some(origin) = &app.settings.public_origin {
        return Url::parse(&format!("{origin}{}", request.uri().path()))
            .into_iter()
            .collect();
    }
    let schemes: &[&str] = match app.settings.profile {
        Profile::Dev => &["https", "http"],
        Profile::Production => &["https"],
    };
    let host = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let path = request.uri().path();
    let target = |scheme: &&str| Url::parse(&format!("{scheme}://{}{path}", host?)).ok();
    schemes.iter().filter_map(target).collect()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Scheme {
    Bearer,
    Dpop,
}

#[derive(Debug, Clone, Copy)]
struct Presented<'a> {
    scheme: Scheme,
    token: &'a str,
}

impl<'a> Presented<'a> {
    fn of(headers: &'a HeaderMap) -> Result<Self, Problem> {
        let required = || Problem::new(&codes::AUTH_REQUIRED);
        let mut values = headers.get_all(header::AUTHORIZATION);
        let value = values.next().ok_or_else(required)?;
        if values.next().is_some() {
            return Err(invalid());
        }
        let (scheme, token) = value
            .to_str()
            .map_err(|_| invalid())?
            .split_once(' ')
            .ok_or_else(required)?;
        let schemes = [("bearer", Scheme::Bearer), ("dpop", Scheme::Dpop)];
        let known = schemes.into_iter().find(|(name, _)| scheme.eq_ignore_ascii_case(name));
        let (_, scheme) = known.ok_or_else(required)?;
        let token = token.trim();
        Ok(Self { scheme, token })
    }
}

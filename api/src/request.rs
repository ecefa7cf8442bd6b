//! What every handler may ask of a request: who sends it, under which key, and how far a view must be. The body is read in
//! `request/body.rs`, the frame around every request and answer is in `request/around.rs`. Nothing is decided about the domain here.

mod address;
mod admission;
mod around;
mod body;
mod guard;
mod hiding;
mod optional;
mod origin;

use std::{future::Ready, future::ready};

use actix_web::{FromRequest, HttpMessage, HttpRequest, dev::Payload, web};
use chrono::{DateTime, Utc};
use commands::Caller;
use domain::{Actor, IdempotencyKey, SessionId, UserId};
use uuid::Uuid;

pub use address::client_address;
pub(crate) use admission::admission;
pub(crate) use around::around;
pub use body::{Json, parse_strictly, query_problem};
pub(crate) use guard::{Access, Rate, guard};
pub(crate) use hiding::hide_problem;
pub use optional::{JsonIfAny, Why};
pub use origin::{cors, origin_allowed};

use crate::{
    app::App,
    problem::{Problem, codes},
};

/// Where clients put the key under which a request may be repeated.
pub const IDEMPOTENCY_KEY_HEADER: &str = "idempotency-key";

/// The one real clock. Everything behind the edge is told the time.
pub fn now() -> DateTime<Utc> {
    Utc::now()
}

/// A signed-in person and the session they act in. As an argument of a handler it refuses everyone else.
///
/// Rights are not part of it: they are asked of the log's newest state where they matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Who {
    pub user: UserId,
    pub session: SessionId,
    /// When the access token ends.
    pub expires_at: DateTime<Utc>,
}

impl Who {
    pub fn actor(&self) -> Actor {
        Actor::User(self.user)
    }
}

impl FromRequest for Who {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(who(request))
    }
}

/// As the guard has found; a route whose row names nobody has no one to ask for.
fn who(request: &HttpRequest) -> Result<Who, Problem> {
    let known = request.extensions().get::<Who>().copied();
    known.ok_or_else(|| Problem::internal("a handler asks who is there on a route for anyone"))
}

/// The person of a request, for its log line.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KnownUser(pub(crate) UserId);

/// A writing request of a signed-in person. As an argument of a handler it also asks whether we still take work.
#[derive(Debug, Clone)]
pub struct Call {
    pub who: Who,
    /// The client's, or one made here, with which a retry is a new request.
    pub key: IdempotencyKey,
    pub request_id: Uuid,
}

impl Call {
    /// The caller of a command, as of now.
    pub fn caller(&self) -> Caller {
        Caller {
            actor: self.who.actor(),
            acting_as: None,
            key: self.key.clone(),
            request_id: self.request_id,
            at: now(),
        }
    }
}

impl FromRequest for Call {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(call(request))
    }
}

fn call(request: &HttpRequest) -> Result<Call, Problem> {
    let who = who(request)?;
    app(request)?.takes_work()?;
    Ok(Call {
        who,
        key: idempotency_key(request)?,
        request_id: request_id(request),
    })
}

/// The client's key, or a new one.
pub fn idempotency_key(request: &HttpRequest) -> Result<IdempotencyKey, Problem> {
    let mut given = request.headers().get_all(IDEMPOTENCY_KEY_HEADER);
    let wrong = |why: String| Problem::new(&codes::IDEMPOTENCY_INVALID_KEY).detail(why);
    match (given.next(), given.next()) {
        (None, _) => Ok(fresh_key()),
        (Some(_), Some(_)) => Err(wrong("there is more than one idempotency key".to_owned())),
        (Some(value), None) => {
            let text = value
                .to_str()
                .map_err(|_| wrong("the idempotency key is not visible ASCII".to_owned()))?;
            IdempotencyKey::parse(text).map_err(|why| wrong(why.to_string()))
        }
    }
}

/// A key that nobody used before.
pub fn fresh_key() -> IdempotencyKey {
    IdempotencyKey::parse(&Uuid::new_v4().to_string()).expect("a UUID is 36 visible ASCII characters")
}

/// The id that names this request in the logs, in problems and in the events it causes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestId(pub(crate) Uuid);

pub fn request_id(request: &HttpRequest) -> Uuid {
    request
        .extensions()
        .get::<RequestId>()
        .map_or_else(Uuid::now_v7, |id| id.0)
}

fn app(request: &HttpRequest) -> Result<&App, Problem> {
    let data = request.app_data::<web::Data<App>>();
    data.map(|app| app.get_ref())
        .ok_or_else(|| Problem::internal("the application's state is not registered"))
}

//! How answers travel: a write says at which position views show it, a read of a view says how far that view was. What stands in the
//! answers is in `render`; refusals are in `problem`.

use std::pin::Pin;

use actix_web::{FromRequest, HttpRequest, HttpResponse, HttpResponseBuilder, dev::Payload, http::StatusCode, web};
use serde::{Deserialize, Serialize};

use crate::{
    app::App,
    position::{POSITION_HEADER, Pos},
};

/// The answer to a write that changes a value of the caller's own, which is not a creation: always 200.
pub(crate) fn set(pos: &str, answer: &impl Serialize) -> HttpResponse {
    HttpResponse::Ok().insert_header((POSITION_HEADER, pos)).json(answer)
}

/// The answer to a write: 201, or 200 for what had been carried out or was so already.
pub(crate) fn written(replayed: bool, pos: &str, answer: &impl Serialize) -> HttpResponse {
    let status = if replayed { StatusCode::OK } else { StatusCode::CREATED };
    HttpResponseBuilder::new(status)
        .insert_header((POSITION_HEADER, pos))
        .json(answer)
}

/// The views, as far as a reading request asked them to be. As an argument of a handler it waits for `?min_pos=`.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View {
    /// Taken before anything is read, so that what is read is at least as new.
    pos: Pos,
}

impl View {
    pub(crate) fn shows(&self, answer: &impl Serialize) -> HttpResponse {
        self.begin().json(answer)
    }

    /// For answers with headers of their own.
    pub(crate) fn begin(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::Ok();
        response.insert_header((POSITION_HEADER, self.pos.to_string()));
        response
    }
}

/// The one parameter that is looked at here; the handler's own query looks at the rest.
#[derive(Deserialize)]
struct Wish {
    min_pos: Option<String>,
}

impl FromRequest for View {
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, actix_web::Error>>>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let wish = web::Query::<Wish>::extract(request);
        let app = web::Data::<App>::extract(request);
        Box::pin(async move {
            let (wish, app) = (wish.await?, app.await?);
            app.caught_up(wish.min_pos.as_deref()).await?;
            Ok(Self {
                pos: app.pos(app.views.position()),
            })
        })
    }
}

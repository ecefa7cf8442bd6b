//! Bodies that may be left out: where a request says everything by its path, and may say why in its body.

use std::{future::Future, pin::Pin};

use actix_web::{FromRequest, HttpRequest, dev::Payload};
use domain::Reason;
use serde::{Deserialize, de::DeserializeOwned};

use super::{Json, admission::has_body};
use crate::problem::Problem;

/// A JSON body, or the default where there is none.
#[derive(Debug, Clone, Copy)]
pub struct JsonIfAny<T>(pub T);

impl<T: DeserializeOwned + Default + 'static> FromRequest for JsonIfAny<T> {
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Problem>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        if !has_body(request.headers()) {
            return Box::pin(async { Ok(Self(T::default())) });
        }
        let body = Json::<T>::from_request(request, payload);
        Box::pin(async { Ok(Self(body.await?.0)) })
    }
}

/// `{reason?}`: why somebody does what their privilege lets them do.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Why {
    reason: Option<String>,
}

impl Why {
    pub fn reason(self) -> Result<Option<Reason>, Problem> {
        let parse = |reason: String| Reason::parse(&reason).map_err(|why| Problem::invalid("/reason", why.to_string()));
        self.reason.map(parse).transpose()
    }

    pub fn required(self) -> Result<Reason, Problem> {
        self.reason()?
            .ok_or_else(|| Problem::invalid("/reason", "missing field `reason`"))
    }
}

//! How the table of routes is written, and what becomes of a row: the registered route with its guard, and a line that tests and
//! documents can read.

use crate::request::{Access, Rate};

/// A row of the table.
#[derive(Debug, Clone, Copy)]
pub struct Route {
    pub method: &'static str,
    /// The whole path, parameters in braces.
    pub path: &'static str,
    pub access: Access,
    pub rate: Rate,
}

/// A module with `ROUTES` and with `configure`, which registers each path with its methods, each behind its guard.
macro_rules! routes {
    ($name:ident $prefix:literal $($path:literal { $($method:ident $handler:path { $access:expr, $rate:ident })+ })+) => {
        mod $name {
            use actix_web::{body::BoxBody, dev::ServiceRequest, http::Method, middleware::{Next, from_fn}, web};
            #[allow(unused_imports, reason = "not every table has a row for a role")]
            use domain::user::ServiceRole::{Auditor, Operator};

            use super::*;
            use crate::{http::Route, request::{Access::{self, *}, Rate, guard}};

            pub(super) const ROUTES: &[Route] = &[$($(Route {
                method: stringify!($method),
                path: concat!($prefix, $path),
                access: $access,
                rate: Rate::$rate,
            },)+)+];

            pub(super) fn configure(config: &mut web::ServiceConfig) {
                $(config.service(web::resource($path)$(.route({
                    const ACCESS: Access = $access;
                    web::method(Method::$method).to($handler).wrap(from_fn(
                        |request: ServiceRequest, next: Next<BoxBody>| guard(ACCESS, Rate::$rate, request, next),
                    ))
                }))+);)+
            }
        }
    };
}
pub(crate) use routes;

#[cfg(test)]
mod tests;

//! The socket: handshake here, frames in `protocol`, one conversation in `session`, the sockets of one worker in `hub`, each of them in
//! `conn`, their outgoing bytes in `outbox`, what is due to them in `wheel`, catching up in `filler`, what passes in `ephemeral`
//! and `whispers`. The rules of commands are in `ops` and
//! below; nothing is decided here.

mod bucket;
mod close;
mod conn;
mod ephemeral;
mod filler;
#[doc(hidden)]
pub mod fuzzing;
mod hub;
mod in_flight;
mod incoming;
mod outbox;
pub(crate) mod protocol;
mod session;
mod sockets;
mod subscribing;
mod wheel;
mod whispers;

use actix_http::ws::handshake;
use actix_web::{HttpRequest, HttpResponse, body::BoxBody, http::header, web};

use crate::{
    app::App,
    problem::{Problem, codes},
    request::{client_address, origin_allowed},
};

pub use close::CloseCode;
pub use ephemeral::Ephemeral;
pub(crate) use sockets::Place;
pub use sockets::Sockets;

/// The one subprotocol spoken here. Clients that name none are taken to speak it.
pub(crate) const SUBPROTOCOL: &str = "verbatim.v1";

/// `GET /api/v1/ws`: upgrades to the socket. Who is there is said by the first frame, not by the request.
pub async fn connect(app: web::Data<App>, req: HttpRequest, payload: web::Payload) -> Result<HttpResponse, Problem> {
    if app.draining.is_cancelled() {
        return Err(Problem::new(&codes::SERVICE_DRAINING));
    }
    if !origin_allowed(&req) {
        return Err(Problem::new(&codes::ORIGIN_REFUSED));
    }
    if !speaks_ours(&req) {
        return Err(Problem::new(&codes::SOCKET_SUBPROTOCOL));
    }
    // Counted before the hello, so that nobody opens sockets without end and says nothing.
    let place = app
        .sockets
        .enter_from(
            client_address(&req, &app.settings.trusted_proxies),
            app.limits.sockets_per_address,
        )
        .ok_or_else(|| Problem::new(&codes::SOCKETS_PER_ADDRESS))?;
    let mut response = handshake(req.head()).map_err(|_| Problem::new(&codes::SOCKET_UPGRADE))?;
    if req.headers().contains_key(header::SEC_WEBSOCKET_PROTOCOL) {
        response.insert_header((header::SEC_WEBSOCKET_PROTOCOL, SUBPROTOCOL));
    }
    let outbox = hub::Hub::of_worker(&app).outbox();
    let response = response.message_body(BoxBody::new(outbox.body()));
    let response = response.map_err(|error| Problem::internal(&error))?;
    let decoder = incoming::Decoder::new(app.limits.frame_bytes, app.limits.frame_fragments);
    let incoming = incoming::Incoming::new(payload, decoder);
    actix_web::rt::spawn(session::run(app, incoming, outbox, place));
    Ok(response.into())
}

fn speaks_ours(req: &HttpRequest) -> bool {
    let mut offered = req.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).peekable();
    offered.peek().is_none()
        || offered
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|one| one.trim() == SUBPROTOCOL)
}

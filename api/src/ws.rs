//! The socket: handshake here, frames in `protocol`, one conversation in `session`, the sockets of one worker in `hub`, each of them in
//! `conn`, their outgoing bytes in `outbox`, what is due to them in `wheel`, catching up in `filler`, what passes in `ephemeral`
//! and `whispers`. The rules of commands are in `ops` and
//! below; nothing is decided here.

mod bucket;
mod close;
mod conn;
mod ephemeral;
mod exits;
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

use actix_web::{FromRequest, HttpRequest, HttpResponse, body::BoxBody, dev, http::header, web};

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
    let response = handshake(&req)?;
    let outbox = hub::Hub::of_worker(&app).outbox();
    let outgoing = BoxBody::new(outbox.body());
    let decoder = incoming::Decoder::new(app.limits.frame_bytes, app.limits.frame_fragments);
    let incoming = incoming::Incoming::new(payload, decoder);
    actix_web::rt::spawn(session::run(app, incoming, outbox, place));
    Ok(response.map_body(|_, _unused| outgoing))
}

/// The library's handshake. Its own halves of the conversation are dropped: what comes in is decoded and what goes out is queued here,
/// so it is given an empty payload in place of the connection's.
fn handshake(req: &HttpRequest) -> Result<HttpResponse, Problem> {
    let nothing = web::Payload::from_request(req, &mut dev::Payload::None).into_inner();
    let (response, _session, _messages) = nothing
        .and_then(|nothing| actix_ws::handle_with_protocols(req, nothing, &[SUBPROTOCOL]))
        .map_err(|_| Problem::new(&codes::SOCKET_UPGRADE))?;
    Ok(response)
}

fn speaks_ours(req: &HttpRequest) -> bool {
    let mut offered = req.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL).peekable();
    offered.peek().is_none()
        || offered
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .any(|one| one.trim() == SUBPROTOCOL)
}

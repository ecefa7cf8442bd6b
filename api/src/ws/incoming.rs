//! What comes in on one socket: the bytes of the connection here, messages made of them in `decoder`. Frames that the peer had sent before
//! it vanished are still handed out, since a command that was received is carried out.

mod decoder;

use actix_web::web;
use bytes::Bytes;
use bytestring::ByteString;
use futures_util::StreamExt;

use super::close::CloseCode;
pub(super) use decoder::Decoder;

pub(super) struct Incoming {
    /// Until it has ended: what comes after its error is for ever pending.
    payload: Option<web::Payload>,
    decoder: Decoder,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Received {
    Text(ByteString),
    Ping(Bytes),
    Pong,
    /// The peer closes in order.
    Close,
    /// The peer is gone.
    Gone,
    /// Something that ends the socket, with the reason. After it nothing but the peer's close is looked at.
    Unacceptable(CloseCode),
}

impl Incoming {
    pub(super) fn new(payload: web::Payload, decoder: Decoder) -> Self {
        Self {
            payload: Some(payload),
            decoder,
        }
    }

    /// The next message. After [`Received::Gone`] there is none. May be dropped at any await without losing anything.
    pub(super) async fn next(&mut self) -> Received {
        loop {
            if let Some(received) = self.decoder.next() {
                return received;
            }
            let Some(payload) = &mut self.payload else {
                return Received::Gone;
            };
            match payload.next().await {
                Some(Ok(bytes)) => self.decoder.feed(bytes),
                Some(Err(_)) | None => self.payload = None,
            }
        }
    }
}

//! What comes in on one socket: whole messages, put together from fragments within bounds. Frames that the peer had sent before it vanished
//! are still handed out, since a command that was received is carried out.

use std::io;

use actix_web::error::PayloadError;
use actix_ws::{Item, Message, MessageStream, ProtocolError};
use bytes::{Bytes, BytesMut};
use bytestring::ByteString;

use super::close::CloseCode;

pub(super) struct Incoming {
    stream: MessageStream,
    bytes_max: usize,
    fragments_max: usize,
    /// The message whose fragments are arriving.
    partial: Option<Partial>,
}

struct Partial {
    bytes: BytesMut,
    fragments: usize,
}

#[derive(Debug)]
pub(super) enum Received {
    Text(ByteString),
    Ping(Bytes),
    Pong,
    /// The peer closes in order.
    Close,
    /// The peer is gone, or the stream has ended after something that cannot be read on.
    Gone,
    /// Something that ends the socket, with the reason.
    Unacceptable(CloseCode),
}

impl Incoming {
    pub(super) fn new(stream: MessageStream, bytes_max: usize, fragments_max: usize) -> Self {
        Self {
            stream: stream.max_frame_size(bytes_max),
            bytes_max,
            fragments_max,
            partial: None,
        }
    }

    /// The next message. After [`Received::Gone`] there is none.
    pub(super) async fn next(&mut self) -> Received {
        loop {
            let received = match self.stream.recv().await {
                None => return Received::Gone,
                // The library reports the broken connection first; what had arrived before it follows.
                Some(Err(error)) if is_broken_connection(&error) => continue,
                Some(Err(error)) => return Received::Unacceptable(code_of(&error)),
                Some(Ok(message)) => self.accept(message),
            };
            if let Some(received) = received {
                return received;
            }
        }
    }

    fn accept(&mut self, message: Message) -> Option<Received> {
        Some(match message {
            Message::Text(text) => Received::Text(text),
            Message::Ping(payload) => Received::Ping(payload),
            Message::Pong(_) => Received::Pong,
            Message::Close(_) => Received::Close,
            Message::Binary(_) | Message::Continuation(Item::FirstBinary(_)) => {
                Received::Unacceptable(CloseCode::Binary)
            }
            Message::Continuation(Item::FirstText(part)) => {
                self.partial = Some(Partial {
                    bytes: BytesMut::new(),
                    fragments: 0,
                });
                return self.add(&part).err();
            }
            Message::Continuation(Item::Continue(part)) => return self.add(&part).err(),
            Message::Continuation(Item::Last(part)) => match self.add(&part) {
                Ok(()) => self.complete(),
                Err(refused) => refused,
            },
            Message::Nop => return None,
        })
    }

    fn add(&mut self, part: &[u8]) -> Result<(), Received> {
        // The codec refuses a continuation of nothing before it gets here.
        let partial = self
            .partial
            .as_mut()
            .ok_or(Received::Unacceptable(CloseCode::Protocol))?;
        partial.fragments += 1;
        if partial.bytes.len() + part.len() > self.bytes_max || partial.fragments > self.fragments_max {
            return Err(Received::Unacceptable(CloseCode::TooBig));
        }
        partial.bytes.extend_from_slice(part);
        Ok(())
    }

    fn complete(&mut self) -> Received {
        let bytes = self
            .partial
            .take()
            .map(|partial| partial.bytes.freeze())
            .unwrap_or_default();
        ByteString::try_from(bytes).map_or(Received::Unacceptable(CloseCode::BadUtf8), Received::Text)
    }
}

fn is_broken_connection(error: &ProtocolError) -> bool {
    let ProtocolError::Io(error) = error else { return false };
    error.get_ref().is_some_and(|cause| cause.is::<PayloadError>())
}

fn code_of(error: &ProtocolError) -> CloseCode {
    match error {
        ProtocolError::Overflow => CloseCode::TooBig,
        ProtocolError::Io(error) if error.kind() == io::ErrorKind::InvalidData => CloseCode::BadUtf8,
        _ => CloseCode::Protocol,
    }
}

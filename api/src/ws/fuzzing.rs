//! The door through which the fuzzers of `tests/fuzz` reach what takes foreign bytes. Nothing else calls it.

use bytes::Bytes;

use super::{incoming::Decoder, protocol::parse};
use crate::limits::Limits;

/// Each frame in the text of one message: understood, in the form in which it prints itself, or refused, with what the client is told.
pub fn frames(text: &str) -> Vec<Result<String, String>> {
    let frames = parse(text).into_iter();
    frames
        .map(|frame| match frame {
            Ok(frame) => Ok(format!("{frame:?}")),
            Err(bad) => Err(bad.problem.detail_text().to_owned()),
        })
        .collect()
}

/// What a socket understands of these bytes, arriving in these pieces: each message, in the form in which it prints itself.
pub fn messages<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<String> {
    let limits = Limits::default();
    let mut decoder = Decoder::new(limits.frame_bytes, limits.frame_fragments);
    let mut messages = vec![];
    for piece in pieces {
        decoder.feed(Bytes::copy_from_slice(piece));
        messages.extend(std::iter::from_fn(|| decoder.next()).map(|message| format!("{message:?}")));
    }
    messages
}

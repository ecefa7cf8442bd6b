//! RFC 6455 from the server's side: bytes in whatever pieces they arrive become whole messages, or the code to close with. Refuses by what
//! a header declares, before the payload is kept, so that no more than one message is ever in memory. No input or output here.

use bytes::{Buf, Bytes, BytesMut};
use bytestring::ByteString;

use super::{CloseCode, Received};

const FINAL: u8 = 0x80;
const RESERVED: u8 = 0x70;
const OPCODE: u8 = 0x0f;
const MASKED: u8 = 0x80;
const LENGTH: u8 = 0x7f;
const LENGTH_IS_U16: u8 = 126;
const LENGTH_IS_U64: u8 = 127;
const MASK_BYTES: usize = 4;
/// Payload of a control frame (RFC 6455 section 5.5).
const CONTROL_BYTES_MAX: u64 = 125;

pub(in crate::ws) struct Decoder {
    bytes: BytesMut,
    bytes_max: usize,
    fragments_max: usize,
    /// The header whose payload is arriving.
    header: Option<Header>,
    /// Of a refused payload, what is still to come.
    skip: u64,
    /// The message whose fragments are arriving.
    partial: Option<Partial>,
    /// Something was refused: only the peer's close still counts.
    refused: bool,
}

#[derive(Debug, Clone, Copy)]
struct Header {
    kind: Kind,
    last: bool,
    length: u64,
    mask: [u8; MASK_BYTES],
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

#[derive(Default)]
struct Partial {
    bytes: BytesMut,
    fragments: usize,
}

impl Decoder {
    pub(in crate::ws) fn new(bytes_max: usize, fragments_max: usize) -> Self {
        Self {
            bytes: BytesMut::new(),
            bytes_max,
            fragments_max,
            header: None,
            skip: 0,
            partial: None,
            refused: false,
        }
    }

    pub(in crate::ws) fn feed(&mut self, bytes: Bytes) {
        if self.bytes.is_empty() {
            // Without a copy, where the connection has let go of them.
            self.bytes = BytesMut::from(bytes);
        } else {
            self.bytes.extend_from_slice(&bytes);
        }
    }

    /// The next message, or `None` when more bytes are needed for it.
    pub(in crate::ws) fn next(&mut self) -> Option<Received> {
        while self.skip_refused() {
            let received = match self.next_frame()? {
                Ok((header, payload)) => self.accept(header, payload),
                Err(code) => Some(Received::Unacceptable(code)),
            };
            match received {
                // The peer has answered our close, or had not seen it yet when it closed: both mean that nothing more comes.
                Some(Received::Close) => return Some(Received::Close),
                Some(_) if self.refused => {}
                Some(Received::Unacceptable(code)) => {
                    self.refused = true;
                    self.partial = None;
                    return Some(Received::Unacceptable(code));
                }
                Some(received) => return Some(received),
                None => {}
            }
        }
        None
    }

    /// Drops what has come of a refused payload; true when all of it has.
    fn skip_refused(&mut self) -> bool {
        let here = self.skip.min(self.bytes.len() as u64);
        self.bytes.advance(here as usize);
        self.skip -= here;
        self.skip == 0
    }

    /// The next frame, unmasked, or why it is refused; its payload is then skipped as it arrives.
    fn next_frame(&mut self) -> Option<Result<(Header, Bytes), CloseCode>> {
        let header = match self.header {
            Some(header) => header,
            None => match self.next_header()? {
                Ok(header) => header,
                Err(code) => return Some(Err(code)),
            },
        };
        let length = header.length as usize;
        if self.bytes.len() < length {
            self.header = Some(header);
            return None;
        }
        self.header = None;
        let mut payload = self.bytes.split_to(length);
        unmask(&mut payload, header.mask);
        if self.bytes.is_empty() {
            // An idle socket keeps no buffer.
            self.bytes = BytesMut::new();
        }
        Some(Ok((header, payload.freeze())))
    }

    fn next_header(&mut self) -> Option<Result<Header, CloseCode>> {
        let (bytes, [first, second]) = (&self.bytes[..], *self.bytes.first_chunk()?);
        let (length, length_bytes) = match second & LENGTH {
            LENGTH_IS_U16 => (u64::from(u16::from_be_bytes(*bytes[2..].first_chunk()?)), 2),
            LENGTH_IS_U64 => (u64::from_be_bytes(*bytes[2..].first_chunk()?), 8),
            short => (u64::from(short), 0),
        };
        let masked = second & MASKED != 0;
        let mask = if masked {
            *bytes[2 + length_bytes..].first_chunk()?
        } else {
            [0; MASK_BYTES]
        };
        let header_bytes = 2 + length_bytes + if masked { MASK_BYTES } else { 0 };
        self.bytes.advance(header_bytes);
        let header = Kind::of(first & OPCODE).map(|kind| Header {
            kind,
            last: first & FINAL != 0,
            length,
            mask,
        });
        let checked = match header {
            Some(header) if masked && first & RESERVED == 0 => self.check(header),
            Some(_) | None => Err(CloseCode::Protocol),
        };
        if checked.is_err() {
            self.skip = length;
        }
        Some(checked)
    }

    /// Whether the frame may come now, and be that large.
    fn check(&self, header: Header) -> Result<Header, CloseCode> {
        match header.kind {
            Kind::Close | Kind::Ping | Kind::Pong if header.last && header.length <= CONTROL_BYTES_MAX => Ok(header),
            Kind::Close | Kind::Ping | Kind::Pong => Err(CloseCode::Protocol),
            // Nobody will look at it.
            Kind::Continuation | Kind::Text | Kind::Binary if self.refused => Err(CloseCode::Protocol),
            Kind::Continuation if self.partial.is_none() => Err(CloseCode::Protocol),
            Kind::Text | Kind::Binary if self.partial.is_some() => Err(CloseCode::Protocol),
            Kind::Binary => Err(CloseCode::Binary),
            Kind::Continuation | Kind::Text if self.fits(header.length) => Ok(header),
            Kind::Continuation | Kind::Text => Err(CloseCode::TooBig),
        }
    }

    fn fits(&self, more: u64) -> bool {
        let (bytes, fragments) = match &self.partial {
            Some(partial) => (partial.bytes.len() as u64, partial.fragments),
            None => (0, 0),
        };
        bytes.saturating_add(more) <= self.bytes_max as u64 && fragments < self.fragments_max
    }

    fn accept(&mut self, header: Header, payload: Bytes) -> Option<Received> {
        Some(match header.kind {
            Kind::Ping => Received::Ping(payload),
            Kind::Pong => Received::Pong,
            Kind::Close => close(&payload),
            Kind::Text if header.last => text(payload),
            Kind::Text | Kind::Continuation | Kind::Binary => return self.add(&payload, header.last),
        })
    }

    fn add(&mut self, part: &[u8], last: bool) -> Option<Received> {
        let mut partial = self.partial.take().unwrap_or_default();
        partial.bytes.extend_from_slice(part);
        partial.fragments += 1;
        if last {
            return Some(text(partial.bytes.freeze()));
        }
        self.partial = Some(partial);
        None
    }
}

impl Kind {
    fn of(opcode: u8) -> Option<Self> {
        Some(match opcode {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }
}

fn text(bytes: Bytes) -> Received {
    ByteString::try_from(bytes).map_or(Received::Unacceptable(CloseCode::BadUtf8), Received::Text)
}

/// Nothing, or a code that may be sent (RFC 6455 section 7.4) and a reason in UTF-8.
fn close(payload: &[u8]) -> Received {
    let Some((code, reason)) = payload.split_first_chunk() else {
        return match payload {
            [] => Received::Close,
            _ => Received::Unacceptable(CloseCode::Protocol),
        };
    };
    match u16::from_be_bytes(*code) {
        1000..=1003 | 1007..=1014 | 3000..=4999 if std::str::from_utf8(reason).is_ok() => Received::Close,
        1000..=1003 | 1007..=1014 | 3000..=4999 => Received::Unacceptable(CloseCode::BadUtf8),
        _ => Received::Unacceptable(CloseCode::Protocol),
    }
}

fn unmask(payload: &mut [u8], mask: [u8; MASK_BYTES]) {
    let (blocks, rest) = payload.as_chunks_mut::<MASK_BYTES>();
    for block in blocks {
        *block = (u32::from_ne_bytes(*block) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    rest.iter_mut().zip(mask).for_each(|(byte, key)| *byte ^= key);
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BYTES_MAX: usize = 300;
    const FRAGMENTS_MAX: usize = 4;
    const CONTINUATION: u8 = 0x0;
    const TEXT: u8 = 0x1;
    const CLOSE: u8 = 0x8;
    const PING: u8 = 0x9;

    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0xa1, 0x00, 0x5c, 0xff];
        let mut frame = vec![first];
        match payload.len() {
            short @ 0..126 => frame.push(MASKED | short as u8),
            long => {
                frame.push(MASKED | LENGTH_IS_U16);
                frame.extend_from_slice(&(long as u16).to_be_bytes());
            }
        }
        frame.extend_from_slice(&mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key));
        frame
    }

    fn received<'a>(chunks: impl IntoIterator<Item = &'a [u8]>) -> Vec<Received> {
        let mut decoder = Decoder::new(BYTES_MAX, FRAGMENTS_MAX);
        let mut received = vec![];
        for chunk in chunks {
            decoder.feed(Bytes::copy_from_slice(chunk));
            received.extend(std::iter::from_fn(|| decoder.next()));
        }
        received
    }

    fn all(frames: &[Vec<u8>]) -> Vec<Received> {
        received([frames.concat().as_slice()])
    }

    fn refused(code: CloseCode) -> Vec<Received> {
        vec![Received::Unacceptable(code)]
    }

    #[test]
    fn control_frames_may_come_between_fragments() {
        let frames = [
            frame(TEXT, b"one "),
            frame(FINAL | PING, b"?"),
            frame(CONTINUATION, b""),
            frame(FINAL | CONTINUATION, b"two"),
            frame(FINAL | TEXT, b"three"),
        ];
        let expected = [
            Received::Ping(Bytes::from_static(b"?")),
            Received::Text("one two".into()),
            Received::Text("three".into()),
        ];
        assert_eq!(all(&frames), expected);
    }

    #[test]
    fn what_came_before_a_refused_frame_is_handed_out_first() {
        let frames = [frame(FINAL | TEXT, b"kept"), frame(FINAL | 0x3, b"what is this")];
        let expected = [
            Received::Text("kept".into()),
            Received::Unacceptable(CloseCode::Protocol),
        ];
        assert_eq!(all(&frames), expected);
    }

    #[test]
    fn after_a_refusal_only_the_close_counts() {
        let frames = [
            frame(FINAL | 0x2, &[7; 200]),
            frame(FINAL | TEXT, b"unheard"),
            frame(FINAL | PING, b"unheard"),
            frame(FINAL | CLOSE, b""),
        ];
        assert_eq!(
            all(&frames),
            [Received::Unacceptable(CloseCode::Binary), Received::Close]
        );
    }

    #[test]
    fn a_declared_length_is_refused_before_it_arrives_and_never_kept() {
        for length in [
            BYTES_MAX as u64 + 1,
            u64::from(u32::MAX),
            i64::MAX as u64,
            1 << 63,
            u64::MAX,
        ] {
            let mut decoder = Decoder::new(BYTES_MAX, FRAGMENTS_MAX);
            let mut header = vec![FINAL | TEXT, MASKED | LENGTH_IS_U64];
            header.extend_from_slice(&length.to_be_bytes());
            header.extend_from_slice(&[0; MASK_BYTES]);
            decoder.feed(header.into());
            assert_eq!(
                decoder.next(),
                Some(Received::Unacceptable(CloseCode::TooBig)),
                "{length}"
            );
            decoder.feed(Bytes::from_static(&[b'x'; BYTES_MAX]));
            assert_eq!(decoder.next(), None);
            assert_eq!(decoder.bytes.len(), 0, "{length}");
        }
    }

    #[test]
    fn fragments_are_counted_and_added_up() {
        let many = |count: usize| -> Vec<_> {
            let mut frames = vec![frame(CONTINUATION, b""); count];
            frames[0] = frame(TEXT, b"");
            frames.push(frame(FINAL | CONTINUATION, b"."));
            frames
        };
        assert_eq!(all(&many(FRAGMENTS_MAX - 1)), [Received::Text(".".into())]);
        assert_eq!(all(&many(FRAGMENTS_MAX)), refused(CloseCode::TooBig));
        let half = vec![b'x'; BYTES_MAX / 2];
        let fitting = [frame(TEXT, &half), frame(FINAL | CONTINUATION, &half)];
        assert_eq!(all(&fitting).len(), 1);
        let too_big = [
            frame(TEXT, &half),
            frame(CONTINUATION, &half),
            frame(CONTINUATION, b"x"),
        ];
        assert_eq!(all(&too_big), refused(CloseCode::TooBig));
    }

    proptest! {
        #[test]
        fn the_same_bytes_mean_the_same_in_whatever_pieces_they_arrive(
            frames in prop::collection::vec((any::<u8>(), prop::collection::vec(any::<u8>(), 0..310)), 0..8),
            pieces in prop::collection::vec(1usize..40, 1..20),
        ) {
            let bytes: Vec<u8> = frames.iter().flat_map(|(first, payload)| frame(*first, payload)).collect();
            let whole = received([bytes.as_slice()]);
            let mut rest = bytes.as_slice();
            let mut sizes = pieces.iter().cycle();
            let parts = std::iter::from_fn(|| {
                let (part, after) = rest.split_at((*sizes.next()?).min(rest.len()));
                rest = after;
                (!part.is_empty()).then_some(part)
            });
            prop_assert_eq!(received(parts), whole);
        }

        #[test]
        fn a_message_is_the_same_in_whatever_fragments_it_comes(
            message in "\\PC{0,60}",
            cuts in prop::collection::vec(0usize..=240, 0..FRAGMENTS_MAX),
        ) {
            let bytes = message.as_bytes();
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.sort_unstable();
            cuts.push(bytes.len());
            let mut from = 0;
            let mut frames = vec![];
            for (place, cut) in cuts.iter().enumerate() {
                let last = if place + 1 == cuts.len() { FINAL } else { 0 };
                let opcode = if place == 0 { TEXT } else { CONTINUATION };
                frames.push(frame(last | opcode, &bytes[from..*cut]));
                from = *cut;
            }
            prop_assert_eq!(all(&frames), [Received::Text(message.into())]);
        }

        #[test]
        fn nothing_that_arrives_is_too_much(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
            let mut decoder = Decoder::new(BYTES_MAX, FRAGMENTS_MAX);
            for chunk in bytes.chunks(97) {
                decoder.feed(Bytes::copy_from_slice(chunk));
                while decoder.next().is_some() {}
                let partial = decoder.partial.as_ref().map_or(0, |partial| partial.bytes.len());
                prop_assert!(decoder.bytes.len() <= BYTES_MAX + 97 && partial <= BYTES_MAX);
            }
        }
    }
}

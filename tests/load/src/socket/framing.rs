//! The bytes of RFC 6455 frames as far as a client of this server needs them: whole frames, no fragments, no extensions.
//! Nothing here reads or writes a connection.

use super::SocketError;

/// The protocol allows 64 KiB; more than this is a broken length, not a large frame.
const PAYLOAD_BYTES_MAX: u64 = 1024 * 1024;
const FIN: u8 = 0x80;
const MASKED: u8 = 0x80;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Opcode {
    Text = 1,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// What arrived, borrowed from the reader's buffer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming<'a> {
    Text(&'a [u8]),
    Ping(&'a [u8]),
    Pong,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(opcode: Opcode, payload: &'a [u8]) -> Result<Self, SocketError> {
        match opcode {
            Opcode::Text => Ok(Self::Text(payload)),
            Opcode::Ping => Ok(Self::Ping(payload)),
            Opcode::Pong => Ok(Self::Pong),
            Opcode::Close => Err(closed(payload)),
        }
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Parsed {
    /// More bytes are needed.
    Partial,
    /// A whole frame: `head` bytes, then `len` bytes of payload.
    Frame { opcode: Opcode, head: usize, len: usize },
}

pub(super) fn parse(bytes: &[u8]) -> Result<Parsed, SocketError> {
    let [first, second, rest @ ..] = bytes else {
        return Ok(Parsed::Partial);
    };
    if second & MASKED != 0 {
        return Err(SocketError::Framing("masked by the server"));
    }
    let opcode = opcode(*first)?;
    let Some((head, len)) = length(*second, rest) else {
        return Ok(Parsed::Partial);
    };
    if len > PAYLOAD_BYTES_MAX {
        return Err(SocketError::Framing("longer than any frame of the protocol"));
    }
    let len = len as usize;
    Ok(if bytes.len() < head + len {
        Parsed::Partial
    } else {
        Parsed::Frame { opcode, head, len }
    })
}

fn opcode(first: u8) -> Result<Opcode, SocketError> {
    match first {
        0x81 => Ok(Opcode::Text),
        0x88 => Ok(Opcode::Close),
        0x89 => Ok(Opcode::Ping),
        0x8a => Ok(Opcode::Pong),
        0x01 | 0x00 | 0x80 => Err(SocketError::Framing("a fragment")),
        _ => Err(SocketError::Framing("neither text nor control")),
    }
}

/// How long the head is, and the payload behind it.
fn length(second: u8, rest: &[u8]) -> Option<(usize, u64)> {
    match second {
        126 => rest.first_chunk().map(|len| (4, u64::from(u16::from_be_bytes(*len)))),
        127 => rest.first_chunk().map(|len| (10, u64::from_be_bytes(*len))),
        short => Some((2, u64::from(short))),
    }
}

/// Appends a client's frame. The mask of zeros is a legal mask and leaves the payload as it is: masking guards proxies from
/// hostile pages, and there is neither here.
pub(super) fn write(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    out.push(FIN | opcode as u8);
    match payload.len() {
        len @ 0..=125 => out.push(MASKED | len as u8),
        len @ 126..=0xffff => {
            out.push(MASKED | 126);
            out.extend_from_slice(&(len as u16).to_be_bytes());
        }
        len => {
            out.push(MASKED | 127);
            out.extend_from_slice(&(len as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(&[0; 4]);
    out.extend_from_slice(payload);
}

fn closed(payload: &[u8]) -> SocketError {
    // RFC 6455 7.1.5: a close frame without a code stands for 1005.
    let (code, reason) = payload
        .split_first_chunk()
        .map_or((1005, payload), |(code, rest)| (u16::from_be_bytes(*code), rest));
    SocketError::Closed {
        code,
        reason: String::from_utf8_lossy(reason).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_is_whole_or_partial_at_every_cut() {
        for len in [0usize, 5, 125, 126, 300, 65_535, 65_536] {
            let mut bytes = vec![0x81];
            match len {
                0..=125 => bytes.push(len as u8),
                126..=0xffff => bytes.extend([&[126][..], &(len as u16).to_be_bytes()].concat()),
                _ => bytes.extend([&[127][..], &(len as u64).to_be_bytes()].concat()),
            }
            let head = bytes.len();
            bytes.extend(vec![b'x'; len]);
            for cut in (0..head.min(bytes.len())).chain([bytes.len() - 1]) {
                assert_eq!(
                    parse(&bytes[..cut]).expect("no error"),
                    Parsed::Partial,
                    "{len} cut at {cut}"
                );
            }
            bytes.push(0x81);
            assert_eq!(
                parse(&bytes).expect("no error"),
                Parsed::Frame {
                    opcode: Opcode::Text,
                    head,
                    len
                }
            );
        }
    }

    #[test]
    fn what_the_server_must_not_send_is_an_error() {
        for bytes in [[0x01, 0], [0x80, 0], [0x82, 0], [0xc1, 0], [0x81, 0x80]] {
            assert!(parse(&bytes).is_err(), "{bytes:x?}");
        }
        assert!(parse(&[&[0x81, 127][..], &u64::MAX.to_be_bytes()].concat()).is_err());
    }

    #[test]
    fn a_written_frame_is_masked_and_carries_its_length() {
        let mut out = Vec::new();
        write(&mut out, Opcode::Text, b"hi");
        assert_eq!(out, [0x81, 0x82, 0, 0, 0, 0, b'h', b'i']);
        for len in [126usize, 70_000] {
            let mut out = Vec::new();
            write(&mut out, Opcode::Text, &vec![b'x'; len]);
            let head = if len > 0xffff { 14 } else { 8 };
            assert_eq!((out.len(), out[1] & 0x80), (head + len, 0x80));
        }
    }

    #[test]
    fn a_close_frame_is_the_end_with_its_code() {
        let error = Incoming::new(Opcode::Close, &[0x11, 0x38, b'b', b'y', b'e']).expect_err("closed");
        assert_eq!(error.to_string(), "the server closed the socket with 4408 \"bye\"");
        assert!(matches!(
            Incoming::new(Opcode::Close, &[]),
            Err(SocketError::Closed { code: 1005, .. })
        ));
    }
}

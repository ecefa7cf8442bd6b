//! What clients send: frames unmasked in place, and the few fields that are needed, found in the order in which our clients write them.
//! Whatever is rare goes through the JSON parser.

use serde_json::Value;

use crate::frame::Cursor;

/// The yardstick takes no larger frame, as the real server does not.
const PAYLOAD_BYTES_MAX: u64 = 64 * 1024;
const BODY_BYTES_MAX: usize = 32_000;

#[derive(Debug, PartialEq)]
pub(super) enum Request<'a> {
    Hello {
        person: u32,
    },
    Sub {
        id: String,
        channel: String,
    },
    Send(Send<'a>),
    /// Signs of life.
    Nothing,
}

/// A message to be sent. The body is kept as it stood between its quotes.
#[derive(Debug, PartialEq)]
pub(super) struct Send<'a> {
    pub(super) id: &'a str,
    pub(super) channel: &'a str,
    pub(super) key: &'a str,
    pub(super) body: &'a str,
}

/// Why a connection is dropped. The yardstick explains nothing.
#[derive(Debug, PartialEq)]
pub(super) struct Broken;

/// A whole frame at the start of the bytes: where its payload starts and ends, and whether it is text. None when more is needed.
pub(super) fn frame(bytes: &mut [u8]) -> Result<Option<(usize, usize, bool)>, Broken> {
    let [first, second, rest @ ..] = &*bytes else {
        return Ok(None);
    };
    let text = match first {
        0x81 => true,
        0x89 | 0x8a => false,
        _ => return Err(Broken),
    };
    let length = match second & 0x7f {
        126 => rest.first_chunk().map(|len| (4, u64::from(u16::from_be_bytes(*len)))),
        127 => rest.first_chunk().map(|len| (10, u64::from_be_bytes(*len))),
        short => Some((2, u64::from(short))),
    };
    let Some((head, len)) = length else { return Ok(None) };
    if second & 0x80 == 0 || len > PAYLOAD_BYTES_MAX {
        return Err(Broken);
    }
    let (start, end) = (head + 4, head + 4 + len as usize);
    if bytes.len() < end {
        return Ok(None);
    }
    let mask = *bytes[head..].first_chunk::<4>().ok_or(Broken)?;
    unmask(&mut bytes[start..end], mask);
    Ok(Some((start, end, text)))
}

fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= mask;
    }
}

pub(super) fn request(text: &[u8]) -> Result<Request<'_>, Broken> {
    if let Some(send) = send(text) {
        return Ok(Request::Send(send));
    }
    let frame: Value = serde_json::from_slice(text).map_err(|_| Broken)?;
    let field = |name: &str| frame[name].as_str().map(str::to_owned).ok_or(Broken);
    match frame["t"].as_str() {
        Some("hello") => Ok(Request::Hello {
            person: person(&field("ticket")?).ok_or(Broken)?,
        }),
        Some("sub") => Ok(Request::Sub {
            id: field("id")?,
            channel: field("ch")?,
        }),
        Some("pong") => Ok(Request::Nothing),
        _ => Err(Broken),
    }
}

fn person(ticket: &str) -> Option<u32> {
    ticket.strip_prefix("person ")?.parse().ok()
}

fn send(text: &[u8]) -> Option<Send<'_>> {
    let mut rest = Cursor(text);
    rest.skip(br#"{"t":"cmd","id":""#)?;
    let id = rest.plain()?;
    rest.skip(br#","op":"message.send","ch":""#)?;
    let channel = rest.plain()?;
    rest.skip(br#","key":""#)?;
    let key = rest.plain()?;
    rest.skip(br#","d":{"body":""#)?;
    let body = rest.string()?;
    rest.skip(b"}}")?;
    let sound = !body.is_empty() && body.len() <= BODY_BYTES_MAX && rest.0.is_empty();
    sound.then_some(Send { id, channel, key, body })
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEND: &[u8] =
        br#"{"t":"cmd","id":"3","op":"message.send","ch":"channel_1","key":"k","d":{"body":"a \"b\""}}"#;

    fn masked(payload: &[u8], mask: [u8; 4]) -> Vec<u8> {
        let mut frame = match payload.len() {
            len @ 0..=125 => vec![0x81, 0x80 | len as u8],
            len => [&[0x81, 0x80 | 126][..], &(len as u16).to_be_bytes()].concat(),
        };
        frame.extend(mask);
        frame.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, mask)| byte ^ mask));
        frame
    }

    #[test]
    fn a_masked_frame_is_read_at_any_length_once_it_is_whole() {
        for len in [0usize, 1, 7, 8, 125, 126, 1_000] {
            let payload: Vec<u8> = (0..len).map(|byte| byte as u8).collect();
            let mut bytes = masked(&payload, [1, 2, 3, 4]);
            let whole = bytes.len();
            assert_eq!(frame(&mut bytes[..whole - 1]), Ok(None), "{len}");
            let (start, end, text) = frame(&mut bytes).expect("sound").expect("whole");
            assert!(text && end == whole);
            assert_eq!(&bytes[start..end], payload, "{len}");
        }
    }

    #[test]
    fn what_no_client_of_ours_sends_ends_the_connection() {
        for mut bytes in [
            vec![0x82, 0x80, 0, 0, 0, 0],
            vec![0x81, 0],
            vec![0x01, 0x80, 0, 0, 0, 0],
        ] {
            assert_eq!(frame(&mut bytes), Err(Broken), "{bytes:x?}");
        }
        assert_eq!(request(b"{}"), Err(Broken));
        assert_eq!(request(&SEND[..SEND.len() - 1]), Err(Broken));
    }

    #[test]
    fn a_message_keeps_its_escapes() {
        let Ok(Request::Send(send)) = request(SEND) else {
            panic!("a message")
        };
        assert_eq!(
            (send.id, send.channel, send.key, send.body),
            ("3", "channel_1", "k", r#"a \"b\""#)
        );
    }

    #[test]
    fn greetings_are_understood() {
        let hello = format!(r#"{{"t":"hello","ticket":"{}","device":"d"}}"#, crate::floor::ticket(7));
        assert_eq!(request(hello.as_bytes()), Ok(Request::Hello { person: 7 }));
        let sub = br#"{"t":"sub","id":"s","ch":"c","after":0}"#;
        assert_eq!(
            request(sub),
            Ok(Request::Sub {
                id: "s".into(),
                channel: "c".into()
            })
        );
    }
}

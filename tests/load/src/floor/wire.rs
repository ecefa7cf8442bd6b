//! What the yardstick sends, byte for byte shaped like the real server's frames and as long. Everything is appended to a buffer that
//! many frames share.

use std::ops::Range;

/// The alphabet of ids.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
const SUFFIX_BYTES: usize = 26;
/// Every frame here is longer than a short head allows, and shorter than a long one needs.
const HEAD_BYTES: usize = 4;
const PAYLOAD_BYTES_MIN: usize = 126;

/// What all frames about one event have in common.
pub(super) struct Event<'a> {
    pub(super) channel: &'a [u8],
    pub(super) seq: u64,
    pub(super) pos: u64,
    pub(super) at: &'a [u8],
    pub(super) by: u32,
    pub(super) body: &'a [u8],
}

pub(super) fn event(out: &mut Vec<u8>, event: &Event<'_>, key: Option<&[u8]>) -> Range<u32> {
    let id = id(event.pos);
    framed(out, |out| {
        push(out, &[br#"{"t":"ev","ch":""#, event.channel, br#"","seq":"#]);
        push_number(out, event.seq);
        push(
            out,
            &[
                br#","type":"message.sent","event":"event_"#,
                &id,
                br#"","at":""#,
                event.at,
            ],
        );
        push(out, &[br#"","by":"user_"#]);
        push_person(out, event.by);
        if let Some(key) = key {
            push(out, &[br#"","key":""#, key]);
        }
        push(
            out,
            &[
                br#"","d":{"message":"message_"#,
                &id,
                br#"","body":""#,
                event.body,
                br#""}}"#,
            ],
        );
    })
}

pub(super) fn ok(out: &mut Vec<u8>, event: &Event<'_>, answers: &[u8], replayed: bool) -> Range<u32> {
    let suffix = id(event.pos);
    framed(out, |out| {
        push(
            out,
            &[
                br#"{"t":"ok","id":""#,
                answers,
                br#"","ch":""#,
                event.channel,
                br#"","seq":"#,
            ],
        );
        push_number(out, event.seq);
        push(
            out,
            &[
                br#","event":"event_"#,
                &suffix,
                br#"","message":"message_"#,
                &suffix,
                br#"","pos":""#,
            ],
        );
        push_number(out, event.pos);
        let replayed: &[u8] = if replayed { b"true}" } else { b"false}" };
        push(out, &[br#"","at":""#, event.at, br#"","replayed":"#, replayed]);
    })
}

pub(super) fn err(out: &mut Vec<u8>, answers: &[u8], code: &str, detail: &str) -> Range<u32> {
    framed(out, |out| {
        push(
            out,
            &[br#"{"t":"err","id":""#, answers, br#"","code":""#, code.as_bytes()],
        );
        push(out, &[br#"","detail":""#, detail.as_bytes()]);
        push(out, &[br#"","retryable":false,"retry_after_ms":null}"#]);
    })
}

pub(super) fn welcome(out: &mut Vec<u8>, person: u32) {
    framed(out, |out| {
        push(
            out,
            &[br#"{"t":"welcome","conn":"conn_00000000000000000000000000","user":"user_"#],
        );
        push_person(out, person);
        push(
            out,
            &[br#"","incarnation":"floor","heartbeat_ms":3600000,"channels":[],"feed_seq":0}"#],
        );
    });
}

pub(super) fn sub_ok(out: &mut Vec<u8>, answers: &str, channel: &str) {
    framed(out, |out| {
        push(
            out,
            &[
                br#"{"t":"sub_ok","id":""#,
                answers.as_bytes(),
                br#"","ch":""#,
                channel.as_bytes(),
            ],
        );
        push(out, &[br#"","mode":"hot"}"#]);
    });
}

/// Appends a text frame whose length is known once it is written.
fn framed(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) -> Range<u32> {
    let start = out.len();
    out.extend_from_slice(&[0x81, 126, 0, 0]);
    write(out);
    // Blanks behind a short object are JSON too, and spare a second form of the head.
    let shortest = start + HEAD_BYTES + PAYLOAD_BYTES_MIN;
    if out.len() < shortest {
        out.resize(shortest, b' ');
    }
    let len = out.len() - start - HEAD_BYTES;
    debug_assert!(len <= 0xffff, "{len} bytes need another head");
    out[start + 2..start + HEAD_BYTES].copy_from_slice(&(len as u16).to_be_bytes());
    start as u32..out.len() as u32
}

fn push(out: &mut Vec<u8>, parts: &[&[u8]]) {
    parts.iter().for_each(|part| out.extend_from_slice(part));
}

fn push_number(out: &mut Vec<u8>, number: u64) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut rest = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (rest % 10) as u8;
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

fn push_person(out: &mut Vec<u8>, person: u32) {
    let mut suffix = [b'0'; SUFFIX_BYTES];
    let mut rest = person;
    for digit in suffix.iter_mut().rev().take(10) {
        *digit = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
    out.extend_from_slice(&suffix);
}

/// An id that looks like any other and is the event's own.
fn id(pos: u64) -> [u8; SUFFIX_BYTES] {
    let mixed = pos.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let mut rest = u128::from(mixed) << 64 | u128::from(pos);
    let mut suffix = [0; SUFFIX_BYTES];
    for digit in suffix.iter_mut().rev() {
        *digit = DIGITS[(rest & 31) as usize];
        rest >>= 5;
    }
    suffix
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::{self, Frame};

    fn payload<'a>(out: &'a [u8], range: &Range<u32>) -> &'a [u8] {
        &out[range.start as usize + HEAD_BYTES..range.end as usize]
    }

    const EVENT: Event<'_> = Event {
        channel: b"channel_1",
        seq: 813,
        pos: 1_000,
        at: b"2026-01-01T00:00:00.000000Z",
        by: 42,
        body: b"hello",
    };

    #[test]
    fn our_clients_read_its_events_and_answers() {
        let mut out = Vec::new();
        let (silent, keyed) = (event(&mut out, &EVENT, None), event(&mut out, &EVENT, Some(b"k")));
        let Frame::Event(read) = frame::parse(payload(&out, &silent)).expect("JSON") else {
            panic!("an event")
        };
        assert_eq!(
            (read.seq, read.key.as_deref(), read.body.as_deref()),
            (813, None, Some("hello"))
        );
        assert_eq!(read.by, "user_00000000000000000000000042");
        let Frame::Event(read) = frame::parse(payload(&out, &keyed)).expect("JSON") else {
            panic!("an event")
        };
        assert_eq!(read.key.as_deref(), Some("k"));
        let answer = ok(&mut out, &EVENT, b"3", false);
        let Frame::Ok(ack) = frame::parse(payload(&out, &answer)).expect("JSON") else {
            panic!("an answer")
        };
        assert_eq!((ack.id.as_ref(), ack.seq, ack.pos.as_ref()), ("3", 813, "1000"));
    }

    #[test]
    fn a_head_tells_the_length() {
        let mut out = b"before".to_vec();
        let range = event(&mut out, &EVENT, None);
        let start = range.start as usize;
        let told = u16::from_be_bytes([out[start + 2], out[start + 3]]);
        assert_eq!((start, usize::from(told)), (6, out.len() - 6 - HEAD_BYTES));
    }

    #[test]
    fn every_frame_is_one_json_object() {
        let mut out = Vec::new();
        let refusal = err(&mut out, b"1", "channel/not-found", "no such channel");
        for text in [
            payload(&out, &refusal).to_vec(),
            {
                let mut out = Vec::new();
                welcome(&mut out, 1);
                out.split_off(HEAD_BYTES)
            },
            {
                let mut out = Vec::new();
                sub_ok(&mut out, "s", "c");
                out.split_off(HEAD_BYTES)
            },
        ] {
            assert!(serde_json::from_slice::<serde_json::Value>(&text).is_ok_and(|frame| frame["t"].is_string()));
        }
    }

    #[test]
    fn ids_differ_and_have_their_length() {
        assert_ne!(id(1), id(2));
        assert!(id(u64::MAX).iter().all(|digit| DIGITS.contains(digit)));
        assert_eq!(id(7).len(), 26);
    }
}

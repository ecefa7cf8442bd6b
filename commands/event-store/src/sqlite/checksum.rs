//! The checksum of a stored event: crc32c over one canonical form of everything the log knows about it. It guards against damage,
//! not against malice. The form never changes; another one would need another column.

use crate::Recorded;

/// Everything the checksum covers, borrowed from wherever the event is.
pub(super) struct Canonical<'a> {
    pub(super) position: u64,
    pub(super) revision: u64,
    pub(super) part: u32,
    pub(super) id: &'a [u8; 16],
    pub(super) version: u16,
    pub(super) actor: &'a [u8; 16],
    pub(super) intent: &'a [u8; 16],
    pub(super) request_id: &'a [u8; 16],
    /// Microseconds since 1970.
    pub(super) recorded_at: i64,
    pub(super) stream: &'a str,
    pub(super) kind: &'a str,
    pub(super) key: &'a str,
    pub(super) payload: &'a [u8],
}

/// `scratch` is only reused memory.
pub(super) fn checksum(recorded: &Recorded, part: u32, scratch: &mut Vec<u8>) -> u32 {
    let event = &recorded.event;
    let canonical = Canonical {
        position: recorded.position,
        revision: recorded.revision,
        part,
        id: event.id.as_bytes(),
        version: event.version,
        actor: event.actor.as_bytes(),
        intent: &event.intent,
        request_id: event.request_id.as_bytes(),
        recorded_at: event.recorded_at.timestamp_micros(),
        stream: recorded.stream.as_str(),
        kind: &event.kind,
        key: &event.key,
        payload: &event.payload,
    };
    canonical.checksum(scratch)
}

impl Canonical<'_> {
    /// Numbers little-endian at full width, then the texts and the payload, each after its length, the payload last.
    pub(super) fn checksum(&self, scratch: &mut Vec<u8>) -> u32 {
        scratch.clear();
        scratch.extend_from_slice(&self.position.to_le_bytes());
        scratch.extend_from_slice(&self.revision.to_le_bytes());
        scratch.extend_from_slice(&self.part.to_le_bytes());
        scratch.extend_from_slice(self.id);
        scratch.extend_from_slice(&self.version.to_le_bytes());
        scratch.extend_from_slice(self.actor);
        scratch.extend_from_slice(self.intent);
        scratch.extend_from_slice(self.request_id);
        scratch.extend_from_slice(&self.recorded_at.to_le_bytes());
        for text in [self.stream, self.kind, self.key] {
            scratch.extend_from_slice(&(text.len() as u64).to_le_bytes());
            scratch.extend_from_slice(text.as_bytes());
        }
        scratch.extend_from_slice(&(self.payload.len() as u64).to_le_bytes());
        crc32c::crc32c_append(crc32c::crc32c(scratch), self.payload)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bytes::Bytes;
    use chrono::DateTime;
    use uuid::Uuid;

    use super::*;
    use crate::{NewEvent, StreamName};

    fn hello() -> Recorded {
        Recorded {
            position: 7,
            stream: StreamName::new("channel", Uuid::from_u128(1)),
            revision: 3,
            event: NewEvent {
                id: Uuid::from_u128(2),
                kind: Arc::from("message.sent"),
                version: 1,
                actor: Uuid::from_u128(3),
                key: Arc::from("key"),
                intent: [4; 16],
                request_id: Uuid::from_u128(5),
                recorded_at: DateTime::from_timestamp_micros(1_700_000_000_000_001).expect("a date"),
                payload: Bytes::from_static(b"{\"body\":\"hello\"}"),
            },
        }
    }

    fn sum(recorded: &Recorded, part: u32) -> u32 {
        checksum(recorded, part, &mut Vec::new())
    }

    #[test]
    fn the_canonical_form_never_changes() {
        // Computed once with another implementation.
        assert_eq!(sum(&hello(), 0), 1_097_799_789);
    }

    #[test]
    fn every_field_counts() {
        let changes: [fn(&mut Recorded); 12] = [
            |r| r.position += 1,
            |r| r.stream = StreamName::new("channel", Uuid::from_u128(9)),
            |r| r.revision += 1,
            |r| r.event.id = Uuid::from_u128(9),
            |r| r.event.kind = Arc::from("message.edited"),
            |r| r.event.version += 1,
            |r| r.event.actor = Uuid::from_u128(9),
            |r| r.event.key = Arc::from("kez"),
            |r| r.event.intent[15] ^= 1,
            |r| r.event.request_id = Uuid::from_u128(9),
            |r| r.event.recorded_at += chrono::TimeDelta::microseconds(1),
            |r| r.event.payload = Bytes::from_static(b"{\"body\":\"hellp\"}"),
        ];
        for (number, change) in changes.iter().enumerate() {
            let mut changed = hello();
            change(&mut changed);
            assert_ne!(sum(&changed, 0), sum(&hello(), 0), "change {number}");
        }
        assert_ne!(sum(&hello(), 1), sum(&hello(), 0));
    }

    #[test]
    fn a_byte_that_moves_from_one_text_to_the_next_counts() {
        let mut moved = hello();
        moved.event.kind = Arc::from("message.sen");
        moved.event.key = Arc::from("tkey");
        assert_ne!(sum(&moved, 0), sum(&hello(), 0));
    }
}

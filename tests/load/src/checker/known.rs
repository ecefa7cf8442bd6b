//! Frames that were read a moment ago, so that a thousand readers of one room parse an event once. Others get the very same bytes, and
//! equal bytes say equal things; whatever differs in a single byte is parsed like any other frame. Each thread remembers its own.

use std::cell::RefCell;

use super::room::Head;

/// More than any reader is behind the first one in a room that keeps up.
const SLOTS: usize = 1_024;

/// What a frame said.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Said {
    pub(super) head: Head,
    /// Of all that readers compare.
    pub(super) digest: u64,
}

#[derive(Default)]
struct Slot {
    room: u64,
    seq: u64,
    frame: Vec<u8>,
    said: Option<Said>,
}

thread_local! {
    static SLOT: RefCell<Vec<Slot>> = const { RefCell::new(Vec::new()) };
}

/// `room` tells rooms apart, so that a frame in the wrong room is not taken for known.
pub(super) fn find(room: u64, seq: u64, frame: &[u8]) -> Option<Said> {
    SLOT.with_borrow(|slots| {
        let slot = slots.get(place(room, seq))?;
        let same = slot.seq == seq && slot.room == room && slot.frame == frame;
        slot.said.filter(|_| same)
    })
}

pub(super) fn remember(room: u64, seq: u64, frame: &[u8], said: Said) {
    SLOT.with_borrow_mut(|slots| {
        if slots.is_empty() {
            slots.resize_with(SLOTS, Slot::default);
        }
        let slot = &mut slots[place(room, seq)];
        (slot.room, slot.seq, slot.said) = (room, seq, Some(said));
        slot.frame.clear();
        slot.frame.extend_from_slice(frame);
    });
}

/// Rooms begin at different places, so that many small ones share the slots.
fn place(room: u64, seq: u64) -> usize {
    (room.wrapping_add(seq) % SLOTS as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_same_bytes_at_the_same_place_of_the_same_room_are_known() {
        let said = Said {
            head: Head {
                sender: 0,
                number: 1,
                sent_us: 2,
            },
            digest: 3,
        };
        assert_eq!(find(1, 5, b"frame"), None);
        remember(1, 5, b"frame", said);
        assert_eq!(find(1, 5, b"frame"), Some(said));
        for (room, seq, frame) in [
            (2, 5, "frame"),
            (1, 6, "frame"),
            (1, 5, "frame "),
            (1, 5, "framf"),
            (1, 5 + 1_024, "frame"),
        ] {
            assert_eq!(find(room, seq, frame.as_bytes()), None, "{room} {seq} {frame}");
        }
        remember(1, 5 + 1_024, b"later", said);
        assert_eq!(find(1, 5, b"frame"), None);
    }
}

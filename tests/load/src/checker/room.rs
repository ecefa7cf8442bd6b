//! A room in which several people send at once, so that nobody knows the order beforehand. Every body names its sender and number;
//! readers check each sender's order as they read, and afterwards that all of them saw the same.

use crate::frame::Event;

use super::{
    Order, Violation,
    known::{self, Said},
};

/// How many events lie between two marks of a reader's digest: how closely a difference can be placed.
const MARK_EVENTS: u64 = 256;
/// `SSSS NNNNNNNN TTTTTTTTTTTT ` in hexadecimal: sender, number, send time in us.
pub(crate) const HEAD_BYTES: usize = 27;

/// What a body says about itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Head {
    pub(crate) sender: usize,
    pub(crate) number: u64,
    pub(crate) sent_us: u64,
}

impl Head {
    /// Appends a body of `bytes` bytes, all of them plain ASCII that JSON need not escape.
    pub(crate) fn write_body(&self, out: &mut Vec<u8>, bytes: usize) {
        let start = out.len();
        out.extend_from_slice(format!("{:04x} {:08x} {:012x} ", self.sender, self.number, self.sent_us).as_bytes());
        // The filling differs from message to message, so that words of another one cannot pass for it.
        let filling = [b'a' + (self.number % 23) as u8, b'a' + (self.sender % 19) as u8];
        out.extend(filling.iter().cycle().take(bytes.saturating_sub(HEAD_BYTES)));
        debug_assert_eq!(out.len() - start, bytes.max(HEAD_BYTES));
    }

    pub(crate) fn read(body: &str) -> Option<Self> {
        let body = body.as_bytes().first_chunk::<HEAD_BYTES>()?;
        let (sender, number, sent_us) = (hex(&body[..4])?, hex(&body[5..13])?, hex(&body[14..26])?);
        Some(Self {
            sender: sender as usize,
            number,
            sent_us,
        })
    }
}

fn hex(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, digit| {
        Some(number << 4 | u64::from(char::from(*digit).to_digit(16)?))
    })
}

/// What one member of a room has seen.
#[derive(Debug)]
pub(crate) struct RoomReader {
    name: String,
    channel: String,
    /// Tells this room from others where its frames are remembered.
    room: u64,
    first: u64,
    order: Order,
    /// The number due of each sender.
    due: Vec<u64>,
    digest: u64,
    marks: Vec<u64>,
}

impl RoomReader {
    pub(crate) fn new(name: String, channel: String, first: u64, senders: usize) -> Self {
        Self {
            name,
            room: digest(0, &[channel.as_bytes()]),
            channel,
            first,
            order: Order::starting_at(first),
            due: vec![0; senders],
            digest: 0,
            marks: Vec::new(),
        }
    }

    fn see_parsed(&mut self, event: &Event<'_>) -> Result<Said, Violation> {
        if event.channel != self.channel {
            return Err(Violation::OtherChannel {
                reader: self.name.clone(),
                channel: event.channel.clone().into_owned(),
            });
        }
        self.order.take(event.seq, &self.name)?;
        let body = event.body.as_deref().unwrap_or_default();
        let head = Head::read(body).filter(|head| head.sender < self.due.len());
        let head = head.ok_or_else(|| Violation::NotAMessage {
            reader: self.name.clone(),
            seq: event.seq,
            kind: event.kind.clone().into_owned(),
        })?;
        let digest = digest(0, &[event.event.as_bytes(), event.by.as_bytes(), body.as_bytes()]);
        let said = Said { head, digest };
        self.take_said(said, event.seq)?;
        Ok(said)
    }

    /// Reads a frame: quickly if another reader of this room had the very same bytes in this place a moment ago. None when it is to be
    /// parsed.
    pub(crate) fn see_again(&mut self, frame: &[u8]) -> Result<Option<(Head, u64)>, Violation> {
        let seq = self.order.next();
        let Some(said) = known::find(self.room, seq, frame) else {
            return Ok(None);
        };
        self.order.take(seq, &self.name)?;
        self.take_said(said, seq)?;
        Ok(Some((said.head, seq)))
    }

    /// Reads an event that was parsed from a frame, and remembers the frame for the other readers.
    pub(crate) fn see(&mut self, event: &Event<'_>, frame: &[u8]) -> Result<Head, Violation> {
        let said = self.see_parsed(event)?;
        // A key is for one reader only.
        if event.key.is_none() {
            known::remember(self.room, event.seq, frame, said);
        }
        Ok(said.head)
    }

    fn take_said(&mut self, said: Said, seq: u64) -> Result<(), Violation> {
        self.take_number(said.head, seq)?;
        self.digest = mix(self.digest, said.digest.to_le_bytes());
        if self.seen().is_multiple_of(MARK_EVENTS) {
            self.marks.push(self.digest);
        }
        Ok(())
    }

    /// Each sender's messages come in the order in which that sender sent them, each once, none left out.
    fn take_number(&mut self, head: Head, seq: u64) -> Result<(), Violation> {
        let due = &mut self.due[head.sender];
        if head.number != *due {
            let (reader, sender, seen, expected) = (self.name.clone(), head.sender, head.number, *due);
            return Err(Violation::SenderOrder {
                reader,
                sender,
                seen,
                expected,
                seq,
            });
        }
        *due += 1;
        Ok(())
    }

    pub(crate) fn channel(&self) -> &str {
        &self.channel
    }

    /// The last seq that was seen, from which reading goes on.
    pub(crate) fn last(&self) -> u64 {
        self.order.next() - 1
    }

    pub(crate) fn seen(&self) -> u64 {
        self.order.next() - self.first
    }

    /// Has everything up to the seq been seen?
    pub(crate) fn reached(&self, last: u64) -> bool {
        self.order.next() > last
    }

    pub(crate) fn lost(&self, last: u64) -> Violation {
        Violation::Lost {
            reader: self.name.clone(),
            seen: self.seen(),
            expected: last + 1 - self.first,
        }
    }
}

/// All readers of a room saw the same events, word for word, and every one of them that was sent.
pub(crate) fn compare(readers: &[&RoomReader], sent: &[u64]) -> Result<(), Violation> {
    let Some((one, others)) = readers.split_first() else {
        return Ok(());
    };
    for other in others {
        if let Some(seq) = first_difference(one, other) {
            return Err(Violation::ReadersDiffer {
                one: one.name.clone(),
                other: other.name.clone(),
                seq,
            });
        }
    }
    match (one.due.iter().sum(), sent.iter().sum()) {
        (seen, expected) if seen == expected && one.due == sent => Ok(()),
        (seen, expected) => Err(Violation::Lost {
            reader: one.name.clone(),
            seen,
            expected,
        }),
    }
}

/// The seq by which two readers had come to differ.
fn first_difference(one: &RoomReader, other: &RoomReader) -> Option<u64> {
    if one.seen() == other.seen() && one.digest == other.digest {
        return None;
    }
    let mark = one.marks.iter().zip(&other.marks).position(|(a, b)| a != b);
    Some(mark.map_or(one.seen().max(other.seen()), |mark| (mark as u64 + 1) * MARK_EVENTS) + one.first - 1)
}

/// A running hash; fast, and of no use against an enemy.
fn digest(start: u64, parts: &[&[u8]]) -> u64 {
    parts.iter().fold(start, |hash, part| {
        let (words, rest) = part.as_chunks::<8>();
        let mut last = [0; 8];
        last[..rest.len()].copy_from_slice(rest);
        let hash = words
            .iter()
            .fold(hash ^ part.len() as u64, |hash, word| mix(hash, *word));
        mix(hash, last)
    })
}

fn mix(hash: u64, word: [u8; 8]) -> u64 {
    (hash.rotate_left(5) ^ u64::from_le_bytes(word)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// What one sender was told, and when: by number, since acknowledgements and own events come in either order.
#[derive(Debug, Default)]
pub(crate) struct Sent {
    acked: Vec<u64>,
    appeared: Vec<u64>,
}

impl Sent {
    pub(crate) fn acknowledged(&mut self, number: u64, seq: u64, issued: u64) -> Result<(), Violation> {
        let stray = || Violation::StrayAck { id: number.to_string() };
        if number >= issued || self.acked.get(number as usize).is_some_and(|seq| *seq != 0) {
            return Err(stray());
        }
        put(&mut self.acked, number, seq);
        self.agree(number)
    }

    pub(crate) fn appeared(&mut self, number: u64, seq: u64) -> Result<(), Violation> {
        put(&mut self.appeared, number, seq);
        self.agree(number)
    }

    /// The highest seq acknowledged so far.
    pub(crate) fn top(&self) -> u64 {
        self.acked.iter().copied().max().unwrap_or_default()
    }

    fn agree(&self, number: u64) -> Result<(), Violation> {
        let at = |seqs: &[u64]| seqs.get(number as usize).copied().filter(|seq| *seq != 0);
        match (at(&self.acked), at(&self.appeared)) {
            (Some(acked), Some(appeared)) if acked != appeared => Err(Violation::AckElsewhere {
                number,
                acked,
                appeared,
            }),
            _ => Ok(()),
        }
    }
}

/// Seqs start at 1, so 0 stands for not yet.
fn put(seqs: &mut Vec<u64>, number: u64, seq: u64) {
    let place = number as usize;
    if seqs.len() <= place {
        seqs.resize(place + 1, 0);
    }
    seqs[place] = seq;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(sender: usize, number: u64) -> String {
        let mut out = Vec::new();
        Head {
            sender,
            number,
            sent_us: 77,
        }
        .write_body(&mut out, 60);
        String::from_utf8(out).expect("ASCII")
    }

    fn event(seq: u64, body: String) -> Event<'static> {
        Event {
            channel: "c".into(),
            seq,
            kind: "message.sent".into(),
            event: "e".into(),
            by: "u".into(),
            key: None,
            body: Some(body.into()),
        }
    }

    fn reader(name: &str) -> RoomReader {
        RoomReader::new(name.into(), "c".into(), 1, 2)
    }

    /// A reader who saw these sends of (sender, number), in order.
    fn saw(name: &str, sends: &[(usize, u64)]) -> RoomReader {
        let mut reader = reader(name);
        for (at, (sender, number)) in sends.iter().enumerate() {
            reader
                .see_parsed(&event(at as u64 + 1, body(*sender, *number)))
                .expect("in order");
        }
        reader
    }

    #[test]
    fn a_body_says_who_sent_it_and_when_and_has_its_length() {
        assert_eq!(body(3, 41).len(), 60);
        assert_eq!(
            Head::read(&body(3, 41)),
            Some(Head {
                sender: 3,
                number: 41,
                sent_us: 77
            })
        );
        assert_eq!(Head::read("too short"), None);
        assert_eq!(Head::read(&"é".repeat(40)), None);
    }

    #[test]
    fn a_message_repeated_under_a_new_seq_is_found() {
        let mut ann = saw("ann", &[(0, 0), (1, 0)]);
        let again = ann.see_parsed(&event(3, body(0, 0)));
        assert_eq!(
            again,
            Err(Violation::SenderOrder {
                reader: "ann".into(),
                sender: 0,
                seen: 0,
                expected: 1,
                seq: 3
            })
        );
    }

    #[test]
    fn a_message_left_out_or_overtaken_is_found() {
        let mut ann = saw("ann", &[(0, 0)]);
        let skipped = ann.see_parsed(&event(2, body(0, 2)));
        assert_eq!(
            skipped,
            Err(Violation::SenderOrder {
                reader: "ann".into(),
                sender: 0,
                seen: 2,
                expected: 1,
                seq: 2
            })
        );
    }

    #[test]
    fn an_event_delivered_twice_and_one_never_delivered_are_found() {
        assert!(matches!(
            saw("ann", &[(0, 0)]).see_parsed(&event(1, body(0, 0))),
            Err(Violation::Repeated { seen: 1, .. })
        ));
        assert!(matches!(
            saw("ann", &[(0, 0)]).see_parsed(&event(3, body(0, 1))),
            Err(Violation::Skipped {
                seen: 3,
                expected: 2,
                ..
            })
        ));
        let ann = saw("ann", &[(0, 0)]);
        assert!(ann.reached(1) && !ann.reached(2));
        assert_eq!(
            ann.lost(2),
            Violation::Lost {
                reader: "ann".into(),
                seen: 1,
                expected: 2
            }
        );
    }

    #[test]
    fn what_is_not_a_message_of_the_room_is_found() {
        assert!(
            matches!(
                reader("ann").see_parsed(&event(1, body(2, 0))),
                Err(Violation::NotAMessage { .. })
            ),
            "no such sender"
        );
        assert!(matches!(
            reader("ann").see_parsed(&event(1, "hello".into())),
            Err(Violation::NotAMessage { .. })
        ));
        let mut other = event(1, body(0, 0));
        other.channel = "d".into();
        assert!(matches!(
            reader("ann").see_parsed(&other),
            Err(Violation::OtherChannel { .. })
        ));
    }

    #[test]
    fn readers_must_have_seen_the_same_order() {
        let (ann, bob) = (
            saw("ann", &[(0, 0), (1, 0), (0, 1)]),
            saw("bob", &[(0, 0), (1, 0), (0, 1)]),
        );
        let cid = saw("cid", &[(1, 0), (0, 0), (0, 1)]);
        assert_eq!(compare(&[&ann, &bob], &[2, 1]), Ok(()));
        let ann = saw("ann", &[(0, 0), (1, 0), (0, 1)]);
        let differ = compare(&[&ann, &cid], &[2, 1]);
        assert_eq!(
            differ,
            Err(Violation::ReadersDiffer {
                one: "ann".into(),
                other: "cid".into(),
                seq: 3
            })
        );
    }

    #[test]
    fn readers_must_have_seen_the_same_words() {
        let mut bob = reader("bob");
        let mut words = body(0, 0);
        words.replace_range(59..60, "!");
        bob.see_parsed(&event(1, words)).expect("its head is intact");
        assert!(matches!(
            compare(&[&saw("ann", &[(0, 0)]), &bob], &[1, 0]),
            Err(Violation::ReadersDiffer { .. })
        ));
    }

    #[test]
    fn a_difference_is_placed_between_two_marks() {
        let same: Vec<(usize, u64)> = (0..1_000).map(|number| (0, number)).collect();
        let mut other = reader("bob");
        for (sender, number) in &same {
            let mut words = body(*sender, *number);
            if *number == 300 {
                words.replace_range(59..60, "!");
            }
            other.see_parsed(&event(number + 1, words)).expect("its head is intact");
        }
        let differ = compare(&[&saw("ann", &same), &other], &[1_000, 0]);
        assert_eq!(
            differ,
            Err(Violation::ReadersDiffer {
                one: "ann".into(),
                other: "bob".into(),
                seq: 512
            })
        );
    }

    #[test]
    fn a_send_that_nobody_saw_is_lost() {
        let differ = compare(&[&saw("ann", &[(0, 0)])], &[2, 0]);
        assert_eq!(
            differ,
            Err(Violation::Lost {
                reader: "ann".into(),
                seen: 1,
                expected: 2
            })
        );
    }

    #[test]
    fn an_acknowledgement_and_its_event_must_name_one_seq() {
        let mut sent = Sent::default();
        assert_eq!(sent.acknowledged(0, 5, 1), Ok(()));
        assert_eq!(sent.appeared(0, 5), Ok(()));
        assert_eq!(sent.appeared(1, 6), Ok(()));
        assert_eq!(
            sent.acknowledged(1, 7, 2),
            Err(Violation::AckElsewhere {
                number: 1,
                acked: 7,
                appeared: 6
            })
        );
    }

    #[test]
    fn an_acknowledgement_comes_once_and_for_something_sent() {
        let mut sent = Sent::default();
        assert_eq!(sent.acknowledged(0, 5, 1), Ok(()));
        assert_eq!(sent.acknowledged(0, 5, 1), Err(Violation::StrayAck { id: "0".into() }));
        assert_eq!(sent.acknowledged(1, 6, 1), Err(Violation::StrayAck { id: "1".into() }));
        assert_eq!(sent.top(), 5);
    }

    #[test]
    fn bytes_that_another_reader_had_are_read_as_that_reader_did() {
        let (mut ann, mut bob, mut cid) = (reader("ann"), reader("bob"), reader("cid"));
        let frames = ["one", "two", "three"];
        for (at, frame) in (0..).zip(frames) {
            assert_eq!(bob.see_again(frame.as_bytes()), Ok(None), "nobody had it before");
            let head = ann
                .see(&event(at + 1, body(0, at)), frame.as_bytes())
                .expect("in order");
            assert_eq!(bob.see_again(frame.as_bytes()), Ok(Some((head, at + 1))));
            cid.see_parsed(&event(at + 1, body(0, at))).expect("in order");
        }
        assert_eq!(
            bob.see_again(b"three"),
            Ok(None),
            "a frame again is not known in the next place"
        );
        assert_eq!(compare(&[&ann, &bob, &cid], &[3, 0]), Ok(()));
    }

    #[test]
    fn a_frame_of_another_room_is_never_known() {
        let mut ann = reader("ann");
        ann.see(&event(1, body(0, 0)), b"frame").expect("in order");
        let mut eve = RoomReader::new("eve".into(), "d".into(), 1, 2);
        assert_eq!(eve.see_again(b"frame"), Ok(None));
    }

    #[test]
    fn a_frame_with_a_key_is_not_remembered() {
        let mut own = event(1, body(0, 0));
        own.key = Some("k".into());
        reader("ann").see(&own, b"own").expect("in order");
        assert_eq!(reader("bob").see_again(b"own"), Ok(None));
    }
}

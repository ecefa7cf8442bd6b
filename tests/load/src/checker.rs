//! What must hold for every reader, decided from what the reader saw and nothing else. No sockets here, so that every check can be
//! shown to fail.

mod known;
pub(crate) mod room;
pub(crate) mod script;

/// Something that must never happen, as a sentence with the place.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Violation {
    #[error("{reader} saw seq {seen} again or late, after seq {last}")]
    Repeated { reader: String, seen: u64, last: u64 },
    #[error("{reader} saw seq {seen} where seq {expected} was due")]
    Skipped { reader: String, seen: u64, expected: u64 },
    #[error("{reader} saw an event of another channel: {channel}")]
    OtherChannel { reader: String, channel: String },
    #[error("{reader} saw a {kind} at seq {seq} where a message was due")]
    NotAMessage { reader: String, seq: u64, kind: String },
    #[error("{reader} saw other words at seq {seq} than were sent as number {number}")]
    OtherWords { reader: String, seq: u64, number: u64 },
    #[error("{reader} saw the message at seq {seq} under the name of {by} instead of {author}")]
    OtherAuthor {
        reader: String,
        seq: u64,
        by: String,
        author: String,
    },
    #[error("{reader} saw an idempotency key at seq {seq} that is not for them, or not their own")]
    WrongKey { reader: String, seq: u64 },
    #[error("{reader} saw seq {seq}, more than was ever sent")]
    TooMuch { reader: String, seq: u64 },
    #[error("{reader} saw number {seen} of sender {sender} where number {expected} was due, at seq {seq}")]
    SenderOrder {
        reader: String,
        sender: usize,
        seen: u64,
        expected: u64,
        seq: u64,
    },
    #[error("number {number} was acknowledged at seq {acked} but appeared at seq {appeared}")]
    AckElsewhere { number: u64, acked: u64, appeared: u64 },
    #[error("an acknowledgement came for {id:?}, which waits for none")]
    StrayAck { id: String },
    #[error("{reader} got {seen} of {expected} events and then no more")]
    Lost { reader: String, seen: u64, expected: u64 },
    #[error("{one} and {other} saw different events up to seq {seq}")]
    ReadersDiffer { one: String, other: String, seq: u64 },
    #[error("the timeline page shows {what} at seq {seq}")]
    Page { seq: u64, what: &'static str },
    #[error("the timeline pages end after {shown} of {expected} messages")]
    PagesEnd { shown: u64, expected: u64 },
}

/// One subscription's seqs: strictly one more each time.
#[derive(Debug, Clone)]
pub(crate) struct Order {
    next: u64,
}

impl Order {
    pub(crate) fn starting_at(first: u64) -> Self {
        Self { next: first }
    }

    pub(crate) fn take(&mut self, seen: u64, reader: &str) -> Result<(), Violation> {
        match seen.cmp(&self.next) {
            std::cmp::Ordering::Equal => {
                self.next += 1;
                Ok(())
            }
            std::cmp::Ordering::Less => Err(Violation::Repeated {
                reader: reader.to_owned(),
                seen,
                last: self.next - 1,
            }),
            std::cmp::Ordering::Greater => Err(Violation::Skipped {
                reader: reader.to_owned(),
                seen,
                expected: self.next,
            }),
        }
    }

    /// The seq that is due.
    pub(crate) fn next(&self) -> u64 {
        self.next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_seq_again_a_seq_back_and_a_hole_are_told_apart() {
        let mut order = Order::starting_at(5);
        assert_eq!(order.take(5, "ann"), Ok(()));
        assert_eq!(order.take(6, "ann"), Ok(()));
        assert_eq!(
            order.take(6, "ann"),
            Err(Violation::Repeated {
                reader: "ann".into(),
                seen: 6,
                last: 6
            })
        );
        assert_eq!(
            order.take(4, "ann"),
            Err(Violation::Repeated {
                reader: "ann".into(),
                seen: 4,
                last: 6
            })
        );
        assert_eq!(
            order.take(8, "ann"),
            Err(Violation::Skipped {
                reader: "ann".into(),
                seen: 8,
                expected: 7
            })
        );
        assert_eq!(order.next(), 7);
    }
}

//! A channel whose whole conversation is known beforehand: line `i` must appear at seq `first + i`, to everyone, in acknowledgements
//! and on pages. One file of the IRC scenario is one script.

use std::sync::Arc;

use crate::{
    frame::{Ack, Event, escaped},
    http::Item,
};

use super::{Order, Violation};

#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) channel: String,
    /// The seq of the first line.
    pub(crate) first: u64,
    pub(crate) lines: Vec<Said>,
}

#[derive(Debug)]
pub(crate) struct Said {
    /// The author's user id.
    pub(crate) author: String,
    pub(crate) text: String,
    escaped: String,
}

impl Said {
    pub(crate) fn new(author: String, text: String) -> Self {
        Self {
            author,
            escaped: escaped(&text),
            text,
        }
    }
}

impl Script {
    /// The idempotency key of a line.
    pub(crate) fn key(number: usize) -> String {
        format!("line-{number}")
    }

    pub(crate) fn len(&self) -> u64 {
        self.lines.len() as u64
    }

    fn seq_of(&self, number: usize) -> u64 {
        self.first + number as u64
    }

    /// An acknowledgement names the seq at which its line must appear; the number of that line is the answer.
    pub(crate) fn check_ack(&self, ack: &Ack<'_>, waiting: std::ops::Range<usize>) -> Result<usize, Violation> {
        let number = ack.id.parse().ok().filter(|number| waiting.contains(number));
        let number = number.ok_or_else(|| Violation::StrayAck {
            id: ack.id.clone().into_owned(),
        })?;
        let appeared = self.seq_of(number);
        if ack.seq == appeared {
            Ok(number)
        } else {
            Err(Violation::AckElsewhere {
                number: number as u64,
                acked: ack.seq,
                appeared,
            })
        }
    }

    /// The messages of all pages in their order.
    pub(crate) fn check_pages(&self, items: &[Item]) -> Result<(), Violation> {
        for (number, (item, said)) in items.iter().zip(&self.lines).enumerate() {
            let wrong = |what| {
                Err(Violation::Page {
                    seq: self.seq_of(number),
                    what,
                })
            };
            if item.seq != self.seq_of(number) {
                return wrong("another seq");
            }
            if item.by != said.author {
                return wrong("another author");
            }
            if item.body.as_deref() != Some(&said.text) {
                return wrong("other words");
            }
        }
        if items.len() == self.lines.len() {
            Ok(())
        } else {
            Err(Violation::PagesEnd {
                shown: items.len() as u64,
                expected: self.len(),
            })
        }
    }
}

/// One reader's place in the script.
#[derive(Debug)]
pub(crate) struct ScriptReader {
    script: Arc<Script>,
    user: String,
    order: Order,
}

impl ScriptReader {
    pub(crate) fn new(script: Arc<Script>, user: String) -> Self {
        let order = Order::starting_at(script.first);
        Self { script, user, order }
    }

    pub(crate) fn see(&mut self, event: &Event<'_>) -> Result<(), Violation> {
        let reader = || self.user.clone();
        if event.channel != self.script.channel {
            return Err(Violation::OtherChannel {
                reader: reader(),
                channel: event.channel.clone().into_owned(),
            });
        }
        self.order.take(event.seq, &self.user)?;
        let number = event.seq - self.script.first;
        let Some(said) = self.script.lines.get(number as usize) else {
            return Err(Violation::TooMuch {
                reader: reader(),
                seq: event.seq,
            });
        };
        if event.kind != "message.sent" {
            return Err(Violation::NotAMessage {
                reader: reader(),
                seq: event.seq,
                kind: event.kind.clone().into_owned(),
            });
        }
        if event.by != said.author {
            let (by, author) = (event.by.clone().into_owned(), said.author.clone());
            return Err(Violation::OtherAuthor {
                reader: reader(),
                seq: event.seq,
                by,
                author,
            });
        }
        if !event.says(&said.text, &said.escaped) {
            return Err(Violation::OtherWords {
                reader: reader(),
                seq: event.seq,
                number,
            });
        }
        let due = (said.author == self.user).then(|| Script::key(number as usize));
        if event.key.as_deref() != due.as_deref() {
            return Err(Violation::WrongKey {
                reader: reader(),
                seq: event.seq,
            });
        }
        Ok(())
    }

    pub(crate) fn seen(&self) -> u64 {
        self.order.next() - self.script.first
    }

    pub(crate) fn is_done(&self) -> bool {
        self.seen() == self.script.len()
    }

    /// The violation if nothing more comes.
    pub(crate) fn lost(&self) -> Violation {
        Violation::Lost {
            reader: self.user.clone(),
            seen: self.seen(),
            expected: self.script.len(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn script() -> Arc<Script> {
        let said = |author: &str, text: &str| Said::new(author.into(), text.into());
        Arc::new(Script {
            channel: "c".into(),
            first: 10,
            lines: vec![said("ann", "one"), said("bob", "\"two\""), said("ann", "three")],
        })
    }

    fn event(seq: u64, by: &'static str, body: &'static str, key: Option<&'static str>) -> Event<'static> {
        Event {
            channel: "c".into(),
            seq,
            kind: "message.sent".into(),
            event: "e".into(),
            by: by.into(),
            key: key.map(Into::into),
            body: Some(body.into()),
        }
    }

    fn bob() -> ScriptReader {
        ScriptReader::new(script(), "bob".into())
    }

    #[test]
    fn a_reader_who_saw_the_whole_script_is_done() {
        let mut bob = bob();
        assert_eq!(bob.see(&event(10, "ann", "one", None)), Ok(()));
        assert_eq!(bob.see(&event(11, "bob", "\\\"two\\\"", Some("line-1"))), Ok(()));
        assert!(!bob.is_done());
        assert_eq!(
            bob.lost(),
            Violation::Lost {
                reader: "bob".into(),
                seen: 2,
                expected: 3
            }
        );
        assert_eq!(bob.see(&event(12, "ann", "three", None)), Ok(()));
        assert!(bob.is_done());
        assert_eq!(
            bob.see(&event(13, "ann", "four", None)),
            Err(Violation::TooMuch {
                reader: "bob".into(),
                seq: 13
            })
        );
    }

    #[test]
    fn every_difference_from_the_script_is_a_violation() {
        let mut other_channel = event(10, "ann", "one", None);
        other_channel.channel = "d".into();
        let mut joined = event(10, "ann", "one", None);
        joined.kind = "member.added".into();
        let reader = || "bob".to_owned();
        let cases = [
            (
                other_channel,
                Violation::OtherChannel {
                    reader: reader(),
                    channel: "d".into(),
                },
            ),
            (
                joined,
                Violation::NotAMessage {
                    reader: reader(),
                    seq: 10,
                    kind: "member.added".into(),
                },
            ),
            (
                event(9, "ann", "one", None),
                Violation::Repeated {
                    reader: reader(),
                    seen: 9,
                    last: 9,
                },
            ),
            (
                event(11, "bob", "two", None),
                Violation::Skipped {
                    reader: reader(),
                    seen: 11,
                    expected: 10,
                },
            ),
            (
                event(10, "ann", "two", None),
                Violation::OtherWords {
                    reader: reader(),
                    seq: 10,
                    number: 0,
                },
            ),
            (
                event(10, "cid", "one", None),
                Violation::OtherAuthor {
                    reader: reader(),
                    seq: 10,
                    by: "cid".into(),
                    author: "ann".into(),
                },
            ),
            (
                event(10, "ann", "one", Some("line-0")),
                Violation::WrongKey {
                    reader: reader(),
                    seq: 10,
                },
            ),
        ];
        for (event, violation) in cases {
            assert_eq!(bob().see(&event), Err(violation));
        }
    }

    #[test]
    fn the_author_must_see_the_own_key() {
        let mut ann = ScriptReader::new(script(), "ann".into());
        assert_eq!(
            ann.see(&event(10, "ann", "one", None)),
            Err(Violation::WrongKey {
                reader: "ann".into(),
                seq: 10
            })
        );
    }

    #[test]
    fn an_acknowledgement_must_name_the_seq_of_its_line() {
        let ack = |id: &'static str, seq| Ack {
            id: id.into(),
            seq,
            pos: "p".into(),
        };
        assert_eq!(script().check_ack(&ack("1", 11), 1..2), Ok(1));
        assert_eq!(
            script().check_ack(&ack("1", 12), 1..2),
            Err(Violation::AckElsewhere {
                number: 1,
                acked: 12,
                appeared: 11
            })
        );
        for stray in ["0", "2", "x"] {
            assert_eq!(
                script().check_ack(&ack(stray, 11), 1..2),
                Err(Violation::StrayAck { id: stray.into() })
            );
        }
    }

    #[test]
    fn the_pages_must_show_the_script() {
        let item = |seq, by: &str, body: Option<&str>| Item {
            id: "m".into(),
            seq,
            by: by.into(),
            body: body.map(Into::into),
        };
        let pages = vec![
            item(10, "ann", Some("one")),
            item(11, "bob", Some("\"two\"")),
            item(12, "ann", Some("three")),
        ];
        assert_eq!(script().check_pages(&pages), Ok(()));
        assert_eq!(
            script().check_pages(&pages[..2]),
            Err(Violation::PagesEnd { shown: 2, expected: 3 })
        );
        let longer = [&pages[..], &pages[..1]].concat();
        assert_eq!(
            script().check_pages(&longer),
            Err(Violation::PagesEnd { shown: 4, expected: 3 })
        );
        let cases = [
            (item(13, "bob", Some("\"two\"")), "another seq"),
            (item(11, "ann", Some("\"two\"")), "another author"),
            (item(11, "bob", Some("two")), "other words"),
            (item(11, "bob", None), "other words"),
        ];
        for (wrong, what) in cases {
            let pages = [&pages[..1], &[wrong], &pages[2..]].concat();
            assert_eq!(script().check_pages(&pages), Err(Violation::Page { seq: 11, what }));
        }
    }
}

//! One thread of the check: a range of positions, event by event. It keeps two numbers a stream and nothing of any event.

use std::ops::ControlFlow;

use event_store::{RawEvent, Scanned, StreamName};
use indicatif::ProgressBar;
use projections::Fact;
use uuid::Uuid;

use super::{Finding, What};
use crate::progress;

/// One a core; more would only wait for each other.
pub(super) fn threads() -> usize {
    const THREADS_MAX: usize = 8;
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(THREADS_MAX)
}

/// Of a stream, what one range has: the first revision, and the one after the last.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Span {
    first: u64,
    /// Of that one in the log.
    position: u64,
    /// 0 while there is nothing.
    next: u64,
}

impl Span {
    /// The first revision, its position, and the next revision.
    pub(super) fn bounds(&self) -> Option<(u64, u64, u64)> {
        (self.next > 0).then_some((self.first, self.position, self.next))
    }
}

/// The first findings, and the number of all.
#[derive(Debug)]
pub(super) struct Findings {
    pub(super) list: Vec<Finding>,
    pub(super) count: u64,
    /// Findings because of which events were not seen.
    pub(super) blind: u64,
    max: usize,
}

impl Findings {
    pub(super) fn new(max: usize) -> Self {
        Self {
            list: Vec::new(),
            count: 0,
            blind: 0,
            max,
        }
    }

    pub(super) fn add(&mut self, finding: Finding) {
        self.count += 1;
        self.blind += u64::from(matches!(finding.what, What::BrokenRow | What::BrokenFile));
        if self.list.len() < self.max {
            self.list.push(finding);
        }
    }

    pub(super) fn merge(&mut self, others: Self) {
        self.count += others.count;
        self.blind += others.blind;
        let room = self.max - self.list.len();
        self.list.extend(others.list.into_iter().take(room));
    }

    pub(super) fn sort(&mut self) {
        self.list.sort_by_key(|finding| finding.position.unwrap_or(u64::MAX));
    }
}

/// What a range had.
pub(super) struct Checked {
    events: u64,
    bytes: u64,
    id_sum: u64,
    findings: Findings,
    /// By the number of the stream.
    pub(super) spans: Vec<Span>,
}

/// All ranges.
pub(super) struct All {
    pub(super) events: u64,
    pub(super) bytes: u64,
    pub(super) id_sum: u64,
    pub(super) findings: Findings,
}

impl All {
    pub(super) fn new(findings_max: usize) -> Self {
        Self {
            events: 0,
            bytes: 0,
            id_sum: 0,
            findings: Findings::new(findings_max),
        }
    }

    pub(super) fn take(&mut self, range: Checked) {
        self.events += range.events;
        self.bytes += range.bytes;
        self.id_sum = self.id_sum.wrapping_add(range.id_sum);
        self.findings.merge(range.findings);
    }
}

pub(super) struct Worker {
    checked: Checked,
    /// The position that must come next.
    expected: u64,
}

impl Worker {
    pub(super) fn new(after: u64, streams: usize, findings_max: usize) -> Self {
        Self {
            checked: Checked {
                events: 0,
                bytes: 0,
                id_sum: 0,
                findings: Findings::new(findings_max),
                spans: vec![Span::default(); streams + 1],
            },
            expected: after + 1,
        }
    }

    pub(super) fn see(&mut self, scanned: Scanned<'_>, bar: &ProgressBar) -> ControlFlow<()> {
        match scanned {
            Scanned::Event(event) => {
                self.event(&event);
                if self.checked.events.is_multiple_of(progress::STEP_EVENTS) {
                    bar.inc(progress::STEP_EVENTS);
                }
            }
            Scanned::Unreadable { position, column } => {
                self.reached(position);
                self.add(
                    What::BrokenRow,
                    Some(position),
                    format!("the column {column} holds something else"),
                );
            }
            Scanned::Broken { after } => {
                let detail = format!("SQLite cannot read on after position {after}");
                self.add(What::BrokenFile, Some(after), detail);
            }
        }
        ControlFlow::Continue(())
    }

    pub(super) fn finish(mut self, to: u64) -> Checked {
        self.reached(to + 1);
        self.checked
    }

    fn event(&mut self, event: &RawEvent<'_>) {
        self.reached(event.position);
        let checked = &mut self.checked;
        checked.events += 1;
        checked.bytes += event.payload.len() as u64;
        checked.id_sum = checked
            .id_sum
            .wrapping_add(fingerprint(event.number, event.id, event.position));
        self.follows(event);
        let Some(stream) = event.stream else {
            let detail = format!("the event belongs to stream number {}, which has no name", event.number);
            return self.add(What::NoStream, Some(event.position), detail);
        };
        if !event.intact {
            return self.of_event(
                What::Checksum,
                event,
                "its bytes do not match their checksum".to_owned(),
            );
        }
        if let Err(why) = Fact::read(stream, event.kind, event.version, event.payload) {
            self.of_event(What::Unreadable, event, why.to_string());
        }
    }

    /// Everything before `position` has been seen or is missing.
    fn reached(&mut self, position: u64) {
        let (expected, next) = (self.expected, position + 1);
        self.expected = next.max(expected);
        if position > expected {
            let last = position - 1;
            let detail = if last == expected {
                "there is no event".to_owned()
            } else {
                format!("there is no event here, nor up to position {last}")
            };
            self.add(What::MissingPosition, Some(expected), detail);
        }
    }

    /// Revisions have no hole.
    fn follows(&mut self, event: &RawEvent<'_>) {
        let Some(span) = usize::try_from(event.number)
            .ok()
            .and_then(|n| self.checked.spans.get_mut(n))
        else {
            return;
        };
        let (expected, known) = (span.next, span.next > 0);
        if !known {
            (span.first, span.position) = (event.revision, event.position);
        }
        span.next = event.revision + 1;
        if known && event.revision != expected {
            let stream = event.stream.map(StreamName::to_string);
            self.checked
                .findings
                .add(hole(stream, Some(event.position), expected, event.revision));
        }
    }

    fn of_event(&mut self, what: What, event: &RawEvent<'_>, detail: String) {
        self.checked.findings.add(Finding {
            what,
            position: Some(event.position),
            stream: event.stream.map(StreamName::to_string),
            seq: Some(event.revision + 1),
            detail,
        });
    }

    fn add(&mut self, what: What, position: Option<u64>, detail: String) {
        self.checked.findings.add(Finding {
            what,
            position,
            stream: None,
            seq: None,
            detail,
        });
    }
}

pub(super) fn hole(stream: Option<String>, position: Option<u64>, expected: u64, found: u64) -> Finding {
    let (expected, found) = (expected + 1, found + 1);
    Finding {
        what: What::RevisionHole,
        position,
        stream,
        seq: Some(expected),
        detail: format!("seq {expected} should follow, and {found} does"),
    }
}

/// Adds up to the same sum in whatever order events come.
pub(super) fn fingerprint(stream: i64, id: Uuid, position: u64) -> u64 {
    // Odd constants of splitmix64; the ids are hashes or random themselves.
    const A: u64 = 0x9e37_79b9_7f4a_7c15;
    const B: u64 = 0xbf58_476d_1ce4_e5b9;
    let (high, low) = id.as_u64_pair();
    let mixed =
        (high ^ position.wrapping_mul(A)).wrapping_add(low.rotate_left(32) ^ stream.cast_unsigned().wrapping_mul(B));
    (mixed ^ (mixed >> 29)).wrapping_mul(B)
}

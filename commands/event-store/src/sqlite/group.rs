//! What one transaction will write: appends of many streams, decided one after the other as if each stood alone. A refused append
//! leaves no trace in the plan, so it cannot touch the others.

use std::{collections::HashMap, ops::Range, sync::Arc};

use rusqlite::{Connection, OptionalExtension, params};
use uuid::Uuid;

use super::{
    heads::{Heads, StreamHead},
    reader,
    row::{Decoder, StoredEvent},
};
use crate::{
    Append, AppendError, Appended, NewEvent, Recorded, StreamName, UnavailableReason, admission, admission::Outcome,
};

/// How much the unique index on ids is trusted to find repetitions. It finds all of them, but only by failing the transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Care {
    /// Look an id up only when the expected revision shows that something was written before.
    Usual,
    /// The index refused this group: look every id up.
    Thorough,
}

pub(super) struct Plan {
    pub(super) rows: Vec<StoredEvent>,
    pub(super) new_streams: Vec<(i64, StreamName)>,
    /// Where the streams of this group end after it.
    pub(super) ends: HashMap<StreamName, StreamHead>,
    pub(super) end: super::open::End,
    decisions: Vec<Decision>,
}

/// The outcome of one append, if the transaction commits.
enum Decision {
    Write(Range<usize>),
    /// The same append came earlier in this group.
    Repeat(Range<usize>),
    Known(Outcome),
}

pub(super) struct Planner<'a> {
    connection: &'a Connection,
    heads: &'a mut Heads,
    decoder: &'a mut Decoder,
    care: Care,
    plan: Plan,
    /// Rows of this plan by stream and event id.
    planned: HashMap<(i64, Uuid), usize>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(
        connection: &'a Connection,
        heads: &'a mut Heads,
        decoder: &'a mut Decoder,
        end: super::open::End,
        care: Care,
    ) -> Self {
        let plan = Plan {
            rows: Vec::new(),
            new_streams: Vec::new(),
            ends: HashMap::new(),
            end,
            decisions: Vec::new(),
        };
        Self {
            connection,
            heads,
            decoder,
            care,
            plan,
            planned: HashMap::new(),
        }
    }

    pub(super) fn plan(mut self, group: &[&Append]) -> rusqlite::Result<Plan> {
        for append in group {
            let decision = self.decide(append)?;
            self.plan.decisions.push(decision);
        }
        Ok(self.plan)
    }

    fn decide(&mut self, append: &Append) -> rusqlite::Result<Decision> {
        let Some(first) = append.events.first() else {
            return Ok(Decision::Known(Ok(Appended {
                events: Vec::new(),
                replayed: false,
            })));
        };
        let head = self.head(&append.stream)?;
        let actual = head.map(|head| head.revision);
        let as_expected = admission::holds(append.expected, actual);
        if let Some(head) = head {
            if let Some(decision) = self.repeats_planned(head.number, first) {
                return Ok(decision);
            }
            if (!as_expected || self.care == Care::Thorough)
                && let Some(decision) = self.repeats_recorded(head.number, first)?
            {
                return Ok(decision);
            }
        }
        if !as_expected {
            return Ok(Decision::Known(Err(AppendError::Conflict { actual })));
        }
        if let Some(id) = self.used_id(head, &append.events)? {
            return Ok(Decision::Known(Err(AppendError::IdReuse { id })));
        }
        Ok(Decision::Write(self.write(append, head)))
    }

    fn head(&mut self, stream: &StreamName) -> rusqlite::Result<Option<StreamHead>> {
        match self.plan.ends.get(stream) {
            Some(head) => Ok(Some(*head)),
            None => self.heads.find(self.connection, stream),
        }
    }

    fn repeats_planned(&self, stream: i64, first: &NewEvent) -> Option<Decision> {
        let start = *self.planned.get(&(stream, first.id))?;
        let original = &self.plan.rows[start];
        if original.part > 0 || original.recorded.event.intent != first.intent {
            return Some(Decision::Known(Err(AppendError::IdReuse { id: first.id })));
        }
        let more = self.plan.rows[start + 1..]
            .iter()
            .take_while(|row| row.part > 0)
            .count();
        Some(Decision::Repeat(start..start + 1 + more))
    }

    fn repeats_recorded(&mut self, stream: i64, first: &NewEvent) -> rusqlite::Result<Option<Decision>> {
        let Some(original) = self.recorded(stream, first.id)? else {
            return Ok(None);
        };
        if original.part > 0 || original.intent != first.intent {
            return Ok(Some(Decision::Known(Err(AppendError::IdReuse { id: first.id }))));
        }
        let outcome = match reader::events_of_append(self.connection, self.decoder, stream, original.revision) {
            Ok(events) => Ok(Appended { events, replayed: true }),
            // It was written, but can no longer be read: the answer is lost, the fact is not.
            Err(error) => {
                tracing::error!(error = %error, "The original events of a repeated append cannot be read");
                Err(AppendError::Unavailable {
                    maybe_committed: true,
                    reason: UnavailableReason::Storage,
                })
            }
        };
        Ok(Some(Decision::Known(outcome)))
    }

    /// An id that stands twice in the append, or that its stream already has.
    fn used_id(&self, head: Option<StreamHead>, events: &[NewEvent]) -> rusqlite::Result<Option<Uuid>> {
        if let Some(id) = admission::repeated_id(events) {
            return Ok(Some(id));
        }
        let Some(StreamHead { number, .. }) = head else {
            return Ok(None);
        };
        for event in events {
            let used = self.planned.contains_key(&(number, event.id))
                || (self.care == Care::Thorough && self.recorded(number, event.id)?.is_some());
            if used {
                return Ok(Some(event.id));
            }
        }
        Ok(None)
    }

    fn recorded(&self, stream: i64, id: Uuid) -> rusqlite::Result<Option<Original>> {
        let mut statement = self.connection.prepare_cached(include_str!("sql/event_by_id.sql"))?;
        let original = statement.query_row(params![stream, id.as_bytes()], |row| {
            Ok(Original {
                revision: row.get::<_, i64>(0)?.cast_unsigned(),
                part: row.get(1)?,
                intent: row.get(2)?,
            })
        });
        original.optional()
    }

    fn write(&mut self, append: &Append, head: Option<StreamHead>) -> Range<usize> {
        let stream = head.map_or_else(|| self.new_stream(&append.stream), |head| head.number);
        let first_revision = head.map_or(0, |head| head.revision + 1);
        let start = self.plan.rows.len();
        for (part, event) in (0u32..).zip(&append.events) {
            self.plan.end.position += 1;
            self.planned.insert((stream, event.id), self.plan.rows.len());
            let recorded = Arc::new(Recorded {
                position: self.plan.end.position,
                stream: append.stream.clone(),
                revision: first_revision + u64::from(part),
                event: event.clone(),
            });
            self.plan.rows.push(StoredEvent { recorded, stream, part });
        }
        let revision = first_revision + append.events.len() as u64 - 1;
        self.plan.ends.insert(
            append.stream.clone(),
            StreamHead {
                number: stream,
                revision,
            },
        );
        start..self.plan.rows.len()
    }

    fn new_stream(&mut self, name: &StreamName) -> i64 {
        self.plan.end.stream += 1;
        self.plan.new_streams.push((self.plan.end.stream, name.clone()));
        self.plan.end.stream
    }
}

/// What is needed of a recorded event to tell a repetition from a reuse.
struct Original {
    revision: u64,
    part: u32,
    intent: [u8; 16],
}

impl Plan {
    /// What each append of the group is told once the transaction has committed.
    pub(super) fn outcomes(&mut self) -> Vec<Outcome> {
        let decisions = std::mem::take(&mut self.decisions);
        decisions.into_iter().map(|decision| self.outcome(decision)).collect()
    }

    fn outcome(&self, decision: Decision) -> Outcome {
        match decision {
            Decision::Write(rows) => Ok(Appended {
                events: self.recorded(rows),
                replayed: false,
            }),
            Decision::Repeat(rows) => Ok(Appended {
                events: self.recorded(rows),
                replayed: true,
            }),
            Decision::Known(outcome) => outcome,
        }
    }

    fn recorded(&self, rows: Range<usize>) -> Vec<Arc<Recorded>> {
        self.rows[rows].iter().map(|row| Arc::clone(&row.recorded)).collect()
    }
}

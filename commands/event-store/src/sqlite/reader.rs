//! Reading the log: a few connections, each on a thread of its own, so that a read neither needs nor holds up any runtime.

use std::{
    sync::Arc,
    thread::{self, JoinHandle},
};

use parking_lot::Mutex;
use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::{mpsc, oneshot};

use super::{
    open,
    options::{OpenError, SqliteOptions},
    row::{self, Decoder, StoredEvent, unreadable},
};
use crate::{Damaged, Page, ReadError, Recorded, StreamName, StreamPage, UnavailableReason};

/// Questions that wait for a reader; who asks more waits for a place.
const QUESTIONS_MAX: usize = 256;
/// Events reserved for before a page is read; pages are often asked for in larger sizes than there is to read.
const PAGE_RESERVED_EVENTS: usize = 256;

type Question = Box<dyn FnOnce(&mut Reader) + Send>;

pub(super) struct Readers {
    /// `None` only while they are being dropped.
    questions: Option<mpsc::Sender<Question>>,
    threads: Vec<JoinHandle<()>>,
}

impl Readers {
    pub(super) fn start(options: &SqliteOptions) -> Result<Self, OpenError> {
        Self::start_with(options.readers, || open::reader(options))
    }

    pub(super) fn start_with(
        count: usize,
        connect: impl Fn() -> Result<Connection, OpenError>,
    ) -> Result<Self, OpenError> {
        let (questions, asked) = mpsc::channel(QUESTIONS_MAX);
        let asked = Arc::new(Mutex::new(asked));
        let mut readers = Self {
            questions: Some(questions),
            threads: Vec::new(),
        };
        for number in 0..count.max(1) {
            let reader = Reader {
                connection: connect()?,
                decoder: Decoder::new(),
            };
            let asked = Arc::clone(&asked);
            let thread = thread::Builder::new().name(format!("log-reader-{number}"));
            readers
                .threads
                .push(thread.spawn(move || reader.answer(&asked)).map_err(OpenError::Thread)?);
        }
        Ok(readers)
    }

    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut Reader) -> Result<T, ReadError> + Send + 'static,
    ) -> Result<T, ReadError> {
        let closed = ReadError::Unavailable {
            reason: UnavailableReason::Closed,
        };
        let (answer, answered) = oneshot::channel();
        let question: Question = Box::new(move |reader| {
            // Who no longer listens needs no answer.
            if !answer.is_closed() {
                let _ = answer.send(question(reader));
            }
        });
        let questions = self.questions.as_ref().ok_or_else(|| closed.clone())?;
        questions.send(question).await.map_err(|_| closed.clone())?;
        answered.await.map_err(|_| closed)?
    }
}

impl Drop for Readers {
    fn drop(&mut self) {
        self.questions = None;
        for thread in self.threads.drain(..) {
            // A reader that panicked has said so itself.
            let _ = thread.join();
        }
    }
}

pub(super) struct Reader {
    connection: Connection,
    decoder: Decoder,
}

impl Reader {
    fn answer(mut self, asked: &Mutex<mpsc::Receiver<Question>>) {
        // One reader waits for the next question, the others wait for their turn to wait.
        while let Some(question) = next(asked) {
            question(&mut self);
        }
    }

    pub(super) fn connection(&self) -> &Connection {
        &self.connection
    }

    pub(super) fn read_all(&mut self, after: u64, limit: usize) -> Result<Page, ReadError> {
        let mut statement = self
            .connection
            .prepare_cached(include_str!("sql/events_after_position.sql"))
            .map_err(|error| unreadable(&error))?;
        let mut rows = statement
            .query(params![sql(after), sql(limit as u64)])
            .map_err(|error| unreadable(&error))?;
        let mut page = Page {
            events: Vec::with_capacity(limit.min(PAGE_RESERVED_EVENTS)),
            damaged: Vec::new(),
            scanned_to: after,
        };
        while let Some(row) = rows.next().map_err(|error| unreadable(&error))? {
            let position = row::position(row)?;
            // Positions are dense, so a missing one was lost.
            while page.scanned_to + 1 < position && page.places() < limit {
                page.scanned_to += 1;
                page.damaged.push(Damaged {
                    position: page.scanned_to,
                    stream: None,
                    revision: None,
                });
            }
            if page.places() >= limit {
                break;
            }
            match self.decoder.decode(&self.connection, row) {
                Ok(stored) => page.events.push(stored.recorded),
                Err(ReadError::Damaged { .. }) => page.damaged.push(self.decoder.place(&self.connection, row)?),
                Err(unavailable @ ReadError::Unavailable { .. }) => return Err(unavailable),
            }
            page.scanned_to = position;
        }
        drop(rows);
        drop(statement);
        self.name_the_lost(&mut page.damaged)?;
        Ok(page)
    }

    /// Whose the places are whose rows are gone, as far as holes in streams tell: the newest event of a stream leaves none. Streams with
    /// holes are taken in order, each for one place; where several rows are gone that may name them crosswise, among the streams that
    /// lack one.
    fn name_the_lost(&self, damaged: &mut [Damaged]) -> Result<(), ReadError> {
        let mut lost = damaged.iter_mut().filter(|place| place.stream.is_none()).peekable();
        let Some(first) = lost.peek() else { return Ok(()) };
        let mut statement = self
            .connection
            .prepare_cached(include_str!("sql/stream_with_gap.sql"))
            .map_err(|error| unreadable(&error))?;
        let mut gaps = statement
            .query([sql(first.position)])
            .map_err(|error| unreadable(&error))?;
        for place in lost {
            let Some(gap) = gaps.next().map_err(|error| unreadable(&error))? else {
                break;
            };
            let name: String = gap.get(0).map_err(|error| unreadable(&error))?;
            let revision: i64 = gap.get(1).map_err(|error| unreadable(&error))?;
            place.stream = Some(StreamName::from_text(&name));
            place.revision = Some(revision.cast_unsigned());
        }
        Ok(())
    }

    pub(super) fn read_stream(
        &mut self,
        stream: &StreamName,
        from: u64,
        limit: usize,
    ) -> Result<StreamPage, ReadError> {
        // One snapshot for both statements.
        let transaction = self
            .connection
            .unchecked_transaction()
            .map_err(|error| unreadable(&error))?;
        let Some((number, last)) = stream_head(&transaction, stream).map_err(|error| unreadable(&error))? else {
            return Ok(StreamPage {
                events: Vec::new(),
                last_revision: None,
            });
        };
        let events = events_of_stream(&transaction, &mut self.decoder, number, from, limit)?;
        Ok(StreamPage {
            events,
            last_revision: Some(last),
        })
    }
}

fn next(asked: &Mutex<mpsc::Receiver<Question>>) -> Option<Question> {
    asked.lock().blocking_recv()
}

/// The number of a stream and the revision of its newest event.
pub(super) fn stream_head(connection: &Connection, stream: &StreamName) -> rusqlite::Result<Option<(i64, u64)>> {
    let mut statement = connection.prepare_cached(include_str!("sql/stream_head.sql"))?;
    statement
        .query_row([stream.as_str()], |row| {
            Ok((row.get(0)?, row.get::<_, i64>(1)?.cast_unsigned()))
        })
        .optional()
}

fn events_of_stream(
    connection: &Connection,
    decoder: &mut Decoder,
    stream: i64,
    from: u64,
    limit: usize,
) -> Result<Vec<Arc<Recorded>>, ReadError> {
    let mut events = Vec::with_capacity(limit.min(PAGE_RESERVED_EVENTS));
    walk_stream(connection, decoder, stream, from, limit, |stored| {
        events.push(stored.recorded);
        true
    })?;
    Ok(events)
}

/// The events of the append that begins at `revision`.
pub(super) fn events_of_append(
    connection: &Connection,
    decoder: &mut Decoder,
    stream: i64,
    revision: u64,
) -> Result<Vec<Arc<Recorded>>, ReadError> {
    let mut events = Vec::new();
    walk_stream(
        connection,
        decoder,
        stream,
        revision,
        crate::APPEND_EVENTS_MAX,
        |stored| {
            let belongs = events.is_empty() || stored.part > 0;
            if belongs {
                events.push(stored.recorded);
            }
            belongs
        },
    )?;
    Ok(events)
}

/// Hands out events while they are wanted.
fn walk_stream(
    connection: &Connection,
    decoder: &mut Decoder,
    stream: i64,
    from: u64,
    limit: usize,
    mut want_more: impl FnMut(StoredEvent) -> bool,
) -> Result<(), ReadError> {
    let mut statement = connection
        .prepare_cached(include_str!("sql/events_of_stream.sql"))
        .map_err(|error| unreadable(&error))?;
    let mut rows = statement
        .query(params![stream, sql(from), sql(limit as u64)])
        .map_err(|error| unreadable(&error))?;
    let mut revision = from;
    while let Some(row) = rows.next().map_err(|error| unreadable(&error))? {
        let stored = decoder.decode(connection, row)?;
        // Revisions have no hole, so a missing one was lost just before this event.
        if stored.recorded.revision != revision {
            return Err(ReadError::Damaged {
                position: stored.recorded.position,
            });
        }
        revision += 1;
        if !want_more(stored) {
            break;
        }
    }
    Ok(())
}

/// SQLite's integers are signed; what is beyond them is beyond every event as well.
pub(super) fn sql(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

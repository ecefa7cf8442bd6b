//! The only thread that writes: it takes whatever waits, writes it in one transaction, says so, and goes again. While one commit
//! syncs, the next group gathers by itself. Where many write at once it gathers as long again; who writes alone never waits.

use std::{
    collections::VecDeque,
    sync::{Arc, atomic::Ordering},
    time::{Duration, Instant},
};

use rusqlite::{Connection, ErrorCode};

use super::{
    Shared,
    checkpoint::{self, Checkpoints},
    group::{Care, Plan, Planner},
    heads::Heads,
    open::End,
    options::{CommitStats, OnCommit, SqliteOptions},
    queue::{Job, Queue},
    row::{COLUMNS, Decoder, StoredEvent},
};
use crate::{Append, AppendError, Committed, UnavailableReason, admission, admission::Outcome};

/// Beyond 256 events a commit gains little and only waits longer; this is where a flood is cut.
const GROUP_EVENTS_MAX: usize = 1024;
const GROUP_BYTES_MAX: usize = 1 << 20;
/// A group of so many appends means that many streams are written at once. The next group then gathers for as long as this one took:
/// each transaction, each announcement and each socket's write costs nearly the same for twelve events as for thirty, so under load
/// everybody is answered sooner for it.
const BUSY_APPENDS: usize = 6;
const GATHER_MAX: Duration = Duration::from_millis(2);
/// Rows of one insert statement. Fixed, so that the statements stay prepared.
const INSERT_ROWS: [usize; 3] = [64, 8, 1];

pub(super) struct Writer {
    connection: Connection,
    queue: Arc<Queue>,
    shared: Arc<Shared>,
    heads: Heads,
    decoder: Decoder,
    end: End,
    inserts: [String; 3],
    scratch: Vec<u8>,
    checkpoints: Checkpoints,
    page_limit: u32,
    on_commit: Option<OnCommit>,
}

/// Why a transaction did not come about.
enum Failure {
    /// Rolled back: provably nothing was written.
    Refused(UnavailableReason),
    /// Rolled back, because the tables have a row that this one repeats.
    Repeats,
    /// Nobody knows what was written, or nothing can be trusted any more.
    Broken { maybe_committed: bool, text: String },
}

impl Writer {
    pub(super) fn new(
        connection: Connection,
        end: End,
        queue: Arc<Queue>,
        shared: Arc<Shared>,
        options: &SqliteOptions,
    ) -> Self {
        let checkpoints = Checkpoints::of(&connection, options.wal_autocheckpoint, options.busy_timeout);
        Self {
            connection,
            queue,
            shared,
            heads: Heads::new(),
            decoder: Decoder::new(),
            end,
            inserts: INSERT_ROWS.map(insert_statement),
            scratch: Vec::new(),
            checkpoints,
            page_limit: super::NO_PAGE_LIMIT,
            on_commit: options.on_commit.clone(),
        }
    }

    pub(super) fn run(mut self) {
        let _guard = CloseOnPanic {
            queue: Arc::clone(&self.queue),
            shared: Arc::clone(&self.shared),
        };
        let mut pending = VecDeque::new();
        while self.queue.collect(&mut pending) {
            let begun = Instant::now();
            let outcomes = self.write(&next_group(&pending));
            let (appends, took) = (outcomes.len(), begun.elapsed());
            hand_out(&mut pending, outcomes);
            self.queue.answer_decided(&mut pending);
            self.checkpoint_if_due();
            if appends >= BUSY_APPENDS {
                std::thread::sleep(took.min(GATHER_MAX));
            }
        }
        self.close();
    }

    /// Writes a group; on a failure that leaves doubt, everything after it is refused.
    fn write(&mut self, group: &[&Append]) -> Vec<Outcome> {
        if self.shared.failure.is_declared() {
            return refuse(group, false, UnavailableReason::Failed);
        }
        let begun = Instant::now();
        self.follow_page_limit();
        let attempt = match self.transact(group, Care::Usual) {
            Err(Failure::Repeats) => self.transact(group, Care::Thorough),
            attempt => attempt,
        };
        match attempt {
            Ok(plan) => self.committed(plan, group.len(), begun),
            Err(Failure::Refused(reason)) => refuse(group, false, reason),
            Err(Failure::Repeats) => {
                self.fail("the tables and the writer disagree about what is in them".to_owned());
                refuse(group, false, UnavailableReason::Failed)
            }
            Err(Failure::Broken { maybe_committed, text }) => {
                self.fail(text);
                refuse(group, maybe_committed, UnavailableReason::Failed)
            }
        }
    }

    fn transact(&mut self, group: &[&Append], care: Care) -> Result<Plan, Failure> {
        let prepared = self.prepare(group, care);
        match prepared {
            Ok(plan) if plan.rows.is_empty() => self.roll_back().map(|()| plan),
            Ok(plan) => self.commit().map(|()| plan),
            Err(error) => {
                let failure = before_commit(&error);
                self.roll_back()?;
                Err(failure)
            }
        }
    }

    fn prepare(&mut self, group: &[&Append], care: Care) -> rusqlite::Result<Plan> {
        self.connection.prepare_cached("begin immediate")?.raw_execute()?;
        let planner = Planner::new(&self.connection, &mut self.heads, &mut self.decoder, self.end, care);
        let plan = planner.plan(group)?;
        for (number, name) in &plan.new_streams {
            let mut insert = self.connection.prepare_cached(include_str!("sql/insert_stream.sql"))?;
            insert.execute((number, name.as_str()))?;
        }
        self.insert(&plan.rows)?;
        if !plan.rows.is_empty() {
            let mut move_head = self.connection.prepare_cached(include_str!("sql/move_head.sql"))?;
            move_head.execute([plan.end.position.cast_signed()])?;
        }
        Ok(plan)
    }

    fn insert(&mut self, mut rows: &[StoredEvent]) -> rusqlite::Result<()> {
        for (size, sql) in INSERT_ROWS.into_iter().zip(&self.inserts) {
            while rows.len() >= size {
                let (now, later) = rows.split_at(size);
                let mut insert = self.connection.prepare_cached(sql)?;
                for (place, row) in now.iter().enumerate() {
                    row.bind(&mut insert, place, &mut self.scratch)?;
                }
                insert.raw_execute()?;
                rows = later;
            }
        }
        Ok(())
    }

    fn commit(&mut self) -> Result<(), Failure> {
        let committed = self
            .connection
            .prepare_cached("commit")
            .and_then(|mut commit| commit.raw_execute());
        match committed {
            Ok(_) => Ok(()),
            // The disk was full before the last page of the transaction was on it, so none of it counts.
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                self.roll_back()?;
                Err(Failure::Refused(UnavailableReason::DiskFull))
            }
            Err(error) => Err(Failure::Broken {
                maybe_committed: true,
                text: format!("a commit returned: {error}"),
            }),
        }
    }

    /// Some errors have rolled back already.
    fn roll_back(&mut self) -> Result<(), Failure> {
        if self.connection.is_autocommit() {
            return Ok(());
        }
        let rolled_back = self.connection.execute_batch("rollback");
        rolled_back.map_err(|error| Failure::Broken {
            maybe_committed: false,
            text: format!("a rollback returned: {error}"),
        })
    }

    /// From here on the events are durable. Tails hear of them before their senders do, so that who was told a position can rely
    /// on it being on its way to everyone.
    fn committed(&mut self, mut plan: Plan, appends: usize, begun: Instant) -> Vec<Outcome> {
        let outcomes = plan.outcomes();
        if plan.rows.is_empty() {
            return outcomes;
        }
        self.end = plan.end;
        self.heads.moved(plan.ends);
        self.shared.position.store(self.end.position, Ordering::Release);
        let bytes = plan.rows.iter().map(|row| row.recorded.event.payload.len()).sum();
        let stats = CommitStats {
            events: plan.rows.len(),
            appends,
            bytes,
            duration: begun.elapsed(),
        };
        let events = plan.rows.into_iter().map(|row| row.recorded).collect();
        // Nobody listening is no error.
        let _ = self.shared.announced.send(Committed {
            events,
            damaged: Vec::new(),
            scanned_to: self.end.position,
        });
        if let Some(on_commit) = &self.on_commit {
            on_commit(stats);
        }
        outcomes
    }

    fn fail(&mut self, text: String) {
        tracing::error!("The log failed and takes no more events: {text}");
        self.shared.failure.declare(text);
        self.queue.close(UnavailableReason::Failed);
    }

    fn checkpoint_if_due(&mut self) {
        if self.shared.failure.is_declared() {
            return;
        }
        match self.checkpoints.run_if_due(&self.connection) {
            Ok(()) => {}
            Err(error) if error.sqlite_error_code() == Some(ErrorCode::SystemIoFailure) => {
                self.fail(format!("a checkpoint returned: {error}"));
            }
            // Everything is safe in the write-ahead log; a later checkpoint takes it along.
            Err(error) => tracing::warn!(error = %error, "The log could not be checkpointed"),
        }
    }

    fn follow_page_limit(&mut self) {
        let wanted = self.shared.page_limit.load(Ordering::Acquire);
        if wanted != self.page_limit {
            let limited = self
                .connection
                .query_row(&format!("pragma max_page_count = {wanted}"), [], |_| Ok(()));
            match limited {
                Ok(()) => self.page_limit = wanted,
                Err(error) => tracing::warn!(error = %error, "The size of the log could not be limited"),
            }
        }
    }

    fn close(self) {
        if self.shared.failure.is_declared() {
            return checkpoint::close_without(self.connection);
        }
        if let Err(error) = checkpoint::everything(&self.connection) {
            tracing::warn!(error = %error, "The log could not be checkpointed at its end");
        }
    }
}

/// A writer that panics must not leave callers waiting for ever, nor let new ones wait.
struct CloseOnPanic {
    queue: Arc<Queue>,
    shared: Arc<Shared>,
}

impl Drop for CloseOnPanic {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.failure.declare("the writer panicked".to_owned());
            self.queue.close(UnavailableReason::Failed);
        }
    }
}

/// As many undecided appends as one commit takes, in the order in which they came; at least one.
fn next_group(pending: &VecDeque<Job>) -> Vec<&Append> {
    let (mut events, mut bytes) = (0, 0);
    let undecided = pending.iter().flat_map(Job::undecided);
    let fits = undecided.take_while(|append| {
        let first = events == 0;
        events += append.events.len();
        bytes += admission::bytes_of(append);
        first || (events <= GROUP_EVENTS_MAX && bytes <= GROUP_BYTES_MAX)
    });
    fits.collect()
}

/// Gives the outcomes of a group to the jobs that its appends came from.
fn hand_out(pending: &mut VecDeque<Job>, outcomes: Vec<Outcome>) {
    let mut outcomes = outcomes.into_iter();
    for job in pending {
        let missing = job.undecided().len();
        job.outcomes.extend(outcomes.by_ref().take(missing));
        if outcomes.len() == 0 {
            break;
        }
    }
}

fn refuse(group: &[&Append], maybe_committed: bool, reason: UnavailableReason) -> Vec<Outcome> {
    vec![
        Err(AppendError::Unavailable {
            maybe_committed,
            reason
        });
        group.len()
    ]
}

fn before_commit(error: &rusqlite::Error) -> Failure {
    match error.sqlite_error_code() {
        Some(ErrorCode::ConstraintViolation) => {
            tracing::debug!(error = %error, "The tables refused a group of appends");
            Failure::Repeats
        }
        Some(ErrorCode::DiskFull) => Failure::Refused(UnavailableReason::DiskFull),
        _ => {
            tracing::error!(error = %error, "A group of appends was rolled back");
            Failure::Refused(UnavailableReason::Storage)
        }
    }
}

fn insert_statement(rows: usize) -> String {
    let row = format!("({})", vec!["?"; COLUMNS].join(", "));
    format!(
        "{}{}",
        include_str!("sql/insert_events.sql"),
        vec![row; rows].join(", ")
    )
}

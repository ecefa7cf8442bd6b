//! The owner of one stream: the only one on this node who decides its commands. It keeps the folded state, decides what waits in the
//! order of arrival, appends the resulting events together, and answers once they are durable.

use std::{collections::VecDeque, sync::Arc};

use bytes::Bytes;
use chrono::{DateTime, DurationRound, TimeDelta, Utc};
use domain::{Actor, Coded, Context, Decider, EventId, Meta, event_id};
use event_store::{Append, Expected, NewEvent, Recorded, StreamName};
use tokio::sync::{mpsc, oneshot};
use uuid::Uuid;

use crate::{Caller, CommandError, Outcome, Unavailable, outcome::Refusal, sequencers::Shared, snapshots::Snapshot};

/// Commands and reads that wait for an owner; beyond it the sender waits, then is told that we are busy.
pub(crate) const MAILBOX_MAX: usize = 1024;
/// Commands decided into one append. More would only lengthen the wait of the first.
const BATCH_COMMANDS_MAX: usize = 256;
/// Events and payload bytes of one append; a batch ends with the command that passes either.
const BATCH_EVENTS_MAX: usize = 512;
const BATCH_BYTES_MAX: usize = 512 * 1024;
/// How often a batch is decided again because another node wrote first.
const TRIES_MAX: usize = 8;
/// Events per page while a stream is folded.
const PAGE_EVENTS: usize = 1024;
/// Events of one command that a replay can answer with: creating a full group.
const COMMAND_EVENTS_MAX: usize = domain::limits::GROUP_MEMBERS_MAX + 2;
/// A snapshot is due when this many events, and a quarter of the stream, are newer than the last one.
const SNAPSHOT_EVENTS: u64 = 10_000;
/// On leaving, a snapshot is worth its file from this many new events on.
const SNAPSHOT_ON_LEAVING_EVENTS: u64 = 1_000;

pub(crate) type Answer<D> = Result<Outcome, CommandError<<D as Decider>::Rejection>>;

pub(crate) struct Submission<D: Decider> {
    pub(crate) command: D::Command,
    pub(crate) caller: Caller,
    pub(crate) answer: oneshot::Sender<Answer<D>>,
}

pub(crate) type Reader<D> = Box<dyn FnOnce(Result<StreamView<'_, D>, Unavailable>) + Send>;

pub(crate) enum Request<D: Decider> {
    Command(Submission<D>),
    Read(Reader<D>),
}

/// The durable state of a stream, as a read sees it.
pub struct StreamView<'a, D: Decider> {
    pub state: &'a D::State,
    /// Events in the stream; for a channel its top seq.
    pub top: u64,
    /// Position of the stream's newest event, 0 for an empty one.
    pub position: u64,
}

pub(crate) struct Owner<D: Decider> {
    shared: Arc<Shared<D>>,
    id: Uuid,
    stream: StreamName,
    folded: Option<Folded<D>>,
}

struct Folded<D: Decider> {
    state: D::State,
    count: u64,
    position: u64,
    last_at: DateTime<Utc>,
    snapshot_count: u64,
}

/// A batch on its way: what was decided for each command, and the events to append.
struct Batch<D: Decider> {
    base: u64,
    decided: Vec<Decided<D>>,
    events: Vec<NewEvent>,
    bytes: usize,
}

struct Decided<D: Decider> {
    submission: Submission<D>,
    intent: [u8; 16],
    decision: Decision<D>,
}

enum Decision<D: Decider> {
    /// Its events are `events[from..to]` of the batch.
    Append {
        from: usize,
        to: usize,
    },
    /// Carried out before, at this revision (possibly by this very batch).
    Seen {
        revision: u64,
    },
    Unchanged,
    Rejected(D::Rejection),
    Unavailable(Unavailable),
}

impl<D: Decider> Owner<D> {
    pub(crate) fn new(shared: Arc<Shared<D>>, id: Uuid) -> Self {
        Self {
            stream: StreamName::new(D::CATEGORY, id),
            shared,
            id,
            folded: None,
        }
    }

    /// Serves until nobody can send any more, which is how the registry retires an owner.
    pub(crate) async fn run(mut self, mut mailbox: mpsc::Receiver<Request<D>>) {
        let mut waiting = Vec::with_capacity(BATCH_COMMANDS_MAX);
        while mailbox.recv_many(&mut waiting, BATCH_COMMANDS_MAX).await > 0 {
            self.serve(std::mem::take(&mut waiting)).await;
            self.shared.weighed(self.id, self.weight());
        }
        self.save_snapshot(SNAPSHOT_ON_LEAVING_EVENTS);
        self.shared.surroundings.retired(self.id);
    }

    /// Commands gather into batches; a read first lets the batch before it become durable, so it never sees what might not come to be.
    async fn serve(&mut self, waiting: Vec<Request<D>>) {
        let mut commands = VecDeque::new();
        for request in waiting {
            match request {
                Request::Command(submission) => commands.push_back(submission),
                Request::Read(read) => {
                    self.carry_out(std::mem::take(&mut commands)).await;
                    self.read(read).await;
                }
            }
        }
        self.carry_out(commands).await;
    }

    async fn read(&mut self, read: Reader<D>) {
        match self.load().await {
            Ok(folded) => {
                read(Ok(StreamView {
                    state: &folded.state,
                    top: folded.count,
                    position: folded.position,
                }));
            }
            Err(why) => read(Err(why)),
        }
    }

    async fn carry_out(&mut self, mut commands: VecDeque<Submission<D>>) {
        let mut tries = 0;
        while !commands.is_empty() {
            let batch = match self.decide(&mut commands).await {
                Ok(batch) => batch,
                Err(why) => return self.refuse(commands.drain(..), &CommandError::Unavailable(why)),
            };
            match self.append(&batch).await {
                Ok(recorded) => {
                    tries = 0;
                    self.settle(batch, &recorded).await;
                    self.save_snapshot(SNAPSHOT_EVENTS);
                }
                Err(Refusal::Stale) if tries < TRIES_MAX => {
                    tries += 1;
                    self.shared.metrics.conflict(D::CATEGORY);
                    batch
                        .decided
                        .into_iter()
                        .rev()
                        .for_each(|decided| commands.push_front(decided.submission));
                }
                Err(refusal) => {
                    tries = 0;
                    let why = match refusal {
                        Refusal::Stale => CommandError::Unavailable(Unavailable::Contended),
                        Refusal::Unavailable(why) => CommandError::Unavailable(why),
                        Refusal::Unknown => CommandError::OutcomeUnknown,
                    };
                    self.refuse(batch.decided.into_iter().map(|decided| decided.submission), &why);
                }
            }
        }
    }

    /// Decides waiting commands, each against the state as the ones before it leave it, until the batch is full.
    async fn decide(&mut self, commands: &mut VecDeque<Submission<D>>) -> Result<Batch<D>, Unavailable> {
        let shared = Arc::clone(&self.shared);
        let stream = self.stream.clone();
        let folded = self.load().await?;
        let mut batch = Batch {
            base: folded.count,
            decided: Vec::with_capacity(commands.len()),
            events: Vec::new(),
            bytes: 0,
        };
        while batch.has_room() {
            let Some(submission) = commands.pop_front() else { break };
            let intent = shared.intents.hash(&submission.command);
            let decision = folded.decide(&shared, &stream, &submission, intent, &mut batch).await;
            batch.decided.push(Decided {
                submission,
                intent,
                decision,
            });
        }
        Ok(batch)
    }

    /// Makes a batch durable. On any refusal the state, which already counts the batch's events, is forgotten and read again.
    async fn append(&mut self, batch: &Batch<D>) -> Result<Vec<Arc<Recorded>>, Refusal> {
        if batch.events.is_empty() {
            return Ok(Vec::new());
        }
        let append = Append {
            stream: self.stream.clone(),
            expected: Expected::after(batch.base),
            events: batch.events.clone(),
        };
        let result = self.shared.log.append(vec![append]).await.pop();
        let refusal = match result {
            Some(Ok(appended)) if !appended.replayed => {
                self.committed(&appended.events);
                return Ok(appended.events);
            }
            // These ids were there already, so our state was behind the log.
            Some(Ok(_replayed)) => Refusal::Stale,
            Some(Err(error)) => error.into(),
            None => Refusal::Unknown,
        };
        self.folded = None;
        Err(refusal)
    }

    fn committed(&mut self, events: &[Arc<Recorded>]) {
        let Some(folded) = &mut self.folded else { return };
        folded.position = events.last().map_or(folded.position, |event| event.position);
        self.shared.surroundings.committed(self.id, &folded.state);
    }

    /// Answers everyone of a durable batch.
    async fn settle(&mut self, batch: Batch<D>, recorded: &[Arc<Recorded>]) {
        let (top, position) = self
            .folded
            .as_ref()
            .map_or((0, 0), |folded| (folded.count, folded.position));
        for Decided {
            submission,
            intent,
            decision,
        } in batch.decided
        {
            let answer = match decision {
                Decision::Append { from, to } => {
                    let events = recorded[from..to].to_vec();
                    Ok(Outcome {
                        position: last_position(&events, position),
                        events,
                        replayed: false,
                        top,
                    })
                }
                Decision::Seen { revision } => self.replay(&submission.caller, intent, revision, top).await,
                Decision::Unchanged => Ok(Outcome {
                    events: Vec::new(),
                    replayed: false,
                    top,
                    position,
                }),
                Decision::Rejected(why) => Err(CommandError::Rejected(why)),
                Decision::Unavailable(why) => Err(CommandError::Unavailable(why)),
            };
            self.answer(submission, answer);
        }
    }

    /// The events that this caller's key produced at `revision`, if the intent is the same.
    async fn replay(&self, caller: &Caller, intent: [u8; 16], revision: u64, top: u64) -> Answer<D> {
        let events = self
            .events_of(caller, revision)
            .await
            .map_err(CommandError::Unavailable)?;
        match events.first() {
            None => Err(CommandError::Unavailable(Unavailable::Log)),
            Some(first) if first.event.intent != intent => Err(CommandError::KeyReused),
            Some(first) => {
                let position = last_position(&events, first.position);
                Ok(Outcome {
                    events,
                    replayed: true,
                    top,
                    position,
                })
            }
        }
    }

    /// The events from `revision` on that carry this caller's key. Nearly every command made one, so two are read to know that.
    async fn events_of(&self, caller: &Caller, revision: u64) -> Result<Vec<Arc<Recorded>>, Unavailable> {
        let theirs =
            |event: &Recorded| event.event.actor == caller.actor.uuid() && *event.event.key == *caller.key.as_str();
        let mut page = self.shared.log.read_stream(&self.stream, revision, 2).await?;
        if page.events.get(1).is_some_and(|second| theirs(second)) {
            page = self
                .shared
                .log
                .read_stream(&self.stream, revision, COMMAND_EVENTS_MAX)
                .await?;
        }
        let others = page.events.iter().position(|event| !theirs(event));
        page.events.truncate(others.unwrap_or(page.events.len()));
        Ok(page.events)
    }

    fn answer(&self, submission: Submission<D>, answer: Answer<D>) {
        self.shared.metrics.outcome(D::CATEGORY, &answer);
        // Whoever waited may be gone; the command stands all the same.
        let _gone = submission.answer.send(answer);
    }

    fn refuse(&self, submissions: impl Iterator<Item = Submission<D>>, why: &CommandError<D::Rejection>) {
        submissions.for_each(|submission| self.answer(submission, Err(why.clone())));
    }

    /// The folded state, read from the newest snapshot and the events after it if it is not in memory.
    async fn load(&mut self) -> Result<&mut Folded<D>, Unavailable> {
        if self.folded.is_none() {
            let folded = self.fold_from_log().await?;
            self.shared.surroundings.committed(self.id, &folded.state);
            self.folded = Some(folded);
        }
        self.folded.as_mut().ok_or(Unavailable::Log)
    }

    async fn fold_from_log(&self) -> Result<Folded<D>, Unavailable> {
        let mut folded = match self.shared.snapshots.load::<D>(&self.stream).await {
            Some(snapshot) => Folded::from_snapshot(snapshot),
            None => Folded::empty(),
        };
        loop {
            let page = self
                .shared
                .log
                .read_stream(&self.stream, folded.count, PAGE_EVENTS)
                .await?;
            // A snapshot newer than its stream belongs to a log that was restored from an older backup.
            if page.last_revision.map_or(0, |last| last + 1) < folded.count {
                folded = Folded::empty();
                continue;
            }
            for recorded in &page.events {
                folded.evolve_recorded(recorded).map_err(|_| Unavailable::Unreadable)?;
            }
            if page.events.len() < PAGE_EVENTS {
                return Ok(folded);
            }
        }
    }

    fn save_snapshot(&mut self, due_after: u64) {
        let Some(folded) = &mut self.folded else { return };
        let fresh = folded.count - folded.snapshot_count;
        if fresh >= due_after && fresh >= folded.count / 4 {
            folded.snapshot_count = folded.count;
            let snapshot = Snapshot {
                state: &folded.state,
                count: folded.count,
                position: folded.position,
                last_at: folded.last_at,
            };
            self.shared.snapshots.save::<D>(&self.stream, &snapshot);
        }
    }

    fn weight(&self) -> usize {
        self.folded.as_ref().map_or(0, |folded| D::weight(&folded.state))
    }
}

impl<D: Decider> Batch<D> {
    fn has_room(&self) -> bool {
        self.decided.len() < BATCH_COMMANDS_MAX && self.events.len() < BATCH_EVENTS_MAX && self.bytes < BATCH_BYTES_MAX
    }
}

impl<D: Decider> Folded<D> {
    fn empty() -> Self {
        Self {
            state: D::State::default(),
            count: 0,
            position: 0,
            last_at: DateTime::UNIX_EPOCH,
            snapshot_count: 0,
        }
    }

    fn from_snapshot(snapshot: Snapshot<D::State>) -> Self {
        Self {
            state: snapshot.state,
            count: snapshot.count,
            position: snapshot.position,
            last_at: snapshot.last_at,
            snapshot_count: snapshot.count,
        }
    }

    /// Decides one command and, if events follow, adds them to the batch and evolves the state past them.
    async fn decide(
        &mut self,
        shared: &Shared<D>,
        stream: &StreamName,
        submission: &Submission<D>,
        intent: [u8; 16],
        batch: &mut Batch<D>,
    ) -> Decision<D> {
        let Submission { command, caller, .. } = submission;
        let id = |index| event_id(stream.as_str(), caller.actor.uuid(), caller.key.as_str(), index);
        let first_id = id(0);
        if let Some(revision) = D::seen(&self.state, first_id) {
            return Decision::Seen { revision };
        }
        let now = self.next_time(caller.at);
        let around = match shared.surroundings.of(&self.state, command, caller.actor, now).await {
            Ok(around) => around,
            Err(why) => return Decision::Unavailable(why),
        };
        let ctx = Context {
            actor: caller.actor,
            acting_as: caller.acting_as,
            now,
            event_id: first_id,
            space_role: around.actor_role,
            subject_space_role: around.subject_role,
            subject_banned: around.subject_banned,
            space_archived: around.archived,
            muted: around.actor_muted,
            blocked: around.blocked,
        };
        let events = match D::decide(&self.state, command.clone(), &ctx) {
            Ok(events) if events.is_empty() => return Decision::Unchanged,
            Ok(events) => events,
            Err(why) => return Decision::Rejected(why),
        };
        let from = batch.events.len();
        for (index, event) in events.iter().enumerate() {
            let id = if index == 0 { first_id } else { id(index) };
            let payload = Bytes::from(event.encode());
            batch.bytes += payload.len();
            batch.events.push(NewEvent {
                id: id.uuid(),
                kind: event.kind().into(),
                version: event.version(),
                actor: caller.actor.uuid(),
                key: caller.key.as_str().into(),
                intent,
                request_id: caller.request_id,
                recorded_at: ctx.now,
                payload,
            });
            self.evolve(event, id, caller.actor, ctx.now);
        }
        Decision::Append {
            from,
            to: batch.events.len(),
        }
    }

    /// Recorded times never fall within a stream, and carry what the log stores: microseconds.
    fn next_time(&self, at: DateTime<Utc>) -> DateTime<Utc> {
        at.duration_trunc(TimeDelta::microseconds(1))
            .unwrap_or(at)
            .max(self.last_at)
    }

    fn evolve_recorded(&mut self, recorded: &Recorded) -> Result<(), domain::DecodeError> {
        let event = D::Event::decode(&recorded.event.kind, recorded.event.version, &recorded.event.payload)?;
        let actor = Actor::from_uuid(recorded.event.actor);
        self.evolve(&event, recorded.event.id.into(), actor, recorded.event.recorded_at);
        self.position = recorded.position;
        Ok(())
    }

    fn evolve(&mut self, event: &D::Event, id: EventId, actor: Actor, at: DateTime<Utc>) {
        D::evolve(
            &mut self.state,
            event,
            &Meta {
                id,
                revision: self.count,
                actor,
                at,
            },
        );
        self.count += 1;
        self.last_at = self.last_at.max(at);
    }
}

fn last_position(events: &[Arc<Recorded>], otherwise: u64) -> u64 {
    events.last().map_or(otherwise, |event| event.position)
}

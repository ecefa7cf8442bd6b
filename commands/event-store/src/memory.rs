//! The log in memory, for tests and trials. It keeps every promise except outliving its process, and it can be told to misbehave,
//! so that those who use a log can be tested against outcomes that a healthy one never gives.

use std::{
    collections::{HashMap, HashSet, VecDeque},
    sync::Arc,
};

use parking_lot::Mutex;
use tokio::sync::{broadcast, watch};
use uuid::Uuid;

use crate::{
    Append, AppendError, Appended, Committed, Damaged, EventLog, Head, Identity, Page, ReadError, Recorded, StreamName,
    StreamPage, Tail, UnavailableReason,
    admission::{self, Outcome},
    failure::Failure,
    tail,
};

pub struct MemoryLog {
    identity: Mutex<Identity>,
    log: Mutex<Log>,
    faults: Mutex<VecDeque<Fault>>,
    held: watch::Sender<bool>,
    announced: broadcast::Sender<Committed>,
    failure: Failure,
}

#[derive(Default)]
struct Log {
    /// In log order; the event at position `n` is at `n - 1`.
    events: Vec<Arc<Recorded>>,
    streams: HashMap<StreamName, Stream>,
    /// Positions whose events are no longer handed out.
    damaged: HashSet<u64>,
}

#[derive(Default)]
struct Stream {
    events: Vec<Arc<Recorded>>,
    /// Revision of every event by its id, with the number of events of the append that it begins.
    ids: HashMap<Uuid, Place>,
}

struct Place {
    revision: u64,
    /// Zero for an event that is not the first of its append.
    append_len: usize,
}

struct Fault {
    reason: UnavailableReason,
    maybe_committed: bool,
    apply: bool,
}

impl MemoryLog {
    #[allow(clippy::new_ret_no_self, reason = "a log is always shared")]
    pub fn new() -> Arc<Self> {
        Arc::new(Self {
            identity: Mutex::new(Identity {
                id: Uuid::new_v4(),
                incarnation: 1,
            }),
            log: Mutex::default(),
            faults: Mutex::default(),
            held: watch::Sender::new(false),
            announced: broadcast::Sender::new(tail::ANNOUNCED_BATCHES_MAX),
            failure: Failure::new(),
        })
    }

    /// The next call of `append` (later ones for further calls of this) answers `Unavailable` for each of its appends, after
    /// really writing them if `apply`. The reason [`UnavailableReason::Failed`] is for ever, as it is for a log on a disk.
    pub fn fail_next(&self, reason: UnavailableReason, maybe_committed: bool, apply: bool) {
        self.faults.lock().push_back(Fault {
            reason,
            maybe_committed,
            apply,
        });
    }

    /// From now on the event at `position` cannot be read, as if its bytes had changed on a disk; until [`repair`](Self::repair).
    pub fn damage(&self, position: u64) {
        self.log.lock().damaged.insert(position);
    }

    pub fn repair(&self, position: u64) {
        self.log.lock().damaged.remove(&position);
    }

    /// Says that the log was restored: cursors and checkpoints of any incarnation up to `above` belong to another past. Before anything
    /// is served.
    pub fn raise_incarnation(&self, above: u32) -> Identity {
        let mut identity = self.identity.lock();
        identity.incarnation = identity.incarnation.max(above) + 1;
        *identity
    }

    /// From now on appends wait, unwritten, until [`release`](Self::release).
    pub fn hold(&self) {
        self.held.send_replace(true);
    }

    pub fn release(&self) {
        self.held.send_replace(false);
    }

    async fn released(&self) {
        // The sender lives as long as we do, so the wait cannot end otherwise.
        let _ = self.held.subscribe().wait_for(|held| !held).await;
    }

    fn write(&self, appends: Vec<Append>) -> Vec<Outcome> {
        let mut log = self.log.lock();
        let before = log.events.len();
        let outcomes = appends.into_iter().map(|append| log.append(append)).collect();
        let events: Arc<[_]> = log.events[before..].into();
        if !events.is_empty() {
            // Announced under the lock, so that batches are announced in log order. Nobody listening is no error.
            let _ = self.announced.send(Committed {
                events,
                damaged: Vec::new(),
                scanned_to: log.head(),
            });
        }
        outcomes
    }

    fn misbehave(&self, fault: &Fault, appends: Vec<Append>) -> Vec<Outcome> {
        let unavailable = AppendError::Unavailable {
            maybe_committed: fault.maybe_committed,
            reason: fault.reason,
        };
        let answers = vec![Err(unavailable); appends.len()];
        if fault.apply {
            self.write(appends);
        }
        if fault.reason == UnavailableReason::Failed {
            self.failure.declare("the log in memory was told to fail".to_owned());
        }
        answers
    }
}

impl Log {
    fn head(&self) -> u64 {
        self.events.len() as u64
    }

    fn append(&mut self, append: Append) -> Outcome {
        if append.events.is_empty() {
            return Ok(Appended {
                events: Vec::new(),
                replayed: false,
            });
        }
        let stream = self.streams.get(&append.stream);
        let last = stream.and_then(Stream::last);
        if let Some(earlier) = stream.and_then(|stream| stream.earlier(&append)) {
            return earlier;
        }
        if !admission::holds(append.expected, last) {
            return Err(AppendError::Conflict { actual: last });
        }
        let used = append
            .events
            .iter()
            .map(|event| event.id)
            .find(|id| stream.is_some_and(|stream| stream.has(*id)));
        if let Some(id) = used.or_else(|| admission::repeated_id(&append.events)) {
            return Err(AppendError::IdReuse { id });
        }
        Ok(Appended {
            events: self.record(append),
            replayed: false,
        })
    }

    fn record(&mut self, append: Append) -> Vec<Arc<Recorded>> {
        let Append {
            stream: name, events, ..
        } = append;
        let stream = self.streams.entry(name.clone()).or_default();
        let append_len = events.len();
        let mut recorded = Vec::with_capacity(append_len);
        for (part, event) in events.into_iter().enumerate() {
            let revision = stream.events.len() as u64;
            let position = self.events.len() as u64 + 1;
            stream.ids.insert(
                event.id,
                Place {
                    revision,
                    append_len: if part == 0 { append_len } else { 0 },
                },
            );
            let event = Arc::new(Recorded {
                position,
                stream: name.clone(),
                revision,
                event,
            });
            stream.events.push(Arc::clone(&event));
            self.events.push(Arc::clone(&event));
            recorded.push(event);
        }
        recorded
    }
}

impl Stream {
    fn last(&self) -> Option<u64> {
        (self.events.len() as u64).checked_sub(1)
    }

    /// The answer for an append whose first id is already in the stream.
    fn earlier(&self, append: &Append) -> Option<Outcome> {
        let first = append.events.first()?;
        let place = self.ids.get(&first.id)?;
        let from = place.revision as usize;
        let original = &self.events[from..from + place.append_len];
        Some(match original.first() {
            Some(recorded) if recorded.event.intent == first.intent => Ok(Appended {
                events: original.to_vec(),
                replayed: true,
            }),
            _ => Err(AppendError::IdReuse { id: first.id }),
        })
    }

    fn has(&self, id: Uuid) -> bool {
        self.ids.contains_key(&id)
    }
}

#[async_trait::async_trait]
impl EventLog for MemoryLog {
    async fn append(&self, appends: Vec<Append>) -> Vec<Outcome> {
        self.released().await;
        let (admitted, refusals) = admission::admit(appends);
        let fault = self.faults.lock().pop_front();
        let outcomes = match fault {
            _ if self.failure.is_declared() => {
                let reason = UnavailableReason::Failed;
                vec![
                    Err(AppendError::Unavailable {
                        maybe_committed: false,
                        reason
                    });
                    admitted.len()
                ]
            }
            Some(fault) => self.misbehave(&fault, admitted),
            None => self.write(admitted),
        };
        refusals.among(outcomes)
    }

    async fn read_stream(&self, stream: &StreamName, from: u64, limit: usize) -> Result<StreamPage, ReadError> {
        let log = self.log.lock();
        let Some(stream) = log.streams.get(stream) else {
            return Ok(StreamPage {
                events: Vec::new(),
                last_revision: None,
            });
        };
        let events = page(&stream.events, from, limit);
        match events.iter().find(|event| log.damaged.contains(&event.position)) {
            Some(damaged) => Err(ReadError::Damaged {
                position: damaged.position,
            }),
            None => Ok(StreamPage {
                events,
                last_revision: stream.last(),
            }),
        }
    }

    async fn read_all(&self, after: u64, limit: usize) -> Result<Page, ReadError> {
        let log = self.log.lock();
        let places = page(&log.events, after, limit);
        let scanned_to = places.last().map_or(after, |event| event.position);
        let (damaged, events): (Vec<_>, Vec<_>) = places
            .into_iter()
            .partition(|event| log.damaged.contains(&event.position));
        Ok(Page {
            events,
            damaged: damaged.iter().map(|event| event.place()).collect(),
            scanned_to,
        })
    }

    async fn head(&self) -> Result<Head, ReadError> {
        Ok(Head {
            identity: *self.identity.lock(),
            position: self.log.lock().head(),
        })
    }

    fn tail(self: Arc<Self>, after: u64) -> Tail {
        let announced = self.announced.subscribe();
        Tail::new(self, announced, after)
    }

    async fn failed(&self) -> String {
        self.failure.declared().await
    }
}

impl Recorded {
    fn place(&self) -> Damaged {
        Damaged {
            position: self.position,
            stream: Some(self.stream.clone()),
            revision: Some(self.revision),
        }
    }
}

fn page(events: &[Arc<Recorded>], from: u64, limit: usize) -> Vec<Arc<Recorded>> {
    let from = usize::try_from(from).unwrap_or(usize::MAX);
    events.iter().skip(from).take(limit).cloned().collect()
}

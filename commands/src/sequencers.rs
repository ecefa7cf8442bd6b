//! The registry of owners of one kind of stream: starts them on demand, hands commands over in order, and retires the least recently
//! used when their states outgrow the memory budget. A retired owner finishes what it has; its stream is folded again when needed.

use std::{collections::HashMap, sync::Arc};

use domain::{Decider, event_id};
use event_store::{EventLog, StreamName};
use lru::LruCache;
use parking_lot::Mutex;
use tokio::{
    runtime::Handle,
    sync::{mpsc, oneshot},
    task::JoinHandle,
};
use uuid::Uuid;

use crate::{
    Caller, CommandError, CommandMetrics, IntentKey, StreamView, Unavailable,
    owner::{Answer, MAILBOX_MAX, Owner, Reader, Request, Submission},
    rosters::Surroundings,
    snapshots::Snapshots,
};

/// How long a sender waits for room in a full mailbox before it is told that we are busy.
const MAILBOX_WAIT: std::time::Duration = std::time::Duration::from_secs(2);
/// What an owner costs besides its state: its task, its mailbox, its entry here.
const OWNER_BYTES: usize = 2_048;

/// Hands commands to the owners of their streams. Cheap to clone.
pub struct Sequencers<D: Decider> {
    shared: Arc<Shared<D>>,
}

pub(crate) struct Shared<D: Decider> {
    pub(crate) log: Arc<dyn EventLog>,
    pub(crate) snapshots: Snapshots,
    pub(crate) surroundings: Arc<dyn Surroundings<D>>,
    pub(crate) intents: IntentKey,
    pub(crate) metrics: CommandMetrics,
    pub(crate) runtime: Handle,
    pub(crate) budget_bytes: usize,
    owners: Mutex<Owners<D>>,
}

struct Owners<D: Decider> {
    by_stream: LruCache<Uuid, Registered<D>>,
    bytes: usize,
    /// Owners that were retired and may still be at work. A successor waits for its predecessor, so that no stream ever has two.
    leaving: HashMap<Uuid, JoinHandle<()>>,
}

struct Registered<D: Decider> {
    mailbox: mpsc::Sender<Request<D>>,
    task: JoinHandle<()>,
    bytes: usize,
}

/// A command that its owner has; it will be carried out whether or not anyone awaits the answer.
pub struct Pending<D: Decider> {
    answer: oneshot::Receiver<Answer<D>>,
}

impl<D: Decider> Pending<D> {
    pub async fn outcome(self) -> Answer<D> {
        // The owner vanished with the command: it cannot be told what became of it.
        self.answer.await.unwrap_or(Err(CommandError::OutcomeUnknown))
    }
}

impl<D: Decider> Clone for Sequencers<D> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<D: Decider> Sequencers<D> {
    pub(crate) fn new(
        log: Arc<dyn EventLog>,
        snapshots: Snapshots,
        surroundings: Arc<dyn Surroundings<D>>,
        intents: IntentKey,
        metrics: CommandMetrics,
        budget_bytes: usize,
    ) -> Self {
        let owners = Mutex::new(Owners {
            by_stream: LruCache::unbounded(),
            bytes: 0,
            leaving: HashMap::new(),
        });
        let runtime = Handle::current();
        Self {
            shared: Arc::new(Shared {
                log,
                snapshots,
                surroundings,
                intents,
                metrics,
                runtime,
                budget_bytes,
                owners,
            }),
        }
    }

    /// Carries out a command and says what became of it.
    pub async fn execute(&self, id: impl Into<Uuid>, command: D::Command, caller: Caller) -> Answer<D> {
        self.submit(id, command, caller).await?.outcome().await
    }

    /// Hands a command over. When this returns, the command has its place in the stream's order and no longer needs its sender.
    pub async fn submit(
        &self,
        id: impl Into<Uuid>,
        command: D::Command,
        caller: Caller,
    ) -> Result<Pending<D>, CommandError<D::Rejection>> {
        let (answer, pending) = oneshot::channel();
        self.hand_over(
            id.into(),
            Request::Command(Submission {
                command,
                caller,
                answer,
            }),
        )
        .await
        .map_err(CommandError::Unavailable)?;
        Ok(Pending { answer: pending })
    }

    /// Asks the durable state of a stream a question, after everything submitted before it.
    pub async fn read<T: Send + 'static>(
        &self,
        id: impl Into<Uuid>,
        question: impl FnOnce(StreamView<'_, D>) -> T + Send + 'static,
    ) -> Result<T, Unavailable> {
        let (answer, pending) = oneshot::channel();
        let reader: Reader<D> = Box::new(move |view| {
            let _gone = answer.send(view.map(question));
        });
        self.hand_over(id.into(), Request::Read(reader)).await?;
        pending.await.unwrap_or(Err(Unavailable::Log))
    }

    /// Whether this caller's key was carried out in a stream before. For those who must do or refuse something before the stream is asked:
    /// a repeat is answered from its key, whatever has become of the rest since.
    pub async fn knows(&self, id: impl Into<Uuid>, caller: &Caller) -> Result<bool, Unavailable> {
        let id = id.into();
        let stream = StreamName::new(D::CATEGORY, id);
        let event = event_id(stream.as_str(), caller.actor.uuid(), caller.key.as_str(), 0);
        self.read(id, move |view| D::seen(view.state, event).is_some()).await
    }

    async fn hand_over(&self, id: Uuid, mut request: Request<D>) -> Result<(), Unavailable> {
        // An owner may be retired between being found and being sent to; its successor takes the request.
        for _ in 0..2 {
            request = match self.mailbox(id).try_send(request) {
                Ok(()) => return Ok(()),
                Err(mpsc::error::TrySendError::Full(request)) => return self.wait_for_room(id, request).await,
                Err(mpsc::error::TrySendError::Closed(request)) => {
                    self.shared.owners.lock().remove(id);
                    request
                }
            };
        }
        Err(Unavailable::Busy)
    }

    async fn wait_for_room(&self, id: Uuid, request: Request<D>) -> Result<(), Unavailable> {
        let mailbox = self.mailbox(id);
        match tokio::time::timeout(MAILBOX_WAIT, mailbox.send(request)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) | Err(_) => Err(Unavailable::Busy),
        }
    }

    fn mailbox(&self, id: Uuid) -> mpsc::Sender<Request<D>> {
        let mut owners = self.shared.owners.lock();
        if let Some(owner) = owners.by_stream.get(&id) {
            return owner.mailbox.clone();
        }
        let (mailbox, requests) = mpsc::channel(MAILBOX_MAX);
        let owner = Owner::new(Arc::clone(&self.shared), id);
        let predecessor = owners.leaving.remove(&id);
        let task = self.shared.runtime.spawn(async move {
            if let Some(predecessor) = predecessor {
                // One that panicked does not go on either.
                let _ended = predecessor.await;
            }
            owner.run(requests).await;
        });
        owners.by_stream.put(
            id,
            Registered {
                mailbox: mailbox.clone(),
                task,
                bytes: OWNER_BYTES,
            },
        );
        owners.bytes += OWNER_BYTES;
        owners.retire_down_to(self.shared.budget_bytes, id);
        mailbox
    }

    /// Retires every owner: they finish what they have and leave snapshots. Part of a graceful end.
    pub fn retire_all(&self) {
        let mut owners = self.shared.owners.lock();
        owners.bytes = 0;
        while let Some((id, owner)) = owners.by_stream.pop_lru() {
            owners.leaving.insert(id, owner.task);
        }
    }
}

impl<D: Decider> Shared<D> {
    /// An owner reports what its state weighs now.
    pub(crate) fn weighed(&self, id: Uuid, state_bytes: usize) {
        let mut owners = self.owners.lock();
        let Some(owner) = owners.by_stream.peek_mut(&id) else {
            return;
        };
        let before = std::mem::replace(&mut owner.bytes, OWNER_BYTES + state_bytes);
        owners.bytes = owners.bytes - before + OWNER_BYTES + state_bytes;
        owners.retire_down_to(self.budget_bytes, id);
        self.metrics.memory(D::CATEGORY, owners.bytes, owners.by_stream.len());
    }
}

impl<D: Decider> Owners<D> {
    fn remove(&mut self, id: Uuid) {
        if let Some(owner) = self.by_stream.pop(&id) {
            self.leave(id, owner);
        }
    }

    /// Drops its mailbox, which lets it finish. Those that have finished are forgotten here, so only those at work are remembered.
    fn leave(&mut self, id: Uuid, owner: Registered<D>) {
        self.bytes -= owner.bytes;
        self.leaving.retain(|_, task| !task.is_finished());
        self.leaving.insert(id, owner.task);
    }

    /// Drops the mailboxes of the least recently used owners, never that of `keep`, which is at work right now.
    fn retire_down_to(&mut self, budget_bytes: usize, keep: Uuid) {
        while self.bytes > budget_bytes {
            match self.by_stream.peek_lru() {
                Some((oldest, _)) if *oldest != keep => {
                    let oldest = *oldest;
                    self.remove(oldest);
                }
                Some(_) | None => return,
            }
        }
    }
}

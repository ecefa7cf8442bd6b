//! Everything that was sent and everything that was acknowledged, and the proof that the log agrees with it.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use serde_json::Value;
use verbatim_tests::{Person, Socket, fresh_key};

/// One attempt to send a message. Whether it was carried out is not known while `ack` is missing.
#[derive(Debug, Clone)]
pub(crate) struct Sending {
    author: usize,
    channel: String,
    key: String,
    body: String,
    ack: Option<Ack>,
}

#[derive(Debug, Clone, PartialEq)]
struct Ack {
    seq: Value,
    event: Value,
    message: Value,
    at: Value,
}

impl Ack {
    fn of(answer: &Value) -> Self {
        let [seq, event, message, at] = ["seq", "event", "message", "at"].map(|member| answer[member].clone());
        Self {
            seq,
            event,
            message,
            at,
        }
    }
}

/// Sockets keep this many commands in flight, so that a kill finds some of them anywhere on their way.
const IN_FLIGHT: usize = 8;

#[derive(Clone)]
pub(crate) struct Ledger {
    people: Vec<Person>,
    channels: Vec<String>,
    sendings: Arc<Mutex<Vec<Sending>>>,
    acks: Arc<AtomicUsize>,
    stopped: Arc<AtomicBool>,
}

/// Writing.
impl Ledger {
    /// All of the people are members of all of the channels.
    pub(crate) fn new(people: Vec<Person>, channels: Vec<String>) -> Self {
        Self {
            people,
            channels,
            sendings: Arc::default(),
            acks: Arc::default(),
            stopped: Arc::default(),
        }
    }

    /// Everyone writes, over HTTP and over a socket at the same time, until the server is gone or [`Self::stop`].
    pub(crate) fn write(&self) -> Vec<tokio::task::JoinHandle<()>> {
        self.stopped.store(false, Ordering::Relaxed);
        let everyone = 0..self.people.len();
        everyone
            .flat_map(|author| {
                let (by_http, by_socket) = (self.clone(), self.clone());
                [
                    tokio::spawn(async move { by_http.write_by_http(author).await }),
                    tokio::spawn(async move { by_socket.write_by_socket(author).await.unwrap_or_default() }),
                ]
            })
            .collect()
    }

    pub(crate) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    pub(crate) fn acks(&self) -> usize {
        self.acks.load(Ordering::Relaxed)
    }

    /// How many were sent, acknowledged or not.
    pub(crate) fn sent(&self) -> usize {
        self.lock().len()
    }

    /// How many of the sendings from this place on were acknowledged.
    pub(crate) fn acked_since(&self, place: usize) -> usize {
        self.lock()[place..]
            .iter()
            .filter(|sending| sending.ack.is_some())
            .count()
    }

    async fn write_by_http(&self, author: usize) {
        while !self.stopped.load(Ordering::Relaxed) {
            let (place, sending) = self.note(author);
            let Ok(answer) = self.sending(&sending).try_send().await else {
                return;
            };
            if matches!(answer.status, 200 | 201) {
                self.acknowledged(place, &answer.body);
            }
        }
    }

    /// `None`: the socket is gone.
    async fn write_by_socket(&self, author: usize) -> Option<()> {
        let mut socket = Socket::try_of(&self.people[author]).await?;
        let mut waiting = std::collections::VecDeque::new();
        while !self.stopped.load(Ordering::Relaxed) {
            let (place, sending) = self.note(author);
            let id = socket
                .try_post_message(&sending.channel, &sending.key, &sending.body)
                .await?;
            waiting.push_back((place, id));
            if waiting.len() >= IN_FLIGHT {
                self.take_answer(&mut socket, &mut waiting).await?;
            }
        }
        while !waiting.is_empty() {
            self.take_answer(&mut socket, &mut waiting).await?;
        }
        Some(())
    }

    async fn take_answer(
        &self,
        socket: &mut Socket,
        waiting: &mut std::collections::VecDeque<(usize, String)>,
    ) -> Option<()> {
        let (place, id) = waiting.pop_front()?;
        let answer = socket.try_take("an answer", |frame| frame["id"] == id).await?;
        if answer["t"] == "ok" {
            self.acknowledged(place, &answer);
        }
        Some(())
    }

    /// Writes the sending down before it happens.
    fn note(&self, author: usize) -> (usize, Sending) {
        let mut sendings = self.lock();
        let place = sendings.len();
        let channel = self.channels[place % self.channels.len()].clone();
        let sending = Sending {
            author,
            channel,
            key: fresh_key(),
            body: format!("sending {place}"),
            ack: None,
        };
        sendings.push(sending.clone());
        (place, sending)
    }

    fn acknowledged(&self, place: usize, answer: &Value) {
        self.lock()[place].ack = Some(Ack::of(answer));
        self.acks.fetch_add(1, Ordering::Relaxed);
    }

    fn sending(&self, sending: &Sending) -> verbatim_tests::Ask {
        self.people[sending.author].sending(&sending.channel, &sending.key, &sending.body)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Sending>> {
        self.sendings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Proving.
impl Ledger {
    /// Repeats what has no answer yet until it has one, with the same key; then nothing is unknown.
    pub(crate) async fn settle(&self) {
        for place in 0..self.sent() {
            let sending = self.lock()[place].clone();
            if sending.ack.is_none() {
                let answer = self.sending(&sending).send().await.accepted();
                self.acknowledged(place, &answer.body);
            }
        }
    }

    /// What was answered before is answered again, to the letter; `every` thins them out.
    pub(crate) async fn repeat_from(&self, place: usize, every: usize) {
        let acknowledged: Vec<Sending> = self.lock()[place..]
            .iter()
            .filter(|sending| sending.ack.is_some())
            .cloned()
            .collect();
        for sending in acknowledged.iter().step_by(every) {
            let again = self.sending(sending).send().await.is(200);
            assert_eq!(
                (Some(Ack::of(&again.body)), &again["replayed"]),
                (sending.ack.clone(), &true.into()),
                "{sending:?}"
            );
        }
    }

    /// Every acknowledged sending is in the log once, at its seq, with its words; nothing else is; seqs have no hole.
    pub(crate) async fn assert_log_agrees(&self) {
        for channel in &self.channels {
            let events = self.people[0].all_events(channel).await;
            let seqs: Vec<_> = events
                .iter()
                .map(|event| event["seq"].as_u64().expect("a seq"))
                .collect();
            assert_eq!(seqs, (1..=events.len() as u64).collect::<Vec<_>>(), "seqs of {channel}");
            let sent: Vec<&Value> = events.iter().filter(|event| event["type"] == "message.sent").collect();
            let by_body: HashMap<&str, &Value> = sent
                .iter()
                .map(|event| (event["d"]["body"].as_str().expect("words"), *event))
                .collect();
            assert_eq!(by_body.len(), sent.len(), "something is in {channel} twice");
            let mut known = 0;
            for sending in self.lock().iter().filter(|sending| sending.channel == *channel) {
                let found = by_body.get(sending.body.as_str());
                known += usize::from(found.is_some());
                let Some(ack) = &sending.ack else { continue };
                let event = found.unwrap_or_else(|| panic!("acknowledged and lost: {sending:?}"));
                let stored = Ack {
                    seq: event["seq"].clone(),
                    event: event["event"].clone(),
                    message: event["d"]["message"].clone(),
                    at: event["at"].clone(),
                };
                assert_eq!(stored, *ack, "{sending:?}");
                assert_eq!(event["by"], self.people[sending.author].id);
            }
            assert_eq!(known, sent.len(), "{channel} holds what nobody sent");
        }
    }

    /// The pages of every timeline show the messages of the log.
    pub(crate) async fn assert_pages_agree(&self) {
        for channel in &self.channels {
            let events = self.people[0].all_events(channel).await;
            let sent = events.iter().filter(|event| event["type"] == "message.sent");
            let stored: Vec<_> = sent
                .map(|event| {
                    (
                        event["seq"].clone(),
                        event["d"]["message"].clone(),
                        event["d"]["body"].clone(),
                    )
                })
                .collect();
            let shown = verbatim_tests::until("the view to catch up", async || {
                let shown = self.people[1].all_messages(channel).await;
                (shown.len() >= stored.len()).then_some(shown)
            })
            .await;
            let shown: Vec<_> = shown
                .iter()
                .map(|item| (item["seq"].clone(), item["id"].clone(), item["body"].clone()))
                .collect();
            assert_eq!(shown, stored, "{channel}");
        }
    }

    pub(crate) fn channels(&self) -> &[String] {
        &self.channels
    }

    pub(crate) fn people(&self) -> &[Person] {
        &self.people
    }
}

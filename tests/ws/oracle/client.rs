//! A client that keeps what it has seen of some channels: pages when it opens one, the socket's frames from there on, and all of it over
//! any number of reconnects.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};
use verbatim_tests::{Hello, Person, Socket};

use super::fold::{Model, number, text};

pub(crate) struct Client {
    pub(crate) person: Person,
    pub(crate) socket: Option<Socket>,
    pub(crate) places: BTreeMap<String, Place>,
    /// Channels the person was brought into, and has not opened since.
    to_open: BTreeSet<String>,
    /// The seq of the last `channel.added` of each channel.
    added: BTreeMap<String, u64>,
}

/// How a channel stands with this client.
pub(crate) enum Place {
    /// Not in it, as far as is known; nothing may come any more.
    Out {
        at: u64,
    },
    /// A page that is getting old.
    Paged(Model),
    /// Asked for what comes after the page; what comes before the answer belongs to an earlier question.
    Asked(Model, Option<String>),
    Live(Model),
}

impl Place {
    pub(crate) fn model(&self) -> Option<&Model> {
        match self {
            Self::Out { .. } => None,
            Self::Paged(model) | Self::Asked(model, _) | Self::Live(model) => Some(model),
        }
    }

    fn model_mut(&mut self) -> Option<&mut Model> {
        match self {
            Self::Out { .. } => None,
            Self::Paged(model) | Self::Asked(model, _) | Self::Live(model) => Some(model),
        }
    }
}

impl Client {
    pub(crate) fn new(person: Person, channels: &[String]) -> Self {
        Self {
            person,
            socket: None,
            places: channels
                .iter()
                .map(|channel| (channel.clone(), Place::Out { at: 0 }))
                .collect(),
            to_open: BTreeSet::new(),
            added: BTreeMap::new(),
        }
    }

    /// Opens a channel that is not open, if the person is in it.
    pub(crate) async fn open(&mut self, channel: &str) {
        if self.places[channel].model().is_some() {
            return;
        }
        let Some((model, _)) = Model::fetched(&self.person, channel).await else {
            return;
        };
        self.to_open.remove(channel);
        self.places.insert(channel.to_owned(), Place::Paged(model));
        if self.socket.is_some() {
            self.subscribe(channel).await;
        }
    }

    /// Opens a socket and goes on with every page: all in the hello, or one by one.
    pub(crate) async fn connect(&mut self, in_hello: bool) {
        if self.socket.is_some() {
            return;
        }
        let held: Vec<_> = self
            .places
            .iter()
            .filter_map(|(channel, place)| Some((channel.clone(), place.model()?.top)))
            .collect();
        let hello = Hello {
            resume: if in_hello { held.clone() } else { vec![] },
            ..Hello::default()
        };
        let socket = Socket::resumed(&self.person, hello).await;
        for item in socket.welcome["channels"].as_array().expect("a list") {
            let channel = text(item, "ch");
            if self.places.get(&channel).is_some_and(|place| place.model().is_none()) {
                self.to_open.insert(channel);
            }
        }
        self.socket = Some(socket);
        for (channel, _) in held {
            if in_hello {
                self.ask(&channel, None);
            } else {
                self.subscribe(&channel).await;
            }
        }
    }

    /// Ends the socket without a word, or in order; what it had in flight is lost.
    pub(crate) async fn disconnect(&mut self, in_order: bool) {
        let Some(mut socket) = self.socket.take() else { return };
        if in_order {
            socket.close(1000).await;
            socket.close_code().await;
        }
        drop(socket);
        for place in self.places.values_mut() {
            let (Place::Asked(model, _) | Place::Live(model)) = place else {
                continue;
            };
            *place = Place::Paged(model.clone());
        }
    }

    /// Takes every frame until none comes for this long, and does what they ask for.
    pub(crate) async fn listen(&mut self, quiet: Duration) {
        while let Some(socket) = &mut self.socket {
            let Some(frame) = socket.next_within(quiet).await else {
                assert!(
                    !socket.is_closed(),
                    "the server ended the socket of {}",
                    self.person.handle
                );
                break;
            };
            self.take(&frame);
        }
        for channel in std::mem::take(&mut self.to_open) {
            self.to_open.insert(channel.clone());
            self.open(&channel).await;
        }
        self.renew().await;
    }

    fn take(&mut self, frame: &Value) {
        let channel = frame["ch"]
            .as_str()
            .or(frame["d"]["ch"].as_str())
            .unwrap_or_default()
            .to_owned();
        let Some(place) = self.places.get_mut(&channel) else {
            return;
        };
        match frame["t"].as_str().expect("a kind") {
            "ev" => match place {
                Place::Live(model) => model.take(frame),
                Place::Asked(..) => {}
                Place::Out { at } => panic!("an event after the end at {at}: {frame}"),
                Place::Paged(_) => panic!("an event of a channel that is not followed: {frame}"),
            },
            "sub_ok" => {
                if let Place::Asked(model, id) = place
                    && id.as_deref() == frame["id"].as_str()
                {
                    // What was missed begins later: the page before it no longer counts.
                    model.needs_page |= number(frame, "from") != model.top + 1;
                    // Receipts are told to those who follow at the time, and to nobody later.
                    model.needs_marks = true;
                    *place = Place::Live(model.clone());
                }
            }
            "sub_end" => {
                let at = number(frame, "at");
                if let Place::Live(model) = place {
                    assert!(at >= model.top, "told more than up to {at}: {}", model.top);
                }
                self.end(&channel, at);
            }
            "err" => {
                if let Place::Asked(model, id) = place
                    && id.as_deref() == frame["id"].as_str()
                {
                    assert_eq!(frame["code"], "channel/not-found", "{frame}");
                    let top = model.top;
                    self.end(&channel, top);
                }
                let code = text(frame, "code");
                assert!(!code.starts_with("frame/") && !code.starts_with("internal"), "{frame}");
            }
            "feed" if frame["type"] == "receipt" => {
                if let Some(model) = place.model_mut() {
                    model.mark(&frame["d"]);
                }
            }
            "feed" if frame["type"] == "channel.added" => {
                let seq = number(&frame["d"], "seq");
                self.added.insert(channel.clone(), seq);
                if matches!(place, Place::Out { at } if *at < seq) {
                    self.to_open.insert(channel);
                }
            }
            _ => {}
        }
    }

    fn end(&mut self, channel: &str, at: u64) {
        self.places.insert(channel.to_owned(), Place::Out { at });
        // The news of coming back may have been faster than that of the end.
        if self.added.get(channel).is_some_and(|seq| *seq > at) {
            self.to_open.insert(channel.to_owned());
        }
    }

    /// Asks again for what events do not tell.
    async fn renew(&mut self) {
        let channels: Vec<_> = self.places.keys().cloned().collect();
        for channel in channels {
            let Place::Live(model) = &self.places[&channel] else {
                continue;
            };
            if !model.needs_page && !model.needs_marks {
                continue;
            }
            let Some((fetched, _)) = Model::fetched(&self.person, &channel).await else {
                continue;
            };
            let mut model = model.clone();
            if model.needs_page {
                let mut fetched = fetched;
                fetched.renew_marks(&model);
                self.places.insert(channel.clone(), Place::Paged(fetched));
                self.subscribe(&channel).await;
            } else {
                model.renew_marks(&fetched);
                model.needs_marks = false;
                self.places.insert(channel, Place::Live(model));
            }
        }
    }

    async fn subscribe(&mut self, channel: &str) {
        let (Some(socket), Some(model)) = (&mut self.socket, self.places[channel].model()) else {
            return;
        };
        let id = socket.next_id();
        let frame = json!({"t": "sub", "id": id, "ch": channel, "after": model.top});
        socket.send(&frame).await;
        self.ask(channel, Some(id));
    }

    fn ask(&mut self, channel: &str, id: Option<String>) {
        let model = self.places[channel].model().expect("a page").clone();
        self.places.insert(channel.to_owned(), Place::Asked(model, id));
    }

    /// What is shown here and not in a fresh page, or the other way round.
    pub(crate) async fn difference(&self) -> Option<String> {
        for (channel, place) in &self.places {
            let fresh = Model::fetched(&self.person, channel).await;
            let difference = match (place, fresh) {
                (Place::Out { .. }, None) => None,
                (Place::Live(model), Some((fresh, counters))) => {
                    let (ours, theirs) = (model.shown(), fresh.shown());
                    let equal = ours == theirs && ours.counters == counters;
                    (!equal).then(|| format!("from events {ours:#?}\nfresh {theirs:#?}\ncounters {counters}"))
                }
                (Place::Out { at }, Some(_)) => Some(format!("the end was at {at}, and coming back was not told")),
                (_, None) => Some("the end was not told".to_owned()),
                (Place::Paged(_) | Place::Asked(..), Some(_)) => Some("not followed yet".to_owned()),
            };
            if let Some(difference) = difference {
                return Some(format!("{} in {channel}: {difference}", self.person.handle));
            }
        }
        None
    }
}

//! The oracle of synchronisation: after any history, an old page and the events after it are what a fresh page shows. Histories are random
//! and of all commands, by several people, over HTTP and sockets, with clients that come and go at any point.

mod client;
mod fold;

use std::time::{Duration, Instant};

use proptest::{
    prelude::*,
    test_runner::{Config, TestError, TestRng, TestRunner},
};
use serde_json::{Value, json};
use verbatim_tests::{Answer, DEADLINE, Person, Stage, fresh_key};

use client::{Client, Place};

const EMOJI: [&str; 3] = ["👍", "🎉", ":tea:"];
const VOTES: [&str; 3] = ["up", "down", "none"];
const PEOPLE: [&str; 4] = ["ann", "bob", "carol", "dave"];
/// Histories in a normal run; `PROPTEST_CASES` asks for more.
const CASES: u32 = 6;
/// Frames that take longer than this to come are taken at the next occasion.
const QUIET: Duration = Duration::from_millis(5);

/// One thing somebody does. Numbers choose among what is there at that moment.
#[derive(Debug, Clone)]
struct Step {
    who: usize,
    channel: usize,
    /// Where the step can be taken both ways.
    over_socket: bool,
    act: Act,
}

#[derive(Debug, Clone)]
enum Act {
    Send {
        reply_to: Option<usize>,
        thread: Option<usize>,
        mention: Option<usize>,
    },
    Edit {
        message: usize,
        mention: Option<usize>,
    },
    Delete {
        message: usize,
    },
    React {
        message: usize,
        emoji: usize,
        take_back: bool,
    },
    Vote {
        message: usize,
        vote: usize,
    },
    Pin {
        message: usize,
        take_back: bool,
    },
    Rename {
        number: usize,
    },
    Hide {
        private: bool,
    },
    ShowHistory {
        all: bool,
    },
    Archive,
    Join,
    Leave,
    Add {
        whom: usize,
    },
    Remove {
        whom: usize,
    },
    SetRole {
        whom: usize,
        role: usize,
    },
    RemoveFromSpace {
        whom: usize,
    },
    JoinSpace,
    LeaveSpace,
    Read {
        back: u64,
    },
    Got {
        back: u64,
    },
    Open,
    Connect {
        in_hello: bool,
    },
    Cut,
    Close,
    Listen,
}

fn act() -> impl Strategy<Value = Act> {
    let person = || 0..PEOPLE.len();
    let message = || 0..100usize;
    let mention = || prop::option::weighted(0.3, person());
    prop_oneof![
        20 => (prop::option::weighted(0.3, message()), prop::option::weighted(0.3, message()), mention())
            .prop_map(|(reply_to, thread, mention)| Act::Send { reply_to, thread, mention }),
        6 => (message(), 0..EMOJI.len(), prop::bool::weighted(0.3))
            .prop_map(|(message, emoji, take_back)| Act::React { message, emoji, take_back }),
        3 => (message(), 0..VOTES.len()).prop_map(|(message, vote)| Act::Vote { message, vote }),
        3 => (message(), prop::bool::weighted(0.3)).prop_map(|(message, take_back)| Act::Pin { message, take_back }),
        6 => (message(), mention()).prop_map(|(message, mention)| Act::Edit { message, mention }),
        5 => message().prop_map(|message| Act::Delete { message }),
        2 => (0..5usize).prop_map(|number| Act::Rename { number }),
        1 => any::<bool>().prop_map(|private| Act::Hide { private }),
        1 => any::<bool>().prop_map(|all| Act::ShowHistory { all }),
        1 => prop::bool::weighted(0.2).prop_map(|really| if really { Act::Archive } else { Act::Listen }),
        4 => Just(Act::Join),
        2 => Just(Act::Leave),
        4 => person().prop_map(|whom| Act::Add { whom }),
        2 => person().prop_map(|whom| Act::Remove { whom }),
        3 => (person(), 0..4usize).prop_map(|(whom, role)| Act::SetRole { whom, role }),
        1 => person().prop_map(|whom| Act::RemoveFromSpace { whom }),
        1 => Just(Act::JoinSpace),
        1 => Just(Act::LeaveSpace),
        4 => (0..4u64).prop_map(|back| Act::Read { back }),
        3 => (0..4u64).prop_map(|back| Act::Got { back }),
        8 => Just(Act::Open),
        8 => any::<bool>().prop_map(|in_hello| Act::Connect { in_hello }),
        2 => Just(Act::Cut),
        2 => Just(Act::Close),
        6 => Just(Act::Listen),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    (0..PEOPLE.len(), 0..4usize, any::<bool>(), act()).prop_map(|(who, channel, over_socket, act)| Step {
        who,
        channel,
        over_socket,
        act,
    })
}

struct Play {
    space: String,
    channels: Vec<String>,
    clients: Vec<Client>,
}

impl Play {
    /// A channel with its whole past, one that begins with joining, a group, and a conversation of two.
    async fn begin() -> Self {
        let stage = Stage::shared();
        let mut people = vec![];
        for name in PEOPLE {
            people.push(stage.person(name).await);
        }
        let (ann, others) = people.split_first().expect("several");
        let room = stage.room(&people.iter().collect::<Vec<_>>()).await;
        let body = json!({"name": "newcomers", "kind": "text", "history": "since_join"});
        let newcomers = ann
            .post(&format!("/spaces/{}/channels", room.space))
            .json(&body)
            .send()
            .await
            .is(201)
            .str("id");
        let group = ann.create_group(&[&others[0], &others[1]]).await;
        let direct = ann.open_direct(&others[0]).await.str("id");
        let channels = vec![room.channel, newcomers, group, direct];
        let clients = people
            .into_iter()
            .map(|person| Client::new(person, &channels))
            .collect();
        Self {
            space: room.space,
            channels,
            clients,
        }
    }

    async fn take(&mut self, step: &Step) {
        let channel = self.channels[step.channel].clone();
        match step.act {
            Act::Open => self.clients[step.who].open(&channel).await,
            Act::Connect { in_hello } => self.clients[step.who].connect(in_hello).await,
            Act::Cut => self.clients[step.who].disconnect(false).await,
            Act::Close => self.clients[step.who].disconnect(true).await,
            Act::Listen => self.clients[step.who].listen(QUIET).await,
            Act::Read { back } => self.mark(step, "read", back).await,
            Act::Got { back } => self.mark(step, "got", back).await,
            Act::SetRole { .. } | Act::RemoveFromSpace { .. } | Act::JoinSpace | Act::LeaveSpace => {
                self.change_space(step).await
            }
            _ => {
                if let Some((op, d)) = self.command(step, &channel) {
                    self.issue(step, op, &channel, d).await;
                }
            }
        }
    }

    /// A command and its data; `None` where it needs a message and none is known.
    fn command(&self, step: &Step, channel: &str) -> Option<(&'static str, Value)> {
        let person = |number: usize| self.clients[number].person.id.clone();
        let mentions = |mention: Option<usize>| mention.map(person).into_iter().collect::<Vec<_>>();
        let known = self.clients[step.who].places[channel]
            .model()
            .map(fold::Model::message_ids)
            .unwrap_or_default();
        let message = |number: usize| (!known.is_empty()).then(|| known[number % known.len()].clone());
        Some(match step.act {
            Act::Send {
                reply_to,
                thread,
                mention,
            } => {
                let mut d = json!({"body": "a word 🦉", "mentions": mentions(mention)});
                if let Some(parent) = reply_to.and_then(message) {
                    d["reply_to"] = parent.into();
                }
                if let Some(root) = thread.and_then(message) {
                    d["thread"] = root.into();
                }
                ("message.send", d)
            }
            Act::Edit {
                message: number,
                mention,
            } => {
                let d = json!({"message": message(number)?, "body": fresh_key(), "mentions": mentions(mention)});
                ("message.edit", d)
            }
            Act::React {
                message: number,
                emoji,
                take_back,
            } => {
                let op = if take_back { "message.unreact" } else { "message.react" };
                (op, json!({"message": message(number)?, "emoji": EMOJI[emoji]}))
            }
            Act::Vote { message: number, vote } => (
                "message.vote",
                json!({"message": message(number)?, "vote": VOTES[vote]}),
            ),
            Act::Pin {
                message: number,
                take_back,
            } => {
                let op = if take_back { "message.unpin" } else { "message.pin" };
                (op, json!({"message": message(number)?}))
            }
            Act::Delete { message: number } => ("message.delete", json!({"message": message(number)?})),
            Act::Rename { number } => ("channel.update", json!({"name": format!("name {number}")})),
            Act::Hide { private } => ("channel.update", json!({"private": private})),
            Act::ShowHistory { all } => (
                "channel.update",
                json!({"history": if all { "all" } else { "since_join" }}),
            ),
            Act::Archive => ("channel.archive", json!({})),
            Act::Join => ("channel.join", json!({})),
            Act::Leave => ("channel.leave", json!({})),
            Act::Add { whom } => ("channel.add_member", json!({"user": person(whom)})),
            Act::Remove { whom } => ("channel.remove_member", json!({"user": person(whom)})),
            Act::SetRole { .. } | Act::RemoveFromSpace { .. } | Act::JoinSpace | Act::LeaveSpace => return None,
            Act::Read { .. } | Act::Got { .. } => return None,
            Act::Open | Act::Connect { .. } | Act::Cut | Act::Close | Act::Listen => return None,
        })
    }

    async fn issue(&mut self, step: &Step, op: &str, channel: &str, d: Value) {
        let client = &mut self.clients[step.who];
        match &mut client.socket {
            Some(socket) if step.over_socket => {
                socket.post(op, channel, &fresh_key(), d).await;
            }
            _ => {
                let answer = client.person.command(op, channel, &fresh_key(), d).await;
                assert_sensible(&answer);
            }
        }
    }

    async fn mark(&mut self, step: &Step, kind: &str, back: u64) {
        let channel = &self.channels[step.channel];
        let client = &mut self.clients[step.who];
        let Some(model) = client.places[channel].model() else {
            return;
        };
        let seq = model.top.saturating_sub(back).max(1);
        match &mut client.socket {
            Some(socket) if step.over_socket && matches!(client.places[channel], Place::Live(_)) => {
                socket.send(&json!({"t": kind, "ch": channel, "seq": seq})).await;
            }
            _ if kind == "read" => {
                let path = format!("/channels/{channel}/read");
                let answer = client.person.put(&path).json(&json!({"seq": seq})).send().await;
                assert!(matches!(answer.status, 200 | 404), "{answer:?}");
            }
            _ => {}
        }
    }

    async fn change_space(&mut self, step: &Step) {
        let person = |number: usize| -> &Person { &self.clients[number].person };
        let (actor, space) = (person(step.who), &self.space);
        let answer = match step.act {
            Act::SetRole { whom, role } => {
                actor
                    .set_role(space, person(whom), ["guest", "member", "moderator", "admin"][role])
                    .await
            }
            Act::RemoveFromSpace { whom } => actor.remove_from_space(space, person(whom)).await,
            Act::JoinSpace => actor.post(&format!("/spaces/{space}/join")).send().await,
            _ => actor.post(&format!("/spaces/{space}/leave")).send().await,
        };
        assert_sensible(&answer);
    }

    /// Everyone comes back, and in the end everyone's screen is right.
    async fn end(mut self) {
        for client in &mut self.clients {
            for channel in &self.channels {
                client.open(channel).await;
            }
            client.connect(true).await;
        }
        let deadline = Instant::now() + DEADLINE;
        for client in &mut self.clients {
            loop {
                client.listen(QUIET * 4).await;
                let Some(difference) = client.difference().await else {
                    break;
                };
                assert!(Instant::now() < deadline, "{difference}");
            }
        }
    }
}

/// Refused or not, it was understood.
fn assert_sensible(answer: &Answer) {
    let understood = answer.status < 500 && answer["code"] != "request/invalid";
    assert!(understood, "{} answered {}", answer.asked, answer.text);
}

async fn hold(steps: &[Step]) {
    let mut play = Play::begin().await;
    for step in steps {
        play.take(step).await;
    }
    play.end().await;
}

fn listed(steps: &[Step]) -> String {
    steps.iter().map(|step| format!("{step:?}\n")).collect()
}

/// The seed of a failure in `VERBATIM_SEED` repeats it.
#[test]
fn an_old_page_and_its_events_are_a_fresh_page() {
    let seed = std::env::var("VERBATIM_SEED")
        .ok()
        .and_then(|text| text.parse::<u64>().ok());
    let seed = seed.unwrap_or_else(rand::random);
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|text| text.parse().ok());
    println!("VERBATIM_SEED={seed}");
    let mut whole = [0; 32];
    whole[..8].copy_from_slice(&seed.to_le_bytes());
    let config = Config {
        cases: cases.unwrap_or(CASES),
        failure_persistence: None,
        // Each attempt to make a failure smaller is a history of its own.
        max_shrink_iters: 40,
        ..Config::default()
    };
    let rng = TestRng::from_seed(config.rng_algorithm, &whole);
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let held = TestRunner::new_with_rng(config, rng).run(&prop::collection::vec(step(), 10..90), |steps| {
        runtime.block_on(hold(&steps));
        Ok(())
    });
    match held {
        Ok(()) => {}
        Err(TestError::Fail(why, steps)) => panic!("VERBATIM_SEED={seed}: {why}\nafter {}", listed(&steps)),
        Err(TestError::Abort(why)) => panic!("VERBATIM_SEED={seed}: {why}"),
    }
}

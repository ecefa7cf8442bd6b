//! What a client makes of a page and the events after it, from the protocol alone: a second, independent reading of every event.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};
use verbatim_tests::Person;

/// One channel as one member's client has it.
#[derive(Debug, Clone)]
pub(crate) struct Model {
    me: String,
    /// Up to here the client has everything.
    pub(crate) top: u64,
    settings: Value,
    /// Role and first seq by person.
    members: BTreeMap<String, (Value, u64)>,
    /// By seq.
    messages: BTreeMap<u64, Value>,
    /// `got` and `read` by person.
    marks: BTreeMap<String, (u64, u64)>,
    /// Another part of the past is shown from now on, which events do not tell.
    pub(crate) needs_page: bool,
    /// Somebody came whose marks of an earlier stay count again.
    pub(crate) needs_marks: bool,
}

/// What two models of one channel must agree on.
#[derive(Debug, PartialEq)]
pub(crate) struct Shown {
    top: u64,
    settings: Value,
    members: BTreeMap<String, (Value, u64)>,
    messages: Vec<Value>,
    marks: BTreeMap<String, (u64, u64)>,
    pub(crate) counters: Value,
}

const SETTINGS: [&str; 5] = ["kind", "name", "private", "history", "archived"];

impl Model {
    /// Everything a client asks for when it opens a channel; `None` where it may not. The place comes first: what is read after it may
    /// be newer, and is then told again.
    pub(crate) async fn fetched(person: &Person, channel: &str) -> Option<(Self, Value)> {
        let page = person.read(&format!("/channels/{channel}/messages?limit=100")).await;
        let read = async |part: &str| {
            let answer = person.read(&format!("/channels/{channel}{part}")).await;
            (answer.status == 200).then_some(answer)
        };
        let (about, members, receipts) = (
            read("").await?,
            read("/members?limit=100").await?,
            read("/receipts?limit=100").await?,
        );
        if page.status != 200 || about["joined"] != true {
            return None;
        }
        assert_eq!(
            page["complete_before"], true,
            "histories of this test fit into one page"
        );
        let counters = json!({"read": about["read"], "unread": about["unread"], "mentions": about["mentions"], "members": about["members_count"]});
        let model = Self {
            me: person.id.clone(),
            top: page.u64("hi"),
            settings: SETTINGS
                .iter()
                .map(|name| ((*name).to_owned(), about[*name].clone()))
                .collect::<Map<_, _>>()
                .into(),
            members: members
                .items()
                .iter()
                .map(|item| (text(item, "user"), (item["role"].clone(), number(item, "since"))))
                .collect(),
            messages: page
                .items()
                .iter()
                .map(|item| (number(item, "seq"), item.clone()))
                .collect(),
            marks: receipts
                .items()
                .iter()
                .map(|item| (text(item, "user"), (number(item, "got"), number(item, "read"))))
                .collect(),
            needs_page: false,
            needs_marks: false,
        };
        Some((model, counters))
    }

    /// Takes the next event, which must be exactly that.
    pub(crate) fn take(&mut self, event: &Value) {
        assert_eq!(number(event, "seq"), self.top + 1, "a hole or a repeat: {event}");
        self.top += 1;
        let d = &event["d"];
        match event["type"].as_str().expect("a type") {
            "channel.created" => self.set(d),
            "channel.updated" => {
                self.needs_page |= d.get("history").is_some();
                self.set(d);
            }
            "channel.archived" => self.settings["archived"] = true.into(),
            "member.added" => {
                self.members.insert(text(d, "user"), (d["role"].clone(), self.top));
                self.needs_marks = true;
            }
            "member.left" | "member.removed" => {
                self.members.remove(&text(d, "user"));
            }
            "message.sent" => {
                let message = sent(event);
                self.reply(&message, &event["at"]);
                self.messages.insert(self.top, message);
            }
            "message.edited" => self.change(d, |message| {
                message["body"] = d["body"].clone();
                message["version"] = d["version"].clone();
                message["mentions"] = d.get("mentions").cloned().unwrap_or_else(|| json!([]));
                message["edited_at"] = event["at"].clone();
            }),
            "message.deleted" => {
                self.forget_reply(d);
                self.change(d, |message| {
                    message["body"] = Value::Null;
                    message["mentions"] = json!([]);
                    message["deleted"] = true.into();
                    message["reactions"] = json!([]);
                    message["votes"] = json!({"score": 0, "mine": null});
                    message["pinned"] = false.into();
                });
            }
            "message.reacted" => {
                let mine = event["by"] == *self.me;
                self.change(d, |message| count(message, &d["emoji"], 1, mine.then_some(true)));
            }
            "message.unreacted" => {
                let mine = event["by"] == *self.me;
                self.change(d, |message| count(message, &d["emoji"], -1, mine.then_some(false)));
            }
            "message.pinned" => self.change(d, |message| message["pinned"] = true.into()),
            "message.unpinned" => self.change(d, |message| message["pinned"] = false.into()),
            // A vote replaces another of the same person, which a client knows only of its own: the score is asked for.
            "message.voted" | "message.unvoted" => self.needs_page = true,
            other => panic!("the protocol has no {other:?}: teach this test what it means"),
        }
    }

    /// Takes a `feed receipt`. Marks only rise.
    pub(crate) fn mark(&mut self, d: &Value) {
        let mark = self.marks.entry(text(d, "user")).or_default();
        let (got, read) = (d["got"].as_u64().unwrap_or(0), d["read"].as_u64().unwrap_or(0));
        *mark = (mark.0.max(got).max(read), mark.1.max(read));
    }

    /// What was read another time is at least as true as what has been heard since.
    pub(crate) fn renew_marks(&mut self, other: &Self) {
        for (user, (got, read)) in &other.marks {
            self.mark(&json!({"user": user, "got": got, "read": read}));
        }
    }

    pub(crate) fn message_ids(&self) -> Vec<String> {
        self.messages.values().map(|message| text(message, "id")).collect()
    }

    /// As a person would see it on the screen.
    pub(crate) fn shown(&self) -> Shown {
        let members: BTreeSet<_> = self.members.keys().collect();
        Shown {
            top: self.top,
            settings: self.settings.clone(),
            members: self.members.clone(),
            messages: self.messages.values().cloned().collect(),
            marks: self
                .marks
                .iter()
                .filter(|(user, marks)| members.contains(user) && **marks != (0, 0))
                .map(|(user, marks)| (user.clone(), *marks))
                .collect(),
            counters: self.counters(),
        }
    }

    /// What is unread: messages of others since joining and since the own mark that were not deleted; and those among them with one's name.
    fn counters(&self) -> Value {
        let read = self.marks.get(&self.me).map_or(0, |(_, read)| *read);
        let since = self.members.get(&self.me).map_or(0, |(_, since)| *since);
        let new = self.messages.range(read.max(since) + 1..).map(|(_, message)| message);
        let unread: Vec<_> = new
            .filter(|message| message["by"] != *self.me && message["deleted"] == false)
            .collect();
        let names_me = |message: &&&Value| {
            let mut mentions = message["mentions"].as_array().into_iter().flatten();
            mentions.any(|user| *user == *self.me)
        };
        let mentions = unread.iter().filter(names_me).count();
        json!({"read": read, "unread": unread.len(), "mentions": mentions, "members": self.members.len()})
    }

    /// The root of its thread, if the client has it, has one more.
    fn reply(&mut self, message: &Value, at: &Value) {
        let seq = message["seq"].clone();
        let root = self.messages.values_mut().find(|root| root["id"] == message["thread"]);
        if let Some(root) = root {
            let replies = root["thread_summary"]["replies"].as_u64().unwrap_or(0) + 1;
            root["thread_summary"] = json!({"replies": replies, "last_seq": seq, "last_at": at});
        }
    }

    /// A page may hide what is deleted by now before its event is told; then only another page knows how many are left.
    fn forget_reply(&mut self, d: &Value) {
        let known = self.messages.values().find(|message| message["id"] == d["message"]);
        let Some(reply) = known.filter(|message| !message["thread"].is_null()) else {
            return;
        };
        if reply["deleted"] == true {
            self.needs_page = true;
            return;
        }
        let thread = reply["thread"].clone();
        if let Some(root) = self.messages.values_mut().find(|root| root["id"] == thread) {
            let replies = root["thread_summary"]["replies"].as_u64().unwrap_or(0);
            root["thread_summary"]["replies"] = json!(replies.saturating_sub(1));
        }
    }

    fn set(&mut self, d: &Value) {
        for name in SETTINGS {
            if let Some(value) = d.get(name) {
                self.settings[name] = value.clone();
            }
        }
    }

    /// Changes a message if the client has it: what lies before its page is none of its business.
    fn change(&mut self, d: &Value, change: impl FnOnce(&mut Value)) {
        let known = self.messages.values_mut().find(|message| message["id"] == d["message"]);
        // Words of a deleted message never come back, in whatever order they are told.
        if let Some(message) = known.filter(|message| message["deleted"] == false) {
            change(message);
        }
    }
}

/// One reaction more or less, in the order of the protocol: the most used first, then by their text.
fn count(message: &mut Value, emoji: &Value, change: i64, mine: Option<bool>) {
    let reactions = message["reactions"].as_array_mut().expect("a list");
    if !reactions.iter().any(|reaction| reaction["emoji"] == *emoji) {
        reactions.push(json!({"emoji": emoji, "count": 0, "mine": false}));
    }
    for reaction in reactions.iter_mut().filter(|reaction| reaction["emoji"] == *emoji) {
        reaction["count"] = json!(reaction["count"].as_i64().expect("a count") + change);
        if let Some(mine) = mine {
            reaction["mine"] = mine.into();
        }
    }
    reactions.retain(|reaction| reaction["count"] != 0);
    reactions.sort_by_key(|reaction| (-reaction["count"].as_i64().expect("a count"), text(reaction, "emoji")));
}

/// The message that an event brings into being.
fn sent(event: &Value) -> Value {
    let d = &event["d"];
    json!({
        "id": d["message"], "ch": event["ch"], "seq": event["seq"], "by": event["by"], "at": event["at"],
        "body": d["body"], "version": 1, "edited_at": null, "deleted": false,
        "reply_to": d.get("reply_to").cloned().unwrap_or(Value::Null), "thread": d.get("thread").cloned().unwrap_or(Value::Null),
        "depth": d.get("depth").cloned().unwrap_or_else(|| json!(0)), "files": [],
        "mentions": d.get("mentions").cloned().unwrap_or_else(|| json!([])), "reactions": [],
        "votes": {"score": 0, "mine": null}, "pinned": false, "thread_summary": null,
    })
}

pub(crate) fn text(value: &Value, member: &str) -> String {
    let found = value[member].as_str();
    found
        .unwrap_or_else(|| panic!("no text {member:?} in {value}"))
        .to_owned()
}

pub(crate) fn number(value: &Value, member: &str) -> u64 {
    value[member]
        .as_u64()
        .unwrap_or_else(|| panic!("no number {member:?} in {value}"))
}

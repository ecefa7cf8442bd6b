//! One request for each route, with places for what is new in each room. Who may do it is said by the table, not here.

use reqwest::Method;
use serde_json::Value;
use verbatim_tests::{Person, fresh_key};

use super::cast::{Cast, Room, Who};

/// A request that everyone sends.
pub(super) struct Sample {
    /// Its method and path as in the table of routes; what comes behind them tells samples of one route apart.
    pub(super) of: &'static str,
    body: Option<&'static str>,
    /// Whoever succeeds leaves a room in which nobody else could.
    pub(super) uses_up: bool,
    /// Sent in a session that is for this alone, since it may be its last.
    in_own_session: bool,
    /// Ends other sessions of the same people, so nothing else is asked meanwhile.
    pub(super) alone: bool,
    /// `{message}` was removed by a moderator.
    of_removed: bool,
    /// `{user}` is somebody to whom anything may happen without anyone missing them.
    of_bystander: bool,
    /// The space was archived just before.
    in_archived: bool,
    /// `{report}` was decided before.
    of_resolved: bool,
    channel: Channel,
}

/// Which channel of the space it is about.
#[derive(Clone, Copy)]
enum Channel {
    /// The one that everyone is in.
    OfAll,
    /// A new one that only the owner is in.
    Public,
    Private,
    /// A new private one that whoever asks is in.
    PrivateWithAsker,
}

const fn sample(of: &'static str, body: Option<&'static str>) -> Sample {
    Sample {
        of,
        body,
        uses_up: false,
        in_own_session: false,
        alone: false,
        of_removed: false,
        of_bystander: false,
        in_archived: false,
        of_resolved: false,
        channel: Channel::OfAll,
    }
}

const fn get(of: &'static str) -> Sample {
    sample(of, None)
}

const fn on_bystander(of: &'static str, body: Option<&'static str>) -> Sample {
    Sample {
        of_bystander: true,
        ..sample(of, body)
    }
}

const fn in_open(of: &'static str, body: Option<&'static str>) -> Sample {
    Sample {
        channel: Channel::Public,
        ..sample(of, body)
    }
}

const fn in_private(of: &'static str, body: Option<&'static str>) -> Sample {
    Sample {
        channel: Channel::Private,
        ..sample(of, body)
    }
}

const fn used_up(of: &'static str, body: Option<&'static str>) -> Sample {
    Sample {
        uses_up: true,
        ..sample(of, body)
    }
}

const REASON: Option<&str> = Some(r#"{"reason":"for the matrix"}"#);
const NO_ACTION: Option<&str> = Some(r#"{"action":"none","reason":"for the matrix"}"#);

pub(super) const SAMPLES: &[Sample] = &[
    sample(
        "POST /api/v1/auth/register",
        Some(r#"{"handle":"{fresh}","display_name":"Zoe","password":"correct horse battery staple"}"#),
    ),
    sample(
        "POST /api/v1/auth/login",
        Some(r#"{"handle":"{handle}","password":"correct horse battery staple"}"#),
    ),
    sample("POST /api/v1/auth/refresh", Some("{}")),
    Sample {
        in_own_session: true,
        ..sample("POST /api/v1/auth/logout", Some("{}"))
    },
    sample(
        "POST /api/v1/auth/password",
        Some(r#"{"old":"not the right one","new":"another battery staple, correct"}"#),
    ),
    get("GET /api/v1/auth/sessions"),
    Sample {
        alone: true,
        ..sample("DELETE /api/v1/auth/sessions", None)
    },
    sample("DELETE /api/v1/auth/sessions/{session}", None),
    get("GET /api/v1/users?handle={handle}"),
    get("GET /api/v1/users/me"),
    sample("PATCH /api/v1/users/me", Some(r#"{"display_name":"Somebody"}"#)),
    // Nobody has proved it: it leads inside.
    sample(
        "PUT /api/v1/users/me/identities/did",
        Some(r#"{"did":"did:web:localhost"}"#),
    ),
    sample("DELETE /api/v1/users/me/identities/did?did=did:web:localhost", None),
    get("GET /api/v1/users/{user}"),
    get("GET /api/v1/users/me/blocks"),
    on_bystander("PUT /api/v1/users/me/blocks/{user}", None),
    on_bystander("DELETE /api/v1/users/me/blocks/{user}", None),
    on_bystander("POST /api/v1/admin/users/{user}/suspend", REASON),
    on_bystander("POST /api/v1/admin/users/{user}/reinstate", REASON),
    get("GET /api/v1/spaces"),
    sample("POST /api/v1/spaces", Some(r#"{"name":"Own"}"#)),
    get("GET /api/v1/spaces/{space}"),
    sample("PATCH /api/v1/spaces/{space}", Some(r#"{"name":"Renamed"}"#)),
    used_up("DELETE /api/v1/spaces/{space}", None),
    sample("POST /api/v1/spaces/{space}/join", None),
    sample("POST /api/v1/spaces/{space}/leave", None),
    get("GET /api/v1/spaces/{space}/members"),
    sample("PUT /api/v1/spaces/{space}/members/{user}", Some(r#"{"role":"guest"}"#)),
    sample(
        "PUT /api/v1/spaces/{space}/members/{user} to admin",
        Some(r#"{"role":"admin"}"#),
    ),
    sample("DELETE /api/v1/spaces/{space}/members/{user}", None),
    used_up("POST /api/v1/spaces/{space}/owner", Some(r#"{"user":"{user}"}"#)),
    Sample {
        in_archived: true,
        ..sample("POST /api/v1/spaces/{space}/restore", None)
    },
    get("GET /api/v1/spaces/{space}/bans"),
    used_up("PUT /api/v1/spaces/{space}/bans/{user}", REASON),
    sample("DELETE /api/v1/spaces/{space}/bans/{user}", REASON),
    get("GET /api/v1/spaces/{space}/mutes"),
    sample(
        "PUT /api/v1/spaces/{space}/mutes/{user}",
        Some(r#"{"reason":"for the matrix","until":"2099-01-01T00:00:00Z"}"#),
    ),
    sample("DELETE /api/v1/spaces/{space}/mutes/{user}", REASON),
    get("GET /api/v1/spaces/{space}/invites"),
    sample("POST /api/v1/spaces/{space}/invites", Some(r#"{"uses":1}"#)),
    sample(
        "PUT /api/v1/spaces/{space}/cohorts/{cohort}",
        Some(r#"{"paused":true}"#),
    ),
    sample("DELETE /api/v1/invites/{invite}", None),
    sample("POST /api/v1/invites/redeem", Some(r#"{"code":"{code}"}"#)),
    sample("POST /api/v1/invites/{code}/redeem", None),
    get("GET /api/v1/spaces/{space}/reports"),
    sample(
        "POST /api/v1/reports",
        Some(r#"{"channel":"{channel}","message":"{message}","reason":"for the matrix"}"#),
    ),
    get("GET /api/v1/reports/{report}"),
    sample("POST /api/v1/reports/{report}/resolve", NO_ACTION),
    Sample {
        of_resolved: true,
        ..sample("POST /api/v1/reports/{report}/undo", REASON)
    },
    get("GET /api/v1/admin/reports"),
    sample("POST /api/v1/admin/reports/{report}/resolve", NO_ACTION),
    Sample {
        of_resolved: true,
        ..sample("POST /api/v1/admin/reports/{report}/undo", REASON)
    },
    get("GET /api/v1/admin/projections"),
    // Begins nothing, since what can be done next would depend on how far it is.
    sample(
        "POST /api/v1/admin/projections/{name}/rebuild",
        Some(r#"{"events_per_s":0}"#),
    ),
    sample("POST /api/v1/admin/projections/{name}/pause", Some("{}")),
    sample("POST /api/v1/admin/projections/{name}/resume", Some("{}")),
    sample("POST /api/v1/admin/projections/{name}/cancel", Some("{}")),
    sample("POST /api/v1/admin/projections/{name}/promote", Some("{}")),
    sample("POST /api/v1/admin/projections/{name}/rollback", Some("{}")),
    sample("POST /api/v1/admin/projections/{name}/retire", Some("{}")),
    get("GET /api/v1/admin/projections/{name}"),
    sample("POST /api/v1/admin/projections/{name}/verify", Some("{}")),
    sample("POST /api/v1/admin/projections/{name}/retry", Some("{}")),
    sample(
        "POST /api/v1/admin/projections/{name}/skip",
        Some(r#"{"position":1,"reason":"cut off by a bad disk"}"#),
    ),
    get("GET /api/v1/audit/events"),
    get("GET /api/v1/audit/channels/{channel}/at?seq=1"),
    get("GET /api/v1/feeds/home"),
    get("GET /api/v1/feeds/discover"),
    get("GET /api/v1/spaces/{space}/feed"),
    get("GET /api/v1/channels/{channel}/posts"),
    get("GET /api/v1/search?q=hello"),
    get("GET /api/v1/search?q=hello&in={channel} in a channel"),
    get("GET /api/v1/search?q=hello&in={space} in a space"),
    get("GET /api/v1/notifications"),
    // No place in the log: it leads inside.
    sample("PUT /api/v1/notifications/read", Some(r#"{"up_to":"nowhere"}"#)),
    get("GET /api/v1/spaces/{space}/channels"),
    sample(
        "POST /api/v1/spaces/{space}/channels",
        Some(r#"{"name":"more","kind":"text"}"#),
    ),
    get("GET /api/v1/channels"),
    sample(
        "POST /api/v1/channels group",
        Some(r#"{"kind":"group","members":["{user}"]}"#),
    ),
    sample(
        "POST /api/v1/channels direct",
        Some(r#"{"kind":"direct","members":["{user}"]}"#),
    ),
    get("GET /api/v1/channels/{channel}"),
    sample("PATCH /api/v1/channels/{channel}", Some(r#"{"name":"renamed"}"#)),
    used_up("DELETE /api/v1/channels/{channel}", None),
    sample("POST /api/v1/channels/{channel}/join", None),
    in_open("POST /api/v1/channels/{channel}/join public", None),
    in_private("POST /api/v1/channels/{channel}/join private", None),
    sample("POST /api/v1/channels/{channel}/leave", None),
    get("GET /api/v1/channels/{channel}/members"),
    sample("PUT /api/v1/channels/{channel}/members/{user}", None),
    Sample {
        channel: Channel::PrivateWithAsker,
        ..sample("PUT /api/v1/channels/{channel}/members/{user} private", None)
    },
    sample("DELETE /api/v1/channels/{channel}/members/{user}", None),
    get("GET /api/v1/channels/{channel}/messages"),
    sample("POST /api/v1/channels/{channel}/messages", Some(r#"{"body":"hello"}"#)),
    get("GET /api/v1/channels/{channel}/messages/{message}"),
    get("GET /api/v1/channels/{channel}/messages/{message}/revisions"),
    get("GET /api/v1/channels/{channel}/messages/{message}/thread"),
    get("GET /api/v1/channels/{channel}/messages/{message}/comments"),
    get("GET /api/v1/channels/{channel}/pins"),
    sample(
        "PUT /api/v1/channels/{channel}/messages/{message}/reactions/{emoji}",
        None,
    ),
    sample(
        "DELETE /api/v1/channels/{channel}/messages/{message}/reactions/{emoji}",
        None,
    ),
    sample(
        "PUT /api/v1/channels/{channel}/messages/{message}/vote",
        Some(r#"{"vote":"up"}"#),
    ),
    sample("DELETE /api/v1/channels/{channel}/messages/{message}/vote", None),
    sample("PUT /api/v1/channels/{channel}/messages/{message}/pin", None),
    sample("DELETE /api/v1/channels/{channel}/messages/{message}/pin", None),
    sample(
        "PATCH /api/v1/channels/{channel}/messages/{message}",
        Some(r#"{"body":"changed"}"#),
    ),
    sample("DELETE /api/v1/channels/{channel}/messages/{message}", None),
    Sample {
        of_removed: true,
        ..sample(
            "POST /api/v1/channels/{channel}/messages/{message}/restore",
            Some(r#"{"reason":"a mistake"}"#),
        )
    },
    get("GET /api/v1/channels/{channel}/events"),
    sample("PUT /api/v1/channels/{channel}/read", Some(r#"{"seq":1}"#)),
    get("GET /api/v1/channels/{channel}/receipts"),
    sample(
        "POST /api/v1/commands",
        Some(r#"{"op":"message.send","ch":"{channel}","d":{"body":"hello"}}"#),
    ),
    sample("POST /api/v1/ws/ticket", None),
    get("GET /api/v1/ws"),
    get("GET /api/v1/limits"),
    get("GET /healthz"),
    get("GET /livez"),
    get("GET /readyz"),
    get("GET /api/asyncapi.json"),
    get("GET /problems/{area}/{reason}"),
    get("GET /.well-known/jwks.json"),
];

impl Sample {
    fn method(&self) -> &str {
        self.words().0
    }

    /// Without what tells samples of one route apart.
    fn words(&self) -> (&'static str, &'static str) {
        let mut words = self.of.split_whitespace();
        let method = words.next().expect("a sample names its method");
        (method, words.next().expect("a sample names its path"))
    }

    pub(super) fn is_of(&self, method: &str, path: &str) -> bool {
        self.method() == method && self.words().1.split('?').next() == Some(path)
    }

    async fn prepare(&self, cast: &Cast, room: &Room, who: Who, filled: &mut Filling) {
        if self.of_removed {
            filled.put("{message}", cast.removed_message(room).await);
        }
        if self.of_bystander {
            filled.put("{user}", cast.bystander.id.clone());
        }
        let channel = match self.channel {
            Channel::OfAll => None,
            Channel::Public => Some(cast.new_channel(room, false, None).await),
            Channel::Private => Some(cast.new_channel(room, true, None).await),
            Channel::PrivateWithAsker => Some(cast.new_channel(room, true, cast.person(who)).await),
        };
        if let Some(channel) = channel {
            filled.put("{channel}", channel);
        }
        if self.in_archived {
            let archive = cast.is(Who::Owner).delete(&format!("/spaces/{}", room.space));
            archive.send().await.accepted();
        }
        if self.of_resolved {
            let report = filled.fill("{report}");
            let resolve = cast.is(Who::Moderator).post(&format!("/reports/{report}/resolve"));
            let decision = json(NO_ACTION.expect("a decision"));
            resolve.json(&decision).send().await.accepted();
        }
    }

    /// What this one is answered.
    pub(super) async fn ask(&self, cast: &Cast, room: &Room, who: Who) -> u16 {
        let (method, path) = self.words();
        let text = format!("{path} {}", self.body.unwrap_or_default());
        let mut filled = Filling::of(&text, cast, room, who).await;
        self.prepare(cast, room, who, &mut filled).await;
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        let ask = cast.stage.ask(method, &filled.fill(path)).key(&fresh_key());
        let ask = match cast.person(who) {
            // Who is suspended begins no other session.
            Some(person) if self.in_own_session && who != Who::Suspended => {
                ask.token(&person.another_session().await.token)
            }
            Some(person) => ask.token(&person.token),
            None => ask,
        };
        let ask = match self.body {
            Some(body) => ask.json(&json(&filled.fill(body))),
            None => ask,
        };
        ask.send().await.status
    }
}

pub(super) fn json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{text} is not JSON: {error}"))
}

/// The label of every invite here.
const COHORT: &str = "spring";

/// What stands for the names in braces.
pub(super) struct Filling(Vec<(&'static str, String)>);

impl Filling {
    /// Only what the text names is made.
    pub(super) async fn of(text: &str, cast: &Cast, room: &Room, who: Who) -> Self {
        let handle = |person: Option<&Person>| person.unwrap_or(&cast.target).handle.clone();
        let mut filling = vec![
            ("{space}", room.space.clone()),
            ("{channel}", room.channel.clone()),
            ("{user}", cast.target.id.clone()),
            ("{session}", cast.target.session.clone()),
            ("{emoji}", "%F0%9F%91%8D".to_owned()),
            ("{handle}", handle(cast.person(who))),
            ("{name}", "reports".to_owned()),
            ("{area}", "space".to_owned()),
            ("{reason}", "not-found".to_owned()),
            ("{cohort}", COHORT.to_owned()),
            ("{fresh}", format!("z{}", &fresh_key()[..13])),
        ];
        if text.contains("{user}") {
            cast.put_target_back(room).await;
        }
        if text.contains("{message}") {
            filling.push(("{message}", cast.fresh_message(room).await));
        }
        if text.contains("{report}") {
            filling.push(("{report}", cast.fresh_report(room).await));
        }
        if ["{invite}", "{code}", "{cohort}"]
            .iter()
            .any(|name| text.contains(name))
        {
            let invite = cast.fresh_invite(room, COHORT).await;
            filling.push(("{invite}", invite.str("id")));
            filling.push(("{code}", invite.str("code")));
        }
        Self(filling)
    }

    /// Comes before what stood for that name.
    pub(super) fn put(&mut self, name: &'static str, value: String) {
        self.0.insert(0, (name, value));
    }

    pub(super) fn fill(&self, text: &str) -> String {
        let fill = |text: String, (name, value): &(&str, String)| text.replace(name, value);
        self.0.iter().fold(text.to_owned(), fill)
    }
}

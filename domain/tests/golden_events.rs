//! Every version of every event ever stored, one file each in `tests/golden/events`, decodes for ever. The files hold the payload as
//! the log keeps it. `UPDATE_GOLDEN=1` writes those that are missing from the samples below; it never touches one that is there.
#![allow(clippy::disallowed_methods, reason = "the golden files are on disk")]

use std::{collections::BTreeSet, fs, path::PathBuf, sync::Once};

use domain::{
    ChannelId, ChannelName, Coded, Cohort, DisplayName, Emoji, EventId, Handle, InviteId, MessageBody, MessageId,
    Reason, SessionId, SpaceId, SpaceName, UserId, audit, channel, inbox, report, space, user,
};
use serde_json::Value;

const ALICE: UserId = UserId::from_u128(0x01990f2a_6b1c_7a40_8c11_0242ac130001);
const BOB: UserId = UserId::from_u128(0x01990f2a_6b1c_7a40_8c11_0242ac130002);
const SPACE: SpaceId = SpaceId::from_u128(0x5d2c1f8e_0a4b_5c6d_9e7f_112233445566);
const CHANNEL: ChannelId = ChannelId::from_u128(0x7b1e9a40_3c5d_5e8f_a1b2_665544332211);
const QUESTION: MessageId = MessageId::from_u128(0x1c9d7e20_84f3_5ab6_b7c8_0102030405a1);
const ANSWER: MessageId = MessageId::from_u128(0x2f4a6b88_19e0_5cd7_8e9f_0102030405a2);
const INVITE: InviteId = InviteId::from_u128(0x6f3b2d10_77aa_5c14_9d00_0102030405b1);
const SESSION: SessionId = SessionId::from_u128(0x01990f2b_0000_7b31_9d22_0242ac130003);

#[test]
fn every_event_ever_stored_decodes_for_ever() {
    for golden in goldens() {
        (golden.noun.check)(&golden.kind, golden.version, &golden.payload);
    }
}

#[test]
fn every_version_of_every_event_has_a_golden_file_and_no_file_is_an_orphan() {
    let wanted: BTreeSet<String> = NOUNS.iter().flat_map(|noun| noun.names()).collect();
    let present: BTreeSet<String> = files().into_iter().collect();
    let missing: Vec<_> = wanted.difference(&present).collect();
    let orphaned: Vec<_> = present.difference(&wanted).collect();
    assert!(
        missing.is_empty(),
        "without a golden file, `UPDATE_GOLDEN=1 cargo test -p domain` writes it: {missing:?}"
    );
    assert!(orphaned.is_empty(), "no event has this name and version: {orphaned:?}");
}

#[test]
fn no_two_nouns_share_the_name_of_an_event() {
    let kinds: Vec<_> = NOUNS
        .iter()
        .flat_map(|noun| noun.kinds.iter().map(|(kind, _)| kind))
        .collect();
    assert_eq!(kinds.iter().collect::<BTreeSet<_>>().len(), kinds.len());
}

#[test]
fn every_event_has_a_sample() {
    for noun in NOUNS {
        let sampled: BTreeSet<_> = (noun.samples)().into_iter().map(|sample| sample.kind).collect();
        let kinds: BTreeSet<_> = noun.kinds.iter().map(|(kind, _)| *kind).collect();
        assert_eq!(sampled, kinds);
    }
}

/// One event type and what this test needs of it.
struct Noun {
    kinds: &'static [(&'static str, u16)],
    samples: fn() -> Vec<Sample>,
    check: fn(&str, u16, &str),
}

const NOUNS: &[Noun] = &[
    Noun {
        kinds: user::Event::KINDS,
        samples: || user_events().iter().map(sample).collect(),
        check: check::<user::Event>,
    },
    Noun {
        kinds: space::Event::KINDS,
        samples: || space_events().iter().map(sample).collect(),
        check: check::<space::Event>,
    },
    Noun {
        kinds: channel::Event::KINDS,
        samples: || channel_events().iter().map(sample).collect(),
        check: check::<channel::Event>,
    },
    Noun {
        kinds: inbox::Event::KINDS,
        samples: || inbox_events().iter().map(sample).collect(),
        check: check::<inbox::Event>,
    },
    Noun {
        kinds: report::Event::KINDS,
        samples: || report_events().iter().map(sample).collect(),
        check: check::<report::Event>,
    },
    Noun {
        kinds: audit::Event::KINDS,
        samples: || audit_events().iter().map(sample).collect(),
        check: check::<audit::Event>,
    },
];

impl Noun {
    fn names(&self) -> impl Iterator<Item = String> {
        self.kinds
            .iter()
            .flat_map(|(kind, current)| (1..=*current).map(move |version| file_name(kind, version)))
    }
}

struct Sample {
    kind: &'static str,
    version: u16,
    payload: Vec<u8>,
}

fn sample<E: Coded>(event: &E) -> Sample {
    Sample {
        kind: event.kind(),
        version: event.version(),
        payload: event.encode(),
    }
}

/// A stored payload decodes, and in its current version comes out as it went in.
fn check<E: Coded + PartialEq + std::fmt::Debug>(kind: &str, version: u16, payload: &str) {
    let event = E::decode(kind, version, payload.as_bytes()).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(event.kind(), kind);
    if version == event.version() {
        let again: Value = serde_json::from_slice(&event.encode()).expect("json");
        let stored: Value = serde_json::from_str(payload).expect("json");
        assert_eq!(again, stored, "{kind} version {version}");
    }
    // An old version, once lifted, is an event like any other.
    assert_eq!(
        E::decode(event.kind(), event.version(), &event.encode()).as_ref(),
        Ok(&event)
    );
}

struct Golden {
    noun: &'static Noun,
    kind: String,
    version: u16,
    payload: String,
}

fn goldens() -> Vec<Golden> {
    files().into_iter().map(read).collect()
}

fn read(name: String) -> Golden {
    let (kind, version) = parse(&name).unwrap_or_else(|| panic!("{name} is not named <event>.v<version>.json"));
    let known = |noun: &&Noun| noun.kinds.iter().any(|(known, _)| *known == kind);
    let noun = NOUNS
        .iter()
        .find(known)
        .unwrap_or_else(|| panic!("no event is called {kind}"));
    let payload = fs::read_to_string(folder().join(&name)).expect("a readable file");
    Golden {
        noun,
        kind,
        version,
        payload,
    }
}

fn write_missing() {
    if std::env::var("UPDATE_GOLDEN").as_deref() != Ok("1") {
        return;
    }
    for sample in NOUNS.iter().flat_map(|noun| (noun.samples)()) {
        let path = folder().join(file_name(sample.kind, sample.version));
        if !path.exists() {
            let payload: Value = serde_json::from_slice(&sample.payload).expect("json");
            fs::write(path, format!("{payload:#}\n")).expect("a writable folder");
        }
    }
}

fn files() -> Vec<String> {
    static WRITTEN: Once = Once::new();
    WRITTEN.call_once(write_missing);
    let entries = fs::read_dir(folder()).expect("the folder of golden events");
    let name =
        |entry: std::io::Result<fs::DirEntry>| entry.expect("an entry").file_name().into_string().expect("utf-8");
    entries.map(name).collect()
}

fn file_name(kind: &str, version: u16) -> String {
    format!("{kind}.v{version}.json")
}

fn parse(name: &str) -> Option<(String, u16)> {
    let (kind, version) = name.strip_suffix(".json")?.rsplit_once(".v")?;
    Some((kind.to_owned(), version.parse().ok()?))
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/events")
}

fn did() -> domain::DidWeb {
    domain::DidWeb::parse("did:web:example.org:people:alice").expect("an identity")
}

fn user_events() -> Vec<user::Event> {
    use user::*;
    let display_name = |name| DisplayName::parse(name).expect("a name");
    vec![
        Event::Registered(Registered {
            handle: Handle::parse("alice.b").expect("a handle"),
            display_name: display_name("Alice Bárány"),
        }),
        Event::ProfileChanged(ProfileChanged {
            display_name: display_name("Alice 🌿"),
        }),
        Event::SessionStarted(SessionStarted {
            session: SESSION,
            device: Some("Firefox on Linux".to_owned()),
        }),
        Event::SessionRevoked(SessionRevoked {
            session: SESSION,
            why: Revocation::Logout,
        }),
        Event::SessionsRevoked(SessionsRevoked {
            sessions: vec![SESSION, SessionId::from_u128(0x01990f2b_0000_7b31_9d22_0242ac130004)],
            why: Revocation::PasswordChanged,
        }),
        Event::RoleGranted(RoleGranted {
            role: ServiceRole::Auditor,
        }),
        Event::RoleRevoked(RoleRevoked {
            role: ServiceRole::Operator,
        }),
        Event::Suspended(Suspended {
            until: chrono::DateTime::from_timestamp(1_760_000_000, 0),
            reason: reason("sells things in every channel"),
        }),
        Event::Reinstated(Reinstated {
            reason: reason("it was somebody else"),
        }),
        Event::Blocked(Blocked { user: BOB }),
        Event::Unblocked(Unblocked { user: BOB }),
        Event::IdentityProved(IdentityProved { did: did() }),
        Event::IdentityRemoved(IdentityRemoved { did: did() }),
        Event::IdentityLapsed(IdentityLapsed { did: did() }),
    ]
}

fn reason(text: &str) -> Reason {
    Reason::parse(text).expect("a reason")
}

fn cohort() -> Cohort {
    Cohort::parse("spring-26").expect("a label")
}

fn space_events() -> Vec<space::Event> {
    use space::*;
    let name = |name| SpaceName::parse(name).expect("a name");
    vec![
        Event::Created(Created {
            name: name("Makers' guild"),
            join: JoinRule::Open,
        }),
        Event::Updated(Updated {
            name: Some(name("Makers & menders")),
            join: Some(JoinRule::Closed),
        }),
        Event::Archived(Archived {
            reason: Some(reason("the winter is over")),
        }),
        Event::Restored(Restored {
            reason: Some(reason("it is winter again")),
        }),
        Event::MemberAdded(MemberAdded {
            user: ALICE,
            role: Role::Owner,
        }),
        Event::RoleSet(RoleSet {
            user: BOB,
            role: Role::Moderator,
            reason: Some(reason("knows everybody")),
        }),
        Event::OwnershipTransferred(OwnershipTransferred { from: ALICE, to: BOB }),
        Event::MemberLeft(MemberLeft { user: BOB }),
        Event::MemberRemoved(MemberRemoved {
            user: BOB,
            reason: Some(reason("asked to go")),
        }),
        Event::MemberBanned(MemberBanned {
            user: BOB,
            reason: reason("sells things"),
            until: chrono::DateTime::from_timestamp(1_760_000_000, 0),
        }),
        Event::MemberUnbanned(MemberUnbanned {
            user: BOB,
            reason: Some(reason("it was his brother")),
        }),
        Event::MemberMuted(MemberMuted {
            user: BOB,
            reason: reason("shouts"),
            until: chrono::DateTime::from_timestamp(1_760_000_000, 0).expect("a time"),
        }),
        Event::MemberUnmuted(MemberUnmuted {
            user: BOB,
            reason: Some(reason("is quiet now")),
        }),
        Event::InviteCreated(InviteCreated {
            invite: INVITE,
            code: CodeHash::new([0x5c; 32]),
            role: Role::Member,
            expires_at: chrono::DateTime::from_timestamp(1_760_000_000, 0),
            uses: Some(25),
            cohort: Some(cohort()),
        }),
        Event::InviteRevoked(InviteRevoked {
            invite: INVITE,
            reason: Some(reason("was posted in public")),
        }),
        Event::InviteRedeemed(InviteRedeemed {
            invite: INVITE,
            user: BOB,
            again: true,
        }),
        Event::CohortPaused(CohortPaused {
            cohort: cohort(),
            reason: Some(reason("the room is full")),
        }),
        Event::CohortResumed(CohortResumed {
            cohort: cohort(),
            reason: Some(reason("the next room is open")),
        }),
    ]
}

fn channel_events() -> Vec<channel::Event> {
    use channel::*;
    let name = |name| Some(ChannelName::parse(name).expect("a name"));
    let body = |text| MessageBody::parse(text).expect("a body");
    let emoji = |text| Emoji::parse(text).expect("an emoji");
    vec![
        Event::Created(Created {
            kind: Kind::Text,
            space: Some(SPACE),
            name: name("general"),
            private: false,
            history: History::All,
        }),
        Event::Updated(Updated {
            name: name("büro"),
            private: Some(true),
            history: Some(History::SinceJoin),
            slow_mode_s: None,
        }),
        Event::Archived(Archived {}),
        Event::MemberAdded(MemberAdded {
            user: BOB,
            role: Role::Member,
        }),
        Event::MemberLeft(MemberLeft { user: BOB }),
        Event::MemberRemoved(MemberRemoved {
            user: BOB,
            reason: None,
            banned: true,
        }),
        Event::Sent(Sent {
            message: ANSWER,
            body: body("  yes — \"tomorrow\"\n\tat 9 \u{1f44d}  "),
            reply_to: Some(QUESTION),
            reply_to_author: None,
            thread: None,
            depth: 0,
            mentions: vec![ALICE, BOB],
        }),
        Event::Edited(Edited {
            message: ANSWER,
            seq: Some(9),
            version: 2,
            body: body("yes, at 10"),
            mentions: vec![BOB],
        }),
        Event::Deleted(Deleted {
            message: ANSWER,
            author: None,
            reason: None,
        }),
        Event::Restored(Restored {
            message: ANSWER,
            seq: 41,
            author: Some(BOB),
            version: 2,
            body: body("yes, at 10"),
            mentions: vec![ALICE],
            reason: reason("it was a mistake"),
        }),
        Event::Reacted(Reacted {
            message: ANSWER,
            emoji: emoji("\u{1f469}\u{1f3fe}\u{200d}\u{1f680}"),
        }),
        Event::Unreacted(Unreacted {
            message: ANSWER,
            emoji: emoji(":party_parrot:"),
        }),
        Event::Voted(Voted {
            message: ANSWER,
            vote: Vote::Down,
        }),
        Event::Unvoted(Unvoted { message: ANSWER }),
        Event::Pinned(Pinned { message: QUESTION }),
        Event::Unpinned(Unpinned { message: QUESTION }),
    ]
}

fn inbox_events() -> Vec<inbox::Event> {
    use inbox::*;
    vec![
        Event::Got(Got {
            channel: CHANNEL,
            seq: 812,
        }),
        Event::Read(Read {
            channel: CHANNEL,
            seq: 4_294_967_295,
        }),
        Event::NotificationsRead(NotificationsRead {
            up_to: 9_007_199_254_740_993,
        }),
    ]
}

fn report_events() -> Vec<report::Event> {
    use report::*;
    let words = || Target {
        space: Some(SPACE),
        channel: CHANNEL,
        user: BOB,
        message: Some(Snapshot {
            message: ANSWER,
            seq: 43,
            event: domain::EventId::from_u128(0x2f4a6b88_19e0_5cd7_8e9f_0102030405a3),
            version: 2,
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
        }),
    };
    vec![
        Event::Opened(Opened {
            target: words(),
            reason: reason("an advertisement"),
        }),
        Event::Resolved(Resolved {
            action: Action::Ban,
            until: chrono::DateTime::from_timestamp(1_760_000_000, 0),
            reason: reason("the third time this week"),
            target: words(),
            deed: Some(Deed::Event(EventId::from_u128(0x1c))),
        }),
        Event::Undone(Undone {
            action: Action::Ban,
            reason: reason("it was somebody else"),
            target: Target {
                message: None,
                space: None,
                ..words()
            },
        }),
    ]
}

fn audit_events() -> Vec<audit::Event> {
    use audit::*;
    let read = Read {
        kind: Some("role.granted".to_owned()),
        actor: Some(ALICE),
        target: Some(BOB.to_string()),
        after: Some(90_412),
        at: None,
        limit: 50,
    };
    let skipped = Skipped {
        view: "timeline".to_owned(),
        position: 90_412,
        reason: reason("cut off by a bad disk"),
    };
    let operated = Operated {
        view: "timeline".to_owned(),
        reason: Some(reason("rows were changed by hand")),
    };
    vec![
        Event::Read(read),
        Event::Skipped(skipped),
        Event::RebuildBegun(operated.clone()),
        Event::RebuildCancelled(operated.clone()),
        Event::Promoted(operated.clone()),
        Event::RolledBack(operated.clone()),
        Event::Retired(operated),
    ]
}

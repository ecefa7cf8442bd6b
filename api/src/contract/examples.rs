//! One example or more of every frame, for the contract. Tests hold them against the schemas, and those of clients against the parser.

use serde_json::{Value, json};

use crate::limits::Limits;

const CHANNEL: &str = "channel_3v3td40f2xbt7t3ck6an2368gh";
const SPACE: &str = "space_2x5gfrw2jbbhpswzrh48sm8nb6";
const ANN: &str = "user_01k47jmtrwf908r4828ap16001";
const BOB: &str = "user_01k47jmtrwf908r4828ap16002";
const MESSAGE: &str = "message_1f99nrg6f0bkbrx7r1081g81d2";
const ROOT: &str = "message_1f99nrg6f0bkbrx7r1081g81d3";
const EVENT: &str = "event_1f99nrg6f0bkbrx7r1081g81d2";
const AT: &str = "2026-11-20T18:03:12.000417Z";
const LATER: &str = "2026-11-20T18:18:12.000417Z";
const LOG: &str = "7d1f6c0e-52d7-4b3c-8e55-0d6f7a21c4b8-1";
const POS: &str = "7d1f6c0e-52d7-4b3c-8e55-0d6f7a21c4b8-1.90412";

/// None for a kind that has none yet, which a test refuses.
pub(super) fn of(kind: &str) -> Vec<Value> {
    match kind {
        "ev" => events(),
        "feed" => feeds(),
        "eph" => passing(),
        "cmd" => commands(),
        "welcome" => vec![welcome()],
        _ => plain(kind).into_iter().collect(),
    }
}

fn plain(kind: &str) -> Option<Value> {
    Some(match kind {
        "hello" => json!({
            "t": "hello", "ticket": "pPzJ6tJvbG0CwHk1mZ4Xxw", "device": "ann-laptop", "incarnation": LOG,
            "resume": [{ "ch": CHANNEL, "seq": 812 }], "feed_seq": 40,
        }),
        "sub" => json!({ "t": "sub", "id": "1", "ch": CHANNEL, "after": 812 }),
        "unsub" => json!({ "t": "unsub", "id": "2", "ch": CHANNEL }),
        "got" => json!({ "t": "got", "ch": CHANNEL, "seq": 812 }),
        "read" => json!({ "t": "read", "ch": CHANNEL, "seq": 812 }),
        "gap" => json!({ "t": "gap", "id": "4", "ch": CHANNEL, "from": 700, "to": 712 }),
        "typing" => json!({ "t": "typing", "ch": CHANNEL }),
        "presence" => json!({ "t": "presence", "state": "away" }),
        "who" => json!({ "t": "who", "id": "6", "ch": CHANNEL, "users": [ANN, BOB] }),
        "pong" => json!({ "t": "pong" }),
        "reauth" => json!({ "t": "reauth", "id": "5", "ticket": "pPzJ6tJvbG0CwHk1mZ4Xxw" }),
        "sub_ok" => json!({ "t": "sub_ok", "id": "1", "ch": CHANNEL, "mode": "hot", "from": 813, "top": 815 }),
        "snap" => {
            json!({ "t": "snap", "ch": CHANNEL, "lo": 700, "hi": 815, "items": [message()], "complete_before": false })
        }
        "ok" => json!({
            "t": "ok", "id": "3", "ch": CHANNEL, "seq": 816, "event": EVENT, "message": MESSAGE, "pos": POS, "at": AT, "replayed": false,
        }),
        "err" => json!({
            "t": "err", "id": "3", "ch": CHANNEL, "code": "message/not-author", "detail": "only the author can edit a message",
            "retryable": false, "retry_after_ms": null,
        }),
        "hb" => json!({ "t": "hb", "pos": POS, "tops": { CHANNEL: 816 } }),
        "lag" => json!({ "t": "lag", "ch": CHANNEL, "behind": 5120 }),
        "present" => json!({ "t": "present", "id": "6", "ch": CHANNEL, "users": { ANN: "online", BOB: "offline" } }),
        "sub_end" => json!({ "t": "sub_end", "ch": CHANNEL, "at": 816, "reason": "removed" }),
        "reauth_ok" => json!({ "t": "reauth_ok", "id": "5", "expires_at": LATER }),
        "drain" => json!({ "t": "drain", "after_ms": 1000 }),
        _ => return None,
    })
}

fn welcome() -> Value {
    json!({
        "t": "welcome", "conn": "5f0c3a7f0d9c4f3e8a55c1b1d2a9e604", "user": ANN, "server_time": AT, "expires_at": LATER, "incarnation": LOG,
        "heartbeat_ms": 25000, "limits": Limits::default(),
        "channels": [{ "ch": CHANNEL, "top": 815, "read": 812, "unread": 3, "mentions": 0, "threads": { "unread": 1 } }], "channels_complete": true,
        "feed_seq": 41,
    })
}

fn message() -> Value {
    json!({
        "id": MESSAGE, "ch": CHANNEL, "seq": 815, "by": ANN, "at": AT, "body": "hello", "version": 1, "edited_at": null, "deleted": false,
        "reply_to": null, "thread": null, "depth": 0, "files": [], "mentions": [],
        "reactions": [{ "emoji": "\u{1f44d}", "count": 2, "mine": false }], "votes": { "score": 3, "mine": "up" }, "pinned": true,
        "thread_summary": { "replies": 4, "last_seq": 829, "last_at": LATER },
    })
}

fn commands() -> Vec<Value> {
    let cmd = |op: &str, d: Value| json!({ "t": "cmd", "id": "3", "op": op, "ch": CHANNEL, "key": "b7c1e4", "d": d });
    vec![
        cmd("message.send", json!({ "body": "hello", "mentions": [BOB] })),
        cmd(
            "message.send",
            json!({ "body": "hello as well", "thread": MESSAGE, "reply_to": MESSAGE }),
        ),
        cmd("message.react", json!({ "message": MESSAGE, "emoji": "\u{1f44d}" })),
        cmd(
            "message.unreact",
            json!({ "message": MESSAGE, "emoji": ":party_parrot:" }),
        ),
        cmd("message.vote", json!({ "message": MESSAGE, "vote": "up" })),
        cmd("message.vote", json!({ "message": MESSAGE, "vote": "none" })),
        cmd("message.pin", json!({ "message": MESSAGE })),
        cmd("message.unpin", json!({ "message": MESSAGE })),
        cmd(
            "message.edit",
            json!({ "message": MESSAGE, "body": "hello, all", "expected_version": 1 }),
        ),
        cmd("message.delete", json!({ "message": MESSAGE })),
        cmd(
            "message.delete",
            json!({ "message": MESSAGE, "reason": "an advertisement" }),
        ),
        cmd(
            "message.restore",
            json!({ "message": MESSAGE, "reason": "it was a mistake" }),
        ),
        json!({ "t": "cmd", "id": "3", "op": "channel.create", "key": "b7c1e4", "d": { "kind": "group", "members": [BOB] } }),
        cmd("channel.update", json!({ "name": "general" })),
        cmd("channel.add_member", json!({ "user": BOB })),
        cmd("channel.remove_member", json!({ "user": BOB })),
        json!({ "t": "cmd", "id": "3", "op": "channel.leave", "ch": CHANNEL, "key": "b7c1e4" }),
    ]
}

fn events() -> Vec<Value> {
    let ev = |kind: &str, d: Value| json!({ "t": "ev", "ch": CHANNEL, "seq": 813, "type": kind, "event": EVENT, "at": AT, "by": ANN, "d": d });
    let mut own = ev(
        "message.sent",
        json!({ "message": MESSAGE, "body": "hello", "mentions": [BOB] }),
    );
    own["key"] = "b7c1e4".into();
    vec![
        own,
        ev("message.sent", json!({ "message": MESSAGE, "body": null })),
        ev(
            "message.sent",
            json!({
                "message": MESSAGE, "body": "indeed", "reply_to": ROOT, "reply_to_author": BOB, "thread": ROOT, "depth": 1,
            }),
        ),
        ev("message.reacted", json!({ "message": MESSAGE, "emoji": "\u{1f44d}" })),
        ev("message.unreacted", json!({ "message": MESSAGE, "emoji": "\u{1f44d}" })),
        ev("message.voted", json!({ "message": MESSAGE, "vote": "down" })),
        ev("message.unvoted", json!({ "message": MESSAGE })),
        ev("message.pinned", json!({ "message": MESSAGE })),
        ev("message.unpinned", json!({ "message": MESSAGE })),
        ev(
            "message.edited",
            json!({ "message": MESSAGE, "seq": 812, "version": 2, "body": "hello, all" }),
        ),
        ev("message.deleted", json!({ "message": MESSAGE })),
        ev(
            "message.deleted",
            json!({ "message": MESSAGE, "author": BOB, "reason": "an advertisement" }),
        ),
        ev(
            "message.restored",
            json!({
                "message": MESSAGE, "seq": 812, "author": BOB, "version": 1, "body": "free tea", "reason": "it was a mistake",
            }),
        ),
        ev(
            "channel.created",
            json!({ "kind": "text", "space": SPACE, "name": "general", "private": false, "history": "all" }),
        ),
        ev("channel.updated", json!({ "name": "everything else" })),
        ev("channel.updated", json!({ "slow_mode_s": 30 })),
        ev("channel.archived", json!({})),
        ev("member.added", json!({ "user": BOB, "role": "member" })),
        ev("member.left", json!({ "user": BOB })),
        ev("member.removed", json!({ "user": BOB })),
        ev("member.removed", json!({ "user": BOB, "reason": "was told twice" })),
    ]
}

fn feeds() -> Vec<Value> {
    vec![
        json!({ "t": "feed", "seq": 42, "type": "channel.added", "d": { "ch": CHANNEL, "seq": 3 } }),
        json!({ "t": "feed", "seq": 43, "type": "receipt", "d": { "ch": CHANNEL, "user": BOB, "read": 816 } }),
    ]
}

fn passing() -> Vec<Value> {
    vec![
        json!({ "t": "eph", "type": "typing", "ch": CHANNEL, "by": BOB, "d": { "on": true } }),
        json!({ "t": "eph", "type": "presence", "ch": CHANNEL, "by": BOB, "d": { "state": "away" } }),
    ]
}

//! Bytes that no WebSocket library would send, on a connection that was upgraded in order: each is answered as RFC 6455 asks for, and
//! none costs the process more than its own connection.

use rand::{RngExt, SeedableRng, rngs::StdRng};
use verbatim_tests::{
    Person, Server, Stage,
    raw::{
        BINARY, CLOSE, CONTINUATION, FINAL, PING, PONG, RawFrame, RawSocket, TEXT, raw_frame, raw_header,
        upgrade_request,
    },
};

const LIMIT: usize = 64 * 1024;
const FRAGMENTS: usize = 64;
const PONG_FRAME: &[u8] = br#"{"t":"pong"}"#;

/// What the server says before and with its close.
async fn closed_by(person: &Person, bytes: &[u8]) -> Option<u16> {
    let mut socket = RawSocket::welcomed(person).await;
    socket.send(bytes).await;
    socket.close_code().await
}

fn close(code: u16, reason: &[u8]) -> Vec<u8> {
    raw_frame(FINAL | CLOSE, &[&code.to_be_bytes(), reason].concat())
}

/// Shows that frames are still read: a ping is answered with its own payload.
async fn assert_alive(socket: &mut RawSocket) {
    socket.send(&raw_frame(FINAL | PING, b"there?")).await;
    let pong = RawFrame {
        first: FINAL | PONG,
        payload: b"there?".to_vec(),
    };
    assert_eq!(socket.frame().await, Some(pong));
}

/// A declared payload, without mask and of which nothing follows.
fn declared(first: u8, length: u64) -> Vec<u8> {
    [raw_header(first, length), vec![0; 4]].concat()
}

#[tokio::test]
async fn what_breaks_the_framing_closes_with_1002() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut wrong: Vec<(String, Vec<u8>)> = vec![];
    for opcode in [3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf] {
        wrong.push((format!("opcode {opcode}"), raw_frame(FINAL | opcode, PONG_FRAME)));
    }
    for reserved in [0x40, 0x20, 0x10, 0x70] {
        wrong.push((
            format!("reserved bits {reserved:#x}"),
            raw_frame(FINAL | reserved | TEXT, PONG_FRAME),
        ));
        wrong.push((
            format!("a ping with {reserved:#x}"),
            raw_frame(FINAL | reserved | PING, b""),
        ));
    }
    for control in [CLOSE, PING, PONG] {
        wrong.push((format!("{control:#x} in fragments"), raw_frame(control, b"x")));
        wrong.push((
            format!("{control:#x} of 126 bytes"),
            raw_frame(FINAL | control, &[b'x'; 126]),
        ));
        wrong.push((
            format!("{control:#x} of u64::MAX bytes"),
            declared(FINAL | control, u64::MAX),
        ));
    }
    wrong.push((
        "a continuation of nothing".into(),
        raw_frame(FINAL | CONTINUATION, PONG_FRAME),
    ));
    wrong.push(("the middle of nothing".into(), raw_frame(CONTINUATION, PONG_FRAME)));
    let twice = [raw_frame(TEXT, b"{"), raw_frame(FINAL | TEXT, b"}")].concat();
    wrong.push(("a message within a message".into(), twice));
    let after_end = [
        raw_frame(TEXT, b"{"),
        raw_frame(FINAL | CONTINUATION, b"}"),
        raw_frame(FINAL | CONTINUATION, b"}"),
    ];
    wrong.push(("a continuation after the last".into(), after_end.concat()));
    let mut unmasked = vec![FINAL | TEXT, PONG_FRAME.len() as u8];
    unmasked.extend_from_slice(PONG_FRAME);
    wrong.push(("no mask".into(), unmasked));
    for (what, bytes) in wrong {
        assert_eq!(closed_by(&ann, &bytes).await, Some(1002), "{what}");
    }
}

#[tokio::test]
async fn a_close_is_answered_and_a_wrong_close_is_told_so() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let right = [
        raw_frame(FINAL | CLOSE, b""),
        close(1000, b""),
        close(1001, "auf Wiedersehen 🦉".as_bytes()),
        close(3000, b""),
        close(4999, &[b'x'; 123]),
    ];
    for bytes in right {
        assert_eq!(closed_by(&ann, &bytes).await, Some(1000), "{bytes:?}");
    }
    for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, u16::MAX] {
        assert_eq!(closed_by(&ann, &close(code, b"")).await, Some(1002), "{code}");
    }
    assert_eq!(
        closed_by(&ann, &raw_frame(FINAL | CLOSE, b"x")).await,
        Some(1002),
        "half a code"
    );
    assert_eq!(
        closed_by(&ann, &close(1000, &[0xc3, 0x28])).await,
        Some(1007),
        "a reason that is not UTF-8"
    );
    let mut stranger = RawSocket::upgraded(stage.address()).await;
    stranger.send(&close(1000, b"")).await;
    assert_eq!(stranger.close_code().await, Some(1000), "before the hello");
    assert_eq!(stranger.frame().await, None, "and the connection ends");
}

#[tokio::test]
async fn nothing_is_done_of_what_comes_after_a_close() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let before = ann.all_events(&room.channel).await;
    let send = serde_json::json!({"t": "cmd", "op": "message.send", "ch": room.channel, "d": {"body": "too late"}})
        .to_string();
    let late = raw_frame(FINAL | TEXT, send.as_bytes());
    for end in [
        close(1000, b""),
        raw_frame(FINAL | BINARY, b""),
        raw_frame(FINAL | 0x3, b""),
    ] {
        let mut socket = RawSocket::welcomed(&ann).await;
        socket.send(&[end, late.clone(), vec![0xff; 200]].concat()).await;
        assert!(socket.close_code().await.is_some());
        assert_eq!(socket.frame().await, None, "nothing follows a close");
    }
    assert_eq!(ann.all_events(&room.channel).await, before);
}

#[tokio::test]
async fn what_was_sent_before_a_wrong_frame_is_carried_out() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let send =
        serde_json::json!({"t": "cmd", "op": "message.send", "ch": room.channel, "d": {"body": "in time"}}).to_string();
    let bytes = [raw_frame(FINAL | TEXT, send.as_bytes()), raw_frame(FINAL | 0x7, b"?")].concat();
    assert_eq!(closed_by(&ann, &bytes).await, Some(1002));
    verbatim_tests::until("the message", async || {
        let events = ann.all_events(&room.channel).await;
        events.iter().any(|event| event["d"]["body"] == "in time").then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_length_beyond_the_limit_closes_with_1009_before_it_arrives() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    for length in [
        LIMIT as u64 + 1,
        1 << 31,
        1 << 32,
        1 << 62,
        i64::MAX as u64,
        1 << 63,
        u64::MAX,
    ] {
        assert_eq!(
            closed_by(&ann, &declared(FINAL | TEXT, length)).await,
            Some(1009),
            "{length}"
        );
        let second = [raw_frame(TEXT, b"{"), declared(CONTINUATION, length)].concat();
        assert_eq!(
            closed_by(&ann, &second).await,
            Some(1009),
            "{length} in the second part"
        );
        assert_eq!(
            closed_by(&ann, &declared(FINAL | BINARY, length)).await,
            Some(1003),
            "{length} of binary"
        );
    }
}

#[tokio::test]
async fn fragments_are_limited_in_number_and_in_sum() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let parts = |count: usize, each: &[u8]| -> Vec<u8> {
        let rest = raw_frame(CONTINUATION, each).repeat(count - 1);
        [raw_frame(TEXT, each), rest].concat()
    };
    for (what, bytes) in [
        ("one byte too many times", parts(5_000, b"x")),
        ("nothing too many times", parts(FRAGMENTS + 1, b"")),
        ("one byte too many", parts(2, &[b'x'; LIMIT / 2 + 1])),
    ] {
        assert_eq!(closed_by(&ann, &bytes).await, Some(1009), "{what}");
    }
    let mut socket = RawSocket::welcomed(&ann).await;
    for (count, each) in [(FRAGMENTS - 1, 1), (FRAGMENTS - 1, 0), (3, LIMIT / 4)] {
        socket.send(&parts(count, &vec![b'x'; each])).await;
        socket.send(&raw_frame(FINAL | CONTINUATION, b"")).await;
        let refusal = socket.frame().await.expect("an answer");
        assert!(
            String::from_utf8_lossy(&refusal.payload).contains("frame/malformed"),
            "{refusal:?}"
        );
    }
    assert_alive(&mut socket).await;
}

#[tokio::test]
async fn control_frames_between_fragments_are_answered_at_once() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let mut socket = RawSocket::welcomed(&ann).await;
    socket.send(&raw_frame(TEXT, b"{\"t\":")).await;
    assert_alive(&mut socket).await;
    socket.send(&raw_frame(FINAL | PONG, b"unasked")).await;
    socket.send(&raw_frame(CONTINUATION, b"")).await;
    assert_alive(&mut socket).await;
    socket.send(&raw_frame(FINAL | CONTINUATION, b"\"dance\"}")).await;
    let refusal = socket.frame().await.expect("an answer");
    assert!(
        String::from_utf8_lossy(&refusal.payload).contains("frame/unknown"),
        "{refusal:?}"
    );
    socket.send(&raw_frame(TEXT, b"{")).await;
    socket.send(&close(1000, b"")).await;
    assert_eq!(socket.close_code().await, Some(1000));
}

#[tokio::test]
async fn utf8_may_be_cut_anywhere_but_must_be_whole_in_the_end() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let text = "{\"t\":\"🦉é\"}".as_bytes();
    let mut socket = RawSocket::welcomed(&ann).await;
    for cut in 0..=text.len() {
        let (start, end) = text.split_at(cut);
        socket
            .send(&[raw_frame(TEXT, start), raw_frame(FINAL | CONTINUATION, end)].concat())
            .await;
        let refusal = socket.frame().await.expect("an answer");
        assert!(
            String::from_utf8_lossy(&refusal.payload).contains("frame/unknown"),
            "cut at {cut}: {refusal:?}"
        );
    }
    let owl = "🦉".as_bytes();
    for (what, first, last) in [
        ("an end without a beginning", b"{}".as_slice(), &owl[1..]),
        ("a beginning without an end", &owl[..3], b"".as_slice()),
        ("a beginning and another end", &owl[..2], &owl[3..]),
        ("half a surrogate pair", &[0xed, 0xa0], &[0x80]),
        ("more than Unicode has", &[0xf4, 0x90], &[0x80, 0x80]),
        ("too long a form", &[0xc0], &[0xaf]),
    ] {
        let bytes = [raw_frame(TEXT, first), raw_frame(FINAL | CONTINUATION, last)].concat();
        assert_eq!(closed_by(&ann, &bytes).await, Some(1007), "{what}");
    }
}

#[tokio::test]
async fn a_frame_may_arrive_byte_by_byte() {
    let stage = Stage::shared();
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut socket = RawSocket::welcomed(&ann).await;
    let send = serde_json::json!({"t": "cmd", "id": "slow", "op": "message.send", "ch": room.channel, "d": {"body": "s l o w"}});
    for byte in raw_frame(FINAL | TEXT, send.to_string().as_bytes()) {
        socket.send(&[byte]).await;
    }
    let ok = socket.frame().await.expect("an answer");
    assert!(
        String::from_utf8_lossy(&ok.payload).contains(r#""t":"ok","id":"slow""#),
        "{ok:?}"
    );
}

#[tokio::test]
async fn before_the_upgrade_only_http_is_understood() {
    let stage = Stage::shared();
    for bytes in [
        raw_frame(FINAL | TEXT, PONG_FRAME),
        vec![0; 1_000],
        b"GET /api/v1/ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n".to_vec(),
        b"POST /api/v1/ws HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n".to_vec(),
    ] {
        let mut socket = RawSocket::connected(stage.address()).await;
        socket.send(&bytes).await;
        let head = socket.read_head().await;
        assert!(head.starts_with("HTTP/1.1 4"), "{head}");
    }
    // What is sent without waiting for the answer is read once it is due.
    let mut eager = RawSocket::connected(stage.address()).await;
    let bytes = [upgrade_request(stage.address()), raw_frame(FINAL | BINARY, b"")].concat();
    eager.send(&bytes).await;
    assert!(eager.read_head().await.starts_with("HTTP/1.1 101"));
    assert_eq!(eager.close_code().await, Some(1003));
}

/// Frames of any kind, mostly wrong in one way or another.
fn rubbish(chance: &mut StdRng) -> Vec<u8> {
    let length = match chance.random_range(0..10) {
        0..6 => chance.random_range(0..130),
        6..9 => chance.random_range(0..2_000),
        _ => chance.random_range(0..LIMIT + 100),
    };
    let mut payload = vec![0; length];
    chance.fill(payload.as_mut_slice());
    if chance.random_bool(0.5) {
        payload.iter_mut().for_each(|byte| *byte = b' ' + *byte % 90);
    }
    let first = match chance.random_range(0..4) {
        0 => FINAL | TEXT,
        1 => [
            TEXT,
            CONTINUATION,
            FINAL | CONTINUATION,
            FINAL | PING,
            FINAL | PONG,
            FINAL | CLOSE,
        ][chance.random_range(0..6)],
        _ => chance.random(),
    };
    match chance.random_range(0..20) {
        0 => declared(first, chance.random()),
        1 => payload,
        2 => {
            let mut unmasked = raw_frame(first, &payload);
            unmasked[1] &= 0x7f;
            unmasked
        }
        _ => raw_frame(first, &payload),
    }
}

/// Opens sockets and throws rubbish at them until this many frames are gone.
async fn throw(person: &Person, chance: &mut StdRng, frames: usize) {
    let mut sent = 0;
    while sent < frames {
        let mut socket = match chance.random_bool(0.5) {
            true => RawSocket::welcomed(person).await,
            false => RawSocket::upgraded(person.stage().address()).await,
        };
        let count = chance.random_range(1..20);
        for _ in 0..count {
            socket.send(&rubbish(chance)).await;
        }
        sent += count;
        if chance.random_bool(0.3) {
            socket.send(&close(1000, b"")).await;
            socket.close_code().await;
        }
    }
}

fn resident_kib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a running process");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches("kB").trim().parse().ok());
    kib.expect("its resident memory")
}

/// `VERBATIM_FUZZ_FRAMES` asks for more of them, `VERBATIM_SEED` for those of a failure.
#[tokio::test]
async fn random_bytes_leave_the_process_as_it_was() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse::<u64>().ok());
    let frames = number("VERBATIM_FUZZ_FRAMES").unwrap_or(4_000) as usize;
    let seed = number("VERBATIM_SEED").unwrap_or_else(rand::random);
    println!("VERBATIM_SEED={seed}");
    let mut chance = StdRng::seed_from_u64(seed);
    // Sockets left behind by the rubbish are let go of one after the other.
    let server = Server::start_with(|options| {
        options.set("VERBATIM_LIMIT_SOCKETS_PER_USER", "10000");
        options.set("VERBATIM_LIMIT_SOCKETS_PER_ADDRESS", "100000");
        options.set("VERBATIM_LIMIT_TICKETS_PER_MINUTE", "1000000");
    });
    let stage = Stage::on(&server);
    let ann = stage.person("ann").await;
    let room = stage.room(&[&ann]).await;
    let mut honest = ann.socket().await;
    honest.subscribe(&room.channel, None).await;
    throw(&ann, &mut chance, frames).await;
    let warm = resident_kib(&server);
    throw(&ann, &mut chance, frames * 2).await;
    let after = resident_kib(&server);
    println!("{} frames; {warm} KiB, then {after} KiB", frames * 3);
    assert!(after < warm * 2, "memory grew from {warm} KiB to {after} KiB");
    let ok = honest.say(&room.channel, "still here").await;
    assert_eq!(honest.event(&room.channel).await["seq"], ok["seq"]);
    server.assert_no_panic();
}

//! Any text as a message of a client: never a panic, never a refusal that repeats what was said, and what is understood means the same
//! when written in another way.

#![no_main]

use libfuzzer_sys::{Corpus, fuzz_target};
use serde_json::Value;

fuzz_target!(|bytes: &[u8]| -> Corpus {
    // What is not UTF-8 closes the socket before it is a message.
    let Ok(text) = std::str::from_utf8(bytes) else {
        return Corpus::Reject;
    };
    let frames = api::ws::fuzzing::frames(text);
    frames
        .iter()
        .filter_map(|frame| frame.as_ref().err())
        .for_each(|refusal| assert_harmless(refusal));
    if frames.iter().all(Result::is_ok) {
        assert_same_meaning(text, &frames);
    }
    Corpus::Keep
});

/// A refusal is made of our words, a number, or the name of a field.
fn assert_harmless(refusal: &str) {
    const SENTENCES: [&str; 7] = [
        "the JSON is nested too deeply",
        "too many frames in one array",
        "not valid JSON",
        "not a JSON object",
        "not a JSON object with a text field t",
        "the frame has no t",
        "There is no such kind of frame",
    ];
    let is_number = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let column = refusal.strip_prefix("a field has the wrong type or form, at column ");
    let field = ["unknown field ", "missing field "]
        .iter()
        .find_map(|start| refusal.strip_prefix(start));
    let harmless = column.is_some_and(is_number) || field.is_some_and(|field| field.chars().count() <= 64);
    assert!(harmless || SENTENCES.contains(&refusal), "{refusal:?}");
}

/// Written anew by another writer, without spaces and with fields in another order, it is the same frame.
fn assert_same_meaning(text: &str, frames: &[Result<String, String>]) {
    // Numbers beyond any type may stand in `d`, which is passed on unread.
    let Ok(value) = serde_json::from_str::<Value>(text) else {
        return;
    };
    let again = api::ws::fuzzing::frames(&value.to_string());
    assert_eq!(frames.len(), again.len());
    for (frame, again) in frames.iter().zip(&again) {
        assert_eq!(frame.as_deref().map(without_data), again.as_deref().map(without_data));
    }
}

/// The data of a command comes last and keeps its writing; what it means is for the command to say.
fn without_data(frame: &str) -> &str {
    frame
        .split_once(", d: Some(RawValue(")
        .map_or(frame, |(before, _)| before)
}

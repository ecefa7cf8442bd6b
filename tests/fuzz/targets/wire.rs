//! Any bytes on a socket after its upgrade: never a panic, the same messages in whatever pieces they arrive, and after a refusal nothing
//! but the close.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The first byte says in which pieces the others arrive.
    let Some((pieces, bytes)) = bytes.split_first() else {
        return;
    };
    let whole = api::ws::fuzzing::messages([bytes]);
    let parts = api::ws::fuzzing::messages(bytes.chunks(usize::from(*pieces % 16) + 1));
    assert_eq!(whole, parts);
    let refusal = whole.iter().position(|message| message.starts_with("Unacceptable"));
    let after = refusal.map_or(&[][..], |place| &whole[place + 1..]);
    assert!(after.iter().all(|message| message == "Close"));
});

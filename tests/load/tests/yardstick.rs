//! The load generator plays a tiny scenario on its own yardstick, both as processes: whatever the clients check holds there too.

use std::process::Command;

use serde_json::Value;

#[test]
fn rooms_are_played_on_the_yardstick() {
    let line = "rooms --floor-alone --rooms 2 --members 3 --in-flight 2 --seconds 1 --warm-up 0 --rounds 2 --json";
    let played = Command::new(env!("CARGO_BIN_EXE_load"))
        .args(line.split_whitespace())
        .output()
        .expect("the program runs");
    assert!(played.status.success(), "{}", String::from_utf8_lossy(&played.stderr));
    let last = played.stdout.trim_ascii_end().split(|byte| *byte == b'\n').next_back();
    let report: Value = serde_json::from_slice(last.expect("a line")).expect("JSON on the last line");
    let count = |name: &str| report[name].as_u64().unwrap_or_else(|| panic!("{name} in {report}"));
    assert!(count("sends") > 0 && count("deliveries") >= count("sends"), "{report}");
    assert_eq!((count("rounds"), count("lost"), count("duplicated")), (2, 0, 0));
}

//! The log that the first released format wrote. It is never written anew: whatever is released later must open, check and read it.

use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::world::replay;

/// A copy, since opening leaves files beside it; the folder lives as long as the copy is needed.
pub(crate) fn fixture() -> (TempDir, PathBuf) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/logs/released_1.sqlite");
    let folder = tempfile::tempdir().expect("a folder");
    let copy = folder.path().join("log.sqlite");
    std::fs::copy(golden, &copy).expect("copied");
    (folder, copy)
}

#[tokio::test]
async fn the_log_of_the_first_release_opens_and_is_whole() {
    let (folder, copy) = fixture();
    migrations::migrate_log(&copy)
        .await
        .expect("it can be brought to today's schema");
    let data = folder.path().to_string_lossy().into_owned();
    let told = replay(&["verify", "--data-dir", &data]).is(0).out;
    assert!(told.contains("332 events in 29 streams: whole"), "{told}");
}

#[tokio::test]
async fn what_it_says_is_what_its_text_says() {
    let (folder, copy) = fixture();
    migrations::migrate_log(&copy).await.expect("migrated");
    let out = folder.path().join("export");
    let (data, out) = (
        folder.path().to_string_lossy().into_owned(),
        out.to_string_lossy().into_owned(),
    );
    replay(&["export", "--out", &out, "--data-dir", &data]).is(0);
    let exported = std::fs::read_to_string(Path::new(&out).join("events-000001.jsonl")).expect("a part");
    let text = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/golden/logs/released_1.jsonl");
    let text = std::fs::read_to_string(text).expect("the text");
    assert_eq!(exported.lines().count(), text.lines().count());
    for (line, golden) in exported.lines().zip(text.lines()) {
        let (line, golden): (serde_json::Value, serde_json::Value) = (
            serde_json::from_str(line).expect("JSON"),
            serde_json::from_str(golden).expect("JSON"),
        );
        for field in [
            "position", "stream", "revision", "id", "type", "version", "actor", "key", "payload",
        ] {
            assert_eq!(line[field], golden[field], "{field} of position {}", golden["position"]);
        }
    }
}

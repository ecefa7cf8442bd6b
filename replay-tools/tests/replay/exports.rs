//! `export` and `import export`: the same bytes out of the same log, in and out again, after kills, damage and growth.

use std::{collections::BTreeMap, fs, path::Path, process::Command, time::Duration};

use serde_json::{Value, json};

use crate::world::{ANN, BOB, CAROL, GENERAL, Pen, World, replay};

/// Every file of a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let entries = fs::read_dir(folder)
        .expect("a folder")
        .map(|entry| entry.expect("an entry").path());
    let named = |path: &Path| path.file_name().expect("a name").to_string_lossy().into_owned();
    entries
        .map(|path| (named(&path), fs::read(&path).expect("a file")))
        .collect()
}

/// All parts, one after the other.
fn lines(folder: &Path) -> Vec<u8> {
    let parts = files(folder).into_iter().filter(|(name, _)| name.ends_with(".jsonl"));
    parts.flat_map(|(_, bytes)| bytes).collect()
}

fn manifest(folder: &Path) -> Value {
    serde_json::from_slice(&fs::read(folder.join("manifest.json")).expect("a manifest")).expect("JSON")
}

fn export(world: &World, name: &str, more: &[&str]) -> std::path::PathBuf {
    let out = world.scratch(name);
    let text = out.to_string_lossy().into_owned();
    world.replay(&[&["export", "--out", &text], more].concat()).is(0);
    out
}

fn import(from: &Path, data: &Path) -> crate::world::Ended {
    let (from, data) = (from.to_string_lossy(), data.to_string_lossy());
    replay(&["import", "export", &from, "--data-dir", &data, "--format", "json"])
}

#[tokio::test]
async fn out_and_in_and_out_again_gives_the_same_bytes() {
    let world = World::new().await;
    let first = export(&world, "first", &["--part-events", "7"]);
    let data = world.scratch("data");
    let report = import(&first, &data).is(0).json().remove(0);
    assert_eq!((&report["events"], &report["new"]), (&json!(26), &json!(26)));
    let second = world.scratch("second");
    replay(&[
        "export",
        "--part-events",
        "7",
        "--out",
        &second.to_string_lossy(),
        "--data-dir",
        &data.to_string_lossy(),
    ])
    .is(0);
    let (mut one, mut other) = (files(&first), files(&second));
    assert_eq!(one.len(), 5);
    one.remove("manifest.json");
    other.remove("manifest.json");
    assert!(one == other);
    assert_eq!(manifest(&first)["sha256"], manifest(&second)["sha256"]);
    replay(&["diff", "logs", &world.data().to_string_lossy(), &data.to_string_lossy()]).is(0);
    replay(&["verify", "--data-dir", &data.to_string_lossy()]).is(0);
    // Into the same log again, nothing is new.
    for target in [&data, world.data()] {
        let again = import(&first, target).is(0).json().remove(0);
        assert_eq!((&again["new"], &again["differing"]), (&json!(0), &json!(0)));
    }
}

#[tokio::test]
async fn the_manifest_says_what_is_in_the_parts() {
    let world = World::new().await;
    let out = export(&world, "all", &["--part-events", "10"]);
    let manifest = manifest(&out);
    assert_eq!(manifest["format"], "verbatim-export/1");
    assert_eq!(
        (&manifest["events"], &manifest["to"], &manifest["complete"]),
        (&json!(26), &json!(26), &json!(true))
    );
    assert_eq!(manifest["types"]["message.sent"], 4);
    let parts: Vec<_> = manifest["parts"]
        .as_array()
        .expect("parts")
        .iter()
        .map(|part| (&part["first"], &part["last"]))
        .collect();
    let expected = [(1, 10), (11, 20), (21, 26)].map(|(first, last)| (json!(first), json!(last)));
    assert_eq!(
        parts,
        expected.iter().map(|(first, last)| (first, last)).collect::<Vec<_>>()
    );
}

#[tokio::test]
async fn an_earlier_export_is_a_prefix_of_a_later_one_which_continues_it() {
    let world = World::new().await;
    let earlier = export(&world, "grown", &["--part-events", "4"]);
    let before = lines(&earlier);
    let mut pen = Pen::on(world.data()).await;
    for n in 0..9 {
        pen.say(GENERAL, ANN, &format!("more {n}")).await;
    }
    drop(pen);
    export(&world, "grown", &["--part-events", "4"]);
    export(&world, "fresh", &["--part-events", "4"]);
    assert!(files(&earlier) == files(&world.scratch("fresh")));
    let after = lines(&earlier);
    assert!(after.len() > before.len() && after.starts_with(&before));
}

#[tokio::test]
async fn an_export_that_was_killed_goes_on_after_its_last_whole_part() {
    let world = World::new().await;
    let mut pen = Pen::on(world.data()).await;
    for n in 0..2_000 {
        pen.say(GENERAL, ANN, &format!("number {n}")).await;
    }
    drop(pen);
    let fresh = export(&world, "fresh", &["--part-events", "10"]);
    let out = world.scratch("killed");
    let mut seen_unfinished = false;
    for _ in 0..4 {
        let mut child = Command::new(env!("CARGO_BIN_EXE_replay"))
            .args(["export", "--part-events", "10", "--out"])
            .arg(&out)
            .arg("--data-dir")
            .arg(world.data())
            .stdout(std::process::Stdio::null())
            .spawn()
            .expect("started");
        std::thread::sleep(Duration::from_millis(120));
        // It may have finished already on a fast machine, which is fine too.
        let _gone = child.kill();
        child.wait().expect("reaped");
        seen_unfinished |= out.join("manifest.json").exists() && manifest(&out)["complete"] == false;
    }
    export(&world, "killed", &["--part-events", "10"]);
    assert!(files(&out).keys().all(|name| !name.ends_with(".unfinished")));
    assert!(
        files(&out) == files(&fresh),
        "after a kill on the way: {seen_unfinished}"
    );
}

#[tokio::test]
async fn an_unfinished_export_is_continued_and_is_not_imported() {
    let world = World::new().await;
    let fresh = export(&world, "fresh", &["--part-events", "5"]);
    let out = export(&world, "cut", &["--part-events", "5"]);
    // As a kill after the second part leaves it.
    let mut cut = manifest(&out);
    let parts = cut["parts"].as_array_mut().expect("parts");
    parts.truncate(2);
    let both: Vec<u8> = ["events-000001.jsonl", "events-000002.jsonl"]
        .iter()
        .flat_map(|part| fs::read(out.join(part)).expect("a part"))
        .collect();
    cut["sha256"] = json!(sha256(&both));
    cut["complete"] = json!(false);
    cut["to"] = json!(0);
    fs::write(out.join("manifest.json"), cut.to_string()).expect("written");
    fs::write(out.join("events-000003.jsonl.unfinished"), b"{\"half").expect("written");
    let told = import(&out, &world.scratch("data")).is(1).err;
    assert!(told.contains("cut off"), "{told}");
    export(&world, "cut", &["--part-events", "5"]);
    let mut found = files(&out);
    found.remove("events-000003.jsonl.unfinished");
    assert!(found == files(&fresh));
}

fn sha256(bytes: &[u8]) -> String {
    use sha2::Digest;
    sha2::Sha256::digest(bytes)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

#[tokio::test]
async fn a_part_that_was_changed_is_refused_before_anything_is_written() {
    let world = World::new().await;
    let out = export(&world, "changed", &["--part-events", "10"]);
    let part = out.join("events-000002.jsonl");
    let text = fs::read_to_string(&part).expect("a part");
    fs::write(&part, text.replace("two is a secret", "two is a sekret")).expect("written");
    let data = world.scratch("data");
    let told = import(&out, &data).is(3).err;
    assert!(
        told.contains("events-000002.jsonl is not what the manifest says"),
        "{told}"
    );
    assert!(!data.exists());
    let out = out.to_string_lossy().into_owned();
    world.replay(&["export", "--part-events", "10", "--out", &out]).is(3);
}

#[tokio::test]
async fn a_log_with_another_history_is_left_as_it_is() {
    let world = World::new().await;
    let out = export(&world, "all", &[]);
    let other = World::new().await;
    let mut pen = Pen::on(other.data()).await;
    pen.say(GENERAL, BOB, "elsewhere").await;
    drop(pen);
    // The same events so far, and one more: nothing is new, nothing differs.
    import(&out, other.data()).is(0);
    let mut pen = Pen::on(world.data()).await;
    pen.say(GENERAL, CAROL, "here").await;
    drop(pen);
    let out = export(&world, "all", &[]);
    let told = import(&out, other.data()).is(1).err;
    assert!(told.contains("another history"), "{told}");
    other.replay(&["verify"]).is(0);
}

#[tokio::test]
async fn everything_about_a_person_is_theirs_and_nothing_that_others_said() {
    let world = World::new().await;
    let out = export(&world, "bob", &["--user", &BOB.to_string()]);
    let text = String::from_utf8(lines(&out)).expect("text");
    let kinds: Vec<String> = text
        .lines()
        .map(|line| {
            serde_json::from_str::<Value>(line).expect("JSON")["type"]
                .as_str()
                .expect("text")
                .to_owned()
        })
        .collect();
    assert_eq!(
        kinds,
        [
            "user.registered",
            "space.member_added",
            "member.added",
            "message.sent",
            "member.left",
            "ack.read"
        ]
    );
    assert!(text.contains("two is a secret") && !text.contains("the secret") && !text.contains("one, "));
    assert_eq!(manifest(&out)["filter"], json!({"user": BOB.to_string()}));
    // Parts of streams are no history to go on from.
    assert!(
        import(&out, &world.scratch("data"))
            .is(1)
            .err
            .contains("only a part of the stream")
    );
}

#[tokio::test]
async fn one_channel_can_be_taken_elsewhere() {
    let world = World::new().await;
    let out = export(&world, "one", &["--channel", &GENERAL.to_string()]);
    let data = world.scratch("data");
    assert_eq!(import(&out, &data).is(0).json()[0]["new"], 10);
    let shown = replay(&[
        "inspect",
        "events",
        &GENERAL.to_string(),
        "--data-dir",
        &data.to_string_lossy(),
        "--payload",
    ])
    .is(0)
    .out;
    assert!(shown.contains("two is a secret"));
    let same_folder = out.to_string_lossy().into_owned();
    let told = world.replay(&["export", "--out", &same_folder]).is(2).err;
    assert!(told.contains("holds another export"), "{told}");
}

#[tokio::test]
async fn a_range_is_a_part_of_the_log() {
    let world = World::new().await;
    let whole = lines(&export(&world, "whole", &[]));
    let parts = [["--from", "1", "--to", "9"], ["--from", "10", "--to", "26"]]
        .map(|range| lines(&export(&world, range[1], &range)));
    assert!(parts.concat() == whole);
}

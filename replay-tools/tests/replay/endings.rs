//! How it ends: exit codes, and errors that say what is the matter.

use crate::world::{GENERAL, World, replay};

#[tokio::test]
async fn each_kind_of_ending_has_its_code() {
    let world = World::new().await;
    world.replay(&["verify"]).is(0);
    world.replay(&["inspect", "event", "9999"]).is(1);
    world.replay(&["at", "--channel", "general"]).is(2);
    world
        .replay(&["at", "--channel", &GENERAL.to_string(), "--seq", "0"])
        .is(2);
    world
        .replay(&["at", "--channel", &GENERAL.to_string(), "--seq", "1", "--position", "1"])
        .is(2);
    world.replay(&["inspect", "streams", "--limit", "0"]).is(2);
    world.replay(&["what-if", "content", "--matches", "("]).is(2);
    world.replay(&["what-if", "content"]).is(2);
    world.replay(&["export"]).is(2);
    world.replay(&["no-such-thing"]).is(2);
    world.damage("delete from events where position = 3");
    world.replay(&["verify"]).is(3);
    let out = world.scratch("export").to_string_lossy().into_owned();
    assert!(
        world
            .replay(&["export", "--out", &out])
            .is(1)
            .err
            .contains("damaged at position 3")
    );
}

#[tokio::test]
async fn what_cannot_be_opened_is_told_apart() {
    let world = World::new().await;
    let nowhere = replay(&["verify", "--data-dir", "/nowhere/at/all"]).is(1);
    assert!(
        nowhere.err.contains("there is no data folder at /nowhere/at/all"),
        "{}",
        nowhere.err
    );
    let empty = tempfile::tempdir().expect("a folder");
    let path = empty.path().to_string_lossy().into_owned();
    let told = replay(&["verify", "--data-dir", &path]).is(1).err;
    assert!(told.contains("holds no log"), "{told}");
    std::fs::write(
        empty.path().join("log.sqlite"),
        "no database at all, but long enough to look like something",
    )
    .expect("written");
    let told = replay(&["verify", "--data-dir", &path]).is(1).err;
    assert!(told.contains("is not a log of Verbatim"), "{told}");
    world.damage("insert into _sqlx_migrations (version, description, success, checksum, execution_time) values (77, 'x', 1, x'00', 0)");
    let told = world.replay(&["verify"]).is(1).err;
    assert!(told.contains("newer version") && told.contains("77"), "{told}");
    world.damage("delete from _sqlx_migrations");
    let told = world.replay(&["verify"]).is(1).err;
    assert!(told.contains("schema"), "{told}");
}

#[test]
fn every_subcommand_explains_itself_with_an_example() {
    for command in [
        vec!["inspect", "streams"],
        vec!["inspect", "events"],
        vec!["inspect", "event"],
        vec!["stats"],
        vec!["verify"],
        vec!["rebuild"],
        vec!["at"],
        vec!["export"],
        vec!["import", "irc"],
        vec!["import", "export"],
        vec!["diff", "logs"],
        vec!["diff", "channel"],
        vec!["diff", "views"],
        vec!["what-if", "retention"],
        vec!["what-if", "content"],
    ] {
        let mut arguments = command.clone();
        arguments.push("--help");
        let help = replay(&arguments).is(0).out;
        assert!(
            help.contains(&format!("Example: replay {}", command.join(" "))),
            "{command:?}: {help}"
        );
    }
}

#[test]
fn whoever_stops_reading_ends_it_quietly() {
    use std::process::{Command, Stdio};
    let (_folder, log) = crate::released::fixture();
    let mut child = Command::new(env!("CARGO_BIN_EXE_replay"))
        .args(["inspect", "events", "--log"])
        .arg(log)
        .args(["--limit", "1000000"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("started");
    drop(child.stdout.take());
    let ended = child.wait_with_output().expect("ended");
    assert!(ended.status.success() && ended.stderr.is_empty(), "{ended:?}");
}

//! The process contract: settings are checked whole before anything starts, and the offline subcommands use the same ones.

use std::process::Output;

use verbatim_tests::{Server, Stage, run_to_end};

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

const THREE_MISTAKES: [(&str, &str); 3] = [
    ("VERBATIM_PROFILE", "holiday"),
    ("VERBATIM_REGISTRATION", "sometimes"),
    ("VERBATIM_COLOUR", "red"),
];

#[test]
fn good_settings_pass_the_check() {
    let output = run_to_end(&["check-config"], &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
}

#[test]
fn the_check_lists_every_mistake_at_once() {
    let output = run_to_end(&["check-config"], &THREE_MISTAKES);
    assert!(output.status.code().is_some_and(|code| code != 0), "{}", text(&output));
    for (name, _) in THREE_MISTAKES {
        assert!(text(&output).contains(name), "{name} is not named: {}", text(&output));
    }
}

#[test]
fn wrong_settings_stop_the_start_and_say_why() {
    for (name, value) in [
        ("VERBATIM_COLOUR", "red"),
        ("VERBATIM_PROFILE", "holiday"),
        ("VERBATIM_LISTEN", "somewhere"),
        ("VERBATIM_LOG_URL", "gopher://log"),
        ("VERBATIM_LIMIT_SOCKETS_PER_USER", "many"),
        ("VERBATIM_LIMIT_COLOURS", "7"),
        ("VERBATIM_RATE_LIMITS", "maybe"),
        ("VERBATIM_ALLOWED_ORIGINS", "not an origin"),
    ] {
        let output = run_to_end(&["serve"], &[(name, value)]);
        assert!(
            output.status.code().is_some_and(|code| code != 0),
            "{name}={value} started"
        );
        assert!(text(&output).contains(name), "{name} is not named: {}", text(&output));
        assert!(!text(&output).contains("listening on"), "{}", text(&output));
    }
}

#[test]
fn rates_cannot_be_lifted_in_production() {
    let output = run_to_end(
        &["check-config"],
        &[("VERBATIM_PROFILE", "production"), ("VERBATIM_RATE_LIMITS", "off")],
    );
    assert!(output.status.code().is_some_and(|code| code != 0), "{}", text(&output));
    assert!(text(&output).contains("VERBATIM_RATE_LIMITS"), "{}", text(&output));
}

#[test]
fn mistakes_in_the_file_are_listed_with_those_of_the_environment() {
    let server = Server::prepared_with(|options| {
        options.set("VERBATIM_COLOUR", "red");
    });
    std::fs::write(
        server.folder().join("verbatim.toml"),
        "registration = \"sometimes\"\nflavour = \"sweet\"\n",
    )
    .expect("writes");
    let output = server.run(&["check-config"]);
    assert!(output.status.code().is_some_and(|code| code != 0), "{}", text(&output));
    for name in ["VERBATIM_COLOUR", "registration", "flavour"] {
        assert!(text(&output).contains(name), "{name} is not named: {}", text(&output));
    }
}

#[tokio::test]
async fn the_environment_overrules_the_file() {
    let mut server = Server::prepared_with(|options| {
        options.set("VERBATIM_LIMIT_SOCKETS_PER_USER", "3");
    });
    std::fs::write(server.folder().join("verbatim.toml"), "registration = \"closed\"\n").expect("writes");
    server.launch();
    let stage = Stage::on(&server);
    let account =
        serde_json::json!({"handle": "late-comer", "display_name": "Late", "password": verbatim_tests::PASSWORD});
    stage
        .post("/api/v1/auth/register")
        .json(&account)
        .send()
        .await
        .problem(403);
    let limits = stage.get("/api/v1/limits").send().await.is(200);
    assert!(limits.text.contains("\"sockets_per_user\":3"), "{}", limits.text);
}

#[test]
fn help_names_every_subcommand() {
    let output = run_to_end(&["--help"], &[]);
    assert_eq!(output.status.code(), Some(0));
    for subcommand in ["serve", "check-config", "grant", "revoke"] {
        assert!(text(&output).contains(subcommand), "{}", text(&output));
    }
    assert_eq!(
        run_to_end(&["dance"], &[]).status.code().map(|code| code != 0),
        Some(true)
    );
}

#[tokio::test]
async fn roles_are_granted_offline() {
    let mut server = Server::start();
    let ann = Stage::on(&server).person("ann").await;
    server.terminate().await;
    for role in ["auditor", "operator", "auditor"] {
        let output = server.run(&["grant", &ann.handle, role]);
        assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    }
    for wrong in [
        ["grant", "nobody-of-that-name", "auditor"],
        ["grant", &ann.handle, "emperor"],
    ] {
        let output = server.run(&wrong);
        assert!(output.status.code().is_some_and(|code| code != 0), "{}", text(&output));
        assert!(!text(&output).contains("panicked"), "{}", text(&output));
    }
    server.launch();
    ann.get("/users/me").send().await.is(200);
}

#[tokio::test]
async fn the_folder_of_data_keeps_its_keys_to_itself() {
    use std::os::unix::fs::PermissionsExt;
    let mut server = Server::start();
    let ann = Stage::on(&server).person("ann").await;
    let mut readable = vec![];
    let mut folders = vec![server.data()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder)
            .expect("a folder")
            .map(|entry| entry.expect("an entry").path())
        {
            let is_key =
                entry.to_string_lossy().contains("key") || entry.extension().is_some_and(|ending| ending == "pem");
            let mode = entry.metadata().expect("metadata").permissions().mode();
            if entry.is_dir() {
                folders.push(entry);
            } else if is_key {
                readable.push((entry, mode & 0o777));
            }
        }
    }
    assert!(!readable.is_empty(), "no key is kept, so no token outlives a restart");
    assert!(readable.iter().all(|(_, mode)| *mode == 0o600), "{readable:?}");
    server.restart();
    ann.get("/users/me").send().await.is(200);
}

#[tokio::test]
async fn a_folder_serves_one_process_at_a_time() {
    let server = Server::start();
    let mut second =
        std::process::Command::new(std::fs::read_link(format!("/proc/{}/exe", server.pid())).expect("the binary"))
            .arg("serve")
            .env_clear()
            .current_dir(server.folder())
            .env("VERBATIM_DATA_DIR", server.data())
            .env("VERBATIM_LISTEN", "127.0.0.1:0")
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("starts");
    let ended = verbatim_tests::until("the second process to give up", async || {
        second.try_wait().expect("a child")
    })
    .await;
    assert_ne!(ended.code(), Some(0));
    Stage::on(&server).person("ann").await;
}

#[tokio::test]
async fn metrics_with_an_address_of_their_own_are_nowhere_else() {
    let server = Server::start_with(|options| {
        options.set("VERBATIM_METRICS_LISTEN", "127.0.0.1:0");
    });
    Stage::on(&server).get("/metrics").send().await.problem(404);
}

//! Which settings are taken from where, and what is refused.

use std::{ffi::OsString, path::Path};

use super::*;

/// Settings of a machine with nothing but these variables.
pub(crate) fn settings_of(variables: &[(&str, &str)]) -> Settings {
    read(&Flags::default(), variables).expect("right settings")
}

/// Settings of a machine that serves the world, with keys, and these variables besides.
pub(crate) fn production_with(variables: &[(&str, &str)]) -> Settings {
    let mut all = PRODUCTION.to_vec();
    all.extend(variables);
    settings_of(&all)
}

const PRODUCTION: [(&str, &str); 3] = [
    ("VERBATIM_PROFILE", "production"),
    ("VERBATIM_DATA_DIR", "data"),
    ("VERBATIM_PUBLIC_ORIGIN", "https://chat.example.org"),
];

fn read(flags: &Flags, variables: &[(&str, &str)]) -> Result<Settings, Mistakes> {
    let environment = variables
        .iter()
        .map(|(name, value)| ((*name).to_owned(), OsString::from(*value)));
    let (given, mistakes) = gather::gather(flags, environment);
    parse::settings(given, mistakes, |_| vec![])
}

fn with_file(path: &Path) -> Flags {
    Flags {
        config: Some(path.to_owned()),
        ..Flags::default()
    }
}

/// The settings that were complained about, in the order of the complaints.
fn mistakes(flags: &Flags, variables: &[(&str, &str)]) -> Vec<String> {
    let refused = read(flags, variables).expect_err("wrong settings");
    refused.0.into_iter().map(|mistake| mistake.setting).collect()
}

#[test]
fn nothing_given_is_a_working_developers_machine() {
    let settings = settings_of(&[]);
    assert_eq!(settings.profile, Profile::Dev);
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8080");
    assert_eq!(settings.log_path, Path::new("data/log.sqlite"));
    assert_eq!(settings.secrets_dir, Path::new("data/keys"));
    assert_eq!(settings.registration, Registration::Open);
    assert!(settings.rate_limits);
}

#[test]
fn a_flag_beats_a_variable_which_beats_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("verbatim.toml");
    std::fs::write(
        &path,
        "data_dir = 'file'\nlog_format = 'text'\nregistration = 'closed'\n[limits]\npage_max = 70\n",
    )
    .expect("written");
    let mut flags = with_file(&path);
    flags.values.insert("data_dir", "flag".to_owned());
    let variables = [("VERBATIM_DATA_DIR", "variable"), ("VERBATIM_LOG_FORMAT", "json")];
    let settings = read(&flags, &variables).expect("right settings");
    assert_eq!(settings.data_dir, Path::new("flag"));
    assert_eq!(settings.log_format, LogFormat::Json);
    assert_eq!(settings.registration, Registration::Closed);
    assert_eq!(settings.limits.page_max, 70);
}

#[test]
fn every_mistake_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("verbatim.toml");
    std::fs::write(&path, "lisen = 'x'\nprofile = 3.5\n[limits]\nsockets = 1\n").expect("written");
    let variables = [
        ("VERBATIM_LISTEN", "nowhere"),
        ("VERBATIM_LOG_URL", "postgres://u:p@h/d"),
        ("VERBATIM_PROFIL", "dev"),
        ("VERBATIM_LIMIT_PAGE_MAX", "many"),
        ("VERBATIM_LIMIT_BODY_CHARS", "9"),
        ("VERBATIM_RATE_LIMITS", "maybe"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317"),
    ];
    let mut found = mistakes(&with_file(&path), &variables);
    found.sort();
    let file = path.display();
    let mut expected = vec![
        format!("lisen in {file}"),
        format!("profile in {file}"),
        format!("limits.sockets in {file}"),
        "VERBATIM_LISTEN".to_owned(),
        "VERBATIM_LOG_URL".to_owned(),
        "VERBATIM_PROFIL".to_owned(),
        "VERBATIM_LIMIT_PAGE_MAX".to_owned(),
        "VERBATIM_LIMIT_BODY_CHARS".to_owned(),
        "VERBATIM_RATE_LIMITS".to_owned(),
        "OTEL_EXPORTER_OTLP_ENDPOINT".to_owned(),
    ];
    expected.sort();
    assert_eq!(found, expected);
}

#[test]
fn a_mistake_says_what_would_be_right() {
    let refused = read(
        &Flags::default(),
        &[("VERBATIM_LISTN", "x"), ("VERBATIM_LOG_URL", "kurrentdb:x")],
    );
    let text = refused.expect_err("wrong settings").to_string();
    assert!(text.contains("did you mean `listen`"), "{text}");
    assert!(text.contains("not available in this version"), "{text}");
}

#[test]
fn passwords_in_urls_are_not_shown_by_mistakes() {
    let refused = read(
        &Flags::default(),
        &[("VERBATIM_LOG_URL", "postgres://user:hunter22@host/db")],
    );
    assert!(!refused.expect_err("wrong settings").to_string().contains("hunter22"));
}

#[test]
fn variables_of_others_are_none_of_our_business() {
    settings_of(&[("PATH", "/bin"), ("VERBATIMLY", "x"), ("HOME", "/")]);
}

#[test]
fn a_secret_can_come_from_a_file_and_a_variable_beats_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("url");
    std::fs::write(&path, "sqlite:elsewhere.sqlite\n").expect("written");
    let path = path.to_str().expect("UTF-8");
    let from_file = settings_of(&[("VERBATIM_LOG_URL_FILE", path)]);
    assert_eq!(from_file.log_path, Path::new("elsewhere.sqlite"));
    let from_both = settings_of(&[
        ("VERBATIM_LOG_URL_FILE", path),
        ("VERBATIM_LOG_URL", "sqlite:here.sqlite"),
    ]);
    assert_eq!(from_both.log_path, Path::new("here.sqlite"));
    assert_eq!(
        mistakes(&Flags::default(), &[("VERBATIM_LOG_URL_FILE", "/nowhere")]),
        ["VERBATIM_LOG_URL_FILE"]
    );
    assert_eq!(
        mistakes(&Flags::default(), &[("VERBATIM_LISTEN_FILE", path)]),
        ["VERBATIM_LISTEN_FILE"]
    );
}

#[test]
fn a_named_file_that_is_missing_is_a_mistake() {
    let path = Path::new("/nowhere/verbatim.toml");
    assert_eq!(mistakes(&with_file(path), &[]), ["/nowhere/verbatim.toml"]);
}

#[test]
fn production_refuses_what_only_suits_a_developer() {
    let variables = [
        ("VERBATIM_PROFILE", "production"),
        ("VERBATIM_RATE_LIMITS", "off"),
        ("VERBATIM_ALLOWED_ORIGINS", "https://good.example, http://bad.example"),
        ("VERBATIM_METRICS_LISTEN", "0.0.0.0:9090"),
    ];
    let found = mistakes(&Flags::default(), &variables);
    let expected = [
        "VERBATIM_RATE_LIMITS",
        "VERBATIM_ALLOWED_ORIGINS",
        "VERBATIM_PUBLIC_ORIGIN",
        "VERBATIM_METRICS_LISTEN",
        "VERBATIM_DATA_DIR",
    ];
    assert_eq!(found, expected);
    let with_a_token = [
        ("VERBATIM_METRICS_LISTEN", "0.0.0.0:9090"),
        ("VERBATIM_METRICS_TOKEN", "0123456789abcdef0123456789abcdef"),
    ];
    production_with(&with_a_token);
}

#[test]
fn production_is_told_what_is_wrong_with_its_keys() {
    let environment = PRODUCTION.map(|(name, value)| (name.to_owned(), OsString::from(value)));
    let (given, found) = gather::gather(&Flags::default(), environment.into_iter());
    let refused = parse::settings(given, found, |folder| vec![format!("{} is empty", folder.display())]);
    assert_eq!(
        refused.expect_err("no keys").0,
        [Mistake {
            setting: "VERBATIM_SECRETS_DIR".to_owned(),
            problem: "data/keys is empty".to_owned()
        }]
    );
}

#[test]
fn only_our_own_names_are_answered_to() {
    let settings = production_with(&[("VERBATIM_ALLOWED_HOSTS", "chat.internal, 10.0.0.1:8080, [::1]")]);
    for host in [
        "chat.example.org",
        "Chat.Example.org:443",
        "chat.internal",
        "chat.internal:9000",
        "10.0.0.1:8080",
        "[::1]",
        "[::1]:8080",
    ] {
        assert!(settings.serves_host(host), "{host}");
    }
    for host in [
        "",
        "chat.example.org:444",
        "chat.example.org.evil.example",
        "evil.example",
        "10.0.0.1",
        "10.0.0.1:8081",
        "localhost",
        "chat.internal:x",
    ] {
        assert!(!settings.serves_host(host), "{host}");
    }
    assert!(settings_of(&[]).serves_host("anything"));
    assert!(!settings_of(&[("VERBATIM_ALLOWED_HOSTS", "chat.internal")]).serves_host("anything"));
}

#[test]
fn hosts_origins_and_tokens_are_checked_for_their_form() {
    for (variable, wrong) in [
        ("VERBATIM_ALLOWED_HOSTS", "https://chat.example.org"),
        ("VERBATIM_ALLOWED_HOSTS", "chat.example.org/path"),
        ("VERBATIM_ALLOWED_HOSTS", "*.example.org"),
        ("VERBATIM_PUBLIC_ORIGIN", "https://a.example,https://b.example"),
        ("VERBATIM_PUBLIC_ORIGIN", "chat.example.org"),
        ("VERBATIM_ALLOWED_ORIGINS", "https://*.example.org"),
        ("VERBATIM_METRICS_TOKEN", "secret"),
        ("VERBATIM_METRICS_TOKEN", "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"),
    ] {
        assert_eq!(mistakes(&Flags::default(), &[(variable, wrong)]), [variable], "{wrong}");
    }
}

#[test]
fn a_token_is_neither_kept_nor_shown() {
    const TOKEN: &str = "0123456789abcdef0123456789abcdef";
    let settings = settings_of(&[("VERBATIM_METRICS_TOKEN", TOKEN)]);
    assert!(!settings.shown().contains(TOKEN));
    let token = settings.metrics_token.expect("a token");
    assert!(token.is_of(TOKEN) && !token.is_of(&TOKEN.to_uppercase()) && !token.is_of(""));
}

#[test]
fn limits_that_contradict_each_other_are_refused() {
    let variables = [("VERBATIM_LIMIT_OUTBOUND_SOFT_BYTES", "2097152")];
    assert_eq!(mistakes(&Flags::default(), &variables), ["limits.outbound_soft_bytes"]);
}

#[test]
fn effective_settings_are_shown_with_their_source() {
    let settings = settings_of(&[("VERBATIM_LOG_FORMAT", "text"), ("VERBATIM_LIMIT_PAGE_MAX", "70")]);
    let shown = settings.shown();
    assert!(shown.contains("log_format = text  # VERBATIM_LOG_FORMAT\n"), "{shown}");
    assert!(shown.contains("listen = 127.0.0.1:8080  # default\n"), "{shown}");
    assert!(
        shown.contains("limits.page_max = 70  # VERBATIM_LIMIT_PAGE_MAX\n"),
        "{shown}"
    );
    for name in NAMES {
        assert!(shown.contains(&format!("{} = ", name.key)), "{}", name.key);
    }
}

#[test]
fn the_page_of_settings_has_a_row_for_every_setting_and_for_nothing_else() {
    /// Variable, type, default (or what is taken), and what it is for.
    const COLUMNS_MIN: usize = 4;
    let page = include_str!("../../../ops/docs/settings.md");
    let rows = page.lines().filter(|line| line.matches('|').count() > COLUMNS_MIN);
    let told: Vec<&str> = rows
        .filter_map(|row| row.strip_prefix("| `")?.split('`').next())
        .collect();
    for name in NAMES {
        assert!(
            told.contains(&&*name.variable()),
            "settings.md does not tell {}",
            name.key
        );
    }
    for variable in told.into_iter().filter(|variable| variable.starts_with("VERBATIM_")) {
        let known = variable == "VERBATIM_LIMIT_<NAME>" || NAMES.iter().any(|name| name.variable() == variable);
        assert!(known, "settings.md tells of {variable}, which is no setting");
    }
}

#[test]
fn what_the_page_of_settings_calls_not_available_yet_is_refused_and_its_example_is_taken() {
    let page = include_str!("../../../ops/docs/settings.md");
    for (variable, value) in [
        ("VERBATIM_LOG_URL", "postgres://localhost/verbatim"),
        ("VERBATIM_VIEWS_URL", "postgres://localhost/verbatim"),
        ("VERBATIM_BUS_URL", "redis://localhost"),
        ("VERBATIM_FILES_URL", "s3://bucket"),
        ("VERBATIM_CDN_ORIGIN", "https://cdn.example.org"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://localhost:4317"),
    ] {
        assert_eq!(mistakes(&Flags::default(), &[(variable, value)]), [variable]);
    }
    let file = page.split("```toml\n").nth(1).and_then(|rest| rest.split("```").next());
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("verbatim.toml");
    std::fs::write(&path, file.expect("an example of the file")).expect("written");
    let settings = read(&with_file(&path), &[]).expect("the example is right");
    assert_eq!(
        (settings.profile, settings.limits.sockets_per_user),
        (Profile::Production, 20)
    );
}

#[test]
fn origins_are_taken_in_the_form_that_browsers_send() {
    let settings = settings_of(&[(
        "VERBATIM_ALLOWED_ORIGINS",
        "https://Chat.Example.org:443/,http://localhost:5173",
    )]);
    assert_eq!(
        settings.allowed_origins,
        ["https://chat.example.org", "http://localhost:5173"]
    );
    for wrong in [
        "chat.example.org",
        "https://a.example/path",
        "ftp://a.example",
        "https://u@a.example",
        "*",
    ] {
        let found = mistakes(&Flags::default(), &[("VERBATIM_ALLOWED_ORIGINS", wrong)]);
        assert_eq!(found, ["VERBATIM_ALLOWED_ORIGINS"], "{wrong}");
    }
}

//! From what was given to settings that cannot be wrong, with every mistake noted and none hiding another.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
};

use ipnet::IpNet;

use super::{Given, LogFormat, Mistake, Mistakes, Name, Profile, Registration, Settings, TokenHash, Verify};
use crate::limits::Limits;

/// A token shorter than this could be found by trying.
const METRICS_TOKEN_CHARS_MIN: usize = 32;

/// `mistakes_of_keys` looks into the folder of keys, where they must be there already.
pub(super) fn settings(
    given: Given,
    mistakes: Vec<Mistake>,
    mistakes_of_keys: impl Fn(&Path) -> Vec<String>,
) -> Result<Settings, Mistakes> {
    let mut parsing = Parsing { given, mistakes };
    let settings = parsing.all();
    if settings.profile == Profile::Production {
        for problem in mistakes_of_keys(&settings.secrets_dir) {
            parsing.refuse(&name("secrets_dir"), problem);
        }
    }
    if parsing.mistakes.is_empty() {
        Ok(Settings {
            given: parsing.given,
            ..settings
        })
    } else {
        Err(Mistakes(parsing.mistakes))
    }
}

struct Parsing {
    given: Given,
    mistakes: Vec<Mistake>,
}

impl Parsing {
    fn all(&mut self) -> Settings {
        let data_dir: PathBuf = self.value("data_dir", folder).unwrap_or_else(|| "data".into());
        let settings = Settings {
            profile: self.value("profile", profile).unwrap_or(Profile::Dev),
            listen: self
                .value("listen", address)
                .unwrap_or(SocketAddr::from(([127, 0, 0, 1], 8080))),
            public_origin: self.value("public_origin", public_origin),
            allowed_hosts: self.value("allowed_hosts", hosts).unwrap_or_default(),
            metrics_listen: self.value("metrics_listen", address),
            metrics_token: self.value("metrics_token", metrics_token),
            secrets_dir: self
                .value("secrets_dir", folder)
                .unwrap_or_else(|| data_dir.join("keys")),
            log_path: self
                .value("log_url", sqlite)
                .flatten()
                .unwrap_or_else(|| data_dir.join("log.sqlite")),
            views_path: self
                .value("views_url", sqlite)
                .flatten()
                .unwrap_or_else(|| data_dir.join("views")),
            allowed_origins: self.value("allowed_origins", origins).unwrap_or_default(),
            trusted_proxies: self.value("trusted_proxies", networks).unwrap_or_default(),
            registration: self.value("registration", registration).unwrap_or(Registration::Open),
            log_format: self.value("log_format", log_format).unwrap_or(LogFormat::Json),
            rate_limits: self.value("rate_limits", on_or_off).unwrap_or(true),
            verify: self.verify(),
            issuers: self.given.issuers.clone(),
            outbound_test_origins: self.value("outbound_test_origins", origins).unwrap_or_default(),
            limits: self.limits(),
            data_dir,
            given: Given::default(),
        };
        self.not_available_yet();
        self.together(&settings);
        settings
    }

    /// The parsed value, or `None` where nothing (or nothing right) was given.
    fn value<T>(&mut self, key: &'static str, parse: impl FnOnce(&str) -> Result<T, String>) -> Option<T> {
        let given = self.given.settings.get(key)?;
        match parse(given.text.trim()) {
            Ok(value) => Some(value),
            Err(problem) => {
                let setting = given.source.clone();
                self.mistakes.push(Mistake { setting, problem });
                None
            }
        }
    }

    fn verify(&mut self) -> Verify {
        let unset = Verify::default();
        Verify {
            interval_s: self.value("verify_interval_s", number).unwrap_or(unset.interval_s),
            rows: self.value("verify_rows", number).unwrap_or(unset.rows),
            streams: self.value("verify_streams", number).unwrap_or(unset.streams),
        }
    }

    fn limits(&mut self) -> Limits {
        let mut limits = Limits::default();
        for (name, value) in &self.given.limits {
            if let Err(mistake) = limits.set(name, &value.text) {
                self.mistakes.push(Mistake {
                    setting: value.source.clone(),
                    problem: mistake.to_string(),
                });
            }
        }
        limits
    }

    /// Names that exist for what comes later: their harmless values are taken, the others are refused instead of ignored.
    fn not_available_yet(&mut self) {
        self.value("bus_url", |url| {
            known(
                url == "none",
                "only `none` is available in this version: it runs as a single node",
            )
        });
        self.value("files_url", |url| {
            known(url == "file:", "only `file:` is available in this version")
        });
        self.value("cdn_origin", |_| {
            known(false, "is not available in this version; unset it")
        });
        self.value("otel_exporter_otlp_endpoint", |_| {
            known(false, "traces are not available in this version; unset it")
        });
    }

    /// What only shows when settings are looked at together.
    fn together(&mut self, settings: &Settings) {
        let limits = &settings.limits;
        if limits.outbound_soft_bytes > limits.outbound_hard_bytes {
            self.refuse("limits.outbound_soft_bytes", "must not be above outbound_hard_bytes");
        }
        if limits.page_default > limits.page_max {
            self.refuse("limits.page_default", "must not be above page_max");
        }
        if settings
            .metrics_listen
            .is_some_and(|metrics| metrics == settings.listen && metrics.port() != 0)
        {
            self.refuse(&name("metrics_listen"), "must differ from the main address");
        }
        self.issuers(settings);
        if settings.profile == Profile::Production {
            self.production(settings);
        }
    }

    /// Keys come over https; tests have their exception.
    fn issuers(&mut self, settings: &Settings) {
        for issuer in &settings.issuers {
            let origin = issuer.jwks_url.origin().ascii_serialization();
            if issuer.jwks_url.scheme() != "https" && !settings.outbound_test_origins.contains(&origin) {
                self.refuse(
                    &format!("issuers ({}): jwks_url", issuer.name),
                    "is not encrypted; keys are fetched over https only",
                );
            }
        }
    }

    fn production(&mut self, settings: &Settings) {
        if !settings.outbound_test_origins.is_empty() {
            self.refuse(
                &name("outbound_test_origins"),
                "is for tests and cannot be set in profile production",
            );
        }
        if !settings.rate_limits {
            self.refuse(
                &name("rate_limits"),
                "cannot be off in profile production; it is for load tests",
            );
        }
        if settings.verify.interval_s == 0 {
            self.refuse(
                &name("verify_interval_s"),
                "cannot be 0 in profile production; views are trusted because they are verified",
            );
        }
        let named = settings.public_origin.iter().map(|origin| ("public_origin", origin));
        let others = settings
            .allowed_origins
            .iter()
            .map(|origin| ("allowed_origins", origin));
        for (key, origin) in named.chain(others).filter(|(_, origin)| origin.starts_with("http://")) {
            self.refuse(
                &name(key),
                format!("`{origin}` is not encrypted; profile production takes https origins only"),
            );
        }
        let gave = |key| self.given.settings.contains_key(key);
        if !gave("public_origin") && !gave("allowed_hosts") {
            self.refuse(
                &name("public_origin"),
                "must be set in profile production (or VERBATIM_ALLOWED_HOSTS), like `https://chat.example.org`: \
                 it is the name to answer to",
            );
        }
        let metrics_open = settings
            .metrics_listen
            .is_some_and(|metrics| !metrics.ip().is_loopback());
        if metrics_open && !self.given.settings.contains_key("metrics_token") {
            self.refuse(
                &name("metrics_listen"),
                "shows metrics to everyone who reaches it; listen on a loopback address, or set VERBATIM_METRICS_TOKEN \
                 or VERBATIM_METRICS_TOKEN_FILE",
            );
        }
        for key in ["data_dir"] {
            if !self.given.settings.contains_key(key) {
                self.refuse(&name(key), "must be chosen in profile production; there is no default");
            }
        }
    }

    fn refuse(&mut self, setting: &str, problem: impl Into<String>) {
        self.mistakes.push(Mistake {
            setting: setting.to_owned(),
            problem: problem.into(),
        });
    }
}

fn name(key: &'static str) -> String {
    Name::of(key).map_or(key.to_owned(), Name::variable)
}

fn known(known: bool, otherwise: &str) -> Result<(), String> {
    if known { Ok(()) } else { Err(otherwise.to_owned()) }
}

fn profile(text: &str) -> Result<Profile, String> {
    match text {
        "dev" => Ok(Profile::Dev),
        "production" => Ok(Profile::Production),
        _ => Err("must be `dev` or `production`".to_owned()),
    }
}

fn registration(text: &str) -> Result<Registration, String> {
    match text {
        "open" => Ok(Registration::Open),
        "invite" => Ok(Registration::Invite),
        "closed" => Ok(Registration::Closed),
        _ => Err("must be `open`, `invite` or `closed`".to_owned()),
    }
}

fn log_format(text: &str) -> Result<LogFormat, String> {
    match text {
        "json" => Ok(LogFormat::Json),
        "text" => Ok(LogFormat::Text),
        _ => Err("must be `json` or `text`".to_owned()),
    }
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().map_err(|_| "must be a whole number".to_owned())
}

fn on_or_off(text: &str) -> Result<bool, String> {
    match text {
        "on" => Ok(true),
        "off" => Ok(false),
        _ => Err("must be `on` or `off`".to_owned()),
    }
}

fn address(text: &str) -> Result<SocketAddr, String> {
    text.parse()
        .map_err(|_| "must be an IP address and a port, like `127.0.0.1:8080`".to_owned())
}

fn folder(text: &str) -> Result<PathBuf, String> {
    if text.is_empty() {
        Err("must name a folder".to_owned())
    } else {
        Ok(PathBuf::from(text))
    }
}

/// The file of a SQLite URL; `None` where the data folder's is meant.
fn sqlite(url: &str) -> Result<Option<PathBuf>, String> {
    let Some(path) = url.strip_prefix("sqlite:") else {
        let scheme = url.split(':').next().unwrap_or_default();
        return Err(match scheme {
            "postgres" | "postgresql" | "kurrentdb" => {
                format!("`{scheme}:` is not available in this version; use `sqlite:`")
            }
            _ => "must be `sqlite:` or `sqlite:` and a file".to_owned(),
        });
    };
    if path.contains(['?', '#']) || path == ":memory:" {
        return Err("takes a plain file name after `sqlite:`, without options".to_owned());
    }
    let path = path.strip_prefix("//").unwrap_or(path);
    Ok((!path.is_empty()).then(|| path.into()))
}

fn origins(text: &str) -> Result<Vec<String>, String> {
    items(text)
        .map(|item| match origin(item) {
            _ if item.contains('*') => Err(format!("`{item}` stands for pages nobody named; name each origin")),
            Some(origin) => Ok(origin),
            None => Err(format!("`{item}` is not an origin like `https://chat.example.org`")),
        })
        .collect()
}

fn public_origin(text: &str) -> Result<String, String> {
    match &origins(text)?[..] {
        [one] => Ok(one.clone()),
        _ => Err("must be one origin like `https://chat.example.org`".to_owned()),
    }
}

fn hosts(text: &str) -> Result<Vec<String>, String> {
    items(text)
        .map(|item| {
            host(item).ok_or(format!(
                "`{item}` is not a name like `chat.example.org` or `chat.example.org:8443`"
            ))
        })
        .collect()
}

/// The name in the form that clients send it.
fn host(text: &str) -> Option<String> {
    let url = url::Url::parse(&format!("https://{text}/")).ok()?;
    let name = url.host_str()?.to_owned();
    let name = url.port().map_or(name.clone(), |port| format!("{name}:{port}"));
    (name == text.to_ascii_lowercase() && !name.contains('*')).then_some(name)
}

fn metrics_token(text: &str) -> Result<TokenHash, String> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    let varied = text.bytes().any(|byte| Some(byte) != text.bytes().next());
    if text.len() < METRICS_TOKEN_CHARS_MIN || !visible || !varied {
        return Err(format!(
            "must be at least {METRICS_TOKEN_CHARS_MIN} random visible characters, as `openssl rand -hex 32` makes them"
        ));
    }
    Ok(TokenHash::of(text))
}

/// The origin in the form that browsers send it.
fn origin(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    let bare = url.path() == "/" && url.query().is_none() && url.fragment().is_none();
    let anonymous = url.username().is_empty() && url.password().is_none();
    let web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    (bare && anonymous && web).then(|| url.origin().ascii_serialization())
}

fn networks(text: &str) -> Result<Vec<IpNet>, String> {
    items(text)
        .map(|item| network(item).ok_or(format!("`{item}` is not a network like `10.0.0.0/8` or an address")))
        .collect()
}

fn network(text: &str) -> Option<IpNet> {
    text.parse()
        .ok()
        .or_else(|| text.parse().ok().map(|address: std::net::IpAddr| address.into()))
}

fn items(text: &str) -> impl Iterator<Item = &str> {
    text.split(',').map(str::trim).filter(|item| !item.is_empty())
}

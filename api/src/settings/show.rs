//! The effective settings as `check-config` prints them: one `key = value` a line, where it comes from behind it, secrets redacted.

use std::fmt::Write;

use super::{LogFormat, NAMES, Name, Profile, Registration, Settings, gather::Value};

pub(super) fn lines(settings: &Settings) -> String {
    let mut text = String::new();
    for name in NAMES {
        let given = settings.given.settings.get(name.key);
        let source = given.map_or("default", |given| given.source.as_str());
        writeln!(text, "{} = {}  # {source}", name.key, shown(settings, name, given)).expect("a string takes any text");
    }
    for issuer in &settings.issuers {
        let (name, at) = (&issuer.name, &issuer.jwks_url);
        writeln!(
            text,
            "issuers.{name} = {}  # keys at {}",
            issuer.issuer,
            redacted(at.as_str())
        )
        .expect("a string takes any text");
    }
    for (name, value) in limits(settings) {
        let source = settings
            .given
            .limits
            .get(&name)
            .map_or("default", |given| given.source.as_str());
        writeln!(text, "limits.{name} = {value}  # {source}").expect("a string takes any text");
    }
    text
}

fn shown(settings: &Settings, name: &Name, given: Option<&Value>) -> String {
    match (name.key, given) {
        ("profile", _) => match settings.profile {
            Profile::Dev => "dev".to_owned(),
            Profile::Production => "production".to_owned(),
        },
        ("listen", _) => settings.listen.to_string(),
        ("data_dir", _) => settings.data_dir.display().to_string(),
        ("secrets_dir", _) => settings.secrets_dir.display().to_string(),
        ("public_origin", _) => settings.public_origin.clone().unwrap_or_default(),
        ("allowed_hosts", _) => settings.allowed_hosts.join(","),
        ("metrics_token", Some(_)) => "[redacted]".to_owned(),
        ("allowed_origins", _) => settings.allowed_origins.join(","),
        ("registration", _) => match settings.registration {
            Registration::Open => "open".to_owned(),
            Registration::Invite => "invite".to_owned(),
            Registration::Closed => "closed".to_owned(),
        },
        ("log_format", _) => match settings.log_format {
            LogFormat::Json => "json".to_owned(),
            LogFormat::Text => "text".to_owned(),
        },
        ("rate_limits", _) => if settings.rate_limits { "on" } else { "off" }.to_owned(),
        ("verify_interval_s", _) => settings.verify.interval_s.to_string(),
        ("verify_rows", _) => settings.verify.rows.to_string(),
        ("verify_streams", _) => settings.verify.streams.to_string(),
        ("log_url", None) => format!("sqlite:{}", settings.log_path.display()),
        ("views_url", None) => format!("sqlite:{}", settings.views_path.display()),
        (_, Some(given)) if name.secret => redacted(&given.text),
        (_, Some(given)) => given.text.clone(),
        (_, None) => String::new(),
    }
}

/// A URL without the part before its host, where passwords stand, and without its options.
fn redacted(url: &str) -> String {
    if url.contains(['@', '?']) {
        let scheme = url.split(':').next().unwrap_or_default();
        return format!("{scheme}:[redacted]");
    }
    url.to_owned()
}

fn limits(settings: &Settings) -> Vec<(String, String)> {
    let published = serde_json::to_value(settings.limits).unwrap_or_default();
    let published = published.as_object().cloned().unwrap_or_default();
    published
        .into_iter()
        .map(|(name, value)| (name, value.to_string()))
        .collect()
}

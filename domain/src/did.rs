//! Identities that a domain gives: `did:web`, in the form of its specification, so that each has one document at one address.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, de::Error as _};

/// A `did:web` identity. Parsed once; the host is in lower case and no number, and no part of it can mean something else in an address.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DidWeb(String);

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum InvalidDid {
    #[error("the identity is longer than {max} characters")]
    TooLong { max: usize },
    #[error("the identity is not of the form `did:web:example.org` or `did:web:example.org:path`")]
    Form,
}

const PREFIX: &str = "did:web:";
/// How a port is written behind the host.
const PORT_MARK: &str = "%3A";
const HOST_CHARS_MAX: usize = 253;

impl DidWeb {
    pub const MAX_CHARS: usize = 255;

    pub fn parse(text: &str) -> Result<Self, InvalidDid> {
        if text.chars().count() > Self::MAX_CHARS {
            return Err(InvalidDid::TooLong { max: Self::MAX_CHARS });
        }
        let rest = text.strip_prefix(PREFIX).ok_or(InvalidDid::Form)?;
        let mut parts = rest.split(':');
        let authority = parts.next().unwrap_or_default();
        let (host, port) = match authority.split_once(PORT_MARK) {
            Some((host, port)) => (
                host,
                port.parse::<u16>()
                    .is_ok_and(|number| number > 0 && number.to_string() == port),
            ),
            None => (authority, true),
        };
        if port && is_host(host) && parts.all(is_segment) {
            Ok(Self(text.to_owned()))
        } else {
            Err(InvalidDid::Form)
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Host and, if there is one, port, as they stand in an address.
    pub fn authority(&self) -> String {
        let rest = self.0.strip_prefix(PREFIX).unwrap_or_default();
        rest.split(':').next().unwrap_or_default().replace(PORT_MARK, ":")
    }

    /// Where its document is.
    pub fn path(&self) -> String {
        let rest = self.0.strip_prefix(PREFIX).unwrap_or_default();
        match rest.split_once(':') {
            Some((_, path)) => format!("/{}/did.json", path.replace(':', "/")),
            None => "/.well-known/did.json".to_owned(),
        }
    }
}

impl fmt::Display for DidWeb {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DidWeb {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&Cow::<'de, str>::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

/// Labels of letters, digits and hyphens; the last one is no number, since then it would be an address in some notation.
fn is_host(host: &str) -> bool {
    let is_label = |label: &str| {
        let letters = label
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
        (1..=63).contains(&label.len()) && letters && !label.starts_with('-') && !label.ends_with('-')
    };
    let named = host
        .rsplit('.')
        .next()
        .is_some_and(|last| last.starts_with(|c: char| c.is_ascii_lowercase()));
    host.len() <= HOST_CHARS_MAX && named && host.split('.').all(is_label)
}

fn is_segment(segment: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~');
    !segment.is_empty() && !matches!(segment, "." | "..") && segment.chars().all(plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_identity_has_one_document_at_one_address() {
        for (text, authority, path) in [
            ("did:web:example.org", "example.org", "/.well-known/did.json"),
            ("did:web:example.org:people:ann", "example.org", "/people/ann/did.json"),
            ("did:web:localhost%3A8443", "localhost:8443", "/.well-known/did.json"),
            (
                "did:web:xn--bcher-kva.example",
                "xn--bcher-kva.example",
                "/.well-known/did.json",
            ),
        ] {
            let did = DidWeb::parse(text).expect(text);
            assert_eq!((did.authority().as_str(), did.path().as_str()), (authority, path));
        }
    }

    #[test]
    fn what_could_mean_something_else_is_no_identity() {
        let long = format!("did:web:{}", "x".repeat(DidWeb::MAX_CHARS));
        for text in [
            "",
            "did:web:",
            "did:key:z6Mk",
            "DID:WEB:example.org",
            "did:web:Example.org",
            "did:web:example.org:",
            "did:web:example.org::a",
            "did:web:example.org:..",
            "did:web:example.org:.",
            "did:web:example.org/x",
            "did:web:example.org?x",
            "did:web:example.org#x",
            "did:web:a@example.org",
            "did:web:127.0.0.1",
            "did:web:2130706433",
            "did:web:0x7f000001.0x1",
            "did:web:127.1",
            "did:web:[::1]",
            "did:web:example.org%3a443",
            "did:web:example.org%3A0",
            "did:web:example.org%3A080",
            "did:web:example.org%3A70000",
            "did:web:example.org%2F..",
            "did:web:exa mple.org",
            "did:web:-a.org",
            "did:web:a..org",
            "did:web:.org",
            "did:web:例え.jp",
            "did:web:example.org:%2e%2e",
            "did:web:example.org:a b",
            &long,
        ] {
            assert!(DidWeb::parse(text).is_err(), "{text}");
        }
    }
}

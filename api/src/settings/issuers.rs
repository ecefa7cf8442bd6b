//! The tables `[[issuers]]` of `verbatim.toml`: whose tokens are taken, besides our own. Every mistake in them is noted.

use url::Url;

use super::Mistake;
use crate::auth::{SigningAlgorithm, algorithm_named, algorithm_names};

/// More would make the search through them worth a thought.
const ISSUERS_MAX: usize = 32;
/// What an issuer would be called that we are ourselves.
const OURSELVES: &str = "verbatim";

/// Somebody else whose tokens are taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerSettings {
    /// For log lines and for the operator; no token says it.
    pub name: String,
    /// Exactly as tokens have it in `iss`.
    pub issuer: String,
    pub jwks_url: Url,
    /// One of them must be in a token's `aud`.
    pub audiences: Vec<String>,
    pub algorithms: Vec<SigningAlgorithm>,
    pub claims: ClaimNames,
    /// Whether a subject nobody has seen gets an account.
    pub create_accounts: bool,
    /// Whether tokens that are bound to no key are refused.
    pub require_dpop: bool,
    /// Whether the key set may be at a private address.
    pub allow_private: bool,
}

/// Which claims say what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimNames {
    pub subject: String,
    pub handle: String,
    pub display_name: String,
}

/// All tables that are right; what is wrong about the others goes to `mistakes`.
pub(super) fn issuers(file: &str, tables: Vec<toml::Value>, mistakes: &mut Vec<Mistake>) -> Vec<IssuerSettings> {
    if tables.len() > ISSUERS_MAX {
        mistakes.push(Mistake {
            setting: format!("issuers in {file}"),
            problem: format!("there are more than {ISSUERS_MAX}"),
        });
    }
    let mut all: Vec<IssuerSettings> = vec![];
    for (number, table) in (1..).zip(tables) {
        let mut reading = Reading {
            place: format!("issuers[{number}] in {file}"),
            table: table.try_into().unwrap_or_default(),
            mistakes,
        };
        let Some(issuer) = reading.issuer() else { continue };
        let twice = all
            .iter()
            .any(|other| other.name == issuer.name || other.issuer == issuer.issuer);
        if twice {
            reading.wrong("issuer", "another issuer has the same name or the same `issuer`");
        }
        all.push(issuer);
    }
    all
}

struct Reading<'a> {
    place: String,
    /// What was read is taken out, so that what is left is unknown.
    table: toml::Table,
    mistakes: &'a mut Vec<Mistake>,
}

impl Reading<'_> {
    fn wrong(&mut self, key: &str, problem: impl Into<String>) {
        self.mistakes.push(Mistake {
            setting: format!("{}: {key}", self.place),
            problem: problem.into(),
        });
    }

    fn issuer(&mut self) -> Option<IssuerSettings> {
        let (name, issuer, jwks_url) = (self.text("name", None), self.text("issuer", None), self.url("jwks_url"));
        if issuer.as_deref() == Some(OURSELVES) {
            self.wrong("issuer", "is this service's own name");
        }
        let audiences = self.texts("audiences");
        let algorithms = self.algorithms();
        let claims = self.claims();
        let create_accounts = self.flag("create_accounts");
        let require_dpop = self.flag("require_dpop");
        let allow_private = self.flag("allow_private");
        self.nothing_else("");
        Some(IssuerSettings {
            name: name?,
            issuer: issuer?,
            jwks_url: jwks_url?,
            audiences: audiences?,
            algorithms: algorithms?,
            claims: claims?,
            create_accounts,
            require_dpop,
            allow_private,
        })
    }

    fn claims(&mut self) -> Option<ClaimNames> {
        let table = match self.table.remove("claims") {
            None => toml::Table::new(),
            Some(toml::Value::Table(table)) => table,
            Some(_) => {
                self.wrong("claims", "must be a table");
                return None;
            }
        };
        let outer = std::mem::replace(&mut self.table, table);
        let subject = self.text("subject", Some("sub"));
        let handle = self.text("handle", Some("preferred_username"));
        let display_name = self.text("display_name", Some("name"));
        self.nothing_else("claims.");
        self.table = outer;
        Some(ClaimNames {
            subject: subject?,
            handle: handle?,
            display_name: display_name?,
        })
    }

    fn nothing_else(&mut self, within: &str) {
        for key in std::mem::take(&mut self.table).into_iter().map(|(key, _)| key) {
            self.wrong(&format!("{within}{key}"), "there is no such setting; remove it");
        }
    }

    fn text(&mut self, key: &str, default: Option<&str>) -> Option<String> {
        match (self.table.remove(key), default) {
            (Some(toml::Value::String(text)), _) if !text.trim().is_empty() => Some(text),
            (None, Some(default)) => Some(default.to_owned()),
            (None, None) => {
                self.wrong(key, "is missing");
                None
            }
            (Some(_), _) => {
                self.wrong(key, "must be a text");
                None
            }
        }
    }

    fn url(&mut self, key: &str) -> Option<Url> {
        let text = self.text(key, None)?;
        let url = Url::parse(&text)
            .ok()
            .filter(|url| url.host().is_some() && url.fragment().is_none());
        if url.is_none() {
            self.wrong(key, "must be an address like `https://id.example.org/keys.json`");
        }
        url
    }

    fn texts(&mut self, key: &str) -> Option<Vec<String>> {
        let items = match self.table.remove(key) {
            Some(toml::Value::Array(items)) => items,
            Some(_) | None => vec![],
        };
        let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
        let texts = texts.filter(|texts| !texts.is_empty() && texts.iter().all(|text| !text.trim().is_empty()));
        if texts.is_none() {
            self.wrong(key, "must be a list of texts with at least one in it");
        }
        texts
    }

    fn algorithms(&mut self) -> Option<Vec<SigningAlgorithm>> {
        let texts = self.texts("algorithms")?;
        let mut algorithms = vec![];
        for text in &texts {
            match algorithm_named(text) {
                Some(algorithm) => algorithms.push(algorithm),
                None => {
                    let known: Vec<_> = algorithm_names().collect();
                    self.wrong("algorithms", format!("`{text}` is none of {}", known.join(", ")));
                }
            }
        }
        (algorithms.len() == texts.len()).then_some(algorithms)
    }

    fn flag(&mut self, key: &str) -> bool {
        match self.table.remove(key) {
            None => false,
            Some(toml::Value::Boolean(flag)) => flag,
            Some(_) => {
                self.wrong(key, "must be true or false");
                false
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Vec<IssuerSettings>, Vec<String>) {
        let mut table: toml::Table = text.parse().expect("TOML");
        let Some(toml::Value::Array(tables)) = table.remove("issuers") else {
            panic!("no issuers")
        };
        let mut mistakes = vec![];
        let issuers = issuers("f", tables, &mut mistakes);
        (issuers, mistakes.into_iter().map(|mistake| mistake.setting).collect())
    }

    const RIGHT: &str = "[[issuers]]\nname = 'corp'\nissuer = 'https://id.example.org'\njwks_url = 'https://id.example.org/keys'\n\
                         audiences = ['chat']\nalgorithms = ['ES256', 'RS256']\n";

    #[test]
    fn an_issuer_is_read_with_cautious_defaults() {
        let (issuers, mistakes) = read(RIGHT);
        assert_eq!(mistakes, [""; 0]);
        let issuer = &issuers[0];
        assert!(!issuer.create_accounts && !issuer.require_dpop && !issuer.allow_private);
        assert_eq!(issuer.claims.subject, "sub");
        assert_eq!(issuer.algorithms.len(), 2);
    }

    #[test]
    fn every_mistake_is_noted() {
        let (_, mistakes) = read(
            "[[issuers]]\nname = 7\nissuer = 'verbatim'\njwks_url = 'nowhere'\naudiences = []\nalgorithms = ['HS256', 'none', 'ES256']\n\
             create_accounts = 'yes'\nclaims = {subject = 1, nickname = 'x'}\nsecret = 'x'\n",
        );
        let mut named: Vec<_> = mistakes
            .iter()
            .map(|mistake| mistake.trim_start_matches("issuers[1] in f: "))
            .collect();
        named.sort_unstable();
        assert_eq!(
            named,
            [
                "algorithms",
                "algorithms",
                "audiences",
                "claims.nickname",
                "create_accounts",
                "issuer",
                "jwks_url",
                "name",
                "secret",
                "subject"
            ]
        );
    }

    #[test]
    fn two_issuers_cannot_be_one() {
        let (_, mistakes) = read(&RIGHT.repeat(2));
        assert_eq!(mistakes, ["issuers[2] in f: issuer"]);
    }
}

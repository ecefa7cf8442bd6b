//! Collects what was given for each setting, and by whom, without looking at what it means. Names that do not exist are mistakes here.

use std::{
    collections::{BTreeMap, HashMap},
    ffi::OsString,
    path::{Path, PathBuf},
};

use super::{
    IssuerSettings, Mistake, issuers,
    names::{FILE_SUFFIX, LIMIT_PREFIX, NAMES, Name, PREFIX},
};
use crate::limits::Limits;

/// What the command line says: values by key of the setting, and which file to read.
#[derive(Debug, Clone, Default)]
pub struct Flags {
    pub config: Option<PathBuf>,
    pub values: BTreeMap<&'static str, String>,
}

/// Read when no other file is named, if it exists.
const CONFIG_FILE: &str = "verbatim.toml";
/// The table of `verbatim.toml` that overrides limits.
const LIMITS_TABLE: &str = "limits";
/// The tables of those whose tokens are taken.
const ISSUERS_TABLES: &str = "issuers";

/// One value and where it came from, as an operator would look for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Value {
    pub(super) text: String,
    pub(super) source: String,
}

/// Everything that was given; where two places give the same setting, the stronger one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Given {
    pub(super) settings: HashMap<&'static str, Value>,
    /// By name of the limit, unchecked.
    pub(super) limits: BTreeMap<String, Value>,
    pub(super) issuers: Vec<IssuerSettings>,
}

/// Weaker places come first, so that stronger ones overwrite them.
pub(super) fn gather(flags: &Flags, environment: impl Iterator<Item = (String, OsString)>) -> (Given, Vec<Mistake>) {
    let mut gathering = Gathering::default();
    gathering.file(flags.config.as_deref());
    let variables: BTreeMap<String, OsString> = environment.filter(|(name, _)| concerns_us(name)).collect();
    gathering.secret_files(&variables);
    gathering.variables(&variables);
    gathering.flags(flags);
    (gathering.given, gathering.mistakes)
}

fn concerns_us(variable: &str) -> bool {
    variable.starts_with(PREFIX) || NAMES.iter().any(|name| name.variable() == variable)
}

#[derive(Default)]
struct Gathering {
    given: Given,
    mistakes: Vec<Mistake>,
}

impl Gathering {
    fn mistake(&mut self, setting: impl Into<String>, problem: impl Into<String>) {
        self.mistakes.push(Mistake {
            setting: setting.into(),
            problem: problem.into(),
        });
    }

    fn flags(&mut self, flags: &Flags) {
        for (key, text) in &flags.values {
            let source = format!("--{}", key.replace('_', "-"));
            self.given.settings.insert(
                key,
                Value {
                    text: text.clone(),
                    source,
                },
            );
        }
    }

    fn variables(&mut self, variables: &BTreeMap<String, OsString>) {
        for (variable, value) in variables {
            if secret_of_file(variable).is_some() {
                continue;
            }
            let Some(text) = value.to_str() else {
                self.mistake(variable, "is not UTF-8");
                continue;
            };
            let value = Value {
                text: text.to_owned(),
                source: variable.clone(),
            };
            if let Some(limit) = variable.strip_prefix(LIMIT_PREFIX) {
                self.given.limits.insert(limit.to_ascii_lowercase(), value);
            } else if let Some(name) = NAMES.iter().find(|name| name.variable() == *variable) {
                self.given.settings.insert(name.key, value);
            } else {
                self.mistake(
                    variable,
                    format!("there is no such setting{}; unset it", suggestion(variable)),
                );
            }
        }
    }

    fn secret_files(&mut self, variables: &BTreeMap<String, OsString>) {
        for (variable, path) in variables {
            let Some(name) = secret_of_file(variable) else { continue };
            match std::fs::read_to_string(path) {
                Ok(text) => {
                    let value = Value {
                        text: text.trim_end().to_owned(),
                        source: variable.clone(),
                    };
                    self.given.settings.insert(name.key, value);
                }
                Err(error) => self.mistake(variable, format!("the file it names cannot be read: {error}")),
            }
        }
    }

    fn file(&mut self, named: Option<&Path>) {
        let path = named.unwrap_or(Path::new(CONFIG_FILE));
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if named.is_none() && error.kind() == std::io::ErrorKind::NotFound => return,
            Err(error) => return self.mistake(path.display().to_string(), format!("cannot be read: {error}")),
        };
        match text.parse::<toml::Table>() {
            Ok(table) => self.table(path, table),
            // The error of the parser quotes the line, which may hold a secret; its message alone does not.
            Err(error) => self.mistake(path.display().to_string(), format!("is not TOML: {}", error.message())),
        }
    }

    fn table(&mut self, path: &Path, table: toml::Table) {
        for (key, value) in table {
            let source = format!("{key} in {}", path.display());
            match (key.as_str(), value) {
                (LIMITS_TABLE, toml::Value::Table(limits)) => self.limits_table(path, limits),
                (ISSUERS_TABLES, toml::Value::Array(tables)) => {
                    let file = path.display().to_string();
                    self.given.issuers = issuers::issuers(&file, tables, &mut self.mistakes);
                }
                (known, value) if Name::of(known).is_some() => self.file_value(known, source, &value),
                _ => self.mistake(
                    source,
                    format!("there is no such setting{}; remove it", suggestion(&key)),
                ),
            }
        }
    }

    fn file_value(&mut self, key: &str, source: String, value: &toml::Value) {
        match (Name::of(key), plain(value)) {
            (Some(name), Some(text)) => {
                self.given.settings.insert(name.key, Value { text, source });
            }
            (None, _) | (_, None) => {
                self.mistake(source, "must be a text, a number, true or false, or a list of texts")
            }
        }
    }

    fn limits_table(&mut self, path: &Path, limits: toml::Table) {
        for (limit, value) in limits {
            let source = format!("{LIMITS_TABLE}.{limit} in {}", path.display());
            match plain(&value) {
                Some(text) => {
                    self.given.limits.insert(limit, Value { text, source });
                }
                None => self.mistake(source, "must be a whole number"),
            }
        }
    }
}

/// The setting whose value the named file holds, if the variable is of the form `<VARIABLE>_FILE`.
fn secret_of_file(variable: &str) -> Option<&'static Name> {
    let variable = variable.strip_suffix(FILE_SUFFIX)?;
    NAMES.iter().find(|name| name.secret && name.variable() == variable)
}

/// A value as it would stand in a variable; lists are comma-separated there.
fn plain(value: &toml::Value) -> Option<String> {
    match value {
        toml::Value::String(text) => Some(text.clone()),
        toml::Value::Integer(number) => Some(number.to_string()),
        toml::Value::Boolean(true) => Some("on".to_owned()),
        toml::Value::Boolean(false) => Some("off".to_owned()),
        toml::Value::Array(items) => {
            let texts: Option<Vec<String>> = items.iter().map(|item| item.as_str().map(str::to_owned)).collect();
            texts.map(|texts| texts.join(","))
        }
        toml::Value::Float(_) | toml::Value::Datetime(_) | toml::Value::Table(_) => None,
    }
}

/// The likeliest meant name: one that differs in a letter or two.
fn suggestion(wrong: &str) -> String {
    let bare = wrong.strip_prefix(PREFIX).unwrap_or(wrong).to_ascii_lowercase();
    let keys = NAMES.iter().map(|name| name.key).chain(Limits::NAMES.iter().copied());
    let nearest = keys
        .map(|key| (distance(&bare, key), key))
        .min()
        .filter(|(distance, _)| *distance <= 2);
    nearest.map_or(String::new(), |(_, key)| format!(" (did you mean `{key}`?)"))
}

/// Levenshtein's.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], line + 1);
        for column in 1..=other.len() {
            let replaced = diagonal + usize::from(letter != other[column - 1]);
            diagonal = row[column];
            row[column] = replaced.min(row[column] + 1).min(row[column - 1] + 1);
        }
    }
    row[other.len()]
}

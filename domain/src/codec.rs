//! Events to and from their stored form: a wire name, a version and a JSON payload, which is also what clients see as `d`.

use crate::upcast;

/// An event type that knows its stored forms. Implemented by the `codec!` table of each noun.
pub trait Coded: Sized {
    /// Every wire name with its current version.
    const KINDS: &'static [(&'static str, u16)];

    fn kind(&self) -> &'static str;
    fn version(&self) -> u16;
    fn encode(&self) -> Vec<u8>;
    /// Older versions are lifted on the way; a name or version from the future is an error, never a guess.
    fn decode(kind: &str, version: u16, payload: &[u8]) -> Result<Self, DecodeError>;
}

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    #[error("no event is called {kind:?} here")]
    UnknownKind { kind: String },
    #[error("version {version} of {kind} is newer than this program")]
    FutureVersion { kind: String, version: u16 },
    /// The parser's own words may quote content, so only the place is kept.
    #[error("the payload of {kind} version {version} does not parse at line {line} column {column}")]
    Malformed {
        kind: String,
        version: u16,
        line: usize,
        column: usize,
    },
}

impl DecodeError {
    pub(crate) fn malformed(kind: &str, version: u16, error: &serde_json::Error) -> Self {
        Self::Malformed {
            kind: kind.to_owned(),
            version,
            line: error.line(),
            column: error.column(),
        }
    }
}

pub(crate) fn decode_payload<T: serde::de::DeserializeOwned>(
    kind: &str,
    version: u16,
    current: u16,
    payload: &[u8],
) -> Result<T, DecodeError> {
    let malformed = |error: serde_json::Error| DecodeError::malformed(kind, version, &error);
    if version > current {
        return Err(DecodeError::FutureVersion {
            kind: kind.to_owned(),
            version,
        });
    }
    if version == current {
        return serde_json::from_slice(payload).map_err(malformed);
    }
    let object = serde_json::from_slice(payload).map_err(malformed)?;
    let lifted = upcast::lift(upcast::UPCASTS, kind, version, current, object);
    serde_json::from_value(serde_json::Value::Object(lifted)).map_err(malformed)
}

/// `Variant = "wire.name" version` for each variant of an event enum whose variants each hold one payload struct.
macro_rules! codec {
    ($event:ident { $($variant:ident = $kind:literal $version:literal,)* }) => {
        impl $crate::Coded for $event {
            const KINDS: &'static [(&'static str, u16)] = &[$(($kind, $version),)*];

            fn kind(&self) -> &'static str {
                match self { $(Self::$variant(_) => $kind,)* }
            }
            fn version(&self) -> u16 {
                match self { $(Self::$variant(_) => $version,)* }
            }
            fn encode(&self) -> Vec<u8> {
                match self { $(Self::$variant(payload) => serde_json::to_vec(payload),)* }
                    .expect("payloads are plain structs of strings, numbers and lists, which always serialize")
            }
            fn decode(kind: &str, version: u16, payload: &[u8]) -> Result<Self, $crate::DecodeError> {
                match kind {
                    $($kind => $crate::codec::decode_payload(kind, version, $version, payload).map(Self::$variant),)*
                    _ => Err($crate::DecodeError::UnknownKind { kind: kind.to_owned() }),
                }
            }
        }
    };
}
pub(crate) use codec;

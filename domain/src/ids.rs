//! Ids and their public text form, TypeID (<https://github.com/jetify-com/typeid>): a prefix, `_`, and 26 base32 characters of a UUID.
//! Ids are never drawn here; [`event_id`] and [`owned_id`] derive them from what makes them unique.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use uuid::Uuid;

/// Crockford's base32 in lower case, as TypeID uses it.
const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
/// Characters of an encoded UUID: 130 bits, the top two always zero.
const SUFFIX_LEN: usize = 26;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {expected} id")]
pub struct IdError {
    pub expected: &'static str,
}

macro_rules! typed_ids {
    ($($(#[$doc:meta])* $name:ident = $prefix:literal;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Uuid);

        impl $name {
            pub const PREFIX: &'static str = $prefix;
            pub const fn from_u128(value: u128) -> Self {
                Self(Uuid::from_u128(value))
            }
            pub const fn uuid(self) -> Uuid {
                self.0
            }
        }
        impl From<Uuid> for $name {
            fn from(id: Uuid) -> Self {
                Self(id)
            }
        }
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(concat!($prefix, "_"))?;
                f.write_str(std::str::from_utf8(&encode(self.0)).map_err(|_| fmt::Error)?)
            }
        }
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }
        impl FromStr for $name {
            type Err = IdError;
            fn from_str(text: &str) -> Result<Self, IdError> {
                text.strip_prefix(concat!($prefix, "_")).and_then(decode).map(Self).ok_or(IdError { expected: $prefix })
            }
        }
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                if serializer.is_human_readable() { serializer.collect_str(self) } else { self.0.as_bytes().serialize(serializer) }
            }
        }
        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                if deserializer.is_human_readable() {
                    let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                    text.parse().map_err(D::Error::custom)
                } else {
                    <[u8; 16]>::deserialize(deserializer).map(|bytes| Self(Uuid::from_bytes(bytes)))
                }
            }
        }
    )*};
}

typed_ids! {
    UserId = "user";
    SessionId = "session";
    SpaceId = "space";
    ChannelId = "channel";
    /// A message is named by the event that sent it: the same UUID with another prefix.
    MessageId = "message";
    EventId = "event";
    InviteId = "invite";
    ReportId = "report";
}

impl From<EventId> for MessageId {
    fn from(sent: EventId) -> Self {
        Self(sent.0)
    }
}

/// The id of the `index`th event a command produces. The same stream, actor and key give the same id on any node in any year,
/// which is what makes a retry recognisable for ever.
pub fn event_id(stream: &str, actor: Uuid, key: &str, index: usize) -> EventId {
    let name = if index == 0 {
        format!("{stream}\n{actor}\n{key}")
    } else {
        format!("{stream}\n{actor}\n{key}\n{index}")
    };
    EventId(Uuid::new_v5(&EVENTS, name.as_bytes()))
}

/// The id of a thing that a keyed command creates (`kind` is `space`, `channel`, `invite` or `report`), so that a retry creates the same thing.
pub fn owned_id(kind: &str, owner: UserId, key: &str) -> Uuid {
    Uuid::new_v5(&OWNED, format!("{kind}\n{}\n{key}", owner.0).as_bytes())
}

/// Two people share exactly one direct conversation, whoever opens it.
pub fn direct_channel_id(one: UserId, other: UserId) -> ChannelId {
    let (low, high) = if one <= other { (one, other) } else { (other, one) };
    ChannelId(Uuid::new_v5(&DIRECT, format!("{}\n{}", low.0, high.0).as_bytes()))
}

/// Name spaces of our derived UUIDs (RFC 9562 section 5.5), drawn once and never changed.
const EVENTS: Uuid = Uuid::from_u128(0x9a1c_6f0e_52d7_4b3c_8e55_0d6f_7a21_c4b8);
const OWNED: Uuid = Uuid::from_u128(0x1f6b_40d2_93ae_4c17_a0c9_5be8_33f4_7e02);
const DIRECT: Uuid = Uuid::from_u128(0xc83e_7d54_0b69_4f8a_9d10_62a7_e5b3_18f6);

fn encode(id: Uuid) -> [u8; SUFFIX_LEN] {
    let value = id.as_u128();
    std::array::from_fn(|place| ALPHABET[(value >> (5 * (SUFFIX_LEN - 1 - place))) as usize & 31])
}

fn decode(text: &str) -> Option<Uuid> {
    let bytes = text.as_bytes();
    // The first character carries only three bits; anything above '7' would overflow 128.
    if bytes.len() != SUFFIX_LEN || bytes[0] > b'7' {
        return None;
    }
    let value = bytes.iter().try_fold(0u128, |value, byte| {
        let digit = DIGITS[usize::from(*byte)];
        (digit != NO_DIGIT).then_some(value << 5 | u128::from(digit))
    })?;
    Some(Uuid::from_u128(value))
}

const NO_DIGIT: u8 = u8::MAX;

/// The digit that each byte stands for, since every frame and every event has ids in it.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut digit = 0;
    while digit < ALPHABET.len() {
        digits[ALPHABET[digit] as usize] = digit as u8;
        digit += 1;
    }
    digits
};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_is_that_of_the_typeid_specification() {
        // Vectors of the TypeID specification's valid.yml.
        for (uuid, suffix) in [
            ("00000000-0000-0000-0000-000000000000", "00000000000000000000000000"),
            ("00000000-0000-0000-0000-000000000020", "00000000000000000000000010"),
            ("ffffffff-ffff-ffff-ffff-ffffffffffff", "7zzzzzzzzzzzzzzzzzzzzzzzzz"),
            ("0110c853-1d09-52d8-d73e-1194e95b5f19", "0123456789abcdefghjkmnpqrs"),
            ("01890a5d-ac96-774b-bcce-b302099a8057", "01h455vb4pex5vsknk084sn02q"),
        ] {
            let id = UserId::from(Uuid::parse_str(uuid).expect("vector"));
            assert_eq!(id.to_string(), format!("user_{suffix}"));
            assert_eq!(format!("user_{suffix}").parse(), Ok(id));
        }
    }

    #[test]
    fn another_prefix_a_wrong_length_and_an_overflow_are_refused() {
        for text in [
            "channel_01h455vb4pex5vsknk084sn02q",
            "user_8zzzzzzzzzzzzzzzzzzzzzzzzz",
            "user_01h455vb4pex5vsknk084sn02",
            "user_01H455VB4PEX5VSKNK084SN02Q",
            "user_01h455vb4pex5vsknk084sn0éq",
            "user_",
            "",
        ] {
            assert_eq!(text.parse::<UserId>(), Err(IdError { expected: "user" }), "{text}");
        }
    }

    #[test]
    fn event_ids_differ_by_stream_actor_key_and_index() {
        let (ann, bob) = (Uuid::from_u128(1), Uuid::from_u128(2));
        let ids = [
            event_id("channel-1", ann, "k", 0),
            event_id("channel-2", ann, "k", 0),
            event_id("channel-1", bob, "k", 0),
            event_id("channel-1", ann, "l", 0),
            event_id("channel-1", ann, "k", 1),
        ];
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), ids.len());
        assert_eq!(ids[0], event_id("channel-1", ann, "k", 0));
    }

    #[test]
    fn a_direct_conversation_is_the_same_from_both_sides() {
        let (ann, bob) = (UserId::from_u128(1), UserId::from_u128(2));
        assert_eq!(direct_channel_id(ann, bob), direct_channel_id(bob, ann));
    }
}

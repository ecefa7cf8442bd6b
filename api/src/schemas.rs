//! How values of other crates look in the published contract. They are named in `#[schemars(with = "…")]` where such a value is a field;
//! the types themselves know nothing of schemas.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

/// Ids in their text form: a prefix and 26 base32 characters of a UUID.
macro_rules! ids {
    ($($name:ident: $doc:literal;)*) => {$(
        #[doc = $doc]
        pub(crate) struct $name;

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({
                    "type": "string",
                    "description": $doc,
                    // The alphabet is Crockford's; the first character carries three bits.
                    "pattern": format!("^{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}$", domain::$name::PREFIX),
                })
            }
        }
    )*};
}

ids! {
    UserId: "The id of a person.";
    ChannelId: "The id of a channel.";
    MessageId: "The id of a message.";
    EventId: "The id of an event.";
    SpaceId: "The id of a space.";
}

/// A time as [`crate::render::time`] writes it.
pub(crate) struct Time;

impl JsonSchema for Time {
    fn schema_name() -> Cow<'static, str> {
        "Time".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "format": "date-time",
            "description": "RFC 3339 in UTC with microseconds, made by the server.",
            "pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$",
        })
    }
}

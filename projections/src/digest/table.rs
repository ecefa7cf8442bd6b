//! A table of a view, as far as digests and verification need to know it.

use domain::{ChannelId, ReportId, SpaceId, UserId};
use uuid::Uuid;

/// A table that counts. Tables that only repeat others (indexes of words, say) are not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    pub name: &'static str,
    /// The column whose id the rows are summed by. Best the first of the primary key, so that the rows of a key lie together.
    pub key: &'static str,
    pub scope: Scope,
}

/// Where the rows of one key come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// From the stream of that category whose id is the key, and from no other: so they can be folded again alone.
    Stream(&'static str),
    /// From several streams. The key is an id of this prefix.
    Many(&'static str),
}

impl Table {
    /// Every row comes from the stream of `category` that its `key` names.
    pub const fn of_stream(name: &'static str, key: &'static str, category: &'static str) -> Self {
        let scope = Scope::Stream(category);
        Self { name, key, scope }
    }

    /// Rows come from several streams; `key` holds ids with this prefix.
    pub const fn of_many(name: &'static str, key: &'static str, prefix: &'static str) -> Self {
        let scope = Scope::Many(prefix);
        Self { name, key, scope }
    }

    /// A key as people know it: the id in its public form.
    pub fn public_key(&self, key: &[u8]) -> String {
        let prefix = match self.scope {
            Scope::Stream(category) => category,
            Scope::Many(prefix) => prefix,
        };
        match (Uuid::from_slice(key), prefix) {
            (Ok(id), ChannelId::PREFIX) => ChannelId::from(id).to_string(),
            (Ok(id), SpaceId::PREFIX) => SpaceId::from(id).to_string(),
            (Ok(id), ReportId::PREFIX) => ReportId::from(id).to_string(),
            // Inboxes and trails are named by whose they are.
            (Ok(id), UserId::PREFIX | "inbox" | "audit") => UserId::from(id).to_string(),
            (Ok(id), other) => format!("{other}-{id}"),
            (Err(_), other) => format!("{other}-{}", hex(key)),
        }
    }
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a string cannot fail.
        let _written = write!(text, "{byte:02x}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_told_as_people_know_them() {
        let id = Uuid::from_u128(7);
        let told = |table: Table| table.public_key(id.as_bytes());
        assert_eq!(
            told(Table::of_stream("t", "channel", "channel")),
            ChannelId::from(id).to_string()
        );
        assert_eq!(
            told(Table::of_stream("t", "user", "inbox")),
            UserId::from(id).to_string()
        );
        assert_eq!(
            told(Table::of_many("t", "space", "space")),
            SpaceId::from(id).to_string()
        );
        assert_eq!(
            Table::of_many("t", "space", "space").public_key(&[0xab, 1]),
            "space-ab01"
        );
    }
}

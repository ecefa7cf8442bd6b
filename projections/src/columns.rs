//! Domain types to and from columns: ids are 16-byte blobs, times microseconds, words snake_case text. What a view's columns are
//! called is the view's own affair.

use chrono::{DateTime, Utc};
use domain::Actor;
use serde::{
    Serialize, Serializer,
    de::{DeserializeOwned, IntoDeserializer, value::StrDeserializer},
};
use sqlx::{Row, sqlite::SqliteRow};
use uuid::Uuid;

/// A column whose content is not what the views write there.
#[derive(Debug, thiserror::Error)]
#[error("the column holds no {expected}")]
struct Unexpected {
    expected: &'static str,
}

pub(crate) fn id<T: From<Uuid>>(row: &SqliteRow, column: &str) -> sqlx::Result<T> {
    to_id(row.try_get(column)?).ok_or_else(|| unexpected(column, "id"))
}

pub(crate) fn optional_id<T: From<Uuid>>(row: &SqliteRow, column: &str) -> sqlx::Result<Option<T>> {
    row.try_get::<Option<&[u8]>, _>(column)?
        .map(|bytes| to_id(bytes).ok_or_else(|| unexpected(column, "id")))
        .transpose()
}

pub(crate) fn actor(row: &SqliteRow, column: &str) -> sqlx::Result<Actor> {
    id::<Uuid>(row, column).map(Actor::from_uuid)
}

/// A JSON array of ids in hexadecimal.
pub(crate) fn ids<T: From<Uuid>>(row: &SqliteRow, column: &str) -> sqlx::Result<Vec<T>> {
    let ids: Vec<Uuid> = json(row, column)?;
    Ok(ids.into_iter().map(T::from).collect())
}

pub(crate) fn json<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> sqlx::Result<T> {
    serde_json::from_str(row.try_get(column)?).map_err(|_| unexpected(column, "list"))
}

/// A domain word such as a role or a kind, as serde names it.
pub(crate) fn word<T: DeserializeOwned>(row: &SqliteRow, column: &str) -> sqlx::Result<T> {
    let word: StrDeserializer<'_, serde::de::value::Error> = row.try_get::<&str, _>(column)?.into_deserializer();
    T::deserialize(word).map_err(|_| unexpected(column, "known word"))
}

pub(crate) fn number<T: TryFrom<i64>>(row: &SqliteRow, column: &str) -> sqlx::Result<T> {
    T::try_from(row.try_get(column)?).map_err(|_| unexpected(column, "number of that size"))
}

pub(crate) fn time(row: &SqliteRow, column: &str) -> sqlx::Result<DateTime<Utc>> {
    optional_time(row, column)?.ok_or_else(|| unexpected(column, "time"))
}

pub(crate) fn optional_time(row: &SqliteRow, column: &str) -> sqlx::Result<Option<DateTime<Utc>>> {
    let micros: Option<i64> = row.try_get(column)?;
    micros
        .map(|micros| DateTime::from_timestamp_micros(micros).ok_or_else(|| unexpected(column, "time")))
        .transpose()
}

/// An id as a parameter.
pub(crate) fn blob(id: Uuid) -> Vec<u8> {
    id.as_bytes().to_vec()
}

/// A cursor as a parameter; the empty blob sorts before every id.
pub(crate) fn cursor(after: Option<Uuid>) -> Vec<u8> {
    after.map(blob).unwrap_or_default()
}

/// A seq or position as a parameter. Nothing real comes near the bound, and nothing beyond it can be stored.
pub(crate) fn integer(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// Rows as the one parameter of a statement that reads them with `json_each`.
pub(crate) fn to_json<T: Serialize + ?Sized>(rows: &T) -> String {
    serde_json::to_string(rows).expect("rows are plain structs of strings, numbers and lists, which always serialize")
}

/// An id inside the JSON that a fold hands to SQL: hexadecimal, for `unhex`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Hex(pub(crate) Uuid);

impl Serialize for Hex {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.simple().encode_lower(&mut Uuid::encode_buffer()))
    }
}

fn to_id<T: From<Uuid>>(bytes: &[u8]) -> Option<T> {
    Uuid::from_slice(bytes).ok().map(T::from)
}

fn unexpected(column: &str, expected: &'static str) -> sqlx::Error {
    sqlx::Error::ColumnDecode {
        index: column.to_owned(),
        source: Box::new(Unexpected { expected }),
    }
}

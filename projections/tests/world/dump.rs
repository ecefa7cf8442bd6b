//! All tables of all views as text: one row a line, sorted, ids in hexadecimal.

use std::{fmt::Write as _, path::Path};

use projections::ALL;
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, Column, ConnectOptions, Row, SqliteConnection, TypeInfo, ValueRef,
    sqlite::{SqliteConnectOptions, SqliteRow},
};

/// The checkpoints are left out: they name a log, and the log of each test is another one.
pub(crate) async fn dump(folder: &Path) -> String {
    let mut db = SqliteConnectOptions::new()
        .filename(folder.join("views.db"))
        .connect()
        .await
        .unwrap();
    let tables = ALL
        .iter()
        .flat_map(|projection| projection.tables)
        .map(|table| table.name)
        .chain(["projection_parked"]);
    let mut text = String::from("{\n");
    for (index, table) in tables.enumerate() {
        let separator = if index == 0 { "" } else { ",\n" };
        write!(text, "{separator}\"{table}\": [").unwrap();
        text.push_str(&rows(&mut db, table).await.join(","));
        text.push_str("\n]");
    }
    text.push_str("\n}\n");
    text
}

async fn rows(db: &mut SqliteConnection, table: &str) -> Vec<String> {
    let found = sqlx::query(AssertSqlSafe(format!("select * from {table}")))
        .fetch_all(db)
        .await
        .unwrap();
    let mut rows: Vec<String> = found.iter().map(|row| format!("\n{}", object(row))).collect();
    rows.sort();
    rows
}

fn object(row: &SqliteRow) -> Value {
    row.columns()
        .iter()
        .map(|column| (column.name().to_owned(), value(row, column.ordinal())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn value(row: &SqliteRow, place: usize) -> Value {
    let raw = row.try_get_raw(place).unwrap();
    match raw.type_info().name() {
        _ if raw.is_null() => Value::Null,
        "BLOB" => row
            .get::<Vec<u8>, _>(place)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
            .into(),
        "TEXT" => row.get::<String, _>(place).into(),
        "INTEGER" => json!(row.get::<i64, _>(place)),
        other => panic!("no column of a view is {other}"),
    }
}

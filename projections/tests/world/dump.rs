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
    let mut parked = vec![];
    let mut text = String::from("{\n");
    for projection in ALL {
        let mut db = connect(folder, projection.name).await;
        for table in projection.tables {
            let rows = rows(&mut db, &format!("select * from {}", table.name)).await.join(",");
            write!(text, "\"{}\": [{rows}\n],\n", table.name).unwrap();
        }
        let sql = format!(
            "select '{}' as projection, position, stream, reason from parked",
            projection.name
        );
        parked.extend(rows(&mut db, &sql).await);
    }
    parked.sort();
    write!(text, "\"projection_parked\": [{}\n]\n}}\n", parked.join(",")).unwrap();
    text
}

/// The database of the generation that serves.
pub(crate) async fn connect(folder: &Path, projection: &str) -> SqliteConnection {
    let mut registry = database(&folder.join("registry.sqlite")).await;
    let serving: i64 =
        sqlx::query_scalar("select generation from generation where projection = $1 and state = 'serving'")
            .bind(projection)
            .fetch_one(&mut registry)
            .await
            .unwrap();
    database(&folder.join(format!("{projection}.{serving}.sqlite"))).await
}

async fn database(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .busy_timeout(super::PATIENCE)
        .connect()
        .await
        .unwrap()
}

async fn rows(db: &mut SqliteConnection, sql: &str) -> Vec<String> {
    let found = sqlx::query(AssertSqlSafe(sql)).fetch_all(db).await.unwrap();
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

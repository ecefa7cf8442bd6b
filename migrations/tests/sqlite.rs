//! What the migrations promise about a database file, on real files. What the tables mean is tested where they are used.

use std::path::{Path, PathBuf};

use migrations::{Database, MigrateError, migrate_log, migrate_service};
use sqlx::{ConnectOptions, Connection, SqliteConnection, sqlite::SqliteConnectOptions};

#[tokio::test]
async fn both_databases_are_made_and_making_them_again_changes_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    for _ in 0..2 {
        migrate_log(&folder.path().join("log.db")).await.expect("log");
        migrate_service(&folder.path().join("service.db"))
            .await
            .expect("service");
    }
    let mut log = open(&folder.path().join("log.db")).await;
    let head: i64 = sqlx::query_scalar("select position from head")
        .fetch_one(&mut log)
        .await
        .expect("head");
    assert_eq!(head, 0);
}

#[cfg(unix)]
#[tokio::test]
async fn only_the_owner_can_read_the_file() {
    use std::os::unix::fs::PermissionsExt;

    let (_folder, path) = migrated_log().await;
    let mode = std::fs::metadata(&path).expect("file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test]
async fn a_migration_that_changed_after_it_was_applied_is_refused() {
    let (_folder, path) = migrated_log().await;
    change(&path, "update _sqlx_migrations set checksum = x'00'").await;
    let refused = migrate_log(&path).await.expect_err("the checksum differs");
    assert!(
        matches!(
            refused,
            MigrateError::Changed {
                database: Database::Log,
                migration: 1
            }
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let (_folder, path) = migrated_log().await;
    change(
        &path,
        "insert into _sqlx_migrations (version, description, success, checksum, execution_time)
         values (9999, 'later', true, x'00', 0)",
    )
    .await;
    let refused = migrate_log(&path).await.expect_err("migration 9999 is unknown");
    assert!(
        matches!(
            refused,
            MigrateError::FromTheFuture {
                database: Database::Log,
                migration: 9999
            }
        ),
        "{refused}"
    );
}

#[tokio::test]
async fn a_migration_that_cannot_be_applied_is_named_and_leaves_nothing() {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("log.db");
    migrate_log(&path).await.expect("log");
    change(&path, "delete from _sqlx_migrations; drop table head").await;
    let refused = migrate_log(&path).await.expect_err("the other tables exist already");
    assert!(
        matches!(
            refused,
            MigrateError::Migration {
                database: Database::Log,
                migration: 1,
                ..
            }
        ),
        "{refused}"
    );
    let mut log = open(&path).await;
    let heads: i64 = sqlx::query_scalar("select count(*) from sqlite_schema where name = 'head'")
        .fetch_one(&mut log)
        .await
        .expect("schema");
    assert_eq!(heads, 0);
}

#[tokio::test]
async fn a_folder_that_is_missing_is_an_error_that_names_the_database() {
    let refused = migrate_service(Path::new("/nonexistent/verbatim/service.db"))
        .await
        .expect_err("no such folder");
    assert!(
        matches!(
            refused,
            MigrateError::File {
                database: Database::Service,
                ..
            }
        ),
        "{refused}"
    );
}

async fn migrated_log() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join("log.db");
    migrate_log(&path).await.expect("log");
    (folder, path)
}

async fn change(path: &Path, sql: &'static str) {
    let mut connection = open(path).await;
    sqlx::raw_sql(sql).execute(&mut connection).await.expect("change");
    connection.close().await.expect("close");
}

async fn open(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new()
        .filename(path)
        .connect()
        .await
        .expect("open")
}

#[tokio::test]
async fn the_schema_of_a_log_is_told_without_touching_it() {
    let (_folder, path) = migrated_log().await;
    let mut log = open(&path).await;
    let applied: Vec<(i64, Vec<u8>)> =
        sqlx::query_as("select version, checksum from _sqlx_migrations order by version")
            .fetch_all(&mut log)
            .await
            .expect("applied migrations");
    migrations::check_log(&applied).expect("as it should be");
    let refused = |applied: &[(i64, Vec<u8>)]| migrations::check_log(applied).expect_err("another schema");
    assert!(matches!(refused(&[]), MigrateError::Behind { migration: 1, .. }));
    let newer = [applied.clone(), vec![(9_999, vec![0])]].concat();
    assert!(matches!(
        refused(&newer),
        MigrateError::FromTheFuture { migration: 9_999, .. }
    ));
    assert!(matches!(
        refused(&[(1, vec![0])]),
        MigrateError::Changed { migration: 1, .. }
    ));
}

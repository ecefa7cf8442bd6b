//! The schemas of the databases that must be kept (log and service; views bring their own) as numbered SQL files, and the functions that bring a database to the
//! newest of them. Migrations only go forward; one that was applied and has changed since is refused. No queries live here.
//!
//! To change a schema: add `sqlite/<database>/NNNN_<what>.sql` with the next number; never touch a file that was released.

mod sqlite;

pub use sqlite::{Database, MigrateError, SQLITE_VERSION_MIN, check_log, migrate_log, migrate_service};

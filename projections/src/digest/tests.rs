//! Sums follow every way in which rows change, are the same however changes are cut into transactions, and find rows changed by hand.

use proptest::prelude::*;
use rusqlite::Connection;

use super::{Keys, Recorder, Sum, Table, compare_slice, differing, stored_sums, sums_of_rows, totals};

const TABLES: &[Table] = &[
    Table::of_stream("note", "channel", "channel"),
    Table::of_many("tag", "user", "user"),
];

const SCHEMA: &str = "
    create table note (channel blob not null, seq integer not null, \"by\" blob, body text, primary key (channel, seq)) without rowid;
    create table tag (tag text not null, user blob not null, primary key (user, tag)) without rowid;
    create index tag_name on tag (tag);
";

fn opened(path: &std::path::Path) -> (Connection, Recorder) {
    let connection = Connection::open(path).expect("a database");
    let exists: bool = connection
        .query_row(
            "select exists (select 1 from sqlite_schema where name = 'note')",
            [],
            |row| row.get(0),
        )
        .expect("an answer");
    if !exists {
        connection.execute_batch(SCHEMA).expect("the tables");
    }
    let digest = Recorder::attach(&connection, TABLES).expect("attached");
    (connection, digest)
}

fn in_memory() -> (Connection, Recorder) {
    opened(":memory:".as_ref())
}

fn transact(connection: &Connection, digest: &Recorder, sql: &str) {
    connection
        .execute_batch(&format!("begin immediate;\n{sql}"))
        .expect(sql);
    digest.store(connection).expect("stored");
    connection.execute_batch("commit").expect("committed");
}

/// Nothing is stored that the rows do not add up to, and nothing is left of keys without rows.
fn assert_true(connection: &Connection) {
    for table in TABLES {
        let stored = stored_sums(connection, table, Keys::default()).expect("readable");
        let rows = sums_of_rows(connection, table, Keys::default()).expect("readable");
        assert_eq!(stored, rows, "{}", table.name);
    }
}

const NOTES: &str =
    "insert into note values (x'01', 1, null, 'one'), (x'01', 2, x'aa', 'two'), (x'02', 1, x'aa', 'three');";

#[test]
fn sums_follow_every_way_in_which_rows_change() {
    let ways = [
        "update note set body = 'changed' where seq = 1;",
        "update note set channel = x'03' where channel = x'01';",
        "update note set seq = seq + 10;",
        "update note set body = body;",
        "insert into note values (x'01', 1, null, 'again') on conflict (channel, seq) do update set body = excluded.body;",
        "insert into note values (x'01', 1, null, 'again') on conflict do nothing;",
        "insert or replace into note values (x'01', 1, x'bb', 'replaced');",
        "replace into note select x'01', value ->> 's', null, 'json' from jsonb_each('[{\"s\": 1}, {\"s\": 7}]');",
        "delete from note where channel = x'01' and seq = 1;",
        "delete from note;",
        "insert into tag values ('red', x'aa'); delete from tag; delete from note where channel = x'02';",
        "update note set body = other.body from (select 'joined' as body) as other where channel = x'01';",
    ];
    for way in ways {
        let (connection, digest) = in_memory();
        transact(&connection, &digest, NOTES);
        assert_true(&connection);
        transact(&connection, &digest, way);
        assert_true(&connection);
    }
}

#[test]
fn what_is_rolled_back_leaves_nothing() {
    let (connection, digest) = in_memory();
    transact(&connection, &digest, NOTES);
    let before = totals(&connection).expect("readable");
    connection
        .execute_batch("begin immediate; delete from note; rollback")
        .expect("rolled back");
    connection
        .execute_batch("begin immediate; delete from note")
        .expect("begun");
    digest.store(&connection).expect("stored");
    connection.execute_batch("rollback").expect("rolled back");
    assert_eq!(totals(&connection).expect("readable"), before);
    transact(&connection, &digest, "update note set body = 'later' where seq = 2;");
    assert_true(&connection);
}

#[test]
fn rows_are_not_committed_without_their_sums() {
    let (connection, _digest) = in_memory();
    assert!(connection.execute_batch(NOTES).is_err());
    let notes: i64 = connection
        .query_row("select count(*) from note", [], |row| row.get(0))
        .expect("an answer");
    assert_eq!(notes, 0);
}

#[test]
fn sums_go_on_after_a_restart() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("view.sqlite");
    let (connection, digest) = opened(&path);
    transact(&connection, &digest, NOTES);
    drop((connection, digest));
    let (connection, digest) = opened(&path);
    transact(
        &connection,
        &digest,
        "update note set body = 'later'; delete from note where channel = x'02';",
    );
    assert_true(&connection);
}

#[test]
fn rows_changed_by_hand_are_found_by_their_key() {
    let hands = [
        (
            "update note set body = 'forged' where channel = x'01' and seq = 2",
            vec![vec![1]],
        ),
        ("delete from note where channel = x'02'", vec![vec![2]]),
        ("insert into note values (x'07', 1, null, 'forged')", vec![vec![7]]),
        (
            "update note set channel = x'02', seq = 9 where channel = x'01' and seq = 1",
            vec![vec![1], vec![2]],
        ),
        (
            "update note set \"by\" = null where \"by\" is not null",
            vec![vec![1], vec![2]],
        ),
        ("update note set body = '' where body = 'two'", vec![vec![1]]),
        (
            "update note set channel = 'two' where channel = x'02'",
            vec![vec![2], b"two".to_vec()],
        ),
        ("delete from digest where key = x'01'", vec![vec![1]]),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    for (place, (hand, keys)) in hands.into_iter().enumerate() {
        let path = folder.path().join(place.to_string());
        let (connection, digest) = opened(&path);
        transact(&connection, &digest, NOTES);
        // Another connection, as a person at a console has one.
        Connection::open(&path)
            .expect("a database")
            .execute_batch(hand)
            .expect(hand);
        for rows_max in [1, 2, 100] {
            assert_eq!(
                differing_by_slices(&connection, rows_max),
                keys,
                "{hand} in slices of {rows_max}"
            );
        }
    }
}

fn differing_by_slices(connection: &Connection, rows_max: u64) -> Vec<Vec<u8>> {
    let mut found = vec![];
    let mut above: Option<Vec<u8>> = None;
    loop {
        let slice = compare_slice(connection, &TABLES[0], above.as_deref(), rows_max).expect("compared");
        found.extend(slice.differing.into_iter().map(|difference| difference.key));
        above = slice.reached;
        if above.is_none() {
            found.sort();
            return found;
        }
    }
}

#[test]
fn a_missing_key_adds_up_to_nothing() {
    let one = Sum {
        rows: 1,
        high: 2,
        low: 3,
    };
    let found = differing(&[(vec![1], one)].into(), &[(vec![2], one)].into());
    let sums: Vec<_> = found
        .iter()
        .map(|difference| (difference.stored, difference.rows))
        .collect();
    assert_eq!(sums, [(one, Sum::NOTHING), (Sum::NOTHING, one)]);
}

/// A change of one row, as folds make them.
fn change() -> impl Strategy<Value = String> {
    let (channel, seq, body) = (0..4u8, 1..6u8, "[a-c]{0,3}");
    prop_oneof![
        4 => (channel.clone(), seq.clone(), body).prop_map(|(channel, seq, body)| format!(
            "insert into note values (x'0{channel}', {seq}, null, '{body}') on conflict do update set body = excluded.body || body;"
        )),
        2 => (channel.clone(), seq).prop_map(|(channel, seq)| format!(
            "delete from note where channel = x'0{channel}' and seq = {seq};"
        )),
        1 => channel.prop_map(|channel| format!("update note set body = 'all' where channel = x'0{channel}';")),
    ]
}

proptest! {
    #[test]
    fn the_sums_are_the_same_however_changes_are_cut(changes in prop::collection::vec((change(), any::<bool>()), 1..40)) {
        let (at_once, digest) = in_memory();
        let all: Vec<&str> = changes.iter().map(|(change, _)| change.as_str()).collect();
        transact(&at_once, &digest, &all.concat());
        let (cut, digest) = in_memory();
        let mut run = String::new();
        for (change, ends_run) in &changes {
            run.push_str(change);
            if *ends_run {
                transact(&cut, &digest, &std::mem::take(&mut run));
            }
        }
        transact(&cut, &digest, &run);
        let sums = |connection: &Connection| stored_sums(connection, &TABLES[0], Keys::default()).expect("readable");
        prop_assert_eq!(sums(&at_once), sums(&cut));
        assert_true(&cut);
    }
}

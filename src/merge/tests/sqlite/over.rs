//! Rows that are written over others, where that could come to something else than an update of them.

use std::sync::Arc;

use super::super::sandbox::Values;
use super::*;
use crate::job::OnReferencing;
use crate::merge::ResolvedDestination;
use crate::merge::outside::clause_of;
use crate::value::{Field, Type, Value};

const COLUMNS: &str = "title TEXT, votes INT, budget INT, facts TEXT";

#[tokio::test]
async fn what_is_replaced_and_what_is_new_is_counted_and_the_rest_of_a_row_stays() {
    let sandbox = run_of(5, Mode::Upsert).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (nr INTEGER PRIMARY KEY, id TEXT UNIQUE, {COLUMNS}, seen TEXT NOT NULL DEFAULT 'new', \
           twice INT AS (votes * 2) STORED); \
         INSERT INTO films (id, title, seen) VALUES ('tt0003', 'old', 'mine'), ('other', 'old', 'mine'), ('tt0001', 'old', 'mine')"
    ));
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (5, 2, Some(6)));
    let rows = sandbox.rows("SELECT nr, id, title, twice, seen FROM films ORDER BY nr");
    assert_eq!(
        rows,
        [
            "1|tt0003|film 3 of round 0|6|mine",
            "2|other|old|~|mine",
            "3|tt0001|film 1 of round 0|2|mine",
            "4|tt0000|film 0 of round 0|0|new",
            "5|tt0002|film 2 of round 0|4|new",
            "6|tt0004|film 4 of round 0|8|new",
        ]
    );
    sandbox.execute("DELETE FROM windrow_runs");
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (5, 5, Some(6)), "all are there");
    assert_eq!(sandbox.rows("SELECT nr, id, title, twice, seen FROM films ORDER BY nr"), rows);
}

/// `ON CONFLICT` takes one for each row that it only updates.
#[tokio::test]
async fn a_number_that_is_never_given_twice_is_not_taken_for_a_row_that_stands() {
    let sandbox = run_of(3, Mode::Upsert).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (nr INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE, {COLUMNS}); \
         INSERT INTO films (id) VALUES ('tt0000'), ('tt0001')"
    ));
    assert_eq!(sandbox.publish().await.unwrap().replaced, 2);
    assert_eq!(sandbox.rows("SELECT seq FROM sqlite_sequence WHERE name = 'films'"), ["3"]);
}

#[tokio::test]
async fn triggers_see_an_update_where_a_row_stands_and_an_insertion_where_none_does() {
    let sandbox = run_of(3, Mode::Upsert).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (id TEXT PRIMARY KEY, {COLUMNS}); INSERT INTO films (id) VALUES ('tt0001'); \
         CREATE TABLE seen (what); \
         CREATE TRIGGER bi BEFORE INSERT ON films BEGIN INSERT INTO seen VALUES ('to insert ' || new.id); END; \
         CREATE TRIGGER ai AFTER INSERT ON films BEGIN INSERT INTO seen VALUES ('inserted ' || new.id); END; \
         CREATE TRIGGER bu BEFORE UPDATE ON films BEGIN INSERT INTO seen VALUES ('to update ' || new.id); END; \
         CREATE TRIGGER au AFTER UPDATE ON films BEGIN INSERT INTO seen VALUES ('updated ' || new.id); END"
    ));
    assert_eq!(sandbox.publish().await.unwrap().replaced, 1);
    assert_eq!(
        sandbox.rows("SELECT what FROM seen ORDER BY what"),
        [
            "inserted tt0000",
            "inserted tt0002",
            "to insert tt0000",
            "to insert tt0002",
            "to update tt0001",
            "updated tt0001"
        ]
    );
}

/// A row that is written over another one is looked at as a new one first, with the defaults of what the job does not fill.
#[tokio::test]
async fn a_condition_that_only_a_new_row_would_break_refuses_none_that_stands() {
    for condition in ["CHECK (kind <> 'none' OR votes < 0)", "CHECK (kind <> 'none')"] {
        let sandbox = run_of(2, Mode::Upsert).await;
        sandbox.execute(&format!(
            "CREATE TABLE films (id TEXT PRIMARY KEY, {COLUMNS}, kind TEXT DEFAULT 'none' {condition}); \
             INSERT INTO films (id, kind) VALUES ('tt0000', 'short'), ('tt0001', 'long')"
        ));
        let published = sandbox.publish().await.unwrap_or_else(|error| panic!("{condition}: {error}"));
        assert_eq!((published.rows, published.replaced), (2, 2));
        assert_eq!(sandbox.rows("SELECT kind, votes FROM films ORDER BY id"), ["short|0", "long|1"]);
    }
}

/// Another index than the key's must not decide which row is written over.
#[tokio::test]
async fn a_row_that_meets_another_by_another_index_is_refused_and_named() {
    for (id, index) in [
        ("id TEXT PRIMARY KEY", "CREATE UNIQUE INDEX one ON films (votes)"),
        ("id TEXT", "CREATE UNIQUE INDEX one ON films (id COLLATE NOCASE)"),
        ("id TEXT PRIMARY KEY", "CREATE UNIQUE INDEX one ON films (lower(id))"),
    ] {
        let sandbox = run_of(4, Mode::Upsert).await;
        sandbox.execute(&format!(
            "CREATE TABLE films ({id}, {COLUMNS}); {index}; INSERT INTO films (id, votes) VALUES ('TT0003', 3), ('tt0001', 9)"
        ));
        let said = refused(&sandbox).await.to_string();
        assert!(said.contains("record 3, id \"tt0003\""), "{index}: {said}");
        assert_eq!(sandbox.rejected().await, [3], "{index}");
        let rows = sandbox.rows("SELECT id, votes FROM films ORDER BY id");
        assert_eq!(rows, ["TT0003|3", "tt0000|0", "tt0001|1", "tt0002|2"], "{index}");
    }
}

/// A column without a type has what comes: 7 and 7.0 are alike, and not the same.
#[tokio::test]
async fn a_key_is_written_anew_where_it_may_be_another_value() {
    let numbers: Values = |_, o, _, _| vec![Value::Bigint(o as i64)];
    let field = Field { name: "value".into(), ty: Type::Bigint };
    for (ty, expected) in [("", "integer"), ("INT", "integer"), ("ANY", "integer")] {
        let mut sandbox =
            Sandbox::with(3, vec![("answer", vec![field.clone()])], numbers).await.mode(Mode::Upsert);
        sandbox.job.table.key = vec!["value".into()];
        sandbox.add_round(1, &all_ok).await;
        let sandbox = sandbox.on_sqlite();
        let strict = if ty == "ANY" { "STRICT" } else { "" };
        sandbox.execute(&format!(
            "CREATE TABLE films (id TEXT, value {ty} UNIQUE) {strict}; INSERT INTO films VALUES ('x', 1.0), ('y', 7.0)"
        ));
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.total), (3, 1, Some(4)), "{ty}");
        assert_eq!(sandbox.rows("SELECT typeof(value) FROM films WHERE id = 'tt0001'"), [expected], "{ty}");
    }
}

/// An `INTEGER PRIMARY KEY` is the number by which SQLite finds rows.
#[tokio::test]
async fn rows_are_found_by_the_number_that_sqlite_gives_where_that_is_the_key() {
    let numbers: Values = |_, o, _, _| vec![Value::Bigint(o as i64 * 10)];
    let field = Field { name: "value".into(), ty: Type::Bigint };
    for kind in ["INTEGER PRIMARY KEY", "INTEGER PRIMARY KEY AUTOINCREMENT"] {
        let mut sandbox =
            Sandbox::with(3, vec![("answer", vec![field.clone()])], numbers).await.mode(Mode::Upsert);
        sandbox.job.table.key = vec!["value".into()];
        sandbox.add_round(1, &all_ok).await;
        let sandbox = sandbox.on_sqlite();
        sandbox.execute(&format!(
            "CREATE TABLE films (Value {kind}, id TEXT UNIQUE, n INT DEFAULT 5); INSERT INTO films VALUES (10, 'x', 7), (15, 'y', 8)"
        ));
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.total), (3, 1, Some(4)), "{kind}");
        let rows = sandbox.rows("SELECT * FROM films ORDER BY value");
        assert_eq!(rows, ["0|tt0000|5", "10|tt0001|7", "15|y|8", "20|tt0002|5"], "{kind}");
    }
}

/// What a statement says of conflicts holds in the triggers that it fires, too: so ours says nothing where there are some.
#[tokio::test]
async fn what_a_trigger_ignores_is_ignored() {
    let mut sandbox = run_of(3, Mode::Upsert).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (id TEXT PRIMARY KEY, {COLUMNS}); INSERT INTO films (id) VALUES ('tt0001'); \
         CREATE TABLE counted (id TEXT PRIMARY KEY, n INT DEFAULT 0); INSERT INTO counted VALUES ('all', 7); \
         CREATE TRIGGER i AFTER INSERT ON films BEGIN INSERT OR IGNORE INTO counted (id) VALUES ('all'); \
           UPDATE counted SET n = n + 1; END; \
         CREATE TRIGGER u AFTER UPDATE ON films BEGIN INSERT OR IGNORE INTO counted (id) VALUES ('all'); \
           UPDATE counted SET n = n + 10; END"
    ));
    sandbox.job.table.on_referencing = OnReferencing::Delete;
    assert_eq!(sandbox.publish().await.unwrap().replaced, 1);
    assert_eq!(sandbox.rows("SELECT id, n FROM counted"), ["all|19"]);
}

/// Rows come one by one, and references are looked at after each: that of a row to a later one holds only when all are there.
#[tokio::test]
async fn a_row_may_refer_to_a_later_one() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let numbers: Values = |_, o, _, _| vec![Value::Bigint((o as i64 + 1) % 5)];
        let field = Field { name: "next".into(), ty: Type::Bigint };
        let mut sandbox = Sandbox::with(5, vec![("answer", vec![field])], numbers).await.mode(mode);
        sandbox.ids = (0..5).map(|id: u32| id.to_string()).collect();
        sandbox.add_round(1, &all_ok).await;
        let sandbox = sandbox.on_sqlite();
        sandbox.execute(
            "CREATE TABLE films (id TEXT UNIQUE, next INT, own INT AS (CAST(id AS INT)) STORED UNIQUE, \
               FOREIGN KEY (next) REFERENCES films (own)); INSERT INTO films (id) VALUES ('7')",
        );
        let published = sandbox.publish().await.unwrap_or_else(|error| panic!("{mode:?}: {error}"));
        assert_eq!(published.rows, 5, "{mode:?}");
        assert_eq!(sandbox.rows("SELECT sum(next) FROM films"), ["10"], "{mode:?}");
    }
}

/// The clause for a table by hand with a row in it: with this id, and what stands behind the columns.
async fn clause(id: &str, behind: &str) -> Option<String> {
    let sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Upsert).on_sqlite();
    sandbox.execute(&format!(
        "CREATE TABLE films ({id}, {COLUMNS}{behind}; INSERT INTO films (id) VALUES ('x')"
    ));
    let ResolvedDestination::Server(server) = sandbox.place() else { panic!("a file") };
    let (session, order) = (server.connect().await.unwrap(), Arc::new(sandbox.order().await));
    let over = clause_of(&session, &order).await;
    session.close().await;
    over
}

#[tokio::test]
async fn rows_are_written_over_where_that_comes_to_the_same() {
    let expected = "ON CONFLICT (\"id\") DO UPDATE SET \"title\" = excluded.\"title\", \"votes\" = excluded.\"votes\", \
                    \"budget\" = excluded.\"budget\", \"facts\" = excluded.\"facts\" WHERE windrow_count()";
    for (id, behind) in [
        ("id TEXT PRIMARY KEY", ")"),
        ("id TEXT PRIMARY KEY", ") WITHOUT ROWID"),
        ("nr INTEGER PRIMARY KEY, ID TEXT UNIQUE", ", more DEFAULT 7)"),
        ("id TEXT", "); CREATE UNIQUE INDEX one ON films (id); CREATE UNIQUE INDEX two ON films (title)"),
        ("id TEXT PRIMARY KEY", "); CREATE TABLE of (film REFERENCES films (id) ON UPDATE CASCADE)"),
    ] {
        let clause = clause(id, behind).await.unwrap_or_else(|| panic!("{id} {behind}"));
        assert_eq!(clause.replace("\"ID\"", "\"id\""), expected, "{id} {behind}");
    }
    for (id, behind) in [
        ("nr INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE", ")"),
        ("id TEXT COLLATE NOCASE PRIMARY KEY", ")"),
        ("id TEXT", "); CREATE UNIQUE INDEX one ON films (id COLLATE NOCASE)"),
        ("id TEXT PRIMARY KEY", "); CREATE UNIQUE INDEX one ON films (id COLLATE NOCASE)"),
        ("id TEXT", "); CREATE UNIQUE INDEX one ON films (id, title)"),
        ("id TEXT", "); CREATE UNIQUE INDEX one ON films (id) WHERE votes > 0"),
        ("id TEXT", "); CREATE UNIQUE INDEX one ON films (lower(id))"),
        ("id TEXT", "); CREATE INDEX one ON films (id)"),
        ("id TEXT PRIMARY KEY", "); CREATE TRIGGER t BEFORE INSERT ON films BEGIN SELECT 1; END"),
    ] {
        assert_eq!(clause(id, behind).await, None, "{id} {behind}");
    }
}

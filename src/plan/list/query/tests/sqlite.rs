use std::path::PathBuf;

use super::*;
use crate::database::sqlite::by_hand;

/// An SQLite file, made and closed.
fn made(sandbox: &Sandbox, sql: &str) -> PathBuf {
    let path = sandbox.path().join("it's films.sqlite");
    by_hand::execute(&path, sql);
    path
}

fn of(path: &Path, query: &str, columns: &[&str]) -> Job {
    let mut job = job(Database::Sqlite(path.to_owned()), query);
    job.input.columns = columns.iter().map(|name| (*name).to_owned()).collect();
    job
}

fn beside(path: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(path.parent().unwrap()).unwrap().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_read_in_order_and_in_its_declared_types() {
    let sandbox = Sandbox::new();
    let path = made(
        &sandbox,
        "CREATE TABLE films (id VARCHAR(9), year INT, score DECIMAL(9,2), seen DATETIME, rating REAL, good BOOLEAN, day DATE, \
           facts JSON, any); \
         INSERT INTO films SELECT 'f' || value, value, value / 4.0, '2024-05-31 12:00:00.5+02:00', 0.1 + 0.2, value % 2, \
           '2024-05-31', '{\"a\":  1}', 7 FROM generate_series(0, 4999)"
            .replace("generate_series(0, 4999)", "(WITH RECURSIVE n(value) AS (SELECT 0 UNION ALL SELECT value + 1 FROM n WHERE value < 4999) SELECT value FROM n)")
            .as_str(),
    );
    let columns = ["year", "score", "seen", "rating", "good", "day", "facts", "any", "loud"];
    let job = of(&path, "SELECT *, upper(id) AS loud FROM films ORDER BY year DESC; -- all", &columns);
    let list = read(&job).unwrap();
    assert_eq!(list.records(), 5000);
    assert_eq!((ids(&list)[0].as_str(), ids(&list)[4999].as_str()), ("f4999", "f0"));
    for (name, ty, first) in [
        ("id", Type::Text, "f4999"),
        ("year", Type::Bigint, "4999"),
        ("score", Type::Decimal { precision: 9, scale: 2 }, "1249.75"),
        ("seen", Type::Timestamp, "2024-05-31T10:00:00.5Z"),
        ("rating", Type::Double, "0.30000000000000004"),
        ("good", Type::Boolean, "true"),
        ("day", Type::Date, "2024-05-31"),
        ("facts", Type::Json, "{\"a\":  1}"),
        ("any", Type::Text, "7"),
        ("loud", Type::Text, "F4999"),
    ] {
        assert_eq!((type_of(&list, name), value(&list, name).as_str()), (ty, first), "{name}");
    }
    assert_eq!(list.sha256, digest_now(&job));
}

/// What stands in a column need not be of its type.
#[test]
fn a_value_that_is_not_of_its_columns_type_is_told_with_its_row() {
    let sandbox = Sandbox::new();
    for (ty, value, expected) in [
        ("INTEGER", "'abc'", "\"abc\" is not a bigint"),
        ("INTEGER", "1.5", "\"1.5\" is not a bigint: it has a fraction"),
        ("DECIMAL(9,2)", "0.1 + 0.2", "has more than 2 digits after the point"),
        ("DATE", "1717113600", "is not a date"),
        ("BOOLEAN", "2", "is not a boolean"),
        ("TEXT", "x'00ff'", "a BLOB, which is bytes and no text"),
        ("TEXT", "CAST(x'ff41' AS TEXT)", "a text that is not UTF-8"),
    ] {
        let sql = format!(
            "DROP TABLE IF EXISTS t; CREATE TABLE t (id, value {ty}); INSERT INTO t VALUES (1, NULL), (2, {value})"
        );
        let path = made(&sandbox, &sql);
        let said = mistake(&of(&path, "SELECT * FROM t", &["value"]));
        assert!(
            said.contains("row 2, column \"value\": ") && said.contains(expected),
            "{ty} {value}: {said}"
        );
    }
    let path =
        made(&sandbox, "DROP TABLE t; CREATE TABLE t (id, value INTEGER); INSERT INTO t VALUES (1, 'abc')");
    let mut job = of(&path, "SELECT * FROM t", &["value"]);
    job.input.types = vec![("value".into(), Type::Text)];
    assert_eq!(value(&read(&job).unwrap(), "value"), "abc", "the job's own types come first");
}

#[test]
fn nothing_is_written_and_nothing_left_beside_the_file() {
    let sandbox = Sandbox::new();
    for journal in ["DELETE", "WAL"] {
        let path = made(
            &sandbox,
            &format!(
                "PRAGMA journal_mode = {journal}; CREATE TABLE IF NOT EXISTS t (id); INSERT INTO t VALUES (1)"
            ),
        );
        let before = (std::fs::read(&path).unwrap(), beside(&path));
        read(&of(&path, "SELECT * FROM t GROUP BY id", &[])).unwrap();
        assert_eq!((std::fs::read(&path).unwrap(), beside(&path)), before, "{journal}");
    }
    let path = made(&sandbox, "SELECT 1");
    for (query, expected) in [
        ("DELETE FROM t RETURNING id", "the query writes"),
        ("CREATE TABLE u (n)", "the query gives no columns"),
        ("SELECT id FROM t; SELECT 2", "followed by another statement"),
        ("SELECT id FROM t; DROP TABLE t", "followed by another statement"),
        ("SELECT id FROM t WHERE id = ?", "the query has a parameter"),
        (" -- nothing", "the query is empty"),
        ("SELECT id FROM tt", "no such table: tt"),
        ("SELECT id,\n  nr FROM t", "no such column: nr\n    nr FROM t\n    ^"),
    ] {
        let said = mistake(&of(&path, query, &[]));
        assert!(said.contains(expected), "{query}: {said}");
    }
}

/// Rows that a transaction has not committed yet are nobody's.
#[test]
fn a_file_that_is_written_just_now_is_read_as_it_was() {
    let sandbox = Sandbox::new();
    for (journal, lock) in [("WAL", "IMMEDIATE"), ("DELETE", "IMMEDIATE"), ("DELETE", "EXCLUSIVE")] {
        let path = made(
            &sandbox,
            &format!(
                "PRAGMA journal_mode = {journal}; DROP TABLE IF EXISTS t; CREATE TABLE t (id); INSERT INTO t VALUES (1)"
            ),
        );
        let writer = rusqlite::Connection::open(&path).unwrap();
        writer.execute_batch(&format!("BEGIN {lock}; INSERT INTO t VALUES (2)")).unwrap();
        let ended = std::thread::spawn(move || {
            std::thread::sleep(std::time::Duration::from_millis(500));
            writer.execute_batch("ROLLBACK").unwrap();
            drop(writer);
        });
        assert_eq!(ids(&read(&of(&path, "SELECT id FROM t", &[])).unwrap()), ["1"], "{journal} {lock}");
        ended.join().unwrap();
    }
}

#[test]
fn what_is_no_database_is_told() {
    let sandbox = Sandbox::new();
    let path = sandbox.path().join("ids.csv");
    std::fs::write(&path, "id\n1\n".repeat(999)).unwrap();
    let error = refused(&of(&path, "SELECT 1 AS id", &[])).to_string();
    assert!(error.contains("file is not a database\nhint: is it an SQLite database?"), "{error}");
    let missing = refused(&of(&sandbox.path().join("no.sqlite"), "SELECT 1 AS id", &[])).to_string();
    assert!(missing.contains("no list at"), "{missing}");
    assert!(!sandbox.path().join("no.sqlite").exists());
    let folder = refused(&of(sandbox.path(), "SELECT 1 AS id", &[])).to_string();
    assert!(folder.contains("is a folder"), "{folder}");
}

/// `cargo test --release measured_sqlite -- --ignored --nocapture`
#[test]
#[ignore = "for figures: memory does not grow with the list"]
fn measured_sqlite() {
    let sandbox = Sandbox::new();
    let rows = rows_to_measure();
    let path = made(
        &sandbox,
        &format!(
            "CREATE TABLE t AS WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < {rows}) \
                  SELECT id, 'film ' || id AS title FROM n"
        ),
    );
    measured(&of(&path, "SELECT * FROM t", &["title"]));
}

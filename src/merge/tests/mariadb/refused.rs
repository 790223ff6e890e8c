//! Rows that the server refuses are named: record, id, column, value, rule.

use super::{Sandbox, refused, run_of};
use crate::handoff::Exit;
use crate::job::Mode;
use crate::merge::{End, MergeError};

/// A run of 100 records into a table by hand.
async fn into(mode: Mode, table: &str) -> Sandbox {
    let sandbox = run_of(100, mode).await;
    sandbox.execute(table);
    sandbox
}

/// The one row that a publication is refused for: record, id, columns with values, why.
async fn row(sandbox: &Sandbox) -> (u64, String, String, String) {
    let error = refused(sandbox).await;
    assert_eq!(error.exit(), Exit::Database, "{error}");
    let MergeError::Rows { rows, all, .. } = error else { panic!("{error}") };
    assert_eq!((rows.len(), all), (1, Some(1)), "{rows:?}");
    let row = rows.into_iter().next().unwrap();
    let value = |(name, text): (String, Option<String>)| format!("{name}={}", text.unwrap_or("~".into()));
    (row.record, row.id, row.values.into_iter().map(value).collect::<Vec<_>>().join(" "), row.why)
}

const MODES: [Mode; 4] = [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds];

#[tokio::test]
async fn a_row_that_a_type_or_a_condition_refuses_is_named_with_its_value() {
    for mode in MODES {
        for (columns, value, why) in [
            (
                "title varchar(17), votes bigint, budget integer, facts json",
                "title=film 10 of round 0",
                "Data too long for column 'title'",
            ),
            (
                "title text, votes bigint, budget integer, facts json, CONSTRAINT no_ten CHECK (votes <> 10)",
                "",
                "CONSTRAINT `no_ten` failed for",
            ),
            (
                "title text, votes bigint CHECK (votes <> 10), budget integer, facts json",
                "votes=10",
                "CONSTRAINT `films.votes` failed for",
            ),
        ] {
            let stands = if mode == Mode::Append { "other" } else { "tt0003" };
            let sandbox = Sandbox::of_one_round(11, &super::all_ok).await.mode(mode).on_mariadb();
            sandbox.execute(&format!(
                "CREATE TABLE films (id varchar(20) PRIMARY KEY, {columns}) CHARACTER SET utf8mb4;
                 INSERT INTO films VALUES ('{stands}', 'it stands', 3, 3, '{{}}')"
            ));
            let (record, id, values, said) = row(&sandbox).await;
            assert_eq!((record, id.as_str(), values.as_str()), (10, "tt0010", value), "{mode:?} {columns}");
            assert!(said.starts_with(why), "{mode:?}: {said}");
            assert_eq!(
                sandbox.rows("SELECT id, title FROM films"),
                [format!("{stands}|it stands")],
                "{mode:?}"
            );
            assert_eq!(sandbox.rejected().await, [10], "{mode:?} {columns}");
        }
    }
}

/// The server gives a row without a number one of its own.
#[tokio::test]
async fn a_null_does_not_become_a_number() {
    let ends = |o: u64, e: usize| Some(if (o, e) == (7, 0) { End::Missing } else { End::Ok });
    for mode in [Mode::Append, Mode::Replace, Mode::ReplaceIds] {
        let sandbox = Sandbox::of_one_round(11, &ends).await.mode(mode).on_mariadb();
        sandbox.execute(
            "CREATE TABLE films (id varchar(20), title text, votes bigint unsigned AUTO_INCREMENT PRIMARY KEY, budget int, facts json)
                 CHARACTER SET utf8mb4",
        );
        let (record, id, values, why) = row(&sandbox).await;
        assert_eq!((record, id.as_str(), values.as_str()), (7, "tt0007", "votes=~"), "{mode:?}");
        assert_eq!(why, "it is null, and the server would make up a number (AUTO_INCREMENT)", "{mode:?}");
        assert_eq!(sandbox.rejected().await, [7], "{mode:?}");
        assert_eq!(
            sandbox.rows("SELECT count(*), min(votes), max(votes) FROM films"),
            ["10|0|10"],
            "{mode:?}"
        );
    }
}

#[tokio::test]
async fn a_key_that_is_taken_or_missing_elsewhere_names_the_record() {
    let columns = "title text, votes bigint, budget integer, facts json";
    let table = format!(
        "CREATE TABLE films (id varchar(20) PRIMARY KEY, {columns}, UNIQUE KEY by_votes (votes)) CHARACTER SET utf8mb4;
         INSERT INTO films (id, title, votes) VALUES ('other', 'it stands', 41)"
    );
    for mode in [Mode::Append, Mode::Upsert, Mode::ReplaceIds] {
        let (record, id, values, why) = row(&into(mode, &table).await).await;
        assert_eq!((record, id.as_str(), values.as_str()), (41, "tt0041", "votes=41"), "{mode:?}");
        assert!(why.contains("Duplicate entry '41' for key 'by_votes'"), "{why}");
    }
    let table = format!(
        "CREATE TABLE listed (n bigint PRIMARY KEY); INSERT INTO listed SELECT seq FROM seq_0_to_99 WHERE seq <> 7;
         CREATE TABLE films (id varchar(20) PRIMARY KEY, {columns}, CONSTRAINT of_list FOREIGN KEY (votes) REFERENCES listed (n))
             CHARACTER SET utf8mb4"
    );
    for mode in MODES {
        let sandbox = into(mode, &table).await;
        let (record, id, values, why) = row(&sandbox).await;
        assert_eq!((record, id.as_str(), values.as_str()), (7, "tt0007", "votes=7"), "{mode:?}");
        assert_eq!(sandbox.rejected().await, [7], "{mode:?}");
        assert!(why.contains("of_list"), "{why}");
    }
}

#[tokio::test]
async fn rows_that_are_refused_only_beside_each_other_are_named() {
    let table = "CREATE TABLE films (id varchar(20) PRIMARY KEY, title text, votes bigint, budget integer, facts json,
                     tens bigint AS (votes DIV 10) STORED, half varchar(6) AS (left(title, 6)) STORED, UNIQUE KEY halves (title(6)))
                 CHARACTER SET utf8mb4";
    let error = refused(&into(Mode::Upsert, table).await).await;
    let MergeError::Rows { rows, .. } = error else { panic!("{error}") };
    assert!(rows[0].why.contains("halves lets only one"), "{rows:?}");
}

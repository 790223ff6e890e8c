//! Rows that a DuckDB table refuses are named: record, id, column, value, rule. `postgres/refused.rs` has the same of
//! a server.

use super::sandbox::{Sandbox, all_ok, film_values};
use crate::handoff::Exit;
use crate::job::Mode;
use crate::merge::{End, MergeError};

const MODES: [Mode; 4] = [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds];

/// The rows that a publication is refused for, as "record id columns with values: why", and how many they are.
async fn refused(sandbox: &Sandbox) -> (Vec<String>, u64) {
    let before = sandbox.rows("SELECT count(*) FROM films");
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Database, "{error}");
    assert_eq!(sandbox.rows("SELECT count(*) FROM films"), before);
    let MergeError::Rows { rows, all, .. } = error else { panic!("{error}") };
    let value = |(name, text): (String, Option<String>)| format!("{name}={}", text.unwrap_or("~".into()));
    let named = rows.into_iter().map(|row| {
        let values: Vec<String> = row.values.into_iter().map(value).collect();
        format!("{} {} {}: {}", row.record, row.id, values.join(" "), row.why)
    });
    (named.collect(), all.unwrap())
}

/// A publication of 50 records into a table by hand, with a row that stands and comes again.
async fn into(mode: Mode, table: &str) -> (Vec<String>, u64) {
    let sandbox = Sandbox::of_one_round(50, &all_ok).await.mode(mode);
    sandbox.execute(table);
    if mode != Mode::Append {
        sandbox.execute(
            "INSERT INTO films (id, title, votes, budget) VALUES ('tt0003', 'film 3 of round 0', 3, 30)",
        );
    }
    let (rows, all) = refused(&sandbox).await;
    if all == 1 {
        let record: u64 = rows[0].split_once(' ').unwrap().0.parse().unwrap();
        assert_eq!(sandbox.rejected().await, [record], "{rows:?}");
    }
    (rows, all)
}

#[tokio::test]
async fn a_row_that_a_condition_refuses_is_named_with_its_value() {
    for mode in MODES {
        for (columns, expected) in [
            (
                "title TEXT, votes BIGINT CHECK (votes <> 10), budget INTEGER, facts JSON",
                "10 tt0010 votes=10: CHECK((votes != 10))",
            ),
            (
                "title TEXT, votes BIGINT, budget INTEGER, facts JSON, more INTEGER, CHECK (votes < 48 OR budget < 490)",
                "49 tt0049 votes=49 budget=490: CHECK(((votes < 48) OR (budget < 490)))",
            ),
            (
                "title TEXT, votes BIGINT, budget INTEGER, facts JSON, CHECK (CAST(CASE votes WHEN 10 THEN 'x' END AS INTEGER) = 1)",
                "10 tt0010 votes=10: CHECK((CAST(CASE  WHEN ((votes = 10)) THEN ('x') ELSE NULL END AS INTEGER) = 1))",
            ),
            (
                "title TEXT, votes BIGINT, budget INTEGER, facts JSON, \
                 more INTEGER AS (CAST(CASE votes WHEN 10 THEN 'x' END AS INTEGER))",
                "10 tt0010 votes=10: the generated column \"more\" cannot be computed",
            ),
            (
                "title ENUM ('film 3 of round 0'), votes BIGINT, budget INTEGER, facts JSON",
                "0 tt0000 title=film 0 of round 0: it is no value of type ENUM('film 3 of round 0')",
            ),
        ] {
            let (rows, all) =
                into(mode, &format!("CREATE TABLE films (id TEXT PRIMARY KEY, {columns})")).await;
            assert_eq!(rows[0], expected, "{mode:?}");
            let expected = if expected.contains("ENUM") { (10, 49) } else { (1, 1) };
            assert_eq!((rows.len(), all), expected, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn a_null_where_none_may_be_names_the_record() {
    let ends = |o: u64, e: usize| Some(if (o, e) == (20, 0) { End::Missing } else { End::Ok });
    let sandbox = Sandbox::of_one_round(30, &ends).await;
    sandbox.execute(
        "CREATE TABLE films (id TEXT, title TEXT NOT NULL, votes BIGINT, budget INTEGER, facts JSON)",
    );
    assert_eq!(refused(&sandbox).await, (vec!["20 tt0020 title=~: NOT NULL".into()], 1));
}

#[tokio::test]
async fn a_key_that_is_taken_or_missing_elsewhere_names_the_record() {
    let stands = "INSERT INTO films (id, votes) VALUES ('other', 41)";
    for mode in [Mode::Append, Mode::Upsert, Mode::ReplaceIds] {
        for (unique, name) in [("", "the unique index \"by_votes\""), (", UNIQUE (votes)", "UNIQUE(votes)")] {
            let index = if unique.is_empty() { "CREATE UNIQUE INDEX by_votes ON films (votes)" } else { "" };
            let (rows, all) = into(
                mode,
                &format!(
                    "CREATE TABLE films (id TEXT PRIMARY KEY, title TEXT, votes BIGINT, budget INTEGER, facts JSON{unique}); \
                     {index}; {stands}"
                ),
            )
            .await;
            let expected =
                format!("41 tt0041 votes=41: another row has that value, and {name} lets only one");
            assert_eq!((rows, all), (vec![expected], 1), "{mode:?}");
        }
    }
    let (rows, all) = into(
        Mode::Append,
        "CREATE TABLE listed (n BIGINT PRIMARY KEY); INSERT INTO listed SELECT n FROM range(50) r(n) WHERE n <> 7; \
         CREATE TABLE films (id TEXT PRIMARY KEY, title TEXT, votes BIGINT REFERENCES listed (n), budget INTEGER, facts JSON)",
    )
    .await;
    assert_eq!((rows, all), (vec!["7 tt0007 votes=7: FOREIGN KEY (votes) REFERENCES listed(n)".into()], 1));
}

#[tokio::test]
async fn rows_that_are_refused_only_beside_each_other_are_named_together() {
    let mut sandbox = Sandbox::new(40).await.mode(Mode::Append);
    sandbox.values = |round, o, endpoint, part| match (endpoint, o) {
        (0, 31) => film_values(round, 12, 0, part),
        _ => film_values(round, o, endpoint, part),
    };
    sandbox.add_round(2, &all_ok).await;
    sandbox.execute(
        "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
         CREATE UNIQUE INDEX once ON films (lower(title), votes)",
    );
    let (rows, all) = refused(&sandbox).await;
    let why = "another row has that value, and the unique index \"once\" lets only one";
    assert_eq!((rows, all), ([12, 31].map(|o| format!("{o} tt00{o} votes=12: {why}")).to_vec(), 2));
}

/// DuckDB reads an index of a file at the first INSERT, and a DELETE before that stayed unknown to it.
#[tokio::test]
async fn a_unique_index_on_any_column_lets_rows_come_again() {
    for index in ["(votes)", "(id)", "(lower(title))", "(votes, budget)"] {
        for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
            for key in ["", " PRIMARY KEY"] {
                let sandbox = Sandbox::of_one_round(50, &all_ok).await.mode(mode);
                sandbox.execute(&format!(
                    "CREATE TABLE films (id TEXT{key}, title TEXT, votes BIGINT, budget INTEGER, facts JSON); \
                     CREATE UNIQUE INDEX by_it ON films {index}; INSERT INTO films \
                     SELECT 'tt' || lpad(n::TEXT, 4, '0'), 'film ' || n || ' of round 0', n, n * 10, NULL FROM range(50) r(n)"
                ));
                let published = sandbox.publish().await.unwrap();
                assert_eq!((published.rows, published.replaced), (50, 50), "{index} {mode:?}");
                assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE facts IS NULL"), ["0"]);
            }
        }
    }
}

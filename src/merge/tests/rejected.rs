//! Records that the table refuses, and the job lets it: the rest is published, and they are named. The model has random
//! ones, with pauses and retries.

use super::engines::{Engine, MODES, on_each, statement};
use super::kinds::Kind;
use super::sandbox::{NOW, Sandbox, TERMS, Values, all_ok, film_values};
use crate::handoff::Exit;
use crate::job::{Mode, OnFailure};
use crate::merge::{End, MergeError, Published, Terms, publish};
use crate::value::Value;

on_each! {
    [duckdb, postgres, mariadb, sqlite]
    the_rest_is_published_and_what_stands_under_a_rejected_id_stays,
    more_than_the_job_allows_are_named_and_nothing_is_published,
    what_was_rejected_is_tried_again_when_the_table_takes_it,
    a_retry_tries_what_was_rejected_again,
    a_record_of_several_rows_is_rejected_as_a_whole,
    of_records_that_only_one_can_be_of_the_first_is_written,
    records_that_different_rules_refuse_are_all_found,
    the_gate_counts_what_is_rejected,
    a_run_of_which_all_is_rejected_does_not_replace_a_table,
    a_statement_sees_only_what_is_written;
    [duckdb, postgres, sqlite]
    a_row_that_waits_for_another_of_the_run_is_not_rejected;
}

const COLUMNS: &str = "title TEXT, votes BIGINT, budget INTEGER, facts JSON";

/// The same run, of which the table may refuse so many records.
fn of(mut sandbox: Sandbox, most: u64) -> Sandbox {
    sandbox.job.publish.max_rejected = most;
    sandbox
}

/// A run of so many records with these values.
async fn with(on: Engine, records: u64, values: Values, most: u64) -> Sandbox {
    let mut sandbox = Sandbox::new(records).await.mode(Mode::Append);
    sandbox.values = values;
    sandbox.add_round(2, &all_ok).await;
    of(sandbox.on(on), most)
}

/// A table in which neither 10 nor 33 may stand, with rows of two ids of the list; an upsert has a key.
fn table(mode: Mode) -> String {
    let key = if mode == Mode::Append { "" } else { " PRIMARY KEY" };
    let columns = COLUMNS.replace("BIGINT", "BIGINT CHECK (votes NOT IN (10, 33))");
    let first = "INSERT INTO films (id, title, votes) VALUES";
    format!(
        "CREATE TABLE films (id TEXT{key}, {columns}); {first} ('tt0010', 'stands', 1); {first} ('tt0003', 'stands', 2)"
    )
}

/// What lets all of them stand.
async fn lift(sandbox: &Sandbox) {
    sandbox.execute("ALTER TABLE films RENAME TO once_films");
    let key = if sandbox.job.table.mode == Mode::Append { "" } else { " PRIMARY KEY" };
    sandbox.execute(&format!("CREATE TABLE films (id TEXT{key}, {COLUMNS})"));
    sandbox.execute(
        "INSERT INTO films (id, title, votes, budget, facts) SELECT id, title, votes, budget, facts FROM once_films; \
         DROP TABLE once_films",
    );
}

/// What was rejected: record, id and values.
fn rejected(published: &Published) -> Vec<String> {
    let row = |row: &crate::handoff::RefusedRow| format!("{} {} {}", row.record, row.id, row.shown_values());
    published.outcome.rejected.iter().map(row).collect()
}

/// Publishes once more, as `windrow merge` does.
async fn merge_again(sandbox: &Sandbox) -> Published {
    let terms = Terms { again: true, ..TERMS };
    let proof = sandbox.prove().await.unwrap();
    publish(&sandbox.run, &sandbox.job, &sandbox.place(), &proof, &terms, std::future::pending())
        .await
        .unwrap()
}

async fn the_rest_is_published_and_what_stands_under_a_rejected_id_stays(on: Engine) {
    for mode in MODES {
        let sandbox = of(on.run_of(50, mode).await, 2);
        sandbox.execute(&table(mode));
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.left_out), (48, 0), "{on:?} {mode:?}");
        let named = rejected(&published);
        let ids: Vec<&str> = named.iter().map(|row| &row[..9]).collect();
        assert_eq!(ids, ["10 tt0010", "33 tt0033"], "{on:?} {mode:?}");
        assert!(published.outcome.rejected.iter().all(|row| !row.why.is_empty()));
        assert_eq!(sandbox.run.outcome().await.unwrap().unwrap(), published.outcome);
        let stands = sandbox.rows("SELECT title FROM films WHERE id = 'tt0010'");
        let is_kept = mode != Mode::Replace;
        assert_eq!(stands, if is_kept { vec!["stands"] } else { vec![] }, "{on:?} {mode:?}");
        let written = sandbox.rows("SELECT count(*), count(DISTINCT id) FROM films WHERE title <> 'stands'");
        assert_eq!(written, ["48|48"], "{on:?} {mode:?}");
        assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["48"], "{on:?}");
        let again = sandbox.publish().await.unwrap();
        assert_eq!((again.already, rejected(&again)), (true, named), "{on:?} {mode:?}");
    }
}

async fn more_than_the_job_allows_are_named_and_nothing_is_published(on: Engine) {
    let sandbox = of(on.run_of(50, Mode::Upsert).await, 1);
    sandbox.execute(&table(Mode::Upsert));
    let before = sandbox.table();
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Database, "{error}");
    let said = error.to_string();
    assert!(
        said.contains("refuses records of the run, more than the job allows (max_rejected = 1)"),
        "{said}"
    );
    let MergeError::Rows { rows, all, .. } = error else { panic!("{said}") };
    assert_eq!((rows.len(), all), (2, Some(2)), "{said}");
    assert_eq!(sandbox.table(), before);
    assert_eq!(sandbox.run.outcome().await.unwrap(), None);
}

async fn what_was_rejected_is_tried_again_when_the_table_takes_it(on: Engine) {
    for mode in MODES {
        let sandbox = of(on.run_of(50, mode).await, 2);
        sandbox.execute(&table(mode));
        sandbox.publish().await.unwrap();
        // The table still refuses them: nothing changes.
        let before = sandbox.table();
        let unchanged = merge_again(&sandbox).await;
        assert_eq!((rejected(&unchanged).len(), sandbox.table()), (2, before), "{on:?} {mode:?}");
        lift(&sandbox).await;
        assert!(sandbox.publish().await.unwrap().already, "{on:?} {mode:?}");
        let published = merge_again(&sandbox).await;
        let whole = if mode == Mode::Replace { 50 } else { 2 };
        assert_eq!((published.rows, rejected(&published)), (whole, vec![]), "{on:?} {mode:?}");
        let there = sandbox.rows("SELECT count(*), count(DISTINCT id) FROM films WHERE title <> 'stands'");
        assert_eq!(there, ["50|50"], "{on:?} {mode:?}");
        assert_eq!(
            sandbox.rows("SELECT count(*), sum(\"rows\") FROM windrow_runs"),
            ["1|50"],
            "{on:?} {mode:?}"
        );
        assert!(merge_again(&sandbox).await.already, "{on:?} {mode:?}");
    }
}

async fn a_retry_tries_what_was_rejected_again(on: Engine) {
    let first = |o: u64, e: usize| Some(if (o, e) == (7, 0) { End::Failed } else { End::Ok });
    let second = |o: u64, e: usize| ((o, e) == (7, 0)).then_some(End::Ok);
    for mode in [Mode::Append, Mode::Upsert, Mode::ReplaceIds] {
        let run = async || {
            let mut sandbox = Sandbox::of_one_round(50, &first).await.mode(mode);
            sandbox.on_failure([OnFailure::Skip; 2]);
            sandbox
        };
        let mut sandbox = of(run().await.on(on), 2);
        sandbox.execute(&table(mode));
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.left_out, rejected(&published).len()), (47, 1, 2), "{on:?}");
        sandbox.add_round(1, &second).await;
        lift(&sandbox).await;
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, rejected(&published)), (3, vec![]), "{on:?} {mode:?}");
        let there = sandbox.rows("SELECT count(*), count(DISTINCT id) FROM films WHERE title <> 'stands'");
        assert_eq!(there, ["50|50"], "{on:?} {mode:?}");
    }
}

/// Part of an id's rows would be taken for all of them.
async fn a_record_of_several_rows_is_rejected_as_a_whole(on: Engine) {
    for mode in MODES {
        let run = async || {
            let mut sandbox = Sandbox::new(20).await.mode(mode).exploding(0, |_, _| 3).await;
            sandbox.add_round(2, &all_ok).await;
            if mode == Mode::Upsert {
                sandbox.job.table.key = vec!["id".into(), "votes".into()];
            }
            sandbox
        };
        let sandbox = of(run().await.on(on), 1);
        let table = format!(
            "CREATE TABLE films (id TEXT, {})",
            COLUMNS.replace("BIGINT", "BIGINT CHECK (votes <> 1017)")
        );
        let table = match sandbox.is_on_mariadb() && mode == Mode::Upsert {
            true => table
                .replace("id TEXT", "id VARCHAR(60)")
                .replace("facts JSON", "facts JSON, UNIQUE KEY (id, votes)"),
            false => table,
        };
        sandbox.execute(&table);
        let published = sandbox.publish().await.unwrap();
        assert_eq!(published.rows, 57, "{on:?} {mode:?}");
        let row = &published.outcome.rejected[0];
        assert_eq!((row.record, row.id.as_str()), (17, "tt0017"), "{on:?} {mode:?}");
        assert_eq!(row.values, [("votes".to_owned(), Some("1017".to_owned()))], "{on:?} {mode:?}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE id = 'tt0017'"), ["0"], "{on:?} {mode:?}");
    }
}

/// Of the records 12 and 31 with one number, and of 20, whose number stands.
async fn of_records_that_only_one_can_be_of_the_first_is_written(on: Engine) {
    let values: Values = |round, o, endpoint, part| match (endpoint, o) {
        (0, 31) => film_values(round, 12, 0, part),
        _ => film_values(round, o, endpoint, part),
    };
    let sandbox = with(on, 40, values, 2).await;
    sandbox.execute(&format!(
        "CREATE TABLE films (id TEXT, {COLUMNS}); CREATE UNIQUE INDEX once ON films (votes); \
         INSERT INTO films (id, votes) VALUES ('other', 20)"
    ));
    let published = sandbox.publish().await.unwrap();
    let records: Vec<u64> = published.outcome.rejected.iter().map(|row| row.record).collect();
    assert_eq!((published.rows, records), (38, vec![20, 31]), "{on:?}");
    assert_eq!(sandbox.rows("SELECT id FROM films WHERE votes = 12"), ["tt0012"], "{on:?}");
}

/// Rules of every kind in one run: each refused record is found, and none besides.
async fn records_that_different_rules_refuse_are_all_found(on: Engine) {
    let values: Values = |round, o, endpoint, part| match (endpoint, o) {
        (0, 31) => film_values(round, 12, 0, part),
        (0, 8 | 9) => {
            vec![Value::Text("longer than any other title of a film".into()), Value::Bigint(o as i64)]
        }
        _ => film_values(round, o, endpoint, part),
    };
    let sandbox = with(on, 40, values, 6).await;
    let title = if sandbox.is_on_mariadb() { "VARCHAR(30)" } else { "TEXT CHECK (length(title) <= 30)" };
    sandbox.execute("CREATE TABLE listed (n BIGINT PRIMARY KEY)");
    let listed: Vec<String> = (0..40).filter(|n| *n != 25).map(|n| format!("({n})")).collect();
    sandbox.execute(&format!("INSERT INTO listed VALUES {}", listed.join(", ")));
    sandbox.execute(&format!(
        "CREATE TABLE films (id TEXT, title {title}, votes BIGINT, budget INTEGER NOT NULL CHECK (budget <> 390), facts JSON, \
         FOREIGN KEY (votes) REFERENCES listed (n)); \
         CREATE UNIQUE INDEX once ON films (votes); INSERT INTO films (id, votes, budget) VALUES ('other', 20, 1)"
    ));
    let published = sandbox.publish().await.unwrap();
    let records: Vec<u64> = published.outcome.rejected.iter().map(|row| row.record).collect();
    assert_eq!((published.rows, records), (34, vec![8, 9, 20, 25, 31, 39]), "{on:?}");
}

/// A row may refer to one that comes later in the list: it is not refused for that.
async fn a_row_that_waits_for_another_of_the_run_is_not_rejected(on: Engine) {
    let values: Values = |round, o, endpoint, part| {
        let mut values = film_values(round, o, endpoint, part);
        // Each refers to the next but one; the last two to themselves, and one to nothing that is there.
        if endpoint == 1 {
            let next = if o == 5 { 99 } else { (o + 2).min(if o >= 18 { o } else { 19 }) };
            values[0] = Value::Integer(next as i32);
        }
        values
    };
    let sandbox = with(on, 20, values, 3).await;
    sandbox.execute(
        "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT UNIQUE, budget BIGINT, facts JSON, \
         FOREIGN KEY (budget) REFERENCES films (votes))",
    );
    // DuckDB looks only at rows that stood before (and MariaDB at every row by itself): it takes such a run from nobody.
    if on == Engine::DuckDb {
        let said = sandbox.publish().await.unwrap_err().to_string();
        assert!(said.contains("budget = \"2\": FOREIGN KEY (budget) REFERENCES films(votes)"), "{said}");
        return;
    }
    let published = sandbox.publish().await.unwrap();
    let records: Vec<u64> = published.outcome.rejected.iter().map(|row| row.record).collect();
    // 3 and 1 refer to 5, by way of each other.
    assert_eq!((published.rows, records), (17, vec![1, 3, 5]), "{on:?}");
}

async fn the_gate_counts_what_is_rejected(on: Engine) {
    let mut sandbox = of(on.run_of(50, Mode::Upsert).await, 2);
    sandbox.execute(&table(Mode::Upsert));
    let before = sandbox.table();
    sandbox.job.publish.min_success = Some(0.97);
    let said = sandbox.publish().await.unwrap_err().to_string();
    assert!(said.contains("96 % of the records succeeded (48 of 50), the job asks for 97 %"), "{said}");
    assert_eq!(sandbox.table(), before);
    sandbox.job.publish.min_success = Some(0.96);
    sandbox.job.publish.min_rows = Some(49);
    let said = sandbox.publish().await.unwrap_err().to_string();
    assert!(said.contains("the run brings 48 rows, the job asks for at least 49"), "{said}");
    assert_eq!(sandbox.publish_anyway().await.unwrap().rows, 48);
}

/// That everything is rejected is no success of a run that replaces.
async fn a_run_of_which_all_is_rejected_does_not_replace_a_table(on: Engine) {
    let mut sandbox = of(on.run_of(5, Mode::Replace).await, 5);
    sandbox.job.publish.min_success = None;
    let columns = COLUMNS.replace("BIGINT", "BIGINT CHECK (votes > 100)");
    sandbox.execute(&format!(
        "CREATE TABLE films (id TEXT, {columns}); INSERT INTO films (id, votes) VALUES ('a', 101)"
    ));
    let error = sandbox.publish().await.unwrap_err();
    assert_eq!(error.exit(), Exit::Refused, "{error}");
    assert_eq!(sandbox.rows("SELECT id FROM films"), ["a"]);
}

async fn a_statement_sees_only_what_is_written(on: Engine) {
    let mut sandbox = of(on.run_of(50, Mode::Upsert).await, 2);
    sandbox.execute(&table(Mode::Upsert));
    sandbox.execute("CREATE TABLE seen (rows_seen BIGINT)");
    sandbox.job.before = vec![statement("INSERT INTO seen SELECT count(*) FROM windrow_rows")];
    assert_eq!(sandbox.publish().await.unwrap().rows, 48);
    assert_eq!(sandbox.rows("SELECT rows_seen FROM seen"), ["48"]);
}

#[tokio::test]
async fn rejected_records_are_a_view_of_the_run() {
    let mut sandbox = Sandbox::of_one_round(50, &all_ok).await.mode(Mode::Upsert).into_kind(Kind::Database);
    sandbox.job.publish.max_rejected = 2;
    let ask = async |sandbox: &Sandbox| {
        let sql = "SELECT ordinal, id, value, why FROM rejected ORDER BY 1";
        crate::merge::query(&sandbox.run, Some(&sandbox.job), sql, None).await.unwrap().rows
    };
    assert!(ask(&sandbox).await.is_empty());
    sandbox.execute(&table(Mode::Upsert));
    sandbox.publish().await.unwrap();
    let texts = |texts: [&str; 4]| texts.map(|text| Some(text.to_owned())).to_vec();
    let why = "CHECK((votes NOT IN (10, 33)))";
    assert_eq!(
        ask(&sandbox).await,
        [texts(["10", "tt0010", "votes = \"10\"", why]), texts(["33", "tt0033", "votes = \"33\"", why])]
    );
    assert_eq!(sandbox.run.outcome().await.unwrap().unwrap().at, NOW);
}

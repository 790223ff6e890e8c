use std::path::PathBuf;

use super::kinds::Kind;
use super::sandbox::{Sandbox, all_ok};
use crate::handoff::Exit;
use crate::job::{Mode, OnFailure, Publish, Statement};
use crate::merge::End;

fn statement(sql: &str) -> Statement {
    Statement { sql: sql.into(), file: None }
}

fn report(sandbox: &Sandbox, sql: &str) -> (Statement, PathBuf) {
    let path = sandbox.run.folder().with_file_name("report.csv");
    (Statement { sql: sql.into(), file: Some(path.clone()) }, path)
}

/// The same run, once for a DuckDB file, PostgreSQL, MariaDB and an SQLite file.
async fn everywhere(mode: Mode, ends: fn(u64, usize) -> Option<End>) -> [Sandbox; 4] {
    let run = async || Sandbox::of_one_round(6, &ends).await.mode(mode);
    [run().await, run().await.on_postgres(), run().await.on_mariadb(), run().await.on_sqlite()]
}

const TABLE: &str = "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON)";

#[tokio::test]
async fn what_a_statement_deletes_among_the_rows_is_not_written() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        for mut sandbox in everywhere(mode, all_ok).await {
            sandbox.execute(TABLE);
            sandbox.execute("INSERT INTO films VALUES ('tt0003', 'old', 1, 1, NULL)");
            sandbox.execute("CREATE TABLE gone (id TEXT); INSERT INTO gone VALUES ('tt0003'), ('tt0005')");
            sandbox.job.before =
                vec![statement("DELETE FROM windrow_rows WHERE id IN (SELECT id FROM gone)")];
            let published = sandbox.publish().await.unwrap();
            assert_eq!((published.rows, published.withheld), (4, 2), "{mode:?}");
            let rows = sandbox.rows("SELECT title FROM films WHERE id IN ('tt0003', 'tt0005')");
            let stays = matches!(mode, Mode::Append | Mode::Upsert);
            assert_eq!(rows, if stays { vec!["old"] } else { vec![] }, "{mode:?}");
            assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["4"]);
            assert!(sandbox.publish().await.unwrap().already);
        }
    }
}

#[tokio::test]
async fn what_a_statement_changes_among_the_rows_is_written_so() {
    for mut sandbox in everywhere(Mode::Upsert, all_ok).await {
        sandbox.job.before = vec![
            statement("UPDATE windrow_rows SET title = concat('named ', windrow_ordinal) WHERE votes > 3"),
            statement("UPDATE windrow_rows SET budget = NULL WHERE id = 'tt0000'"),
        ];
        assert_eq!(sandbox.publish().await.unwrap().rows, 6);
        let titles = sandbox.rows("SELECT title FROM films WHERE title LIKE 'named%' ORDER BY 1");
        assert_eq!(titles, ["named 4", "named 5"]);
        assert_eq!(sandbox.rows("SELECT id FROM films WHERE budget IS NULL"), ["tt0000"]);
    }
}

/// What is written are the rows of the run: one more would be published without a record that it belongs to.
#[tokio::test]
async fn rows_that_a_statement_adds_among_them_are_refused() {
    let twice = "INSERT INTO windrow_rows SELECT * FROM windrow_rows WHERE id = 'tt0003'";
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        for mut sandbox in everywhere(mode, all_ok).await {
            sandbox.job.before = vec![statement(twice)];
            let error = sandbox.publish().await.unwrap_err();
            assert_eq!(error.exit(), Exit::Usage, "{mode:?}: {error}");
            assert!(error.to_string().contains("windrow_rows has 7 rows after it and had 6"), "{error}");
            sandbox.job.before = Vec::new();
            assert_eq!(sandbox.publish().await.unwrap().rows, 6, "{mode:?}");
        }
    }
}

#[tokio::test]
async fn a_key_that_a_statement_changes_is_the_key_from_then_on() {
    for key in ["", " PRIMARY KEY"] {
        for mut sandbox in everywhere(Mode::Upsert, all_ok).await {
            sandbox.execute(&TABLE.replace("id TEXT", &format!("id TEXT{key}")));
            sandbox.execute(
                "INSERT INTO films (id, title) VALUES ('tt0002', 'stays'), ('TT3', 'goes'), ('new', 'goes')",
            );
            sandbox.job.before = vec![
                statement("UPDATE windrow_rows SET id = 'TT3' WHERE id = 'tt0003'"),
                // One of several rows under a key that comes about here, and one that is not written.
                statement("UPDATE windrow_rows SET id = 'new' WHERE id IN ('tt0001', 'tt0002', 'tt0004')"),
                statement("DELETE FROM windrow_rows WHERE id = 'tt0005'"),
            ];
            let published = sandbox.publish().await.unwrap();
            let counts = (published.rows, published.withheld, published.duplicates.rows, published.total);
            assert_eq!(counts, (3, 1, 2, Some(4)), "{key}");
            let expected = [
                "TT3|film 3 of round 0",
                "new|film 4 of round 0",
                "tt0000|film 0 of round 0",
                "tt0002|stays",
            ];
            assert_eq!(
                sandbox.rows("SELECT id, title FROM films ORDER BY id COLLATE \"C\""),
                expected,
                "{key}"
            );
        }
    }
}

#[tokio::test]
async fn a_key_that_a_statement_makes_null_is_refused() {
    for mut sandbox in everywhere(Mode::Upsert, all_ok).await {
        sandbox.job.before = vec![statement("UPDATE windrow_rows SET id = NULL WHERE id = 'tt0003'")];
        let error = sandbox.publish().await.unwrap_err();
        assert!(
            error
                .to_string()
                .contains("1 rows have no value in the key column \"id\"; the first is record 3"),
            "{error}"
        );
    }
}

#[tokio::test]
async fn rows_that_a_statement_puts_into_the_table_stand_there() {
    for is_there in [true, false] {
        for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
            for mut sandbox in everywhere(mode, all_ok).await {
                if is_there {
                    sandbox.execute(TABLE);
                }
                // Where the table is made with a key, rows of that key cannot be added.
                let id = if mode == Mode::Append { "other" } else { "tt0003" };
                let insert = format!("INSERT INTO films (id, title) VALUES ('{id}', 'put'), ('kept', 'put')");
                sandbox.job.before = vec![statement(&insert)];
                let published = sandbox.publish().await.unwrap();
                assert_eq!(published.rows, 6, "{mode:?}");
                let expected: &[&str] = match mode {
                    Mode::Append => &["kept", "other"],
                    Mode::Upsert | Mode::ReplaceIds => &["kept"],
                    Mode::Replace => &[],
                };
                let put = sandbox.rows("SELECT id FROM films WHERE title = 'put' ORDER BY 1");
                assert_eq!(put, expected, "{mode:?} {is_there}");
                assert_eq!(sandbox.rows("SELECT count(*) FROM films"), [(6 + expected.len()).to_string()]);
            }
        }
    }
}

#[tokio::test]
async fn kept_columns_stay_where_the_rows_are_staged() {
    let fails = |ordinal: u64, endpoint: usize| match (ordinal, endpoint) {
        (2, 1) => Some(End::Failed),
        _ => Some(End::Ok),
    };
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        for mut sandbox in everywhere(mode, fails).await {
            sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
            sandbox.job.table.key = if mode == Mode::ReplaceIds { vec![] } else { vec!["id".into()] };
            sandbox.execute(TABLE);
            sandbox.execute("INSERT INTO films VALUES ('tt0002', 'old', 1, 77, NULL)");
            sandbox.job.after = vec![statement("SELECT count(*) FROM windrow_rows")];
            assert_eq!(sandbox.publish().await.unwrap().rows, 6, "{mode:?}");
            let kept = "SELECT budget FROM films WHERE id = 'tt0002' AND title <> 'old'";
            assert_eq!(sandbox.rows(kept), ["77"], "{mode:?}");
        }
    }
}

#[tokio::test]
async fn statements_see_the_list_and_what_failed_and_write_reports() {
    let fails = |ordinal: u64, endpoint: usize| match (ordinal, endpoint) {
        (1 | 4, 1) => Some(End::Failed),
        _ => Some(End::Ok),
    };
    for mut sandbox in everywhere(Mode::Append, fails).await {
        let sql = "SELECT f.id, i.country, f.endpoint, f.kind FROM windrow_failures f \
                   JOIN windrow_input i ON i.ordinal = f.ordinal ORDER BY f.ordinal;";
        let (statement, path) = report(&sandbox, sql);
        sandbox.job.after = vec![statement];
        sandbox.publish().await.unwrap();
        let text = std::fs::read_to_string(path).unwrap();
        let expected = "id,country,endpoint,kind\ntt0001,land 1,money,timeout\ntt0004,,money,timeout\n";
        assert_eq!(text, expected);
    }
}

#[tokio::test]
async fn a_report_is_written_only_when_all_is_committed() {
    for mut sandbox in everywhere(Mode::Append, all_ok).await {
        let (statement, path) = report(&sandbox, "SELECT count(*) AS n FROM films");
        std::fs::write(&path, "old").unwrap();
        sandbox.job.after = vec![statement];
        sandbox.job.publish = Publish { min_rows: Some(7), ..Publish::default() };
        assert_eq!(sandbox.publish().await.unwrap_err().exit(), Exit::Refused);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
        sandbox.job.publish = Publish::default();
        sandbox.publish().await.unwrap();
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "n\n6\n");
    }
}

#[tokio::test]
async fn a_statement_that_fails_publishes_nothing_and_is_named() {
    for mut sandbox in everywhere(Mode::Append, all_ok).await {
        sandbox.job.before = vec![statement("SELECT 1"), statement("SELECT *\nFROM no_such_table")];
        let error = sandbox.publish().await.unwrap_err();
        let text = error.to_string();
        assert!(text.starts_with("[[publish.before]] 2: ") && text.contains("no_such_table"), "{text}");
        // MariaDB does not say where.
        assert!(text.contains("FROM no_such_table") || sandbox.is_on_mariadb(), "the line: {text}");
        assert_eq!(error.exit(), Exit::Usage);
        assert!(!sandbox.has_table());
        sandbox.job.before.clear();
        sandbox.job.after = vec![statement("SELECT * FROM no_such_table")];
        assert!(sandbox.publish().await.unwrap_err().to_string().starts_with("[[publish.after]]: "));
        assert!(!sandbox.has_table());
    }
}

#[tokio::test]
async fn a_statement_that_ends_the_transaction_is_found_out_and_its_claim_counts_for_nothing() {
    for mut sandbox in everywhere(Mode::Append, all_ok).await {
        sandbox.job.before = vec![statement("COMMIT")];
        let text = sandbox.publish().await.unwrap_err().to_string();
        assert!(text.contains("[[publish.before]]: it ended the transaction"), "{text}");
        sandbox.job.before.clear();
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.already), (6, false));
        assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["6"]);
    }
}

#[tokio::test]
async fn rows_that_a_statement_after_them_has_committed_are_not_written_again() {
    for mut sandbox in everywhere(Mode::Append, all_ok).await {
        sandbox.job.after = vec![statement("COMMIT")];
        let text = sandbox.publish().await.unwrap_err().to_string();
        assert!(
            text.contains("[[publish.after]]: it ended the transaction: by COMMIT the rows are published"),
            "{text}"
        );
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.already, sandbox.table().len()), (6, true, 6));
    }
}

#[tokio::test]
async fn a_report_that_can_never_have_its_name_is_refused_before_anything_is_published() {
    for mut sandbox in everywhere(Mode::Append, all_ok).await {
        let (statement, path) = report(&sandbox, "SELECT count(*) AS n FROM films");
        sandbox.job.after = vec![statement];
        std::fs::create_dir(&path).unwrap();
        let said = sandbox.publish().await.unwrap_err().to_string();
        assert!(said.contains("it is no file that could be replaced"), "{said}");
        std::fs::remove_dir(&path).unwrap();
        assert!(!sandbox.publish().await.unwrap().already);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "n\n6\n");
    }
}

#[tokio::test]
async fn a_trial_runs_no_statements() {
    let mut sandbox = Sandbox::of_one_round(3, &all_ok).await;
    sandbox.plan.trial = true;
    sandbox.run.put_plan(&sandbox.plan).await.unwrap();
    sandbox.job.before = vec![statement("DELETE FROM windrow_rows")];
    assert_eq!(sandbox.publish().await.unwrap().rows, 3);
}

#[tokio::test]
async fn statements_work_around_files_and_reports_follow_them() {
    for kind in [Kind::Csv, Kind::Parquet] {
        let mut sandbox = Sandbox::of_one_round(6, &all_ok).await.mode(Mode::Upsert).into_kind(kind);
        let (statement, path) = report(&sandbox, "SELECT count(*) AS n FROM films");
        sandbox.job.before = vec![self::statement("DELETE FROM windrow_rows WHERE windrow_ordinal = 3")];
        sandbox.job.after = vec![statement];
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.withheld), (5, 1), "{kind:?}");
        assert_eq!(sandbox.table().len(), 5);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "n\n5\n");
    }
}

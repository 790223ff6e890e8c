//! The job's own SQL around the rows, in every destination.

use super::engines::{Engine, MODES, on_each, statement};
use super::kinds::Kind;
use super::sandbox::{Sandbox, all_ok};
use crate::handoff::Exit;
use crate::job::{Mode, OnFailure, Publish};
use crate::merge::End;

on_each! {
    [duckdb, postgres, mariadb, sqlite]
    what_a_statement_deletes_among_the_rows_is_not_written,
    what_a_statement_changes_among_the_rows_is_written_so,
    rows_come_out_the_same_whichever_way_they_go,
    rows_that_a_statement_adds_among_them_are_refused,
    a_key_that_a_statement_changes_is_the_key_from_then_on,
    a_key_that_a_statement_makes_null_is_refused,
    rows_that_a_statement_puts_into_the_table_stand_there,
    kept_columns_stay_where_the_rows_are_staged,
    statements_see_the_list_and_what_failed_and_write_reports,
    a_report_is_written_only_when_all_is_committed,
    a_statement_that_fails_publishes_nothing_and_is_named,
    a_statement_that_ends_the_transaction_is_found_out_and_its_claim_counts_for_nothing,
    rows_that_a_statement_after_them_has_committed_are_not_written_again,
    a_report_that_can_never_have_its_name_is_refused_before_anything_is_published,
    a_pause_and_the_whole_run_each_run_the_statements;
    [postgres, mariadb, sqlite]
    a_row_of_what_was_deleted_meanwhile_does_not_refuse_the_others;
    [postgres, mariadb]
    a_statement_that_asks_for_a_file_of_the_client_is_refused;
    [postgres, sqlite]
    a_condition_that_fails_only_at_commit_publishes_nothing;
}

async fn run(on: Engine, mode: Mode, ends: fn(u64, usize) -> Option<End>) -> Sandbox {
    Sandbox::of_one_round(6, &ends).await.mode(mode).on(on)
}

const TABLE: &str = "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON)";

async fn what_a_statement_deletes_among_the_rows_is_not_written(on: Engine) {
    for mode in MODES {
        let mut sandbox = run(on, mode, all_ok).await;
        sandbox.execute(TABLE);
        sandbox.execute("INSERT INTO films VALUES ('tt0003', 'old', 1, 1, NULL)");
        sandbox.execute("CREATE TABLE gone (id TEXT); INSERT INTO gone VALUES ('tt0003'), ('tt0005')");
        sandbox.job.before = vec![statement("DELETE FROM windrow_rows WHERE id IN (SELECT id FROM gone)")];
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.withheld), (4, 2), "{mode:?}");
        let rows = sandbox.rows("SELECT title FROM films WHERE id IN ('tt0003', 'tt0005')");
        let stays = matches!(mode, Mode::Append | Mode::Upsert);
        assert_eq!(rows, if stays { vec!["old"] } else { vec![] }, "{mode:?}");
        assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["4"]);
        assert!(sandbox.publish().await.unwrap().already);
    }
}

async fn what_a_statement_changes_among_the_rows_is_written_so(on: Engine) {
    let mut sandbox = run(on, Mode::Upsert, all_ok).await;
    sandbox.job.before = vec![
        statement(
            "DELETE FROM windrow_rows WHERE votes = 3; \
             UPDATE windrow_rows SET title = concat('named ', upper(title)), votes = windrow_ordinal + 10 WHERE votes > 2",
        ),
        statement("UPDATE windrow_rows SET budget = NULL WHERE id = 'tt0000'"),
    ];
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.withheld), (5, 1), "{on:?}");
    let named = sandbox.rows("SELECT title, votes FROM films WHERE title LIKE 'named%' ORDER BY 1");
    assert_eq!(named, ["named FILM 4 OF ROUND 0|14", "named FILM 5 OF ROUND 0|15"], "{on:?}");
    assert_eq!(sandbox.rows("SELECT id FROM films WHERE budget IS NULL"), ["tt0000"], "{on:?}");
}

async fn rows_come_out_the_same_whichever_way_they_go(on: Engine) {
    let straight = on.run_of(6, Mode::Append).await;
    straight.publish().await.unwrap();
    let mut staged = on.run_of(6, Mode::Append).await;
    // MariaDB tells names of tables apart by their case.
    let name = if on == Engine::MariaDb { "windrow_rows" } else { "WINDROW_ROWS" };
    staged.job.after = vec![statement(&format!("SELECT count(*) FROM {name}"))];
    staged.publish().await.unwrap();
    let all = "SELECT id, title, votes, budget, facts FROM films ORDER BY 1";
    assert_eq!(staged.rows(all), straight.rows(all), "{on:?}");
    // In the order of the list, too.
    if on != Engine::MariaDb {
        let place = if on == Engine::Postgres { "ctid" } else { "rowid" };
        let first = staged.rows(&format!("SELECT id FROM films ORDER BY {place}"));
        assert_eq!(first[..2], ["tt0000", "tt0001"], "{on:?}");
    }
}

/// What is written are the rows of the run: one more would be published without a record that it belongs to.
async fn rows_that_a_statement_adds_among_them_are_refused(on: Engine) {
    let twice = "INSERT INTO windrow_rows SELECT * FROM windrow_rows WHERE id = 'tt0003'";
    for mode in MODES {
        let mut sandbox = run(on, mode, all_ok).await;
        sandbox.job.before = vec![statement(twice)];
        let error = sandbox.publish().await.unwrap_err();
        assert_eq!(error.exit(), Exit::Usage, "{mode:?}: {error}");
        assert!(error.to_string().contains("windrow_rows has 7 rows after it and had 6"), "{error}");
        sandbox.job.before = Vec::new();
        assert_eq!(sandbox.publish().await.unwrap().rows, 6, "{mode:?}");
    }
}

async fn a_key_that_a_statement_changes_is_the_key_from_then_on(on: Engine) {
    for key in ["", " PRIMARY KEY"] {
        let mut sandbox = run(on, Mode::Upsert, all_ok).await;
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
        let expected =
            ["TT3|film 3 of round 0", "new|film 4 of round 0", "tt0000|film 0 of round 0", "tt0002|stays"];
        assert_eq!(sandbox.rows("SELECT id, title FROM films ORDER BY id COLLATE \"C\""), expected, "{key}");
    }
}

async fn a_key_that_a_statement_makes_null_is_refused(on: Engine) {
    let mut sandbox = run(on, Mode::Upsert, all_ok).await;
    sandbox.job.before = vec![statement("UPDATE windrow_rows SET id = NULL WHERE id = 'tt0003'")];
    let error = sandbox.publish().await.unwrap_err();
    assert!(
        error.to_string().contains("1 rows have no value in the key column \"id\"; the first is record 3"),
        "{error}"
    );
}

async fn rows_that_a_statement_puts_into_the_table_stand_there(on: Engine) {
    for is_there in [true, false] {
        for mode in MODES {
            let mut sandbox = run(on, mode, all_ok).await;
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

async fn kept_columns_stay_where_the_rows_are_staged(on: Engine) {
    let fails = |ordinal: u64, endpoint: usize| match (ordinal, endpoint) {
        (2, 1) => Some(End::Failed),
        _ => Some(End::Ok),
    };
    for mode in MODES {
        let mut sandbox = run(on, mode, fails).await;
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

async fn statements_see_the_list_and_what_failed_and_write_reports(on: Engine) {
    let fails = |ordinal: u64, endpoint: usize| match (ordinal, endpoint) {
        (1 | 4, 1) => Some(End::Failed),
        _ => Some(End::Ok),
    };
    let mut sandbox = run(on, Mode::Append, fails).await;
    let path = sandbox.report(
        "SELECT f.ordinal, f.id, i.country, f.endpoint, f.status, f.kind, f.http_status, f.detail, f.attempts \
         FROM windrow_failures f JOIN windrow_input i ON i.ordinal = f.ordinal ORDER BY f.ordinal;",
    );
    sandbox.publish().await.unwrap();
    let why = "money,failed,timeout,,no answer within 60s,1";
    let expected = format!(
        "ordinal,id,country,endpoint,status,kind,http_status,detail,attempts\n1,tt0001,land 1,{why}\n4,tt0004,,{why}\n"
    );
    assert_eq!(std::fs::read_to_string(path).unwrap(), expected, "{on:?}");
    // They are not part of the database.
    let tables = match on {
        Engine::Sqlite => {
            "SELECT count(*) FROM sqlite_schema WHERE name IN ('windrow_input', 'windrow_failures')"
        }
        _ => {
            "SELECT count(*) FROM information_schema.tables WHERE table_name IN ('windrow_input', 'windrow_failures')"
        }
    };
    assert_eq!(sandbox.rows(tables), ["0"], "{on:?}");
}

async fn a_report_is_written_only_when_all_is_committed(on: Engine) {
    let mut sandbox = run(on, Mode::Append, all_ok).await;
    let quoted = if on == Engine::MariaDb { "`Title, of it`" } else { "\"Title, of it\"" };
    let path = sandbox.report(&format!(
        "SELECT id, title AS {quoted}, nullif(votes, 1) AS votes FROM films ORDER BY id LIMIT 2;\n"
    ));
    std::fs::write(&path, "old").unwrap();
    sandbox.job.publish = Publish { min_rows: Some(7), ..Publish::default() };
    assert_eq!(sandbox.refused().await.exit(), Exit::Refused);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    std::fs::remove_file(&path).unwrap();
    sandbox.refused().await;
    assert!(!path.exists());
    sandbox.job.publish = Publish::default();
    sandbox.publish().await.unwrap();
    let report = "id,\"Title, of it\",votes\ntt0000,film 0 of round 0,0\ntt0001,film 1 of round 0,\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), report, "{on:?}");
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let left =
        beside.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".windrow-"));
    assert_eq!(left.count(), 0, "{on:?}");
}

async fn a_statement_that_fails_publishes_nothing_and_is_named(on: Engine) {
    let mut sandbox = run(on, Mode::Append, all_ok).await;
    sandbox.job.before = vec![statement("SELECT 1"), statement("SELECT 'ä',\n  2\nFROM no_such_table")];
    let error = sandbox.refused().await;
    let text = error.to_string();
    assert!(text.starts_with("[[publish.before]] 2: ") && text.contains("no_such_table"), "{on:?}: {text}");
    // Where it is; MariaDB does not say, DuckDB in its own words.
    let shown = |line: &str, number: u32| match on {
        Engine::MariaDb => String::new(),
        Engine::DuckDb => line.to_owned(),
        Engine::Postgres | Engine::Sqlite => format!("\n  line {number}: {line}"),
    };
    assert!(text.contains(&shown("FROM no_such_table", 3)), "{on:?}: {text}");
    assert_eq!(error.exit(), Exit::Usage, "{on:?}");
    assert!(!sandbox.has_table());
    sandbox.job.before.clear();
    let path = sandbox.report("SELECT id,\nnobody FROM films");
    let text = sandbox.refused().await.to_string();
    assert!(text.starts_with("[[publish.after]]: ") && text.contains("nobody"), "{on:?}: {text}");
    assert!(text.contains(&shown("nobody FROM films", 2)), "{on:?}: {text}");
    assert!(!sandbox.has_table() && !path.exists());
}

/// Statements that may not be, and what is said of each.
fn ending_statements(on: Engine) -> Vec<(&'static str, &'static str)> {
    const ENDED: &str = "[[publish.before]]: it ended the transaction";
    let own: &[(&str, &str)] = match on {
        Engine::DuckDb => &[],
        Engine::Postgres => &[("ROLLBACK", ENDED), ("COMMIT; BEGIN", ENDED), ("COMMIT AND CHAIN", ENDED)],
        Engine::MariaDb => &[
            ("ROLLBACK", "ends the transaction"),
            ("CREATE TABLE mine (a int)", "ends the transaction"),
            ("TRUNCATE films", "ends the transaction"),
            ("START TRANSACTION", "ends the transaction"),
            ("COMMIT AND CHAIN", "ends the transaction"),
        ],
        Engine::Sqlite => &[
            ("ROLLBACK", ENDED),
            ("COMMIT; BEGIN", ENDED),
            ("BEGIN", "cannot start a transaction within a transaction"),
            ("VACUUM", "cannot VACUUM from within a transaction"),
            ("DETACH main", "cannot detach database main"),
            ("INSERT INTO films", "incomplete input"),
        ],
    };
    [("COMMIT", ENDED)].iter().chain(own).copied().collect()
}

async fn a_statement_that_ends_the_transaction_is_found_out_and_its_claim_counts_for_nothing(on: Engine) {
    for (sql, expected) in ending_statements(on) {
        let mut sandbox = run(on, Mode::Append, all_ok).await;
        sandbox.job.before = vec![statement(sql)];
        let error = sandbox.publish().await.unwrap_err();
        assert!(error.to_string().contains(expected), "{on:?} {sql}: {error}");
        assert_eq!(error.exit(), Exit::Usage, "{on:?} {sql}: {error}");
        assert!(!sandbox.has_table() || sandbox.table().is_empty(), "{on:?} {sql}");
        sandbox.job.before.clear();
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.already), (6, false), "{on:?} {sql}");
        assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["6"], "{on:?} {sql}");
        assert_eq!(sandbox.table().len(), 6, "{on:?} {sql}");
    }
}

async fn a_statement_that_asks_for_a_file_of_the_client_is_refused(on: Engine) {
    let (statements, words) = match on {
        Engine::Postgres => {
            (["COPY films TO STDOUT", "COPY films FROM STDIN"], "it copies from or to the client")
        }
        _ => (
            ["LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE films (id)"; 2],
            "it asks for a file of the client",
        ),
    };
    for sql in statements {
        let mut sandbox = run(on, Mode::Append, all_ok).await;
        sandbox.job.after = vec![statement(sql)];
        let error = sandbox.refused().await;
        assert_eq!(error.exit(), Exit::Usage, "{error}");
        let said = error.to_string();
        assert!(said.starts_with("[[publish.after]]: ") && said.contains(words), "{on:?} {sql}: {said}");
    }
}

/// The URLs of a job, and a table that refers to them.
fn with_urls(reference: &str) -> String {
    format!(
        "CREATE TABLE urls (id VARCHAR(60) PRIMARY KEY); INSERT INTO urls VALUES ('tt0000'), ('tt0001'), ('tt0003');
         CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON, \
           CONSTRAINT of_urls FOREIGN KEY (id) REFERENCES urls (id){reference})"
    )
}

async fn a_row_of_what_was_deleted_meanwhile_does_not_refuse_the_others(on: Engine) {
    let deleted =
        "DELETE FROM windrow_rows WHERE NOT EXISTS (SELECT 1 FROM urls WHERE urls.id = windrow_rows.id)";
    for mode in MODES {
        let mut sandbox = on.run_into(&with_urls(""), 4, mode).await;
        let said = sandbox.refused().await.to_string();
        assert!(said.contains("tt0002"), "{on:?} {mode:?}: {said}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"], "{on:?} {mode:?}");
        sandbox.job.before = vec![statement(deleted)];
        let published = sandbox.publish().await.unwrap();
        let counts = (published.rows, published.withheld, published.total);
        assert_eq!(counts, (3, 1, Some(3)), "{on:?} {mode:?}");
        assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["3"], "{on:?} {mode:?}");
    }
}

async fn a_condition_that_fails_only_at_commit_publishes_nothing(on: Engine) {
    let mut sandbox = on.run_into(&with_urls(" DEFERRABLE INITIALLY DEFERRED"), 4, Mode::Append).await;
    let path = sandbox.report("SELECT id FROM films");
    let error = sandbox.refused().await;
    assert_eq!(error.exit(), Exit::Database, "{on:?}");
    let said = error.to_string();
    assert!(said.contains("\n  record 2, id \"tt0002\", id = \"tt0002\": "), "{on:?}: {said}");
    assert!(said.contains("\nhint: "), "{on:?}: {said}");
    assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"]);
    assert!(!path.exists());
}

async fn a_pause_and_the_whole_run_each_run_the_statements(on: Engine) {
    let mut sandbox = Sandbox::new(4).await.on(on);
    sandbox.block = 2;
    sandbox.execute("CREATE TABLE seen (n BIGINT)");
    sandbox.job.before = vec![statement("INSERT INTO seen SELECT count(*) FROM windrow_rows")];
    let round = sandbox.plan_round(1, &all_ok).await;
    let shard = &round.shards[0];
    sandbox.commit_block(0, shard.number, &shard.blocks[0], &all_ok).await;
    assert_eq!(sandbox.publish_partial().await.unwrap().rows, 2, "{on:?}");
    sandbox.commit_block(0, shard.number, &shard.blocks[1], &all_ok).await;
    assert_eq!(sandbox.publish().await.unwrap().rows, 2, "{on:?}");
    assert_eq!(sandbox.rows("SELECT n FROM seen"), ["2", "2"], "{on:?}");
}

async fn rows_that_a_statement_after_them_has_committed_are_not_written_again(on: Engine) {
    let mut sandbox = run(on, Mode::Append, all_ok).await;
    sandbox.job.after = vec![statement("COMMIT")];
    let text = sandbox.publish().await.unwrap_err().to_string();
    assert!(
        text.contains("[[publish.after]]: it ended the transaction: by COMMIT the rows are published"),
        "{text}"
    );
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.already, sandbox.table().len()), (6, true, 6));
}

async fn a_report_that_can_never_have_its_name_is_refused_before_anything_is_published(on: Engine) {
    let mut sandbox = run(on, Mode::Append, all_ok).await;
    let path = sandbox.report("SELECT count(*) AS n FROM films");
    std::fs::create_dir(&path).unwrap();
    let said = sandbox.publish().await.unwrap_err().to_string();
    assert!(said.contains("it is no file that could be replaced"), "{said}");
    std::fs::remove_dir(&path).unwrap();
    assert!(!sandbox.publish().await.unwrap().already);
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "n\n6\n");
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
        let path = sandbox.report("SELECT count(*) AS n FROM films");
        sandbox.job.before = vec![statement("DELETE FROM windrow_rows WHERE windrow_ordinal = 3")];
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.withheld), (5, 1), "{kind:?}");
        assert_eq!(sandbox.table().len(), 5);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "n\n5\n");
    }
}

//! The job's own statements, in the transaction.

use std::path::PathBuf;

use super::super::sandbox::{Sandbox, all_ok};
use super::{refused, run_of};
use crate::handoff::Exit;
use crate::job::{Mode, Statement};
use crate::merge::{End, MergeError};

fn statement(sql: &str) -> Statement {
    Statement { sql: sql.into(), file: None }
}

const URLS: &str = "
    CREATE TABLE urls (id text PRIMARY KEY);
    INSERT INTO urls VALUES ('tt0000'), ('tt0001'), ('tt0003');
    CREATE TABLE films (id text REFERENCES urls DEFERRABLE, title text, votes bigint, budget integer, facts json)";

const DELETED: &str =
    "DELETE FROM windrow_rows WHERE NOT EXISTS (SELECT FROM urls WHERE urls.id = windrow_rows.id)";

#[tokio::test]
async fn a_url_that_was_deleted_meanwhile_does_not_refuse_the_others() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let mut sandbox = run_of(4, mode).await;
        sandbox.execute(URLS);
        let said = refused(&sandbox).await.to_string();
        assert!(said.contains("tt0002"), "{said}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"]);
        sandbox.job.before = vec![statement(DELETED)];
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.withheld, published.total), (3, 1, Some(3)), "{mode:?}");
        assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["3"]);
    }
}

#[tokio::test]
async fn what_a_statement_changes_in_the_rows_is_written() {
    let mut sandbox = run_of(3, Mode::Append).await;
    sandbox.job.before =
        vec![statement("UPDATE windrow_rows SET title = upper(title), votes = windrow_ordinal + 10")];
    sandbox.publish().await.unwrap();
    assert_eq!(
        sandbox.rows("SELECT id, title, votes FROM films ORDER BY id"),
        ["tt0000|FILM 0 OF ROUND 0|10", "tt0001|FILM 1 OF ROUND 0|11", "tt0002|FILM 2 OF ROUND 0|12"]
    );
}

#[tokio::test]
async fn rows_come_out_the_same_whichever_way_they_go() {
    let straight = run_of(5, Mode::Append).await;
    straight.publish().await.unwrap();
    let mut staged = run_of(5, Mode::Append).await;
    staged.job.after = vec![statement("SELECT count(*) FROM WINDROW_ROWS")];
    staged.publish().await.unwrap();
    let all = "SELECT id, title, votes, budget, facts::text FROM films ORDER BY 1";
    assert_eq!(staged.rows(all), straight.rows(all));
    // In the order of the list, too.
    assert_eq!(staged.rows("SELECT id FROM films ORDER BY ctid")[..2], ["tt0000", "tt0001"]);
}

#[tokio::test]
async fn failures_and_input_are_there_for_statements_that_name_them() {
    let ends = |o: u64, e: usize| Some(if (o, e) == (1, 0) { End::Failed } else { End::Ok });
    let mut sandbox = Sandbox::of_one_round(3, &ends).await.on_postgres();
    sandbox.job.before = vec![
        statement("CREATE TABLE failed AS SELECT * FROM windrow_failures"),
        statement("CREATE TABLE lines AS SELECT * FROM windrow_input"),
    ];
    sandbox.publish().await.unwrap();
    assert_eq!(
        sandbox.rows("SELECT ordinal, id, endpoint, status, kind, http_status, detail, attempts FROM failed"),
        ["1|tt0001|film|failed|timeout|~|no answer within 60s|1"]
    );
    assert_eq!(
        sandbox.rows("SELECT ordinal, id, country FROM lines ORDER BY 1"),
        ["0|tt0000|~", "1|tt0001|land 1", "2|tt0002|~"]
    );
    // They are not part of the database.
    assert_eq!(sandbox.rows("SELECT to_regclass('windrow_input'), to_regclass('windrow_failures')"), ["~|~"]);
}

fn with_report(sandbox: &mut Sandbox) -> PathBuf {
    let path = sandbox.run.folder().join("report.csv");
    let sql = "SELECT id, title AS \"Title, of it\", votes FROM films ORDER BY id;\n".to_owned();
    sandbox.job.after = vec![Statement { sql, file: Some(path.clone()) }];
    path
}

#[tokio::test]
async fn a_report_is_there_when_the_rows_are_and_not_before() {
    let mut sandbox = run_of(2, Mode::Append).await;
    let path = with_report(&mut sandbox);
    std::fs::write(&path, "old").unwrap();
    sandbox.job.publish.min_rows = Some(3);
    assert!(matches!(refused(&sandbox).await, MergeError::Refused { .. }));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "old");
    std::fs::remove_file(&path).unwrap();
    refused(&sandbox).await;
    assert!(!path.exists());
    sandbox.job.publish.min_rows = None;
    sandbox.publish().await.unwrap();
    let report = "id,\"Title, of it\",votes\ntt0000,film 0 of round 0,0\ntt0001,film 1 of round 0,1\n";
    assert_eq!(std::fs::read_to_string(&path).unwrap(), report);
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap();
    let left =
        beside.filter(|entry| entry.as_ref().unwrap().file_name().to_string_lossy().starts_with(".windrow-"));
    assert_eq!(left.count(), 0);
}

#[tokio::test]
async fn a_mistake_names_section_number_and_line() {
    let mut sandbox = run_of(2, Mode::Append).await;
    sandbox.job.before = vec![statement("SELECT 1"), statement("SELECT 'ä',\n  2\nFROM urlz")];
    let error = refused(&sandbox).await;
    let said = error.to_string();
    assert!(
        said.contains("[[publish.before]] 2: relation \"urlz\" does not exist\n  line 3: FROM urlz"),
        "{said}"
    );
    assert_eq!(error.exit(), Exit::Usage);
    sandbox.job.before.clear();
    let path = with_report(&mut sandbox);
    sandbox.job.after[0].sql = "SELECT id,\nnobody FROM films".into();
    let said = refused(&sandbox).await.to_string();
    assert!(
        said.contains("[[publish.after]]: column \"nobody\" does not exist\n  line 2: nobody FROM films"),
        "{said}"
    );
    assert!(!path.exists());
}

#[tokio::test]
async fn a_statement_that_ends_the_transaction_is_caught() {
    for sql in ["COMMIT", "ROLLBACK", "COMMIT; BEGIN", "COMMIT AND CHAIN"] {
        let mut sandbox = run_of(2, Mode::Append).await;
        sandbox.job.before = vec![statement(sql)];
        let error = sandbox.publish().await.unwrap_err();
        assert!(error.to_string().contains("[[publish.before]]: it ended the transaction"), "{sql}: {error}");
        assert!(!sandbox.has_table() || sandbox.table().is_empty(), "{sql}");
    }
}

#[tokio::test]
async fn a_statement_that_copies_to_the_client_is_told_so() {
    for sql in ["COPY films TO STDOUT", "COPY films FROM STDIN"] {
        let mut sandbox = run_of(2, Mode::Append).await;
        sandbox.job.after = vec![statement(sql)];
        let error = refused(&sandbox).await.to_string();
        assert!(error.contains("[[publish.after]]: it copies from or to the client"), "{sql}: {error}");
    }
}

#[tokio::test]
async fn limits_and_habits_of_the_database_do_not_hold_for_a_load() {
    let mut sandbox = run_of(2, Mode::Append).await;
    let name = sandbox.postgres().name.clone();
    for setting in [
        "statement_timeout = '200ms'",
        "idle_in_transaction_session_timeout = '200ms'",
        "synchronous_commit = off",
        "standard_conforming_strings = off",
        "default_transaction_read_only = on",
        "default_transaction_isolation = 'serializable'",
    ] {
        sandbox.execute(&format!("SET transaction_read_only = off; ALTER DATABASE {name} SET {setting}"));
    }
    sandbox.job.before = vec![statement("SELECT pg_sleep(0.5)")];
    let settings =
        "SELECT current_setting('synchronous_commit') AS kept, current_setting('transaction_isolation')";
    let path = with_report(&mut sandbox);
    sandbox.job.after[0].sql = settings.into();
    assert_eq!(sandbox.publish().await.unwrap().rows, 2);
    assert_eq!(std::fs::read_to_string(path).unwrap(), "kept,current_setting\non,read committed\n");
}

#[tokio::test]
async fn settings_of_a_statement_change_no_value() {
    let mut sandbox = run_of(2, Mode::Append).await;
    sandbox.execute(
        "CREATE TABLE films (id text, title text, votes numeric, budget bigint, facts jsonb, day timestamptz)",
    );
    sandbox.job.table.stamp = vec![("day".into(), crate::job::Stamp::RunStartedAt)];
    sandbox.job.before = vec![statement("SET TIME ZONE 'America/New_York'; SET statement_timeout = 1")];
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT DISTINCT day FROM films"), ["2026-11-23 00:00:00+00"]);
}

#[tokio::test]
async fn a_condition_that_fails_only_at_commit_publishes_nothing() {
    let mut sandbox = run_of(4, Mode::Append).await;
    sandbox.execute(URLS);
    sandbox.job.before = vec![statement("SET CONSTRAINTS ALL DEFERRED")];
    let path = with_report(&mut sandbox);
    let error = refused(&sandbox).await;
    assert_eq!(error.exit(), Exit::Database);
    let said = error.to_string();
    assert!(said.contains("films_id_fkey") && said.contains("tt0002") && said.contains("\nhint: "), "{said}");
    assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"]);
    assert!(!path.exists());
}

#[tokio::test]
async fn a_pause_and_the_whole_run_each_run_the_statements() {
    let mut sandbox = Sandbox::new(4).await.on_postgres();
    sandbox.block = 2;
    sandbox.execute("CREATE TABLE seen (n bigint)");
    sandbox.job.before = vec![statement("INSERT INTO seen SELECT count(*) FROM windrow_rows")];
    let round = sandbox.plan_round(1, &all_ok).await;
    let shard = &round.shards[0];
    sandbox.commit_block(0, shard.number, &shard.blocks[0], &all_ok).await;
    assert_eq!(sandbox.publish_partial().await.unwrap().rows, 2);
    sandbox.commit_block(0, shard.number, &shard.blocks[1], &all_ok).await;
    assert_eq!(sandbox.publish().await.unwrap().rows, 2);
    assert_eq!(sandbox.rows("SELECT n FROM seen"), ["2", "2"]);
}

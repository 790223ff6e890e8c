//! The job's own statements.

use super::{refused, run_of};
use crate::handoff::Exit;
use crate::job::{Mode, Statement};

fn statement(sql: &str) -> Statement {
    Statement { sql: sql.into(), file: None }
}

#[tokio::test]
async fn statements_see_the_rows_and_change_them() {
    let mut sandbox = run_of(5, Mode::Upsert).await;
    sandbox.job.before = vec![statement(
        "DELETE FROM windrow_rows WHERE votes = 3; UPDATE windrow_rows SET title = concat(title, \"!\")",
    )];
    let report = sandbox.run.folder().join("report.csv");
    let query = "SELECT id, title, nullif(votes, 1) AS votes FROM films ORDER BY id LIMIT 2;";
    sandbox.job.after = vec![Statement { sql: query.into(), file: Some(report.clone()) }];
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.withheld), (4, 1));
    assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE title LIKE '%!'"), ["4"]);
    let said = std::fs::read_to_string(report).unwrap();
    assert_eq!(said, "id,title,votes\ntt0000,film 0 of round 0!,0\ntt0001,film 1 of round 0!,\n");
}

#[tokio::test]
async fn a_statement_that_ends_the_transaction_is_told() {
    for sql in [
        "COMMIT",
        "ROLLBACK",
        "CREATE TABLE mine (a int)",
        "TRUNCATE films",
        "START TRANSACTION",
        "COMMIT AND CHAIN",
    ] {
        let mut sandbox = run_of(3, Mode::Append).await;
        sandbox.job.before = vec![statement(sql)];
        let error = sandbox.publish().await.unwrap_err();
        assert_eq!(error.exit(), Exit::Usage, "{sql}: {error}");
        assert!(error.to_string().contains("ends the transaction"), "{sql}: {error}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["0"], "{sql}");
        sandbox.job.before = Vec::new();
        assert_eq!(sandbox.publish().await.unwrap().rows, 3, "{sql}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["3"], "{sql}");
    }
}

#[tokio::test]
async fn what_a_statement_sets_holds_for_itself_only() {
    let mut sandbox = run_of(3, Mode::Append).await;
    sandbox.execute("CREATE TABLE films (id varchar(20), title varchar(10), votes bigint, budget int, facts json) CHARACTER SET utf8mb4");
    sandbox.job.before = vec![statement("SET sql_mode = '', time_zone = '+09:00', foreign_key_checks = 0")];
    let said = refused(&sandbox).await.to_string();
    assert!(said.contains("Data too long for column 'title'"), "{said}");
}

#[tokio::test]
async fn a_statement_that_is_wrong_is_named_and_may_not_ask_for_files() {
    let mut sandbox = run_of(2, Mode::Append).await;
    for (sql, words) in [
        ("SELECT nme\nFROM windrow_rows", "Unknown column 'nme'"),
        ("LOAD DATA LOCAL INFILE '/etc/passwd' INTO TABLE windrow_rows", "it asks for a file of the client"),
    ] {
        sandbox.job.before = vec![statement(sql)];
        let error = refused(&sandbox).await;
        assert_eq!(error.exit(), Exit::Usage, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

//! Statements of the job's own, as only SQLite has them.

use super::*;

/// What a pragma would switch off holds nevertheless: `foreign_keys` is of no effect within a transaction, others are set back.
#[tokio::test]
async fn a_pragma_switches_nothing_off() {
    let table = "CREATE TABLE known (id TEXT PRIMARY KEY); \
         CREATE TABLE films (id TEXT REFERENCES known, title TEXT, votes INT CHECK (votes < 2), budget INT, facts TEXT)";
    for (sql, expected) in [
        ("PRAGMA foreign_keys = OFF", "FOREIGN KEY constraint failed"),
        ("PRAGMA ignore_check_constraints = ON", "CHECK constraint failed"),
        ("PRAGMA query_only = ON", "FOREIGN KEY constraint failed"),
    ] {
        let mut sandbox = run_of(3, Mode::Append).await;
        sandbox.execute(table);
        if sql.contains("check") {
            sandbox.execute("INSERT INTO known VALUES ('tt0000'), ('tt0001'), ('tt0002')");
        }
        sandbox.job.before = vec![statement(sql)];
        let told = refused(&sandbox).await.to_string();
        assert!(told.contains(expected), "{sql}: {told}");
    }
}

/// Another file is not part of the promise: SQLite commits two files with logs one after the other.
#[tokio::test]
async fn another_file_can_be_attached_and_read() {
    let mut sandbox = run_of(3, Mode::Append).await;
    let other = sandbox.folder().join("other.sqlite");
    crate::database::sqlite::by_hand::execute(
        &other,
        "CREATE TABLE gone (id TEXT); INSERT INTO gone VALUES ('tt0001')",
    );
    sandbox.job.before = vec![
        statement(&format!("ATTACH '{}' AS other", other.display())),
        statement("DELETE FROM windrow_rows WHERE id IN (SELECT id FROM other.gone)"),
    ];
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.withheld), (2, 1));
}

#[tokio::test]
async fn a_report_is_one_query_and_tells_null_from_an_empty_text() {
    let mut sandbox = run_of(2, Mode::Append).await;
    let path = sandbox.folder().join("report.csv");
    let report = |sql: &str| Statement { sql: sql.into(), file: Some(path.clone()), key: Vec::new() };
    for sql in ["DELETE FROM films RETURNING id", "COMMIT", "SELECT 1; SELECT 2"] {
        sandbox.job.after = vec![report(sql)];
        assert!(sandbox.publish().await.is_err(), "{sql}");
        assert!(!path.exists());
    }
    sandbox.job.after = vec![report(
        "SELECT id, NULL AS n, '' AS e, 0.1 + 0.2 AS \"r,\", 'a\n\"b\"' AS t FROM films ORDER BY id",
    )];
    sandbox.publish().await.unwrap();
    let line = |id: &str| format!("{id},,\"\",0.30000000000000004,\"a\n\"\"b\"\"\"\n");
    assert_eq!(
        std::fs::read_to_string(&path).unwrap(),
        format!("id,n,e,\"r,\",t\n{}{}", line("tt0000"), line("tt0001"))
    );
}

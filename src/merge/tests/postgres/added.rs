//! `on_new_column = "add"`: what stands in the way is told before the first request; who waits for whom.

use std::time::{Duration, Instant};

use super::super::sandbox::Sandbox;
use super::run_of;
use crate::database::Session;
use crate::handoff::Exit;
use crate::job::{Destination, Mode, OnNewColumn, ServerUrl};
use crate::merge::{ResolvedDestination, check_destination};

async fn adding(mode: Mode, table: &str) -> Sandbox {
    let mut sandbox = run_of(4, mode).await;
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    sandbox.execute(table);
    sandbox
}

async fn checked(sandbox: &Sandbox) -> String {
    let checked = check_destination(&sandbox.job, &sandbox.place()).await;
    checked.map_or_else(|error| error.to_string(), |_| "fits".into())
}

const NARROW: &str = "CREATE TABLE films (id text, title text, votes bigint, owner text)";

#[tokio::test]
async fn what_stands_in_the_way_is_told_before_the_first_request() {
    let wide: String = (0..1595).map(|n| format!(", c{n} boolean")).collect();
    for (table, words) in [
        (
            "CREATE TYPE film AS (id text, title text, votes bigint); CREATE TABLE films OF film".to_owned(),
            "it is of the type film, which says its columns",
        ),
        (
            "CREATE TABLE parent (id text, title text, votes bigint) PARTITION BY LIST (id);
             CREATE TABLE films PARTITION OF parent DEFAULT"
                .to_owned(),
            "it is a part of parent, which alone can be given columns",
        ),
        (
            format!(
                "CREATE TABLE films (id text, title text, votes bigint{wide}, gone int, away int);
                 ALTER TABLE films DROP gone, DROP away"
            ),
            "with 2 new columns it would have too many: PostgreSQL counts to 1600",
        ),
        (
            format!("{NARROW}; CREATE TABLE part (budget text) INHERITS (films)"),
            "its part part has a column budget already, of the type text",
        ),
        (
            "CREATE TABLE films (id text, title text, votes bigint, facts json, \"BUDGET\" integer)"
                .to_owned(),
            "it has no column \"budget\", but \"BUDGET\"",
        ),
        ("CREATE VIEW films AS SELECT 'a' AS id".to_owned(), "it is a view"),
    ] {
        let sandbox = adding(Mode::Append, &table).await;
        let said = checked(&sandbox).await;
        assert!(said.contains(words), "{said}");
        assert_eq!(said.matches("\n  ").count(), 1, "{said}");
        assert_eq!(sandbox.publish().await.unwrap_err().to_string(), said);
    }
    let fits =
        adding(Mode::Append, &format!("{NARROW}; CREATE TABLE part (budget integer) INHERITS (films)")).await;
    assert_eq!((checked(&fits).await.as_str(), fits.publish().await.unwrap().rows), ("fits", 4));
}

#[tokio::test]
async fn only_the_owner_may_add_columns() {
    let mut sandbox = adding(Mode::Append, NARROW).await;
    let role = format!("role_{}", sandbox.postgres().name);
    sandbox.execute(&format!(
        "CREATE ROLE {role} LOGIN; GRANT SELECT, INSERT ON films TO {role}; GRANT CREATE ON SCHEMA public TO {role}"
    ));
    let url = sandbox.postgres().url().replace("postgres@", &format!("{role}@"));
    sandbox.job.table.to = Destination::Server(ServerUrl::parse(&url).unwrap());
    let said = checked(&sandbox).await;
    assert!(said.contains("this user may not add columns to films: its owner may, postgres"), "{said}");
    assert_eq!(said.matches("\n  ").count(), 1, "{said}");
    sandbox.execute(&format!("ALTER TABLE films OWNER TO {role}"));
    assert_eq!(checked(&sandbox).await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
    sandbox.execute(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

#[tokio::test]
async fn a_partitioned_table_and_one_that_is_swapped_gain_columns() {
    for (swap, mode) in [(false, Mode::Upsert), (false, Mode::Replace), (true, Mode::Replace)] {
        let parts = "CREATE TABLE films (id text, title text, votes bigint) PARTITION BY RANGE (id);
             CREATE TABLE early PARTITION OF films FOR VALUES FROM ('tt0000') TO ('tt0002');
             CREATE TABLE late PARTITION OF films DEFAULT; INSERT INTO films VALUES ('tt0001', 'old', 0)";
        let mut sandbox = adding(mode, if swap { NARROW } else { parts }).await;
        sandbox.job.table.swap = swap;
        assert_eq!(checked(&sandbox).await, "fits");
        assert_eq!(sandbox.publish().await.unwrap().total, Some(4));
        assert_eq!(
            sandbox.rows("SELECT id, budget FROM films ORDER BY 1 LIMIT 2"),
            ["tt0000|0", "tt0001|10"]
        );
    }
}

async fn connect(sandbox: &Sandbox) -> Session {
    let ResolvedDestination::Server(server) = sandbox.place() else { panic!("a server") };
    server.connect().await.unwrap()
}

#[tokio::test]
async fn a_reader_who_does_not_end_is_waited_for_a_while_and_then_told() {
    let sandbox = adding(Mode::Append, NARROW).await;
    let reader = connect(&sandbox).await;
    reader.run("BEGIN; SELECT * FROM films").await.unwrap();
    let since = Instant::now();
    let error = sandbox.publish().await.unwrap_err();
    assert!((2..20).contains(&since.elapsed().as_secs()), "{:?}", since.elapsed());
    let said = error.to_string();
    assert!(
        said.contains("column \"budget\" cannot be added: canceling statement due to lock timeout"),
        "{said}"
    );
    assert!(said.contains("others that use the table were waited for, 3 s"), "{said}");
    assert_eq!(error.exit(), Exit::Database);
    // One who ends in time is only waited for.
    let ends = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        reader.run("COMMIT").await.unwrap();
    };
    let (published, ()) = tokio::join!(sandbox.publish(), ends);
    assert_eq!(published.unwrap().rows, 4);
}

#[tokio::test]
async fn a_column_that_comes_meanwhile_must_fit_as_well() {
    for (ty, expected) in
        [("text", "column \"budget\" is text there, integer in the job"), ("bigint", "fits")]
    {
        let sandbox = adding(Mode::Append, NARROW).await;
        let rival = connect(&sandbox).await;
        rival.run(&format!("BEGIN; ALTER TABLE films ADD COLUMN budget {ty}")).await.unwrap();
        let ends = async {
            tokio::time::sleep(Duration::from_millis(500)).await;
            rival.run("COMMIT").await.unwrap();
        };
        let (published, ()) = tokio::join!(sandbox.publish(), ends);
        let said = published.map_or_else(|error| error.to_string(), |_| "fits".into());
        assert!(said.contains(expected), "{said}");
        let columns = if ty == "text" { "0" } else { "1" };
        let facts = "SELECT count(*) FROM information_schema.columns WHERE table_name = 'films' AND column_name = 'facts'";
        assert_eq!(sandbox.rows(facts), [columns]);
    }
}

#[tokio::test]
async fn other_statements_wait_as_long_as_the_user_says() {
    let mut sandbox = adding(Mode::Append, NARROW).await;
    let role = sandbox.postgres().name.clone();
    sandbox.execute(&format!("ALTER DATABASE {role} SET lock_timeout = '7s'"));
    let statement = crate::job::Statement { sql: "SHOW lock_timeout".into(), file: None };
    let report = sandbox.folder().join("waits.csv");
    sandbox.job.after = vec![
        crate::job::Statement {
            sql: "SELECT current_setting('lock_timeout') AS waits".into(),
            file: Some(report.clone()),
        },
        statement,
    ];
    sandbox.publish().await.unwrap();
    assert_eq!(std::fs::read_to_string(report).unwrap(), "waits\n7s\n");
}

#[tokio::test]
async fn who_waits_for_us_while_we_wait_for_them_makes_us_begin_anew() {
    let sandbox = adding(Mode::Append, NARROW).await;
    super::super::added::beside(&sandbox).await.publish().await.unwrap();
    sandbox.execute("ALTER TABLE films DROP budget, DROP facts");
    let rival = connect(&sandbox).await;
    rival.run("BEGIN; SELECT * FROM films").await.unwrap();
    let waits = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        rival.run("LOCK TABLE windrow_runs IN EXCLUSIVE MODE; COMMIT").await
    };
    let (published, waited) = tokio::join!(sandbox.publish(), waits);
    assert_eq!((published.unwrap().rows, waited), (4, Ok(())));
    assert_eq!(sandbox.rows("SELECT count(*), count(budget) FROM films"), ["8|4"]);
}

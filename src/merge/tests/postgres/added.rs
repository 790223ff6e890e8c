//! `on_new_column = "add"`, as only PostgreSQL has it: parts, tables that are swapped, who waits for whom.

use std::time::Duration;

use super::super::adding::{self, NARROW};
use super::super::engines::{Engine, another_run};
use super::super::sandbox::Sandbox;
use crate::job::Mode;

async fn adding(mode: Mode, table: &str) -> Sandbox {
    adding::adding(Engine::Postgres, mode, table).await
}

#[tokio::test]
async fn a_part_that_has_the_column_already_fits() {
    let table = format!("{NARROW}; CREATE TABLE part (budget integer) INHERITS (films)");
    let fits = adding(Mode::Append, &table).await;
    assert_eq!((fits.checked().await.as_str(), fits.publish().await.unwrap().rows), ("fits", 4));
}

#[tokio::test]
async fn a_partitioned_table_and_one_that_is_swapped_gain_columns() {
    for (swap, mode) in [(false, Mode::Upsert), (false, Mode::Replace), (true, Mode::Replace)] {
        let parts = "CREATE TABLE films (id text, title text, votes bigint) PARTITION BY RANGE (id);
             CREATE TABLE early PARTITION OF films FOR VALUES FROM ('tt0000') TO ('tt0002');
             CREATE TABLE late PARTITION OF films DEFAULT; INSERT INTO films VALUES ('tt0001', 'old', 0)";
        let mut sandbox = adding(mode, if swap { NARROW } else { parts }).await;
        sandbox.job.table.swap = swap;
        assert_eq!(sandbox.checked().await, "fits");
        assert_eq!(sandbox.publish().await.unwrap().total, Some(4));
        assert_eq!(
            sandbox.rows("SELECT id, budget FROM films ORDER BY 1 LIMIT 2"),
            ["tt0000|0", "tt0001|10"]
        );
    }
}

#[tokio::test]
async fn a_column_that_comes_meanwhile_must_fit_as_well() {
    for (ty, expected) in
        [("text", "column \"budget\" is text there, integer in the job"), ("bigint", "fits")]
    {
        let sandbox = adding(Mode::Append, NARROW).await;
        let rival = sandbox.connect().await;
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
    let name = sandbox.postgres().name.clone();
    sandbox.execute(&format!("ALTER DATABASE {name} SET lock_timeout = '7s'"));
    let report = sandbox.report("SELECT current_setting('lock_timeout') AS waits");
    sandbox.publish().await.unwrap();
    assert_eq!(std::fs::read_to_string(report).unwrap(), "waits\n7s\n");
}

#[tokio::test]
async fn who_waits_for_us_while_we_wait_for_them_makes_us_begin_anew() {
    let sandbox = adding(Mode::Append, NARROW).await;
    another_run(&sandbox, "other").await.publish().await.unwrap();
    sandbox.execute("ALTER TABLE films DROP budget, DROP facts");
    let rival = sandbox.connect().await;
    rival.run("BEGIN; SELECT * FROM films").await.unwrap();
    let waits = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        rival.run("LOCK TABLE windrow_runs IN EXCLUSIVE MODE; COMMIT").await
    };
    let (published, waited) = tokio::join!(sandbox.publish(), waits);
    assert_eq!((published.unwrap().rows, waited), (4, Ok(())));
    assert_eq!(sandbox.rows("SELECT count(*), count(budget) FROM films"), ["8|4"]);
}

//! Statements of the job's own, as only PostgreSQL has them.

use super::super::engines::statement;
use super::run_of;
use crate::job::Mode;

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
    let path = sandbox.report(
        "SELECT current_setting('synchronous_commit') AS kept, current_setting('transaction_isolation')",
    );
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

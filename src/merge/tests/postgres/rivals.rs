//! Merges at once: none is published twice, and nobody has to come back.

use super::super::sandbox::{Sandbox, all_ok};
use super::run_of;
use crate::job::{Mode, Statement};
use crate::merge::End;
use crate::merge::publish::load_unless;

/// Keeps a transaction open for a while.
fn linger(sandbox: &mut Sandbox) {
    sandbox.job.before.push(statement("SELECT pg_sleep(0.3)"));
}

fn statement(sql: &str) -> Statement {
    Statement { sql: sql.into(), file: None }
}

/// Another run of the same records, into the same database.
async fn beside(sandbox: &Sandbox, run: &str) -> Sandbox {
    let mut other = Sandbox::new(sandbox.plan.records).await.mode(sandbox.job.table.mode);
    other.plan.run = run.into();
    other.run.put_plan(&other.plan).await.unwrap();
    other.add_round(2, &all_ok).await;
    other.job.table.to = sandbox.job.table.to.clone();
    other
}

const BY_HAND: &str = "CREATE TABLE films (id text, title text, votes bigint, budget integer, facts json)";

#[tokio::test]
async fn of_two_merges_of_one_run_one_publishes_and_the_other_finds_it() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace] {
        let mut sandbox = run_of(5, mode).await;
        linger(&mut sandbox);
        let (one, other) = tokio::join!(sandbox.publish(), sandbox.publish());
        let (one, other) = (one.unwrap(), other.unwrap());
        assert_ne!(one.already, other.already, "{mode:?}");
        assert_eq!((one.rows, other.rows), (5, 5));
        assert_eq!(sandbox.table().len(), 5);
        assert_eq!(sandbox.rows("SELECT count(*) FROM windrow_runs"), ["1"]);
    }
}

#[tokio::test]
async fn of_two_merges_of_different_rounds_the_second_leaves_what_the_first_wrote() {
    let ends = |o: u64, _: usize| Some(if o < 2 { End::Failed } else { End::Ok });
    let mut sandbox = Sandbox::of_one_round(5, &ends).await.on_postgres();
    // With a table of runs to wait for they would not be at work at once.
    beside(&sandbox, "earlier").await.publish().await.unwrap();
    sandbox.execute("DELETE FROM films");
    linger(&mut sandbox);
    let first = sandbox.order().await;
    sandbox.add_round(1, &|o, _| (o < 2).then_some(End::Ok)).await;
    let second = sandbox.order().await;
    let later = async {
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        load_unless(second, std::future::pending()).await
    };
    let (first, second) = tokio::join!(load_unless(first, std::future::pending()), later);
    assert_eq!((first.unwrap().rows, second.unwrap().rows), (3, 2));
    assert_eq!(sandbox.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["5|5"]);
}

#[tokio::test]
async fn two_runs_make_the_table_and_the_table_of_runs_at_once() {
    for runs_are_there in [false, true] {
        let mut one = run_of(4, Mode::Append).await;
        if runs_are_there {
            let earlier = beside(&one, "earlier").await;
            earlier.publish().await.unwrap();
            one.execute("DROP TABLE films");
        }
        let mut other = beside(&one, "other").await;
        linger(&mut one);
        linger(&mut other);
        let (first, second) = tokio::join!(one.publish(), other.publish());
        assert_eq!((first.unwrap().rows, second.unwrap().rows), (4, 4));
        assert_eq!(one.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["8|4"]);
    }
}

#[tokio::test]
async fn upserts_of_two_runs_at_once_write_no_key_twice() {
    for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let mut one = run_of(40, mode).await;
        one.execute(BY_HAND);
        beside(&one, "earlier").await.publish().await.unwrap();
        one.execute("DELETE FROM films");
        let mut other = beside(&one, "other").await;
        linger(&mut one);
        linger(&mut other);
        let (first, second) = tokio::join!(one.publish(), other.publish());
        assert_eq!(first.unwrap().replaced + second.unwrap().replaced, 40, "{mode:?}");
        assert_eq!(one.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["40|40"]);
    }
}

#[tokio::test]
async fn a_deadlock_is_begun_anew() {
    let mut one = run_of(3, Mode::Append).await;
    one.execute("CREATE TABLE a (); CREATE TABLE b ()");
    beside(&one, "earlier").await.publish().await.unwrap();
    let mut other = beside(&one, "other").await;
    one.job.before =
        vec![statement("LOCK TABLE a"), statement("SELECT pg_sleep(0.3)"), statement("LOCK TABLE b")];
    other.job.before =
        vec![statement("LOCK TABLE b"), statement("SELECT pg_sleep(0.3)"), statement("LOCK TABLE a")];
    let (first, second) = tokio::join!(one.publish(), other.publish());
    assert_eq!((first.unwrap().rows, second.unwrap().rows), (3, 3));
    assert_eq!(one.rows("SELECT count(*) FROM films"), ["9"]);
    assert_eq!(
        one.rows("SELECT deadlocks > 0 FROM pg_stat_database WHERE datname = current_database()"),
        ["t"]
    );
}

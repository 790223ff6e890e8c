//! Merges at once, of one run's rounds and of several runs into one table: none is published twice, and nobody has to come
//! back.

use std::time::Duration;

use super::engines::{Engine, another_run, on_each, statement};
use super::sandbox::Sandbox;
use crate::job::Mode;
use crate::merge::End;
use crate::merge::publish::load_unless;

on_each! {
    [postgres, mariadb, sqlite]
    of_two_merges_of_different_rounds_the_second_leaves_what_the_first_wrote,
    two_runs_make_the_table_and_the_table_of_runs_at_once,
    upserts_of_two_runs_at_once_write_no_key_twice;
}

/// Keeps a transaction open for a while; SQLite has no statement for it.
fn linger(on: Engine, sandbox: &mut Sandbox) {
    sandbox.job.before.push(statement(on.own(["SELECT pg_sleep(0.3)", "SELECT sleep(0.3)", "SELECT 1"])));
}

const BY_HAND: &str = "CREATE TABLE films (id TEXT, title TEXT, votes BIGINT, budget INTEGER, facts JSON)";

async fn of_two_merges_of_different_rounds_the_second_leaves_what_the_first_wrote(on: Engine) {
    let ends = |o: u64, _: usize| Some(if o < 2 { End::Failed } else { End::Ok });
    let mut sandbox = Sandbox::of_one_round(5, &ends).await.on(on);
    // With a table of runs to wait for they would not be at work at once.
    another_run(&sandbox, "earlier").await.publish().await.unwrap();
    sandbox.execute("DELETE FROM films");
    linger(on, &mut sandbox);
    let first = sandbox.order().await;
    sandbox.add_round(1, &|o, _| (o < 2).then_some(End::Ok)).await;
    let second = sandbox.order().await;
    let later = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        load_unless(second, std::future::pending()).await
    };
    let (first, second) = tokio::join!(load_unless(first, std::future::pending()), later);
    assert_eq!((first.unwrap().rows, second.unwrap().rows), (3, 2));
    assert_eq!(sandbox.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["5|5"], "{on:?}");
}

async fn two_runs_make_the_table_and_the_table_of_runs_at_once(on: Engine) {
    for runs_are_there in [false, true] {
        let mut one = on.run_of(4, Mode::Append).await;
        if runs_are_there {
            let earlier = another_run(&one, "earlier").await;
            earlier.publish().await.unwrap();
            one.execute("DROP TABLE films");
        }
        let mut other = another_run(&one, "other").await;
        linger(on, &mut one);
        linger(on, &mut other);
        let (first, second) = tokio::join!(one.publish(), other.publish());
        assert_eq!((first.unwrap().rows, second.unwrap().rows), (4, 4));
        assert_eq!(one.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["8|4"], "{on:?}");
    }
}

async fn upserts_of_two_runs_at_once_write_no_key_twice(on: Engine) {
    for mode in [Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let mut one = on.run_of(40, mode).await;
        one.execute(BY_HAND);
        another_run(&one, "earlier").await.publish().await.unwrap();
        one.execute("DELETE FROM films");
        let mut other = another_run(&one, "other").await;
        linger(on, &mut one);
        linger(on, &mut other);
        let (first, second) = tokio::join!(one.publish(), other.publish());
        assert_eq!(first.unwrap().replaced + second.unwrap().replaced, 40, "{mode:?}");
        assert_eq!(one.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["40|40"], "{on:?}");
    }
}

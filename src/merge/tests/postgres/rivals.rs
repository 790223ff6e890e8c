//! Merges at once that wait for each other.

use super::super::engines::{another_run, statement};
use super::run_of;
use crate::job::Mode;

#[tokio::test]
async fn a_deadlock_is_begun_anew() {
    let mut one = run_of(3, Mode::Append).await;
    one.execute("CREATE TABLE a (); CREATE TABLE b ()");
    another_run(&one, "earlier").await.publish().await.unwrap();
    let mut other = another_run(&one, "other").await;
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

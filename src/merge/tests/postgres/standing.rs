//! Tables made by hand beforehand are filled as they are.

use super::run_of;
use crate::job::{Mode, OnReferencing};

#[tokio::test]
async fn an_upsert_leaves_of_rows_under_one_key_the_latest() {
    let mut sandbox = run_of(4, Mode::Upsert).await;
    sandbox.job.table.on_referencing = OnReferencing::Delete;
    sandbox.execute(
        "CREATE TABLE films (number serial PRIMARY KEY, rating numeric(3, 1), id text, title text, votes bigint,
             budget integer, facts json);
         CREATE TABLE reviews (film integer REFERENCES films ON DELETE CASCADE);
         INSERT INTO films (id, title, rating)
             VALUES ('tt0001', 'old', 9.9), ('tt0002', 'old', 1.1), ('tt0009', 'old', 2.2), ('tt0001', 'later', 7.7);
         INSERT INTO reviews VALUES (1), (3)",
    );
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (4, 3, Some(5)));
    let kept = "SELECT number, rating FROM films WHERE id = 'tt0001'";
    assert_eq!(sandbox.rows(kept), ["4|7.7"]);
}

#[tokio::test]
async fn a_partitioned_table_is_filled_through_its_parts() {
    let sandbox = run_of(4, Mode::Upsert).await;
    sandbox.execute(
        "CREATE TABLE films (id text, title text, votes bigint, budget integer, facts json) PARTITION BY RANGE (id);
         CREATE TABLE early PARTITION OF films FOR VALUES FROM ('tt0000') TO ('tt0002');
         CREATE TABLE late PARTITION OF films DEFAULT;
         INSERT INTO films VALUES ('tt0001', 'old', 0), ('tt0001', 'later', 0), ('tt0003', 'old', 0)",
    );
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (4, 3, Some(4)));
    assert_eq!(sandbox.rows("SELECT count(*) FROM early"), ["2"]);
    assert_eq!(sandbox.table().len(), 4);
}

//! Rows that only MariaDB can refuse.

use super::super::refused::rows;
use super::run_of;
use crate::job::Mode;

#[tokio::test]
async fn rows_that_are_refused_by_the_beginning_of_a_text_are_named() {
    let sandbox = run_of(100, Mode::Upsert).await;
    sandbox.execute(
        "CREATE TABLE films (id varchar(20) PRIMARY KEY, title text, votes bigint, budget integer, facts json,
             tens bigint AS (votes DIV 10) STORED, half varchar(6) AS (left(title, 6)) STORED, UNIQUE KEY halves (title(6)))
         CHARACTER SET utf8mb4",
    );
    let (named, _) = rows(&sandbox).await;
    assert!(named[0].contains("halves lets only one"), "{named:?}");
}

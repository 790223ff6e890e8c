//! Tables made by hand beforehand are filled as they are.

use super::super::sandbox::{Sandbox, all_ok};
use super::{refused, run_of};
use crate::handoff::Exit;
use crate::job::{Mode, OnFailure, OnReferencing};
use crate::merge::End;

/// A serial id, a default, a reference to another table, one from another, a trigger that counts.
const BY_HAND: &str = "
    CREATE TABLE urls (id text PRIMARY KEY);
    INSERT INTO urls SELECT 'tt' || to_char(n, 'FM0000') FROM generate_series(0, 9) n;
    CREATE TABLE films (
        number serial PRIMARY KEY, rating numeric(3, 1) NOT NULL DEFAULT 5.0,
        id text NOT NULL REFERENCES urls ON DELETE CASCADE, title varchar(60), votes bigint NOT NULL,
        budget integer, facts jsonb, doubled bigint GENERATED ALWAYS AS (votes * 2) STORED);
    INSERT INTO films (id, title, votes, rating)
        VALUES ('tt0001', 'old', -1, 9.9), ('tt0002', 'old', -2, 1.1), ('tt0009', 'old', -9, 2.2);
    CREATE TABLE reviews (film integer REFERENCES films ON DELETE CASCADE, stars integer);
    INSERT INTO reviews VALUES (1, 5), (3, 4);
    CREATE TABLE counted (what text);
    CREATE FUNCTION count_it() RETURNS trigger LANGUAGE plpgsql AS
        'BEGIN INSERT INTO counted VALUES (TG_OP); RETURN NULL; END';
    CREATE TRIGGER counts AFTER INSERT OR UPDATE OR DELETE ON films FOR EACH ROW EXECUTE FUNCTION count_it()";

const ALL: &str = "SELECT number, rating, id, title, votes, doubled FROM films ORDER BY id, number";

const COUNTED: &str = "SELECT what, count(*) FROM counted GROUP BY what ORDER BY what";

async fn by_hand(mode: Mode) -> Sandbox {
    let sandbox = run_of(4, mode).await;
    sandbox.execute(BY_HAND);
    sandbox
}

#[tokio::test]
async fn an_upsert_leaves_what_the_job_does_not_name_and_what_refers_to_it() {
    for unique in [true, false] {
        let sandbox = by_hand(Mode::Upsert).await;
        if unique {
            sandbox.execute("CREATE UNIQUE INDEX ON films (id)");
        }
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.total), (4, 2, Some(5)));
        assert_eq!(
            sandbox.rows(ALL),
            [
                "4|5.0|tt0000|film 0 of round 0|0|0",
                "1|9.9|tt0001|film 1 of round 0|1|2",
                "2|1.1|tt0002|film 2 of round 0|2|4",
                "5|5.0|tt0003|film 3 of round 0|3|6",
                "3|2.2|tt0009|old|-9|-18",
            ]
        );
        assert_eq!(sandbox.rows("SELECT film FROM reviews ORDER BY 1"), ["1", "3"]);
        assert_eq!(sandbox.rows(COUNTED), ["INSERT|2", "UPDATE|2"]);
    }
}

#[tokio::test]
async fn an_upsert_leaves_of_rows_under_one_key_the_latest() {
    let mut sandbox = by_hand(Mode::Upsert).await;
    sandbox.job.table.on_referencing = OnReferencing::Delete;
    sandbox.execute("INSERT INTO films (id, title, votes, rating) VALUES ('tt0001', 'later', -1, 7.7)");
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (4, 3, Some(5)));
    let kept = "SELECT number, rating FROM films WHERE id = 'tt0001'";
    assert_eq!(sandbox.rows(kept), ["4|7.7"]);
}

#[tokio::test]
async fn append_and_replace_give_defaults() {
    let sandbox = by_hand(Mode::Append).await;
    assert_eq!(sandbox.publish().await.unwrap().total, Some(7));
    assert_eq!(
        sandbox.rows("SELECT id, rating FROM films WHERE number > 3 ORDER BY id"),
        ["tt0000|5.0", "tt0001|5.0", "tt0002|5.0", "tt0003|5.0"]
    );
    // Rows are numbered as they come, which need not be the list's order.
    assert_eq!(sandbox.rows("SELECT number FROM films WHERE number > 3 ORDER BY 1"), ["4", "5", "6", "7"]);
    assert_eq!(sandbox.rows(COUNTED), ["INSERT|4"]);
    for mode in [Mode::Replace, Mode::ReplaceIds] {
        let sandbox = by_hand(mode).await;
        // What refers to the table has tests of its own.
        sandbox.execute("DROP TABLE reviews");
        let published = sandbox.publish().await.unwrap();
        let replaced = if mode == Mode::Replace { 3 } else { 2 };
        assert_eq!((published.rows, published.replaced), (4, replaced));
        assert_eq!(
            sandbox.rows("SELECT count(DISTINCT number), min(rating) FROM films WHERE number > 3"),
            ["4|5.0"],
            "{mode:?}"
        );
        assert_eq!(sandbox.rows(COUNTED), [format!("DELETE|{replaced}"), "INSERT|4".into()]);
    }
}

#[tokio::test]
async fn a_reference_or_a_null_that_does_not_hold_refuses_all_rows() {
    let sandbox = by_hand(Mode::Upsert).await;
    sandbox.execute("DELETE FROM urls WHERE id = 'tt0003'");
    let before = sandbox.rows(ALL);
    let error = refused(&sandbox).await;
    assert_eq!(error.exit(), Exit::Database);
    let said = error.to_string();
    assert!(said.contains("films_id_fkey") && said.contains("tt0003"), "{said}");
    assert!(said.contains("\n  record 3, id \"tt0003\", id = \"tt0003\": "), "{said}");
    assert_eq!(sandbox.rows(ALL), before);

    let ends = |o: u64, e: usize| Some(if (o, e) == (2, 0) { End::Missing } else { End::Ok });
    let sandbox = Sandbox::of_one_round(4, &ends).await.on_postgres();
    sandbox.execute(BY_HAND);
    let said = refused(&sandbox).await.to_string();
    assert!(said.contains("null value in column \"votes\""), "{said}");
}

#[tokio::test]
async fn kept_columns_keep_every_digit_of_the_table() {
    let ends = |o: u64, e: usize| Some(if (o, e) == (1, 1) { End::Failed } else { End::Ok });
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let mut sandbox = Sandbox::of_one_round(3, &ends).await.mode(mode).on_postgres();
        sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
        sandbox.execute(
            "CREATE TABLE films (id text, title text, votes bigint, budget numeric, facts jsonb);
             INSERT INTO films VALUES ('tt0001', 'old', -1, 12345678901.25, '{\"b\": 1}')",
        );
        sandbox.publish().await.unwrap();
        let kept = "SELECT title, budget, facts FROM films WHERE id = 'tt0001' AND votes = 1";
        assert_eq!(sandbox.rows(kept), ["film 1 of round 0|12345678901.25|{\"b\": 1}"], "{mode:?}");
    }
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

#[tokio::test]
async fn rows_that_a_trigger_takes_out_are_not_counted() {
    let sandbox = Sandbox::of_one_round(3, &all_ok).await.on_postgres();
    sandbox.execute(
        "CREATE TABLE films (id text, title text, votes bigint, budget integer, facts json);
         CREATE FUNCTION drop_it() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
         CREATE TRIGGER drops BEFORE INSERT ON films FOR EACH ROW WHEN (new.votes = 1)
             EXECUTE FUNCTION drop_it()",
    );
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.total), (2, Some(2)));
    assert_eq!(sandbox.rows("SELECT \"rows\" FROM windrow_runs"), ["2"]);
}

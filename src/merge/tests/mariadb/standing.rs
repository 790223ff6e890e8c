//! Tables made by hand beforehand are filled as they are.

use super::super::sandbox::{Sandbox, all_ok};
use super::{refused, run_of};
use crate::handoff::Exit;
use crate::job::{Mode, OnFailure, OnReferencing, OnUnlisted};
use crate::merge::End;

/// A serial number, a default, a reference to another table, one from another, a trigger that counts.
const BY_HAND: &str = "
    CREATE TABLE urls (id varchar(20) PRIMARY KEY) CHARACTER SET utf8mb4;
    INSERT INTO urls SELECT concat('tt', lpad(seq, 4, '0')) FROM seq_0_to_9;
    CREATE TABLE films (
        number int AUTO_INCREMENT PRIMARY KEY, rating decimal(3, 1) NOT NULL DEFAULT 5.0,
        id varchar(20) NOT NULL, title varchar(60), votes bigint NOT NULL,
        budget integer, facts json, doubled bigint AS (votes * 2) STORED, UNIQUE KEY by_id (id),
        FOREIGN KEY (id) REFERENCES urls (id) ON DELETE CASCADE) CHARACTER SET utf8mb4;
    INSERT INTO films (id, title, votes, rating)
        VALUES ('tt0001', 'old', -1, 9.9), ('tt0002', 'old', -2, 1.1), ('tt0009', 'old', -9, 2.2);
    CREATE TABLE counted (what text);
    CREATE TRIGGER counts_i AFTER INSERT ON films FOR EACH ROW INSERT INTO counted VALUES ('INSERT');
    CREATE TRIGGER counts_u AFTER UPDATE ON films FOR EACH ROW INSERT INTO counted VALUES ('UPDATE');
    CREATE TRIGGER counts_d AFTER DELETE ON films FOR EACH ROW INSERT INTO counted VALUES ('DELETE');";

const REVIEWS: &str = "
    CREATE TABLE reviews (film int, stars int, FOREIGN KEY (film) REFERENCES films (number) ON DELETE CASCADE);
    INSERT INTO reviews VALUES (1, 5), (3, 4);";

const ALL: &str = "SELECT number, rating, id, title, votes, doubled FROM films ORDER BY id, number";

const COUNTED: &str = "SELECT what, count(*) FROM counted GROUP BY what ORDER BY what";

async fn by_hand(mode: Mode) -> Sandbox {
    let sandbox = run_of(4, mode).await;
    sandbox.execute(BY_HAND);
    sandbox
}

#[tokio::test]
async fn an_upsert_leaves_what_the_job_does_not_name_and_what_refers_to_it() {
    let sandbox = by_hand(Mode::Upsert).await;
    sandbox.execute(REVIEWS);
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

#[tokio::test]
async fn append_and_replace_give_defaults() {
    let sandbox = run_of(4, Mode::Append).await;
    sandbox.execute(&BY_HAND.replace("UNIQUE KEY", "KEY"));
    assert_eq!(sandbox.publish().await.unwrap().total, Some(7));
    assert_eq!(
        sandbox.rows("SELECT id, rating FROM films WHERE number > 3 ORDER BY id"),
        ["tt0000|5.0", "tt0001|5.0", "tt0002|5.0", "tt0003|5.0"]
    );
    assert_eq!(sandbox.rows(COUNTED), ["INSERT|4"]);
    for mode in [Mode::Replace, Mode::ReplaceIds] {
        let sandbox = by_hand(mode).await;
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
async fn ids_that_the_list_no_longer_has_go_and_the_others_stay() {
    for mode in [Mode::Upsert, Mode::ReplaceIds] {
        let mut sandbox = by_hand(mode).await;
        sandbox.job.table.on_unlisted = OnUnlisted::Delete;
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.gone, published.total), (1, Some(4)), "{mode:?}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE id = 'tt0009'"), ["0"]);
    }
}

#[tokio::test]
async fn rows_that_would_go_with_those_of_the_table_are_told_before_the_first_request() {
    for (mode, on_unlisted) in [
        (Mode::Replace, OnUnlisted::Keep),
        (Mode::ReplaceIds, OnUnlisted::Keep),
        (Mode::Upsert, OnUnlisted::Delete),
    ] {
        let mut sandbox = by_hand(mode).await;
        sandbox.execute(REVIEWS);
        sandbox.job.table.on_unlisted = on_unlisted;
        let said = refused(&sandbox).await.to_string();
        assert!(said.contains("reviews` (foreign key reviews_ibfk_1, ON DELETE CASCADE)"), "{said}");
        assert_eq!(sandbox.rows("SELECT film FROM reviews ORDER BY 1"), ["1", "3"]);
        sandbox.job.table.on_referencing = OnReferencing::Delete;
        sandbox.publish().await.unwrap();
    }
}

/// What a trigger does to other rows is counted by nobody there.
#[tokio::test]
async fn triggers_that_change_other_rows_are_told_before_the_first_request() {
    let delete =
        "CREATE TRIGGER follow AFTER DELETE ON films FOR EACH ROW DELETE FROM others WHERE id = old.id";
    let update = "CREATE TRIGGER follow BEFORE UPDATE ON films FOR EACH ROW \
                  update others SET id = new.id WHERE id = old.id";
    let note = "CREATE TRIGGER note AFTER DELETE ON films FOR EACH ROW INSERT INTO others VALUES ('UPDATE or DELETE')";
    for (mode, on_unlisted, trigger, is_told) in [
        (Mode::Replace, OnUnlisted::Keep, delete, true),
        (Mode::ReplaceIds, OnUnlisted::Keep, delete, true),
        (Mode::Upsert, OnUnlisted::Delete, delete, true),
        (Mode::Upsert, OnUnlisted::Keep, delete, false),
        (Mode::Upsert, OnUnlisted::Keep, update, true),
        (Mode::Append, OnUnlisted::Keep, update, false),
        (Mode::Replace, OnUnlisted::Keep, note, false),
    ] {
        let mut sandbox = Sandbox::of_one_round(4, &all_ok).await.mode(mode).on_mariadb();
        let key = if mode == Mode::Append { "" } else { ", UNIQUE KEY (id)" };
        sandbox.execute("CREATE TABLE others (id varchar(60))");
        sandbox.execute(&format!(
            "CREATE TABLE films (number int AUTO_INCREMENT PRIMARY KEY, id varchar(60), title text, votes bigint, budget int, \
             facts json{key}) CHARACTER SET utf8mb4; INSERT INTO films (id) VALUES ('tt0001')"
        ));
        sandbox.execute(trigger);
        sandbox.job.table.on_unlisted = on_unlisted;
        if is_told {
            let said = refused(&sandbox).await.to_string();
            assert!(said.contains("its trigger follow changes rows"), "{mode:?}: {said}");
            sandbox.job.table.on_referencing = OnReferencing::Delete;
        }
        assert_eq!(sandbox.publish().await.unwrap().rows, 4, "{mode:?} {trigger}");
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
    assert!(said.contains("films_ibfk_1"), "{said}");
    assert!(said.contains("\n  record 3, id \"tt0003\", id = \"tt0003\": "), "{said}");
    assert_eq!(sandbox.rows(ALL), before);

    let ends = |o: u64, e: usize| Some(if (o, e) == (2, 0) { End::Missing } else { End::Ok });
    let sandbox = Sandbox::of_one_round(4, &ends).await.on_mariadb();
    sandbox.execute(&BY_HAND.replace("UNIQUE KEY", "KEY"));
    let said = refused(&sandbox).await.to_string();
    assert!(said.contains("Column 'votes' cannot be null"), "{said}");
}

#[tokio::test]
async fn kept_columns_keep_every_digit_of_the_table() {
    let ends = |o: u64, e: usize| Some(if (o, e) == (1, 1) { End::Failed } else { End::Ok });
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let mut sandbox = Sandbox::of_one_round(3, &ends).await.mode(mode).on_mariadb();
        sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
        let key = if mode == Mode::Upsert { "UNIQUE KEY" } else { "KEY" };
        sandbox.execute(&format!(
            "CREATE TABLE films (id varchar(20), title text, votes bigint, budget decimal(20, 2), facts json, {key} (id))
                 CHARACTER SET utf8mb4;
             INSERT INTO films VALUES ('tt0001', 'old', -1, 12345678901.25, '{{\"b\": 1}}')"
        ));
        if mode != Mode::Upsert {
            let said = refused(&sandbox).await.to_string();
            assert!(said.contains("on_failure = \"keep\" needs a primary key"), "{said}");
            sandbox.execute("ALTER TABLE films ADD number int AUTO_INCREMENT PRIMARY KEY");
        }
        sandbox.publish().await.unwrap();
        let kept = "SELECT title, budget, facts FROM films WHERE id = 'tt0001' AND votes = 1";
        assert_eq!(sandbox.rows(kept), ["film 1 of round 0|12345678901.25|{\"b\": 1}"], "{mode:?}");
    }
}

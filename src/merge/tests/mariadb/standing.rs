//! Tables made by hand beforehand are filled as they are.

use super::{Sandbox, refused, run_of};
use crate::job::{Mode, OnReferencing, OnUnlisted};

/// Films of which others may be gone, and reviews of two of them.
const BY_HAND: &str = "
    CREATE TABLE films (number int AUTO_INCREMENT PRIMARY KEY, id varchar(20) NOT NULL UNIQUE, title text, votes bigint,
        budget integer, facts json);
    INSERT INTO films (id, title) VALUES ('tt0001', 'old'), ('tt0002', 'old'), ('tt0009', 'old');";

const REVIEWS: &str = "
    CREATE TABLE reviews (film int, stars int, FOREIGN KEY (film) REFERENCES films (number) ON DELETE CASCADE);
    INSERT INTO reviews VALUES (1, 5), (3, 4);";

async fn by_hand(mode: Mode) -> Sandbox {
    let sandbox = run_of(4, mode).await;
    sandbox.execute(BY_HAND);
    sandbox
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
        let mut sandbox = run_of(4, mode).await;
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

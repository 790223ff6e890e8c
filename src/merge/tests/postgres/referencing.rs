//! Tables whose rows refer to the one that is filled: none of them loses a row, or a reference, without a word.

use super::super::sandbox::{Sandbox, all_ok};
use super::run_of;
use crate::handoff::Exit;
use crate::job::{Mode, OnFailure, OnReferencing, OnUnlisted};
use crate::merge::{End, MergeError};

/// Films 1, 2 and 9 stand; reviews, answers to them, and wishes refer to them.
const BY_HAND: &str = "
    CREATE TABLE films (number serial PRIMARY KEY, id text UNIQUE, title text, votes bigint, budget integer,
        facts json, seen integer DEFAULT 0);
    INSERT INTO films (id, title, seen) VALUES ('tt0001', 'old', 11), ('tt0002', 'old', 12), ('tt0009', 'old', 19);
    CREATE TABLE reviews (review integer PRIMARY KEY,
        film integer CONSTRAINT of_film REFERENCES films ON DELETE CASCADE);
    CREATE TABLE answers (review integer CONSTRAINT of_review REFERENCES reviews ON DELETE CASCADE);
    CREATE TABLE wishes (film integer DEFAULT NULL CONSTRAINT wished REFERENCES films ON DELETE SET NULL)";

const REFER_TO_1: &str = "INSERT INTO reviews VALUES (10, 1), (11, NULL); INSERT INTO answers VALUES (10), (10); INSERT INTO wishes VALUES (1)";
const REFER_TO_9: &str =
    "INSERT INTO reviews VALUES (90, 3); INSERT INTO answers VALUES (90); INSERT INTO wishes VALUES (3)";

/// All that refers.
const REFERRING: &str = "SELECT 'review ' || review || ' of ' || coalesce(film::text, '-') FROM reviews \
    UNION ALL SELECT 'answer to ' || review FROM answers \
    UNION ALL SELECT 'wish ' || coalesce(film::text, '-') FROM wishes ORDER BY 1";

async fn films(mode: Mode, key: bool) -> Sandbox {
    let mut sandbox = run_of(4, mode).await;
    sandbox.job.table.key = if key { vec!["id".into()] } else { vec![] };
    sandbox.execute(BY_HAND);
    sandbox
}

/// A publication that is refused, with nothing changed anywhere; what it says.
async fn refused(sandbox: &Sandbox) -> String {
    let look = || (sandbox.rows(REFERRING), sandbox.rows("SELECT * FROM films ORDER BY 1"));
    let before = look();
    let error = sandbox.publish().await.unwrap_err();
    assert!(matches!(error, MergeError::Table { .. }), "{error}");
    assert_eq!(error.exit(), Exit::Usage);
    assert_eq!(look(), before);
    error.to_string()
}

#[tokio::test]
async fn replacing_all_rows_counts_what_would_go_with_them_before_anything_is_asked() {
    let mut sandbox = films(Mode::Replace, false).await;
    assert_eq!(sandbox.checked().await, "fits", "nothing refers to it yet");
    sandbox.execute(REFER_TO_1);
    sandbox.execute(REFER_TO_9);
    let cascades = [
        "\n  replacing its rows would delete 2 rows of reviews too (foreign key of_film, ON DELETE CASCADE)",
        "\n  replacing its rows would delete 3 rows of answers too (foreign key of_review, ON DELETE CASCADE)",
    ];
    let nulls = "\n  replacing its rows would take the reference from 2 rows of wishes too (foreign key wished, ON DELETE \
                 SET NULL)";
    for (allowed, cascade, null) in [(OnReferencing::Fail, true, true), (OnReferencing::Null, true, false)] {
        sandbox.job.table.on_referencing = allowed;
        for said in [sandbox.checked().await, refused(&sandbox).await] {
            assert!(cascades.iter().all(|line| said.contains(line) == cascade), "{said}");
            assert_eq!(said.contains(nulls), null, "{said}");
            assert!(
                said.contains("name a key under [table]") && said.contains("on_referencing = \"delete\""),
                "{said}"
            );
        }
    }
    sandbox.job.table.on_referencing = OnReferencing::Delete;
    assert_eq!(sandbox.checked().await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().replaced, 3);
    assert_eq!(sandbox.rows(REFERRING), ["review 11 of -", "wish -", "wish -"]);
}

#[tokio::test]
async fn what_this_user_may_not_count_is_told_as_well() {
    let mut sandbox = films(Mode::Replace, false).await;
    sandbox.execute(REFER_TO_1);
    let user = sandbox.as_new_user();
    sandbox.execute(&format!(
        "GRANT ALL ON films TO {user}; GRANT ALL ON SEQUENCE films_number_seq TO {user}; \
                              GRANT CREATE ON SCHEMA public TO {user}"
    ));
    let said = sandbox.checked().await;
    assert!(said.contains("would delete rows that this user may not count of reviews too"), "{said}");
}

#[tokio::test]
async fn rows_that_come_again_under_the_key_are_updated_and_what_refers_to_them_stays() {
    for action in ["CASCADE", "SET NULL", "NO ACTION", "RESTRICT"] {
        let sandbox = films(Mode::Replace, true).await;
        sandbox.execute(&format!(
            "ALTER TABLE reviews DROP CONSTRAINT of_film, ADD CONSTRAINT of_film FOREIGN KEY (film) REFERENCES films \
             ON DELETE {action}"
        ));
        sandbox.execute(REFER_TO_1);
        let before = sandbox.rows(REFERRING);
        assert_eq!(sandbox.checked().await, "fits", "{action}");
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.total), (4, 3, Some(4)), "{action}");
        assert_eq!(sandbox.rows(REFERRING), before, "{action}");
        assert_eq!(
            sandbox.rows("SELECT number, id, title, votes, seen FROM films ORDER BY id"),
            [
                "4|tt0000|film 0 of round 0|0|0",
                "1|tt0001|film 1 of round 0|1|11",
                "2|tt0002|film 2 of round 0|2|12",
                "5|tt0003|film 3 of round 0|3|0",
            ],
            "{action}: tt0009 is gone"
        );
        assert!(sandbox.publish().await.unwrap().already);
    }
}

#[tokio::test]
async fn a_row_that_does_not_come_again_takes_nothing_along_unless_the_job_says_so() {
    for allowed in [OnReferencing::Fail, OnReferencing::Null, OnReferencing::Delete] {
        let mut sandbox = films(Mode::Replace, true).await;
        sandbox.job.table.on_referencing = allowed;
        sandbox.execute(REFER_TO_1);
        sandbox.execute("INSERT INTO wishes VALUES (3)");
        if allowed == OnReferencing::Fail {
            let said = refused(&sandbox).await;
            assert!(
                said.contains("deleting 1 of its rows takes the reference from 1 row of wishes"),
                "{said}"
            );
            assert!(said.contains("on_referencing = \"delete\""), "{said}");
            continue;
        }
        sandbox.execute("DELETE FROM wishes WHERE film = 3");
        sandbox.execute(REFER_TO_9);
        if allowed == OnReferencing::Null {
            let said = refused(&sandbox).await;
            assert!(said.contains("deleting 1 of its rows deletes 1 row of reviews too"), "{said}");
            assert!(
                said.contains("deleting 1 of its rows deletes 1 row of answers too"),
                "a cascade of a cascade: {said}"
            );
            assert!(!said.contains("wishes"), "{said}");
            sandbox.execute("DELETE FROM reviews WHERE review = 90");
        }
        assert_eq!(sandbox.publish().await.unwrap().total, Some(4));
        let left = ["answer to 10", "answer to 10", "review 10 of 1", "review 11 of -", "wish 1", "wish -"];
        let mut found = sandbox.rows(REFERRING);
        found.sort();
        let mut left = left.map(str::to_owned);
        left.sort();
        assert_eq!(found, left, "{allowed:?}");
    }
}

#[tokio::test]
async fn columns_that_are_kept_are_those_of_the_row_that_is_updated() {
    let ends = |o: u64, e: usize| Some(if (o, e) == (1, 1) { End::Failed } else { End::Ok });
    for mode in [Mode::Replace, Mode::ReplaceIds] {
        let mut sandbox = Sandbox::new(3).await.mode(mode);
        sandbox.job.table.key = if mode == Mode::Replace { vec!["id".into()] } else { vec![] };
        sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
        sandbox.add_round(1, &ends).await;
        let sandbox = sandbox.on_postgres();
        sandbox.execute(BY_HAND);
        sandbox.execute("UPDATE films SET budget = 70 WHERE id = 'tt0001'");
        sandbox.execute(REFER_TO_1);
        let before = sandbox.rows(REFERRING);
        sandbox.publish().await.unwrap();
        let kept = "SELECT number, title, budget FROM films WHERE id = 'tt0001'";
        assert_eq!(sandbox.rows(kept), ["1|film 1 of round 0|70"], "{mode:?}");
        assert_eq!(sandbox.rows(REFERRING), before, "{mode:?}");
    }
}

#[tokio::test]
async fn ids_that_are_replaced_keep_what_refers_to_their_one_row() {
    let sandbox = films(Mode::ReplaceIds, false).await;
    sandbox.execute(REFER_TO_1);
    sandbox.execute(REFER_TO_9);
    let before = sandbox.rows(REFERRING);
    assert_eq!(sandbox.checked().await, "fits");
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.replaced, published.total), (4, 2, Some(5)));
    assert_eq!(sandbox.rows(REFERRING), before);
    assert_eq!(sandbox.rows("SELECT number FROM films WHERE id = 'tt0001'"), ["1"]);
}

#[tokio::test]
async fn of_several_rows_to_an_id_nobody_knows_which_is_which() {
    let mut sandbox =
        Sandbox::new(3).await.mode(Mode::ReplaceIds).exploding(1, |_, o| 1 + (o == 1) as u32).await;
    sandbox.add_round(1, &all_ok).await;
    let mut sandbox = sandbox.on_postgres();
    sandbox.execute(BY_HAND);
    sandbox.execute("ALTER TABLE films DROP CONSTRAINT films_id_key");
    sandbox.execute(REFER_TO_1);
    let said = refused(&sandbox).await;
    assert!(
        said.contains("would delete 1 row of reviews too") && said.contains("mode = \"upsert\""),
        "{said}"
    );
    assert_eq!(sandbox.checked().await, said);
    sandbox.job.table.on_referencing = OnReferencing::Delete;
    sandbox.execute("INSERT INTO reviews VALUES (20, 2)");
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
    assert_eq!(
        sandbox.rows("SELECT review FROM reviews ORDER BY 1"),
        ["11", "20"],
        "tt0002 has one row, before and now"
    );
}

#[tokio::test]
async fn an_upsert_that_deletes_what_is_gone_or_twins_takes_nothing_along() {
    let mut sandbox = films(Mode::Upsert, true).await;
    sandbox.job.table.on_unlisted = OnUnlisted::Delete;
    sandbox.execute(REFER_TO_9);
    assert_eq!(sandbox.checked().await, "fits");
    assert!(refused(&sandbox).await.contains("deleting 1 of its rows deletes 1 row of reviews too"));
    sandbox.job.table.on_unlisted = OnUnlisted::Keep;
    sandbox.execute(
        "ALTER TABLE films DROP CONSTRAINT films_id_key; INSERT INTO films (id) VALUES ('tt0001'); INSERT INTO reviews VALUES (12, 1)",
    );
    assert!(refused(&sandbox).await.contains("deleting 1 of its rows deletes 1 row of reviews too"));
    sandbox.job.table.on_referencing = OnReferencing::Delete;
    sandbox.job.table.on_unlisted = OnUnlisted::Delete;
    assert_eq!(sandbox.publish().await.unwrap().gone, 1);
    assert_eq!(sandbox.rows(REFERRING), ["wish -"]);
}

#[tokio::test]
async fn an_update_that_takes_references_away_is_refused_too() {
    let mut sandbox = films(Mode::Upsert, true).await;
    sandbox.execute(
        "UPDATE films SET title = 'old ' || id; ALTER TABLE films ADD UNIQUE (title);
         CREATE TABLE posters (title text REFERENCES films (title) ON UPDATE SET NULL);
         CREATE TABLE quotes (title text REFERENCES films (title) ON UPDATE CASCADE);
         INSERT INTO posters VALUES ('old tt0001'); INSERT INTO quotes VALUES ('old tt0001')",
    );
    assert!(
        refused(&sandbox).await.contains("updating 2 of its rows takes the reference from 1 row of posters")
    );
    sandbox.job.table.on_referencing = OnReferencing::Null;
    sandbox.publish().await.unwrap();
    let both = "SELECT posters.title, quotes.title FROM posters, quotes";
    assert_eq!(sandbox.rows(both), ["~|film 1 of round 0"], "a reference that follows is none that is lost");
}

#[tokio::test]
async fn a_trigger_that_deletes_elsewhere_is_seen_and_one_that_writes_elsewhere_is_none_of_our_matter() {
    let mut sandbox = films(Mode::Replace, false).await;
    sandbox.execute(
        "CREATE TABLE notes (film integer); INSERT INTO notes VALUES (1), (2), (3); CREATE TABLE log (n integer);
         CREATE TABLE totals (n integer); INSERT INTO totals VALUES (0);
         CREATE FUNCTION tidy() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
             DELETE FROM notes WHERE film = OLD.number; INSERT INTO log VALUES (OLD.number);
             UPDATE totals SET n = n + 1; RETURN NULL; END$$;
         CREATE TRIGGER tidies AFTER DELETE ON films FOR EACH ROW EXECUTE FUNCTION tidy()",
    );
    assert!(refused(&sandbox).await.contains("deleting 3 of its rows deletes 3 rows of notes too"));
    assert_eq!(sandbox.rows("SELECT count(*) FROM notes"), ["3"]);
    sandbox.job.table.on_referencing = OnReferencing::Delete;
    sandbox.publish().await.unwrap();
    assert_eq!(
        sandbox.rows("SELECT (SELECT count(*) FROM notes), count(*), (SELECT n FROM totals) FROM log"),
        ["0|3|3"]
    );
    let sandbox = films(Mode::Replace, false).await;
    sandbox.execute(
        "CREATE TABLE log (n integer); CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
             'BEGIN INSERT INTO log VALUES (OLD.number); RETURN NULL; END';
         CREATE TRIGGER notes AFTER DELETE ON films FOR EACH ROW EXECUTE FUNCTION note()",
    );
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("SELECT count(*) FROM log"), ["3"]);
}

#[tokio::test]
async fn references_among_partitions_and_children_are_found() {
    let partitioned = "
        CREATE TABLE films (id text, title text, votes bigint, budget integer, facts json, PRIMARY KEY (id))
            PARTITION BY RANGE (id);
        CREATE TABLE films_a PARTITION OF films FOR VALUES FROM ('tt0000') TO ('tt0005');
        CREATE TABLE films_b PARTITION OF films FOR VALUES FROM ('tt0005') TO ('uu');
        INSERT INTO films (id) VALUES ('tt0001'), ('tt0009');
        CREATE TABLE reviews (film text CONSTRAINT of_film REFERENCES films ON DELETE CASCADE) PARTITION BY LIST (film);
        CREATE TABLE reviews_1 PARTITION OF reviews FOR VALUES IN ('tt0001');
        CREATE TABLE reviews_9 PARTITION OF reviews DEFAULT;
        CREATE TABLE stills (film text CONSTRAINT of_part REFERENCES films_b ON DELETE CASCADE);
        INSERT INTO reviews VALUES ('tt0001'), ('tt0009'), ('tt0009'); INSERT INTO stills VALUES ('tt0009')";
    let inherited = "
        CREATE TABLE films (id text, title text, votes bigint, budget integer, facts json);
        CREATE TABLE old_films (PRIMARY KEY (id)) INHERITS (films);
        INSERT INTO old_films (id) VALUES ('tt0001'), ('tt0009');
        CREATE TABLE reviews (film text CONSTRAINT of_film REFERENCES old_films ON DELETE CASCADE);
        CREATE TABLE stills (film text CONSTRAINT of_part REFERENCES old_films ON DELETE CASCADE);
        INSERT INTO reviews VALUES ('tt0001'), ('tt0009'), ('tt0009'); INSERT INTO stills VALUES ('tt0009')";
    for by_hand in [partitioned, inherited] {
        let mut sandbox = run_of(4, Mode::Replace).await;
        sandbox.execute(by_hand);
        let said = sandbox.checked().await;
        assert!(said.contains("would delete 3 rows of reviews too (foreign key of_film,"), "{said}");
        assert!(said.contains("would delete 1 row of stills too (foreign key of_part,"), "{said}");
        assert_eq!(said.matches("replacing its rows").count(), 2, "{said}");
        sandbox.job.table.key = vec!["id".into()];
        let said = sandbox.publish().await.unwrap_err().to_string();
        assert!(said.contains("deleting 1 of its rows deletes 2 rows of reviews too"), "{said}");
        sandbox.execute("DELETE FROM reviews WHERE film = 'tt0009'; DELETE FROM stills");
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.replaced, published.total), (4, 2, Some(4)));
        assert_eq!(sandbox.rows("SELECT film FROM reviews"), ["tt0001"]);
        assert_eq!(sandbox.rows("SELECT count(*), count(DISTINCT id) FROM films"), ["4|4"]);
    }
    // One of the partitions is the job's table: what refers to the whole refers to it.
    let mut sandbox = run_of(4, Mode::Replace).await;
    sandbox.execute(partitioned);
    sandbox.job.table.name = "films_a".into();
    let said = sandbox.checked().await;
    assert!(said.contains("of reviews too (foreign key of_film,") && !said.contains("stills"), "{said}");
}

#[tokio::test]
async fn a_table_that_refers_to_itself_loses_none_of_the_run_s_rows() {
    let by_hand = "
        CREATE TABLE films (id text PRIMARY KEY, title text, votes bigint, budget integer, facts json,
            sequel_of text CONSTRAINT sequel REFERENCES films ON DELETE CASCADE);
        INSERT INTO films (id, sequel_of) VALUES ('tt0009', NULL), ('tt0001', 'tt0009'), ('tt0002', 'tt0001')";
    let sandbox = run_of(4, Mode::Replace).await;
    sandbox.execute(by_hand);
    assert_eq!(sandbox.checked().await, "fits", "all of it makes way");
    assert_eq!(sandbox.publish().await.unwrap().replaced, 3);
    let mut sandbox = run_of(4, Mode::Replace).await;
    sandbox.job.table.key = vec!["id".into()];
    sandbox.execute(by_hand);
    let said = sandbox.publish().await.unwrap_err().to_string();
    assert!(said.contains("deleting 1 of its rows deletes 2 more of its own that are to stay"), "{said}");
    sandbox.job.table.on_referencing = OnReferencing::Delete;
    assert_eq!(sandbox.publish().await.unwrap().total, Some(4), "what the cascade took comes anew");
    assert_eq!(sandbox.rows("SELECT count(*) FROM films WHERE title LIKE 'film %'"), ["4"]);
    let mut sandbox = run_of(4, Mode::Replace).await;
    sandbox.job.table.key = vec!["id".into()];
    sandbox.execute(by_hand);
    sandbox.execute(
        "ALTER TABLE films DROP CONSTRAINT sequel, ADD FOREIGN KEY (sequel_of) REFERENCES films ON DELETE SET NULL",
    );
    sandbox.job.table.on_referencing = OnReferencing::Null;
    let published = sandbox.publish().await.unwrap();
    assert_eq!((published.rows, published.total), (4, Some(4)));
    assert_eq!(
        sandbox.rows("SELECT id, sequel_of FROM films WHERE sequel_of IS NOT NULL"),
        ["tt0002|tt0001"]
    );
}

#[tokio::test]
async fn a_server_that_does_not_count_is_not_trusted() {
    let mut sandbox = films(Mode::Replace, true).await;
    sandbox.execute(REFER_TO_9);
    let database = sandbox.postgres().name.clone();
    sandbox.execute(&format!("ALTER DATABASE {database} SET track_counts = off"));
    let said = refused(&sandbox).await;
    assert!(
        said.contains("does not count what a statement does to other tables")
            && said.contains("reviews (foreign key of_film"),
        "{said}"
    );
    sandbox.job.table.on_referencing = OnReferencing::Delete;
    sandbox.publish().await.unwrap();
}

#[tokio::test]
async fn rights_to_update_are_asked_for_where_rows_are_updated() {
    let mut sandbox = films(Mode::Replace, true).await;
    let user = sandbox.as_new_user();
    sandbox.execute(&format!(
        "GRANT SELECT, INSERT, DELETE ON films TO {user}; GRANT ALL ON SEQUENCE films_number_seq TO {user};
         GRANT CREATE ON SCHEMA public TO {user}"
    ));
    assert!(sandbox.checked().await.contains("this user may not UPDATE there"));
    sandbox.execute(&format!("GRANT UPDATE ON films TO {user}"));
    assert_eq!(sandbox.checked().await, "fits");
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
}

#[test]
fn duckdb_has_no_references_that_delete() {
    let connection = duckdb::Connection::open_in_memory().unwrap();
    for action in ["CASCADE", "SET NULL", "SET DEFAULT"] {
        let refused = connection.execute_batch(&format!(
            "CREATE OR REPLACE TABLE films (id INTEGER PRIMARY KEY); \
             CREATE TABLE reviews (film INTEGER REFERENCES films ON DELETE {action})"
        ));
        assert!(
            refused.unwrap_err().to_string().contains("cannot use CASCADE, SET NULL or SET DEFAULT"),
            "{action}"
        );
    }
}

use super::*;
use crate::job::OnReferencing;

const FILMS: &str = "CREATE TABLE films (id TEXT PRIMARY KEY, title TEXT, votes INT, budget INT, facts TEXT); \
     INSERT INTO films (id) VALUES ('tt0001'), ('gone');";

async fn with(mode: Mode, sql: &str) -> Sandbox {
    let mut sandbox = run_of(3, mode).await;
    if mode == Mode::Replace {
        sandbox.job.table.key = vec!["id".into()];
    }
    sandbox.execute(&format!("{FILMS}{sql}"));
    sandbox
}

/// Rows that come again are updated, and what refers to them stays; what refers to others is not touched without a word.
#[tokio::test]
async fn rows_of_other_tables_are_deleted_or_changed_only_where_the_job_says_so() {
    for (without, action, rest) in [
        ("", "CASCADE", "deletes 1 row of \"ratings\" too"),
        ("WITHOUT ROWID", "CASCADE", "deletes 1 row of \"ratings\" too"),
        ("", "SET NULL", "takes the reference from 1 row of \"ratings\""),
        ("WITHOUT ROWID", "SET NULL", "takes the reference from 1 row of \"ratings\""),
    ] {
        let ratings = format!(
            "CREATE TABLE ratings (nr INT PRIMARY KEY, film TEXT REFERENCES films (id) ON DELETE {action}) {without}; \
             INSERT INTO ratings VALUES (1, 'tt0001'), (2, 'gone')"
        );
        let mut sandbox = with(Mode::Replace, &ratings).await;
        let error = refused(&sandbox).await.to_string();
        assert!(error.contains(rest), "{action} {without}: {error}");
        assert_eq!(sandbox.rows("SELECT film FROM ratings ORDER BY nr"), ["tt0001", "gone"]);
        sandbox.job.table.on_referencing = OnReferencing::Delete;
        assert_eq!(sandbox.publish().await.unwrap().rows, 3);
        let left = sandbox.rows("SELECT film FROM ratings ORDER BY nr");
        assert_eq!(left, if action == "CASCADE" { vec!["tt0001"] } else { vec!["tt0001", "~"] });
    }
}

#[tokio::test]
async fn what_triggers_and_chains_of_references_do_is_seen_too() {
    for (sql, rest) in [
        (
            "CREATE TABLE log (film TEXT); INSERT INTO log VALUES ('gone'), ('gone'); \
             CREATE TRIGGER t AFTER DELETE ON films BEGIN DELETE FROM log WHERE film = old.id; END",
            "deletes 2 rows of \"log\" too",
        ),
        (
            "CREATE TABLE a (id TEXT PRIMARY KEY, film REFERENCES films ON DELETE CASCADE); \
             CREATE TABLE b (a TEXT REFERENCES a ON DELETE CASCADE); \
             INSERT INTO a VALUES ('x', 'gone'); INSERT INTO b VALUES ('x')",
            "deletes 1 row of \"b\" too",
        ),
        (
            "ALTER TABLE films ADD COLUMN part_of TEXT REFERENCES films (id) ON DELETE CASCADE; \
             UPDATE films SET part_of = 'gone' WHERE id = 'tt0001'",
            "deletes 1 more of its own that are to stay",
        ),
    ] {
        let error = refused(&with(Mode::Replace, sql).await).await.to_string();
        assert!(error.contains(rest), "{error}");
    }
}

#[tokio::test]
async fn references_that_would_go_for_certain_are_told_before_the_first_request() {
    let ratings = "CREATE TABLE ratings (film TEXT REFERENCES films ON DELETE CASCADE); \
                   INSERT INTO ratings VALUES ('gone'), ('tt0001')";
    let mut sandbox = with(Mode::Replace, ratings).await;
    sandbox.job.table.key.clear();
    insta::assert_snapshot!(told(&sandbox).await, @r#"
    table main.films does not fit the job:
      replacing its rows would delete 2 rows of "ratings" too (foreign key (film), ON DELETE CASCADE)
      name a key under [table]: rows that come again under it are updated, and what refers to them stays; or let it happen with on_referencing = "delete" ("null" where only references are taken away)
    hint: change the job or the table; windrow never alters a table
    "#);
}

#[tokio::test]
async fn a_reference_that_forbids_it_keeps_the_row() {
    let ratings = "CREATE TABLE ratings (film TEXT REFERENCES films); INSERT INTO ratings VALUES ('gone')";
    let error = refused(&with(Mode::Replace, ratings).await).await.to_string();
    assert!(error.contains("FOREIGN KEY constraint failed"), "{error}");
}

/// An upsert is no deletion: what refers to a row that comes again stays, even where it would go with it.
#[tokio::test]
async fn an_upsert_takes_nothing_from_other_tables() {
    let ratings = "CREATE TABLE ratings (nr INT, film TEXT NOT NULL REFERENCES films (id) ON DELETE CASCADE ON UPDATE CASCADE); \
                   INSERT INTO ratings VALUES (1, 'tt0001'), (2, 'gone')";
    let sandbox = with(Mode::Upsert, ratings).await;
    assert_eq!(sandbox.publish().await.unwrap().rows, 3);
    assert_eq!(sandbox.rows("SELECT film FROM ratings ORDER BY nr"), ["tt0001", "gone"]);
}

/// Nothing refers to it, and no trigger fires: an upsert and a replacement take no notice.
#[tokio::test]
async fn triggers_that_only_write_elsewhere_are_let_be() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let log = "CREATE TABLE log (what TEXT, id TEXT); \
             CREATE TRIGGER i AFTER INSERT ON films BEGIN INSERT INTO log VALUES ('insert', new.id); END; \
             CREATE TRIGGER u AFTER UPDATE ON films BEGIN INSERT INTO log VALUES ('update', new.id); END; \
             CREATE TRIGGER d AFTER DELETE ON films BEGIN INSERT INTO log VALUES ('delete', old.id); END; \
             DELETE FROM films WHERE id = 'gone'; DELETE FROM log";
        let sandbox = with(mode, log).await;
        if mode == Mode::Append {
            sandbox.execute("DELETE FROM films; DELETE FROM log");
        }
        assert_eq!(sandbox.publish().await.unwrap().rows, 3, "{mode:?}");
        let logged = sandbox.rows("SELECT group_concat(what) FROM log WHERE id = 'tt0001'");
        let expected = match mode {
            Mode::Append => "insert",
            Mode::Upsert => "update",
            Mode::Replace | Mode::ReplaceIds => "delete,insert",
        };
        assert_eq!(logged, [expected], "{mode:?}");
    }
}

/// Also where the reference has several columns, the table no numbers of rows, and a reference was broken before.
#[tokio::test]
async fn a_deferred_reference_names_its_row_whatever_stands() {
    for without in ["", "WITHOUT ROWID"] {
        let sandbox = run_of(6, Mode::Upsert).await;
        sandbox.execute(&format!(
            "CREATE TABLE \"known ones\" (a TEXT, b INT, PRIMARY KEY (a, b)); \
             INSERT INTO \"known ones\" SELECT 'tt000' || value, value FROM json_each('[0,1,2,4,5]'); \
             CREATE TABLE films (id TEXT PRIMARY KEY, title TEXT, votes INT, budget INT, facts TEXT, \
               FOREIGN KEY (id, votes) REFERENCES \"known ones\" DEFERRABLE INITIALLY DEFERRED) {without}; \
             PRAGMA foreign_keys = OFF; INSERT INTO films (id, votes) VALUES ('old', 1), ('older', 1)"
        ));
        let said = refused(&sandbox).await.to_string();
        let named = "\n  record 3, id \"tt0003\", id = \"tt0003\", votes = \"3\": FOREIGN KEY constraint failed: (id, votes)";
        assert!(said.contains(named) && said.matches("\n  record ").count() == 1, "{without}: {said}");
        assert_eq!(sandbox.rejected().await, [3], "{without}");
        assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["7"], "{without}");
    }
}

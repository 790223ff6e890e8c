use super::*;
use crate::merge::End;

async fn with(sql: &str, mode: Mode) -> String {
    rejecting(sql, mode, &[]).await
}

/// What is told, and then published without these records; nothing where they are not to be looked at.
async fn rejecting(sql: &str, mode: Mode, records: &[u64]) -> String {
    let sandbox = run_of(11, mode).await;
    sandbox.execute(sql);
    let told = refused(&sandbox).await.to_string();
    if !records.is_empty() {
        assert_eq!(sandbox.rejected().await, records, "{mode:?}");
    }
    told.replace(&sandbox.folder().display().to_string(), "…")
}

/// SQLite gives a row whose `INTEGER PRIMARY KEY` is null a number of its own.
#[tokio::test]
async fn a_null_does_not_become_a_number() {
    let ends = |o: u64, e: usize| Some(if (o, e) == (7, 0) { End::Missing } else { End::Ok });
    for mode in [Mode::Append, Mode::Replace, Mode::ReplaceIds] {
        let sandbox = Sandbox::of_one_round(11, &ends).await.mode(mode).on_sqlite();
        sandbox.execute(
            "CREATE TABLE films (id TEXT, title TEXT, votes INTEGER PRIMARY KEY, budget INT, facts TEXT)",
        );
        let told = refused(&sandbox).await.to_string();
        assert!(
            told.contains("tt0007\", votes = null: it is null, and SQLite would make up a number"),
            "{mode:?}: {told}"
        );
        assert_eq!(sandbox.rejected().await, [7], "{mode:?}");
        assert_eq!(sandbox.rows("SELECT count(*), max(votes) FROM films"), ["10|10"], "{mode:?}");
    }
}

/// Where they are written straight, and from staging.
#[tokio::test]
async fn rows_that_break_a_condition_are_named_with_the_value() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        for (column, expected) in [
            ("votes INT CHECK (votes <> 7)", "CHECK constraint failed: votes <> 7"),
            ("votes INT CONSTRAINT few CHECK (votes <> 7)", "CHECK constraint failed: few"),
        ] {
            let sql = format!("CREATE TABLE films (id TEXT, title TEXT, {column}, budget INT, facts TEXT)");
            let told = rejecting(&sql, mode, &[7]).await;
            assert!(told.contains("tt0007") && told.contains(expected), "{mode:?}: {told}");
            assert!(!told.contains("tt0006"), "{mode:?}: {told}");
        }
    }
}

#[tokio::test]
async fn rows_that_a_trigger_refuses_are_named_and_those_that_it_ignores_are_counted() {
    let table = "CREATE TABLE films (id TEXT, title TEXT, votes INT, budget INT, facts TEXT);";
    let abort = "CREATE TRIGGER t BEFORE INSERT ON films WHEN new.votes = 7 BEGIN SELECT RAISE(ABORT, 'no sevens'); END";
    let told = rejecting(&format!("{table}{abort}"), Mode::Append, &[7]).await;
    insta::assert_snapshot!(told, @r#"
    sqlite:…/it's films.sqlite: table main.films refuses rows of the run; nothing was published
      record 7, id "tt0007": no sevens
    hint: mend them or leave them out with [[publish.before]] (UPDATE or DELETE … windrow_rows), change the table (a wider type, another condition), let mode = "upsert" replace rows of the same key, or let max_rejected under [publish] leave a few out; then repeat `windrow merge`: nothing is asked again
    "#);
    for mode in [Mode::Append, Mode::Upsert] {
        let sandbox = run_of(11, mode).await;
        let ignore = abort.replace("RAISE(ABORT, 'no sevens')", "RAISE(IGNORE)");
        sandbox.execute(&format!("{table}{ignore}"));
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.kept_out), (10, 1), "{mode:?}");
    }
}

#[tokio::test]
async fn twins_under_a_unique_index_are_named() {
    let table = "CREATE TABLE films (id TEXT, title TEXT, votes INT, budget INT, facts TEXT, \
                 parity AS (votes % 10) STORED);";
    let told = with(&format!("{table} CREATE UNIQUE INDEX one ON films (parity)"), Mode::Append).await;
    assert!(told.contains("tt0010") || told.contains("tt0000"), "{told}");
    let standing = "CREATE TABLE films (id TEXT, title TEXT UNIQUE, votes INT, budget INT, facts TEXT); \
                    INSERT INTO films (id, title) VALUES ('x', 'film 3 of round 0')";
    let told = rejecting(standing, Mode::Append, &[3]).await;
    assert!(told.contains("tt0003") && told.contains("film 3 of round 0"), "{told}");
}

#[tokio::test]
async fn a_reference_to_nothing_names_its_row() {
    let sql = "CREATE TABLE known (id TEXT PRIMARY KEY); \
               INSERT INTO known SELECT 'tt000' || value FROM json_each('[0,1,2,3,4,5,6,8,9]'); \
               INSERT INTO known VALUES ('tt0010'); \
               CREATE TABLE films (id TEXT REFERENCES known, title TEXT, votes INT, budget INT, facts TEXT)";
    let told = rejecting(sql, Mode::Append, &[7]).await;
    assert!(told.contains("tt0007") && told.contains("FOREIGN KEY constraint failed"), "{told}");
    let deferred = sql.replace("REFERENCES known", "REFERENCES known DEFERRABLE INITIALLY DEFERRED");
    // It is looked at by COMMIT, which names no row.
    let told = with(&deferred, Mode::Append).await;
    assert!(told.contains("FOREIGN KEY constraint failed"), "{told}");
}

#[tokio::test]
async fn a_value_that_is_not_of_a_strict_type_is_named() {
    let sql = "CREATE TABLE films (id TEXT, title TEXT, votes INTEGER NOT NULL, budget ANY, facts TEXT) STRICT; \
               CREATE TRIGGER t AFTER INSERT ON films WHEN new.votes = 7 \
                 BEGIN UPDATE films SET votes = 'seven' WHERE id = new.id; END";
    let told = with(sql, Mode::Append).await;
    assert!(
        told.contains("cannot store TEXT value in INTEGER column films.votes") && told.contains("tt0007"),
        "{told}"
    );
}

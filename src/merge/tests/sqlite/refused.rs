//! Rows that only SQLite can refuse, or refuses in its own way.

use super::super::refused::row;
use super::*;

/// What is told of a run into this table.
async fn with(sql: &str) -> String {
    let sandbox = run_of(11, Mode::Append).await;
    sandbox.execute(sql);
    refused(&sandbox).await.to_string().replace(&sandbox.folder().display().to_string(), "…")
}

const TABLE: &str = "CREATE TABLE films (id TEXT, title TEXT, votes INT, budget INT, facts TEXT);";

#[tokio::test]
async fn a_message_says_what_is_wrong_in_full() {
    let abort = "CREATE TRIGGER t BEFORE INSERT ON films WHEN new.votes = 7 BEGIN SELECT RAISE(ABORT, 'no sevens'); END";
    insta::assert_snapshot!(with(&format!("{TABLE}{abort}")).await, @r#"
    sqlite:…/it's films.sqlite: table main.films refuses rows of the run; nothing was published
      record 7, id "tt0007": no sevens
    hint: mend them or leave them out with [[publish.before]] (UPDATE or DELETE … windrow_rows), change the table (a wider type, another condition), let mode = "upsert" replace rows of the same key, or let max_rejected under [publish] leave a few out; then repeat `windrow merge`: nothing is asked again
    "#);
}

#[tokio::test]
async fn twins_under_a_unique_index_are_named() {
    let computed = TABLE.replace(");", ", parity AS (votes % 10) STORED);");
    let told = with(&format!("{computed} CREATE UNIQUE INDEX one ON films (parity)")).await;
    assert!(told.contains("tt0010") || told.contains("tt0000"), "{told}");
    let sandbox = run_of(11, Mode::Append).await;
    sandbox.execute(&TABLE.replace("title TEXT", "title TEXT UNIQUE"));
    sandbox.execute("INSERT INTO films (id, title) VALUES ('x', 'film 3 of round 0')");
    let named = row(&sandbox).await;
    assert!(named.starts_with("3 tt0003 title=film 3 of round 0: "), "{named}");
}

#[tokio::test]
async fn a_value_that_is_not_of_a_strict_type_is_named() {
    let sql = "CREATE TABLE films (id TEXT, title TEXT, votes INTEGER NOT NULL, budget ANY, facts TEXT) STRICT; \
               CREATE TRIGGER t AFTER INSERT ON films WHEN new.votes = 7 \
                 BEGIN UPDATE films SET votes = 'seven' WHERE id = new.id; END";
    let told = with(sql).await;
    assert!(
        told.contains("cannot store TEXT value in INTEGER column films.votes") && told.contains("tt0007"),
        "{told}"
    );
}

//! `on_new_column = "add"`, as only SQLite has it: tables of its own kinds.

use super::super::adding::adding;
use super::super::engines::{Engine, MODES};
use super::*;

#[tokio::test]
async fn tables_of_every_kind_gain_columns() {
    for (columns, options) in [
        ("id TEXT PRIMARY KEY, title TEXT, votes INTEGER", "STRICT"),
        ("id TEXT PRIMARY KEY, title TEXT, votes INTEGER", "WITHOUT ROWID"),
        (
            "nr INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE COLLATE NOCASE, title, votes CHECK (votes >= 0)",
            "",
        ),
    ] {
        for mode in MODES {
            let sandbox = adding(
                Engine::Sqlite,
                mode,
                &format!(
                    "CREATE TABLE films ({columns}) {options}; CREATE INDEX by_votes ON films (votes) WHERE votes > 1;
                     CREATE TABLE counted (what TEXT); CREATE VIEW broken AS SELECT * FROM missing;
                     CREATE TRIGGER counts AFTER INSERT ON films BEGIN INSERT INTO counted VALUES (new.title); END"
                ),
            )
            .await;
            sandbox.publish().await.unwrap();
            assert_eq!(sandbox.rows("SELECT budget FROM films ORDER BY id"), ["0", "10", "20", "30"]);
            assert_eq!(sandbox.rows("SELECT count(*) FROM counted"), ["4"]);
            assert_eq!(sandbox.rows("PRAGMA integrity_check"), ["ok"]);
        }
    }
}

#[tokio::test]
async fn a_killed_load_leaves_the_table_as_it_was() {
    let mut sandbox = adding(Engine::Sqlite, Mode::Append, "CREATE TABLE films (id, title, votes)").await;
    sandbox.job.after = vec![statement("INSERT INTO nowhere VALUES (1)")];
    refused(&sandbox).await;
    assert_eq!(sandbox.rows("SELECT count(*) FROM pragma_table_info('films')"), ["3"]);
}

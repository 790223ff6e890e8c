//! `on_new_column = "add"`.

use super::*;
use crate::job::OnNewColumn;

async fn adding(mode: Mode, table: &str) -> Sandbox {
    let mut sandbox = run_of(4, mode).await;
    sandbox.job.table.on_new_column = OnNewColumn::Add;
    sandbox.execute(table);
    sandbox
}

#[tokio::test]
async fn what_stands_in_the_way_is_told_before_the_first_request() {
    let many: String = (0..1996).map(|n| format!(", c{n}")).collect();
    for (table, words) in [
        (
            format!("CREATE TABLE films (id, title, votes{many})"),
            "with 2 new columns it would have too many: SQLite takes 2000",
        ),
        ("CREATE VIEW films AS SELECT 'a' AS id".to_owned(), "it is a view"),
        ("CREATE VIRTUAL TABLE films USING fts5 (id, title, votes)".to_owned(), "it is a virtual table"),
        (
            "CREATE TABLE films (id, title, votes, budget INTEGER AS (1))".to_owned(),
            "column \"budget\" is generated and cannot be filled",
        ),
    ] {
        let sandbox = adding(Mode::Append, &table).await;
        let said = told(&sandbox).await;
        assert!(said.contains(words), "{said}");
        assert_eq!(refused(&sandbox).await.to_string(), said);
    }
}

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
        for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
            let sandbox = adding(
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
    let mut sandbox = adding(Mode::Append, "CREATE TABLE films (id, title, votes)").await;
    sandbox.job.after = vec![statement("INSERT INTO nowhere VALUES (1)")];
    refused(&sandbox).await;
    assert_eq!(sandbox.rows("SELECT count(*) FROM pragma_table_info('films')"), ["3"]);
}

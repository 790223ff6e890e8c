use super::*;
use crate::job::OnFailure;
use crate::merge::End;

#[tokio::test]
async fn a_table_that_is_made_is_strict_and_the_file_has_a_log() {
    let sandbox = run_of(4, Mode::Upsert).await;
    assert_eq!(sandbox.publish().await.unwrap().rows, 4);
    let made = &sandbox.rows("SELECT sql FROM sqlite_schema WHERE name = 'films'")[0];
    insta::assert_snapshot!(made, @r#"
    CREATE TABLE "films" (
        "id" TEXT,
        "title" TEXT,
        "votes" INTEGER,
        "budget" INTEGER,
        "facts" TEXT,
        PRIMARY KEY ("id")
    ) STRICT
    "#);
    assert_eq!(sandbox.rows("PRAGMA journal_mode"), ["wal"]);
    let noted = "SELECT run_id, rounds, table_name, \"rows\", published_at FROM windrow_runs";
    assert_eq!(sandbox.rows(noted), ["20261123T000000-4f2a9c81d3f60|1|main.films|4|2026-11-23T00:00:00Z"]);
    assert_eq!(crate::merge::ddl(&sandbox.job, &sandbox.plan).unwrap(), format!("{made};"));
}

#[tokio::test]
async fn a_file_that_stands_keeps_its_journal() {
    let sandbox = run_of(4, Mode::Replace).await;
    sandbox.execute("CREATE TABLE other (n)");
    sandbox.publish().await.unwrap();
    assert_eq!(sandbox.rows("PRAGMA journal_mode"), ["delete"]);
}

/// What the job does not name is the database's: numbers, defaults, what is computed.
#[tokio::test]
async fn numbers_defaults_and_computed_columns_are_left_to_the_table() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let sandbox = run_of(3, mode).await;
        sandbox.execute(
            "CREATE TABLE films (nr INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, id TEXT UNIQUE, title TEXT NOT NULL, \
               votes BIGINT, budget INT CHECK (budget >= 0), facts TEXT, seen TEXT NOT NULL DEFAULT 'new', \
               loud TEXT AS (upper(title)), twice INT AS (votes * 2) STORED); \
             INSERT INTO films (id, title, seen) VALUES ('tt0001', 'old', 'mine')",
        );
        if mode == Mode::Append {
            sandbox.execute("DELETE FROM films");
        }
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.total), (3, Some(3)), "{mode:?}");
        // Numbers are never given twice, and an upsert leaves the row's own.
        let row = &sandbox.rows("SELECT nr = 1, seen, loud, twice FROM films WHERE id = 'tt0001'")[0];
        let expected = match mode {
            Mode::Upsert => "1|mine|FILM 1 OF ROUND 0|2",
            _ => "0|new|FILM 1 OF ROUND 0|2",
        };
        assert_eq!(row, expected, "{mode:?}");
    }
}

#[tokio::test]
async fn names_differ_in_capitals_only_where_they_are_no_names_at_all() {
    let sandbox = run_of(3, Mode::Upsert).await;
    sandbox.execute("CREATE TABLE Films (ID TEXT PRIMARY KEY, Title TEXT, VOTES INT, budget INT, facts)");
    assert_eq!(sandbox.publish().await.unwrap().rows, 3);
    assert!(sandbox.publish().await.unwrap().already);
    assert_eq!(sandbox.rows("SELECT count(*) FROM films"), ["3"]);
}

fn numbers(_: u32, ordinal: u64, _: usize, _: u32) -> Vec<crate::value::Value> {
    vec![crate::value::Value::Bigint(ordinal as i64); NAMES.len()]
}

const NAMES: [&str; 8] = ["order", "a\"b", "[x]", "größe (cm)", "rowid", "oid", "select", "it's"];

#[tokio::test]
async fn names_may_be_whatever_can_be_quoted() {
    for mode in [Mode::Upsert, Mode::Replace] {
        let field =
            |name: &&str| crate::value::Field { name: (*name).into(), ty: crate::value::Type::Bigint };
        let fields = NAMES.iter().map(field).collect();
        let mut sandbox = Sandbox::with(5, vec![("answer", fields)], numbers).await.mode(mode).on_sqlite();
        sandbox.job.table.name = r#""my ""table"".group""#.into();
        sandbox.job.table.key = vec!["id".into(), "a\"b".into()];
        sandbox.add_round(1, &all_ok).await;
        // Texts of such a file are no UTF-8 within.
        sandbox.execute("PRAGMA encoding = 'UTF-16le'; CREATE TABLE other (n)");
        for published in 0..2 {
            assert_eq!(sandbox.publish().await.unwrap().rows, 5, "{mode:?} {published}");
            sandbox.execute("DELETE FROM windrow_runs");
        }
        let sum = r#"SELECT count(*), sum("rowid"), sum("a""b") FROM "my ""table"".group""#;
        assert_eq!(sandbox.rows(sum), ["5|10|10"], "{mode:?}");
    }
}

#[tokio::test]
async fn a_table_without_rowid_is_filled_in_every_mode() {
    for mode in [Mode::Append, Mode::Upsert, Mode::Replace, Mode::ReplaceIds] {
        let ends = |ordinal: u64, endpoint: usize| {
            Some(if (ordinal, endpoint) == (1, 1) { End::Failed } else { End::Ok })
        };
        let mut sandbox = Sandbox::of_one_round(3, &ends).await.mode(mode).on_sqlite();
        sandbox.on_failure([OnFailure::Skip, OnFailure::Keep]);
        if mode == Mode::Replace {
            sandbox.job.table.key = vec!["id".into()];
        }
        sandbox.execute(
            "CREATE TABLE films (id TEXT, title TEXT, votes INT, budget INT, facts TEXT, PRIMARY KEY (id, title)) \
             WITHOUT ROWID; INSERT INTO films VALUES ('tt0001', 'old', 1, 77, NULL), ('tt0001', 'older', 1, 77, NULL)",
        );
        assert_eq!(sandbox.publish().await.unwrap().rows, 3, "{mode:?}");
        let kept = sandbox.rows("SELECT budget FROM films WHERE id = 'tt0001' AND title NOT LIKE 'old%'");
        assert_eq!(kept, ["77"], "{mode:?}");
        let old = sandbox.rows("SELECT count(*) FROM films WHERE title LIKE 'old%'");
        assert_eq!(old, [if mode == Mode::Append { "2" } else { "0" }], "{mode:?}");
    }
}

#[tokio::test]
async fn what_is_no_table_or_hides_what_it_does_is_told() {
    for (sql, expected) in [
        ("CREATE VIEW films AS SELECT 1 AS id", "it is a view"),
        ("CREATE VIRTUAL TABLE films USING fts5(id, title, votes, budget, facts)", "it is a virtual table"),
        (
            "CREATE TABLE films (id TEXT PRIMARY KEY ON CONFLICT REPLACE, title, votes, budget, facts)",
            "ON CONFLICT REPLACE or IGNORE",
        ),
        ("CREATE TABLE films (id TEXT, title, votes, budget, facts, _rowid_)", "rename it"),
        (
            "CREATE TABLE films (id TEXT PRIMARY KEY, title, votes, budget, facts); \
             CREATE TRIGGER films_log AFTER INSERT ON films BEGIN INSERT INTO gone VALUES (new.id); END",
            "no such table: main.gone",
        ),
        (
            "CREATE TABLE films (id TEXT PRIMARY KEY, title, votes, budget, facts); \
             CREATE TABLE ratings (film REFERENCES films (title))",
            "foreign key mismatch",
        ),
        ("CREATE TABLE windrow_runs (n)", "it lacks run_id"),
    ] {
        let sandbox = run_of(1, Mode::Upsert).await;
        sandbox.execute(sql);
        let told = told(&sandbox).await;
        assert!(told.contains(expected), "{sql}: {told}");
    }
}

#[tokio::test]
async fn nothing_is_made_where_it_is_only_looked() {
    let sandbox = run_of(1, Mode::Upsert).await;
    let path = sandbox.sqlite().unwrap();
    check_destination(&sandbox.job, &sandbox.place()).await.unwrap();
    assert!(!path.exists());
    sandbox.execute("CREATE TABLE films (id TEXT, title, votes, budget, facts); PRAGMA journal_mode = WAL");
    check_destination(&sandbox.job, &sandbox.place()).await.unwrap();
    let beside = std::fs::read_dir(path.parent().unwrap()).unwrap().flatten();
    let beside = beside.filter(|entry| entry.file_name().to_string_lossy().contains("sqlite-"));
    assert_eq!(beside.count(), 0);
}

/// An index without the rows that are in question covers nothing; nor does one that compares more finely than the column: of
/// rows that stand under one key only the latest is left.
#[tokio::test]
async fn only_a_whole_unique_index_makes_a_key() {
    for (collation, index) in [
        ("", "id) WHERE votes > 1"),
        ("", "id, title)"),
        ("", "title || id)"),
        ("COLLATE NOCASE", "id COLLATE BINARY)"),
    ] {
        let sandbox = run_of(2, Mode::Upsert).await;
        let other = if collation.is_empty() { "tt0000" } else { "TT0000" };
        sandbox.execute(&format!(
            "CREATE TABLE films (id TEXT {collation}, title TEXT, votes INT, budget INT, facts TEXT); \
             CREATE UNIQUE INDEX one ON films ({index}; \
             INSERT INTO films (id, title) VALUES ('tt0000', 'old'), ('{other}', 'older')"
        ));
        let published = sandbox.publish().await.unwrap();
        assert_eq!((published.rows, published.total), (2, Some(2)), "{index}");
    }
}

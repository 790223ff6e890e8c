//! Databases: lists that they give, tables on servers, and what becomes of the character that PostgreSQL cannot hold.

use super::super::*;
use super::{mistakes_of, parse, said_of, small};

const FILE: &str = "file = \"ids.csv\"";
const TO: &str = "to = \"duckdb:small.duckdb\"";
const SERVER: &str = "postgres://loader:${PGPASSWORD}@db.example:5432/stats?sslmode=require";

/// The small job with this source.
fn from(source: &str) -> String {
    small("").replace(FILE, source)
}

/// The small job with these keys of its table, in a server.
fn into(name: &str, mode: &str) -> String {
    let text = small("").replace(TO, &format!("to = \"{SERVER}\""));
    text.replace("name = \"small\", mode = \"append\"", &format!("name = \"{name}\", {mode}"))
}

fn job(text: &str) -> Job {
    parse(text).unwrap_or_else(|error| panic!("{text}\n{error}"))
}

#[test]
fn a_list_comes_from_a_database_by_query() {
    let source = |database: &str, query: &str| {
        job(&from(&format!("database = \"{database}\", sql = \"{query}\""))).input.source
    };
    let expected = |database, query: &str| Source::Query { database, sql: query.to_owned() };
    let url = ServerUrl::parse(SERVER).unwrap();
    let query = "SELECT id FROM urls;";
    assert_eq!(source(SERVER, query), expected(Database::Server(url), query));
    let file = Database::DuckDb(Some("/nowhere/schemas/ids.duckdb".into()));
    assert_eq!(source("duckdb:ids.duckdb", query), expected(file, query));
    let over_files = "FROM read_parquet('x.parquet')";
    assert_eq!(source("duckdb:", over_files), expected(Database::DuckDb(None), over_files));
    assert_eq!(source("postgresql:///stats?host=/run/postgresql", query).database(), "postgresql:///stats");
}

impl Source {
    fn database(&self) -> String {
        match self {
            Source::Query { database, .. } => database.to_string(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_list_from_a_database_has_one_source_and_its_query() {
    for (source, says) in [
        ("database = 'postgres://h/d'", "`database` without `sql`\nhint: add sql = \"SELECT …\""),
        ("sql = 'SELECT 1'", "`sql` without `database`\nhint: add database = \"postgres://…\""),
        ("file = 'x.csv', sql = 'SELECT 1'", "both `file` and `sql` in [input]"),
        ("file = 'x.csv', database = 'duckdb:'", "both `file` and `database` in [input]"),
        ("ids = ['a'], database = 'duckdb:', sql = 'SELECT 1'", "both `ids` and `database` in [input]"),
        ("database = 'duckdb:', sql = ''", "no SQL\nhint: write the statement in quotes"),
        ("database = 'duckdb:', sql = ' ;\t'", "no SQL"),
        ("database = 'duckdb:', sql = \"SELECT '\\u0000'\"", "the character U+0000 in SQL"),
        ("database = 'duckdb:', sql = 1", "expected text, found an integer"),
        ("database = 'duckdb:', sql = 'SELECT 1', format = 'csv'", "hint: leave it out: a database gives"),
        (
            "database = 'mysql://u:geheim@h/d', sql = 'SELECT 1'",
            "a password in plain text\nhint: write ${NAME}",
        ),
        (
            "database = 'parquet:x', sql = 'SELECT 1'",
            "unknown database \"parquet:x\"\nhint: write \"postgres:",
        ),
        (
            "database = 'dukdb:x', sql = 'SELECT 1'",
            "unknown database \"dukdb:x\"\nhint: did you mean `duckdb`?",
        ),
        ("database = \"duckdb::memory:\", sql = 'SELECT 1'", "unknown database \"duckdb::memory:\""),
        ("database = 'duckdb:/tmp', sql = 'SELECT 1'", "\"duckdb:/tmp\" is a directory"),
        ("database = 'duckdb:~/x.duckdb', sql = 'SELECT 1'", "`~` is not expanded"),
        ("database = 'postgres:stats', sql = 'SELECT 1'", "no URL of a database server"),
        (
            "database = 'postgres://u:geheim@h/d', sql = 'SELECT 1'",
            "a password in plain text\nhint: write ${NAME}",
        ),
        ("database = 'postgres://{id}@h/d', sql = 'SELECT 1'", "in a server's URL"),
    ] {
        let found = mistakes_of(&from(source));
        let [mistake] = found.as_slice() else { panic!("{source}: one mistake expected, found {found:#?}") };
        let said = format!("{}\nhint: {}", mistake.message, mistake.hint);
        assert!(said.contains(says), "{source}: {says:?} expected, found {said:?}");
        assert!(!said.contains("geheim"), "{said}");
        assert_eq!(mistake.line, 2, "{said}");
    }
}

#[test]
fn a_password_is_refused_where_it_stands() {
    let text = into("small", "mode = \"append\"").replace("${PGPASSWORD}", "geheim");
    insta::assert_snapshot!(said_of(&text), @r#"
    line 3: "postgres://loader:geheim@db.example:5432/stats?sslmode=require"
    a password in plain text
    hint: write ${NAME} in its place and set NAME in the environment, or PGPASSWORD
    "#);
    let error = parse(&text).unwrap_err();
    for report in [error.render(false), error.render(true), error.to_string()] {
        assert!(!report.contains("geheim"), "{report}");
    }
    assert!(
        error.render(false).contains("\"postgres://loader:******@db.example:5432/stats"),
        "{}",
        error.render(false)
    );
}

#[test]
fn a_table_is_on_a_server() {
    let table = job(&into("public.small", "mode = \"append\", runs_table = \"ops.runs\"")).table;
    let expected = Table {
        runs_table: Some("ops.runs".to_owned()),
        ..Table::plain(Destination::Server(ServerUrl::parse(SERVER).unwrap()), "public.small", Mode::Append)
    };
    assert_eq!(table, expected);
    let swapped = job(&into("small", "mode = \"replace\", swap = true")).table;
    assert_eq!((swapped.swap, swapped.runs_table, swapped.on_referencing), (true, None, OnReferencing::Fail));
    for (word, meant) in
        [("fail", OnReferencing::Fail), ("null", OnReferencing::Null), ("delete", OnReferencing::Delete)]
    {
        let table = job(&into("small", &format!("mode = \"replace\", on_referencing = \"{word}\""))).table;
        assert_eq!(table.on_referencing, meant);
    }
}

#[test]
fn what_only_a_server_has_is_refused_elsewhere() {
    let in_duckdb = |keys: &str| small("").replace("mode = \"append\"", keys);
    let elsewhere = in_duckdb("mode = \"replace\", swap = true, runs_table = \"runs\"");
    insta::assert_snapshot!(said_of(&elsewhere), @r#"
    line 3: true
    swap = true of a destination that is not PostgreSQL
    hint: leave it out: it is for to = "postgres://…"

    line 3: "runs"
    `runs_table` of a destination that is no server
    hint: leave it out: it is for database servers and SQLite
    "#);
    insta::assert_snapshot!(said_of(&in_duckdb("mode = \"replace\", on_referencing = \"delete\"")), @r#"
    line 3: "delete"
    `on_referencing` of a destination that is no server
    hint: leave it out: it is for database servers and SQLite
    "#);
    insta::assert_snapshot!(said_of(&into("small", "mode = \"append\", on_referencing = \"null\"")), @r#"
    line 3: "null"
    `on_referencing` of a table that is only appended to
    hint: leave it out: no row is deleted or updated
    "#);
    insta::assert_snapshot!(said_of(&into("small", "mode = \"replace\", on_referencing = \"cascade\"")), @r#"
    line 3: "cascade"
    unknown word "cascade"
    hint: write "fail", "null" or "delete"
    "#);
    let swapped = |mode: &str| said_of(&into("small", &format!("{mode}, swap = true")));
    insta::assert_snapshot!(swapped("mode = \"append\""), @r#"
    line 3: true
    swap = true without mode = "replace"
    hint: leave it out, or take mode = "replace"
    "#);
    insta::assert_snapshot!(said_of(&into("small", "mode = \"replace\", replace = \"rows\"")), @r#"
    line 3: replace
    unknown key `replace` in [table]
    hint: write swap = true, beside mode = "replace"
    "#);
}

#[test]
fn the_table_of_the_runs_is_another_one() {
    let runs = |name: &str, runs_table: &str| {
        said_of(&into(name, &format!("mode = \"append\", runs_table = \"{runs_table}\"")))
    };
    insta::assert_snapshot!(runs("small", "Small"), @r#"
    line 3: "Small"
    `runs_table` is the table "Small" itself
    hint: the runs are noted in a table of their own: take another name
    "#);
    insta::assert_snapshot!(runs("small", "my runs."), @r#"
    line 3: "my runs."
    "my runs." is no name for a table
    hint: name or schema.name; what holds a point or a quote stands in quotes, as in SQL: '"my.table"'
    "#);
    assert_eq!(runs("small", "my runs"), "");
    for (name, runs_table) in [("a.small", "small"), ("small", "a.small"), ("a.small", "A.small")] {
        assert!(runs(name, runs_table).contains("itself"), "{name} {runs_table}");
    }
    assert_eq!(runs("a.small", "b.small"), "");
    let long = "x".repeat(64);
    assert!(runs("small", &long).contains("no name for a table in PostgreSQL"));
    assert!(runs(&long, "runs").contains("no name for a table in PostgreSQL"));
}

#[test]
fn the_secrets_of_servers_are_secrets_of_the_job() {
    let source = "database = \"postgres://${READER}@h/d\", sql = \"SELECT 1\"";
    let text = into("small", "mode = \"append\"").replace(FILE, source);
    assert_eq!(job(&text).secrets(), ["READER", "PGPASSWORD"]);
}

#[test]
fn text_for_postgresql_refuses_what_it_cannot_hold_unless_the_column_says_otherwise() {
    let columns = r#"columns = { a = ".a", b = { jq = ".b", on_bad_character = "keep" }, c = { jq = ".c", type = "json", on_bad_character = "replace" }, d = { jq = ".d", type = "date" }, e = { jq = ".e", type = "json" } }"#;
    let nul = |text: &str| -> Vec<OnBadCharacter> {
        job(text).endpoints[0].columns.iter().map(|column| column.on_bad_character).collect()
    };
    let text = small(columns);
    assert_eq!(
        nul(&text),
        [
            OnBadCharacter::Keep,
            OnBadCharacter::Keep,
            OnBadCharacter::Replace,
            OnBadCharacter::Keep,
            OnBadCharacter::Keep
        ]
    );
    let text = text.replace("duckdb:small.duckdb", SERVER);
    assert_eq!(
        nul(&text),
        [
            OnBadCharacter::Fail,
            OnBadCharacter::Keep,
            OnBadCharacter::Replace,
            OnBadCharacter::Keep,
            OnBadCharacter::Fail
        ]
    );
}

#[test]
fn what_a_job_says_of_sqlite() {
    let to = |keys: &str| {
        let text = small("").replace(TO, "to = \"sqlite:films.sqlite\"");
        text.replace("mode = \"append\"", &format!("mode = \"replace\"{keys}"))
    };
    let job = job(&to(", runs_table = \"runs\", on_referencing = \"delete\""));
    assert_eq!(job.table.to, Destination::Sqlite("/nowhere/schemas/films.sqlite".into()));
    let told =
        |text: &str| mistakes_of(text).iter().map(|one| one.message.clone()).collect::<Vec<_>>().join("\n");
    assert_eq!(
        told(&to(", runs_table = \"sqlite_runs\"")),
        "\"sqlite_runs\" is no name for a table in SQLite"
    );
    let stamped = told(&to(", stamp = { _rowid_ = \"run.id\" }"));
    assert_eq!(stamped, "\"_rowid_\" is no name for a column in SQLite");
    assert_eq!(told(&to(", swap = true")), "swap = true of a destination that is not PostgreSQL");
    assert!(told(&small("").replace(TO, "to = \"sqlite:/\"")).contains("is a directory"));
    let list = from("database = \"sqlite:ids.sqlite\", sql = \"SELECT id FROM t\"");
    assert_eq!(self::job(&list).input.source.database(), "sqlite:/nowhere/schemas/ids.sqlite");
}

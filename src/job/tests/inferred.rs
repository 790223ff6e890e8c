//! What a job file need not say: it means the same as if it stood there.

use std::path::Path;

use super::super::{Job, Mode};
use super::{mistakes_of, said_of};

/// The smallest job.
const SMALLEST: &str = r#"input.file = "ids.csv"
table.to = "duckdb:films.duckdb"
[[endpoint]]
url = "https://api.example.com/films/{imdb_id}"
columns = { title = ".title", year = ".year" }
"#;

/// The same in full.
const FULL: &str = r#"job.name = "my-films"
input = { file = "ids.csv", id = "imdb_id" }
table = { to = "duckdb:films.duckdb", name = "my-films", mode = "upsert", key = ["imdb_id"] }
[[endpoint]]
name = "my_films"
url = "https://api.example.com/films/{imdb_id}"
columns = { title = ".title", year = ".year" }
"#;

fn job(text: &str) -> Job {
    Job::parse(text.to_owned(), Path::new("/jobs/my-films.toml")).unwrap_or_else(|error| panic!("{error}"))
}

#[test]
fn what_lacks_is_what_the_rest_says() {
    let (short, full) = (job(SMALLEST), job(FULL));
    assert_eq!((&short.name, &short.table, &short.input), (&full.name, &full.table, &full.input));
    assert_eq!(short.endpoints[0].name, full.endpoints[0].name);
    assert_eq!(short.questions(), full.questions());
    assert_eq!(
        short.inferred,
        [
            "[job] name = \"my-films\"",
            "[[endpoint]] name = \"my_films\"",
            "[input] id = \"imdb_id\"",
            "[table] name = \"my-films\"",
            "[table] mode = \"upsert\"",
            "[table] key = \"imdb_id\"",
        ]
    );
    assert!(full.inferred.is_empty());
}

#[test]
fn each_key_is_inferred_alone() {
    for (written, inferred) in [
        ("job.name = \"my-films\"\n", "[job] name = \"my-films\""),
        (", id = \"imdb_id\"", "[input] id = \"imdb_id\""),
        (", name = \"my-films\"", "[table] name = \"my-films\""),
        (", mode = \"upsert\"", "[table] mode = \"upsert\""),
        (", key = [\"imdb_id\"]", "[table] key = \"imdb_id\""),
        ("name = \"my_films\"\n", "[[endpoint]] name = \"my_films\""),
    ] {
        let lacking = job(&FULL.replacen(written, "", 1));
        assert_eq!(lacking.inferred, [inferred]);
        assert_eq!((lacking.table, lacking.input.id), (job(FULL).table, job(FULL).input.id));
    }
}

#[test]
fn the_key_of_several_columns_is_the_id_and_the_id_may_come_from_a_condition() {
    let two = job(&FULL
        .replace(", key = [\"imdb_id\"]", "")
        .replace("id = \"imdb_id\"", "id = [\"imdb_id\", \"season\"]"));
    assert_eq!(two.table.key, ["imdb_id", "season"]);
    assert_eq!(two.inferred, ["[table] key = [\"imdb_id\", \"season\"]"]);
    let asked_always = SMALLEST.replace("films/{imdb_id}\"", "films\"\nwhen = '.imdb_id != \"x\"'");
    assert_eq!(job(&asked_always).input.id, ["imdb_id"]);
    let bare = SMALLEST.replace("input.file = \"ids.csv\"", "input.ids = [\"a\"]");
    assert_eq!(job(&bare).input.id, ["imdb_id"]);
    for to in ["parquet:films.parquet", "csv:films.csv", "postgres://h/d"] {
        assert_eq!(job(&SMALLEST.replace("duckdb:films.duckdb", to)).table.mode, Mode::Upsert);
    }
}

/// An upsert by the id would leave one of two records that have it.
#[test]
fn where_an_id_may_come_twice_mode_and_key_are_asked_for() {
    let twice = |table: &str| {
        SMALLEST
            .replace("input.file", "input.on_duplicate = \"keep\"\ninput.file")
            .replace("table.to", &format!("{table}table.to"))
    };
    let found = mistakes_of(&twice(""));
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0].message, "[table] lacks `mode`, which a job with on_duplicate = \"keep\" says");
    let found = mistakes_of(&twice("table.mode = \"upsert\"\n"));
    assert!(found.len() == 1 && found[0].message == "upsert without a key", "{found:?}");
    assert!(job(&twice("table.mode = \"append\"\n")).table.key.is_empty());
    let first = twice("").replace("\"keep\"", "\"first\"");
    assert_eq!(job(&first).table.mode, Mode::Upsert);
}

#[test]
fn names_of_files_that_are_no_names_are_asked_for() {
    for (file, named) in [
        ("2024_films.toml", Some("_2024_films")),
        ("a-b.toml", Some("a_b")),
        ("films", Some("films")),
        ("my films.toml", None),
        ("größe.toml", None),
        ("-x.toml", None),
        ("films.v2.toml", None),
    ] {
        let parsed = Job::parse(SMALLEST.to_owned(), &Path::new("/jobs").join(file));
        match named {
            Some(name) => assert_eq!(parsed.unwrap().endpoints[0].name, name),
            None => {
                let said = parsed.unwrap_err().to_string();
                assert!(
                    said.contains("[job] lacks `name`") && said.contains("the file's own name"),
                    "{said}"
                );
            }
        }
    }
    let long = Job::parse(SMALLEST.to_owned(), Path::new(&format!("/{}.toml", "x".repeat(64)))).unwrap();
    assert_eq!((long.name.len(), long.endpoints[0].name.len()), (64, 48));
}

#[test]
fn what_cannot_be_inferred_is_asked_for_once() {
    let with = |old: &str, new: &str| {
        assert_eq!(SMALLEST.matches(old).count(), 1, "{old}");
        said_of(&SMALLEST.replace(old, new))
    };
    insta::assert_snapshot!(with("films/{imdb_id}", "films/{imdb_id}/{country}"), @r#"
    line 1: input
    [input] lacks `id`, and 2 columns of the list are used: imdb_id, country
    hint: add id = "…", the one that identifies a record: "imdb_id" or "country"
    "#);
    insta::assert_snapshot!(with("/{imdb_id}", ""), @r#"
    line 1: input
    [input] lacks `id`, and no column of the list is used
    hint: add id = "…", the name of the id column, and put it into the requests: {…}
    "#);
    insta::assert_snapshot!(with("columns =", "rows = \".items[]\"\ncolumns ="), @r#"
    line 2: table
    [table] lacks `mode`, which a job with `rows` says
    hint: add mode = "replace_ids" (all rows of an id together), "append", "replace", or "upsert" with a key
    "#);
    let second = "[[endpoint]]\nurl = \"https://api.example.com/money/{imdb_id}\"\ncolumns = { budget = \".budget\" }\n";
    insta::assert_snapshot!(said_of(&format!("{SMALLEST}{second}")), @r#"
    line 3: [[endpoint]]
    [[endpoint]] lacks `name`
    hint: add name = "…": letters, digits and `_`; only a single endpoint needs none

    line 6: [[endpoint]]
    [[endpoint]] lacks `name`
    hint: add name = "…": letters, digits and `_`; only a single endpoint needs none
    "#);
    // What is there and wrong is one mistake.
    for (old, new) in [
        ("input.file", "input.id = 3\ninput.file"),
        ("input.file", "job.name = 3\ninput.file"),
        ("input.file", "job = 3\ninput.file"),
        ("table.to", "table.mode = \"x\"\ntable.to"),
        ("table.to", "table.key = 3\ntable.to"),
        ("table.to", "table.name = 3\ntable.to"),
        ("url =", "name = 3\nurl ="),
        ("/{imdb_id}", "/{imdb_id"),
    ] {
        let found = mistakes_of(&SMALLEST.replace(old, new));
        assert_eq!(found.len(), 1, "{new}: {found:?}");
    }
}

#[test]
fn the_defaults_hold_what_an_endpoint_may_say() {
    let text = r#"input.file = "ids.csv"
table = { to = "duckdb:x.duckdb", name = "t" }
[defaults]
params = { key = "${KEY}", lang = "en" }
headers = { X-One = "1", x-two = "2" }
missing = [404]
ok = ".ok"
on_failure = "null"
min_success = 0.5
idempotent = true
method = "POST"
json = { id = "{id}" }
hosts = ["*.example.org"]
nulls = ["N/A"]
retry = { attempts = 9, backoff = "1s" }
[[endpoint]]
name = "one"
url = "https://a.example.org/{id}"
columns = { x = ".x" }
[[endpoint]]
name = "two"
url = "https://b.example.org/{id}"
params = { lang = "de" }
headers = { x-ONE = "own" }
missing = []
ok = ".fine"
on_failure = "skip"
min_success = 0
form = { id = "{id}" }
retry = { attempts = 2 }
columns = { y = ".y" }
"#;
    let endpoints = job(text).endpoints;
    let names = |named: &[(String, super::super::Template)]| -> Vec<String> {
        named.iter().map(|(name, _)| name.clone()).collect()
    };
    let [one, two] = endpoints.as_slice() else { panic!() };
    assert_eq!(
        (names(&one.params), names(&two.params)),
        (vec!["key".into(), "lang".into()], vec!["key".into(), "lang".into()])
    );
    assert_eq!(two.params[1].1.parts, [super::super::Part::Literal("de".into())]);
    assert_eq!(
        (names(&one.headers), names(&two.headers)),
        (vec!["x-one".into(), "x-two".into()], vec!["x-two".into(), "x-one".into()])
    );
    assert_eq!((one.missing.statuses.len(), two.missing.statuses.len()), (1, 0));
    assert_eq!((one.ok.as_deref(), two.ok.as_deref()), (Some(".ok"), Some(".fine")));
    assert_eq!((one.min_success, two.min_success), (0.5, 0.0));
    assert!(matches!(one.payload, Some(super::super::Payload::Json(_))));
    assert!(matches!(two.payload, Some(super::super::Payload::Form(_))));
    assert_eq!((one.retry.attempts, two.retry.attempts, two.retry.backoff), (9, 2, one.retry.backoff));
    assert_eq!((&one.hosts, &one.columns[0].nulls), (&two.hosts, &two.columns[0].nulls));
    // A mistake of the defaults is told once, however many endpoints have them.
    let wrong = text.replace("ok = \".ok\"", "ok = \".[\"").replace("ok = \".fine\"\n", "");
    assert_eq!(mistakes_of(&wrong).len(), 1);
}

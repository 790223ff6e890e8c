//! How rows meet the table: ids that are replaced as a whole, ids that are gone, and keys of exploding endpoints.

use super::super::*;
use super::{line_of, mistakes_of, parse, small};

fn with(table: &str, keys: &str) -> String {
    small(keys).replace("mode = \"append\"", table)
}

fn table(table: &str, keys: &str) -> Table {
    parse(&with(table, keys)).unwrap_or_else(|error| panic!("{table}: {error}")).table
}

#[track_caller]
fn one(table: &str, keys: &str, says: &str) {
    let text = with(table, keys);
    let found = mistakes_of(&text);
    let [mistake] = found.as_slice() else { panic!("{table}: one mistake expected, found {found:#?}") };
    let said = format!("{}\nhint: {}", mistake.message, mistake.hint);
    assert!(said.contains(says), "{table}: {says:?} expected, found {said:?}");
    assert_eq!(mistake.line, line_of(&text, "table = "), "{said}");
}

#[test]
fn ids_are_replaced_and_gone() {
    let replaced = table("mode = \"replace_ids\"", "rows = '.[]'\non_failure = \"keep\"");
    assert_eq!(
        (replaced.mode, replaced.on_unlisted, replaced.key.is_empty()),
        (Mode::ReplaceIds, OnUnlisted::Keep, true)
    );
    assert_eq!(table("mode = \"replace_ids\", on_unlisted = \"delete\"", "").on_unlisted, OnUnlisted::Delete);
    assert_eq!(
        table("mode = \"upsert\", key = \"id\", on_unlisted = \"delete\"", "").on_unlisted,
        OnUnlisted::Delete
    );
    assert_eq!(table("mode = \"append\", on_unlisted = \"keep\"", "").on_unlisted, OnUnlisted::Keep);
}

#[test]
fn rows_that_are_kept_need_no_key_and_values_do() {
    let rows = "rows = '.[]'\non_failure = \"keep\"\ncolumns = { x = '.x' }";
    for mode in ["append", "replace", "replace_ids"] {
        assert!(table(&format!("mode = \"{mode}\""), rows).key.is_empty());
    }
    assert_eq!(table("mode = \"upsert\", key = [\"id\", \"x\"]", rows).key, ["id", "x"]);
    let text = with("mode = \"append\"", "on_failure = \"keep\"\ncolumns = { x = '.x' }");
    assert!(mistakes_of(&text)[0].message.starts_with("what the table has is found by a key"));
}

#[test]
fn what_becomes_of_ids_that_are_gone_follows_the_mode() {
    one(
        "mode = \"append\", on_unlisted = \"delete\"",
        "",
        "on_unlisted = \"delete\" in a table that is only appended to",
    );
    one("mode = \"replace\", on_unlisted = \"delete\"", "", "replaced as a whole\nhint: leave it out");
    one(
        "mode = \"replace\", on_unlisted = \"keep\"",
        "",
        "on_unlisted = \"keep\" in a table that is replaced as a whole",
    );
    one(
        "mode = \"replace_ids\", key = \"id\"",
        "",
        "a key beside mode = \"replace_ids\"\nhint: leave it out",
    );
    let typed = with("mode = \"replace_ids\"", "").replace("tags = \"json\"", "id = \"double\"");
    assert_eq!(mistakes_of(&typed)[0].message, "`id` is double, and no key");
}

#[test]
fn columns_that_a_table_lacks_are_refused_or_added() {
    for (keys, meant) in [
        ("", OnNewColumn::Fail),
        (", on_new_column = \"fail\"", OnNewColumn::Fail),
        (", on_new_column = \"add\"", OnNewColumn::Add),
    ] {
        assert_eq!(table(&format!("mode = \"append\"{keys}"), "").on_new_column, meant);
    }
    for (word, hint) in [
        ("append_new_columns", "write \"add\""),
        ("Evolve", "write \"add\""),
        ("freeze", "write \"fail\""),
        ("ignore", "leave the column out of the job"),
        ("ad", "did you mean"),
        ("x", "write \"fail\" or \"add\""),
    ] {
        let said = format!("unknown word \"{word}\"\nhint: {hint}");
        one(&format!("mode = \"append\", on_new_column = \"{word}\""), "", &said);
    }
    for to in ["csv:films.csv", "parquet:films.parquet"] {
        let files = |mode: &str| with(mode, "").replace("duckdb:small.duckdb", to);
        let replaced = mistakes_of(&files("mode = \"replace\", on_new_column = \"add\""));
        assert_eq!(replaced[0].message, "`on_new_column` of a file that is replaced as a whole");
        let upsert = parse(&files("mode = \"upsert\", key = \"id\", on_new_column = \"add\"")).unwrap();
        assert_eq!(upsert.table.on_new_column, OnNewColumn::Add);
    }
}

#[test]
fn a_key_tells_the_rows_of_a_record_apart() {
    let rows = "rows = '.[]'\ncolumns = { x = '.x', y = { jq = '.y', from = 'answer' } }";
    one(
        "mode = \"upsert\", key = \"id\"",
        rows,
        "the key does not tell the rows of `one` apart\nhint: add a column",
    );
    one("mode = \"upsert\", key = [\"id\", \"y\"]", rows, "the key does not tell the rows of `one` apart");
    assert_eq!(table("mode = \"upsert\", key = [\"id\", \"x\"]", rows).key, ["id", "x"]);
    let asked = "when = '.kept == \"x\"'";
    one(
        "mode = \"upsert\", key = [\"id\", \"x\"]",
        asked,
        "`x` has no value where its endpoint is not asked",
    );
}

#[test]
fn answers_are_kept_as_the_job_says() {
    let bodies = |word: &str| {
        parse(&small("").replace(
            "job.name = \"small\"",
            &format!("job = {{ name = \"small\", keep_answers = \"{word}\" }}"),
        ))
        .unwrap_or_else(|error| panic!("{error}"))
        .settings
        .keep_answers
    };
    assert_eq!(
        [bodies("none"), bodies("failed"), bodies("all")],
        [KeepAnswers::None, KeepAnswers::Failed, KeepAnswers::All]
    );
    assert_eq!(parse(&small("")).expect("valid").settings.keep_answers, KeepAnswers::Failed);
}

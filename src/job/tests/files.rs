//! Tables that are files of their own: Parquet, one or a folder of them, and CSV.

use super::super::*;
use super::{around, parse, said_of, small};

/// The small job with these keys in its table.
fn into(table: &str) -> String {
    small("").replace("to = \"duckdb:small.duckdb\", name = \"small\", mode = \"append\"", table)
}

fn table(keys: &str) -> Table {
    parse(&into(keys)).unwrap_or_else(|error| panic!("{keys}: {error}")).table
}

#[test]
fn a_table_is_a_file_or_a_folder_of_them() {
    let path = |name: &str| format!("/nowhere/schemas/{name}").into();
    let plain = |to, mode| Table::plain(to, "small", mode);
    let csv = table("to = \"csv:out.csv\", mode = \"replace\"");
    assert_eq!(csv, plain(Destination::Csv(path("out.csv")), Mode::Replace), "the job's name");
    let parquet = table("to = \"parquet:out.parquet\", mode = \"upsert\", key = \"id\", name = \"films\"");
    assert_eq!((parquet.name.as_str(), parquet.to), ("films", Destination::Parquet(path("out.parquet"))));
    let folder = table("to = \"parquet:out/\", mode = \"replace\", partition_by = \"kept\"");
    let expected = plain(Destination::Parquet(path("out")), Mode::Replace);
    assert_eq!(folder, Table { partition_by: vec!["kept".to_owned()], ..expected });
    let stamped = table(
        "to = \"parquet:out/\", mode = \"replace\", partition_by = [\"day\", \"x\"], stamp = { day = \"run.day\" }",
    );
    assert_eq!(stamped.partition_by, ["day", "x"]);
}

#[test]
fn nothing_is_appended_to_a_file() {
    insta::assert_snapshot!(said_of(&into("to = \"csv:out.csv\", mode = \"append\"")), @r#"
    line 3: "append"
    mode = "append" in a file
    hint: a file cannot tell whether a run is in it already: take mode = "replace", or "upsert" with a key
    "#);
    let parquet = "to = \"parquet:out/\", partition_by = \"kept\", mode = \"append\"";
    assert!(said_of(&into(parquet)).contains("mode = \"append\" in a file"));
}

#[test]
fn a_file_is_written_when_the_run_is_finished() {
    let file = |table: &str| {
        around("", "on_pause = \"publish\"", table).replace("duckdb:small.duckdb", "csv:out.csv")
    };
    insta::assert_snapshot!(said_of(&file("mode = \"upsert\", key = \"id\"")), @r#"
    line 1: "publish"
    on_pause = "publish" in a file
    hint: leave it out: a file is written as a whole, when the run is finished
    "#);
    let replaced = said_of(&file("mode = \"replace\""));
    assert!(replaced.contains("replaced as a whole\nhint: leave it out: a file is written"), "{replaced}");
}

#[test]
fn a_csv_file_is_no_folder_and_a_folder_has_its_columns() {
    insta::assert_snapshot!(said_of(&into("to = \"csv:out/\", mode = \"replace\"")), @r#"
    line 3: "csv:out/"
    "csv:out/" is a directory
    hint: write csv: and the path of a file, as in "csv:films.csv"
    "#);
    insta::assert_snapshot!(said_of(&into("to = \"csv:\", mode = \"replace\"")), @r#"
    line 3: "csv:"
    no path
    hint: write the path of a file, relative to this file
    "#);
    insta::assert_snapshot!(said_of(&into("to = \"parquet:/tmp\", mode = \"replace\"")), @r#"
    line 3: "parquet:/tmp"
    "parquet:/tmp" is a directory
    hint: write parquet: and the path of a file, as in "parquet:films.parquet"
    "#);
    insta::assert_snapshot!(said_of(&into("to = \"parquet:out/\", mode = \"replace\"")), @r#"
    line 3: "parquet:out/"
    a folder without `partition_by`
    hint: add partition_by = "…", a column, or name a file: "parquet:films.parquet"
    "#);
    for to in ["csv:out.csv", "parquet:out.parquet", "duckdb:out.duckdb\", name = \"small"] {
        let text = into(&format!("to = \"{to}\", mode = \"replace\", partition_by = \"kept\""));
        assert!(said_of(&text).contains("`partition_by` without a folder of Parquet files"), "{to}");
    }
}

#[test]
fn a_folder_is_no_file_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("out"), "").unwrap();
    let text = into("to = \"parquet:out/\", mode = \"replace\", partition_by = \"kept\"");
    let error = Job::parse(text, &folder.path().join("small.toml")).unwrap_err();
    assert_eq!(error.mistakes()[0].message, "a folder that is a file already");
}

#[test]
fn a_folder_is_divided_by_columns_of_the_table_but_not_by_all() {
    let by = |columns: &str| {
        said_of(&into(&format!("to = \"parquet:out/\", mode = \"replace\", partition_by = {columns}")))
    };
    insta::assert_snapshot!(by("[\"kept\", \"ketp\", \"kept\", \"tags\"]"), @r#"
    line 3: "ketp"
    the table has no column `ketp`
    hint: did you mean `kept`?

    line 3: "kept"
    `kept` stands twice in `partition_by`
    hint: leave one out

    line 3: "tags"
    `tags` is json, and divides no folder
    hint: its values are the folders' names: take another column
    "#);
    insta::assert_snapshot!(by("[]"), @r#"
    line 3: []
    an empty list of columns
    hint: name at least one
    "#);
    assert!(by("\"nosuchthing\"").contains("hint: take the id, a kept column"));
    let untyped =
        into("to = \"parquet:out/\", mode = \"replace\", partition_by = [\"id\", \"kept\", \"tags\", \"x\"]")
            .replace("types = { tags = \"json\" }", "types = {}");
    insta::assert_snapshot!(said_of(&untyped), @r#"
    line 3: ["id", "kept", "tags", "x"]
    `partition_by` has all columns of the table
    hint: its values are the folders' names: leave a column for the files
    "#);
}

#[test]
fn a_list_of_elements_divides_no_folder() {
    let text = small("format = \"html\"\ncolumns = { x = { css = \"td\", all = true } }").replace(
        "to = \"duckdb:small.duckdb\", name = \"small\", mode = \"append\"",
        "to = \"parquet:out/\", mode = \"replace\", partition_by = \"x\"",
    );
    assert!(said_of(&text).contains("`x` is json, and divides no folder"));
}

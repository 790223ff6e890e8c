//! SQL of the job's own.

use super::super::*;
use super::{parse, said_of, small};

fn with(statements: &str) -> String {
    format!("{}\n{statements}\n", small(""))
}

#[test]
fn statements_stand_in_the_order_of_the_file() {
    let job = parse(&with(
        "[[publish.before]]\nsql = \"DELETE FROM a\"\n[[publish.before]]\nsql = \"ANALYZE; ANALYZE\"\n\
         [[publish.after]]\nsql = \"FROM windrow_rows\"\nfile = \"report.csv\"\n\
         [[publish.after]]\nsql = \"FROM windrow_input\"\nfile = \"/tmp/other.Parquet\"\n[[publish.after]]\nsql = \"ANALYZE\"",
    ));
    let job = job.unwrap_or_else(|error| panic!("{error}"));
    let statement = |sql: &str, file: Option<&str>| Statement {
        sql: sql.to_owned(),
        file: file.map(Into::into),
        key: Vec::new(),
    };
    assert_eq!(job.before, [statement("DELETE FROM a", None), statement("ANALYZE; ANALYZE", None)]);
    let expected = [
        statement("FROM windrow_rows", Some("/nowhere/schemas/report.csv")),
        statement("FROM windrow_input", Some("/tmp/other.Parquet")),
        statement("ANALYZE", None),
    ];
    assert_eq!(job.after, expected);
    let none = parse(&small("")).unwrap();
    assert!(none.before.is_empty() && none.after.is_empty());
}

#[test]
fn a_statement_has_sql_and_only_an_answer_has_a_file() {
    insta::assert_snapshot!(
        said_of(&with("[[publish.before]]\nfile = \"report.csv\"\n[[publish.after]]\nsql = \"; \"")),
        @r#"
        line 10: [[publish.before]]
        [[publish.before]] lacks `sql`
        hint: add sql = "…", as the destination reads it

        line 11: file
        unknown key `file` in [[publish.before]]
        hint: it belongs in [input] or [[publish.after]]

        line 13: "; "
        no SQL
        hint: write the statement in quotes, three of them for several lines
        "#
    );
    insta::assert_snapshot!(said_of(&with("[before]\nsql = \"ANALYZE\"")), @r#"
    line 10: before
    unknown key `before` in the job file
    hint: write [[publish.before]] with sql = "…"
    "#);
    assert!(said_of(&with("[[publish.before]]\nsql = \"SELECT '\\u0000'\"")).contains("U+0000 in SQL"));
}

#[test]
fn each_answer_has_a_file_of_its_own() {
    let report = |file: &str| format!("[[publish.after]]\nsql = \"FROM x\"\nfile = \"{file}\"\n");
    insta::assert_snapshot!(said_of(&with(&report("report.txt"))), @r#"
    line 12: "report.txt"
    "report.txt" is no .csv or .parquet file
    hint: name it .csv, which has a header line, or .parquet, which has typed columns
    "#);
    insta::assert_snapshot!(
        said_of(&with(&(report("a.csv") + &report("b.csv") + &report("./a.csv")))),
        @r#"
        line 18: "./a.csv"
        "./a.csv" is the file of another statement
        hint: name another file
        "#
    );
    insta::assert_snapshot!(said_of(&with(&report("ids.csv"))), @r#"
    line 12: "ids.csv"
    "ids.csv" is the list
    hint: name another file
    "#);
    for (file, says) in [
        ("", "no path"),
        ("~/a.csv", "`~` is not expanded"),
        ("https://h/a.csv", "not yet supported"),
        ("a.csv/", "is no .csv or .parquet file"),
        ("csv", "is no .csv or .parquet file"),
    ] {
        assert!(said_of(&with(&report(file))).contains(says), "{file}");
    }
}

#[test]
fn a_file_has_a_key_by_which_its_rows_are_found() {
    let keys = |key: &str| {
        let text = with(&format!("[[publish.after]]\nsql = 'FROM x'\nfile = 'x.parquet'\nkey = {key}"));
        parse(&text).unwrap_or_else(|error| panic!("{error}")).after.remove(0).key
    };
    assert_eq!(keys("'symbol'"), ["symbol"]);
    assert_eq!(keys("['symbol', 'Ein Tag']"), ["symbol", "Ein Tag"]);
    let said = |keys: &str| said_of(&with(&format!("[[publish.after]]\nsql = 'FROM x'\n{keys}")));
    insta::assert_snapshot!(said("key = 'a'"), @r#"
    line 12: key
    `key` without `file`
    hint: add file = "report.parquet", whose rows it finds, or leave it out
    "#);
    insta::assert_snapshot!(said("file = 'a.csv'\nkey = ['a', '', 'A']"), @r#"
    line 13: ''
    a column without a name
    hint: write the name of a column of the answer

    line 13: 'A'
    "A" twice in `key`
    hint: name each column once
    "#);
    assert!(said("file = 'a.csv'\nkey = []").contains("name at least one"));
    assert!(said("file = 'a.csv'\nkey = 1").contains("expected text, found an integer"));
}

#[test]
fn an_answer_does_not_overwrite_the_table() {
    let text = with("[[publish.after]]\nsql = \"FROM x\"\nfile = \"out.csv\"");
    let text = text.replace("duckdb:small.duckdb", "csv:out.csv").replace("append", "replace");
    assert!(said_of(&text).contains("\"out.csv\" is the table's own file"));
}

#[test]
fn a_folder_is_no_file_for_an_answer() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("a.csv")).unwrap();
    let text = with("[[publish.after]]\nsql = \"FROM x\"\nfile = \"a.csv\"");
    let error = Job::parse(text, &folder.path().join("small.toml")).unwrap_err();
    assert_eq!(error.mistakes()[0].message, "\"a.csv\" is no .csv or .parquet file");
}

//! What guessing got wrong elsewhere, each in small. The guess may be text; it may not be another value.

use super::support::*;
use crate::draft::propose;

/// The columns of one-column answers.
fn columns(bodies: &[&str]) -> String {
    let samples = samples(bodies);
    let proposal = propose(&samples, "id", &[]);
    check(&samples, &proposal);
    let columns = proposal.columns.iter().map(|column| format!("{} = {}", column.name, column.toml));
    columns.collect::<Vec<_>>().join("; ")
}

#[test]
fn digits_are_kept() {
    // Long ids in texts, rounded to a double on the way to an integer.
    let long = [r#"{"no":"202101010000000003"}"#, r#"{"no":"202101010000000013"}"#];
    assert_eq!(columns(&long), r#"no = ".no""#);
    // Numbers beyond 64 bits.
    assert_eq!(columns(&[r#"{"n":9223372036854775808}"#]), r#"n = ".n""#);
    // A fraction with a leading zero.
    assert_eq!(columns(&[r#"{"n":"05.78"}"#, r#"{"n":"1.5"}"#]), r#"n = ".n""#);
    // A text of digits that is an id.
    assert_eq!(columns(&[r#"{"order_id":"30"}"#]), r#"order_id = ".order_id""#);
    // One value in scientific notation among ids.
    let scientific = [r#"{"n":"135217135789158401"}"#, r#"{"n":"1352171357E+5"}"#];
    assert_eq!(columns(&scientific), r#"n = ".n""#);
    let codes = [r#"{"fips":"01"}"#, r#"{"fips":"12"}"#, r#"{"fips":"13"}"#];
    assert_eq!(columns(&codes), r#"fips = ".fips""#);
}

#[test]
fn dates_are_not_guessed_by_a_name() {
    // A column with nothing in it, and one of numbers, whose names end like those of dates.
    assert_eq!(columns(&[r#"{"test_time":null}"#, r#"{"test_time":null}"#]), r#"test_time = ".test_time""#);
    assert_eq!(columns(&[r#"{"sold_at":12}"#]), r#"sold_at = { jq = ".sold_at", type = "bigint" }"#);
    // Slashes that are no date, and a year of two digits.
    assert_eq!(columns(&[r#"{"ref":"0/ 0"}"#, r#"{"ref":"2755/ 1"}"#]), r#"ref = ".ref""#);
    assert_eq!(columns(&[r#"{"day":"13/04/21"}"#]), r#"day = ".day""#);
}

#[test]
fn moments_may_be_of_several_precisions() {
    let bodies = [
        r#"{"at":"2024-09-17T06:37:50Z"}"#,
        r#"{"at":"2024-09-17T06:37:50.000Z"}"#,
        r#"{"at":"2024-09-17"}"#,
    ];
    assert_eq!(columns(&bodies), r#"at = { jq = ".at", type = "timestamp" }"#);
}

#[test]
fn a_key_that_most_answers_lack_is_a_column() {
    let mut bodies = vec![r#"{"a":1}"#; 1];
    bodies.extend(vec![r#"{"b":2}"#; 19]);
    assert_eq!(columns(&bodies), r#"a = { jq = ".a", type = "bigint" }; b = { jq = ".b", type = "bigint" }"#);
    let mut bodies = vec![r#"{"flags":null,"b":1}"#; 19];
    bodies.push(r#"{"flags":"PressureError","b":1}"#);
    assert_eq!(columns(&bodies), r#"flags = ".flags"; b = { jq = ".b", type = "bigint" }"#);
}

#[test]
fn a_dictionary_is_one_column() {
    let numbered =
        r#"{"title":"x","seasons":{"1":{"a":1},"2":{"a":2}},"days":{"2024-01-01":5,"2024-01-02":6}}"#;
    insta::assert_snapshot!(columns(&[numbered]), @r#"title = ".title"; seasons = { jq = ".seasons", type = "json" }; days = { jq = ".days", type = "json" }"#);
    let pairs: Vec<String> = (0..12).map(|pair| format!("\"p{pair}btc\":{{\"last\":{pair}}}")).collect();
    let body = format!("{{\"time\":1,\"rates\":{{{}}}}}", pairs.join(","));
    insta::assert_snapshot!(columns(&[&body]), @r#"time = { jq = ".time", type = "bigint" }; rates = { jq = ".rates", type = "json" }"#);
    let sparse: Vec<String> =
        (0..20).map(|n| format!("{{\"t\":1,\"names\":{{\"l{n}\":\"x\",\"l{}\":\"y\"}}}}", n + 1)).collect();
    insta::assert_snapshot!(columns(&sparse.iter().map(String::as_str).collect::<Vec<_>>()), @r#"t = { jq = ".t", type = "bigint" }; names = { jq = ".names", type = "json" }"#);
}

#[test]
fn an_empty_object_that_is_written_as_a_list_is_none() {
    let php = [r#"{"t":1,"owner":{"name":"x"}}"#, r#"{"t":2,"owner":[]}"#, r#"{"t":3,"owner":null}"#];
    assert_eq!(columns(&php), r#"t = { jq = ".t", type = "bigint" }; owner_name = ".owner.name?""#);
    let either = [r#"{"t":1,"owner":{"name":"x"}}"#, r#"{"t":2,"owner":"y"}"#];
    assert_eq!(
        columns(&either),
        r#"t = { jq = ".t", type = "bigint" }; owner = { jq = ".owner", type = "json" }"#
    );
}

#[test]
fn rows_may_be_scalars_or_lists() {
    insta::assert_snapshot!(shown(&["[1,2,3]", "[]"]), @r#"
    rows = ".[]"  # 3 rows in 2 answers
      value = { jq = ".", type = "bigint" }
    note: 1 of 2 answers had no rows
    "#);
    insta::assert_snapshot!(shown(&[r#"[[1700000000,"1.5"],[1700000060,"2.5"],[1700000120,null]]"#]), @r#"
    rows = ".[]"  # 3 rows in 1 answer
      column_1 = { jq = ".[0]", type = "bigint" }
      column_2 = ".[1]"
    "#);
    insta::assert_snapshot!(shown(&["5", "7"]), @r#"  value = { jq = ".", type = "bigint" }"#);
    insta::assert_snapshot!(shown(&[r#"{"films":[]}"#, r#"{"films":null}"#, r#"{"films":[{"t":1}]}"#]), @r#"
    rows = ".films[]?"  # 1 row in 3 answers
      t = { jq = ".t", type = "bigint" }
    note: 2 of 3 answers had no rows
    "#);
}

#[test]
fn a_list_of_one_object_is_not_all_of_it() {
    let shown = shown(&[
        r#"{"id":7,"name":"x","tags":[{"t":1},{"t":2}]}"#,
        r#"{"id":8,"name":"y","results":[{"t":1}]}"#,
    ]);
    insta::assert_snapshot!(shown, @r#"
    id_2 = { jq = ".id", type = "bigint" }
    name = ".name"
    tags = { jq = ".tags", type = "json" }
    results = { jq = ".results", type = "json" }
    "#);
}

#[test]
fn what_is_not_json() {
    insta::assert_snapshot!(shown(&["{\"a\":1}\n{\"a\":2,\"b\":\"x\"}\n"]), @r#"
    format = "jsonl"  # a JSON value on each line
    rows = ".[]"  # 2 rows in 1 answer
      a = { jq = ".a", type = "bigint" }
      b = ".b"
    "#);
    insta::assert_snapshot!(shown(&["callback({\"a\":1});", "callback({\"a\":2});"]), @r#"
    format = "jsonp"  # JSON in a call
      a = { jq = ".a", type = "bigint" }
    "#);
    insta::assert_snapshot!(shown(&["<!DOCTYPE html><html><h1>x</h1></html>"]), @r#"
    format = "html"  # the answers are HTML
      title = "title"
      h1 = "h1"
    note: the answers are HTML: write a CSS selector for each column, and `rows` for a table's lines
    "#);
    insta::assert_snapshot!(shown(&["a,b\n1,2\n"]), @r#"
    format = "text"  # the answers are text
      answer = { type = "text" }
    note: the answers are text: write a regular expression for each column, or a `pipe` to a program that makes JSON of them
    "#);
    insta::assert_snapshot!(shown(&["<?xml version=\"1.0\"?><a/>"]), @r#"
    format = "text"  # the answers are XML
      answer = { type = "text" }
    note: the answers are XML: write a regular expression for each column, or a `pipe` to a program that makes JSON of them
    "#);
    insta::assert_snapshot!(shown(&[")]}'\n{\"a\":1}"]), @r#"
    format = "text"  # the answers are JSON behind a guard
      answer = { type = "text" }
    note: the answers are JSON behind a guard: write a regular expression for each column, or a `pipe` to a program that makes JSON of them
    "#);
    insta::assert_snapshot!(shown(&["{\"a\":NaN}"]), @r#"
    format = "text"  # the answers are no JSON, though they begin like it
      answer = { type = "text" }
    note: the answers are no JSON, though they begin like it: write a regular expression for each column, or a `pipe` to a program that makes JSON of them
    "#);
    let mixed = [sample("1", 200, "{\"a\":1}"), sample("2", 200, "<html>log in</html>")];
    let proposal = propose(&mixed, "id", &[]);
    insta::assert_snapshot!(text(&proposal), @r#"
      a = { jq = ".a", type = "bigint" }
    note: 1 of 2 answers were HTML, as for 2: a login or maintenance page?
    "#);
}

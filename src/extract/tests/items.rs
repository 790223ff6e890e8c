//! Answers of many rows, or none.

use proptest::prelude::*;

use super::*;
use crate::extract::gather::MAX_ROWS;
use crate::job::TakenFrom;
use crate::record::{Kind, Rows};

/// Each `rows` in two spellings: one that needs no interpreter, one that does.
const SPELLINGS: [fn(&str) -> String; 2] = [str::to_owned, |rows| format!("({rows}), empty")];

fn exploding(rows: &str, columns: Vec<job::Column>) -> Endpoint {
    Endpoint { rows: Some(rows.to_owned()), ..endpoint(columns, None) }
}

fn rows_of(endpoint: &Endpoint, body: &str) -> Result<Rows, Failure> {
    match Extractor::compile(endpoint).unwrap().extract(body.as_bytes())? {
        Extracted::Rows(rows) => Ok(rows),
        Extracted::Missing => panic!("missing without a condition"),
    }
}

/// The first column of each row.
fn exploded(rows: &str, column: job::Column, body: &str) -> Result<Vec<Value>, Failure> {
    let of = |spelling: fn(&str) -> String| rows_of(&exploding(&spelling(rows), vec![column.clone()]), body);
    let [walked, interpreted] = SPELLINGS.map(of);
    let kind = |rows: &Result<Rows, Failure>| rows.clone().map_err(|failure| failure.kind);
    assert_eq!(kind(&walked), kind(&interpreted), "{rows} of {body}");
    walked.map(|rows| rows.values)
}

fn of_answer(column: job::Column) -> job::Column {
    job::Column { from: TakenFrom::Answer, ..column }
}

#[test]
fn each_element_is_a_row() {
    let body = r#"{"meta":{"page":3},"items":[{"id":1,"tags":["x"]},{"id":2},{"tags":[]}]}"#;
    for jq in [str::to_owned, |path: &str| format!("first({path})")] {
        let columns = vec![
            column("id", &jq(".id"), Type::Bigint),
            of_answer(column("page", &jq(".meta.page"), Type::Integer)),
            column("tag", &jq(".tags[0]"), Type::Text),
        ];
        for spelling in SPELLINGS {
            let rows = rows_of(&exploding(&spelling(".items[]"), columns.clone()), body).unwrap();
            let page = Value::Integer(3);
            assert_eq!(rows.count, 3);
            assert_eq!(
                rows.iter().collect::<Vec<_>>(),
                [
                    [Value::Bigint(1), page.clone(), text("x")],
                    [Value::Bigint(2), page.clone(), Value::Null],
                    [Value::Null, page, Value::Null],
                ]
            );
        }
    }
}

#[test]
fn objects_give_their_values_and_legs_go_on() {
    let id = || column("id", ".", Type::Integer);
    let numbers = |numbers: &[i32]| numbers.iter().copied().map(Value::Integer).collect::<Vec<_>>();
    assert_eq!(exploded(".[]", id(), r#"{"a":1,"b":2,"a":3}"#).unwrap(), numbers(&[3, 2]));
    assert_eq!(exploded(".", id(), "7").unwrap(), numbers(&[7]));
    let body = r#"{"edges":[{"node":{"n":[1,2]}},{"node":{"n":[]}},{"node":{"n":[3]}}]}"#;
    assert_eq!(exploded(".edges[].node.n[]", id(), body).unwrap(), numbers(&[1, 2, 3]));
    assert_eq!(
        exploded(".edges[] | .node | .n[0]", id(), body).unwrap(),
        [Value::Integer(1), Value::Null, Value::Integer(3)]
    );
}

#[test]
fn no_rows_are_a_success_and_no_array_is_a_failure() {
    let id = || column("id", ".id", Type::Integer);
    for (rows, body) in [
        (".items[]", r#"{"items":[]}"#),
        (".items[]", r#"{"items":{}}"#),
        (".items[]?", "{}"),
        (".items[]?", r#"{"items":7}"#),
        (".[].items?[]", "[1, 2]"),
    ] {
        assert_eq!(exploded(rows, id(), body).unwrap(), [], "{rows} of {body}");
    }
    for (rows, body, words) in [
        (".items[]", "{}", "null"),
        (".items[]", r#"{"items":null}"#, "null"),
        (".items[]", r#"{"items":"x"}"#, "a string"),
        (".[][]", "[[], 1]", "a number"),
    ] {
        let failure = exploded(rows, id(), body).unwrap_err();
        assert_eq!(failure, Failure::lasting(Kind::Extract, format!("rows: cannot iterate over {words}")));
    }
    let failure = exploded(".a.b[]", id(), r#"{"a":[]}"#).unwrap_err();
    assert_eq!(failure.detail, r#"rows: cannot index an array with "b""#);
}

#[test]
fn one_bad_row_fails_the_answer() {
    let id = || column("id", ".id", Type::Integer);
    assert_eq!(exploded(".[]", id(), r#"[{"id":1},{"id":"x"}]"#).unwrap_err().kind, Kind::Convert);
    assert_eq!(exploded(".[]", id(), r#"[{"id":1},2,"x"]"#).unwrap_err().kind, Kind::Extract);
    assert_eq!(exploded(".[]", id(), "[1").unwrap_err().kind, Kind::NotJson);
    let first_error = exploding(".[] , error(\"late\")", vec![id()]);
    assert_eq!(rows_of(&first_error, "[]").unwrap_err().detail, r#"rows: "late""#);
}

#[test]
fn values_of_the_answer_are_made_only_for_rows() {
    let strict = job::Column { not_null: true, ..of_answer(column("n", ".n", Type::Integer)) };
    assert_eq!(exploded(".items[]", strict.clone(), r#"{"items":[]}"#).unwrap(), []);
    assert_eq!(exploded(".items[]", strict, r#"{"items":[1]}"#).unwrap_err().kind, Kind::Null);
}

#[test]
fn filters_run_in_the_interpreter() {
    let rows = exploding(".[] | select(.x > 1)", vec![column("x", ".x", Type::Integer)]);
    assert_eq!(
        rows_of(&rows, r#"[{"x":1},{"x":2},{"x":3}]"#).unwrap().values,
        [Value::Integer(2), Value::Integer(3)]
    );
    let pairs =
        exploding("to_entries[]", vec![column("k", ".key", Type::Text), column("v", ".value", Type::Text)]);
    assert_eq!(rows_of(&pairs, r#"{"a":1.50}"#).unwrap().values, [text("a"), text("1.50")]);
    let odd = exploding("nan, .", vec![column("n", "isnan", Type::Boolean)]);
    assert_eq!(rows_of(&odd, "1").unwrap().values, [Value::Boolean(true), Value::Boolean(false)]);
    let odd = exploding("nan", vec![column("n", ".", Type::Double)]);
    assert_eq!(rows_of(&odd, "1").unwrap_err().kind, Kind::Extract);
}

#[test]
fn rows_without_end_are_stopped() {
    for rows in ["range(1e12)", "repeat(1)"] {
        let failure = rows_of(&exploding(rows, vec![]), "null").unwrap_err();
        assert_eq!(failure.detail, format!("rows: more than the {MAX_ROWS} that one answer may have"));
    }
    let body = format!("[{}1]", "1,".repeat(MAX_ROWS as usize));
    assert_eq!(rows_of(&exploding(".[]", vec![]), &body).unwrap_err().kind, Kind::Extract);
    let all = of_answer(column("all", ".", Type::Json));
    let failure = rows_of(&exploding(".[]", vec![all]), &body).unwrap_err();
    assert!(failure.detail.contains("256 MiB"), "{failure:?}");
}

#[test]
fn missing_comes_before_ok_and_ok_before_rows() {
    let mut endpoint = exploding(".items[]", vec![column("id", ".id", Type::Integer)]);
    endpoint.missing.when = Some(r#".error == "no such id""#.to_owned());
    endpoint.ok = Some(r#".status == "ok""#.to_owned());
    let extractor = Extractor::compile(&endpoint).unwrap();
    let of = |body: &str| extractor.extract(body.as_bytes());
    assert_eq!(of(r#"{"error":"no such id"}"#).unwrap(), Extracted::Missing);
    let failure = of(r#"{"status":"busy"}"#).unwrap_err();
    let detail = r#"ok does not hold: .status == "ok", the answer starts with "{\"status\":\"busy\"}""#;
    assert_eq!(failure, Failure::passing(Kind::NotOk, detail));
    assert_eq!(of(r#"{"status":"ok"}"#).unwrap_err().kind, Kind::Extract);
    assert_eq!(of(r#"{"status":"ok","items":[]}"#).unwrap(), Extracted::Rows(Rows::default()));
    endpoint.rows = None;
    let single = Extractor::compile(&endpoint).unwrap();
    assert_eq!(single.extract(br#"{"id":7}"#).unwrap_err().kind, Kind::NotOk);
}

proptest! {
    #[test]
    fn no_element_is_lost_or_doubled(
        ids in prop::collection::vec(prop::collection::vec(any::<i64>(), 0..20), 0..20),
        indent: bool,
    ) {
        let groups: Vec<_> = ids.iter().map(|ids| serde_json::json!({"ids": ids, "id": [null, {}, "[1,2"]})).collect();
        let document = serde_json::json!({"groups": groups, "ids": [1]});
        let body = if indent { serde_json::to_string_pretty(&document).unwrap() } else { document.to_string() };
        let expected: Vec<_> = ids.iter().flatten().copied().map(Value::Bigint).collect();
        let got = exploded(".groups[].ids[]", column("id", ".", Type::Bigint), &body).unwrap();
        prop_assert_eq!(got, expected);
        let groups = exploded(".groups[]", column("n", ".ids | length", Type::Bigint), &body).unwrap();
        let lengths: Vec<_> = ids.iter().map(|ids| Value::Bigint(ids.len() as i64)).collect();
        prop_assert_eq!(groups, lengths);
    }
}

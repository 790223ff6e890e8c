//! Batches: an answer taken apart by key.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::job::{AnswerFormat, Batch, OnAbsent, TakenFrom};
use crate::record::{Kind, Rows};

fn batched(split: &str, key: &str, columns: Vec<job::Column>) -> Endpoint {
    let batch = Batch {
        size: 50,
        column: "id".to_owned(),
        join: ",".to_owned(),
        split: split.to_owned(),
        matches: key.to_owned(),
        on_absent: OnAbsent::Missing,
        status: None,
        retry_after: None,
        unprocessed: None,
    };
    Endpoint { batch: Some(batch), ..endpoint(columns, None) }
}

fn title() -> Vec<job::Column> {
    vec![column("title", ".title", Type::Text)]
}

fn split(endpoint: &Endpoint, body: &str) -> Result<Split, Failure> {
    Extractor::compile(endpoint).unwrap().split(body.as_bytes())
}

/// What the answer holds for a key.
fn holds(split: &Split, key: &str) -> Option<Result<Extracted, Failure>> {
    split.get(key).map(|item| item.holds.clone())
}

fn titled(title: &str) -> Result<Extracted, Failure> {
    Ok(Extracted::Rows(Rows::one(vec![text(title)])))
}

#[test]
fn items_go_to_their_keys() {
    let body = r#"{"data":[{"id":"tt1","title":"Ran"},{"id":7,"title":"Ikiru"},{"id":"t\u00e9","title":"x"},
        {"id":null,"title":"nobody's"},{"title":"nobody's"},{"id":1.50,"title":"y"},{"id":true,"title":"z"}]}"#;
    for (items, key) in [(".data[]", ".id"), ("(.data[]), empty", "first(.id)")] {
        let split = split(&batched(items, key, title()), body).unwrap();
        for (key, title) in [("tt1", "Ran"), ("7", "Ikiru"), ("té", "x"), ("1.50", "y"), ("true", "z")] {
            assert_eq!(holds(&split, key), Some(titled(title)), "{key}");
        }
        assert_eq!((split.len(), split.is_empty()), (5, false));
        assert_eq!((holds(&split, "null"), holds(&split, ""), holds(&split, "tt2")), (None, None, None));
    }
}

#[test]
fn a_key_that_comes_twice_must_say_the_same_twice() {
    let body = r#"[{"id":1,"title":"x"},{"id":"1","title":"x","n":2},{"id":2,"title":"y"},{"id":2,"title":null},{"id":3}]"#;
    let split = split(&batched(".[]", ".id", title()), body).unwrap();
    assert_eq!((holds(&split, "1"), split.len()), (Some(titled("x")), 3));
    let torn = holds(&split, "2").unwrap().unwrap_err();
    assert_eq!(torn, Failure::lasting(Kind::Extract, "batch.split: two different parts for \"2\""));
}

#[test]
fn what_belongs_to_nobody_is_counted_and_a_bare_null_is_not() {
    let of = |body: &str| split(&batched(".[]", ".id", title()), body).unwrap();
    assert!(of("[null, null]").is_empty());
    assert!(!of(r#"[{"id":null,"title":"x"}]"#).is_empty());
    let split = of(r#"[{"id":"tt-001 ","title":"x"}]"#);
    assert_eq!((split.like("TT001"), split.like("tt1"), split.like("--")), (Some("tt-001 "), None, None));
    assert_eq!(of(r#"[{"id":7,"title":"x"}]"#).like("007"), Some("7"));
}

fn judged(status: &str, retry_after: Option<&str>, unprocessed: Option<&str>) -> Endpoint {
    let mut endpoint = batched(".data[]", ".id", title());
    let batch = endpoint.batch.as_mut().unwrap();
    batch.status = Some(status.to_owned());
    batch.retry_after = retry_after.map(str::to_owned);
    batch.unprocessed = unprocessed.map(str::to_owned);
    endpoint
}

#[test]
fn a_part_that_is_no_success_by_its_own_status_gives_no_row() {
    let body = r#"{"data":[{"id":1,"s":200,"title":"x"},{"id":2,"s":"429","title":"x","wait":7},{"id":3,"s":500},
        {"id":4,"title":"x"},{"id":5,"s":"fine","title":"x"},{"id":null,"s":503},{"id":6,"s":99}]}"#;
    for status in [".s", "first(.s)"] {
        let split = split(&judged(status, Some(".wait"), None), body).unwrap();
        let told = |key: &str| {
            let item = split.get(key).unwrap();
            let kind = item.holds.as_ref().err().map(|failure| (failure.kind, failure.status));
            (item.status, item.retry_after.clone(), kind)
        };
        assert_eq!(told("1"), (Some(200), None, None));
        assert_eq!(told("2"), (Some(429), Some("7".into()), Some((Kind::Status, Some(429)))));
        assert_eq!(told("3"), (Some(500), None, Some((Kind::Status, Some(500)))));
        for odd in ["4", "5", "6"] {
            assert_eq!(told(odd), (None, None, Some((Kind::Extract, None))), "{odd}");
        }
        assert_eq!(split.keyless_failure.as_ref().and_then(|item| item.status), Some(503));
    }
}

#[test]
fn what_was_not_processed_is_a_failure_that_may_pass_whatever_else_is_said_of_it() {
    let body =
        r#"{"data":[{"id":1,"s":200,"title":"x"},{"id":2,"s":200,"title":null}],"left":{"T":[2,"3"]}}"#;
    for unprocessed in [".left.T[]", ".left | .T[]", ".left[]?[]?"] {
        let split = split(&judged(".s", None, Some(unprocessed)), body).unwrap();
        assert_eq!(holds(&split, "1"), Some(titled("x")));
        for key in ["2", "3"] {
            let failure = holds(&split, key).unwrap().unwrap_err();
            assert!(failure.kind == Kind::NotOk && failure.worth_repeating, "{failure:?}");
        }
    }
    assert_eq!(split(&judged(".s", None, Some(".left.U[]")), body).unwrap_err().kind, Kind::Extract);
}

#[test]
fn an_object_by_key_is_split_too() {
    let columns = vec![column("title", ".value.title", Type::Text)];
    let split =
        split(&batched("to_entries[]", ".key", columns), r#"{"a":{"title":"x"},"b":{"title":"y"}}"#).unwrap();
    assert_eq!((holds(&split, "a"), holds(&split, "b")), (Some(titled("x")), Some(titled("y"))));
}

#[test]
fn an_items_failure_is_its_own_and_a_keys_failure_everybodys() {
    let columns = vec![column("n", ".n", Type::Integer)];
    let endpoint = batched(".[]", ".id", columns);
    let split_ = split(&endpoint, r#"[{"id":1,"n":"x"},{"id":2,"n":5}]"#).unwrap();
    assert_eq!(holds(&split_, "1").unwrap().unwrap_err().kind, Kind::Convert);
    assert_eq!(holds(&split_, "2"), Some(Ok(Extracted::Rows(Rows::one(vec![Value::Integer(5)])))));
    for (body, detail) in [
        ("[1]", r#"batch.key: cannot index a number with "id""#),
        ("null", "batch.split: cannot iterate over null"),
    ] {
        assert_eq!(split(&endpoint, body).unwrap_err(), Failure::lasting(Kind::Extract, detail));
    }
}

#[test]
fn ok_looks_at_the_answer_and_missing_at_the_item() {
    let mut endpoint = batched(".data[]", ".id", title());
    endpoint.columns.push(job::Column { from: TakenFrom::Answer, ..column("page", ".page", Type::Integer) });
    endpoint.ok = Some(".ok".to_owned());
    endpoint.missing.when = Some(".gone".to_owned());
    let body = r#"{"ok":true,"page":3,"data":[{"id":1,"gone":true},{"id":2,"title":"x"}]}"#;
    let split_ = split(&endpoint, body).unwrap();
    assert_eq!(holds(&split_, "1"), Some(Ok(Extracted::Missing)));
    let row = Rows::one(vec![text("x"), Value::Integer(3)]);
    assert_eq!(holds(&split_, "2"), Some(Ok(Extracted::Rows(row))));
    assert_eq!(split(&endpoint, r#"{"ok":false,"gone":true}"#).unwrap_err().kind, Kind::NotOk);
}

#[test]
fn lines_can_be_split() {
    let lines = Endpoint { format: AnswerFormat::JsonLines, ..batched(".[]", ".id", title()) };
    let split = split(&lines, "{\"id\":1,\"title\":\"x\"}\n{\"id\":2,\"title\":\"y\"}\n").unwrap();
    assert_eq!((holds(&split, "1"), holds(&split, "2")), (Some(titled("x")), Some(titled("y"))));
}

proptest! {
    #[test]
    fn each_key_has_its_item(items in prop::collection::vec((0..30_u8, "[a-z]{0,3}"), 0..40)) {
        let body: Vec<_> = items.iter().map(|(id, title)| serde_json::json!({"id": id, "title": title})).collect();
        let split = split(&batched(".[]", ".id", title()), &serde_json::Value::from(body).to_string()).unwrap();
        let mut expected: HashMap<String, Vec<&String>> = HashMap::new();
        for (id, title) in &items {
            expected.entry(id.to_string()).or_default().push(title);
        }
        prop_assert_eq!(split.len(), expected.len());
        for (id, titles) in expected {
            if titles.iter().all(|title| *title == titles[0]) { prop_assert_eq!(holds(&split, &id), Some(titled(titles[0]))) } else { prop_assert!(holds(&split, &id).is_some_and(|part| part.is_err())) }
        }
    }
}

//! Batches: an answer taken apart by key.

use std::collections::HashMap;

use proptest::prelude::*;

use super::*;
use crate::job::{Absent, AnswerFormat, Batch, Of};
use crate::record::{Kind, Rows};

fn batched(split: &str, key: &str, columns: Vec<job::Column>) -> Endpoint {
    let batch = Batch {
        size: 50,
        column: "id".to_owned(),
        join: ",".to_owned(),
        split: split.to_owned(),
        key: key.to_owned(),
        absent: Absent::Missing,
    };
    Endpoint { batch: Some(batch), ..endpoint(columns, None) }
}

fn title() -> Vec<job::Column> {
    vec![column("title", ".title", Type::Text)]
}

fn split(endpoint: &Endpoint, body: &str) -> Result<Split, Failure> {
    Extractor::new(endpoint).unwrap().split(body.as_bytes())
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
            assert_eq!(split.get(key), Some(&titled(title)), "{key}");
        }
        assert_eq!((split.len(), split.is_empty()), (5, false));
        assert_eq!((split.get("null"), split.get(""), split.get("tt2")), (None, None, None));
    }
}

#[test]
fn the_first_of_equal_keys_counts() {
    let body = r#"[{"id":1,"title":"first"},{"id":"1","title":"second"}]"#;
    let split = split(&batched(".[]", ".id", title()), body).unwrap();
    assert_eq!((split.get("1"), split.len()), (Some(&titled("first")), 1));
}

#[test]
fn an_object_by_key_is_split_too() {
    let columns = vec![column("title", ".value.title", Type::Text)];
    let split =
        split(&batched("to_entries[]", ".key", columns), r#"{"a":{"title":"x"},"b":{"title":"y"}}"#).unwrap();
    assert_eq!((split.get("a"), split.get("b")), (Some(&titled("x")), Some(&titled("y"))));
}

#[test]
fn an_items_failure_is_its_own_and_a_keys_failure_everybodys() {
    let columns = vec![column("n", ".n", Type::Integer)];
    let endpoint = batched(".[]", ".id", columns);
    let split_ = split(&endpoint, r#"[{"id":1,"n":"x"},{"id":2,"n":5}]"#).unwrap();
    assert_eq!(split_.get("1").unwrap().as_ref().unwrap_err().kind, Kind::Convert);
    assert_eq!(split_.get("2"), Some(&Ok(Extracted::Rows(Rows::one(vec![Value::Integer(5)])))));
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
    endpoint.columns.push(job::Column { of: Of::Answer, ..column("page", ".page", Type::Integer) });
    endpoint.ok = Some(".ok".to_owned());
    endpoint.missing.when = Some(".gone".to_owned());
    let body = r#"{"ok":true,"page":3,"data":[{"id":1,"gone":true},{"id":2,"title":"x"}]}"#;
    let split_ = split(&endpoint, body).unwrap();
    assert_eq!(split_.get("1"), Some(&Ok(Extracted::Missing)));
    let row = Rows::one(vec![text("x"), Value::Integer(3)]);
    assert_eq!(split_.get("2"), Some(&Ok(Extracted::Rows(row))));
    assert_eq!(split(&endpoint, r#"{"ok":false,"gone":true}"#).unwrap_err().kind, Kind::NotOk);
}

#[test]
fn lines_can_be_split() {
    let lines = Endpoint { answer: AnswerFormat::JsonLines, ..batched(".[]", ".id", title()) };
    let split = split(&lines, "{\"id\":1,\"title\":\"x\"}\n{\"id\":2,\"title\":\"y\"}\n").unwrap();
    assert_eq!((split.get("1"), split.get("2")), (Some(&titled("x")), Some(&titled("y"))));
}

proptest! {
    #[test]
    fn each_key_has_its_first_item(items in prop::collection::vec((0..30_u8, "[a-z]{0,3}"), 0..40)) {
        let body: Vec<_> = items.iter().map(|(id, title)| serde_json::json!({"id": id, "title": title})).collect();
        let split = split(&batched(".[]", ".id", title()), &serde_json::Value::from(body).to_string()).unwrap();
        let mut expected = HashMap::new();
        for (id, title) in &items {
            expected.entry(id.to_string()).or_insert(title);
        }
        prop_assert_eq!(split.len(), expected.len());
        for (id, title) in expected {
            prop_assert_eq!(split.get(&id), Some(&titled(title)));
        }
    }
}

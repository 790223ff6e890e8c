//! `/items`: several things at once, asked for and answered in other ways than `/graph/`.
//!
//! `GET /items?ids=1,2` or `?id=1&id=2`, `POST /items` with `{"ids": [1, 2]}` or `[1, 2]`, up to 100 ids. The answer,
//! `{"data": [{"id": 1, "name": "Item 1", "price": "12.50"}, …]}`, is in an order of its own and leaves out what it
//! does not have. An id of digits is a number in it. At times an item comes a second time, or among several one that
//! nobody asked for (its id is "nobody").

use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::draw::Draw;
use crate::query::{Query, value};

/// Most ids of one request.
const MOST_IDS: usize = 100;

/// Share of the ids that name nothing.
const UNKNOWN_SHARE: f64 = 0.1;

#[derive(Deserialize)]
#[serde(untagged)]
enum Wanted {
    Bare(Vec<Value>),
    Named { ids: Vec<Value> },
}

/// The ids that a query names: `ids`, parted by commas, then every `id`.
pub fn ids_of_query(query: Query<'_>) -> Vec<String> {
    let raw = query.raw("ids").unwrap_or_default().split(',').filter(|id| !id.is_empty());
    let single = query.pairs().filter(|(name, _)| name == "id").map(|(_, id)| id.into_owned());
    raw.map(|id| value(id).into_owned()).chain(single).collect()
}

/// The ids that a body names; none of a body that is wrong.
pub fn ids_of_body(body: &[u8]) -> Vec<String> {
    let ids = match serde_json::from_slice(body) {
        Ok(Wanted::Bare(ids) | Wanted::Named { ids }) => ids,
        Err(_) => Vec::new(),
    };
    let text = |id: Value| match id {
        Value::String(text) => text,
        other => other.to_string(),
    };
    ids.into_iter().map(text).collect()
}

/// What there is of the ids.
pub fn answer(ids: &[String]) -> Answer {
    if ids.is_empty() || ids.len() > MOST_IDS {
        return Answer::problem(
            StatusCode::BAD_REQUEST,
            &format!("1 to {MOST_IDS} ids, and these are {}", ids.len()),
        );
    }
    let mut known: Vec<&String> = ids.iter().filter(|id| price(id).is_some()).collect();
    known.sort_by_key(|id| draw(id, "order").between(0, 1 << 40));
    known.dedup();
    let mut data: Vec<Value> = known.iter().map(|id| item(id)).collect();
    data.extend(known.first().filter(|id| draw(id, "again").happens(0.3)).map(|id| item(id)));
    if ids.len() > 1 && draw(&ids.join(" "), "nobody").happens(0.3) {
        data.push(json!({ "id": "nobody", "name": "Nobody's", "price": "0.00" }));
    }
    Answer::value(&json!({ "data": data }))
}

/// An item's price; `None` if there is no such item.
pub fn price(id: &str) -> Option<String> {
    let cents = draw(id, "price").between(100, 99_999);
    let is_known = !draw(id, "unknown").happens(UNKNOWN_SHARE);
    is_known.then(|| format!("{}.{:02}", cents / 100, cents % 100))
}

fn item(id: &str) -> Value {
    let number = id.parse::<u64>().ok().filter(|number| number.to_string() == *id);
    let id_as_json = number.map_or_else(|| json!(id), |number| json!(number));
    json!({ "id": id_as_json, "name": format!("Item {id}"), "price": price(id) })
}

fn draw(id: &str, fact: &str) -> Draw {
    Draw::about(0, &format!("item {id} {fact}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(ids: &[String]) -> Vec<Value> {
        let answer: Value = serde_json::from_slice(&answer(ids).body).expect("JSON");
        answer["data"].as_array().expect("data").clone()
    }

    #[test]
    fn ids_come_in_four_ways() {
        assert_eq!(ids_of_query(Query("ids=1,a%2Cb")), ["1", "a,b"]);
        assert_eq!(ids_of_query(Query("id=1&id=a%2Cb&x=1")), ["1", "a,b"]);
        assert_eq!(ids_of_body(br#"{"ids": [1, "a,b"]}"#), ["1", "a,b"]);
        assert_eq!(ids_of_body(br#"["1", "a,b"]"#), ["1", "a,b"]);
        assert!(ids_of_body(b"{}").is_empty() && ids_of_body(b"x").is_empty());
    }

    #[test]
    fn what_there_is_comes_in_an_order_of_its_own() {
        let ids: Vec<String> = (0..100).map(|n| n.to_string()).collect();
        let numbers = data(&ids).iter().filter_map(|item| item["id"].as_u64()).collect::<Vec<_>>();
        assert!(!numbers.is_sorted() && (80..=98).contains(&numbers.len()), "{}", numbers.len());
        assert_eq!(data(&["007".to_owned()])[0]["id"], "007");
        assert_eq!(answer(&[]).status, StatusCode::BAD_REQUEST);
        assert_eq!(answer(&vec!["x".to_owned(); 101]).status, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn at_times_there_is_too_much() {
        let answers: Vec<Vec<Value>> = (0..50).map(|n| data(&[format!("a{n}"), format!("b{n}")])).collect();
        let nobodys = answers.iter().filter(|data| data.iter().any(|item| item["name"] == "Nobody's"));
        let again = answers.iter().filter(|data| {
            let ids: Vec<&str> = data.iter().filter_map(|item| item["id"].as_str()).collect();
            (1..ids.len()).any(|at| ids[..at].contains(&ids[at]))
        });
        assert!((5..=25).contains(&nobodys.count()) && (5..=25).contains(&again.count()));
    }
}

//! `/lists/{id}`: lists in pages, in every way that APIs lead from one to the next. `/jsonl/{id}` has the same items,
//! one a line.
//!
//! An id that ends in a number has so many items: `0`, `1`, `25` and `x-25`. Of another the id decides: none, one,
//! exactly a page, exactly two, or many. An id that begins with `unknown` is none.
//!
//! | parameter | does |
//! |---|---|
//! | `page=3` | the third page; the next one has `page=4` (with `base=0` the first page is 0) |
//! | `offset=20` | the items from there on; the next page has the `offset` behind its last item |
//! | `cursor=…` | the items behind that place; without any of the three the first page, and cursors lead on |
//! | `limit=10` | items of a page: 1 to 100, 10 by default |
//! | `as=html` | the same as a page, its next one behind `a.next` |
//! | `absolute=1` | `next` is a whole URL; otherwise path and query |
//! | `host=…` | the next page is at that host |
//! | `strict=1` | 404 behind the last page instead of a page without items |
//! | `loop=1` | the last page leads back to the first |
//! | `endless=1` | there is always another page |
//! | `gap=2` | the second page has no items and leads on; its own are nowhere |
//!
//! All others are handed on to the next page. A page says by `next`, `has_more`, the header `Link` (always a whole URL) and,
//! where cursors lead on, `cursor`, whether and where there is more. It is counted and disturbed by itself, as `25/3`.

mod place;
mod shape;

use hyper::StatusCode;
use hyper::http::request::Parts;
use serde::Serialize;

use crate::answer::{Answer, LINES};
use crate::draw::Draw;
use crate::html;
use crate::query::Query;
use place::Place;
use shape::Next;

pub use place::name_of_page;

/// One of a list's items.
#[derive(Debug, PartialEq, Serialize)]
pub struct Item {
    /// From 1.
    number: u64,
    id: String,
    value: u64,
}

/// Most items of a list.
const MOST: u64 = 100_000;

/// Items of a list without end: more than anybody reads, and a number that every reader can hold.
const ENDLESS: u64 = 1 << 53;

/// How many items the list has; `None` if there is no such list.
pub fn total(list: &str) -> Option<u64> {
    let digits = list.len() - list.trim_end_matches(|one: char| one.is_ascii_digit()).len();
    if list.is_empty() || list.starts_with("unknown") {
        return None;
    }
    if let Ok(total) = list[list.len() - digits..].parse::<u64>() {
        return Some(total.min(MOST));
    }
    let draw = |fact| Draw::about(0, &format!("list {list} {fact}"));
    let many = draw("many").between(11, 95);
    Some(draw("total").weigh(&[(0, 2), (1, 2), (place::SIZE, 2), (2 * place::SIZE, 1), (many, 5)]))
}

/// The page of an id as counted.
pub fn page_of(name: &str) -> u64 {
    name.rsplit('/').next().and_then(|page| page.parse().ok()).unwrap_or(0)
}

/// A page of a list. `list` is the id as counted, with its page.
pub fn answer(name: &str, parts: &Parts, scheme: &str) -> Answer {
    let list = name.rsplit_once('/').map_or(name, |(list, _)| list);
    let query = Query(parts.uri.query().unwrap_or_default());
    let is_html = query.raw("as") == Some("html");
    let Some(total) = total(list) else {
        let message = format!("list {list}");
        return if is_html {
            html::not_found(&message)
        } else {
            Answer::problem(StatusCode::NOT_FOUND, &message)
        };
    };
    let place = match Place::of(list, query) {
        Ok(place) => place,
        Err(message) => return Answer::problem(StatusCode::BAD_REQUEST, &message),
    };
    let total = if query.says("endless") { ENDLESS } else { total };
    if place.offset > 0 && place.offset >= total && query.says("strict") {
        return Answer::problem(StatusCode::NOT_FOUND, "behind the last page");
    }
    let end = place.offset.saturating_add(place.size).min(total);
    let is_gap = query.number("gap") == Some(place.page());
    let items = if is_gap { Vec::new() } else { items(list, place.offset, end) };
    let next = Next::of(list, &place, end, total, parts, scheme);
    if is_html { shape::page(list, total, &items, &next) } else { shape::json(list, total, &items, &next) }
}

/// The items as JSON lines; `broken=3` cuts the third line short. The last line of an odd list has no end.
pub fn lines(list: &str, query: Query<'_>) -> Answer {
    let Some(total) = total(list) else { return Answer::problem(StatusCode::NOT_FOUND, "no such list") };
    let mut text = String::new();
    for item in items(list, 0, total) {
        let line = serde_json::json!(item).to_string();
        let is_broken = query.number("broken") == Some(item.number);
        text += if is_broken { &line[..line.len() / 2] } else { &line };
        text.push('\n');
    }
    if total % 2 == 1 {
        text.pop();
    }
    Answer::of(LINES, text)
}

fn items(list: &str, from: u64, to: u64) -> Vec<Item> {
    let item = |number| Item {
        number,
        id: format!("{list}-{number}"),
        value: Draw::about(number, list).between(0, 999_999),
    };
    (from..to).map(|place| item(place + 1)).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use hyper::Request;
    use hyper::header::LINK;
    use serde_json::Value;

    use super::*;
    use crate::asked::Asked;

    fn asked(target: &str) -> Answer {
        let (parts, ()) =
            Request::get(target).header("host", "h:1").body(()).expect("a request").into_parts();
        let name = Asked::of(&parts.uri).expect("served").id.into_owned();
        answer(&name, &parts, "http")
    }

    fn json(answer: &Answer) -> Value {
        serde_json::from_slice(&answer.body).expect("JSON")
    }

    fn link(answer: &Answer) -> Option<String> {
        let header = answer.headers.iter().find(|(name, _)| *name == LINK)?;
        let links = header.1.to_str().expect("ASCII").split(", ");
        let next = links.filter_map(|link| link.strip_suffix("; rel=\"next\"")).next()?;
        Some(next.trim_matches(['<', '>']).strip_prefix("http://h:1").expect("absolute").to_owned())
    }

    /// Numbers of all items, following `next` until there is none or `most` pages are read.
    fn followed(first: &str, most: usize, next: fn(&Answer) -> Option<String>) -> Vec<u64> {
        let (mut numbers, mut target) = (Vec::new(), Some(first.to_owned()));
        for _ in 0..most {
            let Some(page) = target else { break };
            let answer = asked(&page);
            let items = json(&answer)["items"].as_array().expect("items").clone();
            numbers.extend(items.iter().map(|item| item["number"].as_u64().expect("a number")));
            target = next(&answer);
        }
        numbers
    }

    fn next_of_body(answer: &Answer) -> Option<String> {
        json(answer)["next"].as_str().map(str::to_owned)
    }

    #[test]
    fn every_way_leads_to_every_item_once() {
        for total in [0, 1, 9, 10, 11, 20, 95] {
            let all: Vec<u64> = (1..=total).collect();
            for way in ["", "?page=1", "?base=0&page=0", "?offset=0", "?limit=7", "?offset=0&limit=3"] {
                let first = format!("/lists/a%2Fb-{total}{way}");
                assert_eq!(followed(&first, 100, next_of_body), all, "{first}");
                assert_eq!(followed(&first, 100, link), all, "{first}");
            }
        }
    }

    #[test]
    fn totals_are_of_every_kind() {
        let totals: BTreeSet<u64> = (0..200).filter_map(|n| total(&format!("list {n}x"))).collect();
        assert!([0, 1, 10, 20].iter().all(|total| totals.contains(total)) && totals.len() > 20);
        assert_eq!((total("25"), total("x-0"), total("999999999")), (Some(25), Some(0), Some(MOST)));
        assert_eq!((total(""), total("unknown-3")), (None, None));
    }

    #[test]
    fn behind_the_last_page_there_is_nothing() {
        let page = json(&asked("/lists/20?page=3"));
        assert_eq!(
            (&page["items"], &page["next"], &page["has_more"]),
            (&Value::Array(vec![]), &Value::Null, &Value::Bool(false))
        );
        assert_eq!(asked("/lists/20?page=3&strict=1").status, StatusCode::NOT_FOUND);
        assert_eq!(asked("/lists/0?page=1&strict=1").status, StatusCode::OK);
        assert_eq!(asked("/lists/unknown").status, StatusCode::NOT_FOUND);
    }

    #[test]
    fn lists_misbehave_on_request() {
        assert_eq!(followed("/lists/12?page=1&loop=1", 3, next_of_body).len(), 22);
        assert_eq!(followed("/lists/5?endless=1", 40, next_of_body).len(), 400);
        let numbers = followed("/lists/25?offset=0&gap=2", 9, next_of_body);
        assert_eq!(numbers, (1..=10).chain(21..=25).collect::<Vec<u64>>());
        let elsewhere = json(&asked("/lists/25?host=localhost:2"))["next"].clone();
        assert!(
            elsewhere
                .as_str()
                .is_some_and(|next| next.starts_with("http://localhost:2/lists/25?host=localhost:2&cursor="))
        );
        let absolute = json(&asked("/lists/25?absolute=1&page=2"));
        assert_eq!(absolute["next"], "http://h:1/lists/25?absolute=1&page=3");
    }

    #[test]
    fn nonsense_is_refused() {
        for query in [
            "page=0",
            "page=x",
            "offset=-1",
            "limit=0",
            "limit=101",
            "cursor=10",
            "cursor=10%3A0",
            "page=1&offset=0",
        ] {
            assert_eq!(asked(&format!("/lists/25?{query}")).status, StatusCode::BAD_REQUEST, "{query}");
        }
    }

    #[test]
    fn a_page_leads_to_the_next_one_in_html_too() {
        let page = |target| String::from_utf8(asked(target).body.to_vec()).expect("UTF-8");
        let first = page("/lists/11?as=html&page=1");
        assert!(first.contains("<a class=\"next\" href=\"/lists/11?as=html&amp;page=2\">"), "{first}");
        assert_eq!(first.matches("<tr class=\"item\">").count(), 10);
        assert!(!page("/lists/11?as=html&page=2").contains("class=\"next\""));
    }

    #[test]
    fn lines_have_the_same_items() {
        let text = |list, query| String::from_utf8(lines(list, Query(query)).body.to_vec()).expect("UTF-8");
        let read: Vec<Value> =
            text("a-11", "").lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert_eq!(Value::Array(read), json(&asked("/lists/a-11?limit=100"))["items"]);
        assert!(
            !text("a-11", "").ends_with('\n') && text("a-12", "").ends_with('\n') && text("0", "").is_empty()
        );
        let broken = text("4", "broken=3");
        assert_eq!(broken.lines().filter(|line| serde_json::from_str::<Value>(line).is_err()).count(), 1);
    }
}

//! `/_admin/truth/…`: what the documents say, told in another way, for tests that count and compare. Neither counted nor
//! disturbed; null for what there is not.
//!
//! | path | tells |
//! |---|---|
//! | `matches/{id}?at=1` | the match and its offers at that round, by default the knob's |
//! | `lists/{id}` | how many items it has |
//! | `pages/{n}` | title and links |
//! | `items/{id}` | the price |
//! | `ohlc/{symbol}` | the days |
//! | `prices/{place}?at=1` | the prices of that round |
//! | `public/{api}/{id}` | the rows that its job makes of an id |
//! | `social?url={url}` | all counts of a URL |
//! | `subscriptions/{product}/{token}?at=1` | the document at that round, 0 where none is named |

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::odds::Match;
use crate::pages::Page;
use crate::query::{Query, decoded};
use crate::{items, lists, ohlc, prices, public, social, subscriptions};

/// What is told under this path, which is the one behind `/_admin/truth/`.
pub fn answer(path: &str, query: Query<'_>, round: u64) -> Answer {
    let (folder, id) = path.split_once('/').unwrap_or((path, ""));
    let id = decoded(id);
    let told: Value = match folder {
        "matches" => json!(Match::find(&id, query.number("at").unwrap_or(round))),
        "lists" => json!(lists::total(&id)),
        "pages" => json!(Page::find(&id)),
        "items" => json!(items::price(&id)),
        "ohlc" => json!(ohlc::bars(&id)),
        "prices" => json!(prices::prices(&id, query.number("at").unwrap_or(1))),
        "subscriptions" => subscriptions::truth(&id, query.number("at").unwrap_or(0)),
        "public" => public::truth(&id),
        "social" => social::truth(&query.get("url").unwrap_or_default()),
        _ => {
            return Answer::problem(
                StatusCode::NOT_FOUND,
                "matches, lists, pages, items, ohlc, prices, public, subscriptions or social",
            );
        }
    };
    Answer::value(&told)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(path: &str, query: &str) -> Value {
        serde_json::from_slice(&answer(path, Query(query), 5).body).expect("JSON")
    }

    #[test]
    fn the_round_is_the_knobs_or_the_requests() {
        let [knob, same, other] = ["", "at=5", "at=6"].map(|query| told("matches/m0001", query));
        assert_eq!(knob, same);
        assert_ne!(knob["offers"], other["offers"]);
        assert_eq!(told("matches/x", ""), Value::Null);
    }

    #[test]
    fn the_rest_is_told_too() {
        assert_eq!(told("lists/a%2F25", ""), 25);
        assert_eq!(told("pages/3", "")["number"], 3);
        assert!(told("social", "url=http%3A%2F%2Fa%2F")["pins"].is_u64());
        assert_eq!(answer("films", Query(""), 0).status, StatusCode::NOT_FOUND);
    }
}

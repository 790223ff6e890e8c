//! `api/books?bibkeys=ISBN:…,ISBN:…&jscmd=data&format=json`: books under their keys; what it does not have is left out.

use serde_json::{Map, Value, json};

use super::{number, words};
use crate::answer::Answer;
use crate::query::Query;

const UNKNOWN: &str = "ISBN:9780000000002";

pub fn answer(query: Query<'_>) -> Answer {
    let keys = query.get("bibkeys").unwrap_or_default();
    let known = keys.split(',').filter(|key| !key.is_empty() && *key != UNKNOWN);
    let books: Map<String, Value> = known.map(|key| (key.to_owned(), book(key))).collect();
    Answer::value(&books)
}

fn book(key: &str) -> Value {
    json!({
        "key": format!("/books/OL{}M", number(key, "book", 1, 9_999)),
        "title": words(key, "title"),
        "authors": [{ "name": words(key, "author"), "url": "" }],
        "publishers": [{ "name": words(key, "publisher") }],
        "publish_date": number(key, "year", 1950, 2020).to_string(),
        "number_of_pages": number(key, "pages", 20, 900),
    })
}

pub fn truth(key: &str) -> Value {
    if key == UNKNOWN {
        return json!([{ "book": null, "title": null, "authors": null, "published": null, "pages": null }]);
    }
    json!([{
        "book": format!("/books/OL{}M", number(key, "book", 1, 9_999)), "title": words(key, "title"),
        "authors": [words(key, "author")], "published": number(key, "year", 1950, 2020).to_string(),
        "pages": number(key, "pages", 20, 900),
    }])
}

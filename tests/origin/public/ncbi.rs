//! `esummary.fcgi?db=pubmed&retmode=json&id=1,2`: summaries by their ids, in one object.

use serde_json::{Map, Value, json};

use super::{number, words};
use crate::answer::Answer;
use crate::query::Query;

const UNKNOWN: &str = "999999999";

pub fn answer(query: Query<'_>) -> Answer {
    let ids = query.get("id").unwrap_or_default();
    let mut result = Map::new();
    result.insert("uids".to_owned(), json!(ids.split(',').collect::<Vec<_>>()));
    for id in ids.split(',') {
        result.insert(id.to_owned(), summary(id));
    }
    Answer::value(&json!({ "header": { "type": "esummary", "version": "0.3" }, "result": result }))
}

fn summary(id: &str) -> Value {
    if id == UNKNOWN {
        return json!({ "uid": id, "error": "cannot get document summary" });
    }
    json!({
        "uid": id,
        "pubdate": pubdate(id),
        "title": words(id, "title"),
        "fulljournalname": words(id, "journal"),
        "authors": [{ "name": words(id, "first"), "authtype": "Author" }, { "name": words(id, "second"), "authtype": "Author" }],
        "articleids": [{ "idtype": "pubmed", "value": id }, { "idtype": "doi", "value": format!("10.5555/{id}") }],
    })
}

fn pubdate(id: &str) -> String {
    format!("{} Jan", number(id, "year", 1990, 2024))
}

pub fn truth(id: &str) -> Value {
    if id == UNKNOWN {
        return json!([{ "title": null, "journal": null, "year": null, "first_author": null, "doi": null }]);
    }
    json!([{
        "title": words(id, "title"), "journal": words(id, "journal"), "year": number(id, "year", 1990, 2024),
        "first_author": words(id, "first"), "doi": format!("10.5555/{id}"),
    }])
}

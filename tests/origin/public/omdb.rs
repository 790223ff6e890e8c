//! `?i={id}&apikey=…`: a film; status 200 also where there is none, and 401 without a key.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{number, words};
use crate::answer::Answer;
use crate::query::Query;

const UNKNOWN: &str = "tt9999999";

pub fn answer(query: Query<'_>) -> Answer {
    if query.get("apikey").unwrap_or_default().is_empty() {
        let body = json!({ "Response": "False", "Error": "No API key provided." });
        return Answer { status: StatusCode::UNAUTHORIZED, ..Answer::value(&body) };
    }
    let id = query.get("i").unwrap_or_default();
    if id == UNKNOWN {
        return Answer::value(&json!({ "Response": "False", "Error": "Error getting data." }));
    }
    let votes = number(&id, "votes", 1_000, 99_999);
    Answer::value(&json!({
        "Title": words(&id, "title"),
        "Year": number(&id, "year", 1930, 2020).to_string(),
        "Released": format!("{:02} Mar 1999", number(&id, "day", 1, 31)),
        "Runtime": format!("{} min", number(&id, "runtime", 60, 220)),
        "Metascore": "N/A",
        "imdbRating": rating(&id),
        "imdbVotes": format!("{},{:03}", votes / 1_000, votes % 1_000),
        "imdbID": id,
        "Type": "movie",
        "Response": "True",
    }))
}

fn rating(id: &str) -> String {
    format!("{}.5", number(id, "rating", 1, 9))
}

pub fn truth(id: &str) -> Value {
    if id == UNKNOWN {
        return json!([{ "title": null, "year": null, "released": null, "minutes": null, "metascore": null, "rating": null, "votes": null }]);
    }
    json!([{
        "title": words(id, "title"), "year": number(id, "year", 1930, 2020),
        "released": format!("1999-03-{:02}", number(id, "day", 1, 31)), "minutes": number(id, "runtime", 60, 220),
        "metascore": null, "rating": rating(id), "votes": number(id, "votes", 1_000, 99_999),
    }])
}

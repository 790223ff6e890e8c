//! `works/{doi}`: a work's metadata.

use hyper::StatusCode;
use serde_json::{Value, json};

use super::{number, words};
use crate::answer::Answer;
use crate::query::decoded;

const UNKNOWN: &str = "10.5555/no-such-work";

pub fn answer(path: &str) -> Answer {
    let doi = decoded(path.strip_prefix("works/").unwrap_or_default());
    if doi.is_empty() || doi == UNKNOWN {
        return Answer { status: StatusCode::NOT_FOUND, ..Answer::of("text/plain", "Resource not found.") };
    }
    Answer::value(&json!({
        "status": "ok",
        "message-type": "work",
        "message-version": "1.0.0",
        "message": {
            "DOI": doi,
            "type": "journal-article",
            "title": [words(&doi, "title")],
            "container-title": [words(&doi, "journal")],
            "publisher": words(&doi, "publisher"),
            "issued": { "date-parts": [[year(&doi), 4]] },
            "is-referenced-by-count": number(&doi, "citations", 0, 900),
        }
    }))
}

fn year(doi: &str) -> u64 {
    number(doi, "year", 1990, 2024)
}

pub fn truth(doi: &str) -> Value {
    if doi == UNKNOWN {
        return json!([{ "title": null, "kind": null, "journal": null, "publisher": null, "year": null, "citations": null }]);
    }
    json!([{
        "title": words(doi, "title"), "kind": "journal-article", "journal": words(doi, "journal"),
        "publisher": words(doi, "publisher"), "year": year(doi), "citations": number(doi, "citations", 0, 900),
    }])
}

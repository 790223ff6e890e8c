//! `/echo/…`: the request itself, as the server received it.

use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use crate::answer::Answer;

/// Method, target, headers and body of a request. Values of a header that comes more than once are joined by `, `;
/// bytes that are no UTF-8 become U+FFFD.
pub fn answer(parts: &Parts, body: &[u8]) -> Answer {
    let mut headers = Map::new();
    for name in parts.headers.keys() {
        let values =
            parts.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        headers.insert(name.as_str().to_owned(), Value::from(values.collect::<Vec<_>>().join(", ")));
    }
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    Answer::value(&json!({
        "method": parts.method.as_str(),
        "target": target,
        "version": format!("{:?}", parts.version),
        "headers": headers,
        "body": String::from_utf8_lossy(body),
    }))
}

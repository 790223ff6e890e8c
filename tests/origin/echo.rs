//! `/echo/…`: the request itself, as the server received it.

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::query::Query;

/// Method, target, headers and body of a request. Values of a header that comes more than once are joined by `, `;
/// bytes that are no UTF-8 become U+FFFD.
///
/// `query` has the decoded parameters in order, as pairs, and `form` those of a form that was sent; `json` is the body
/// where it is JSON. They are null for a request that has none.
pub fn answer(parts: &Parts, body: &[u8]) -> Answer {
    let target = parts.uri.path_and_query().map_or("", |target| target.as_str());
    Answer::value(&json!({
        "method": parts.method.as_str(),
        "target": target,
        "query": parts.uri.query().map(pairs),
        "version": format!("{:?}", parts.version),
        "headers": headers(parts),
        "body": String::from_utf8_lossy(body),
        "json": serde_json::from_slice::<Value>(body).ok(),
        "form": form(parts, body),
    }))
}

fn headers(parts: &Parts) -> Map<String, Value> {
    let joined = |name| {
        let values =
            parts.headers.get_all(name).iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
        Value::from(values.collect::<Vec<_>>().join(", "))
    };
    parts.headers.keys().map(|name| (name.as_str().to_owned(), joined(name))).collect()
}

fn form(parts: &Parts, body: &[u8]) -> Option<Value> {
    let content_type = parts.headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let is_form = content_type.starts_with("application/x-www-form-urlencoded");
    is_form.then(|| pairs(&String::from_utf8_lossy(body)))
}

fn pairs(text: &str) -> Value {
    Query(text).pairs().map(|(name, value)| json!([name, value])).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn echoed(request: hyper::http::request::Builder, body: &str) -> Value {
        let (parts, ()) = request.body(()).expect("a request").into_parts();
        serde_json::from_slice(&answer(&parts, body.as_bytes()).body).expect("JSON")
    }

    #[test]
    fn a_form_is_read() {
        let request =
            Request::put("/echo/x?a=1&a=%2B+").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        let echo = echoed(request.header("x-a", "1").header("x-a", "2"), "b=%26&c=d+e");
        assert_eq!((&echo["method"], &echo["target"]), (&json!("PUT"), &json!("/echo/x?a=1&a=%2B+")));
        assert_eq!(echo["query"], json!([["a", "1"], ["a", "+ "]]));
        assert_eq!(echo["headers"]["x-a"], "1, 2");
        assert_eq!((&echo["form"], &echo["json"]), (&json!([["b", "&"], ["c", "d e"]]), &Value::Null));
        assert_eq!(echo["body"], "b=%26&c=d+e");
    }

    #[test]
    fn json_is_read() {
        let echo = echoed(Request::post("/echo/"), r#"{"a":[1,null]}"#);
        assert_eq!(
            (&echo["json"], &echo["form"], &echo["query"]),
            (&json!({"a": [1, null]}), &Value::Null, &Value::Null)
        );
    }
}

//! `POST /rpc`: a list of JSON-RPC calls `pos.plusones.get`, answered by a list; or one call, answered by an object.
//!
//! ```json
//! [{"method":"pos.plusones.get","id":"p","jsonrpc":"2.0","key":"p","apiVersion":"v1",
//!   "params":{"nolog":true,"id":"http://…","source":"widget","userId":"@viewer","groupId":"@self"}}]
//! ```

use hyper::header::CONTENT_TYPE;
use hyper::http::request::Parts;
use hyper::{HeaderMap, StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};

use crate::answer::Answer;

#[derive(Deserialize)]
struct Call {
    method: String,
    id: Value,
    params: Params,
}

#[derive(Deserialize)]
struct Params {
    /// The URL.
    id: String,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Calls {
    Several(Vec<Call>),
    One(Box<Call>),
}

impl Calls {
    fn all(&self) -> &[Call] {
        match self {
            Calls::Several(calls) => calls,
            Calls::One(call) => std::slice::from_ref(call),
        }
    }
}

/// How many plus-ones the URL has.
pub fn count(url: &str) -> u64 {
    super::count(url, "plus ones")
}

/// The URLs that a body asks for; none of a body that is wrong.
pub fn ids(body: &[u8]) -> Vec<String> {
    let calls: Result<Calls, _> = serde_json::from_slice(body);
    calls.map_or(Vec::new(), |calls| calls.all().iter().map(|call| call.params.id.clone()).collect())
}

/// The counts.
pub fn answer(parts: &Parts, body: &[u8]) -> Answer {
    if !is_json(&parts.headers) {
        return error("Content-Type is not application/json");
    }
    let calls: Calls = match serde_json::from_slice(body) {
        Ok(calls) => calls,
        Err(_) => return error("Parse Error"),
    };
    if let Some(call) =
        calls.all().iter().find(|call| call.method != "pos.plusones.get" || call.params.id.is_empty())
    {
        return error(&format!("Invalid Value: {} {}", call.method, call.params.id));
    }
    match &calls {
        Calls::Several(calls) => Answer::value(&calls.iter().map(result).collect::<Vec<_>>()),
        Calls::One(call) => Answer::value(&result(call)),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case("application/json"))
}

/// The count is a number with a point, `12.0`, as the API gave it.
fn result(call: &Call) -> Value {
    let url = &call.params.id;
    json!({
        "id": call.id,
        "result": {
            "kind": "pos#plusones",
            "id": url,
            "isSetByViewer": false,
            "metadata": { "type": "URL", "globalCounts": { "count": count(url) as f64 } },
        },
    })
}

fn error(message: &str) -> Answer {
    let detail = json!([{ "domain": "global", "reason": "invalid", "message": message }]);
    let body = json!({ "error": { "code": 400, "message": message, "errors": detail } });
    Answer { status: StatusCode::BAD_REQUEST, ..Answer::value(&body) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hyper::Request;

    fn asked(content_type: &str, body: &Value) -> (StatusCode, Value) {
        let request = Request::post("/rpc").header(CONTENT_TYPE, content_type).body(()).expect("a request");
        let answer = answer(&request.into_parts().0, body.to_string().as_bytes());
        (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
    }

    fn call(url: &str) -> Value {
        json!({
            "method": "pos.plusones.get", "id": "p", "jsonrpc": "2.0", "key": "p", "apiVersion": "v1",
            "params": { "nolog": true, "id": url, "source": "widget", "userId": "@viewer", "groupId": "@self" },
        })
    }

    #[test]
    fn calls_are_answered_in_order() {
        let (status, answer) =
            asked("application/json; charset=utf-8", &json!([call("http://a/"), call("http://b/")]));
        assert_eq!((status, &answer[0]["id"]), (StatusCode::OK, &json!("p")));
        let result = &answer[1]["result"];
        assert_eq!(result["id"], "http://b/");
        assert_eq!(result["metadata"]["globalCounts"]["count"], json!(count("http://b/") as f64));
        assert_eq!(asked("application/json", &call("http://b/")).1["result"], *result);
    }

    #[test]
    fn counts_are_written_with_a_point() {
        let request =
            Request::post("/rpc").header(CONTENT_TYPE, "application/json").body(()).expect("a request");
        let answer = answer(&request.into_parts().0, call("http://a/").to_string().as_bytes());
        let text = String::from_utf8(answer.body.to_vec()).expect("UTF-8");
        assert!(text.contains(&format!(r#""count":{}.0"#, count("http://a/"))), "{text}");
    }

    #[test]
    fn what_is_wrong_is_refused() {
        let (mut other, mut lacking) = (call("http://a/"), call("http://a/"));
        other["method"] = json!("pos.plusones.set");
        lacking["params"] = json!({});
        for body in [json!({}), json!("x"), json!([other]), json!([lacking]), json!([call("")])] {
            let (status, answer) = asked("application/json", &body);
            assert_eq!((status, &answer["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(400)), "{body}");
        }
        assert_eq!(asked("text/plain", &call("http://a/")).0, StatusCode::BAD_REQUEST);
    }

    #[test]
    fn the_urls_of_a_body_are_counted() {
        assert_eq!(ids(json!([call("a"), call("b")]).to_string().as_bytes()), ["a", "b"]);
        assert!(ids(b"[{}]").is_empty());
    }
}

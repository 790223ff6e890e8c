//! `GET /v1/urls/count.json?callback={name}&url={url}`: `receiveCount({"url":"…","count":3})`.
//!
//! The answer is always a call; without `callback` it calls `receiveCount`.

use hyper::StatusCode;
use serde_json::json;

use super::is_callback;
use crate::answer::{Answer, JAVASCRIPT};
use crate::query::Query;

/// How often the URL was pinned.
pub fn count(url: &str) -> u64 {
    super::count(url, "pins")
}

/// The count as JSONP.
pub fn answer(url: &str, query: Query<'_>) -> Answer {
    let callback = query.get("callback").unwrap_or("receiveCount".into());
    if !is_callback(&callback) {
        return Answer::problem(StatusCode::BAD_REQUEST, "the callback is no name of a function");
    }
    if url.is_empty() {
        let body = format!(r#"{callback}({{"error":"Invalid URL"}})"#);
        return Answer { status: StatusCode::BAD_REQUEST, ..Answer::of(JAVASCRIPT, body) };
    }
    let url_as_json = json!(url);
    Answer::of(JAVASCRIPT, format!(r#"{callback}({{"url":{url_as_json},"count":{}}})"#, count(url)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(url: &str, query: &str) -> String {
        String::from_utf8(answer(url, Query(query)).body.to_vec()).expect("UTF-8")
    }

    #[test]
    fn the_answer_is_a_call() {
        let count = count("http://a/\"");
        let expected = format!(r#"receiveCount({{"url":"http://a/\"","count":{count}}})"#);
        assert_eq!(body("http://a/\"", ""), expected);
        assert_eq!(body("http://a/\"", "callback=x.y"), expected.replace("receiveCount", "x.y"));
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(answer("", Query("")).status, StatusCode::BAD_REQUEST);
        assert_eq!(answer("http://a/", Query("callback=a(")).status, StatusCode::BAD_REQUEST);
    }
}

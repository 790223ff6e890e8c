//! `GET /countserv/count/share?url={url}&format=json`: `{"count":1071,"fCnt":"1,071","fCntPlusOne":"1,072","url":"…"}`.
//!
//! `f` stands for formatted. Slashes of the URL are escaped. Without `format=json` the same comes as
//! `IN.Tags.Share.handleCount({…});`, or in a call of `callback`.

use hyper::StatusCode;
use serde_json::json;

use super::is_callback;
use crate::answer::{Answer, JAVASCRIPT};
use crate::film::grouped;
use crate::query::Query;

/// How often the URL was shared.
pub fn count(url: &str) -> u64 {
    super::count(url, "shares")
}

/// The count.
pub fn answer(url: &str, query: Query<'_>) -> Answer {
    if url.is_empty() {
        return Answer::problem(StatusCode::BAD_REQUEST, "the parameter url is required");
    }
    let count = count(url);
    let (formatted, plus_one) = (grouped(count), grouped(count + 1));
    let url = json!(url).to_string().replace('/', "\\/");
    let body = format!(r#"{{"count":{count},"fCnt":"{formatted}","fCntPlusOne":"{plus_one}","url":{url}}}"#);
    if query.raw("format") == Some("json") {
        return Answer::json(body);
    }
    match query.get("callback").unwrap_or("IN.Tags.Share.handleCount".into()) {
        callback if is_callback(&callback) => Answer::of(JAVASCRIPT, format!("{callback}({body});")),
        _ => Answer::problem(StatusCode::BAD_REQUEST, "the callback is no name of a function"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "http://example.com/?a=\"1\"";

    #[test]
    fn json_has_the_url_and_the_count_twice() {
        let answer = answer(URL, Query("format=json"));
        let json: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
        assert_eq!((&json["url"], &json["count"]), (&json!(URL), &json!(count(URL))));
        assert_eq!(json["fCntPlusOne"], grouped(count(URL) + 1));
        assert!(answer.body.windows(4).any(|bytes| bytes == b"\\/\\/"));
    }

    #[test]
    fn without_a_format_it_is_a_call() {
        let text = |query| String::from_utf8(answer(URL, Query(query)).body.to_vec()).expect("UTF-8");
        assert!(text("").starts_with("IN.Tags.Share.handleCount({\"count\":") && text("").ends_with("\"});"));
        assert!(text("callback=f").starts_with("f({"));
        assert_eq!(answer(URL, Query("callback=-")).status, StatusCode::BAD_REQUEST);
        assert_eq!(answer("", Query("format=json")).status, StatusCode::BAD_REQUEST);
    }
}

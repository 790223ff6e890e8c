//! Small documents that need no module of their own: `/texts/{id}`, `/states/{id}` and `/redirects/{id}`.

use hyper::StatusCode;
use hyper::header::LOCATION;
use serde_json::json;

use crate::answer::{Answer, TEXT};
use crate::draw::Draw;
use crate::query::Query;

/// `/texts/{id}`: plain text, a name and a value a line. With `charset=windows-1252` in that charset.
pub fn text(id: &str, query: Query<'_>) -> Answer {
    let cents = Draw::about(0, &format!("text {id}")).between(0, 99_999);
    let text = format!("id: {id}\nname: Café n° {id}\nprice: {}.{:02} EUR\n", cents / 100, cents % 100);
    if query.raw("charset") == Some("windows-1252") {
        let bytes = encoding_rs::WINDOWS_1252.encode(&text).0.into_owned();
        return Answer::of("text/plain; charset=windows-1252", bytes);
    }
    Answer::of(TEXT, text)
}

/// `/states/{id}?busy=2`: status 200 always, but the first two answers to an id say that they are none.
pub fn state(id: &str, nth: u32, query: Query<'_>) -> Answer {
    if query.number("busy").is_some_and(|busy| u64::from(nth) <= busy) {
        return Answer::value(&json!({ "status": "error", "message": "busy, try again" }));
    }
    let value = Draw::about(0, &format!("state {id}")).between(0, 999);
    Answer::value(&json!({ "status": "ok", "id": id, "value": value }))
}

/// `/redirects/{id}?to={url}&status=307`: there; 302 where no status is named.
pub fn redirect(query: Query<'_>) -> Answer {
    let status = u16::try_from(query.number("status").unwrap_or(302)).ok();
    let status =
        status.and_then(|status| StatusCode::from_u16(status).ok()).filter(StatusCode::is_redirection);
    match (status, query.get("to")) {
        (Some(status), Some(to)) => Answer::empty(status).with(LOCATION, &to),
        _ => Answer::problem(StatusCode::BAD_REQUEST, "to=URL, and a status from 300 to 399"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answers_are_none() {
        let status = |nth, query| {
            let answer = state("a", nth, Query(query));
            let body: serde_json::Value = serde_json::from_slice(&answer.body).expect("JSON");
            (answer.status, body["status"].as_str().map(str::to_owned))
        };
        let (ok, error) = (Some("ok".to_owned()), Some("error".to_owned()));
        assert_eq!(status(2, "busy=2"), (StatusCode::OK, error));
        assert_eq!(status(3, "busy=2"), (StatusCode::OK, ok.clone()));
        assert_eq!(status(1, ""), (StatusCode::OK, ok));
    }

    #[test]
    fn text_has_its_charset() {
        let (plain, old) = (text("a", Query("")), text("a", Query("charset=windows-1252")));
        let (decoded, ..) = encoding_rs::WINDOWS_1252.decode(&old.body);
        assert_eq!(decoded.as_bytes(), plain.body);
        assert_ne!(old.body, plain.body);
    }

    #[test]
    fn a_redirect_goes_where_it_is_told() {
        let answer = redirect(Query("to=http%3A%2F%2Fa%2F%3Fx%3D1&status=307"));
        assert_eq!(answer.status, StatusCode::TEMPORARY_REDIRECT);
        assert_eq!(answer.headers, [(LOCATION, "http://a/?x=1".parse().expect("a value"))]);
        for query in ["", "to=x&status=200", "to=x&status=99999"] {
            assert_eq!(redirect(Query(query)).status, StatusCode::BAD_REQUEST, "{query}");
        }
    }
}

//! `GET /graph/?ids={url},{url}&access_token={token}`: an object with a member for each URL that is known. A comma
//! within a URL is percent-encoded by whoever asks.

use hyper::StatusCode;
use serde_json::{Map, Value, json};

use crate::answer::Answer;
use crate::draw::Draw;
use crate::query::{Query, value};

/// Most URLs of one request.
pub const MOST_IDS: usize = 50;

/// Share of the URLs that the API has never heard of.
const UNKNOWN_SHARE: f64 = 0.05;

/// The URLs that a request names, as they are named, repetitions included.
pub fn ids(query: Query<'_>) -> Vec<String> {
    let raw = query.raw("ids").unwrap_or_default();
    raw.split(',').filter(|id| !id.is_empty()).map(|id| value(id).into_owned()).collect()
}

/// What is known of the URLs.
pub fn answer(ids: &[String], query: Query<'_>) -> Answer {
    if query.raw("access_token").unwrap_or_default().is_empty() {
        return error("An access token is required to request this resource.", 104);
    }
    if ids.is_empty() {
        return error("(#100) The parameter ids is required", 100);
    }
    if ids.len() > MOST_IDS {
        let message = format!("(#100) Too many IDs. Maximum: {MOST_IDS}. Provided: {}.", ids.len());
        return error(&message, 100);
    }
    let known = ids.iter().filter_map(|id| Some((id.clone(), object(id)?)));
    Answer::value(&known.collect::<Map<String, Value>>())
}

/// What is known of one URL; `None` where nothing is.
pub fn object(url: &str) -> Option<Value> {
    if draw(url, "unknown").happens(UNKNOWN_SHARE) {
        return None;
    }
    let count = |deed| super::count(url, deed);
    let mut object = json!({
        "id": url,
        "share": { "comment_count": count("comments"), "share_count": count("shares on the graph") },
        "reactions": { "data": [], "summary": { "total_count": count("likes"), "viewer_reaction": "NONE" } },
    });
    // Pages without Open Graph tags have no such object.
    if draw(url, "has og_object").happens(0.9) {
        let id = draw(url, "og_object").between(100_000_000_000_000, 999_999_999_999_999);
        object["og_object"] = json!({
            "id": id.to_string(),
            "title": url.trim_end_matches('/').rsplit('/').next(),
            "type": "website",
            "updated_time": "2016-05-14T09:26:53+0000",
        });
    }
    Some(object)
}

fn draw(url: &str, fact: &str) -> Draw {
    Draw::about(0, &format!("graph {fact} {url}"))
}

/// The API's error object, with status 400.
fn error(message: &str, code: u64) -> Answer {
    let trace = format!("{:011x}", Draw::about(0, message).between(0, 0xfff_ffff_ffff));
    let body = json!({
        "error": { "message": message, "type": "OAuthException", "code": code, "fbtrace_id": trace },
    });
    Answer { status: StatusCode::BAD_REQUEST, ..Answer::value(&body) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(query: &str) -> (StatusCode, Value) {
        let answer = answer(&ids(Query(query)), Query(query));
        (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
    }

    #[test]
    fn only_commas_between_urls_part_them() {
        let query = Query("ids=http%3A%2F%2Fa%2F1%2C2,http%3A%2F%2Fb%2F,,&access_token=t");
        assert_eq!(ids(query), ["http://a/1,2", "http://b/"]);
    }

    #[test]
    fn known_urls_have_a_member_each() {
        let urls: Vec<String> = (0..1_000).map(|n| format!("http://example.com/{n}/")).collect();
        let mut known = 0;
        for few in urls.chunks(MOST_IDS) {
            let (status, answer) = asked(&format!("ids={}&access_token=t", few.join(",")));
            assert_eq!(status, StatusCode::OK);
            for (url, object) in answer.as_object().expect("an object") {
                assert!(few.contains(url) && object["id"] == *url, "{object}");
                assert!(object["share"]["share_count"].is_u64() && object["share"]["comment_count"].is_u64());
                known += 1;
            }
        }
        assert!((930..=970).contains(&known), "{known}");
    }

    #[test]
    fn refusals_have_the_graphs_shape() {
        let many = vec!["a"; MOST_IDS + 1].join(",");
        let (status, answer) = asked(&format!("access_token=t&ids={many}"));
        assert_eq!((status, &answer["error"]["code"]), (StatusCode::BAD_REQUEST, &json!(100)));
        assert_eq!(answer["error"]["message"], "(#100) Too many IDs. Maximum: 50. Provided: 51.");
        assert_eq!(asked(&format!("access_token=t&ids={}", &many[2..])).0, StatusCode::OK);
        assert_eq!(asked("ids=a").1["error"]["code"], 104);
        assert_eq!(asked("ids=&access_token=t").0, StatusCode::BAD_REQUEST);
    }
}

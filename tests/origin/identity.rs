//! `POST /oauth/token`: access tokens for a refresh token, as an identity provider gives them (RFC 6749, section 6).
//!
//! The client is `shop` with the secret `shop-secret`, the first refresh token `shop-refresh`. A token is good for as long as the knob
//! `token_ms` says; with `token_rotates` each answer has another refresh token, and the one before is refused from then on.
//! With `token_needed` subscriptions are told to whoever has a good token.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::{Duration, Instant};

use hyper::StatusCode;
use hyper::header::{AUTHORIZATION, HeaderMap, WWW_AUTHENTICATE};
use serde_json::json;

use crate::answer::Answer;
use crate::query::Query;

/// What was given.
pub struct Identity {
    number: Cell<u64>,
    good_until: RefCell<HashMap<String, Instant>>,
    refresh_token: RefCell<String>,
}

impl Default for Identity {
    fn default() -> Identity {
        let refresh_token = RefCell::new("shop-refresh".to_owned());
        Identity { number: Cell::default(), good_until: RefCell::default(), refresh_token }
    }
}

/// The id of a request for a token: its grant.
pub fn grant(body: &[u8]) -> String {
    let form = String::from_utf8_lossy(body);
    Query(&form).get("grant_type").unwrap_or_default().into_owned()
}

impl Identity {
    /// A token, or why there is none.
    pub fn answer(&self, body: &[u8], lasts: Duration, rotates: bool) -> Answer {
        let form = String::from_utf8_lossy(body);
        let field = |name| Query(&form).get(name).unwrap_or_default();
        if (field("client_id"), field("client_secret")) != ("shop".into(), "shop-secret".into()) {
            return refused(StatusCode::UNAUTHORIZED, "invalid_client", "no such client");
        }
        if field("grant_type") != "refresh_token" {
            return refused(StatusCode::BAD_REQUEST, "unsupported_grant_type", "refresh_token only");
        }
        if field("refresh_token") != self.refresh_token.borrow().as_str() {
            return refused(StatusCode::BAD_REQUEST, "invalid_grant", "the token was used, or revoked");
        }
        let number = self.number.get() + 1;
        self.number.set(number);
        let token = format!("shop-access-{number}");
        self.good_until.borrow_mut().insert(token.clone(), Instant::now() + lasts);
        let mut answer = json!({
            "access_token": token, "token_type": "Bearer", "expires_in": lasts.as_secs_f64(),
        });
        if rotates {
            let next = format!("shop-refresh-{number}");
            answer["refresh_token"] = json!(next);
            self.refresh_token.replace(next);
        }
        Answer::value(&answer)
    }

    /// What whoever has no good token is told.
    pub fn turned_away(&self, headers: &HeaderMap) -> Option<Answer> {
        let sent = headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok()?.strip_prefix("Bearer "));
        let good_until = sent.and_then(|token| self.good_until.borrow().get(token).copied());
        if good_until.is_some_and(|until| Instant::now() < until) {
            return None;
        }
        let answer = Answer::problem(StatusCode::UNAUTHORIZED, "no good access token");
        Some(answer.with(WWW_AUTHENTICATE, "Bearer error=\"invalid_token\""))
    }
}

fn refused(status: StatusCode, error: &str, description: &str) -> Answer {
    Answer { status, ..Answer::value(&json!({ "error": error, "error_description": description })) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ASKED: &str = "grant_type=refresh_token&client_id=shop&client_secret=shop-secret&refresh_token=";

    fn ask(identity: &Identity, refresh: &str, rotates: bool) -> (StatusCode, serde_json::Value) {
        let body = format!("{ASKED}{refresh}");
        let answer = identity.answer(body.as_bytes(), Duration::from_secs(60), rotates);
        (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
    }

    fn with_token(token: &serde_json::Value) -> HeaderMap {
        let value = format!("Bearer {}", token.as_str().expect("a text"));
        HeaderMap::from_iter([(AUTHORIZATION, value.parse().expect("a value"))])
    }

    #[test]
    fn a_token_is_good_and_what_was_never_given_is_not() {
        let identity = Identity::default();
        let (status, given) = ask(&identity, "shop-refresh", false);
        assert_eq!((status, given["expires_in"].as_f64()), (StatusCode::OK, Some(60.0)));
        assert!(identity.turned_away(&with_token(&given["access_token"])).is_none());
        assert!(identity.turned_away(&with_token(&json!("shop-access-2"))).is_some());
        assert!(identity.turned_away(&HeaderMap::new()).is_some());
        let body = format!("{ASKED}shop-refresh");
        let ended = identity.answer(body.as_bytes(), Duration::ZERO, false);
        let ended: serde_json::Value = serde_json::from_slice(&ended.body).expect("JSON");
        assert!(identity.turned_away(&with_token(&ended["access_token"])).is_some());
    }

    #[test]
    fn a_refresh_token_that_was_replaced_is_refused() {
        let identity = Identity::default();
        let (_, given) = ask(&identity, "shop-refresh", true);
        assert_eq!(given["refresh_token"], "shop-refresh-1");
        let (status, refused) = ask(&identity, "shop-refresh", true);
        assert_eq!((status, &refused["error"]), (StatusCode::BAD_REQUEST, &json!("invalid_grant")));
        assert_eq!(ask(&identity, "shop-refresh-1", true).0, StatusCode::OK);
    }

    #[test]
    fn another_client_gets_none() {
        let answer = Identity::default().answer(b"client_id=me", Duration::ZERO, false);
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert_eq!(grant(b"a=b&grant_type=password"), "password");
    }
}

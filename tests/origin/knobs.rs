//! How the origin misbehaves: flags at the start, `POST /_admin/knobs` later.

use std::collections::BTreeMap;

use clap::Args;
use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::allowance::{Allowance, Headers};

/// All knobs. Rates are shares of the requests, 0 to 1; at most one of them strikes a request, so that their sum is at
/// most 1. Ids in `fail_ids` and `body_ids` come before the rates; a batch has the lot of the first of its ids there.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Knobs {
    /// Delay of every answer, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub latency_ms: u64,

    /// Up to so much more delay, drawn per request, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub jitter_ms: u64,

    /// Share answered 503.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub error_rate: f64,

    /// Share answered 500.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub rate_500: f64,

    /// Share answered 429.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub rate_429: f64,

    /// Seconds in the `Retry-After` of every 429 and 503; without it they carry none.
    #[arg(long, value_name = "SECONDS")]
    pub retry_after: Option<u64>,

    /// `Retry-After` as a date instead of seconds.
    #[arg(long)]
    pub retry_after_date: bool,

    /// Share whose connection is reset without an answer.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub rate_reset: f64,

    /// Share that gets half the promised body, then the connection is closed.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub rate_truncate: f64,

    /// Share answered 200 with HTML.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub rate_garbage: f64,

    /// Share answered 204.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub rate_empty: f64,

    /// Share answered 302 (307 to other methods than GET), to the same address with `_redirected=1`, which is then
    /// answered.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub rate_redirect: f64,

    /// Share answered `slow_ms` later than the others.
    #[arg(long, value_name = "SHARE", default_value_t = 0.0)]
    pub rate_slow: f64,

    /// Additional delay of a slow answer, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 0)]
    pub slow_ms: u64,

    /// One id in so many is answered `slow_ms` later at every attempt; 0: none.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub slow_ids_every: u64,

    /// How many more requests are answered 429; counts down.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub refuse_next: u32,

    /// Most requests within a fixed window, such as `500/1s`: those beyond it are answered 429, with `Retry-After` up to
    /// the window's end.
    #[arg(long, value_name = "COUNT/WINDOW")]
    pub limit: Option<Allowance>,

    /// Headers that tell every client where it stands with `limit`.
    #[arg(long, value_name = "STYLE", value_enum)]
    pub limit_headers: Option<Headers>,

    /// Requests that are worked on at a time while the others queue; 0: all.
    #[arg(long, value_name = "COUNT", default_value_t = 0)]
    pub capacity: usize,

    /// Longest queue for `capacity`: whoever comes later is answered 503 at once.
    #[arg(long, value_name = "COUNT")]
    pub overload_503: Option<usize>,

    /// Say what each film's document costs: `"usage": {"total_tokens": 50}` to 150.
    #[arg(long)]
    pub tokens: bool,

    /// Note when each request arrives and each 429 and 503 is written, for `GET /_admin/arrivals`.
    #[arg(long)]
    pub arrivals: bool,

    /// Compress answers for whoever accepts gzip.
    #[arg(long)]
    pub gzip: bool,

    /// The page of every list that is answered 500; 0: none. Single pages: `fail_ids`, as `25/3`.
    #[arg(long, value_name = "PAGE", default_value_t = 0)]
    pub fail_page: u64,

    /// How often the odds have changed: another round, other rows, unless a request says `at`.
    #[arg(long, value_name = "ROUND", default_value_t = 0)]
    pub odds_round: u64,

    /// Periods that have passed: subscriptions are renewed, cancelled or gone, unless a request says `at`.
    #[arg(long, value_name = "ROUND", default_value_t = 0)]
    pub subscriptions_round: u64,

    /// Tell of subscriptions only to whoever has a good access token.
    #[arg(long)]
    pub token_needed: bool,

    /// How long an access token is good, in milliseconds.
    #[arg(long, value_name = "MS", default_value_t = 3_600_000)]
    pub token_ms: u64,

    /// Give another refresh token with each access token, and refuse the one before.
    #[arg(long)]
    pub token_rotates: bool,

    /// Reset every connection at its first request, except those for `/_admin/`.
    #[arg(long)]
    pub down: bool,

    /// Ids that fail: `{"tt0000001": {"status": 500, "times": 2}}`; without `times` for ever.
    #[arg(long, value_name = "JSON", value_parser = object::<Failure>, default_value = "{}", hide_default_value = true)]
    pub fail_ids: BTreeMap<String, Failure>,

    /// Ids answered 200 with this very body: `{"tt0000001": "raw body"}`.
    #[arg(long, value_name = "JSON", value_parser = object::<String>, default_value = "{}", hide_default_value = true)]
    pub body_ids: BTreeMap<String, String>,
}

/// What an id gets instead of its document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// 200 to 599.
    pub status: u16,
    /// How many more requests get it, at all endpoints together; counts down. Absent: for ever.
    #[serde(default)]
    pub times: Option<u32>,
    /// The only endpoint that fails, such as `business`. Absent: all.
    #[serde(default)]
    pub endpoint: Option<String>,
}

fn object<T: DeserializeOwned>(json: &str) -> Result<BTreeMap<String, T>, String> {
    serde_json::from_str(json).map_err(|error| error.to_string())
}

impl Knobs {
    /// Whether every request for a film is answered at once with its true document.
    pub fn is_quiet(&self) -> bool {
        let harmless = Knobs {
            retry_after: None,
            retry_after_date: false,
            slow_ms: 0,
            limit_headers: None,
            overload_503: None,
            fail_page: 0,
            odds_round: 0,
            subscriptions_round: 0,
            token_ms: 0,
            token_rotates: false,
            ..self.clone()
        };
        harmless == Knobs::default()
    }

    /// These knobs with a JSON object of changes; a key that is left out stays as it is.
    pub fn changed(&self, changes: &[u8]) -> Result<Knobs, String> {
        let changes: Map<String, Value> =
            serde_json::from_slice(changes).map_err(|error| error.to_string())?;
        let mut all = serde_json::to_value(self).map_err(|error| error.to_string())?;
        for (key, value) in changes {
            all[key] = value;
        }
        let knobs: Knobs = serde_json::from_value(all).map_err(|error| error.to_string())?;
        knobs.check().map(|()| knobs)
    }

    /// Refuses shares and statuses that cannot be.
    pub fn check(&self) -> Result<(), String> {
        let rates = self.rates();
        if !rates.iter().all(|rate| (0.0..=1.0).contains(rate)) {
            return Err("every rate is a share from 0 to 1".to_owned());
        }
        if rates.iter().sum::<f64>() > 1.0 + 1e-9 {
            return Err("the rates sum to more than 1".to_owned());
        }
        let status =
            |failure: &&Failure| StatusCode::from_u16(failure.status).is_err() || failure.status < 200;
        match self.fail_ids.values().find(status) {
            Some(failure) => Err(format!("status {} cannot be answered", failure.status)),
            None => Ok(()),
        }
    }

    fn rates(&self) -> [f64; 9] {
        [
            self.error_rate,
            self.rate_500,
            self.rate_429,
            self.rate_reset,
            self.rate_truncate,
            self.rate_garbage,
            self.rate_empty,
            self.rate_redirect,
            self.rate_slow,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_leaves_the_rest() {
        let first = Knobs::default().changed(br#"{"latency_ms": 5, "retry_after": 2}"#).expect("valid");
        let second = first.changed(br#"{"down": true, "retry_after": null}"#).expect("valid");
        assert_eq!((second.latency_ms, second.down, second.retry_after), (5, true, None));
        assert!(!second.is_quiet() && Knobs::default().is_quiet());
        assert!(first.changed(br#"{"latency_ms": 0, "odds_round": 3}"#).expect("valid").is_quiet());
    }

    #[test]
    fn a_limit_is_text_and_disturbs() {
        let knobs = Knobs::default().changed(br#"{"limit_headers": "draft7"}"#).expect("valid");
        assert!(knobs.is_quiet());
        let knobs = knobs.changed(br#"{"limit": "100/1s"}"#).expect("valid");
        assert!(!knobs.is_quiet());
        assert_eq!(serde_json::to_value(&knobs).expect("JSON")["limit"], "100/1s");
        for knob in
            [r#"{"arrivals": true}"#, r#"{"tokens": true}"#, r#"{"refuse_next": 1}"#, r#"{"capacity": 1}"#]
        {
            assert!(!Knobs::default().changed(knob.as_bytes()).expect("valid").is_quiet(), "{knob}");
        }
    }

    #[test]
    fn nonsense_is_refused() {
        for (changes, expected) in [
            ("", "EOF"),
            ("[]", "invalid type"),
            (r#"{"latenz": 1}"#, "unknown field `latenz`"),
            (r#"{"rate_500": 1.5}"#, "a share from 0 to 1"),
            (r#"{"rate_500": 0.6, "error_rate": 0.6}"#, "more than 1"),
            (r#"{"fail_ids": {"a": {"status": 100}}}"#, "status 100"),
            (r#"{"limit": "100"}"#, "like 500/1s"),
            (r#"{"limit_headers": "y"}"#, "unknown variant"),
        ] {
            let error = Knobs::default().changed(changes.as_bytes()).expect_err(changes);
            assert!(error.contains(expected), "{changes}: {error}");
        }
    }
}

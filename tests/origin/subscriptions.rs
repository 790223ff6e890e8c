//! `/androidpublisher/v3/applications/{package}/purchases/subscriptions/{product}/tokens/{token}`: what became of a subscription, as
//! an app store tells it: `{"startTimeMillis":"1704067200000","expiryTimeMillis":"…","autoRenewing":true,"paymentState":1,…}`.
//!
//! Products are those of [`PERIODS`]. A subscription follows from its product, its token and the round, which is the parameter
//! `at`, or else the knob `subscriptions_round`: with each round a period passes, until it is cancelled. Some tokens are unknown
//! (404); two rounds after it is cancelled a subscription is gone (410).

use hyper::StatusCode;
use serde_json::{Value, json};

use crate::answer::Answer;
use crate::draw::Draw;

/// Products, each with its days.
const PERIODS: [(&str, u64); 3] = [("weekly", 7), ("monthly", 30), ("yearly", 365)];

/// 2024-01-01, and a day, in milliseconds.
const FIRST: u64 = 1_704_067_200_000;
const DAY: u64 = 86_400_000;

/// Share of the tokens that are unknown.
const UNKNOWN: f64 = 0.04;

/// Rounds within which a subscription is cancelled; half of them are not.
const ROUNDS: u64 = 6;

/// Rounds after which a cancelled one is gone.
const KEPT: u64 = 2;

/// A subscription at a round.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    Unknown,
    Gone,
    /// Its periods so far, and why it was cancelled.
    Known {
        start: u64,
        expiry: u64,
        cancelled: Option<u64>,
        payment: u64,
    },
}

/// The id of what is asked for in this path below `/androidpublisher/`: `product/token`.
pub fn id_of_path(rest: &str) -> Option<String> {
    let (_, rest) = rest.strip_prefix("v3/applications/")?.split_once("/purchases/subscriptions/")?;
    let (product, token) = rest.split_once("/tokens/")?;
    Some(format!("{product}/{token}"))
}

/// The subscription's document.
pub fn answer(id: &str, round: u64) -> Answer {
    match state(id, round) {
        State::Unknown => Answer::problem(StatusCode::NOT_FOUND, "the purchase token was not found"),
        State::Gone => Answer::problem(StatusCode::GONE, "the subscription expired too long ago"),
        known => Answer::value(&document(&known)),
    }
}

/// What the document says; null where there is none.
pub fn truth(id: &str, round: u64) -> Value {
    document(&state(id, round))
}

fn document(state: &State) -> Value {
    let State::Known { start, expiry, cancelled, payment } = state else { return Value::Null };
    let mut document = json!({
        "kind": "androidpublisher#subscriptionPurchase",
        "startTimeMillis": start.to_string(),
        "expiryTimeMillis": expiry.to_string(),
        "autoRenewing": cancelled.is_none(),
        "acknowledgementState": 1,
    });
    match cancelled {
        Some(reason) => document["cancelReason"] = json!(reason),
        None => document["paymentState"] = json!(payment),
    }
    document
}

fn state(id: &str, round: u64) -> State {
    let draw = |fact: &str| Draw::about(0, &format!("subscription {id} {fact}"));
    let product = id.split('/').next().unwrap_or_default();
    let period = PERIODS.iter().find(|(name, _)| *name == product).map(|(_, days)| days * DAY);
    let Some(period) = period.filter(|_| !draw("unknown").happens(UNKNOWN)) else { return State::Unknown };
    let last = draw("last round").between(0, 2 * ROUNDS - 1);
    let cancelled_at = (last < ROUNDS).then_some(last);
    if cancelled_at.is_some_and(|at| round >= at + KEPT) {
        return State::Gone;
    }
    let start = FIRST + draw("start").between(0, 364 * DAY);
    let expiry = start + period * (round.min(last) + 1);
    // By the user, by the system as no payment came, by the developer.
    let reason = draw("reason").weigh(&[(0, 6), (1, 3), (3, 1)]);
    let cancelled = cancelled_at.filter(|at| *at <= round).map(|_| reason);
    State::Known { start, expiry, cancelled, payment: draw("payment").weigh(&[(1, 8), (0, 1), (2, 1)]) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_the_stores() {
        let path = "v3/applications/com.example/purchases/subscriptions/monthly/tokens/a/b";
        assert_eq!(id_of_path(path).as_deref(), Some("monthly/a/b"));
        assert_eq!(id_of_path("v3/applications/com.example/purchases/products/x/tokens/a"), None);
    }

    #[test]
    fn a_subscription_is_renewed_until_it_is_cancelled_and_then_goes() {
        let of = |token: u64, round| state(&format!("monthly/{token}"), round);
        let (mut unknown, mut cancelled, mut renewed) = (0, 0, 0);
        for token in 0..500 {
            let states: Vec<State> = (0..10).map(|round| of(token, round)).collect();
            unknown += usize::from(states[0] == State::Unknown);
            cancelled += usize::from(states[9] == State::Gone);
            let expiry =
                |state: &State| if let State::Known { expiry, .. } = state { Some(*expiry) } else { None };
            let expiries: Vec<u64> = states.iter().filter_map(expiry).collect();
            assert!(expiries.is_sorted());
            renewed += usize::from(expiries.len() == 10 && expiries[0] < expiries[9]);
        }
        assert!((5..50).contains(&unknown) && (180..300).contains(&cancelled), "{unknown} {cancelled}");
        assert_eq!(unknown + cancelled + renewed, 500);
    }

    #[test]
    fn what_there_is_not_is_said_by_its_status() {
        assert_eq!(answer("daily/a", 0).status, StatusCode::NOT_FOUND);
        let statuses: Vec<StatusCode> =
            (0..50).map(|token| answer(&format!("weekly/{token}"), 9).status).collect();
        assert!(statuses.contains(&StatusCode::GONE) && statuses.contains(&StatusCode::OK));
    }
}

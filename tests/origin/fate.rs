//! What happens to one request. It depends on the seed, the endpoint, the id and on how often that id was asked
//! there, and so not on the order in which requests arrive.

use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;

use crate::asked::Asked;
use crate::draw::Draw;
use crate::endpoint::Endpoint;
use crate::knobs::Knobs;
use crate::lists;

/// One request's lot.
#[derive(Debug, PartialEq)]
pub struct Fate {
    /// Pause before anything is answered.
    pub wait: Duration,
    pub fault: Option<Fault>,
}

/// What happens instead of the true answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Fault {
    /// This status.
    Status(StatusCode),
    /// 200 with this body, in the endpoint's content type.
    Body(Bytes),
    /// The connection is reset.
    Reset,
    /// Half the body.
    Truncate,
    /// HTML.
    Garbage,
    /// 204.
    Empty,
    /// 302 or 307 to the same address.
    Redirect,
    /// Nothing wrong, only late.
    Slow,
}

/// Decides about the `nth` request (from 1) for an id. Takes one from `times` where the id was told to fail.
pub fn decide(knobs: &mut Knobs, seed: u64, asked: &Asked<'_>, nth: u32) -> Fate {
    let subject = format!("{} {} {nth}", asked.endpoint.name(), asked.id);
    let fault =
        if asked.redirected { None } else { told(knobs, asked).or_else(|| drawn(knobs, seed, &subject)) };
    let jitter = Draw::about(seed ^ JITTER, &subject).between(0, knobs.jitter_ms.min(MOST_MS));
    let is_slow = fault == Some(Fault::Slow) || is_slow_id(knobs, seed, asked);
    let slow = if is_slow { knobs.slow_ms } else { 0 };
    let wait =
        Duration::from_millis(knobs.latency_ms.saturating_add(jitter).saturating_add(slow).min(MOST_MS));
    Fate { wait, fault: fault.filter(|fault| *fault != Fault::Slow) }
}

/// Keeps the draw of the delay apart from that of the fault.
const JITTER: u64 = 0x6a69_7474_6572;

/// Keeps the draw of the slow ids apart from the others.
const SLOW_IDS: u64 = 0x736c_6f77;

/// Whether an id, or one of this batch, is among those that are slow at every attempt.
fn is_slow_id(knobs: &Knobs, seed: u64, asked: &Asked<'_>) -> bool {
    let every = knobs.slow_ids_every;
    every > 0 && asked.names().any(|id| Draw::about(seed ^ SLOW_IDS, id).between(1, every) == 1)
}

/// Longest wait, in milliseconds: a day.
const MOST_MS: u64 = 86_400_000;

/// The fault that `fail_ids`, `body_ids` or `fail_page` name for this id, or for one of this batch.
fn told(knobs: &mut Knobs, asked: &Asked<'_>) -> Option<Fault> {
    if let Some(fault) = asked.names().find_map(|id| failure(knobs, asked.endpoint, id)) {
        return Some(fault);
    }
    if asked.endpoint == Endpoint::Lists
        && knobs.fail_page > 0
        && lists::page_of(&asked.id) == knobs.fail_page
    {
        return Some(Fault::Status(StatusCode::INTERNAL_SERVER_ERROR));
    }
    let body = asked.names().find_map(|id| knobs.body_ids.get(id))?;
    Some(Fault::Body(Bytes::copy_from_slice(body.as_bytes())))
}

/// What `fail_ids` says of an id; takes one from its `times`.
fn failure(knobs: &mut Knobs, endpoint: Endpoint, id: &str) -> Option<Fault> {
    let failure = knobs.fail_ids.get_mut(id)?;
    let is_meant = failure.endpoint.as_ref().is_none_or(|name| name == endpoint.name());
    if failure.times == Some(0) || !is_meant {
        return None;
    }
    failure.times = failure.times.map(|times| times - 1);
    StatusCode::from_u16(failure.status).ok().map(Fault::Status)
}

/// The fault that chance brings: one draw, and the rates side by side.
fn drawn(knobs: &Knobs, seed: u64, subject: &str) -> Option<Fault> {
    let mut left = Draw::about(seed, subject).share();
    let rates = [
        (knobs.error_rate, Fault::Status(StatusCode::SERVICE_UNAVAILABLE)),
        (knobs.rate_500, Fault::Status(StatusCode::INTERNAL_SERVER_ERROR)),
        (knobs.rate_429, Fault::Status(StatusCode::TOO_MANY_REQUESTS)),
        (knobs.rate_reset, Fault::Reset),
        (knobs.rate_truncate, Fault::Truncate),
        (knobs.rate_garbage, Fault::Garbage),
        (knobs.rate_empty, Fault::Empty),
        (knobs.rate_redirect, Fault::Redirect),
        (knobs.rate_slow, Fault::Slow),
    ];
    for (rate, fault) in rates {
        if left < rate {
            return Some(fault);
        }
        left -= rate;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn film(id: &str) -> Asked<'_> {
        Asked { endpoint: Endpoint::Omdb, id: id.into(), batch: Vec::new(), index: None, redirected: false }
    }

    fn fates(knobs: &Knobs, seed: u64, ids: impl Iterator<Item = u32>) -> Vec<(u32, Fate)> {
        ids.map(|id| (id, decide(&mut knobs.clone(), seed, &film(&id.to_string()), 1))).collect()
    }

    #[test]
    fn the_order_of_arrival_does_not_matter() {
        let knobs = Knobs { error_rate: 0.3, rate_reset: 0.3, jitter_ms: 50, ..Knobs::default() };
        let forwards = fates(&knobs, 7, 0..500);
        let mut backwards = fates(&knobs, 7, (0..500).rev());
        backwards.reverse();
        assert_eq!(forwards, backwards);
        assert_ne!(forwards, fates(&knobs, 8, 0..500));
    }

    #[test]
    fn another_attempt_is_another_draw() {
        let mut knobs = Knobs { error_rate: 0.5, ..Knobs::default() };
        let fates: Vec<Fate> = (1..=40).map(|nth| decide(&mut knobs, 1, &film("tt0000001"), nth)).collect();
        let failed = fates.iter().filter(|fate| fate.fault.is_some()).count();
        assert!((8..=32).contains(&failed), "{failed}");
    }

    #[test]
    fn rates_are_kept() {
        let knobs =
            Knobs { error_rate: 0.1, rate_redirect: 0.2, rate_slow: 0.3, slow_ms: 9, ..Knobs::default() };
        let fates = fates(&knobs, 3, 0..10_000);
        let share = |wanted: fn(&Fate) -> bool| fates.iter().filter(|(_, fate)| wanted(fate)).count();
        assert!((900..=1_100).contains(&share(|fate| matches!(fate.fault, Some(Fault::Status(_))))));
        assert!((1_850..=2_150).contains(&share(|fate| fate.fault == Some(Fault::Redirect))));
        assert!((2_800..=3_200).contains(&share(|fate| fate.wait == Duration::from_millis(9))));
    }

    #[test]
    fn a_slow_id_is_slow_at_every_attempt() {
        let mut knobs = Knobs { slow_ids_every: 100, slow_ms: 60_000, ..Knobs::default() };
        let mut is_slow =
            |id: u32, nth| decide(&mut knobs, 3, &film(&id.to_string()), nth).wait.as_secs() == 60;
        let slow: Vec<u32> = (0..10_000).filter(|&id| is_slow(id, 1)).collect();
        assert!((70..=130).contains(&slow.len()), "{}", slow.len());
        assert!(slow.iter().all(|&id| is_slow(id, 2) && is_slow(id, 3)));
        let mut all = Knobs { slow_ids_every: 1, ..knobs };
        assert_eq!(decide(&mut all, 3, &film("a"), 1).wait, Duration::from_secs(60));
    }

    #[test]
    fn a_named_id_fails_so_many_times() {
        let changes = br#"{"fail_ids": {"a": {"status": 500, "times": 2}}, "body_ids": {"a": "[]"}}"#;
        let mut knobs = Knobs::default().changed(changes).expect("valid");
        let faults: Vec<_> = (1..=3).map(|nth| decide(&mut knobs, 0, &film("a"), nth).fault).collect();
        let failure = Some(Fault::Status(StatusCode::INTERNAL_SERVER_ERROR));
        assert_eq!(faults, [failure.clone(), failure, Some(Fault::Body(Bytes::from_static(b"[]")))]);
        assert_eq!(decide(&mut knobs, 0, &film("b"), 1).fault, None);
    }

    #[test]
    fn a_batch_fails_with_any_of_its_ids() {
        let changes = br#"{"fail_ids": {"b": {"status": 500, "times": 1}}, "body_ids": {"c": "{}"}}"#;
        let mut knobs = Knobs::default().changed(changes).expect("valid");
        let of = |ids: &[&str]| Asked { batch: ids.iter().map(|&id| id.to_owned()).collect(), ..film("") };
        assert_eq!(decide(&mut knobs, 0, &of(&["a"]), 1).fault, None);
        let failure = Some(Fault::Status(StatusCode::INTERNAL_SERVER_ERROR));
        assert_eq!(decide(&mut knobs, 0, &of(&["a", "b", "c"]), 1).fault, failure);
        assert_eq!(
            decide(&mut knobs, 0, &of(&["a", "b", "c"]), 2).fault,
            Some(Fault::Body(Bytes::from_static(b"{}")))
        );
    }

    #[test]
    fn a_page_of_every_list_fails() {
        let mut knobs = Knobs { fail_page: 3, ..Knobs::default() };
        let mut fault = |endpoint, id| decide(&mut knobs, 0, &Asked { endpoint, ..film(id) }, 1).fault;
        assert!(fault(Endpoint::Lists, "25/3").is_some() && fault(Endpoint::Lists, "x/y/3").is_some());
        assert!(fault(Endpoint::Lists, "3/1").is_none() && fault(Endpoint::Matches, "25/3").is_none());
    }

    #[test]
    fn a_redirected_request_is_answered() {
        let mut knobs = Knobs { rate_500: 1.0, ..Knobs::default() };
        let asked = Asked { redirected: true, ..film("a") };
        assert_eq!(decide(&mut knobs, 0, &asked, 1).fault, None);
    }

    #[test]
    fn absurd_delays_do_not_overflow() {
        let mut knobs = Knobs { latency_ms: u64::MAX, jitter_ms: u64::MAX, ..Knobs::default() };
        assert_eq!(decide(&mut knobs, 0, &film("a"), 1).wait, Duration::from_millis(MOST_MS));
    }
}

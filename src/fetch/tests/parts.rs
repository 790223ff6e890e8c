//! A part of a batch's answer, judged by its own status.

use std::time::Duration;

use super::*;
use crate::job::RetryOn;
use crate::record::Kind;

/// What a part's status means, and the pauses that everybody then keeps.
fn judged(endpoint: &Endpoint, status: u16, retry_after: Option<&str>) -> (PartIs, Vec<Duration>) {
    let question = question(endpoint);
    let request = question.build(&Row::id("tt1")).unwrap();
    let gate = Gate::open();
    let told = Failure::passing(Kind::Status, format!("a part says {status} and {SECRET}"));
    let part = question.judge_part(&request, status, retry_after, Some(told), &&gate);
    (part, gate.pauses.take())
}

fn of(endpoint: &Endpoint, status: u16, retry_after: Option<&str>) -> (bool, Option<Duration>) {
    match judged(endpoint, status, retry_after).0 {
        PartIs::Failed { failure, wait } => {
            assert_eq!((failure.kind, failure.status), (Kind::Status, Some(status)));
            (failure.worth_repeating, wait)
        }
        other => panic!("{status} is {other:?}"),
    }
}

#[test]
fn a_part_is_judged_as_an_answer_of_its_own() {
    let endpoint = endpoint("http://example.com/{id}?key=${KEY}");
    for status in [200, 201, 204] {
        assert_eq!(judged(&endpoint, status, None).0, PartIs::Good, "{status}");
    }
    assert_eq!(judged(&endpoint, 404, Some("9")), (PartIs::Missing, vec![]));
    let seconds = |seconds| Some(Duration::from_secs(seconds));
    assert_eq!(of(&endpoint, 429, Some("7")), (true, seconds(7)));
    assert_eq!(of(&endpoint, 503, Some(" 7")), (true, seconds(7)));
    assert_eq!(of(&endpoint, 500, None), (true, None));
    assert_eq!(of(&endpoint, 403, Some("7")), (false, None));
    assert_eq!(of(&endpoint, 304, None), (false, None));
    for odd in ["soon", "-1", "", "a\nb"] {
        assert_eq!(of(&endpoint, 429, Some(odd)), (true, None), "{odd}");
    }
    assert_eq!(judged(&endpoint, 429, Some("7")).1, [Duration::from_secs(7)], "everybody waits");
    let PartIs::Failed { failure, .. } = judged(&endpoint, 500, None).0 else { panic!("it is no failure") };
    assert!(failure.detail.contains("${KEY}") && !failure.detail.contains(SECRET), "{failure:?}");
}

#[test]
fn what_the_job_repeats_is_repeated_in_parts_too() {
    let on = RetryOn { statuses: vec![202..=202, 403..=403], kinds: vec![] };
    let mut endpoint = endpoint("http://example.com/{id}");
    endpoint.retry = Retry { on, ..endpoint.retry };
    assert_eq!(of(&endpoint, 202, None), (true, None), "it is not there yet");
    assert_eq!(of(&endpoint, 403, Some("2")), (true, Some(Duration::from_secs(2))));
    assert_eq!(of(&endpoint, 500, None), (false, None));
}

#[test]
fn a_part_of_what_may_not_be_sent_twice_is_asked_again_only_if_it_was_turned_away() {
    let once = Endpoint { idempotent: false, method: "POST".into(), ..endpoint("http://example.com/{id}") };
    assert!(of(&once, 429, None).0 && of(&once, 503, Some("1")).0);
    assert!(!of(&once, 503, None).0 && !of(&once, 500, Some("1")).0);
}

#[test]
fn a_part_is_asked_again_as_often_and_as_late_as_an_answer_is() {
    let mut endpoint = endpoint("http://example.com/{id}");
    endpoint.retry.attempts = 3;
    let question = question(&endpoint);
    let failure = || Failure::passing(Kind::Status, "503").with_status(503);
    let pause = |made, wait: u64| {
        question.pause_before_part(
            made,
            Duration::ZERO,
            failure(),
            (wait > 0).then_some(Duration::from_secs(wait)),
            |most| most,
        )
    };
    assert_eq!(pause(1, 0), Ok(Duration::from_millis(10)));
    assert_eq!(pause(2, 4), Ok(Duration::from_millis(4020)));
    assert_eq!(pause(3, 0), Err(failure()));
    assert_eq!(pause(1, 6).unwrap_err().kind, Kind::Quota, "longer than the job waits");
}

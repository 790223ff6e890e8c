//! When a failed attempt is made again, and after what pause.
//!
//! Which failures are worth it the job says (`retry.on`): statuses, and kinds of errors that may pass. What it does not
//! list lasts, for the rounds that come later too. A success that it lists is no answer yet, unless the job's `ok` holds;
//! so is a 202 without anything in it, which is repeated where the job lists nothing, too. What cannot pass (a certificate that does not verify, bytes that
//! are no HTTP) is not repeated whatever it lists.
//!
//! The pause is drawn uniformly from zero to a ceiling that doubles with each attempt ("full jitter": many
//! pairs that failed together do not come back together). What the server itself asks for (`Retry-After`, RFC 9110,
//! section 10.2.3, or the reset of a limit) is a lower bound, the drawn pause comes on top of it. A server that asks
//! for more than `max_retry_after` has the pair left to a later round, on the last attempt too: it has not failed, it
//! was not let in, and waiting here would hold a place in flight for nothing. So the failure is of kind `quota`.
//!
//! `deadline` bounds the whole: where the pause would end beyond it, the pair fails now. What counts is the time of the
//! attempts and of the pauses between them, not that of waiting for the pacer's permit: that is the time of the other
//! requests, and says nothing of how this one fares. If it counted, a slow rate or a server's `Retry-After` to
//! somebody else would end pairs that have hardly been tried.
//!
//! Nothing here reads a clock or throws dice: the time and the draw are passed in.

use std::time::{Duration, SystemTime};

use hyper::header::{AGE, DATE, HeaderMap, RETRY_AFTER};

use crate::job::{self, RetryOn};
use crate::record::{Failure, Kind};

/// The server has taken the request and not yet acted on it (RFC 9110, section 15.3.3).
pub(super) const ACCEPTED: u16 = 202;

/// When and how often an endpoint's attempts are repeated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Policy {
    /// Attempts altogether. Each costs quota and time, so few: a server that is down is the next round's matter.
    attempts: u32,
    /// The first ceiling: about the time that a restarted server or a full queue needs.
    backoff: Duration,
    /// The ceiling's ceiling, so that the doubling ends before it becomes a standstill.
    max_backoff: Duration,
    /// The longest time that is waited for because the server asks for it.
    max_retry_after: Duration,
    /// Time of attempts and pauses, beyond which no further attempt begins.
    deadline: Duration,
    /// What is worth another attempt.
    on: RetryOn,
    /// Whether a 202 that is no answer yet is.
    repeats_accepted: bool,
}

/// What follows a failed attempt.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// The attempt is made again after this pause.
    Again(Duration),
    /// The pair fails, or is left to a later round (kind `quota`).
    GiveUp(Failure),
}

impl Policy {
    /// As the job has it.
    pub(super) fn new(retry: &job::Retry) -> Policy {
        Policy {
            attempts: retry.attempts,
            backoff: retry.backoff,
            max_backoff: retry.max_backoff,
            max_retry_after: retry.max_retry_after,
            deadline: retry.deadline,
            on: retry.on.clone(),
            repeats_accepted: retry.on == RetryOn::default(),
        }
    }

    /// Whether the job has requests repeated whose answer has this status.
    pub(super) fn repeats(&self, status: u16) -> bool {
        self.on.statuses.iter().any(|range| range.contains(&status))
    }

    /// A failure that has just been classified, worth repeating only if the job says so. This takes away and never
    /// adds: what cannot pass stays as it is.
    pub(super) fn weigh(&self, failure: Failure) -> Failure {
        let is_listed = match failure.kind {
            Kind::Status => failure
                .status
                .is_some_and(|status| self.repeats(status) || status == ACCEPTED && self.repeats_accepted),
            Kind::Dns | Kind::Connect | Kind::Tls | Kind::Timeout | Kind::Reset => {
                self.on.kinds.contains(&failure.kind)
            }
            // What else can happen to a request lasts, as it is classified.
            _ => true,
        };
        Failure { worth_repeating: failure.worth_repeating && is_listed, ..failure }
    }

    /// What follows after `made` attempts, the last of which ended in `failure`. They and the pauses between them
    /// have `taken` so long; `wait` is what the server asks for. `draw` gives a duration between zero and its argument.
    pub(super) fn next(
        &self,
        made: u32,
        taken: Duration,
        failure: Failure,
        wait: Option<Duration>,
        draw: impl Fn(Duration) -> Duration,
    ) -> Next {
        let at_least = wait.unwrap_or_default();
        if !failure.worth_repeating {
            return Next::GiveUp(failure);
        }
        if at_least > self.max_retry_after {
            return Next::GiveUp(self.not_let_in(failure, at_least));
        }
        if made >= self.attempts {
            return Next::GiveUp(failure);
        }
        let pause = at_least + draw(self.ceiling(made));
        if taken.saturating_add(pause) > self.deadline {
            Next::GiveUp(self.too_late(failure, made))
        } else {
            Next::Again(pause)
        }
    }

    /// The longest pause after `made` attempts.
    fn ceiling(&self, made: u32) -> Duration {
        let doublings = made.saturating_sub(1).min(31);
        self.backoff.saturating_mul(1 << doublings).min(self.max_backoff)
    }

    fn not_let_in(&self, failure: Failure, wait: Duration) -> Failure {
        let detail = format!(
            "the server asks to wait {} s, more than the {} s that the job allows; {}",
            wait.as_secs(),
            self.max_retry_after.as_secs(),
            failure.detail
        );
        Failure { status: failure.status, ..Failure::passing(Kind::Quota, detail) }
    }

    fn too_late(&self, failure: Failure, made: u32) -> Failure {
        let attempts = if made == 1 { "attempt" } else { "attempts" };
        let detail = format!(
            "the deadline of {:?} is over after {made} {attempts}; {}",
            self.deadline, failure.detail
        );
        Failure { status: failure.status, ..Failure::passing(failure.kind, detail) }
    }
}

/// How long an answer asks to wait: `Retry-After` in seconds, or a date less the answer's own, or less `now`. `None`
/// where the header is absent or cannot be read; a date that is past is zero.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(wait) = seconds(text) {
        return Some(wait);
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(server_time(headers, now)).unwrap_or_default())
}

/// What time it is for the server: the answer's `Date` (RFC 9110, section 6.6.1), and as long as caches have had it
/// since (`Age`); `now`, which is our time, where it says none. The moments that it names are to be read so, as either
/// clock may be wrong.
pub(super) fn server_time(headers: &HeaderMap, now: SystemTime) -> SystemTime {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim);
    let date = text(DATE).and_then(|text| httpdate::parse_http_date(text).ok());
    let age = text(AGE).and_then(seconds).unwrap_or_default();
    date.and_then(|date| date.checked_add(age)).unwrap_or(now)
}

/// A number of seconds, with or without a fraction: digits and a point, no sign, no exponent. One beyond all
/// counting is [`Duration::MAX`].
pub(super) fn seconds(text: &str) -> Option<Duration> {
    let is_plain = text.starts_with(|first: char| first.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if !is_plain {
        return None;
    }
    Some(Duration::try_from_secs_f64(text.parse().ok()?).unwrap_or(Duration::MAX))
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn policy() -> Policy {
        Policy {
            attempts: 5,
            backoff: Duration::from_millis(500),
            max_backoff: Duration::from_secs(3),
            max_retry_after: Duration::from_secs(300),
            deadline: Duration::from_secs(600),
            on: RetryOn::default(),
            repeats_accepted: true,
        }
    }

    fn status(code: u16) -> Failure {
        Failure::passing(Kind::Status, "").with_status(code)
    }

    fn passing() -> Failure {
        Failure::passing(Kind::Status, "503 Service Unavailable").with_status(503)
    }

    /// What follows after attempts that took no time at all.
    fn next(policy: &Policy, made: u32, failure: Failure, wait: Option<Duration>) -> Next {
        policy.next(made, Duration::ZERO, failure, wait, most)
    }

    fn most(bound: Duration) -> Duration {
        bound
    }

    fn headers(retry_after: &str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(retry_after).unwrap())])
    }

    #[test]
    fn pauses_double_up_to_their_bound_and_end_with_the_attempts() {
        let pauses: Vec<Next> = (1..=5).map(|made| next(&policy(), made, passing(), None)).collect();
        let millis = |millis| Next::Again(Duration::from_millis(millis));
        assert_eq!(pauses, [millis(500), millis(1000), millis(2000), millis(3000), Next::GiveUp(passing())]);
    }

    #[test]
    fn without_a_list_of_its_own_a_job_repeats_what_usually_passes() {
        for code in [202, 408, 429, 500, 503, 599] {
            assert!(policy().weigh(status(code)).worth_repeating, "{code}");
        }
        for code in [206, 300, 304, 400, 401, 403, 404, 418] {
            assert!(!policy().weigh(status(code)).worth_repeating, "{code}");
        }
        for kind in [Kind::Dns, Kind::Connect, Kind::Tls, Kind::Timeout, Kind::Reset] {
            assert!(policy().weigh(Failure::passing(kind, "")).worth_repeating, "{kind}");
        }
    }

    #[test]
    fn what_is_worth_repeating_is_the_jobs_own() {
        let statuses = vec![403..=403, 520..=527];
        let on = RetryOn { statuses, kinds: vec![Kind::Timeout] };
        let own = Policy { on, repeats_accepted: false, ..policy() };
        let weighed = |failure| own.weigh(failure).worth_repeating;
        assert_eq!(
            [202, 403, 404, 500, 519, 520, 527, 528].map(|code| weighed(status(code))),
            [false, true, false, false, false, true, true, false]
        );
        assert!(weighed(Failure::passing(Kind::Timeout, "")));
        assert!(!weighed(Failure::passing(Kind::Reset, "half a body").with_status(403)));
    }

    #[test]
    fn what_cannot_pass_is_never_worth_repeating() {
        for kind in [Kind::Tls, Kind::Protocol, Kind::TooLarge] {
            assert!(!policy().weigh(Failure::lasting(kind, "")).worth_repeating, "{kind}");
        }
    }

    #[test]
    fn the_pause_is_drawn_from_zero_to_the_bound() {
        let drawn = |draw: fn(Duration) -> Duration| policy().next(3, Duration::ZERO, passing(), None, draw);
        assert_eq!(drawn(|_| Duration::ZERO), Next::Again(Duration::ZERO));
        assert_eq!(drawn(|most| most / 4), Next::Again(Duration::from_millis(500)));
    }

    #[test]
    fn many_attempts_do_not_overflow() {
        let patient = Policy { attempts: u32::MAX, ..policy() };
        assert_eq!(next(&patient, 1000, passing(), None), Next::Again(Duration::from_secs(3)));
    }

    #[test]
    fn what_lasts_is_not_repeated() {
        let failure = Failure::lasting(Kind::Status, "404 Not Found").with_status(404);
        assert_eq!(next(&policy(), 1, failure.clone(), None), Next::GiveUp(failure));
    }

    #[test]
    fn retry_after_is_a_lower_bound() {
        let asked = Some(Duration::from_secs(300));
        assert_eq!(next(&policy(), 1, passing(), asked), Next::Again(Duration::from_millis(300_500)));
        let drawn = policy().next(1, Duration::ZERO, passing(), asked, |_| Duration::ZERO);
        assert_eq!(drawn, Next::Again(Duration::from_secs(300)));
    }

    #[test]
    fn who_is_to_wait_too_long_is_left_to_a_later_round() {
        // On the last attempt too, and whatever the deadline.
        for (made, wait) in [(1, 301), (5, 301), (1, 2_678_400)] {
            let Next::GiveUp(failure) = next(&policy(), made, passing(), Some(Duration::from_secs(wait)))
            else {
                panic!("it waits");
            };
            assert_eq!(
                (failure.kind, failure.status, failure.worth_repeating),
                (Kind::Quota, Some(503), true)
            );
            let said = format!(
                "the server asks to wait {wait} s, more than the 300 s that the job allows; 503 Service Unavailable"
            );
            assert_eq!(failure.detail, said);
        }
    }

    #[test]
    fn what_may_have_been_acted_on_keeps_its_failure_however_long_the_wait() {
        let failure = Failure { worth_repeating: false, ..passing() };
        assert_eq!(next(&policy(), 1, failure.clone(), Some(Duration::MAX)), Next::GiveUp(failure));
    }

    #[test]
    fn no_attempt_begins_beyond_the_deadline() {
        let after = |millis| policy().next(2, Duration::from_millis(millis), passing(), None, most);
        // The pause is a second, the deadline ten minutes.
        assert_eq!(after(599_000), Next::Again(Duration::from_secs(1)));
        let Next::GiveUp(failure) = after(599_001) else { panic!("it waits") };
        assert_eq!((failure.kind, failure.status, failure.worth_repeating), (Kind::Status, Some(503), true));
        assert_eq!(failure.detail, "the deadline of 600s is over after 2 attempts; 503 Service Unavailable");
    }

    #[test]
    fn what_the_server_asks_for_counts_towards_the_deadline() {
        let wait = Some(Duration::from_secs(300));
        let after =
            |seconds| policy().next(1, Duration::from_secs(seconds), passing(), wait, |_| Duration::ZERO);
        assert_eq!(after(300), Next::Again(Duration::from_secs(300)));
        let Next::GiveUp(failure) = after(301) else { panic!("it waits") };
        assert!(failure.detail.starts_with("the deadline of 600s is over after 1 attempt; "), "{failure:?}");
    }

    #[test]
    fn a_date_is_read_against_that_of_the_answer() {
        let ours = httpdate::parse_http_date("Sun, 06 Nov 1994 07:49:37 GMT").unwrap();
        for (date, age, seconds) in [
            ("Sun, 06 Nov 1994 08:49:37 GMT", None, 60),
            (" Sun, 06 Nov 1994 08:49:37 GMT ", Some("20"), 40),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some("-1"), 60),
            ("Sun, 06 Nov 1994 08:49:37 GMT", Some("3600"), 0),
            ("today", None, 3660),
            ("", Some("10"), 3660),
        ] {
            let mut headers = headers("Sun, 06 Nov 1994 08:50:37 GMT");
            headers.insert(DATE, HeaderValue::from_static(date));
            headers.extend(age.map(|age| (AGE, HeaderValue::from_static(age))));
            assert_eq!(retry_after(&headers, ours), Some(Duration::from_secs(seconds)), "{date} {age:?}");
            headers.insert(RETRY_AFTER, HeaderValue::from_static("7"));
            assert_eq!(retry_after(&headers, ours), Some(Duration::from_secs(7)));
        }
    }

    #[test]
    fn retry_after_is_read_as_seconds_and_as_a_date() {
        let now = httpdate::parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT").unwrap();
        for (text, seconds) in [
            ("120", Some(120.0)),
            ("0", Some(0.0)),
            ("Sun, 06 Nov 1994 08:50:37 GMT", Some(60.0)),
            ("Sunday, 06-Nov-94 08:50:37 GMT", Some(60.0)),
            ("Sun, 06 Nov 1994 08:00:00 GMT", Some(0.0)),
            ("0.25", Some(0.25)),
            ("soon", None),
            ("-5", None),
            ("1.2.3", None),
            (".5", None),
            ("1e3", None),
            ("inf", None),
            ("", None),
        ] {
            assert_eq!(retry_after(&headers(text), now), seconds.map(Duration::from_secs_f64), "{text}");
        }
        assert_eq!(retry_after(&headers("99999999999999999999999"), now), Some(Duration::MAX));
        assert_eq!(retry_after(&HeaderMap::new(), now), None);
    }
}

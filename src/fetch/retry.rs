//! When a failed attempt is made again, and after what pause.
//!
//! Which failures are worth it the job says (`retry.on`): statuses, and kinds of errors that may pass. What it does not
//! list lasts, for the rounds that come later too. What cannot pass (a certificate that does not verify, bytes that
//! are no HTTP) is not repeated whatever it lists.
//!
//! The pause is drawn uniformly from zero to a ceiling that doubles with each attempt ("full jitter": many
//! pairs that failed together do not come back together). A server's own `Retry-After` (RFC 9110, section
//! 10.2.3: seconds or a date) is a lower bound, the drawn pause comes on top of it. A server that asks for more
//! than the policy's patience ends the pair at once: waiting would hold a place in flight for nothing, and a
//! later round asks again.
//!
//! Nothing here reads a clock or throws dice: the time and the draw are passed in.

use std::time::{Duration, SystemTime};

use hyper::header::{HeaderMap, RETRY_AFTER};

use crate::job::{self, RetryOn};
use crate::record::{Failure, Kind};

/// When and how often an endpoint's attempts are repeated.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Policy {
    /// Attempts altogether. Each costs quota and time, so few: a server that is down is the next round's matter.
    attempts: u32,
    /// The first ceiling: about the time that a restarted server or a full queue needs.
    backoff: Duration,
    /// The ceiling's ceiling, so that the doubling ends before it becomes a standstill.
    max_backoff: Duration,
    /// The longest `Retry-After` that is waited for.
    max_retry_after: Duration,
    /// What is worth another attempt.
    on: RetryOn,
}

/// What follows a failed attempt.
#[derive(Debug, PartialEq)]
pub(super) enum Next {
    /// The attempt is made again after this pause.
    Again(Duration),
    /// The pair fails.
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
            on: retry.on.clone(),
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
            Kind::Status => failure.status.is_some_and(|status| self.repeats(status)),
            Kind::Dns | Kind::Connect | Kind::Tls | Kind::Timeout | Kind::Reset => {
                self.on.kinds.contains(&failure.kind)
            }
            // What else can happen to a request lasts, as it is classified.
            _ => true,
        };
        Failure { worth_repeating: failure.worth_repeating && is_listed, ..failure }
    }

    /// What follows after `made` attempts, the last of which ended in `failure`. `draw` gives a duration
    /// between zero and its argument.
    pub(super) fn next(
        &self,
        made: u32,
        failure: Failure,
        retry_after: Option<Duration>,
        draw: impl Fn(Duration) -> Duration,
    ) -> Next {
        if !failure.worth_repeating || made >= self.attempts {
            return Next::GiveUp(failure);
        }
        let at_least = retry_after.unwrap_or_default();
        if at_least > self.max_retry_after {
            return Next::GiveUp(self.out_of_patience(failure, at_least));
        }
        Next::Again(at_least + draw(self.ceiling(made)))
    }

    /// The longest pause after `made` attempts.
    fn ceiling(&self, made: u32) -> Duration {
        let doublings = made.saturating_sub(1).min(31);
        self.backoff.saturating_mul(1 << doublings).min(self.max_backoff)
    }

    fn out_of_patience(&self, failure: Failure, asked: Duration) -> Failure {
        let detail = format!(
            "the server asks to wait {} s (Retry-After), more than the {} s that the job allows; {}",
            asked.as_secs(),
            self.max_retry_after.as_secs(),
            failure.detail
        );
        Failure { status: failure.status, ..Failure::passing(failure.kind, detail) }
    }
}

/// How long an answer asks to wait: `Retry-After` in seconds, or a date less `now`. `None` where the header
/// is absent or cannot be read; a date that is past is zero.
pub(super) fn retry_after(headers: &HeaderMap, now: SystemTime) -> Option<Duration> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Some(wait) = seconds(text) {
        return Some(wait);
    }
    let date = httpdate::parse_http_date(text).ok()?;
    Some(date.duration_since(now).unwrap_or_default())
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
            on: RetryOn::default(),
        }
    }

    fn status(code: u16) -> Failure {
        Failure::passing(Kind::Status, "").with_status(code)
    }

    fn passing() -> Failure {
        Failure::passing(Kind::Status, "503 Service Unavailable").with_status(503)
    }

    fn most(bound: Duration) -> Duration {
        bound
    }

    fn headers(retry_after: &str) -> HeaderMap {
        HeaderMap::from_iter([(RETRY_AFTER, HeaderValue::from_str(retry_after).unwrap())])
    }

    #[test]
    fn pauses_double_up_to_their_bound_and_end_with_the_attempts() {
        let pauses: Vec<Next> = (1..=5).map(|made| policy().next(made, passing(), None, most)).collect();
        let millis = |millis| Next::Again(Duration::from_millis(millis));
        assert_eq!(pauses, [millis(500), millis(1000), millis(2000), millis(3000), Next::GiveUp(passing())]);
    }

    #[test]
    fn without_a_list_of_its_own_a_job_repeats_what_usually_passes() {
        for code in [408, 429, 500, 503, 599] {
            assert!(policy().weigh(status(code)).worth_repeating, "{code}");
        }
        for code in [300, 304, 400, 401, 403, 404, 418] {
            assert!(!policy().weigh(status(code)).worth_repeating, "{code}");
        }
        for kind in [Kind::Dns, Kind::Connect, Kind::Tls, Kind::Timeout, Kind::Reset] {
            assert!(policy().weigh(Failure::passing(kind, "")).worth_repeating, "{kind}");
        }
    }

    #[test]
    fn what_is_worth_repeating_is_the_jobs_own() {
        let statuses = vec![403..=403, 520..=527];
        let own = Policy { on: RetryOn { statuses, kinds: vec![Kind::Timeout] }, ..policy() };
        let weighed = |failure| own.weigh(failure).worth_repeating;
        assert_eq!(
            [403, 404, 500, 519, 520, 527, 528].map(|code| weighed(status(code))),
            [true, false, false, false, true, true, false]
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
        assert_eq!(policy().next(3, passing(), None, |_| Duration::ZERO), Next::Again(Duration::ZERO));
        assert_eq!(
            policy().next(3, passing(), None, |most| most / 4),
            Next::Again(Duration::from_millis(500))
        );
    }

    #[test]
    fn many_attempts_do_not_overflow() {
        let patient = Policy { attempts: u32::MAX, ..policy() };
        assert_eq!(patient.next(1000, passing(), None, most), Next::Again(Duration::from_secs(3)));
    }

    #[test]
    fn what_lasts_is_not_repeated() {
        let failure = Failure::lasting(Kind::Status, "404 Not Found").with_status(404);
        assert_eq!(policy().next(1, failure.clone(), None, most), Next::GiveUp(failure));
    }

    #[test]
    fn retry_after_is_a_lower_bound() {
        let asked = Some(Duration::from_secs(300));
        assert_eq!(policy().next(1, passing(), asked, most), Next::Again(Duration::from_millis(300_500)));
        assert_eq!(
            policy().next(1, passing(), asked, |_| Duration::ZERO),
            Next::Again(Duration::from_secs(300))
        );
    }

    #[test]
    fn too_long_a_retry_after_ends_the_pair_and_says_so() {
        let Next::GiveUp(failure) = policy().next(1, passing(), Some(Duration::from_secs(301)), most) else {
            panic!("it waits");
        };
        assert!(failure.worth_repeating && failure.status == Some(503));
        assert!(failure.detail.contains("301 s") && failure.detail.contains("300 s"), "{}", failure.detail);
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

//! A number of requests in a time, evenly: the next free moment, handed out by compare-and-swap.
//!
//! One word says when the next request may go. Whoever wants to send takes that moment and moves the word on by one
//! interval (the generic cell rate algorithm, ITU-T I.371, by which networks police their traffic): no timer, no queue,
//! nothing to leak when a process dies, which costs the one moment that it had taken.
//!
//! Promise: over any time *t* at most `t / interval + burst` units are handed out, whoever asks, in the order of asking.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire};
use std::time::Duration;

use crate::job;

/// How late a request may leave without its moment being lost, but for a tenth of the period at the most: timers are this
/// coarse, and processes are not always given a core at once.
const SLACK: u64 = 8_000_000;

/// What is held back of each period, so that requests which left evenly and arrive unevenly do not break the limit at
/// the server: ten milliseconds, a hundredth at the most.
const HELD_BACK: u64 = 10_000_000;

/// Nanoseconds between two requests to a server that fails nearly everything.
const FAILING: u64 = 100_000_000;

/// A pace.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Pace {
    /// Nanoseconds per unit.
    pub(super) interval: u64,
    /// How far behind the present a moment may lie that is still handed out.
    pub(super) slack: u64,
}

impl Pace {
    /// As a limit says it.
    pub(super) fn of(rate: &job::Rate, burst: u64) -> Pace {
        let per = nanos(rate.per);
        let interval = ((per + HELD_BACK.min(per / 100)) / rate.amount.max(1)).max(1);
        Pace { interval, slack: SLACK.min(per / 10) }.with_burst(burst)
    }

    /// That of a server which fails nearly everything.
    pub(super) fn of_a_failing_server() -> Pace {
        Pace { interval: FAILING, slack: 0 }
    }

    /// The same at another interval.
    pub(super) fn at(&self, interval: u64, burst: u64) -> Pace {
        Pace { interval, slack: SLACK.min(self.slack) }.with_burst(burst)
    }

    fn with_burst(self, burst: u64) -> Pace {
        let rested = self.interval.saturating_mul(burst.saturating_sub(1));
        Pace { slack: self.slack.max(rested), ..self }
    }

    /// Takes the next moment for this many units; a request may leave from then on.
    pub(super) fn reserve(&self, next: &AtomicU64, now: u64, units: u64) -> u64 {
        let mut seen = next.load(Acquire);
        loop {
            let moment = seen.max(now.saturating_sub(self.slack));
            let after = moment.saturating_add(self.interval.saturating_mul(units));
            match next.compare_exchange_weak(seen, after, AcqRel, Acquire) {
                Ok(_) => return moment,
                Err(changed) => seen = changed,
            }
        }
    }

    /// A request cost more units than were reserved for it, or fewer: the difference.
    pub(super) fn correct(&self, next: &AtomicU64, units: i64) {
        let shift = self.interval.saturating_mul(units.unsigned_abs());
        let shifted =
            |moment: u64| if units < 0 { moment.saturating_sub(shift) } else { moment.saturating_add(shift) };
        // The function always gives a value.
        let _ = next.fetch_update(AcqRel, Acquire, |moment| Some(shifted(moment)));
    }
}

/// Nanoseconds of a duration.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn pace(amount: u64, burst: u64) -> Pace {
        Pace::of(&job::Rate { amount, per: Duration::from_secs(1) }, burst)
    }

    #[test]
    fn moments_lie_an_interval_apart_and_rest_is_not_saved_up() {
        let (pace, next) = (pace(10, 1), AtomicU64::new(0));
        let moments: Vec<u64> = (0..3).map(|_| pace.reserve(&next, SECOND, 1)).collect();
        assert_eq!(moments[1] - moments[0], 101_000_000);
        assert_eq!(moments[2] - moments[1], 101_000_000);
        let late = pace.reserve(&next, 100 * SECOND, 1);
        assert!((100 * SECOND - SLACK..=100 * SECOND).contains(&late));
        assert!(pace.reserve(&next, 100 * SECOND, 1) > 100 * SECOND);
    }

    #[test]
    fn a_burst_is_what_the_limit_says() {
        let (pace, next) = (pace(10, 5), AtomicU64::new(0));
        let now = 100 * SECOND;
        let at_once = (0..20).filter(|_| pace.reserve(&next, now, 1) <= now).count();
        assert_eq!(at_once, 5);
    }

    #[test]
    fn units_take_their_time_and_are_corrected() {
        let (pace, next) = (pace(1000, 1), AtomicU64::new(0));
        let first = pace.reserve(&next, SECOND, 100);
        pace.correct(&next, 50);
        assert_eq!(pace.reserve(&next, SECOND, 1) - first, 150 * pace.interval);
        pace.correct(&next, -101);
        assert_eq!(pace.reserve(&next, SECOND, 1) - first, 50 * pace.interval);
    }

    #[test]
    fn the_slowest_and_the_fastest_are_within_bounds() {
        let slow = Pace::of(&job::Rate { amount: 1, per: Duration::from_secs(30 * 86_400) }, 1);
        assert!(slow.slack <= SLACK);
        let fast = Pace::of(&job::Rate { amount: 1_000_000_000, per: Duration::from_millis(1) }, 1);
        assert_eq!(fast.interval, 1);
    }
}

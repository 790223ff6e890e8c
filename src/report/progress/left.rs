//! How fast a run goes, and how long it will still take.
//!
//! The rate looks back a few seconds. Time left is by the mean of the last minute without the time in which nothing could be
//! sent; it is none in the first seconds, while nothing moves, and beyond what anybody waits for: a wrong figure is worse
//! than none.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// How long the rate looks back.
const RATE: Duration = Duration::from_secs(5);

/// How long the mean looks back that time left is told by.
const MEAN: Duration = Duration::from_secs(60);

/// How long must have gone by before time left is told.
const EARLY: Duration = Duration::from_secs(10);

/// Beyond this time left is not told.
const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// The least time between two samples.
const APART: Duration = Duration::from_millis(200);

/// How far things were at a moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    done: u64,
    /// Time up to now in which something could be sent.
    moving: Duration,
}

/// How far things were in the last minute.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    samples: VecDeque<Sample>,
}

impl Pace {
    pub(super) fn new(began: Instant) -> Pace {
        Pace { began, samples: VecDeque::new() }
    }

    /// How far things are now, and whether nothing can be sent.
    pub(super) fn sample(&mut self, at: Instant, done: u64, is_standstill: bool) {
        let last = self.samples.back().copied();
        let moved = match last {
            Some(last) if !is_standstill => last.moving + at.duration_since(last.at),
            Some(last) => last.moving,
            None => Duration::ZERO,
        };
        let is_close = |last: &Sample| at.duration_since(last.at) < APART;
        if self.samples.len() > 1 && self.samples.iter().rev().nth(1).is_some_and(is_close) {
            self.samples.pop_back();
        }
        self.samples.push_back(Sample { at, done, moving: moved });
        while self.samples.get(1).is_some_and(|second| at.duration_since(second.at) >= MEAN) {
            self.samples.pop_front();
        }
    }

    /// What is done in a second.
    pub(super) fn rate(&self) -> f64 {
        let Some(last) = self.samples.back() else { return 0.0 };
        let looks_back = |sample: &&Sample| last.at.duration_since(sample.at) <= RATE;
        let Some(first) = self.samples.iter().find(looks_back) else { return 0.0 };
        let seconds = last.at.duration_since(first.at).as_secs_f64().max(0.2);
        last.done.saturating_sub(first.done) as f64 / seconds
    }

    /// How long `left` more will take.
    pub(super) fn time_left(&self, left: u64, is_standstill: bool) -> Option<Duration> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let is_early = last.at.duration_since(self.began) < EARLY;
        let done = last.done.saturating_sub(first.done);
        if is_early || is_standstill || left == 0 || done == 0 {
            return None;
        }
        let seconds = (last.moving - first.moving).as_secs_f64() / done as f64 * left as f64;
        Duration::try_from_secs_f64(seconds).ok().filter(|time| *time <= LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run that does so many a second, with times in which it stands still, from one second to another.
    fn after(seconds: u64, per_second: u64, still: std::ops::Range<u64>) -> Pace {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        let mut done = 0;
        for quarter in 0..=seconds * 4 {
            let is_still = still.contains(&(quarter / 4));
            pace.sample(began + Duration::from_millis(250 * quarter), done, is_still);
            done += if is_still { 0 } else { per_second / 4 };
        }
        pace
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        assert_eq!(after(20, 100, 0..0).rate(), 100.0);
        assert_eq!(after(20, 100, 10..21).rate(), 0.0);
    }

    #[test]
    fn time_left_is_by_the_last_minute_without_pauses() {
        let left = |pace: &Pace| pace.time_left(1000, false).map(|time| time.as_secs());
        assert_eq!(left(&after(9, 100, 0..0)), None, "it has just begun");
        assert_eq!(left(&after(20, 100, 0..0)), Some(10));
        assert_eq!(left(&after(40, 100, 10..30)), Some(10), "a pause is no slowness");
        assert_eq!(after(40, 100, 10..41).time_left(1000, true), None, "nothing moves");
        assert_eq!(left(&after(200, 100, 100..201)), None, "nothing has moved for a minute");
        assert_eq!(after(20, 4, 0..0).time_left(1 << 40, false), None, "nobody waits that long");
    }
}

//! How fast a round goes, and how long it will still take.
//!
//! The rate looks back a few seconds. Time left is by the mean of the last minute, without the longest time in which nothing
//! could be sent: one outage says nothing of the rest, but pauses that come again and again do. It is none in the first seconds, while nothing moves, and beyond what anybody waits for: a wrong figure is worse
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
pub(super) const LONGEST: Duration = Duration::from_secs(30 * 86_400);

/// The least time between two samples.
const APART: Duration = Duration::from_millis(200);

/// How long a standstill has lasted when nothing is said of the time left any more.
const STANDS_STILL: Duration = Duration::from_secs(5);

/// How far things were at a moment.
#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    done: u64,
}

/// How far things were in the last minute.
#[derive(Debug)]
pub(super) struct Pace {
    began: Instant,
    samples: VecDeque<Sample>,
    /// The times in which nothing could be sent.
    stills: VecDeque<(Instant, Instant)>,
    is_still: bool,
}

impl Pace {
    pub(super) fn new(began: Instant) -> Pace {
        Pace { began, samples: VecDeque::new(), stills: VecDeque::new(), is_still: false }
    }

    /// How far things are now, and whether nothing can be sent.
    pub(super) fn sample(&mut self, at: Instant, done: u64, is_standstill: bool) {
        // The process was stopped, or the machine slept.
        if let Some(last) = self.samples.back().filter(|last| at.duration_since(last.at) >= STANDS_STILL) {
            self.stills.push_back((last.at, at));
        }
        match self.stills.back_mut() {
            // Up to now it was so, whatever it is from now on.
            Some((_, until)) if self.is_still => *until = at,
            _ if is_standstill => self.stills.push_back((at, at)),
            _ => {}
        }
        self.is_still = is_standstill;
        let is_close = |last: &Sample| at.duration_since(last.at) < APART;
        if self.samples.len() > 1 && self.samples.iter().rev().nth(1).is_some_and(is_close) {
            self.samples.pop_back();
        }
        self.samples.push_back(Sample { at, done });
        while self.samples.get(1).is_some_and(|second| at.duration_since(second.at) >= MEAN) {
            self.samples.pop_front();
        }
        while self.stills.front().is_some_and(|(_, until)| at.duration_since(*until) >= MEAN) {
            self.stills.pop_front();
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
    pub(super) fn time_left(&self, left: u64) -> Option<Duration> {
        let (first, last) = (self.samples.front()?, self.samples.back()?);
        let still = |(since, until): &(Instant, Instant)| until.duration_since(*since.max(&first.at));
        let is_standstill =
            self.is_still && self.stills.back().is_some_and(|last| still(last) >= STANDS_STILL);
        let is_early = last.at.duration_since(self.began) < EARLY;
        let done = last.done.saturating_sub(first.done);
        if is_early || is_standstill || left == 0 || done == 0 {
            return None;
        }
        let longest = self.stills.iter().map(still).max().unwrap_or_default();
        let moving = last.at.duration_since(first.at).saturating_sub(longest);
        let seconds = moving.as_secs_f64() / done as f64 * left as f64;
        Duration::try_from_secs_f64(seconds).ok().filter(|time| *time <= LONGEST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A run that does so many a second, but for seconds in which it stands still.
    fn after(seconds: u64, per_second: u64, still: impl Fn(u64) -> bool) -> Pace {
        let began = Instant::now();
        let mut pace = Pace::new(began);
        let mut done = 0;
        for quarter in 0..=seconds * 4 {
            let is_still = still(quarter / 4);
            pace.sample(began + Duration::from_millis(250 * quarter), done, is_still);
            done += if is_still { 0 } else { per_second / 4 };
        }
        pace
    }

    #[test]
    fn the_rate_is_that_of_the_last_seconds() {
        assert_eq!(after(20, 100, |_| false).rate(), 100.0);
        assert_eq!(after(20, 100, |second| second >= 10).rate(), 0.0);
    }

    #[test]
    fn time_left_is_by_the_last_minute_without_its_longest_standstill() {
        let left = |pace: &Pace| pace.time_left(1000).map(|time| time.as_secs());
        assert_eq!(left(&after(9, 100, |_| false)), None, "it has just begun");
        assert_eq!(left(&after(20, 100, |_| false)), Some(10));
        assert_eq!(
            left(&after(40, 100, |second| (10..30).contains(&second))),
            Some(10),
            "an outage is no slowness"
        );
        let (every_other, four_of_five) =
            (|second: u64| second % 2 == 1, |second: u64| !second.is_multiple_of(5));
        assert!(left(&after(60, 100, every_other)).is_some_and(|left| (19..=20).contains(&left)));
        assert!(
            left(&after(60, 100, four_of_five)).is_some_and(|left| (46..=50).contains(&left)),
            "pauses are"
        );
        assert_eq!(left(&after(40, 100, |second| second >= 30)), None, "nothing moves");
        assert_eq!(left(&after(200, 100, |second| second >= 100)), None, "nothing has moved for a minute");
        let mut stopped = after(20, 100, |_| false);
        let (last, hour) = (*stopped.samples.back().unwrap(), Duration::from_secs(3_600));
        for second in 0..5 {
            stopped.sample(last.at + hour + Duration::from_secs(second), last.done + 100 * second, false);
        }
        assert_eq!(left(&stopped), Some(10), "it was stopped for an hour");
        assert_eq!(after(20, 4, |_| false).time_left(1 << 40), None, "nobody waits that long");
    }
}

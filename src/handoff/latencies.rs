//! How long answers took: counted where they come, told with the progress, added up where they are shown.

use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest time that is told apart, in microseconds: an hour. What takes longer counts as that.
const LONGEST: u64 = 3_600_000_000;

/// Decimal digits of a time that are kept.
const DIGITS: u8 = 2;

/// Times from when a request was written to when it was answered, within a hundredth.
#[derive(Debug, Clone, Default)]
pub struct Latencies(Option<Histogram<u64>>);

impl Latencies {
    /// Notes one.
    pub fn note(&mut self, time: Duration) {
        self.add(&[(u64::try_from(time.as_micros()).unwrap_or(u64::MAX), 1)]);
    }

    /// Adds times in microseconds, and how many took as long.
    pub fn add(&mut self, times: &[(u64, u32)]) {
        if self.0.is_none() && !times.is_empty() {
            self.0 = Histogram::new_with_bounds(1, LONGEST, DIGITS).ok();
        }
        let Some(histogram) = &mut self.0 else { return };
        for &(time, count) in times {
            histogram.saturating_record_n(time.max(1), count.into());
        }
    }

    /// Adds others.
    pub fn add_all(&mut self, others: &Latencies) {
        match (&mut self.0, &others.0) {
            // Their bounds are the same.
            (Some(histogram), Some(others)) => drop(histogram.add(others)),
            (None, Some(_)) => *self = others.clone(),
            (_, None) => {}
        }
    }

    /// Those that were noted since this was asked last, in microseconds, and how many took as long.
    pub fn take(&mut self) -> Vec<(u64, u32)> {
        let Some(histogram) = self.0.as_mut().filter(|histogram| !histogram.is_empty()) else {
            return Vec::new();
        };
        let count = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let times = histogram
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), count(step.count_since_last_iteration())));
        let times = times.collect();
        histogram.reset();
        times
    }

    /// The time that this part of the answers took at most, in milliseconds; `None` where there was none.
    pub fn within(&self, part: f64) -> Option<f64> {
        let histogram = self.0.as_ref().filter(|histogram| !histogram.is_empty())?;
        Some(histogram.value_at_quantile(part) as f64 / 1e3)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_in_parts_adds_up_within_a_hundredth() {
        let (mut told, mut all, mut direct) =
            (Latencies::default(), Latencies::default(), Latencies::default());
        assert_eq!((told.take(), told.within(0.5)), (vec![], None));
        for millis in 1..=1_000 {
            told.note(Duration::from_millis(millis));
            direct.note(Duration::from_millis(millis));
            if millis % 100 == 0 {
                all.add(&told.take());
                assert_eq!(told.within(0.5), None, "what was told is gone");
            }
        }
        for (part, expected) in [(0.5, 500.0), (0.95, 950.0), (1.0, 1_000.0)] {
            let time = all.within(part).unwrap();
            assert!((time / expected - 1.0).abs() < 0.01, "{part}: {time}");
            assert_eq!(Some(time), direct.within(part));
        }
        all.add_all(&direct);
        assert_eq!(all.within(0.5), direct.within(0.5));
    }

    #[test]
    fn no_time_is_too_short_or_too_long() {
        let mut latencies = Latencies::default();
        latencies.note(Duration::ZERO);
        latencies.note(Duration::MAX);
        assert_eq!(latencies.within(0.1), Some(0.001));
        assert!((latencies.within(1.0).unwrap() / 3.6e6 - 1.0).abs() < 0.01);
    }
}

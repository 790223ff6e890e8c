//! Chance that can be repeated: a draw depends on what it is about and on nothing else, so neither the order of
//! requests nor a new fact elsewhere changes it.

use xxhash_rust::xxh3::xxh3_64_with_seed;

/// One draw.
#[derive(Debug, Clone, Copy)]
pub struct Draw(u64);

impl Draw {
    /// The draw of this seed about this subject: XXH3 (64 bits), which is the same on every machine.
    pub fn about(seed: u64, subject: &str) -> Draw {
        Draw(xxh3_64_with_seed(subject.as_bytes(), seed))
    }

    /// A number in [0, 1).
    pub fn share(self) -> f64 {
        (self.0 >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// Whether something of this probability happens.
    pub fn happens(self, probability: f64) -> bool {
        self.share() < probability
    }

    /// A whole number from `low` to `high`, both included.
    pub fn between(self, low: u64, high: u64) -> u64 {
        low + (self.share() * (high - low + 1) as f64) as u64
    }

    /// One of several, all alike in chance.
    pub fn pick<T: Copy>(self, from: &[T]) -> T {
        from[(self.share() * from.len() as f64) as usize]
    }

    /// One of several, each with its weight.
    pub fn weigh<T: Copy>(self, from: &[(T, u64)]) -> T {
        let total: u64 = from.iter().map(|(_, weight)| weight).sum();
        let mut left = self.between(1, total);
        for &(item, weight) in from {
            if left <= weight {
                return item;
            }
            left -= weight;
        }
        from[from.len() - 1].0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_repeat_and_differ_by_seed_and_subject() {
        let share = |seed, subject| Draw::about(seed, subject).share();
        assert_eq!(share(1, "a"), share(1, "a"));
        assert_ne!(share(1, "a"), share(2, "a"));
        assert_ne!(share(1, "a"), share(1, "b"));
    }

    #[test]
    fn weights_are_kept() {
        let heavy =
            (0..10_000).filter(|&seed| Draw::about(seed, "w").weigh(&[(true, 9), (false, 1)])).count();
        assert!((8_850..=9_150).contains(&heavy), "{heavy}");
    }

    #[test]
    fn both_ends_are_reached() {
        let drawn: Vec<u64> = (0..1_000).map(|seed| Draw::about(seed, "ends").between(3, 5)).collect();
        assert_eq!((drawn.iter().min(), drawn.iter().max()), (Some(&3), Some(&5)));
    }
}

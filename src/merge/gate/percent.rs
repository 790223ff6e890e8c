//! Shares as people read them.

/// What misses a least share must not read as if it met it: cut, not rounded, to two places.
pub(super) fn at_most(share: f64) -> String {
    // A hair is added so that 0.98 is not cut to 97.99.
    format!("{} %", (share * 1e4 + 1e-6).floor() / 1e2)
}

/// What exceeds a largest share must not read as if it kept to it: raised to two places.
pub(super) fn at_least(share: f64) -> String {
    format!("{} %", (share * 1e4 - 1e-6).ceil() / 1e2)
}

/// A limit, as the job says it.
pub(super) fn limit(share: f64) -> String {
    format!("{} %", (share * 1e8).round() / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_that_is_too_small_is_never_shown_larger_than_it_is() {
        assert_eq!(at_most(0.98), "98 %");
        assert_eq!(at_most(0.979_99), "97.99 %");
        assert_eq!(at_most(0.999_999), "99.99 %");
        assert_eq!(at_most(1.0), "100 %");
    }

    #[test]
    fn a_share_that_is_too_large_is_never_shown_smaller_than_it_is() {
        assert_eq!(at_least(0.1), "10 %");
        assert_eq!(at_least(0.100_001), "10.01 %");
        assert_eq!(at_least(2.5), "250 %");
    }

    #[test]
    fn a_limit_is_shown_as_it_was_written() {
        assert_eq!(["98 %", "98.765 %", "0.1 %"], [0.98, 0.98765, 0.001].map(limit));
    }
}

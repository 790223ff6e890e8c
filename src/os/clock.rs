//! A clock that all processes of the machine share and nobody can set, and how to tell one start of it from another.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`: since some moment before the first process, the same for all.
pub fn monotonic_nanos() -> u64 {
    // The call fails only for clocks that do not exist.
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// A number that differs after every start of the machine, and is never 0.
pub fn boot_number() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).unwrap_or(1).max(1)
}

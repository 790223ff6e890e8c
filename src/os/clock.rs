//! A clock that all processes of the machine share and nobody can set, and how to tell one start of it from another.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of `CLOCK_MONOTONIC`: since some moment before the first process, the same for all.
pub fn monotonic_nanos() -> u64 {
    // The call fails only for clocks that do not exist.
    let time = clock_gettime(ClockId::CLOCK_MONOTONIC).map(Duration::from).unwrap_or_default();
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// How long this thread has run, or would have if it had been given a core, in nanoseconds; `None` where the kernel does not
/// count it (proc(5), `schedstat`).
pub fn core_demand() -> Option<u64> {
    let counts = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    let mut counts = counts.split_whitespace().map_while(|count| count.parse::<u64>().ok());
    Some(counts.next()? + counts.next()?)
}

/// A number that differs after every start of the machine, and is never 0.
pub fn boot_number() -> u64 {
    let text = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let digits: String = text.chars().filter(char::is_ascii_hexdigit).take(16).collect();
    u64::from_str_radix(&digits, 16).unwrap_or(1).max(1)
}

//! How long is waited for what may end by itself, and when that is over.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::budget::{Attempt, Down};
use crate::os::monotonic_nanos;

/// How long a host that never answered is waited for, in nanoseconds: long enough to look twice.
pub(super) const NEVER_ANSWERED: u64 = 3_000_000_000;

/// How long is waited for what may end by itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For a host that is down.
    pub(super) down: Duration,
    /// For a server that asks for a pause.
    pub(super) pause: Duration,
    /// Whether only what failed before is asked.
    pub(super) is_last: bool,
}

impl Patience {
    /// How long a host that is down is waited for, in nanoseconds.
    pub(super) fn with(&self, down: &Down) -> u64 {
        if down.has_answered { nanos(self.down) } else { NEVER_ANSWERED }
    }

    /// Until when it is, in seconds since 1970; `None` where it is not waited for.
    pub(super) fn gives_up_at(&self, down: &Down) -> Option<u64> {
        let patience = Some(self.with(down)).filter(|patience| *patience > 0)?;
        Some(second_at(down.since.saturating_add(patience)))
    }
}

/// When a request is sent to a host that is down.
#[derive(Debug, Clone, Copy)]
pub(super) enum Looks {
    /// At once.
    Now,
    /// When it is time to look whether the host is back.
    InTurn(Attempt),
}

/// Nanoseconds of a duration.
pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A moment of the monotonic clock by the wall clock, in seconds since 1970.
pub(super) fn second_at(moment: u64) -> u64 {
    second_now() + moment.saturating_sub(monotonic_nanos()).div_ceil(1_000_000_000)
}

/// The wall clock, in seconds since 1970.
pub(super) fn second_now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}

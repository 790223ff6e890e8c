//! What keeps this process from sending more: looked for each time that it tells its progress.
//!
//! | | what holds |
//! |---|---|
//! | requests wait for a host, a pause, a token, a further attempt or a limit of the job | that |
//! | nearly all the time since the last look the process worked, or waited for a core | the core |
//! | as many are in flight as may be | `in_flight` |
//! | requests wait since the server would be slower, or fails them | the server |
//! | else | nothing |

use std::cell::Cell;

use super::pace::Pace;
use crate::handoff::Hold;
use crate::os::{core_demand, monotonic_nanos};

/// The part of the time from which on a process works all the time.
const BUSY: f64 = 0.9;

/// When it was looked last.
#[derive(Debug, Default)]
pub(super) struct Held {
    /// The time, and how much of it this thread had worked or waited for a core, in nanoseconds.
    looked: Cell<(u64, u64)>,
}

impl Held {
    /// What holds now.
    pub(super) fn by(&self, pace: &Pace) -> Option<Hold> {
        let is_busy = self.is_busy();
        match pace.hold() {
            Some(Hold::Server { .. }) | None if is_busy => Some(Hold::Cpu),
            server @ (Some(Hold::Server { .. }) | None) => {
                pace.is_full().map(|most| Hold::InFlight { most }).or(server)
            }
            declared => declared,
        }
    }

    fn is_busy(&self) -> bool {
        let Some(demand) = core_demand() else { return false };
        let now = monotonic_nanos();
        let (then, before) = self.looked.replace((now, demand));
        then > 0 && demand.saturating_sub(before) as f64 > BUSY * now.saturating_sub(then) as f64
    }
}

//! What one job says of a limit.

use super::quota::Quota;
use super::rate::Pace;
use crate::job::Limit;

/// What a member was told.
#[derive(Debug, Clone, Default)]
pub struct Terms {
    pub(super) pace: Option<Pace>,
    burst: u64,
    pub(super) in_flight: Option<u64>,
    pub(super) quota: Option<Quota>,
    /// Whether the number in flight adapts to the server.
    pub(super) adapts: bool,
}

impl Terms {
    /// As a job's limit says.
    pub fn of(limit: &Limit) -> Terms {
        Terms {
            pace: limit.rate.as_ref().map(|rate| Pace::of(rate, limit.burst)),
            burst: limit.burst,
            in_flight: limit.in_flight.map(u64::from),
            quota: limit.quota.as_ref().map(Quota::of),
            adapts: false,
        }
    }

    /// Of a server that nothing is said about: it is given as much as it answers no slower for.
    pub fn adaptive() -> Terms {
        Terms { adapts: true, ..Terms::default() }
    }

    /// Of a server whose requests in flight are counted elsewhere.
    pub fn none() -> Terms {
        Terms::default()
    }

    /// The pace that another member was told, with this one's burst.
    pub(super) fn pace_of(&self, interval: u64) -> Option<Pace> {
        let pace = self.pace?;
        Some(if pace.interval == interval { pace } else { pace.at(interval, self.burst) })
    }
}

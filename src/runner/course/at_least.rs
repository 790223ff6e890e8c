//! How long the rest of a round takes at the least by what the job declares: its rates, and the calendar of its quotas.

use std::time::Duration;

use crate::budget::{quota_now, renewal_after, state_folder};
use crate::handoff::QuotaLeft;
use crate::job::{Job, Limit};
use crate::plan::price::Price;

/// What the job's limits say of a round, as it began.
#[derive(Debug, Default)]
pub(super) struct AtLeast {
    /// How long the limits take for all that was left then.
    time: Duration,
    /// What was left then.
    pairs: u64,
    /// The quota that lasts longest, where it is used up before the end, and when the last period begins that the run asks in
    /// (in seconds since 1970; `None` where that is out of sight).
    quota: Option<(Limit, Option<u64>)>,
}

impl AtLeast {
    /// Of a round of which so many pairs are left, at a price; `second` is now, since 1970.
    pub(super) fn of(job: &Job, price: &Price, pairs: u64, second: u64) -> AtLeast {
        let periods = price.budgets.iter().filter_map(|budget| Some((budget.limit, budget.quota?.periods)));
        let longest = periods.filter(|(_, periods)| *periods > 1).max_by_key(|(_, periods)| *periods);
        let quota = longest.and_then(|(limit, periods)| {
            let limit = &job.limits[limit];
            Some((limit.clone(), renewal_after(limit.quota.as_ref()?, second, periods - 1)))
        });
        AtLeast { time: price.longest().map(|(_, time)| time).unwrap_or_default(), pairs, quota }
    }

    /// How long `left` of the pairs take at the least; `None` where that is out of sight.
    pub(super) fn time_left(&self, left: u64, second: u64) -> Option<Duration> {
        let part = left as f64 / self.pairs.max(1) as f64;
        let time = self.time.mul_f64(part.min(1.0));
        match &self.quota {
            None => Some(time),
            Some((_, begins)) => {
                begins.map(|begins| time.max(Duration::from_secs(begins.saturating_sub(second))))
            }
        }
    }

    /// What is left of the quota that will not do.
    pub(super) fn quota_left(&self, second: u64) -> Option<QuotaLeft> {
        let (limit, _) = self.quota.as_ref()?;
        let declared = limit.quota.as_ref()?;
        let (used, renews_at) = match quota_now(&state_folder(), limit, second) {
            Some(known) => (known.used, known.renews_at),
            None => (0, renewal_after(declared, second, 1)?),
        };
        let left = declared.amount.saturating_sub(used);
        Some(QuotaLeft { name: limit.name.clone(), left, of: declared.amount, renews_at })
    }
}

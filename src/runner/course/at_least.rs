//! How long the rest of a round takes at the least by what the job declares: its rates, and the calendar of its quotas.

use std::time::Duration;

use crate::budget::{quota_now, renewal_after, state_folder};
use crate::handoff::QuotaLeft;
use crate::job::{Job, Limit};
use crate::plan::price::Price;

/// What the job's limits say of a round, as it began.
#[derive(Debug, Default)]
pub(super) struct AtLeast {
    /// How long the limits take for all that was left then: as no limit goes faster, as much less is left at the least as
    /// time has passed since, whichever endpoints come first.
    time: Duration,
    /// The quota that takes longest, where it is used up before the end.
    quota: Option<Quota>,
}

/// A quota that will not do.
#[derive(Debug)]
struct Quota {
    limit: Limit,
    /// When the last period begins that the run asks in, in seconds since 1970; `None` where that is out of sight.
    last_begins: Option<u64>,
    /// Pairs that are left to that period.
    last_pairs: f64,
}

impl AtLeast {
    /// Of a round of which so many pairs are left, at a price; `second` is now, since 1970.
    pub(super) fn of(job: &Job, price: &Price, pairs: u64, second: u64) -> AtLeast {
        let quotas = price.budgets.iter().filter_map(|budget| Some((budget, budget.quota?)));
        let longest = quotas.filter(|(_, used)| used.periods > 1).max_by_key(|(_, used)| used.periods);
        let quota = longest.and_then(|(budget, used)| {
            let limit = job.limits[budget.limit].clone();
            let declared = limit.quota.as_ref()?;
            let before = (used.periods - 2).saturating_mul(declared.amount);
            let before = before.saturating_add(used.remaining.unwrap_or(declared.amount));
            let last = budget.load.saturating_sub(before) as f64 / budget.load.max(1) as f64;
            Some(Quota {
                last_begins: renewal_after(declared, second, used.periods - 1),
                last_pairs: last * pairs as f64,
                limit,
            })
        });
        AtLeast { time: price.longest().map(|(_, time)| time).unwrap_or_default(), quota }
    }

    /// How long `left` of the pairs take, which would take `by_pace` if nothing stood against it, when so much time has passed,
    /// at a second since 1970; `None` where that is out of sight.
    pub(super) fn time_left(
        &self,
        left: u64,
        by_pace: Duration,
        (passed, second): (Duration, u64),
    ) -> Option<Duration> {
        let time = by_pace.max(self.time.saturating_sub(passed));
        let Some(quota) = &self.quota else { return Some(time) };
        let until = Duration::from_secs(quota.last_begins?.saturating_sub(second));
        let last = time.mul_f64((quota.last_pairs / left.max(1) as f64).min(1.0));
        Some(time.max(until + last))
    }

    /// What is left of the quota that will not do.
    pub(super) fn quota_left(&self, second: u64) -> Option<QuotaLeft> {
        let limit = &self.quota.as_ref()?.limit;
        let declared = limit.quota.as_ref()?;
        let (used, renews_at) = match quota_now(&state_folder(), limit, second) {
            Some(known) => (known.used, known.renews_at),
            None => (0, renewal_after(declared, second, 1)?),
        };
        let left = declared.amount.saturating_sub(used);
        Some(QuotaLeft { name: limit.name.clone(), left, of: declared.amount, renews_at })
    }
}

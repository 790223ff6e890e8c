//! What requests cost, and quotas.

use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::Member;
use crate::budget::UsedUp;
use crate::budget::quota::Quota;
use crate::budget::words::{self, COST, NEXT, QuotaWords};

impl Member {
    /// What a request costs as far as is known: the average of what answers said; `None` while none has.
    pub fn expected_cost(&self) -> Option<u64> {
        let mean = words::load(&self.words()[COST]);
        (mean > 0.0).then_some((mean.ceil() as u64).max(1))
    }

    /// An answer said what its request cost, of which so much was taken before it was sent.
    pub fn settle(&self, taken: u64, cost: u64) {
        let learn = |bits: u64| {
            let mean = f64::from_bits(bits);
            let next = if mean > 0.0 { mean + (cost as f64 - mean) / 16.0 } else { cost.max(1) as f64 };
            Some(next.to_bits())
        };
        // The function always gives a value.
        let _ = self.words()[COST].fetch_update(AcqRel, Acquire, learn);
        let more = i64::try_from(i128::from(cost) - i128::from(taken)).unwrap_or(i64::MAX);
        if let Some(pace) = self.pace.get() {
            pace.correct(&self.words()[NEXT], more);
        }
        if let Some((quota, words)) = self.quota() {
            quota.correct(&words, more);
            self.note(quota, &words);
        }
    }

    /// Has the disk know what is used of the quota, before it is used. Where somebody else is writing that is waited
    /// for, but not for one who stands still.
    fn note(&self, quota: &Quota, words: &QuotaWords<'_>) {
        if !quota.is_to_be_noted(words) {
            return;
        }
        let lock = if quota.is_beyond_note(words) { self.page.lock_soon() } else { self.page.lock() };
        // The one before may have done it.
        if lock.is_some() && quota.is_to_be_noted(words) {
            quota.note(words, || self.page.sync());
        }
    }

    fn quota(&self) -> Option<(&Quota, QuotaWords<'_>)> {
        Some((self.terms.quota.as_ref()?, words::quota(self.words(), self.quota_at?)))
    }

    /// Takes units of the quota; `second` is the wall clock, in seconds since 1970.
    ///
    /// # Errors
    /// They are not there any more before the quota renews.
    pub fn spend(&self, units: u64, second: u64) -> Result<(), UsedUp> {
        let Some((quota, words)) = self.quota() else { return Ok(()) };
        let mut span = self.span.get();
        if !(span.start..span.end).contains(&second) {
            span = quota.span(second);
            self.span.set(span);
        }
        if !quota.is_current(&words, &span) {
            let Some(_lock) = self.page.lock_soon() else { return Err(UsedUp { renews_at: second + 1 }) };
            quota.renew(&words, second);
        }
        if !quota.take(&words, units) {
            return Err(UsedUp { renews_at: span.end });
        }
        self.note(quota, &words);
        Ok(())
    }

    /// Gives units back that were taken and not used.
    pub fn give_back(&self, units: u64) {
        if let Some((quota, words)) = self.quota() {
            quota.correct(&words, -i64::try_from(units).unwrap_or(0));
        }
    }

    /// What is left of the quota, and of how much; `second` as for [`spend`](Member::spend).
    #[cfg(test)]
    pub fn left_of_quota(&self, second: u64) -> Option<[u64; 2]> {
        let (quota, words) = self.quota()?;
        let used = if quota.is_current(&words, &quota.span(second)) { words.used.load(Acquire) } else { 0 };
        Some([quota.amount.saturating_sub(used), quota.amount])
    }
}

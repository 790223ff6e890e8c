//! So much in a day: counted by the wall clock, kept over restarts.
//!
//! Counting is two atomic instructions. Before more is used than is known to be on the disk, a hundredth of the quota is
//! noted there ahead, and counts as noted once it is there: after the machine lost power a quota is short by that
//! hundredth at the most, and never exceeded. A process that is killed loses nothing: the file's pages belong to the
//! kernel.

use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp, ToSpan};

use super::words::{self, QuotaWords};
use crate::handoff::digest;
use crate::job;

/// How far, in seconds, a window may begin in the future before it is taken for a clock that was set wrong.
const AHEAD: u64 = 3600;

/// A quota, ready to be counted.
#[derive(Debug, Clone)]
pub(super) struct Quota {
    pub(super) amount: u64,
    period: job::Period,
    renews_at: SignedDuration,
    zone: TimeZone,
    /// Tells it from other quotas of the same budget.
    key: u64,
}

/// From when to when a quota lasts, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) start: u64,
    pub(super) end: u64,
}

impl Quota {
    /// As a limit says it. A zone that is not known here is UTC (the job file's reader has checked it).
    pub(super) fn of(quota: &job::Quota) -> Quota {
        let named = format!("{:?} {:?} {}", quota.per, quota.renews_at, quota.zone);
        Quota {
            amount: quota.amount,
            period: quota.per,
            renews_at: SignedDuration::try_from(quota.renews_at).unwrap_or_default(),
            zone: TimeZone::get(&quota.zone).unwrap_or(TimeZone::UTC),
            key: number_of(&named),
        }
    }

    /// The window that a moment lies in, in seconds since 1970.
    pub(super) fn span(&self, now: u64) -> Span {
        if let job::Period::Span(length) = self.period {
            let length = length.as_secs().max(1);
            let start = now - now % length;
            return Span { start, end: start + length };
        }
        self.calendar(now).unwrap_or(Span { start: now - now % 86_400, end: now - now % 86_400 + 86_400 })
    }

    fn calendar(&self, now: u64) -> Option<Span> {
        let now = Timestamp::from_second(i64::try_from(now).ok()?).ok()?;
        // Within the day that begins at `renews_at`.
        let day = now.checked_sub(self.renews_at).ok()?.to_zoned(self.zone.clone()).date();
        // Where clocks were changed meanwhile the day may be the one before or after.
        for first in [self.first(day.tomorrow().ok()?)?, self.first(day)?, self.first(day.yesterday().ok()?)?]
        {
            let (start, end) = (self.begins(first)?, self.begins(self.after(first)?)?);
            if start <= now && now < end {
                let seconds = |moment: Timestamp| u64::try_from(moment.as_second()).ok();
                return Some(Span { start: seconds(start)?, end: seconds(end)? });
            }
        }
        None
    }

    /// The first day of the period that a day lies in.
    fn first(&self, day: Date) -> Option<Date> {
        match self.period {
            job::Period::Month => Some(day.first_of_month()),
            job::Period::Week if day.weekday() != Weekday::Monday => {
                day.nth_weekday(-1, Weekday::Monday).ok()
            }
            _ => Some(day),
        }
    }

    /// The first day of the next period.
    fn after(&self, first: Date) -> Option<Date> {
        let span = match self.period {
            job::Period::Month => 1.month(),
            job::Period::Week => 1.week(),
            _ => 1.day(),
        };
        first.checked_add(span).ok()
    }

    /// When the period begins whose first day this is.
    fn begins(&self, first: Date) -> Option<Timestamp> {
        let midnight = first.at(0, 0, 0, 0).checked_add(self.renews_at).ok()?;
        Some(midnight.to_zoned(self.zone.clone()).ok()?.timestamp())
    }

    /// The place where it is counted, if it is.
    pub(super) fn known_place(&self, page: &[std::sync::atomic::AtomicU64]) -> Option<usize> {
        (0..words::QUOTAS).find(|&at| words::quota(page, at).key.load(Acquire) == self.key)
    }

    /// The place where it is counted, taken where it has none yet; `None` where all are taken by others.
    pub(super) fn place(&self, page: &[std::sync::atomic::AtomicU64]) -> Option<usize> {
        let places = || (0..words::QUOTAS).map(|at| (at, words::quota(page, at)));
        let known = places().find(|(_, quota)| quota.key.load(Acquire) == self.key);
        let free = || places().find(|(_, quota)| quota.key.load(Acquire) == 0);
        // The oldest makes room: nobody asks for it any more.
        let oldest = || places().min_by_key(|(_, quota)| quota.start.load(Acquire));
        let (at, quota) = known.or_else(free).or_else(oldest)?;
        if quota.key.load(Acquire) != self.key {
            quota.used.store(0, Release);
            quota.noted.store(0, Release);
            quota.to_be_noted.store(0, Release);
            quota.start.store(0, Release);
            quota.until.store(0, Release);
            quota.key.store(self.key, Release);
        }
        quota.amount.store(self.amount, Release);
        Some(at)
    }

    /// Begins a new window where the old one is over. Only under the budget's lock.
    pub(super) fn renew(&self, quota: &QuotaWords<'_>, now: u64) {
        let (Span { start, end }, standing) = (self.span(now), quota.start.load(Acquire));
        if standing == start || (standing > start && standing - start < AHEAD) {
            return;
        }
        quota.used.store(0, Release);
        quota.noted.store(0, Release);
        quota.to_be_noted.store(0, Release);
        quota.until.store(end, Release);
        quota.start.store(start, Release);
    }

    /// Whether the window that stands there is the present one.
    pub(super) fn is_current(&self, quota: &QuotaWords<'_>, span: &Span) -> bool {
        let standing = quota.start.load(Acquire);
        standing == span.start || (standing > span.start && standing - span.start < AHEAD)
    }

    /// Takes units; false where they are not there any more.
    pub(super) fn take(&self, quota: &QuotaWords<'_>, units: u64) -> bool {
        let taken = quota.used.fetch_update(AcqRel, Acquire, |used| {
            let after = used.saturating_add(units);
            (after <= self.amount).then_some(after)
        });
        taken.is_ok()
    }

    /// More units were used than were taken, or fewer: the difference.
    pub(super) fn correct(&self, quota: &QuotaWords<'_>, units: i64) {
        let corrected = |used: u64| Some(used.saturating_add_signed(units));
        // The function always gives a value.
        let _ = quota.used.fetch_update(AcqRel, Acquire, corrected);
    }

    /// What is noted ahead.
    fn ahead(&self) -> u64 {
        (self.amount / 100).clamp(1, 10_000)
    }

    /// Whether it is time to note more: early, so that nobody has to wait for the disk.
    pub(super) fn is_to_be_noted(&self, quota: &QuotaWords<'_>) -> bool {
        quota.used.load(Acquire).saturating_add(self.ahead() / 2) > quota.noted.load(Acquire)
    }

    /// Whether more is used than the disk knows of.
    pub(super) fn is_beyond_note(&self, quota: &QuotaWords<'_>) -> bool {
        quota.used.load(Acquire) > quota.noted.load(Acquire)
    }

    /// Notes what is used and some ahead, once `sync` has written the page to the disk. Only under the budget's lock.
    pub(super) fn note(&self, quota: &QuotaWords<'_>, sync: impl FnOnce()) {
        let noted = quota.used.load(Acquire).saturating_add(self.ahead());
        quota.to_be_noted.store(noted, Release);
        sync();
        quota.noted.store(noted, Release);
    }
}

/// What was used counts as what was noted on the disk: the machine was started anew since.
pub(super) fn after_restart(page: &[std::sync::atomic::AtomicU64]) {
    for at in 0..words::QUOTAS {
        let quota = words::quota(page, at);
        let words = [quota.noted, quota.to_be_noted, quota.used];
        let most = words.into_iter().map(|word| word.load(Acquire)).max().unwrap_or_default();
        quota.used.store(most, Relaxed);
    }
}

/// A number for a text, never 0.
fn number_of(text: &str) -> u64 {
    let digits = digest::sha256(text.as_bytes());
    u64::from_str_radix(&digits[..16], 16).unwrap_or(1).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn seconds(text: &str) -> u64 {
        text.parse::<Timestamp>().unwrap().as_second() as u64
    }

    fn quota(per: job::Period, hours: u64, zone: &str) -> Quota {
        let renews_at = Duration::from_secs(hours * 3600);
        Quota::of(&job::Quota { amount: 10, per, renews_at, zone: zone.into() })
    }

    fn span(quota: &Quota, now: &str) -> [String; 2] {
        let Span { start, end } = quota.span(seconds(now));
        [start, end].map(|second| Timestamp::from_second(second as i64).unwrap().to_string())
    }

    #[test]
    fn days_begin_at_their_hour_in_their_zone() {
        let utc = quota(job::Period::Day, 0, "UTC");
        assert_eq!(span(&utc, "2026-11-25T23:59:59Z"), ["2026-11-25T00:00:00Z", "2026-11-26T00:00:00Z"]);
        let berlin = quota(job::Period::Day, 9, "Europe/Berlin");
        assert_eq!(span(&berlin, "2026-11-25T07:59:59Z"), ["2026-11-24T08:00:00Z", "2026-11-25T08:00:00Z"]);
        assert_eq!(span(&berlin, "2026-11-25T08:00:00Z"), ["2026-11-25T08:00:00Z", "2026-11-26T08:00:00Z"]);
    }

    #[test]
    fn a_day_on_which_clocks_change_is_shorter_or_longer() {
        let berlin = quota(job::Period::Day, 0, "Europe/Berlin");
        assert_eq!(span(&berlin, "2026-03-29T12:00:00Z"), ["2026-03-28T23:00:00Z", "2026-03-29T22:00:00Z"]);
        assert_eq!(span(&berlin, "2026-10-25T22:30:00Z"), ["2026-10-24T22:00:00Z", "2026-10-25T23:00:00Z"]);
        // From hour to hour through the year, every moment lies in its window, and windows meet.
        let late = quota(job::Period::Day, 2, "Europe/Berlin");
        let mut at = seconds("2026-01-01T12:00:00Z");
        while at < seconds("2027-01-02T00:00:00Z") {
            let span = late.span(at);
            assert!(span.start <= at && at < span.end);
            assert_eq!(late.span(span.end).start, span.end);
            at += 1800;
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let week = quota(job::Period::Week, 0, "UTC");
        assert_eq!(span(&week, "2026-11-25T10:00:00Z"), ["2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"]);
        assert_eq!(span(&week, "2026-11-23T00:00:00Z"), ["2026-11-23T00:00:00Z", "2026-11-30T00:00:00Z"]);
        let month = quota(job::Period::Month, 6, "UTC");
        assert_eq!(span(&month, "2026-12-01T05:59:59Z"), ["2026-11-01T06:00:00Z", "2026-12-01T06:00:00Z"]);
    }

    #[test]
    fn spans_follow_one_another_since_1970() {
        let span = quota(job::Period::Span(Duration::from_secs(20)), 0, "UTC").span(1_000_039);
        assert_eq!((span.start, span.end), (1_000_020, 1_000_040));
    }

    #[test]
    fn what_is_noted_counts_once_it_is_on_the_disk_and_after_a_restart_in_any_case() {
        let page: Vec<_> = (0..words::WORDS).map(|_| std::sync::atomic::AtomicU64::new(0)).collect();
        let quota = Quota { amount: 1000, ..quota(job::Period::Day, 0, "UTC") };
        let words = words::quota(&page, quota.place(&page).unwrap());
        assert!(quota.take(&words, 300) && quota.is_beyond_note(&words));
        let mut synced = 0;
        quota.note(&words, || {
            synced += 1;
            assert_eq!((words.to_be_noted.load(Acquire), words.noted.load(Acquire)), (310, 0));
        });
        assert_eq!((synced, words.noted.load(Acquire)), (1, 310));
        assert!(quota.take(&words, 5) && !quota.is_to_be_noted(&words));
        assert!(quota.take(&words, 1) && quota.is_to_be_noted(&words) && !quota.is_beyond_note(&words));
        // The power goes while the next note is on its way to the disk, and this much has come there.
        words.to_be_noted.store(320, Release);
        words.used.store(0, Release);
        after_restart(&page);
        assert_eq!(words.used.load(Acquire), 320);
    }
}

//! What a run will cost, in words: for `plan` line by line, for `run` in a few.

use std::time::Duration;

use super::numbers::{count, counted, duration, size};
use crate::job::{Counts, Job, Limit, Period};
use crate::plan::price::{Budget, Price, QuotaUse};

/// Lines of a label and what it says; `disk` says where that much of it is taken.
pub(super) fn in_full(job: &Job, price: &Price, disk: &str) -> Vec<(&'static str, String)> {
    let mut lines = vec![("requests", requests(price))];
    lines.extend(time(job, price).map(|text| ("time", text)));
    lines.extend(price.budgets.iter().filter_map(|budget| Some(("quota", quota(job, budget)?))));
    lines.extend(price.budgets.iter().filter_map(|budget| Some(("cost", untold(job, budget)?))));
    lines.extend(unforeseen(job, price).map(|text| ("limits", text)));
    lines.push(("disk", format!("about {} {disk}", size(price.disk))));
    lines
}

/// What is worth saying in a line: `3 min 20 s at the limits, 3 days at the quota of shop, `; nothing where no limit
/// tells.
pub(super) fn in_short(job: &Job, price: &Price) -> String {
    let time = price.longest().map(|(_, time)| format!("{} at the limits, ", duration(time)));
    let worst = price.budgets.iter().filter_map(|budget| Some((budget.limit, budget.quota?.periods)));
    let worst = worst.filter(|(_, periods)| *periods > 1).rev().max_by_key(|(_, periods)| *periods);
    let quota = worst.and_then(|(limit, periods)| {
        let limit = &job.limits[limit];
        Some(format!("{} at the quota of {}, ", in_periods(periods, limit.quota.as_ref()?.per), limit.name))
    });
    time.unwrap_or_default() + &quota.unwrap_or_default()
}

fn requests(price: &Price) -> String {
    let more = match price.alone {
        0 => String::new(),
        alone => format!(", and up to {} more for ids that their batch does not answer", count(alone)),
    };
    let sure = match price.conditional {
        0 => format!("{} at least", count(price.requests)),
        maybe => format!(
            "{} at least, {} if every `when` holds",
            count(price.requests - maybe),
            count(price.requests)
        ),
    };
    sure + &more
}

fn time(job: &Job, price: &Price) -> Option<String> {
    let (budget, time) = price.longest()?;
    let limit = &job.limits[budget.limit];
    let rate = limit.rate?;
    let allowed = format!("{} {}", amount(limit, rate.amount), each(rate.per));
    Some(format!("{} at least ({} allows {allowed})", duration(time), limit.name))
}

fn quota(job: &Job, budget: &Budget) -> Option<String> {
    let (limit, used) = (&job.limits[budget.limit], budget.quota?);
    let quota = limit.quota.as_ref()?;
    let of = format!("{} {} at {}", amount(limit, quota.amount), each_period(quota.per), limit.name);
    let left = used.remaining.filter(|left| *left < quota.amount);
    let left = left.map(|left| format!(", of which {} are left", count(left))).unwrap_or_default();
    Some(match used.periods {
        0 | 1 => format!("{} of {of}{left}", percent(used)),
        periods => format!(
            "{}: {} of {of}{left}; the run pauses and goes on when it is repeated",
            in_periods(periods, quota.per),
            count(budget.load),
        ),
    })
}

fn untold(job: &Job, budget: &Budget) -> Option<String> {
    let names: Vec<&str> = budget.untold.iter().map(|&at| job.endpoints[at].name.as_str()).collect();
    let limit = &job.limits[budget.limit];
    (!names.is_empty()).then(|| {
        format!(
            "what {} takes of {} is known only from its answers, and is not counted here",
            names.join(" and "),
            limit.name
        )
    })
}

fn unforeseen(job: &Job, price: &Price) -> Option<String> {
    let names: Vec<&str> = price.unforeseen.iter().map(|&at| job.limits[at].name.as_str()).collect();
    (!names.is_empty()).then(|| format!("{} not counted: the list names the hosts", names.join(", ")))
}

/// `1,000`, `90,000 tokens`.
fn amount(limit: &Limit, amount: u64) -> String {
    match &limit.counts {
        Counts::Requests => count(amount),
        Counts::Cost(unit) => format!("{} {unit}", count(amount)),
    }
}

fn percent(used: QuotaUse) -> String {
    match used.share * 100.0 {
        0.0 => "0 %".to_owned(),
        percent if percent < 0.1 => "less than 0.1 %".to_owned(),
        percent if percent < 10.0 => format!("{percent:.1} %"),
        percent => format!("{percent:.0} %"),
    }
}

/// `a second`, `in 5s`.
fn each(time: Duration) -> String {
    let word = match (time.as_secs(), time.subsec_nanos()) {
        (1, 0) => "a second",
        (60, 0) => "a minute",
        (3600, 0) => "an hour",
        (86_400, 0) => "a day",
        _ => return format!("in {}", humantime::format_duration(time)),
    };
    word.to_owned()
}

fn each_period(period: Period) -> String {
    match period {
        Period::Day => "a day".to_owned(),
        Period::Week => "a week".to_owned(),
        Period::Month => "a month".to_owned(),
        Period::Span(time) => each(time),
    }
}

/// `3 days`, `3 times 6h`.
fn in_periods(periods: u64, period: Period) -> String {
    let noun = match period {
        Period::Day => "day",
        Period::Week => "week",
        Period::Month => "month",
        Period::Span(time) => {
            return format!("{} times {}", count(periods), humantime::format_duration(time));
        }
    };
    counted(periods, noun)
}

#[cfg(test)]
mod tests;

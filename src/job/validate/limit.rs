//! `[limit.NAME]`: names that are hosts or words, each given once, and budgets that can be kept.

use std::time::Duration;

use super::{hosts, zone};
use crate::job::limit::{Counts, Limit, Period, Quota, Rate};
use crate::job::mistake::{Mistakes, Span};
use crate::job::raw::{self, AnyQuota, At};

/// Most limits: a process holds a place in each of them.
const MOST_LIMITS: usize = 64;

/// Most bytes of a name that is no host.
const LONGEST_NAME: usize = 63;

/// A limit as it is written, and its name as a job has it; none where that is wrong.
pub(super) struct Written<'a> {
    pub key: &'a At<String>,
    pub name: Option<String>,
    pub limit: Option<&'a raw::Limit>,
}

impl Written<'_> {
    /// Whether a part of it is wrong, so that nothing can be said of its use.
    pub(super) fn is_unclear(&self) -> bool {
        self.name.is_none() || self.limit.is_none_or(|limit| !limit.whole || clash(limit).is_some())
    }

    /// The word for the units that it counts; none where it counts requests.
    pub(super) fn unit(&self) -> Option<&str> {
        self.limit.and_then(units).filter(|unit| !is_requests(unit))
    }
}

/// The limits of a file, in its order.
pub(super) fn written<'a>(file: &'a raw::JobFile, mistakes: &mut Mistakes) -> Vec<Written<'a>> {
    let Some(limits) = &file.limit else { return Vec::new() };
    let entries = &limits.value.0.0;
    if let Some(first_too_many) = entries.get(MOST_LIMITS) {
        let message = format!("{} limits are too many", entries.len());
        mistakes.add(&first_too_many.name.span, message, format!("a job has at most {MOST_LIMITS}"));
    }
    let mut all: Vec<Written<'a>> = Vec::with_capacity(entries.len());
    for entry in entries {
        let name = name_of(entry.name.text());
        match &name {
            None => note_unfit(&entry.name, mistakes),
            Some(name) => {
                if let Some(other) = all.iter().find(|other| other.name.as_ref() == Some(name)) {
                    let hint =
                        format!("[limit] has `{}` already: give all its keys in one place", other.key.value);
                    mistakes.add(&entry.name.span, format!("a second limit named `{name}`"), hint);
                }
            }
        }
        let limit = entry.value.as_ref().map(|limit| &limit.value);
        all.push(Written { key: &entry.name, name, limit });
    }
    all
}

/// What is meant by the name of a limit: `host`, `host:port` or a word, capitals making no difference.
pub(super) fn name_of(text: &str) -> Option<String> {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    match text.rsplit_once(':') {
        Some((host, port)) if is_port(port) && !host.ends_with(':') => {
            let port = port.parse::<u16>().ok().filter(|port| *port > 0)?;
            Some(format!("{}:{port}", hosts::host(host)?))
        }
        _ if is_word(text) => Some(text.to_ascii_lowercase()),
        _ => hosts::host(text),
    }
}

fn is_word(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b'-';
    (1..=LONGEST_NAME).contains(&text.len()) && text.bytes().all(fits)
}

/// Notes that a name can be none of a limit.
pub(super) fn note_unfit(key: &At<String>, mistakes: &mut Mistakes) {
    let hint = "write a host such as \"www.example.com\" or \"localhost:8080\", without scheme or path, or a word that \
                endpoints name with limit = \"…\"";
    mistakes.add(&key.span, format!("\"{}\" is no name for a limit", key.value), hint);
}

/// The limits; none where one is wrong.
pub(super) fn all(written: &[Written<'_>], mistakes: &mut Mistakes) -> Option<Vec<Limit>> {
    let limits: Vec<Option<Limit>> = written.iter().map(|written| validated(written, mistakes)).collect();
    limits.into_iter().collect()
}

fn validated(written: &Written<'_>, mistakes: &mut Mistakes) -> Option<Limit> {
    let limit = written.limit?;
    let says_nothing = limit.rate.is_none() && limit.in_flight.is_none() && limit.quota.is_none();
    if limit.whole && says_nothing && limit.burst.is_none() {
        let hint = "add rate = \"200/s\", in_flight = 64 or quota = \"100000/day\", or leave it out";
        mistakes.add(&written.key.span, "a limit that says nothing", hint);
    }
    check_units(limit, mistakes);
    check_burst(limit, mistakes);
    let rate = limit.rate.as_ref().map(|rate| &rate.value);
    Some(Limit {
        name: written.name.clone()?,
        rate: rate.map(|rate| Rate { amount: rate.number, per: rate.per }),
        burst: limit.burst.as_ref().map_or(1, |burst| burst.value.0),
        in_flight: limit.in_flight.as_ref().map(|count| count.value.0 as u32),
        quota: limit.quota.as_ref().and_then(|quota| validated_quota(&quota.value, mistakes)),
        counts: match written.unit() {
            Some(unit) => Counts::Cost(unit.to_owned()),
            None => Counts::Requests,
        },
    })
}

/// The word of rate or quota; where both have one, they are the same.
fn units(limit: &raw::Limit) -> Option<&str> {
    let of_rate = limit.rate.as_ref().and_then(|rate| rate.value.unit.as_deref());
    let quota = limit.quota.as_ref().and_then(|quota| quota.value.amount());
    of_rate.or_else(|| quota.and_then(|amount| amount.value.unit.as_deref()))
}

fn is_requests(unit: &str) -> bool {
    ["request", "requests"].iter().any(|word| unit.eq_ignore_ascii_case(word))
}

/// What rate and quota count, and where the quota stands, if that is not the same.
fn clash(limit: &raw::Limit) -> Option<(&str, &str, &Span)> {
    let (rate, quota) = (limit.rate.as_ref()?, limit.quota.as_ref()?.value.amount()?);
    let [of_rate, of_quota] = [&rate.value.unit, &quota.value.unit].map(|unit| match unit {
        Some(unit) if !is_requests(unit) => unit.as_str(),
        _ => "requests",
    });
    (of_rate != of_quota).then_some((of_rate, of_quota, &quota.span))
}

/// Notes a rate and a quota that count different things.
fn check_units(limit: &raw::Limit, mistakes: &mut Mistakes) {
    if let Some((of_rate, of_quota, quota)) = clash(limit) {
        let message = format!("the rate counts {of_rate}, the quota {of_quota}");
        let hint = "write the same word in both, or make two limits and name both: limit = [\"…\", \"…\"]";
        mistakes.add(quota, message, hint);
    }
}

/// A burst is what a rest has earned: a rest of a day at the most, so that it can be told from a quota, and so that
/// what is owed stays within what a clock counts.
fn check_burst(limit: &raw::Limit, mistakes: &mut Mistakes) {
    let Some(burst) = &limit.burst else { return };
    let Some(rate) = limit.rate.as_ref().map(|rate| &rate.value) else {
        if limit.whole {
            let hint = "add rate = \"…\", or leave it out: it is how much of the rate may be spent at once";
            mistakes.add(&burst.span, "`burst` without `rate`", hint);
        }
        return;
    };
    let a_day = Duration::from_secs(24 * 60 * 60).as_nanos();
    let most = a_day * u128::from(rate.number) / rate.per.as_nanos();
    if u128::from(burst.value.0) > most {
        let message = format!("a burst of {} is more than the rate gives in a day", burst.value.0);
        mistakes.add(&burst.span, message, format!("write a number from 1 to {most}; more is a `quota`"));
    }
}

fn validated_quota(quota: &AnyQuota, mistakes: &mut Mistakes) -> Option<Quota> {
    let table = quota.table();
    let zone = table.and_then(|table| table.zone.as_ref()).map(|zone| zone::checked(zone, mistakes));
    let amount = &quota.amount()?.value;
    if let (Period::Span(_), Some(table)) = (amount.per, table) {
        let renews_at = table.renews_at.as_ref().map(|time| ("renews_at", &time.span));
        let zone = table.zone.as_ref().map(|zone| ("zone", &zone.span));
        for (key, span) in renews_at.into_iter().chain(zone) {
            let hint = "leave it out: it is for a quota per day, week or month";
            mistakes.add(
                span,
                format!("`{key}` of a quota that is for no calendar day, week or month"),
                hint,
            );
        }
    }
    Some(Quota {
        amount: amount.number,
        per: amount.per,
        renews_at: table
            .and_then(|table| table.renews_at.as_ref())
            .map_or(Duration::ZERO, |time| time.value.0),
        zone: zone.unwrap_or_else(|| "UTC".to_owned()),
    })
}

//! `[limit.NAME]`: the budgets that requests are taken from.

use std::time::Duration;

use super::Job;

/// A budget. All processes of the user on this machine share it, whichever jobs they run.
#[derive(Debug, Clone, PartialEq)]
pub struct Limit {
    /// A host, `host:port`, or a name that endpoints mention in their `limit`; in lower case. Hosts as
    /// [`url::Url::host_str`] gives them, without a point at the end.
    pub name: String,
    /// How fast.
    pub rate: Option<Rate>,
    /// How much of the rate may be spent at once after a rest: requests, or units of cost. Default 1.
    pub burst: u64,
    /// Requests in flight at once.
    pub in_flight: Option<u32>,
    /// How much in a longer time, counted by the wall clock and kept over restarts.
    pub quota: Option<Quota>,
    /// What rate, burst and quota count.
    pub counts: Counts,
}

/// What a limit counts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Counts {
    /// HTTP requests (the default).
    Requests,
    /// What each endpoint's `cost` says; the word is the user's own: `90000 tokens/min`.
    Cost(String),
}

/// So much in a time, evenly.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    /// Requests, or units of cost; at least 1.
    pub amount: u64,
    /// At least a millisecond.
    pub per: Duration,
}

impl Rate {
    /// As a job file spells it: `100/s`, `90000 tokens/min`.
    pub fn spelled(&self, counts: &Counts) -> String {
        let unit = match self.per.as_millis() {
            1_000 => "s".to_owned(),
            60_000 => "min".to_owned(),
            3_600_000 => "h".to_owned(),
            86_400_000 => "day".to_owned(),
            _ => humantime::format_duration(self.per).to_string(),
        };
        match counts {
            Counts::Requests => format!("{}/{unit}", self.amount),
            Counts::Cost(word) => format!("{} {word}/{unit}", self.amount),
        }
    }
}

/// So much in a period, at any pace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quota {
    /// Requests, or units of cost; at least 1.
    pub amount: u64,
    /// The period.
    pub per: Period,
    /// When a day, week or month begins: the time since midnight. Default 0.
    pub renews_at: Duration,
    /// IANA time zone of `renews_at`. Default UTC.
    pub zone: String,
}

/// How long a quota lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// A calendar day.
    Day,
    /// A calendar week from Monday.
    Week,
    /// A calendar month from its first day.
    Month,
    /// Windows of this length, one after the other since 1970-01-01T00:00:00Z; a whole number of seconds.
    Span(Duration),
}

impl Job {
    /// Indices of the limits of a host, for one that is known only when it is asked: that of a whole URL from the list,
    /// or of a redirect. `host` is as [`url::Url::host_str`] gives it, `port` that of the scheme where the URL has none.
    pub fn limits_of_host(&self, host: &str, port: u16) -> impl Iterator<Item = usize> {
        let limits = self.limits.iter().enumerate();
        limits.filter(move |(_, limit)| is_of(&limit.name, host, port)).map(|(index, _)| index)
    }
}

/// Whether a limit of that name is one of the host, or of its port alone.
pub(super) fn is_of(name: &str, host: &str, port: u16) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    match name.strip_prefix(host) {
        Some("") => true,
        Some(rest) => rest.strip_prefix(':').is_some_and(|named| named.parse() == Ok(port)),
        None => false,
    }
}

/// What a request costs where a limit counts units.
#[derive(Debug, Clone, PartialEq)]
pub enum Cost {
    /// Each the same.
    Constant(u64),
    /// A jq expression on the answer: known afterwards.
    Answer(String),
}

//! Limits that headers name together with their window.
//!
//! Promise: only what a server says in full becomes a limit; a number without its window is told. (windrow obeys what is
//! left of a limit by itself, see `fetch`.)
//!
//! | fields | whose they are |
//! |---|---|
//! | `RateLimit-Policy: "default";q=100;w=60` | IETF drafts -08 and later |
//! | `RateLimit-Policy: 100;w=60`, `RateLimit-Limit: 100, 100;w=60` | the drafts before; express-rate-limit |
//! | `X-RateLimit-Limit-Minute: 60`, also `Second`, `Hour`, `Day` | Kong |
//! | `X-Rate-Limit-Limit: 50`, `X-Rate-Limit-Interval: 1s` | Crossref |

use std::time::Duration;

use sfv::{List, ListEntry, Parameters, Parser};

use super::{Proposed, Sample};

const DAY: u64 = 24 * 60 * 60;

/// A number of requests in so many seconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Policy {
    requests: u64,
    seconds: u64,
}

impl Policy {
    fn new(requests: u64, seconds: u64) -> Option<Policy> {
        (requests > 0 && (1..=31 * DAY).contains(&seconds)).then_some(Policy { requests, seconds })
    }

    /// `100/min`
    fn spelled(self) -> String {
        let Policy { requests, seconds } = self;
        match seconds {
            1 => format!("{requests}/s"),
            60 => format!("{requests}/min"),
            3600 => format!("{requests}/h"),
            DAY => format!("{requests}/day"),
            _ => format!("{requests}/{seconds}s"),
        }
    }

    /// What lasts for a day or longer is counted by the clock, and not spread.
    fn is_quota(self) -> bool {
        self.seconds >= DAY
    }

    fn per_second(self) -> f64 {
        self.requests as f64 / self.seconds as f64
    }
}

/// Proposes keys of the host's limit.
pub(super) fn proposed(
    samples: &[Sample],
    notes: &mut Vec<String>,
) -> Option<Proposed<Vec<(String, String)>>> {
    let found = samples.iter().find_map(|sample| Some(policies(sample)).filter(|found| !found.is_empty()));
    let Some(found) = found else {
        tell_of_limits(samples, notes);
        return None;
    };
    let strictest = |is_quota: bool| {
        let those = found.iter().filter(|(policy, _)| policy.is_quota() == is_quota);
        those.min_by(|(one, _), (other, _)| one.per_second().total_cmp(&other.per_second()))
    };
    let (rate, quota) = (strictest(false), strictest(true));
    let keys = [("rate", rate), ("quota", quota)];
    let keys =
        keys.into_iter().filter_map(|(key, found)| Some((key.to_owned(), found?.0.spelled()))).collect();
    let because = rate.or(quota).map(|(_, header)| header.clone()).unwrap_or_default();
    Some(Proposed::new(keys, because))
}

fn field<'s>(sample: &'s Sample, name: &str) -> Option<&'s str> {
    sample.headers.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str())
}

/// Limits with their windows, and the header that says them.
fn policies(sample: &Sample) -> Vec<(Policy, String)> {
    let mut found = Vec::new();
    for name in [
        "ratelimit-policy",
        "ratelimit-limit",
        "x-ratelimit-policy",
        "x-ratelimit-limit",
        "x-rate-limit-limit",
    ] {
        let Some(value) = field(sample, name) else { continue };
        found.extend(structured(value).into_iter().map(|policy| (policy, format!("{name}: {value}"))));
    }
    let named = sample
        .headers
        .iter()
        .filter_map(|(name, value)| Some((by_name(name, value)?, format!("{name}: {value}"))));
    found.extend(named);
    if found.is_empty() {
        found.extend(in_pairs(sample));
    }
    found
}

/// Items with `q` and `w`, or numbers with `w`. What is malformed says nothing, as the drafts say.
fn structured(value: &str) -> Vec<Policy> {
    let Ok(list) = Parser::new(value).parse::<List>() else { return Vec::new() };
    let number = |parameters: &Parameters, key: &str| {
        let item = parameters.get(key)?.as_integer()?;
        u64::try_from(i64::from(item)).ok()
    };
    let policy = |entry: &ListEntry| {
        let ListEntry::Item(item) = entry else { return None };
        let bare = item.bare_item.as_integer().and_then(|number| u64::try_from(i64::from(number)).ok());
        let seconds = number(&item.params, "w").or_else(|| number(&item.params, "window"))?;
        Policy::new(number(&item.params, "q").or(bare)?, seconds)
    };
    list.iter().filter_map(policy).collect()
}

/// Names that have the window in them.
fn by_name(name: &str, value: &str) -> Option<Policy> {
    let window =
        name.strip_prefix("x-ratelimit-limit-").or_else(|| name.strip_prefix("x-rate-limit-limit-"))?;
    let seconds = match window {
        "second" => 1,
        "minute" => 60,
        "hour" => 3600,
        "day" => DAY,
        _ => return None,
    };
    Policy::new(value.trim().parse().ok()?, seconds)
}

/// A limit beside its window.
fn in_pairs(sample: &Sample) -> Option<(Policy, String)> {
    let stem = ["x-ratelimit", "x-rate-limit"]
        .into_iter()
        .find(|stem| field(sample, &format!("{stem}-limit")).is_some())?;
    let limit = field(sample, &format!("{stem}-limit"))?;
    let (name, window) = ["interval", "window", "period"].iter().find_map(|ending| {
        let name = format!("{stem}-{ending}");
        field(sample, &name).map(|window| (name, window))
    })?;
    let policy = Policy::new(limit.trim().parse().ok()?, seconds(window.trim())?)?;
    Some((policy, format!("{stem}-limit: {limit}, {name}: {window}")))
}

/// `60`, `1s`, `1m`: whole seconds.
fn seconds(text: &str) -> Option<u64> {
    let whole = |duration: Duration| (duration.subsec_nanos() == 0).then_some(duration.as_secs());
    text.parse().ok().or_else(|| humantime::parse_duration(text).ok().and_then(whole))
}

/// Tells of a limit whose window nobody knows, and of how long a server wanted to be left alone.
fn tell_of_limits(samples: &[Sample], notes: &mut Vec<String>) {
    let fields = ["ratelimit", "ratelimit-limit", "x-ratelimit-limit", "x-rate-limit-limit"];
    let said =
        samples.iter().find_map(|sample| fields.iter().find_map(|name| Some((*name, field(sample, name)?))));
    if let Some((name, value)) = said {
        notes.push(format!(
            "answers say {name}: {value}, and not in which time: look it up, and add a [limit]"
        ));
    }
    let refused = samples.iter().filter(|sample| sample.status == 429);
    if let Some(wait) = refused.filter_map(|sample| field(sample, "retry-after")).next() {
        notes.push(format!("a 429 asked to wait, retry-after: {wait}"));
    }
}

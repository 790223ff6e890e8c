//! What statuses say by themselves: which answers count, which ids do not exist, what failed.

use std::collections::BTreeMap;

use super::{Proposed, Sample};
use crate::job::toml_text;

/// Samples by what their status says.
pub(super) struct Sorted<'s> {
    /// With a success and something in them.
    pub(super) answers: Vec<&'s Sample>,
    /// Statuses that say that an id does not exist.
    pub(super) missing: Option<Proposed<Vec<u16>>>,
}

/// What a status says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Verdict {
    Answer,
    Missing,
    Empty,
    Pending,
    Refused,
    TooMany,
    Broken,
    Other,
}

fn verdict(sample: &Sample) -> Verdict {
    let is_empty = sample.body.trim().is_empty();
    match sample.status {
        202 => Verdict::Pending,
        200 if is_empty => Verdict::Empty,
        404 | 410 | 204 | 205 => Verdict::Missing,
        201..=299 if is_empty => Verdict::Missing,
        200..=299 => Verdict::Answer,
        401 | 403 | 407 => Verdict::Refused,
        429 => Verdict::TooMany,
        500..=599 => Verdict::Broken,
        _ => Verdict::Other,
    }
}

/// Sorts samples and tells what is no answer.
pub(super) fn sorted<'s>(samples: &'s [Sample], notes: &mut Vec<String>) -> Sorted<'s> {
    let mut by_verdict: BTreeMap<Verdict, Vec<&Sample>> = BTreeMap::new();
    for sample in samples {
        by_verdict.entry(verdict(sample)).or_default().push(sample);
    }
    let answers = by_verdict.remove(&Verdict::Answer).unwrap_or_default();
    let absent = by_verdict.remove(&Verdict::Missing).unwrap_or_default();
    for (verdict, those) in &by_verdict {
        let (what, advice) = told(*verdict);
        let (some, first) = (some_of(those.len(), samples.len()), those[0]);
        notes.push(format!("{some}: {what} (status {}, as for {}){advice}", statuses(those), first.id));
    }
    Sorted { missing: missing(&absent, samples.len(), answers.len(), notes), answers }
}

fn told(verdict: Verdict) -> (&'static str, &'static str) {
    match verdict {
        Verdict::Empty => ("nothing in them", ""),
        Verdict::Pending => ("not ready yet", ": a 202 is asked again until it is another status"),
        Verdict::Refused => ("refused", ": is the secret right, and may it ask this?"),
        Verdict::TooMany => ("turned away as too many", ": give the host a [limit]"),
        Verdict::Broken => ("errors of the server", ""),
        Verdict::Other => {
            ("failures", ": if it means that the id does not exist, add the status to `missing`")
        }
        Verdict::Answer | Verdict::Missing => ("as usual", ""),
    }
}

/// `404, 410`
fn statuses(samples: &[&Sample]) -> String {
    let mut all: Vec<u16> = samples.iter().map(|sample| sample.status).collect();
    all.sort_unstable();
    all.dedup();
    all.iter().map(u16::to_string).collect::<Vec<_>>().join(", ")
}

/// `3 of 20 answers`
pub(super) fn some_of(some: usize, all: usize) -> String {
    let answers = if all == 1 { "answer" } else { "answers" };
    if some == all && all > 1 { format!("all {all} {answers}") } else { format!("{some} of {all} {answers}") }
}

fn missing(
    absent: &[&Sample],
    all: usize,
    answers: usize,
    notes: &mut Vec<String>,
) -> Option<Proposed<Vec<u16>>> {
    let first = absent.first()?;
    let seen = statuses(absent);
    if answers == 0 {
        let some = some_of(absent.len(), all);
        notes.push(format!("{some} had status {seen}, and none was a success: is the URL right?"));
        return None;
    }
    let value = seen.split(", ").filter_map(|status| status.parse().ok()).collect();
    Some(Proposed::new(
        value,
        format!("{} had status {seen}, as for {}", some_of(absent.len(), all), first.id),
    ))
}

/// The key `missing` of statuses and a condition, which is jq.
pub(super) fn joined(
    statuses: Option<Proposed<Vec<u16>>>,
    condition: Option<Proposed<String>>,
) -> Option<Proposed<String>> {
    let numbers = |statuses: &[u16]| statuses.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    match (statuses, condition) {
        (None, None) => None,
        (Some(statuses), None) => {
            Some(Proposed::new(format!("[{}]", numbers(&statuses.value)), statuses.because))
        }
        (None, Some(condition)) => Some(Proposed::new(toml_text(&condition.value), condition.because)),
        (Some(statuses), Some(condition)) => {
            let value = format!("[{}, {}]", numbers(&statuses.value), toml_text(&condition.value));
            Some(Proposed::new(value, format!("{}; {}", statuses.because, condition.because)))
        }
    }
}

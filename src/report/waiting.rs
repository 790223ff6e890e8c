//! What only waits: how much, and for what.

use std::collections::BTreeMap;

use super::failures;
use super::numbers::{count, minute_after};
use crate::budget::{LimitState, known, state_folder};
use crate::handoff::store::now_micros;
use crate::handoff::{Plan, RunStore};
use crate::job::{Endpoint, Job};
use crate::merge::{self, MergeError};
use crate::record::Kind;

/// A quota or a pause that holds requests up: whose, and when it is over, in seconds since 1970.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBy {
    /// The limit or the host.
    pub name: String,
    /// When it is over.
    pub until: u64,
}

/// How many requests of a run wait, by kind.
///
/// # Errors
/// Its files cannot be read.
pub async fn of_run(run: &RunStore, plan: &Plan, job: &Job) -> Result<BTreeMap<Kind, u64>, MergeError> {
    let found = merge::query(run, Some(job), &failures::waiting(plan), None).await?;
    let read = |row: Vec<Option<String>>| {
        let [word, number] = <[Option<String>; 2]>::try_from(row).ok()?;
        let word = word?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
        Some((kind, number?.parse().ok()?))
    };
    Ok(found.rows.into_iter().filter_map(read).collect())
}

/// What holds up a job's requests now; nothing where that cannot be known.
pub fn held_now(job: &Job) -> Option<HeldBy> {
    let second = u64::try_from(now_micros() / 1_000_000).unwrap_or(0);
    held_by(job, &known(&state_folder(), second).ok()?, second)
}

/// What holds up a job's requests by now, the longest first, of all that is known at that second.
pub fn held_by(job: &Job, known: &[LimitState], second: u64) -> Option<HeldBy> {
    let is_ours = |state: &&LimitState| {
        let is_it = |name: &str| {
            let host = state.name.rsplit_once(':').map(|(host, _)| host);
            name == state.name || state.is_host && host == Some(name)
        };
        let asked = job.endpoints.iter().filter_map(Endpoint::literal_host);
        job.limits.iter().any(|limit| is_it(&limit.name)) || state.is_host && asked.into_iter().any(is_it)
    };
    let held = |state: &LimitState| {
        let paused = state.paused.map(|time| second.saturating_add(time.as_secs()));
        let used =
            state.quotas.iter().filter(|quota| quota.used >= quota.amount).map(|quota| quota.renews_at);
        let until = used.chain(paused).max()?;
        Some(HeldBy { name: state.name.clone(), until })
    };
    known.iter().filter(is_ours).filter_map(held).max_by_key(|held| held.until)
}

/// `1,990 requests wait: the quota of NAME is used up until 2026-11-30 00:00 UTC`.
pub fn line(waiting: &BTreeMap<Kind, u64>, held: Option<&HeldBy>) -> String {
    let number: u64 = waiting.values().sum();
    let verb = if number == 1 { "request waits" } else { "requests wait" };
    format!("{} {verb}: {}", count(number), reasons(waiting, held))
}

/// What all that wait are waiting for. Where something else ended the run, that is why the rest was interrupted.
pub fn reasons(waiting: &BTreeMap<Kind, u64>, held: Option<&HeldBy>) -> String {
    let own = |kind: &&Kind| **kind != Kind::Interrupted || waiting.len() == 1;
    waiting.keys().filter(own).map(|kind| why(*kind, held)).collect::<Vec<_>>().join("; ")
}

/// Why requests of a kind wait.
fn why(kind: Kind, held: Option<&HeldBy>) -> String {
    match (kind, held) {
        (Kind::Quota, Some(held)) => {
            format!("the quota of {} is used up until {}", held.name, minute_after(held.until))
        }
        (Kind::Quota, None) => "a quota was used up, and there is a new one by now".to_owned(),
        (Kind::MaxRequests, _) => "--max-requests was used up".to_owned(),
        (Kind::Token, _) => "no access token could be had".to_owned(),
        (Kind::HostDown, _) => "their host did not answer anybody".to_owned(),
        _ => "the run was interrupted".to_owned(),
    }
}

//! Whether other hosts of the run are there, while those of a block answer nobody.
//!
//! A server that is down is worth waiting for, and its run worth repeating when it is back. One host of several is not:
//! its records are left to the next round, fail in the last, and the rest is published. What tells the two apart is
//! another host that has answered in this run, whichever process asked it, and that accepts a connection *now*: where the
//! network is gone, none does. No request is sent to find out; where there is no other host, [`probe`](super::probe)
//! sends one.
//!
//! Promises: a host of the block itself never speaks for it, so that the only server of a job is waited for, however
//! much it answered before; to look costs some connections in some seconds, however many blocks ask.

use std::collections::HashSet;
use std::rc::Rc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::board::OpenBlock;
use super::pair::Settled;
use super::work::Work;
use crate::fetch::Origin;
use crate::handoff::HandoffError;

/// How long a connection may take.
const CONNECTS: Duration = Duration::from_secs(5);

/// What there is to see of other hosts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Others {
    /// One that answered in this run accepts connections.
    Answer,
    /// None of those that did does any more.
    OnUnlisted,
    /// None has answered yet.
    Unknown,
}

/// Looks for hosts besides those of a block that has no answer.
pub(super) async fn look(work: &Rc<Work>, open: &OpenBlock) -> Result<Others, HandoffError> {
    let own = hosts_of(work, open);
    let known = work.sender.answering.besides(&own);
    if is_one_there(work, known).await {
        return Ok(Others::Answer);
    }
    remember_from_commits(work).await?;
    let known = work.sender.answering.besides(&own);
    Ok(match known.is_empty() {
        true => Others::Unknown,
        false if is_one_there(work, known).await => Others::Answer,
        false => Others::OnUnlisted,
    })
}

/// The hosts that a block's failures are of.
pub(super) fn hosts_of(work: &Rc<Work>, open: &OpenBlock) -> HashSet<Origin> {
    let mut hosts = HashSet::new();
    for record in &open.records {
        let failed = |settled: &&Settled| settled.line.failure.is_some();
        for settled in record.pairs.iter().flatten().filter(failed) {
            let question = &work.recipe.steps[settled.line.endpoint].question;
            // One that cannot be built was never asked of anybody.
            hosts
                .extend(question.build(&work.recipe.values(record)).ok().map(|built| built.origin().clone()));
        }
    }
    hosts
}

/// What other processes, and earlier ones, noted in their commits.
async fn remember_from_commits(work: &Rc<Work>) -> Result<(), HandoffError> {
    if work.sender.answering.has_just_looked() {
        return Ok(());
    }
    for shard in work.output.run.rounds().await?.iter().flat_map(|round| &round.shards) {
        for commit in work.output.run.commits(shard.number).await?.values() {
            for host in commit.answered_by.iter().filter_map(|host| host.parse().ok()) {
                work.sender.answering.note(&host);
            }
        }
    }
    work.sender.answering.looked();
    Ok(())
}

/// Whether one of these accepts a connection. All are tried at once.
async fn is_one_there(work: &Rc<Work>, hosts: Vec<Origin>) -> bool {
    let seen: Vec<Option<bool>> = hosts.iter().map(|host| work.sender.answering.just_seen(host)).collect();
    if seen.contains(&Some(true)) {
        return true;
    }
    let mut tries = JoinSet::new();
    for (host, _) in hosts.into_iter().zip(seen).filter(|(_, seen)| seen.is_none()) {
        let work = work.clone();
        tries.spawn_local(async move {
            let is_there = work.sender.reaches(&host, CONNECTS).await;
            work.sender.answering.saw(host, is_there);
            is_there
        });
    }
    while let Some(tried) = tries.join_next().await {
        if matches!(tried, Ok(true)) {
            return true;
        }
    }
    false
}

//! One shard of a run, for the process that works on it.

use super::{RunnerError, jobs};
use crate::handoff::{Plan, Round, RunStore, Shard};
use crate::job::Job;
use crate::worker::Replay;

/// A shard, and what it takes to work on it.
pub struct PlannedShard {
    /// The round that it belongs to.
    pub round: u32,
    /// The shard.
    pub shard: Shard,
    /// The job: what is asked as it was planned, how fast as its file says now.
    pub job: Job,
    /// The answers that stand for requests, where the run was made of an earlier one's.
    pub replay: Option<Replay>,
}

impl PlannedShard {
    /// Finds a shard of a run by its number.
    ///
    /// # Errors
    /// A number that none of its shards has; files of the run that cannot be read.
    pub async fn find(run: &RunStore, plan: &Plan, number: u32) -> Result<PlannedShard, RunnerError> {
        let (round, shard) = planned(run, number).await?;
        let replay = replay(run, plan, round).await?;
        Ok(PlannedShard { round, shard, job: jobs::paced_job(run, plan).await?, replay })
    }
}

async fn planned(run: &RunStore, number: u32) -> Result<(u32, Shard), RunnerError> {
    let rounds = run.rounds().await?;
    let numbered = |round: Round| round.shards.into_iter().map(move |shard| (round.number, shard));
    let shards: Vec<(u32, Shard)> = rounds.into_iter().flat_map(numbered).collect();
    let last = shards.len().saturating_sub(1);
    shards.into_iter().find(|(_, shard)| shard.number == number).ok_or_else(|| {
        RunnerError::Usage(format!("the run has no shard {number}\nhint: its shards are 0 to {last}"))
    })
}

async fn replay(run: &RunStore, plan: &Plan, round: u32) -> Result<Option<Replay>, RunnerError> {
    let Some(earlier) = plan.extracted_from.as_ref().filter(|_| round == 0) else { return Ok(None) };
    let folder = run.folder().with_file_name(earlier);
    Ok(Some(Replay::open(RunStore::open(&folder).await?).await?))
}

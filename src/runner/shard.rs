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
        let replay = replay(run, plan, &round).await?;
        Ok(PlannedShard { round: round.number, shard, job: jobs::paced_job(run, plan).await?, replay })
    }
}

/// The round of a shard, without its shards, and the shard.
async fn planned(run: &RunStore, number: u32) -> Result<(Round, Shard), RunnerError> {
    let rounds = run.rounds().await?;
    let last = rounds.iter().map(|round| round.shards.len()).sum::<usize>().saturating_sub(1);
    let found = rounds.into_iter().find_map(|mut round| {
        let at = round.shards.iter().position(|shard| shard.number == number)?;
        let shard = round.shards.swap_remove(at);
        round.shards.clear();
        Some((round, shard))
    });
    found.ok_or_else(|| {
        RunnerError::Usage(format!("the run has no shard {number}\nhint: its shards are 0 to {last}"))
    })
}

/// The answers that stand for requests in a round, if they do.
async fn replay(run: &RunStore, plan: &Plan, round: &Round) -> Result<Option<Replay>, RunnerError> {
    if round.from_kept {
        return Ok(Some(Replay::of_rounds_before(run.clone(), round.number).await?));
    }
    let Some(earlier) = plan.extracted_from.as_ref().filter(|_| round.number == 0) else { return Ok(None) };
    let folder = run.folder().with_file_name(earlier);
    Ok(Some(Replay::of_run(RunStore::open(&folder).await?).await?))
}

//! A few records of an earlier run, planned once more to be looked at with what it kept for them: its frozen lines, each
//! with the ordinal that it had there, by which its answers are found.

use std::collections::BTreeSet;

use polars::prelude::*;

use super::extraction::refuse_misfit;
use super::write::{ask_all, planned, write_shards};
use super::{Cut, PlanError, PlanOptions, frames, questions_sha256};
use crate::handoff::{Plan, Round, RunStore, Shard, VERSION, digest, input, layout};
use crate::job::Job;
use crate::record::Ordinal;

/// Plans these records of `earlier`, by `job` as it is now; a trial.
///
/// # Errors
/// The job has other endpoints than the run, or needs columns that it did not freeze.
pub async fn write_kept(
    job: &Job,
    earlier: &RunStore,
    ordinals: &BTreeSet<Ordinal>,
    run: &RunStore,
    run_id: &str,
    options: &PlanOptions,
) -> Result<Plan, PlanError> {
    let then = earlier.plan().await?;
    refuse_misfit(job, &then)?;
    run.put_job_text(&job.text).await?;
    let lines = lines(job, earlier, ordinals).await?;
    let (records, mut at) = (lines.height() as u64, 0);
    let take = |count: u64| {
        let taken = lines.slice(at, count as usize);
        at += count as i64;
        Ok(taken)
    };
    let shards = write_shards(run, &Cut::whole(records), 0, take).await?;
    let (number, created_at) = (0, options.now_micros);
    run.put_round(&Round { version: VERSION, number, created_at, shards, from_kept: false }).await?;
    let plan = Plan {
        run: run_id.to_owned(),
        job_path: job.path.clone(),
        job_sha256: digest::sha256(job.text.as_bytes()),
        created_at,
        questions_sha256: questions_sha256(job),
        records,
        left_out: 0,
        endpoints: job.endpoints.iter().map(planned).collect(),
        chunks: job.settings.chunks,
        trial: true,
        ..then
    };
    run.put_plan(&plan).await?;
    Ok(plan)
}

/// The frozen lines, each asked at every endpoint.
async fn lines(job: &Job, earlier: &RunStore, ordinals: &BTreeSet<Ordinal>) -> Result<DataFrame, PlanError> {
    let rounds = earlier.rounds().await?;
    let shards = rounds.into_iter().next().map(|round| round.shards).unwrap_or_default();
    let mut lines = DataFrame::empty();
    for shard in shards.iter().filter(|shard| holds(shard, ordinals)) {
        let bytes = earlier.read_shard_file(shard.number, layout::INPUT).await?;
        let all = frames::from_parquet(bytes, None)?;
        let is_meant = |ordinal: i64| ordinals.contains(&(ordinal as Ordinal));
        let mask: Vec<bool> = all.column(input::ORDINAL)?.i64()?.into_no_null_iter().map(is_meant).collect();
        let mut found = all.filter(&BooleanChunked::from_slice("chosen".into(), &mask))?;
        let asks = Int64Chunked::full(input::ASK.into(), ask_all(job), found.height());
        found.replace(input::ASK, asks.into_column())?;
        lines = if lines.width() == 0 { found } else { lines.vstack(&found)? };
    }
    Ok(lines)
}

/// Whether a shard of round 0 has one of them.
fn holds(shard: &Shard, ordinals: &BTreeSet<Ordinal>) -> bool {
    let first = shard.blocks.first().map_or(0, |block| block.first);
    ordinals.range(first..first + shard.records()).next().is_some()
}

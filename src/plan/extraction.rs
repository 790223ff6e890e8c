//! A run made of an earlier one's answers: its frozen lines and its blocks, the job file as it is now.
//!
//! It is a run like any other, with folders, commits and proof of its own; the earlier one stays as it is. Its round 0
//! takes what the earlier run kept for an answer, and asks nobody ([`Plan::extracted_from`]).

use super::write::planned;
use super::{PlanError, PlanOptions, questions_sha256};
use crate::handoff::VERSION;
use crate::handoff::digest;
use crate::handoff::{Exit, HandoffError, Plan, Round, RunStore, Shard, layout};
use crate::job::Job;

/// Why the columns cannot be made anew.
#[derive(Debug, thiserror::Error)]
pub enum ExtractionError {
    /// Blocks are not committed yet.
    #[error(
        "run {run} is not finished: shard {shard} lacks {open} of {blocks} blocks\nhint: `windrow run JOB` goes on with it"
    )]
    Unfinished {
        /// The earlier run's id.
        run: String,
        /// The first shard that has such blocks.
        shard: u32,
        /// How many.
        open: usize,
        /// All its blocks.
        blocks: usize,
    },
    /// The job asks other endpoints now.
    #[error(
        "the job's endpoints are {now}, run {run} asked {then}\nhint: columns can change, endpoints cannot: `windrow run JOB --new` asks anew"
    )]
    Endpoints {
        /// The earlier run's id.
        run: String,
        /// Their names now.
        now: String,
        /// Their names then.
        then: String,
    },
    /// The job needs other columns of the list now.
    #[error(
        "the job uses the list's column {column} now, which run {run} did not freeze\nhint: `windrow run JOB --new` reads the list anew"
    )]
    Column {
        /// The earlier run's id.
        run: String,
        /// The column.
        column: String,
    },
}

impl ExtractionError {
    /// The exit code that this error ends a process with.
    pub fn exit(&self) -> Exit {
        match self {
            ExtractionError::Unfinished { .. } => Exit::TryAgain,
            ExtractionError::Endpoints { .. } | ExtractionError::Column { .. } => Exit::Usage,
        }
    }
}

/// Writes a run that makes the columns of `job` from what `earlier` kept: all answers, as its own job file said.
pub async fn write_extraction(
    job: &Job,
    earlier: &RunStore,
    run: &RunStore,
    run_id: &str,
    options: &PlanOptions,
) -> Result<Plan, PlanError> {
    let then = earlier.plan().await?;
    refuse_misfit(job, &then)?;
    let rounds = earlier.rounds().await?;
    refuse_unfinished(earlier, &then, &rounds).await?;
    run.put_job_text(&job.text).await?;
    let first = rounds.into_iter().next().map(|round| round.shards).unwrap_or_default();
    for shard in &first {
        copy_input(earlier, run, shard).await?;
    }
    let round = Round {
        version: VERSION,
        number: 0,
        created_at: options.now_micros,
        shards: first,
        from_kept: false,
    };
    run.put_round(&round).await?;
    let plan = Plan {
        version: VERSION,
        run: run_id.to_owned(),
        job_path: job.path.clone(),
        job_sha256: digest::sha256(job.text.as_bytes()),
        created_at: options.now_micros,
        windrow: options.windrow.clone(),
        questions_sha256: questions_sha256(job),
        endpoints: job.endpoints.iter().map(planned).collect(),
        chunks: job.settings.chunks,
        extracted_from: Some(then.run.clone()),
        leased: false,
        ..then
    };
    run.put_plan(&plan).await?;
    Ok(plan)
}

async fn copy_input(earlier: &RunStore, run: &RunStore, shard: &Shard) -> Result<(), HandoffError> {
    let input = earlier.read_shard_file(shard.number, layout::INPUT).await?;
    run.put_shard_file(shard.number, layout::INPUT, input).await
}

pub(super) fn refuse_misfit(job: &Job, then: &Plan) -> Result<(), ExtractionError> {
    let run = then.run.clone();
    let now: Vec<&str> = job.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    let before: Vec<&str> = then.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    if now != before {
        return Err(ExtractionError::Endpoints { run, now: now.join(", "), then: before.join(", ") });
    }
    let is_frozen = |name: &String| then.columns.iter().any(|column| column.name == *name);
    match job.input_columns().into_iter().find(|name| !is_frozen(name)) {
        Some(column) => Err(ExtractionError::Column { run, column }),
        None => Ok(()),
    }
}

async fn refuse_unfinished(earlier: &RunStore, then: &Plan, rounds: &[Round]) -> Result<(), PlanError> {
    for shard in rounds.iter().flat_map(|round| &round.shards) {
        let committed = earlier.committed_blocks(shard.number).await?;
        let open = shard.blocks.iter().filter(|block| !committed.contains(&block.first)).count();
        if open > 0 {
            let (run, blocks) = (then.run.clone(), shard.blocks.len());
            return Err(ExtractionError::Unfinished { run, shard: shard.number, open, blocks }.into());
        }
    }
    Ok(())
}

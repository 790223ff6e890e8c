//! `windrow plan JOB`: cut the list, write the run, and say what it will take.

use std::path::PathBuf;

use clap::Args;

use super::live::TrialArgs;
use super::{CliError, Place, find, live};
use crate::handoff::Exit;
use crate::report::count;
use crate::report::status::shown_path;
use crate::worker::OPEN_BLOCKS;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The job file
    job: PathBuf,
}

pub(super) async fn run(args: PlanArgs, place: &Place) -> Result<Exit, CliError> {
    let job = find::load_job(&args.job)?;
    crate::merge::check_destination(&job)?;
    let run = live::plan_new(&job, &find::runs_root(&job, place), &TrialArgs::default()).await?;
    let plan = &run.plan;
    let shards: Vec<_> = run.store.rounds().await?.into_iter().flat_map(|round| round.shards).collect();
    let block = shards.iter().flat_map(|shard| &shard.blocks).map(|block| block.records).max().unwrap_or(0);
    let at_risk = (block * OPEN_BLOCKS as u64 * super::round::cores() as u64).min(plan.records);
    let word = find::word_for(&run.store, plan);
    let last = shards.len().saturating_sub(1);
    let ddl = crate::merge::ddl(&job, plan)?;
    super::summary::to_stdout(|out| {
        writeln!(out, "run       {}", shown_path(run.store.folder()))?;
        writeln!(out, "records   {}", count(plan.records))?;
        writeln!(out, "requests  {} at least", count(plan.records * plan.endpoints.len() as u64))?;
        writeln!(out, "shards    {} (windrow shard {word} 0 … {last})", shards.len())?;
        writeln!(
            out,
            "at risk   {} records would be asked again after a crash, at the most",
            count(at_risk)
        )?;
        writeln!(out, "\n{ddl}")
    })?;
    eprintln!("hint: `windrow run {}` goes on from here", args.job.display());
    Ok(Exit::Done)
}

//! `windrow plan JOB`: cut the list, write the run, and say what it will take.

use std::path::PathBuf;

use clap::Args;

use super::live::{LiveRun, TrialArgs};
use super::{CliError, Place, find, live, price};
use crate::handoff::Exit;
use crate::job::Job;
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
    let lines = lines(&run, &job).await?;
    let ddl = crate::merge::ddl(&job, &run.plan)?;
    super::summary::to_stdout(|out| {
        lines.iter().try_for_each(|(label, text)| writeln!(out, "{label:<8}  {text}"))?;
        writeln!(out, "\n{ddl}")
    })?;
    eprintln!("hint: `windrow run {}` goes on from here", args.job.display());
    Ok(Exit::Done)
}

/// What there is to say of a plan, each with its label.
async fn lines(run: &LiveRun, job: &Job) -> Result<Vec<(&'static str, String)>, CliError> {
    let plan = &run.plan;
    let shards: Vec<_> = run.store.rounds().await?.into_iter().flat_map(|round| round.shards).collect();
    let block = shards.iter().flat_map(|shard| &shard.blocks).map(|block| block.records).max().unwrap_or(0);
    let at_risk = (block * OPEN_BLOCKS as u64 * super::round::cores() as u64).min(plan.records);
    let (word, last) = (find::word_for(&run.store, plan), shards.len().saturating_sub(1));
    let mut lines = vec![("run", shown_path(run.store.folder())), ("records", count(plan.records))];
    lines.extend(price::in_full(job, &price::of(run, job).await?));
    lines.extend([
        ("shards", format!("{} (windrow shard {word} 0 … {last})", shards.len())),
        ("at risk", format!("{} records would be asked again after a crash, at the most", count(at_risk))),
    ]);
    Ok(lines)
}

//! `windrow plan JOB`: cut the list, write the run, and say what it will take.

use std::path::PathBuf;

use clap::Args;

use super::live::{LiveRun, TrialArgs};
use super::{CliError, Place, find, live, price};
use crate::handoff::Exit;
use crate::job::{Job, Source};
use crate::merge::{self, Found};
use crate::report::count;
use crate::report::status::shown_path;
use crate::worker::OPEN_BLOCKS;

#[derive(Debug, Args)]
pub(super) struct PlanArgs {
    /// The job file
    job: PathBuf,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

pub(super) async fn run(args: PlanArgs, place: &Place) -> Result<Exit, CliError> {
    let job = find::load_job(&args.job)?;
    let secrets = find::secrets(args.env_file.as_deref())?;
    let found = merge::check_destination(&job, &merge::Place::of_job(&job, &secrets)?).await?;
    let root = find::runs_root(&job, place);
    let run = live::plan_new(&job, &root, &secrets, &TrialArgs::default()).await?;
    let mut lines = lines(&run, &job).await?;
    let ddl = merge::ddl(&job, &run.plan)?;
    if found == Found::Table {
        lines.push(("table", format!("{} is there, and is filled as it is", job.table.name)));
    }
    super::summary::to_stdout(|out| {
        lines.iter().try_for_each(|(label, text)| writeln!(out, "{label:<8}  {text}"))?;
        match found {
            Found::Nothing => writeln!(out, "\n{ddl}"),
            Found::Table => Ok(()),
        }
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
    if matches!(job.input.source, Source::Query { .. }) {
        lines.insert(1, ("list", plan.source_in_short()));
    }
    lines.extend(price::in_full(job, &price::of(run, job).await?));
    lines.extend([
        ("publish", merge::success_in_words(job)),
        ("shards", format!("{} (windrow shard {word} 0 … {last})", shards.len())),
        ("at risk", format!("{} records would be asked again after a crash, at the most", count(at_risk))),
    ]);
    Ok(lines)
}

//! `windrow run JOB`: plan, fetch, retry, publish, summarise.

use std::time::Instant;

use clap::Args;

use super::{FetchArgs, OutputArgs, RunsArgs, TrialArgs, find};
use crate::handoff::Exit;
use crate::os::stop_on_signals;
use crate::report::{prune, summary};
use crate::runner::{self, Follower, RunOptions, RunnerError, after_run, secrets};

#[derive(Debug, Args)]
pub(super) struct RunArgs {
    /// The job: its file, its name, or a run of it
    job: String,
    /// Start a new run even if there is an unfinished one
    #[arg(long)]
    new: bool,
    /// Where a quota is used up, wait until there is a new one instead of ending with exit code 7
    #[arg(long)]
    wait: bool,
    #[command(flatten)]
    trial: TrialArgs,
    #[command(flatten)]
    fetch: FetchArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn run(args: RunArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let started = Instant::now();
    let stop = stop_on_signals()?;
    let job = find::load_job(&args.job, runs).await?;
    let options = RunOptions {
        root: find::runs_root(&job, runs),
        secrets: secrets(args.fetch.env_file.as_deref())?,
        is_new: args.new,
        waits: args.wait,
        trial: args.trial.trial(),
        fetch: args.fetch.options(),
    };
    let mut console = args.output.console();
    let ended = runner::run(&job, &options, &stop, &mut Follower::new(&mut console)).await?;
    summary::ended(&ended, started.elapsed()).await;
    if let Some(swept) = after_run(&ended, &options.root, &mut console).await {
        prune::removed_after(&ended.job, &swept);
    }
    // Last of all: who is killed before this has not told.
    super::end_told(&ended)
}

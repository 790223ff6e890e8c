//! `windrow run JOB`: plan, fetch, retry, publish, summarise.

use std::path::PathBuf;

use clap::Args;

use super::ending::Ending;
use super::summary_to::SummaryArgs;
use super::{FetchArgs, OutputArgs, RunsArgs, TrialArgs, env_file_again, find};
use crate::handoff::Exit;
use crate::os::{stop_on_signals, tell};
use crate::report::{job_word, prune};
use crate::runner::{self, Ended, RunEnd, RunOptions, RunnerError, after_run, secrets};

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
    #[command(flatten)]
    summary: SummaryArgs,
}

pub(super) async fn run(args: RunArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let mut ending = Ending::of("run", &args.summary, &args.output);
    let env_file = env_file_again(args.fetch.env_file.as_deref());
    let (ended, root) = match work(args, runs, &mut ending).await {
        Ok(ended) => ended,
        Err(error) => return Ok(ending.fail(&error).await),
    };
    let summary = ending.ended(&ended).await;
    if let Some(swept) = after_run(&ended, &root, &mut ending.witness).await
        && !ending.is_quiet()
    {
        prune::removed_after(&ended.job, &swept);
    }
    ending.tell(&summary, Some(&ended.job)).await;
    if ended.run.plan.trial && matches!(ended.end, RunEnd::Published(_)) && !ending.is_quiet() {
        tell!("next: windrow run {}{env_file}", job_word(&ended.job.path));
    }
    // Last of all: who is killed before this has not told.
    super::end_told(&ended)
}

/// The run's end, and where the job's runs are.
async fn work(args: RunArgs, runs: &RunsArgs, ending: &mut Ending) -> Result<(Ended, PathBuf), RunnerError> {
    let stop = stop_on_signals()?;
    ending.stop = Some(stop.clone());
    let trial = args.trial.trial();
    ending.witness.is_trial = trial.is_one();
    let job = find::load_job(&args.job, runs).await?;
    if !trial.is_one() {
        find::refuse_queue(&job)?;
    }
    ending.secrets = secrets(args.fetch.env_file.as_deref())?;
    let options = RunOptions {
        root: find::runs_root(&job, runs),
        secrets: ending.secrets.clone(),
        is_new: args.new,
        waits: args.wait,
        trial,
        fetch: args.fetch.options(),
    };
    Ok((runner::run(&job, &options, &stop, &mut ending.witness).await?, options.root))
}

//! `windrow work JOB`: a table of jobs, worked as they come.

use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use super::{RunsArgs, find};
use crate::handoff::{Exit, StateOfRun, Summary};
use crate::job::Job;
use crate::os::{stop_on_signals, tell};
use crate::report::{Detail, WorkConsole};
use crate::runner::{FetchOptions, RunnerError, WorkOptions, notify, secrets, work};

#[derive(Debug, Args)]
pub(super) struct WorkArgs {
    /// The job: its file, or its name
    job: String,
    /// End when no job waits, rests or is under way
    #[arg(long)]
    until_empty: bool,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, help_heading = "Fetching", value_name = "FILE")]
    env_file: Option<PathBuf>,
    /// Tell only errors, and what else wants your attention
    #[arg(long, short, help_heading = "Output", conflicts_with = "verbose")]
    quiet: bool,
    /// Tell each batch, too
    #[arg(long, short, help_heading = "Output")]
    verbose: bool,
}

pub(super) async fn run(args: WorkArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let stop = stop_on_signals()?;
    let job = find::load_job(&args.job, runs).await?;
    let options = WorkOptions {
        root: find::runs_root(&job, runs),
        secrets: secrets(args.env_file.as_deref())?,
        fetch: FetchOptions { env_file: args.env_file, ..FetchOptions::default() },
        until_empty: args.until_empty,
    };
    let detail = match (args.quiet, args.verbose) {
        (true, _) => Detail::Little,
        (_, true) => Detail::Much,
        _ => Detail::Usual,
    };
    let mut console = WorkConsole::new(&job.name, detail);
    let began = Timestamp::now();
    let ended = work(&job, &options, &stop, &mut console).await;
    console.ended();
    let summary = summary_of(&job, &ended, began);
    if let Err(why) = notify(&job, &summary, &options.secrets, &stop).await {
        tell!("{}: [notify] could not tell that the state is {}: {why}", job.name, summary.state);
    }
    ended
}

/// That a worker has ended, and why, for whom the job names: what became of its jobs is in the database.
fn summary_of(job: &Job, ended: &Result<Exit, RunnerError>, began: Timestamp) -> Summary {
    let (state, exit) = match ended {
        Ok(exit @ Exit::Interrupted(_)) => (StateOfRun::Interrupted, exit.code()),
        Ok(exit) => (StateOfRun::Published, exit.code()),
        Err(error) => (StateOfRun::Failed, error.exit().code()),
    };
    let mut summary = Summary::of_command("work", state, exit);
    let now = Timestamp::now();
    summary.job = Some(job.name.clone());
    summary.reason =
        ended.as_ref().err().and_then(|error| error.to_string().lines().next().map(str::to_owned));
    summary.seconds = now.duration_since(began).as_secs_f64();
    (summary.started_at, summary.ended_at) = (format!("{began:.3}"), format!("{now:.3}"));
    summary
}

//! `windrow work JOB`: a table of jobs, worked as they come.

use std::path::PathBuf;

use clap::Args;

use super::{RunsArgs, find};
use crate::handoff::Exit;
use crate::os::stop_on_signals;
use crate::report::{Detail, WorkConsole};
use crate::runner::{FetchOptions, RunnerError, WorkOptions, secrets, work};

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
    let ended = work(&job, &options, &stop, &mut console).await;
    console.ended();
    ended
}

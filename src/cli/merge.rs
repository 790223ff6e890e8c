//! `windrow merge RUN`: prove that nothing is missing, and publish.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;

use super::{RunsArgs, find};
use crate::handoff::Exit;
use crate::job::Destination;
use crate::os::stop_on_signals;
use crate::report::{Console, summary};
use crate::runner::{self, LiveRun, MergeOptions, Purpose, RunnerError, secrets};

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// The run: its folder or id, or a job's name or file for its newest run
    run: String,
    /// Publish to another destination, such as csv:prices.csv (relative to this folder) or postgres://…, mysql://…
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Publish although conditions of the job are not met (min_success, min_rows, …), and say which
    #[arg(long)]
    anyway: bool,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

pub(super) async fn run(args: MergeArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let started = Instant::now();
    let stop = stop_on_signals()?;
    let run = LiveRun::of(find::open_run(&args.run, runs).await?, Purpose::Work).await?;
    let here = std::env::current_dir()?;
    let to = args.to.map(|url| Destination::parse(&url, &here).map_err(RunnerError::Usage)).transpose()?;
    let options = MergeOptions { to, anyway: args.anyway, secrets: secrets(args.env_file.as_deref())? };
    let ended = runner::merge(run, &options, &stop, &mut Console::default()).await?;
    summary::ended(&ended, started.elapsed()).await;
    super::end_told(&ended)
}

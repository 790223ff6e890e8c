//! `windrow merge RUN`: prove that nothing is missing, and publish.

use std::path::PathBuf;

use clap::Args;

use super::ending::Ending;
use super::summary_to::SummaryArgs;
use super::{OutputArgs, RunsArgs, find};
use crate::handoff::Exit;
use crate::job::Destination;
use crate::os::stop_on_signals;
use crate::runner::{self, Ended, LiveRun, MergeOptions, Purpose, RunnerError, secrets};

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
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    summary: SummaryArgs,
}

pub(super) async fn run(args: MergeArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let mut ending = Ending::of("merge", &args.summary, &args.output);
    let ended = match work(args, runs, &mut ending).await {
        Ok(ended) => ended,
        Err(error) => return Ok(ending.fail(&error).await),
    };
    let summary = ending.ended(&ended).await;
    ending.tell(&summary, Some(&ended.job)).await;
    super::end_told(&ended)
}

async fn work(args: MergeArgs, runs: &RunsArgs, ending: &mut Ending) -> Result<Ended, RunnerError> {
    let stop = stop_on_signals()?;
    ending.stop = Some(stop.clone());
    let run = LiveRun::of(find::run_to_mend(&args.run, runs).await?, Purpose::Work).await?;
    let here = std::env::current_dir()?;
    let to = args.to.map(|url| Destination::parse(&url, &here).map_err(RunnerError::Usage)).transpose()?;
    ending.secrets = secrets(args.env_file.as_deref())?;
    let options = MergeOptions { to, anyway: args.anyway, secrets: ending.secrets.clone() };
    runner::merge(run, &options, &stop, &mut ending.witness).await
}

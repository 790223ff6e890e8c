//! `windrow status [RUN]`: the runs, or one run's shards.

use clap::Args;

use super::{ProgressArg, RunsArgs, find};
use crate::handoff::Exit;
use crate::report::status::{all, one};
use crate::report::stdout::Form;
use crate::report::watch;
use crate::runner::RunnerError;

#[derive(Debug, Args)]
pub(super) struct StatusArgs {
    /// One run: its folder or id, or a job's name or file for its newest run; without it all runs are listed
    run: Option<String>,
    /// Show how the run goes until nobody works on it any more
    #[arg(long, requires = "run")]
    watch: bool,
    #[command(flatten)]
    progress: ProgressArg,
    /// How it is printed: table, or json
    #[arg(long, short, default_value = "table")]
    format: Form,
}

pub(super) async fn run(args: StatusArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    match args.run {
        Some(word) if args.watch => {
            watch(&find::open_run(&word, runs).await?, args.progress.show()).await?;
        }
        Some(word) => one(&find::open_run(&word, runs).await?, args.format).await?,
        None => all(&runs.here(), args.format).await?,
    }
    Ok(Exit::Done)
}

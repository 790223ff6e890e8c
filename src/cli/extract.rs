//! `windrow extract RUN`: the columns anew, from the answers that a run kept. Nobody is asked.

use clap::Args;

use super::{OutputArgs, RunsArgs, find};
use crate::handoff::Exit;
use crate::os::stop_on_signals;
use crate::report::summary;
use crate::runner::{self, Follower, RunnerError};

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The run: its folder or id, or a job's name or file for its newest run
    run: String,
    #[command(flatten)]
    output: OutputArgs,
}

pub(super) async fn run(args: ExtractArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let stop = stop_on_signals()?;
    let earlier = find::open_run(&args.run, runs).await?;
    let mut console = args.output.console();
    let asked = runner::extract(earlier, &stop, &mut Follower::new(&mut console)).await?;
    summary::asked_again(&asked).await
}

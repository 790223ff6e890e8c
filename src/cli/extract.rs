//! `windrow extract RUN`: the columns anew, from the answers that a run kept. Nobody is asked.

use clap::Args;

use super::ending::Ending;
use super::summary_to::SummaryArgs;
use super::{RunsArgs, find};
use crate::handoff::Exit;
use crate::os::stop_on_signals;
use crate::runner::{self, AskedAgain, RunnerError};

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The run: its folder or id, or a job's name or file for its newest run
    run: String,
    #[command(flatten)]
    summary: SummaryArgs,
}

pub(super) async fn run(args: ExtractArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let mut ending = Ending::of("extract", &args.summary);
    let asked = work(args, runs, &mut ending).await;
    ending.asked_again(asked).await
}

async fn work(args: ExtractArgs, runs: &RunsArgs, ending: &mut Ending) -> Result<AskedAgain, RunnerError> {
    let stop = stop_on_signals()?;
    let earlier = find::open_run(&args.run, runs).await?;
    runner::extract(earlier, &stop, &mut ending.witness).await
}

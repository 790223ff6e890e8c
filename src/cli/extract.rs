//! `windrow extract RUN`: the columns anew, from the answers that a run kept. Nobody is asked.

use std::path::PathBuf;

use clap::Args;

use super::ending::Ending;
use super::summary_to::SummaryArgs;
use super::{OutputArgs, RunsArgs, find};
use crate::handoff::Exit;
use crate::os::{stop_on_signals, tell};
use crate::report::word_for;
use crate::runner::{self, AskedAgain, ExtractOptions, RunnerError, secrets};

#[derive(Debug, Args)]
pub(super) struct ExtractArgs {
    /// The run: its folder or id, or a job's name or file for its newest run
    run: String,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    summary: SummaryArgs,
}

pub(super) async fn run(args: ExtractArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let mut ending = Ending::of("extract", &args.summary, &args.output);
    let asked = work(args, runs, &mut ending).await;
    ending.asked_again(asked).await
}

async fn work(args: ExtractArgs, runs: &RunsArgs, ending: &mut Ending) -> Result<AskedAgain, RunnerError> {
    let stop = stop_on_signals()?;
    ending.stop = Some(stop.clone());
    let earlier = find::run_to_mend(&args.run, runs).await?;
    ending.secrets = secrets(args.env_file.as_deref())?;
    let options = ExtractOptions { secrets: ending.secrets.clone(), env_file: args.env_file };
    let asked = runner::extract(earlier, &options, &stop, &mut ending.witness).await?;
    if asked.round.is_none() {
        let word = word_for(&asked.run.store, &asked.run.plan);
        tell!(
            "{}: nothing to make anew: no request failed over what was made of its answer\n\
             hint: `windrow failures {word}` shows what failed",
            asked.run.plan.job,
        );
    }
    Ok(asked)
}

//! `windrow retry RUN`: one more round over what failed.

use clap::Args;

use super::ending::Ending;
use super::summary_to::SummaryArgs;
use super::{FetchArgs, OutputArgs, RunsArgs, find};
use crate::handoff::Exit;
use crate::os::{stop_on_signals, tell};
use crate::plan::{RetryFilter, StatusFilter};
use crate::record::Kind;
use crate::report::word_for;
use crate::runner::{self, AskedAgain, RetryOptions, RunnerError, secrets};

#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    /// The run: its folder or id, or a job's name or file for its newest run
    run: String,
    /// Only failures with these HTTP statuses: 429, or 5xx for all from 500
    #[arg(long, value_name = "STATUS,…", value_delimiter = ',')]
    status: Vec<StatusFilter>,
    /// Only failures of these kinds, such as timeout (`windrow failures` shows them)
    #[arg(long, value_name = "KIND,…", value_delimiter = ',', value_parser = kind)]
    kind: Vec<Kind>,
    /// Only these endpoints
    #[arg(long, value_name = "NAME,…", value_delimiter = ',')]
    endpoint: Vec<String>,
    #[command(flatten)]
    fetch: FetchArgs,
    #[command(flatten)]
    output: OutputArgs,
    #[command(flatten)]
    summary: SummaryArgs,
}

fn kind(word: &str) -> Result<Kind, String> {
    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    Kind::ALL
        .into_iter()
        .find(|kind| kind.word() == word)
        .ok_or_else(|| format!("kinds are {}", words.join(", ")))
}

pub(super) async fn run(args: RetryArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let mut ending = Ending::of("retry", &args.summary, &args.output);
    let asked = work(args, runs, &mut ending).await;
    if let Ok(asked) = &asked
        && asked.round.is_none()
        && !ending.is_quiet()
    {
        tell!(
            "{}: nothing left to ask\nhint: `windrow failures {}` shows what failed",
            asked.run.plan.job,
            word_for(&asked.run.store, &asked.run.plan)
        );
    }
    ending.asked_again(asked).await
}

async fn work(args: RetryArgs, runs: &RunsArgs, ending: &mut Ending) -> Result<AskedAgain, RunnerError> {
    let stop = stop_on_signals()?;
    ending.stop = Some(stop.clone());
    let store = find::run_to_mend(&args.run, runs).await?;
    ending.secrets = secrets(args.fetch.env_file.as_deref())?;
    let options = RetryOptions {
        filter: RetryFilter {
            statuses: args.status,
            kinds: args.kind,
            endpoints: args.endpoint,
            worth_repeating_only: false,
        },
        secrets: ending.secrets.clone(),
        fetch: args.fetch.options(),
    };
    runner::retry(store, &options, &stop, &mut ending.witness).await
}

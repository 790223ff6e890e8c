//! `windrow retry RUN`: one more round over what failed.

use clap::Args;

use super::live::{LiveRun, TrialArgs};
use super::round::{FetchArgs, work_round};
use super::{CliError, Place, find, live, settle, summary};
use crate::handoff::lock::lock_run;
use crate::handoff::{Exit, Plan};
use crate::os::stop_on_signals;
use crate::plan::{self, RetryFilter, StatusFilter};
use crate::record::Kind;
use crate::report::counted;
use crate::report::status::shard_states;

#[derive(Debug, Args)]
pub(super) struct RetryArgs {
    /// The run: its folder, or a job's name for its newest run
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
}

fn kind(word: &str) -> Result<Kind, String> {
    let words: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    Kind::ALL
        .into_iter()
        .find(|kind| kind.word() == word)
        .ok_or_else(|| format!("kinds are {}", words.join(", ")))
}

pub(super) async fn run(args: RetryArgs, place: &Place) -> Result<Exit, CliError> {
    let stop = stop_on_signals()?;
    let store = find::open_run(&args.run, place).await?;
    let plan = store.plan().await?;
    let _job_lock = live::hold_job_of(&store, &plan)?;
    let lock = lock_run(store.folder())?;
    settle::settle_first(&store, &plan, &find::secrets(args.fetch.env_file.as_deref())?).await?;
    let job = find::planned_job(&store, &plan).await?;
    let pace = find::present_job(&store, &plan).await?;
    known_endpoints(&plan, &args.endpoint)?;
    let run = LiveRun { store, plan, _lock: Some(lock) };
    if !begin_round(&run, &job, &args).await? {
        return Ok(Exit::Done);
    }
    let rounds = run.store.rounds().await?;
    let Some(round) = rounds.last() else { return Ok(Exit::Done) };
    // Of a run that has ended, what is asked has failed before: refusals tell nothing of the secrets.
    let (fetch, _secrets_accepted) = match run.store.outcome().await? {
        None => args.fetch.watching_secrets(&job, run.store.folder()),
        Some(_) => (args.fetch.clone(), None),
    };
    let fetched = work_round(&run.store, &run.plan, &pace, round, &fetch, &stop).await?;
    match fetched.exit {
        Exit::Done => summary::fetched(&run, round).await?,
        _ => summary::unfinished(&run, &fetched),
    }
    Ok(fetched.exit)
}

/// Refuses names that are no endpoint's.
fn known_endpoints(plan: &Plan, wanted: &[String]) -> Result<(), CliError> {
    let known: Vec<&str> = plan.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    match wanted.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(CliError::Usage(format!(
            "the run has no endpoint {name:?}\nhint: its endpoints are {}",
            known.join(", ")
        ))),
    }
}

/// Makes a new round, unless the last one is unfinished. False where there is nothing to ask.
async fn begin_round(run: &LiveRun, job: &crate::job::Job, args: &RetryArgs) -> Result<bool, CliError> {
    if let Some(last) = run.store.rounds().await?.last()
        && last.number > 0
        && shard_states(&run.store, last).await?.iter().any(|state| !state.is_committed())
    {
        tell!("{}: going on with round {}, as it was chosen", run.plan.job, last.number);
        return Ok(true);
    }
    let filter = RetryFilter {
        statuses: args.status.clone(),
        kinds: args.kind.clone(),
        endpoints: args.endpoint.clone(),
        worth_repeating_only: false,
    };
    let options = live::plan_options(&TrialArgs::default());
    match plan::write_retry(job, &run.store, &filter, &options).await? {
        None => {
            tell!(
                "{}: nothing left to ask\nhint: `windrow failures {}` shows what failed",
                run.plan.job,
                find::word_for(&run.store, &run.plan)
            );
            Ok(false)
        }
        Some(round) => {
            let pairs: u64 = round.shards.iter().map(|shard| shard.pairs).sum();
            let pairs = counted(pairs, "request");
            tell!("{}: round {}: asking {pairs} again", run.plan.job, round.number);
            Ok(true)
        }
    }
}

//! One more round over what failed, as a person chooses.

use tokio::sync::watch;

use super::choose::{Trial, plan_options};
use super::folders::hold_job_of;
use super::outcome::Fetched;
use super::round::{FetchOptions, RoundOptions, work_round};
use super::settle::settle_first;
use super::state::shard_states;
use super::{Again, LiveRun, Milestone, Purpose, RunnerError, Watcher, jobs};
use crate::handoff::lock::Lock;
use crate::handoff::{Exit, Plan, Round, RunStore};
use crate::job::Job;
use crate::os::Stop;
use crate::plan::{self, RetryFilter};
use crate::secrets::Secrets;

/// What is asked again, and how.
#[derive(Debug, Clone)]
pub struct RetryOptions {
    /// Which failures.
    pub filter: RetryFilter,
    /// The job's secrets.
    pub secrets: Secrets,
    /// How shards are fetched.
    pub fetch: FetchOptions,
}

/// A round that was worked.
pub struct AskedAgain {
    /// The run.
    pub run: LiveRun,
    /// The round; `None` where there was nothing to ask.
    pub round: Option<Round>,
    /// What came of it.
    pub fetched: Fetched,
    /// Nobody else works on the job as long as this is there.
    pub(super) _job_lock: Option<Lock>,
}

/// Asks again what failed in a run, in a round of its own; an unfinished round is continued first.
///
/// # Errors
/// A run that somebody holds, an endpoint that it does not have, a job file that asks otherwise than the run did.
pub async fn retry(
    store: RunStore,
    options: &RetryOptions,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<AskedAgain, RunnerError> {
    let _job_lock = hold_job_of(&store, &store.plan().await?)?;
    let run = LiveRun::of(store, Purpose::Work).await?;
    watcher.reached(Milestone::Opened(&run));
    settle_first(&run, &options.secrets, watcher).await?;
    let job = jobs::planned_job(&run.store, &run.plan).await?;
    watcher.reached(Milestone::WorkedBy(&job));
    let pace = jobs::present_job(&run.store, &run.plan).await?;
    watcher.reached(Milestone::WorkedBy(&pace));
    known_endpoints(&run.plan, &options.filter.endpoints)?;
    let Some(round) = begin_round(&run, &job, &options.filter, watcher).await? else {
        return Ok(AskedAgain { run, round: None, fetched: Fetched::ended(Exit::Done), _job_lock });
    };
    // Of a run that has ended, what is asked has failed before: refusals tell nothing of the secrets.
    let (fetch, _secrets_accepted) = match run.store.outcome().await? {
        None => RoundOptions::watching_secrets(&options.fetch, &job, run.store.folder()),
        Some(_) => (RoundOptions::of(&options.fetch), None),
    };
    jobs::tell_unused_proxy(&pace, &options.secrets, watcher);
    let fetched = work_round(&run, &pace, &round, &fetch, stop, watcher).await?;
    Ok(AskedAgain { run, round: Some(round), fetched, _job_lock })
}

/// Refuses names that are no endpoint's.
fn known_endpoints(plan: &Plan, wanted: &[String]) -> Result<(), RunnerError> {
    let known: Vec<&str> = plan.endpoints.iter().map(|endpoint| endpoint.name.as_str()).collect();
    match wanted.iter().find(|name| !known.contains(&name.as_str())) {
        None => Ok(()),
        Some(name) => Err(RunnerError::Usage(format!(
            "the run has no endpoint {name:?}\nhint: its endpoints are {}",
            known.join(", ")
        ))),
    }
}

/// Makes a new round, unless the last one is unfinished. `None` where there is nothing to ask.
async fn begin_round(
    run: &LiveRun,
    job: &Job,
    filter: &RetryFilter,
    watcher: &mut dyn Watcher,
) -> Result<Option<Round>, RunnerError> {
    if let Some(last) = run.store.rounds().await?.pop()
        && last.number > 0
        && shard_states(&run.store, &last).await?.iter().any(|state| !state.is_committed())
    {
        watcher.reached(Milestone::RoundResumed { job: &run.plan.job, number: last.number });
        return Ok(Some(last));
    }
    let round = plan::write_retry(job, &run.store, filter, &plan_options(&Trial::default())).await?;
    if let Some(round) = &round {
        watcher.reached(Milestone::RoundBegun { job: &run.plan.job, round, again: Again::Chosen });
    }
    Ok(round)
}

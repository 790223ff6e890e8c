//! A further round in which nobody is asked: what could not be made of an answer is made of it by the job as it is now.
//!
//! Promises: what succeeded stays, whatever the job says now ([`amend`]). What an answer was not kept for waits, and a later
//! round asks it. An unfinished round is finished first, by the job that it was begun with.

use std::path::PathBuf;

use tokio::sync::watch;

use super::amend::{self, Change};
use super::choose::{Trial, plan_options};
use super::round::{FetchOptions, RoundOptions, work_round};
use super::settle::settle_first;
use super::state::shard_states;
use super::{Again, AskedAgain, Fetched, LiveRun, Milestone, Purpose, RunnerError, Watcher, jobs};
use crate::handoff::lock::Lock;
use crate::handoff::{Exit, Round, RunStore};
use crate::job::Job;
use crate::os::{Stop, shown_path};
use crate::plan::{self, ExtractionError};
use crate::secrets::Secrets;

/// How columns are made anew.
#[derive(Debug, Clone)]
pub struct ExtractOptions {
    /// The job's secrets: none is sent, but requests are made as if they were.
    pub secrets: Secrets,
    /// A file of `NAME=value` lines from which the children read secrets as well.
    pub env_file: Option<PathBuf>,
}

/// Makes what failed in a run anew from the answers that it kept.
///
/// # Errors
/// A run that somebody holds or that is not finished; a job file by which what succeeded might have other values.
pub(super) async fn remake(
    store: RunStore,
    job_lock: Option<Lock>,
    options: &ExtractOptions,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<AskedAgain, RunnerError> {
    let run = LiveRun::of(store, Purpose::Work).await?;
    watcher.reached(Milestone::Opened(&run));
    settle_first(&run, &options.secrets, watcher).await?;
    watcher.reached(Milestone::WorkedBy(&jobs::planned_job(&run.store, &run.plan).await?));
    let round = match unfinished(&run).await? {
        Some(round) => {
            watcher.reached(Milestone::RoundResumed { job: &run.plan.job, number: round.number });
            Some(round)
        }
        None => {
            take_up_what_mends(&run, watcher).await?;
            begin(&run, watcher).await?
        }
    };
    let job = jobs::planned_job(&run.store, &run.plan).await?;
    watcher.reached(Milestone::WorkedBy(&job));
    let Some(round) = round else {
        return Ok(AskedAgain { run, round: None, fetched: Fetched::ended(Exit::Done), _job_lock: job_lock });
    };
    let fetch = FetchOptions { env_file: options.env_file.clone(), ..FetchOptions::default() };
    let fetched = work_round(&run, &job, &round, &RoundOptions::of(&fetch), stop, watcher).await?;
    Ok(AskedAgain { run, round: Some(round), fetched, _job_lock: job_lock })
}

/// A round of that kind where the job was taken up with a run that was still being fetched, and it is fetched.
pub(super) async fn remake_once(
    run: &LiveRun,
    watcher: &mut dyn Watcher,
) -> Result<Option<Round>, RunnerError> {
    let Some(last) = run.store.last_amendment().await? else { return Ok(None) };
    let rounds = run.store.rounds().await?;
    if rounds.iter().any(|round| round.from_kept && round.number >= last.rounds) {
        return Ok(None);
    }
    begin(run, watcher).await
}

async fn begin(run: &LiveRun, watcher: &mut dyn Watcher) -> Result<Option<Round>, RunnerError> {
    let job = jobs::planned_job(&run.store, &run.plan).await?;
    let round = plan::write_remaking(&job, &run.store, &plan_options(&Trial::default())).await?;
    if let Some(round) = &round {
        watcher.reached(Milestone::RoundBegun { job: &run.plan.job, round, again: Again::Kept });
    }
    Ok(round)
}

/// The last round, where it is of this kind and unfinished.
async fn unfinished(run: &LiveRun) -> Result<Option<Round>, RunnerError> {
    let Some(last) = run.store.rounds().await?.pop() else { return Ok(None) };
    let states = shard_states(&run.store, &last).await?;
    let Some(open) = states.iter().find(|state| !state.is_committed()) else { return Ok(None) };
    if last.from_kept {
        return Ok(Some(last));
    }
    if last.number > 0 && run.store.outcome().await?.is_some() {
        let (name, number) = (&run.plan.run, last.number);
        return Err(RunnerError::Usage(format!(
            "round {number} of run {name} is not finished\nhint: `windrow retry {name}` goes on with it"
        )));
    }
    let (run, blocks) = (run.plan.run.clone(), open.blocks);
    let open_blocks = open.blocks - open.committed;
    let unfinished = ExtractionError::Unfinished { run, shard: open.number, open: open_blocks, blocks };
    Err(plan::PlanError::from(unfinished).into())
}

/// Takes up the job file as it is now, where it has changed and every record that succeeded keeps its values.
async fn take_up_what_mends(run: &LiveRun, watcher: &mut dyn Watcher) -> Result<(), RunnerError> {
    if !run.plan.job_path.is_file() {
        return Ok(());
    }
    let (then, now) = (jobs::planned_job(&run.store, &run.plan).await?, Job::load(&run.plan.job_path)?);
    match amend::change(&run.store, &run.plan, &then, &now).await? {
        Change::None => Ok(()),
        Change::Mends(changes) => amend::take_up(run, &now, &changes, watcher).await,
        Change::Other(why) => Err(RunnerError::Usage(format!(
            "run {} cannot go on with the job as it is now:\n  {}\nhint: restore the file as it stands in {}, and change only \
             what leaves those values as they are (nulls, say, of the column that failed, not in [defaults]); or `windrow run {} --new` asks anew. With keep_answers = \"all\" in [job] \
             the next run's columns can be made anew whatever changes",
            run.plan.run,
            why.join("\n  "),
            shown_path(&run.store.folder().join(jobs::planned_in(&run.store).await?)),
            shown_path(&run.plan.job_path),
        ))),
    }
}

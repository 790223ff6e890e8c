//! A run of a job, from the first look at what there is to the value of how it ended.

use std::path::PathBuf;

use tokio::sync::watch;

use super::amend::{self, Change};
use super::choose::{Choice, Trial, choose, plan_new};
use super::folders::hold_job;
use super::merge::{Publication, PublishOptions};
use super::outcome::{Ended, RunEnd, Unfinished};
use super::rest::{Rest, price_of};
use super::round::{FetchOptions, RoundOptions};
use super::rounds::{fetch_rounds, told_to_stop, wait_until};
use super::settle::settle_all;
use super::{LiveRun, Milestone, Purpose, RunnerError, Watcher, jobs, pause};
use crate::handoff::Exit;
use crate::job::Job;
use crate::merge::{Found, ResolvedDestination, check_destination};
use crate::os::Stop;
use crate::secrets::Secrets;

/// How a job is run.
#[derive(Debug, Clone)]
pub struct RunOptions {
    /// Folder of the runs: each job has its own in it.
    pub root: PathBuf,
    /// The job's secrets.
    pub secrets: Secrets,
    /// Starts a new run even where there is an unfinished one.
    pub is_new: bool,
    /// Where a quota is used up, waits for the next instead of ending as paused.
    pub waits: bool,
    /// The records that are tried; all of them by default.
    pub trial: Trial,
    /// How shards are fetched.
    pub fetch: FetchOptions,
}

/// Continues the job's unfinished run, or plans one; fetches it, and publishes it where it is whole.
///
/// # Errors
/// What keeps it from beginning, continuing or being published, with what was fetched kept. That it pauses, is
/// interrupted or refused by the gate is no error but its end.
pub async fn run(
    job: &Job,
    options: &RunOptions,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<Ended, RunnerError> {
    watcher.reached(Milestone::WorkedBy(job));
    // Secrets that are not there are told before anything is planned.
    jobs::check_secrets(job, &options.secrets)?;
    let is_trial = options.trial.is_one();
    // Before anything else is looked at: the database, too, may be in use by the run that is still going.
    let job_lock = if is_trial { None } else { Some(hold_job(&job.name, &options.root)?) };
    if !is_trial && let Some(ended) = stands(job, options, stop, watcher).await? {
        return Ok(Ended { _job_lock: job_lock, ..ended });
    }
    jobs::tell_unused_proxy(job, &options.secrets, watcher);
    let run = begin(job, options, watcher).await?;
    let to = ResolvedDestination::of(&run.store, &run.plan, job, &options.secrets)?;
    let mask = jobs::mask(job, &options.secrets);
    let publication = Publication { run: &run, job, to: &to, mask: &mask };
    let end = match fetch_to_the_end(publication, options, stop, watcher).await? {
        Some(unfinished) => RunEnd::Unfinished(unfinished),
        None => {
            let how = PublishOptions { anyway: false, again: false, is_noted: !is_trial };
            publication.publish(how, stop, watcher).await?
        }
    };
    Ok(Ended { run, job: job.clone(), to, mask, end, is_noted: !is_trial, _job_lock: job_lock })
}

/// What stands before a run begins: an earlier one that is published, and nobody was told; then that is how this one ends.
/// Or a destination that does not go with the job.
async fn stands(
    job: &Job,
    options: &RunOptions,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<Option<Ended>, RunnerError> {
    let look = async {
        let settled = settle_all(job, &options.root, &options.secrets, options.is_new, watcher).await?;
        if settled.is_none() {
            let to = ResolvedDestination::of_job(job, &options.secrets)?;
            if let Found::Table(columns) = check_destination(job, &to).await?
                && !columns.is_empty()
            {
                watcher.reached(Milestone::NewColumns { job, columns: &columns });
            }
        }
        Ok(settled)
    };
    tokio::select! {
        biased;
        settled = look => settled,
        // A database that is in use is waited for.
        () = told_to_stop(stop) => Err(RunnerError::Interrupted(stop.borrow().signal().unwrap_or_default())),
    }
}

/// Goes on with the unfinished run, or plans a new one.
async fn begin(job: &Job, options: &RunOptions, watcher: &mut dyn Watcher) -> Result<LiveRun, RunnerError> {
    if !options.trial.is_one() && !options.is_new {
        match choose(job, &options.root, &options.secrets, Purpose::Work).await? {
            Choice::Continue(run) => {
                watcher.reached(Milestone::Opened(&run));
                watcher.reached(Milestone::Resumed(&run));
                take_up(&run, job, watcher).await?;
                return Ok(run);
            }
            Choice::LeaveBehind(run, why) => watcher.reached(Milestone::LeftBehind { run: &run, why: &why }),
            Choice::Begin => {}
        }
    }
    let run = plan_new(job, &options.root, &options.secrets, &options.trial, watcher).await?;
    watcher.reached(Milestone::Opened(&run));
    let shards = run.store.rounds().await?.iter().map(|round| round.shards.len() as u64).sum();
    let price = price_of(&run, &Rest::of(&run).await?, job).await?;
    watcher.reached(Milestone::Planned { run: &run, job, shards, price: &price });
    Ok(run)
}

/// Goes on by the job as it is now, which makes columns otherwise than before.
async fn take_up(run: &LiveRun, job: &Job, watcher: &mut dyn Watcher) -> Result<(), RunnerError> {
    let planned = jobs::planned_job(&run.store, &run.plan).await?;
    match amend::change(&run.store, &run.plan, &planned, job).await? {
        Change::Mends(changes) => amend::take_up(run, job, &changes, watcher).await,
        _ => Ok(()),
    }
}

/// Fetches all rounds, over pauses where the person waits for them; `None` where all is fetched.
async fn fetch_to_the_end(
    publication: Publication<'_>,
    options: &RunOptions,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<Option<Unfinished>, RunnerError> {
    let Publication { run, job, .. } = publication;
    let (fetch, _secrets_accepted) = RoundOptions::watching_secrets(&options.fetch, job, run.store.folder());
    loop {
        let fetched = fetch_rounds(run, job, &fetch, stop, watcher).await?;
        let unfinished = match fetched.exit {
            Exit::Done => return Ok(None),
            Exit::Paused if pause::publishes(run, job) => {
                pause::publish_so_far(publication, fetched, stop, watcher).await?
            }
            _ => Unfinished::unpublished(fetched),
        };
        match unfinished.fetched.renews_at {
            Some(renews_at) if options.waits && unfinished.fetched.exit == Exit::Paused => {
                watcher.reached(Milestone::Waiting { run, unfinished: &unfinished });
                wait_until(renews_at, stop).await;
            }
            _ => return Ok(Some(unfinished)),
        }
    }
}

//! Publishing a run that is whole: proven, noted, loaded.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

use super::outcome::{Ended, RunEnd};
use super::rounds::told_to_stop;
use super::settle::{self, settle};
use super::{LiveRun, Milestone, RunnerError, Watcher, jobs};
use crate::fetch::Mask;
use crate::handoff::Exit;
use crate::handoff::store::now_micros;
use crate::job::{Destination, Job, OnNewColumn};
use crate::merge::{self, Found, MergeError, ResolvedDestination, Terms};
use crate::os::Stop;
use crate::secrets::Secrets;

/// Rows that were sent to a server: one publication goes on at a time.
static SENT: AtomicU64 = AtomicU64::new(0);

/// How a run is merged.
#[derive(Debug, Clone)]
pub struct MergeOptions {
    /// Publishes there instead of where the job says.
    pub to: Option<Destination>,
    /// Publishes whatever the gate says.
    pub anyway: bool,
    /// The job's secrets.
    pub secrets: Secrets,
}

/// Proves a run and publishes it, by the job as its file says now.
///
/// # Errors
/// A run that is not whole or is damaged, a job file that asks otherwise than the run did, a destination that fails. A
/// gate that is shut is no error but the end.
pub async fn merge(
    run: LiveRun,
    options: &MergeOptions,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) -> Result<Ended, RunnerError> {
    let secrets = &options.secrets;
    watcher.reached(Milestone::Opened(&run));
    let is_noted = options.to.is_none() && !run.plan.trial;
    let settled = if is_noted { settle(&run.store, &run.plan, secrets, watcher).await? } else { None };
    let mut job = match (jobs::present_job(&run.store, &run.plan).await, settled) {
        // Published by the job as it was then.
        (Err(_), Some(settled)) => return Ok(settled.end(run)),
        (job, _) => job?,
    };
    if let Some(to) = &options.to {
        redirect(&mut job, to, watcher);
    }
    watcher.reached(Milestone::WorkedBy(&job));
    let to = ResolvedDestination::of(&run.store, &run.plan, &job, secrets)?;
    let mask = jobs::mask(&job, secrets);
    tell_new_columns(&job, &to, stop, watcher).await;
    let publication = Publication { run: &run, job: &job, to: &to, mask: &mask };
    let how = PublishOptions { anyway: options.anyway, again: true, is_noted };
    let end = publication.publish(how, stop, watcher).await?;
    Ok(Ended { run, job, to, mask, end, is_noted, _job_lock: None })
}

/// Says which columns the table will be given. What is wrong with it is told by who publishes.
async fn tell_new_columns(
    job: &Job,
    to: &ResolvedDestination,
    stop: &watch::Receiver<Stop>,
    watcher: &mut dyn Watcher,
) {
    if job.table.on_new_column == OnNewColumn::Fail {
        return;
    }
    tokio::select! {
        found = merge::check_destination(job, to) => {
            if let Ok(Found::Table(columns)) = found && !columns.is_empty() {
                watcher.reached(Milestone::NewColumns { job, columns: &columns });
            }
        }
        () = told_to_stop(stop) => {}
    }
}

/// Publishes somewhere else. Statements were written for the job's own kind of destination.
fn redirect(job: &mut Job, to: &Destination, watcher: &mut dyn Watcher) {
    let other_kind = std::mem::discriminant(&job.table.to) != std::mem::discriminant(to);
    if other_kind && !(job.before.is_empty() && job.after.is_empty()) {
        watcher.reached(Milestone::StatementsLeftOut(job));
        job.before.clear();
        job.after.clear();
    }
    job.table.to = to.clone();
}

/// How a run is to be published.
#[derive(Debug, Clone, Copy)]
pub(super) struct PublishOptions {
    /// Whatever the gate says.
    pub anyway: bool,
    /// Tries again what the table refused.
    pub again: bool,
    /// Where the job's runs go: a death is to be found out by who comes next (see [`settle`](mod@settle)).
    pub is_noted: bool,
}

/// A run, and where it goes.
#[derive(Clone, Copy)]
pub(super) struct Publication<'a> {
    pub run: &'a LiveRun,
    pub job: &'a Job,
    pub to: &'a ResolvedDestination,
    pub mask: &'a Mask,
}

impl Publication<'_> {
    /// Proves the run and publishes it; a signal gives up what is not yet committed. Where it is published and noted, the
    /// caller says so, and then that it is [`told`](Ended::told).
    pub(super) async fn publish(
        self,
        options: PublishOptions,
        stop: &watch::Receiver<Stop>,
        watcher: &mut dyn Watcher,
    ) -> Result<RunEnd, RunnerError> {
        let published = self.prove_and_load(options, stop, watcher).await;
        watcher.reached(Milestone::PublishingEnded);
        published
    }

    async fn prove_and_load(
        self,
        options: PublishOptions,
        stop: &watch::Receiver<Stop>,
        watcher: &mut dyn Watcher,
    ) -> Result<RunEnd, RunnerError> {
        let run = &self.run.store;
        watcher.reached(Milestone::Proving);
        let proof = merge::prove(run).await?;
        let terms = Terms {
            now_micros: now_micros(),
            anyway: options.anyway,
            again: options.again,
            sent: Some(&SENT),
        };
        if options.is_noted {
            settle::begin(run, self.job, terms.now_micros).await?;
        }
        SENT.store(0, Ordering::Relaxed);
        watcher.reached(Milestone::Loading { records: proof.complete, sent: &SENT });
        match merge::publish(run, self.job, self.to, &proof, &terms, told_to_stop(stop)).await {
            Ok(published) => Ok(RunEnd::Published(Box::new(published))),
            Err(MergeError::Interrupted) => {
                Ok(RunEnd::interrupted(stop.borrow().signal().unwrap_or_default()))
            }
            Err(error) if error.exit() == Exit::Refused => {
                Ok(RunEnd::Refused(self.mask.apply(&error.to_string())))
            }
            Err(error) => Err(unpublished(&error, self.mask)),
        }
    }
}

/// What a merge says that failed: a value that a database refuses may repeat a secret.
pub(super) fn unpublished(error: &MergeError, mask: &Mask) -> RunnerError {
    RunnerError::Unpublished(error.exit(), mask.apply(&error.to_string()))
}

//! `windrow merge RUN`: prove that nothing is missing, and publish.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use tokio::sync::watch;

use super::live::LiveRun;
use super::merged::Merged;
use super::{CliError, Place, find, settle, summary};
use crate::fetch::Mask;
use crate::handoff::lock::lock_run;
use crate::handoff::store::now_micros;
use crate::handoff::{Exit, RunStore};
use crate::job::{Destination, Job};
use crate::merge::{self, MergeError, Terms};
use crate::os::{Stop, stop_on_signals};

#[derive(Debug, Args)]
pub(super) struct MergeArgs {
    /// The run: its folder, or a job's name for its newest run
    run: String,
    /// Publish to another destination, such as csv:prices.csv (relative to this folder) or postgres://…
    #[arg(long, value_name = "URL")]
    to: Option<String>,
    /// Publish although conditions of the job are not met (min_success, min_rows, …), and say which
    #[arg(long)]
    anyway: bool,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

pub(super) async fn run(args: MergeArgs, place: &Place) -> Result<Exit, CliError> {
    let started = Instant::now();
    let stop = stop_on_signals()?;
    let store = find::open_run(&args.run, place).await?;
    let lock = lock_run(store.folder())?;
    let plan = store.plan().await?;
    let run = LiveRun { store, plan, _lock: Some(lock) };
    let secrets = find::secrets(args.env_file.as_deref())?;
    let noted = args.to.is_none() && !run.plan.trial;
    let settled = if noted { settle::settle(&run.store, &run.plan, &secrets).await? } else { None };
    let mut job = match (find::present_job(&run.store, &run.plan).await, settled) {
        // Published by the job as it was then.
        (Err(_), Some(settled)) => return Ok(settled.report(&run).await),
        (job, _) => job?,
    };
    if let Some(url) = args.to {
        let here = std::env::current_dir()?;
        redirect(&mut job, Destination::parse(&url, &here).map_err(CliError::Usage)?);
    }
    let to = merge::Place::of(&run.store, &run.plan, &job, &secrets)?;
    let wanted = Wanted { anyway: args.anyway, noted };
    let mask = Mask::of(&job.endpoints, &secrets);
    let merged = merge_run(&run.store, &job, &to, wanted, &mask, &stop).await?;
    summary::finished(&run, &job, &to, &merged, &mask, started.elapsed()).await;
    if noted { settle::told_at_last(&run.store, merged.exit()) } else { Ok(merged.exit()) }
}

/// How a run is to be published.
#[derive(Debug, Clone, Copy)]
pub(super) struct Wanted {
    /// Whatever the gate says.
    pub(super) anyway: bool,
    /// Where the job's runs go: a death is to be found out by who comes next (see [`settle`]).
    pub(super) noted: bool,
}

/// Publishes somewhere else. Statements were written for the job's own kind of destination.
fn redirect(job: &mut Job, to: Destination) {
    let other_kind = std::mem::discriminant(&job.table.to) != std::mem::discriminant(&to);
    if other_kind && !(job.before.is_empty() && job.after.is_empty()) {
        tell!("{}: [[before]] and [[after]] are for another kind of destination, and left out", job.name);
        job.before.clear();
        job.after.clear();
    }
    job.table.to = to;
}

/// Proves the run and publishes it; a signal gives up what is not yet committed. Where it is published and noted, the
/// caller says so, and then that it is [`told`](settle::told).
pub(super) async fn merge_run(
    run: &RunStore,
    job: &Job,
    to: &merge::Place,
    wanted: Wanted,
    mask: &Mask,
    stop: &watch::Receiver<Stop>,
) -> Result<Merged, CliError> {
    let proof = merge::prove(run).await?;
    let terms = Terms { now_micros: now_micros(), anyway: wanted.anyway };
    if wanted.noted {
        settle::begin(run, job, terms.now_micros).await?;
    }
    match merge::publish(run, job, to, &proof, &terms, told_to_stop(stop)).await {
        Ok(published) => Ok(Merged::Published(Box::new(published))),
        Err(MergeError::Interrupted) => Ok(Merged::Interrupted(stop.borrow().signal().unwrap_or_default())),
        Err(error) if error.exit() == Exit::Refused => Ok(Merged::Refused(mask.apply(&error.to_string()))),
        Err(error) => Err(unpublished(&error, mask)),
    }
}

/// What a merge says that failed: a value that a database refuses may repeat a secret.
pub(super) fn unpublished(error: &MergeError, mask: &Mask) -> CliError {
    CliError::Unpublished(error.exit(), mask.apply(&error.to_string()))
}

/// Ends when a signal has come.
pub(super) async fn told_to_stop(stop: &watch::Receiver<Stop>) {
    if stop.clone().wait_for(|stop| stop.is_set()).await.is_err() {
        // Nobody is left who could say so.
        std::future::pending().await
    }
}

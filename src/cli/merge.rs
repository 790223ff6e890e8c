//! `windrow merge RUN`: prove that nothing is missing, and publish.

use std::path::PathBuf;
use std::time::Instant;

use clap::Args;
use tokio::sync::watch;

use super::live::LiveRun;
use super::{CliError, Place, find, summary};
use crate::handoff::lock::lock_run;
use crate::handoff::store::now_micros;
use crate::handoff::{Exit, RunStore};
use crate::job::{Destination, Job};
use crate::merge::{self, MergeError, Published, Terms};
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
    let mut job = find::present_job(&store, &plan).await?;
    if let Some(url) = args.to {
        let here = std::env::current_dir()?;
        redirect(&mut job, Destination::parse(&url, &here).map_err(CliError::Usage)?);
    }
    let run = LiveRun { store, plan, _lock: lock };
    let to = merge::Place::of(&run.store, &run.plan, &job, &find::secrets(args.env_file.as_deref())?)?;
    let merged = merge_run(&run.store, &job, &to, args.anyway, &stop).await?;
    summary::finished(&run, &job, &to, &merged, started.elapsed()).await?;
    Ok(merged.exit())
}

/// Publishes somewhere else. Statements were written for the job's own kind of destination.
fn redirect(job: &mut Job, to: Destination) {
    let other_kind = std::mem::discriminant(&job.table.to) != std::mem::discriminant(&to);
    if other_kind && !(job.before.is_empty() && job.after.is_empty()) {
        eprintln!("{}: [[before]] and [[after]] are for another kind of destination, and left out", job.name);
        job.before.clear();
        job.after.clear();
    }
    job.table.to = to;
}

/// How a merge ended.
pub(super) enum Merged {
    Published(Box<Published>),
    /// What the gate said.
    Refused(String),
    /// By this signal, before anything was published.
    Interrupted(i32),
}

impl Merged {
    pub(super) fn exit(&self) -> Exit {
        match self {
            Merged::Published(_) => Exit::Done,
            Merged::Refused(_) => Exit::Refused,
            Merged::Interrupted(signal) => Exit::Interrupted(*signal),
        }
    }
}

/// Proves the run and publishes it, `anyway` whatever the gate says; a signal gives up what is not yet committed.
pub(super) async fn merge_run(
    run: &RunStore,
    job: &Job,
    to: &merge::Place,
    anyway: bool,
    stop: &watch::Receiver<Stop>,
) -> Result<Merged, CliError> {
    let proof = merge::prove(run).await?;
    let terms = Terms { now_micros: now_micros(), anyway };
    match merge::publish(run, job, to, &proof, &terms, told_to_stop(stop)).await {
        Ok(published) => Ok(Merged::Published(Box::new(published))),
        Err(MergeError::Interrupted) => Ok(Merged::Interrupted(stop.borrow().signal().unwrap_or_default())),
        Err(error) if error.exit() == Exit::Refused => Ok(Merged::Refused(error.to_string())),
        Err(error) => Err(error.into()),
    }
}

/// Ends when a signal has come.
pub(super) async fn told_to_stop(stop: &watch::Receiver<Stop>) {
    if stop.clone().wait_for(|stop| stop.is_set()).await.is_err() {
        // Nobody is left who could say so.
        std::future::pending().await
    }
}

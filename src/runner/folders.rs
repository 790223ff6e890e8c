//! The folders of a job and its runs: made, held, and swept of what planners that died have left.

use std::fs::Permissions;
use std::io::ErrorKind;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::{Milestone, RunnerError, Watcher};
use crate::handoff::lock::{Lock, LockError, lock_job, lock_run};
use crate::handoff::{HandoffError, Plan, RunStore, layout, mark, runs};
use crate::job::Job;
use crate::os::permit_at;

/// Holds the job: nobody else makes, works on or goes on with its runs as long as this lasts.
pub(super) fn hold_job(job: &str, root: &Path) -> Result<Lock, RunnerError> {
    let folder = root.join(job);
    make_folder(&folder)?;
    Ok(lock_job(&folder, job)?)
}

/// Holds the job of a run that is there, wherever it lies. A trial is in nobody's way.
pub(super) fn hold_job_of(run: &RunStore, plan: &Plan) -> Result<Option<Lock>, RunnerError> {
    let folder = run.folder().parent().filter(|_| !plan.trial);
    Ok(folder.map(|folder| lock_job(folder, &plan.job)).transpose()?)
}

/// How often a new run's folder is made that a sweeper takes for one that somebody left.
const TRIES: u32 = 20;

/// How long a sweeper may hold it.
const SWEPT: Duration = Duration::from_millis(20);

/// Makes a run's folder, marked, for whom the job lets look into it, and holds it, before anything else is in it: what nobody
/// holds is swept.
pub(super) async fn hold_new(folder: &Path, job: &Job) -> Result<(RunStore, Lock), RunnerError> {
    make_folder(folder.parent().unwrap_or(folder))?;
    let mut tried = 0;
    let lock = loop {
        tried += 1;
        let held = match mark::make(folder) {
            Ok(()) => lock_run(folder),
            Err(source) => Err(LockError::File { path: folder.display().to_string(), source }),
        };
        match held {
            Ok(lock) => break lock,
            // Somebody sweeps the job's folder, and this one had no plan yet.
            Err(LockError::Held { .. }) if tried < TRIES => tokio::time::sleep(SWEPT).await,
            Err(LockError::File { source, .. }) if source.kind() == ErrorKind::NotFound && tried < TRIES => {}
            Err(LockError::File { source, .. }) => return Err(cannot_make(folder, &source)),
            Err(held) => return Err(held.into()),
        }
    };
    let mode = job.settings.runs_permissions;
    std::fs::set_permissions(folder, Permissions::from_mode(mode))
        .map_err(|error| cannot_make(folder, &error))?;
    permit_at(&folder.join(layout::RUN_LOCK), mode);
    let run = RunStore::create(folder).await?;
    // An empty folder that lay there is taken, and may be another's.
    run.refuse_strange()?;
    Ok((if job.input.is_queue() { run.leased() } else { run }, lock))
}

pub(super) fn make_folder(folder: &Path) -> Result<(), RunnerError> {
    std::fs::create_dir_all(folder).map_err(|error| cannot_make(folder, &error))
}

fn cannot_make(folder: &Path, error: &std::io::Error) -> RunnerError {
    let hint = match error.kind() {
        ErrorKind::StorageFull => "free some space, or choose another folder with --runs",
        _ => "choose another folder with --runs",
    };
    RunnerError::Disk(format!("cannot make {}: {error}\nhint: {hint}", folder.display()))
}

/// Removes what planners that died left, and what was not removed whole: windrow's own folders without a plan that nobody
/// holds. One that is named like a run without being marked is told, and stays.
pub(super) fn sweep_unplanned(folder: &Path, watcher: &mut dyn Watcher) {
    for path in runs::unplanned(folder) {
        if !mark::is_marked(&path) && !mark::is_empty(&path) {
            watcher.reached(Milestone::NoRun { folder: &path });
            continue;
        }
        // An empty folder has no lock; a process that is making a run of it makes it again. Best effort: what stays is not a run,
        // and is looked at again next time.
        let _ = if mark::is_marked(&path) { remove_unheld(&path) } else { runs::remove_unplanned(&path) };
    }
}

fn remove_unheld(folder: &Path) -> Result<(), HandoffError> {
    match lock_run(folder) {
        // It may have been planned since it was listed.
        Ok(_lock) if !runs::is_run_folder(folder) => runs::remove_unplanned(folder),
        _ => Ok(()),
    }
}

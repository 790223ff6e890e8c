//! What `run`, `plan` and `retry` share: planning anew, and finding the run to go on with.
//!
//! Promise: `plan` and `run` make one choice ([`choose`]), so that `plan` describes what `run` would do next, and never
//! puts a run of its own before one that is unfinished.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{CliError, find, round};
use crate::handoff::lock::{Lock, LockError, lock_job, lock_run};
use crate::handoff::store::now_micros;
use crate::handoff::{HandoffError, Plan, RunStore, layout, mark, runs};
use crate::job::{Job, OnChange};
use crate::plan::{self, PlanOptions};
use crate::report::status::shown_path;
use crate::secrets::Secrets;

/// A run, and its lock where this process does more than look.
pub(super) struct LiveRun {
    pub(super) store: RunStore,
    pub(super) plan: Plan,
    pub(super) _lock: Option<Lock>,
}

/// Which records are tried; all of them by default.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct TrialArgs {
    /// Try this many records, spread over the list, into a database of their own
    #[arg(long, value_name = "N", conflicts_with = "ids", value_parser = clap::value_parser!(u64).range(1..))]
    pub(super) sample: Option<u64>,
    /// Try the records with these ids, into a database of their own
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    pub(super) ids: Option<Vec<String>>,
}

/// The options of a plan made now.
pub(super) fn plan_options(trial: &TrialArgs) -> PlanOptions {
    PlanOptions {
        cores: u32::try_from(round::cores()).unwrap_or(1),
        sample: trial.sample,
        ids: trial.ids.clone(),
        windrow: env!("CARGO_PKG_VERSION").to_owned(),
        now_micros: now_micros(),
    }
}

/// Holds the job: nobody else makes, works on or goes on with its runs as long as this lasts.
pub(super) fn hold_job(job: &str, root: &Path) -> Result<Lock, CliError> {
    let folder = root.join(job);
    make_folder(&folder)?;
    Ok(lock_job(&folder, job)?)
}

/// Holds the job of a run that is there, wherever it lies. A trial is in nobody's way.
pub(super) fn hold_job_of(run: &RunStore, plan: &Plan) -> Result<Option<Lock>, CliError> {
    let folder = run.folder().parent().filter(|_| !plan.trial);
    Ok(folder.map(|folder| lock_job(folder, &plan.job)).transpose()?)
}

/// Plans a new run and holds it.
pub(super) async fn plan_new(
    job: &Job,
    root: &Path,
    secrets: &Secrets,
    trial: &TrialArgs,
) -> Result<LiveRun, CliError> {
    let options = plan_options(trial);
    let run_id = runs::new_run_id(options.now_micros);
    let folder = root.join(&job.name);
    make_folder(&folder)?;
    sweep_unplanned(&folder);
    let list = plan::read_list(job, &options, secrets, &folder).await?;
    let (store, lock) = hold_new(&folder.join(&run_id)).await?;
    let plan = plan::write_run(job, list, &store, &run_id, &options).await?;
    Ok(LiveRun { store, plan, _lock: Some(lock) })
}

/// How often a new run's folder is made that a sweeper takes for one that somebody left.
const TRIES: u32 = 20;

/// How long a sweeper may hold it.
const SWEPT: Duration = Duration::from_millis(20);

/// Makes a run's folder, marked, and holds it, before anything else is in it: what nobody holds is swept.
pub(super) async fn hold_new(folder: &Path) -> Result<(RunStore, Lock), CliError> {
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
    Ok((RunStore::create(folder).await?, lock))
}

fn make_folder(folder: &Path) -> Result<(), CliError> {
    std::fs::create_dir_all(folder).map_err(|error| cannot_make(folder, &error))
}

fn cannot_make(folder: &Path, error: &std::io::Error) -> CliError {
    let hint = match error.kind() {
        ErrorKind::StorageFull => "free some space, or choose another folder with --runs",
        _ => "choose another folder with --runs",
    };
    CliError::Disk(format!("cannot make {}: {error}\nhint: {hint}", folder.display()))
}

/// Removes what planners that died left, and what was not removed whole: windrow's own folders without a plan that nobody
/// holds. One that is named like a run without being marked is told, and stays.
pub(super) fn sweep_unplanned(folder: &Path) {
    for path in runs::unplanned(folder) {
        if !mark::is_marked(&path) && !mark::is_empty(&path) {
            tell!(
                "windrow: {} is no run, and nothing in it says that windrow made it: it stays (an earlier version that was \
                 killed may have left it)",
                shown_path(&path)
            );
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

/// What somebody does with a run that is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Purpose {
    /// Works on it: it is held from here on.
    Work,
    /// Looks at it: it may be another process's.
    Look,
}

/// What a job comes to next.
pub(super) enum Choice {
    /// Its newest run is unfinished, and is continued.
    Continue(LiveRun),
    /// Its newest run is unfinished, and stays so: why.
    LeaveBehind(LiveRun, String),
    /// There is no unfinished run.
    Begin,
}

/// Which run a job continues, if any. `job_file` is as the person named it.
///
/// # Errors
/// One that has changed, where the job says that this stops it.
pub(super) async fn choose(
    job: &Job,
    job_file: &Path,
    root: &Path,
    secrets: &Secrets,
    purpose: Purpose,
) -> Result<Choice, CliError> {
    let Some(run) = unfinished(job, root, purpose).await? else { return Ok(Choice::Begin) };
    match obstacle(job, secrets, &run).await? {
        None => Ok(Choice::Continue(run)),
        Some(Obstacle::Changed(why)) if job.settings.on_change == OnChange::Stop => {
            Err(stopped_by_change(&run, job_file, &why))
        }
        Some(Obstacle::Changed(why) | Obstacle::Old(why)) => Ok(Choice::LeaveBehind(run, why)),
    }
}

fn stopped_by_change(run: &LiveRun, job: &Path, why: &str) -> CliError {
    CliError::Usage(format!(
        "run {} is unfinished, and {why} (on_change = \"stop\")\n\
         hint: `windrow run {} --new` starts anew; to go on, restore what it was planned from: the job file stands \
         in {}",
        run.plan.run,
        job.display(),
        shown_path(&run.store.folder().join(layout::JOB)),
    ))
}

/// Opens a run that is there, and holds it if it is to be worked on.
pub(super) async fn open(folder: &Path, purpose: Purpose) -> Result<LiveRun, CliError> {
    let store = RunStore::open(folder).await?;
    let lock = match purpose {
        Purpose::Work => Some(lock_run(store.folder())?),
        Purpose::Look => None,
    };
    let plan = store.plan().await?;
    Ok(LiveRun { store, plan, _lock: lock })
}

/// The newest run of the job that is unfinished; `None` where the newest run is finished or there is none.
async fn unfinished(job: &Job, root: &Path, purpose: Purpose) -> Result<Option<LiveRun>, CliError> {
    let Some(folder) = newest_folder(job, root).await? else { return Ok(None) };
    let run = open(&folder, purpose).await?;
    Ok(run.store.outcome().await?.is_none().then_some(run))
}

async fn newest_folder(job: &Job, root: &Path) -> Result<Option<PathBuf>, CliError> {
    for folder in runs::runs_of(root, &job.name) {
        if !RunStore::open(&folder).await?.plan().await?.trial {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// Why an unfinished run cannot be continued.
enum Obstacle {
    /// Its age.
    Old(String),
    /// What differs.
    Changed(String),
}

/// What stands in the way of going on with a run; `None` where nothing does.
async fn obstacle(job: &Job, secrets: &Secrets, run: &LiveRun) -> Result<Option<Obstacle>, CliError> {
    let age = now_micros().saturating_sub(run.plan.created_at).max(0);
    if u128::from(age.unsigned_abs()) > job.settings.resume_within.as_micros() {
        let within = humantime::format_duration(job.settings.resume_within);
        return Ok(Some(Obstacle::Old(format!("it is older than {within} (resume_within)"))));
    }
    let mut changed = Vec::new();
    if plan::source_sha256(job, secrets).await?.is_some_and(|sha256| sha256 != run.plan.input_sha256) {
        changed.push(format!("the list ({}) has changed", run.plan.source_in_short()));
    }
    if plan::questions_sha256(job) != run.plan.questions_sha256 {
        changed.extend(changed_questions(job, run).await);
    }
    Ok((!changed.is_empty()).then(|| Obstacle::Changed(changed.join(", "))))
}

/// What the job asks otherwise now. The plan tells only that it does; the run's own job file tells what.
async fn changed_questions(job: &Job, run: &LiveRun) -> Vec<String> {
    // A file that this windrow cannot read any more is no reason to stop.
    let Ok(planned) = find::planned_job(&run.store, &run.plan).await else {
        return vec!["the job's input or endpoints have changed".to_owned()];
    };
    let changed = job.changes_since(&planned);
    if changed.is_empty() {
        vec![format!("it was planned by windrow {}, which reads the job otherwise", run.plan.windrow)]
    } else {
        changed
    }
}

//! What `run`, `plan` and `retry` share: planning anew, and finding the run to go on with.

use std::path::{Path, PathBuf};

use super::{CliError, round};
use crate::handoff::lock::{Lock, lock_run};
use crate::handoff::store::now_micros;
use crate::handoff::{Plan, RunStore, runs};
use crate::job::Job;
use crate::plan::{self, PlanOptions};

/// A run that this process holds the lock of.
pub(super) struct LiveRun {
    pub(super) store: RunStore,
    pub(super) plan: Plan,
    pub(super) _lock: Lock,
}

/// Which records are tried; all of them by default.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct TrialArgs {
    /// Try so many records, spread over the list, into a database of their own
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

/// Plans a new run and holds it.
pub(super) async fn plan_new(job: &Job, root: &Path, trial: &TrialArgs) -> Result<LiveRun, CliError> {
    let options = plan_options(trial);
    let run_id = runs::new_run_id(options.now_micros);
    let folder = root.join(&job.name).join(&run_id);
    std::fs::create_dir_all(root.join(&job.name)).map_err(|error| {
        let hint = match error.kind() {
            std::io::ErrorKind::StorageFull => "free some space, or choose another folder with --runs",
            _ => "choose another folder with --runs",
        };
        CliError::Disk(format!("cannot make {}: {error}\nhint: {hint}", root.join(&job.name).display()))
    })?;
    sweep_unplanned(&root.join(&job.name));
    let list = plan::read_list(job, &options, &root.join(&job.name))?;
    let store = RunStore::create(&folder).await?;
    let lock = lock_run(store.folder())?;
    let plan = plan::write_run(job, list, &store, &run_id, &options).await?;
    Ok(LiveRun { store, plan, _lock: lock })
}

/// Removes what planners that died left: folders without a plan that nobody holds.
fn sweep_unplanned(folder: &Path) {
    for path in runs::unplanned(folder) {
        if lock_run(&path).is_ok() {
            // Best effort: what stays is not a run, and is looked at again next time.
            let _ = std::fs::remove_dir_all(&path);
        }
    }
}

/// The newest run of the job that is unfinished; `None` where the newest run is finished or there is none.
pub(super) async fn unfinished(job: &Job, root: &Path) -> Result<Option<LiveRun>, CliError> {
    let Some(folder) = newest_folder(job, root).await? else { return Ok(None) };
    let store = RunStore::open(&folder).await?;
    let lock = lock_run(store.folder())?;
    if store.outcome().await?.is_some() {
        return Ok(None);
    }
    let plan = store.plan().await?;
    Ok(Some(LiveRun { store, plan, _lock: lock }))
}

async fn newest_folder(job: &Job, root: &Path) -> Result<Option<PathBuf>, CliError> {
    for folder in runs::runs_of(root, &job.name) {
        if !RunStore::open(&folder).await?.plan().await?.trial {
            return Ok(Some(folder));
        }
    }
    Ok(None)
}

/// Why an unfinished run cannot be gone on with; `None` where it can.
pub(super) fn obstacle(job: &Job, plan: &Plan) -> Result<Option<String>, CliError> {
    let age = now_micros().saturating_sub(plan.created_at).max(0);
    if u128::from(age.unsigned_abs()) > job.settings.resume_within.as_micros() {
        let within = humantime::format_duration(job.settings.resume_within);
        return Ok(Some(format!("it is older than {within} (resume_within)")));
    }
    if plan::questions_sha256(job) != plan.questions_sha256 {
        return Ok(Some("the job's input or endpoints have changed".to_owned()));
    }
    match plan::source_sha256(job)? {
        Some(sha256) if sha256 != plan.input_sha256 => {
            Ok(Some(format!("the list ({}) has changed", plan.source)))
        }
        _ => Ok(None),
    }
}

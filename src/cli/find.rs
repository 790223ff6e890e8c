//! From the words of a command line to jobs and runs.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use super::{CliError, Place};
use crate::fetch::Question;
use crate::handoff::{Plan, RunStore, runs};
use crate::job::Job;
use crate::report::status::shown_path;
use crate::secrets::Secrets;
use crate::value::{Field, Type};

/// The job file that a person named, by path.
pub(super) fn load_job(path: &Path) -> Result<Job, CliError> {
    let absolute = std::path::absolute(path)?;
    Ok(Job::load(&absolute)?)
}

/// Where the runs of a job live.
pub(super) fn runs_root(job: &Job, place: &Place) -> PathBuf {
    place.runs.clone().unwrap_or_else(|| runs::default_root(&job.path))
}

/// The run that a person named: a folder, a run's id, or a job for its newest run.
pub(super) async fn open_run(word: &str, place: &Place) -> Result<RunStore, CliError> {
    let folder = Path::new(word);
    if runs::is_run_folder(folder) {
        return Ok(RunStore::open(folder).await?);
    }
    let root = place.runs.clone().unwrap_or_else(|| PathBuf::from("shards"));
    if word.ends_with(".toml") && folder.is_file() {
        let job = load_job(folder)?;
        return newest(&runs_root(&job, place), &job.name).await;
    }
    if let Some(folder) =
        runs::jobs(&root).iter().map(|job| root.join(job).join(word)).find(|f| runs::is_run_folder(f))
    {
        return Ok(RunStore::open(&folder).await?);
    }
    newest(&root, word).await
}

/// The word that names a run from where the person is: its job's, or its folder.
pub(super) fn word_for(run: &RunStore, plan: &Plan) -> String {
    let here = std::env::current_dir().unwrap_or_default().join("shards").join(&plan.job);
    let found_by_job = !plan.trial && run.folder().parent() == Some(here.as_path());
    if found_by_job { plan.job.clone() } else { shown_path(run.folder()) }
}

/// The newest run of a job that is no trial.
pub(super) async fn newest(root: &Path, job: &str) -> Result<RunStore, CliError> {
    for folder in runs::runs_of(root, job) {
        let run = RunStore::open(&folder).await?;
        if !run.plan().await?.trial {
            return Ok(run);
        }
    }
    Err(CliError::Usage(format!(
        "no run of job {job:?} in {}\nhint: `windrow status` lists the runs; --runs says where they are",
        root.display(),
    )))
}

/// The job of a run, as it was planned.
pub(super) async fn planned_job(run: &RunStore, plan: &Plan) -> Result<Job, CliError> {
    Ok(Job::parse(run.job_text(plan).await?, &plan.job_path)?)
}

/// The job of a run as it says *now* how to pace, gate and load; what is asked must be as planned.
///
/// Where the job file is gone, what was planned holds.
pub(super) async fn present_job(run: &RunStore, plan: &Plan) -> Result<Job, CliError> {
    let planned = planned_job(run, plan).await?;
    if !plan.job_path.is_file() {
        return Ok(planned);
    }
    let present = Job::load(&plan.job_path)?;
    if present.questions() != planned.questions() {
        return Err(CliError::Usage(format!(
            "{} has changed since run {} was planned: {}\n\
             hint: `windrow run {}` starts a new run; to finish this one, restore the file as it stands in {}",
            plan.job_path.display(),
            plan.run,
            present.changes_since(&planned).join(", "),
            plan.job_path.display(),
            run.folder().join(crate::handoff::layout::JOB).display(),
        )));
    }
    Ok(present)
}

/// The job of a run for whoever fetches: its limits and retries as the file says now, where it still asks the same.
pub(super) async fn paced_job(run: &RunStore, plan: &Plan) -> Result<Job, CliError> {
    match present_job(run, plan).await {
        Ok(job) => Ok(job),
        // A file that is being edited, or asks something else by now, is no reason to stop in the middle.
        Err(_) => planned_job(run, plan).await,
    }
}

/// The secrets: the environment, and a file of `NAME=value` lines.
pub(super) fn secrets(env_file: Option<&Path>) -> Result<Secrets, CliError> {
    match env_file {
        None => Ok(Secrets::from_environment()),
        Some(path) => Ok(Secrets::from_environment().with_file(variables(path)?)),
    }
}

/// The variables of an env-file.
fn variables(path: &Path) -> Result<HashMap<String, String>, CliError> {
    let unreadable = |error| CliError::Usage(format!("cannot read {}: {error}", path.display()));
    let lines = dotenvy::from_path_iter(path).map_err(unreadable)?;
    lines.collect::<Result<_, _>>().map_err(unreadable)
}

/// Compiles the questions, so that a secret that is not set is told before anything is planned.
pub(super) fn check_secrets(job: &Job, secrets: &Secrets) -> Result<(), CliError> {
    let fields: Vec<Field> =
        job.input_columns().into_iter().map(|name| Field { name, ty: Type::Text }).collect();
    let compiled = Question::compile_all(&job.endpoints, &fields, secrets);
    compiled.map(|_| ()).map_err(|error| CliError::Usage(error.to_string()))
}

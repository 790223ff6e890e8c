//! From the words of a command line to jobs and runs.

use std::path::{Path, PathBuf};

use super::RunsArgs;
use crate::handoff::{RunStore, runs};
use crate::job::Job;
use crate::runner::RunnerError;

/// The job file that a person named, by path.
pub(super) fn load_job(path: &Path) -> Result<Job, RunnerError> {
    let absolute = std::path::absolute(path)?;
    Ok(Job::load(&absolute)?)
}

/// Where the runs of a job live.
pub(super) fn runs_root(job: &Job, runs: &RunsArgs) -> PathBuf {
    runs.folder.clone().unwrap_or_else(|| runs::default_root(&job.path))
}

/// The run that a person named: a folder, a run's id, or a job for its newest run.
pub(super) async fn open_run(word: &str, runs: &RunsArgs) -> Result<RunStore, RunnerError> {
    let folder = Path::new(word);
    if runs::is_run_folder(folder) {
        return Ok(RunStore::open(folder).await?);
    }
    let root = runs.here();
    if word.ends_with(".toml") && folder.is_file() {
        let job = load_job(folder)?;
        return newest(&runs_root(&job, runs), &job.name).await;
    }
    if let Some(folder) =
        runs::jobs(&root).iter().map(|job| root.join(job).join(word)).find(|f| runs::is_run_folder(f))
    {
        return Ok(RunStore::open(&folder).await?);
    }
    newest(&root, word).await
}

/// The newest run of a job that is no trial.
pub(super) async fn newest(root: &Path, job: &str) -> Result<RunStore, RunnerError> {
    for folder in runs::runs_of(root, job) {
        let run = RunStore::open(&folder).await?;
        if !run.plan().await?.trial {
            return Ok(run);
        }
    }
    Err(RunnerError::Usage(format!(
        "no run of job {job:?} in {}\nhint: `windrow status` lists the runs; --runs says where they are",
        root.display(),
    )))
}

//! From the words of a command line to jobs and runs. JOB and RUN take the same words:
//!
//! | a word | as JOB | as RUN |
//! |---|---|---|
//! | a job file, `schemas/films.toml` | it | the job's newest run |
//! | a name, `films` | `schemas/films.toml`, or else `films.toml`, or else the file of that job's newest run | the newest run of that job, or else of that file's |
//! | a run's folder, or its id | the file that it was planned from | it |
//! | the folder of a job's runs, `shards/films` | the file of the newest one | the newest one |
//!
//! A trial is no newest run. Prune, which removes runs, takes no run for a job: who names one might mean that one alone.

use std::path::{Path, PathBuf};

use super::{RunsArgs, named};
use crate::handoff::{RunStore, runs};
use crate::job::Job;
use crate::os::shown_path;
use crate::report::job_word;
use crate::runner::RunnerError;

/// The job that a person named.
pub(super) async fn load_job(word: &str, runs: &RunsArgs) -> Result<Job, RunnerError> {
    let job = named_job(word, runs).await?;
    named::note_job(&job);
    Ok(job)
}

async fn named_job(word: &str, runs: &RunsArgs) -> Result<Job, RunnerError> {
    if let Some(file) = job_file(word) {
        return Ok(Job::load(&std::path::absolute(file)?)?);
    }
    if let Some(run) = named_run(word, runs).await? {
        let plan = run.plan().await?;
        if plan.job_path.is_file() {
            return Ok(Job::load(&plan.job_path)?);
        }
        return Err(RunnerError::Usage(format!(
            "the job file of run {}, {}, is gone\nhint: the run has a copy of it in {}",
            plan.run,
            plan.job_path.display(),
            shown_path(run.folder()),
        )));
    }
    // What is wrong with it, in words.
    Ok(Job::load(&std::path::absolute(word)?)?)
}

/// The job that a word names which has a queue; a run of it is no such word.
pub(super) async fn job_with_queue(word: &str, runs: &RunsArgs) -> Option<Job> {
    if is_run(word, runs) {
        return None;
    }
    // What is wrong with a job file does not matter to its runs.
    let job = named_job(word, runs).await.ok().filter(|job| job.input.is_queue())?;
    named::note_job(&job);
    Some(job)
}

/// The job that a person named, whose list is read as a whole: no queue is.
pub(super) fn refuse_queue(job: &Job) -> Result<(), RunnerError> {
    if !job.input.is_queue() {
        return Ok(());
    }
    let word = job_word(&job.path);
    Err(RunnerError::Usage(format!(
        "job {} has a queue, whose jobs come one after the other\nhint: `windrow work {word}` works a queue; `windrow run {word} \
         --sample 10` tries some of the jobs that wait, and claims none",
        job.name
    )))
}

/// The run that a person named, to ask or publish it anew: the jobs of a queue's batch are settled, or another worker's.
pub(super) async fn run_to_mend(word: &str, runs: &RunsArgs) -> Result<RunStore, RunnerError> {
    let run = open_run(word, runs).await?;
    match run.plan().await {
        Ok(plan) if plan.leased => Err(RunnerError::Usage(format!(
            "run {} is a batch of a queue: what failed in it is asked again by `windrow work`, and published with its jobs\n\
             hint: `windrow requeue {}` lets those wait again that have failed for good",
            plan.run,
            job_word(&plan.job_path)
        ))),
        _ => Ok(run),
    }
}

/// Where the runs of a job live.
pub(super) fn runs_root(job: &Job, runs: &RunsArgs) -> PathBuf {
    runs.folder.clone().unwrap_or_else(|| runs::default_root(&job.path))
}

/// The run that a person named.
pub(super) async fn open_run(word: &str, runs: &RunsArgs) -> Result<RunStore, RunnerError> {
    let run = found_run(word, runs).await?;
    // One whose plan cannot be read has no name yet; who works with it says so.
    if let Ok(plan) = run.plan().await {
        named::note_run(&run, &plan);
    }
    Ok(run)
}

async fn found_run(word: &str, runs: &RunsArgs) -> Result<RunStore, RunnerError> {
    if !Path::new(word).is_file()
        && let Some(run) = named_run(word, runs).await?
    {
        return Ok(run);
    }
    match job_file(word) {
        Some(file) => {
            let job = Job::load(&std::path::absolute(file)?)?;
            newest(&runs_root(&job, runs), &job.name).await
        }
        None => newest(&runs.here(), word).await,
    }
}

/// Whether a word names one run, and no job.
pub(super) fn is_run(word: &str, runs: &RunsArgs) -> bool {
    run_folder(word, runs).is_some()
}

/// The folder of a run that is named by it, or by its id.
fn run_folder(word: &str, runs: &RunsArgs) -> Option<PathBuf> {
    let root = runs.here();
    let with_that_id = runs::jobs(&root).into_iter().map(|job| root.join(job).join(word));
    std::iter::once(PathBuf::from(word)).chain(with_that_id).find(|folder| runs::is_run_folder(folder))
}

/// The job file that is named: by its path, or by its name alone.
fn job_file(word: &str) -> Option<PathBuf> {
    let file = format!("{word}.toml");
    let places = [PathBuf::from(word), Path::new("schemas").join(&file), PathBuf::from(file)];
    places.into_iter().find(|path| path.is_file())
}

/// The run that is named otherwise than by a job file: by its folder or its id, or by a job's name for its newest one.
async fn named_run(word: &str, runs: &RunsArgs) -> Result<Option<RunStore>, RunnerError> {
    if let Some(folder) = run_folder(word, runs) {
        return Ok(Some(RunStore::open(&folder).await?));
    }
    if let Some(run) = newest_of(&runs.here(), word).await? {
        return Ok(Some(run));
    }
    let folder = Path::new(word);
    match (folder.parent(), folder.file_name().and_then(|name| name.to_str())) {
        (Some(root), Some(job)) if folder.is_dir() => newest_of(root, job).await,
        _ => Ok(None),
    }
}

/// The newest run of a job that is no trial.
pub(super) async fn newest(root: &Path, job: &str) -> Result<RunStore, RunnerError> {
    newest_of(root, job).await?.ok_or_else(|| {
        RunnerError::Usage(format!(
            "no run of job {job:?} in {}\nhint: `windrow status` lists the runs; --runs says where they are",
            root.display(),
        ))
    })
}

/// The runs of a job that are no trials, the newest first.
pub(super) async fn all_of(root: &Path, job: &str) -> Result<Vec<RunStore>, RunnerError> {
    let mut all = Vec::new();
    for folder in runs::runs_of(root, job) {
        let run = RunStore::open(&folder).await?;
        if !run.plan().await?.trial {
            all.push(run);
        }
    }
    Ok(all)
}

async fn newest_of(root: &Path, job: &str) -> Result<Option<RunStore>, RunnerError> {
    for folder in runs::runs_of(root, job) {
        let run = RunStore::open(&folder).await?;
        if !run.plan().await?.trial {
            return Ok(Some(run));
        }
    }
    Ok(None)
}

//! The job of a run: as it was planned, and as its file says now.

use std::path::Path;

use super::amend::{self, Change};
use super::{Milestone, RunnerError, Watcher, env_file};
use crate::budget::token_folder;
use crate::fetch::{Mask, Question, QuestionError, TokenSettings, Tokens, unused_proxy};
use crate::handoff::{Plan, RunStore, layout};
use crate::job::{Job, KeepAnswers};
use crate::secrets::Secrets;
use crate::value::{Field, Type};

/// The job of a run, as it was planned, or as it was last taken up (`amend`).
pub async fn planned_job(run: &RunStore, plan: &Plan) -> Result<Job, RunnerError> {
    let text = match run.last_amendment().await? {
        Some(amendment) => amendment.job,
        None => run.job_text(plan).await?,
    };
    Ok(Job::parse(text, &plan.job_path)?)
}

/// Which answers a run keeps, as it was planned.
pub(super) async fn kept_as_planned(run: &RunStore, plan: &Plan) -> Result<KeepAnswers, RunnerError> {
    Ok(Job::parse(run.job_text(plan).await?, &plan.job_path)?.settings.keep_answers)
}

/// The job of a run as it says *now* how to pace, gate and load; what is asked must be as planned.
///
/// Where the job file is gone, what was planned holds.
pub async fn present_job(run: &RunStore, plan: &Plan) -> Result<Job, RunnerError> {
    let planned = planned_job(run, plan).await?;
    // The same text means the same; to read it a second time is a good part of a short shard's time.
    let is_unchanged = || std::fs::read(&plan.job_path).is_ok_and(|text| text == planned.text.as_bytes());
    if !plan.job_path.is_file() || is_unchanged() {
        return Ok(planned);
    }
    let present = Job::load(&plan.job_path)?;
    if present.questions() == planned.questions() {
        return Ok(present);
    }
    let hint = match amend::change(run, plan, &planned, &present).await? {
        Change::Mends(_) => format!(
            "`windrow extract {}` goes on with it so: it makes what failed anew from the answers that were kept, without a \
             request",
            plan.run,
        ),
        _ => format!(
            "`windrow run {}` starts a new run; to finish this one, restore the file as it stands in {}",
            plan.job_path.display(),
            run.folder().join(planned_in(run).await?).display(),
        ),
    };
    Err(RunnerError::Usage(format!(
        "{} has changed since run {} was planned: {}\nhint: {hint}",
        plan.job_path.display(),
        plan.run,
        present.changes_since(&planned).join(", "),
    )))
}

/// The file of a run that has its job's text.
pub(super) async fn planned_in(run: &RunStore) -> Result<String, RunnerError> {
    let last = run.last_amendment().await?;
    Ok(last.map_or(layout::JOB.to_owned(), |last| layout::amendment(last.number).to_string()))
}

/// The job of a run for a process that fetches: its limits and retries as the file says now, where it still asks the same.
pub async fn paced_job(run: &RunStore, plan: &Plan) -> Result<Job, RunnerError> {
    match present_job(run, plan).await {
        Ok(job) => Ok(job),
        // A file that is being edited, or asks something else by now, is no reason to stop in the middle.
        Err(_) => planned_job(run, plan).await,
    }
}

/// The secrets: the environment, and a file of `NAME=value` lines.
pub fn secrets(env_file: Option<&Path>) -> Result<Secrets, RunnerError> {
    match env_file {
        None => Ok(Secrets::from_environment()),
        Some(path) => Ok(Secrets::from_environment().with_file(env_file::variables(path)?)),
    }
}

/// What is taken out of what a person is shown: the secrets that it asks with, and the user's access tokens.
pub fn mask(job: &Job, secrets: &Secrets) -> Mask {
    Mask::of(&job.endpoints, secrets, &token_folder())
}

/// Says once that a proxy which the environment names is not used, where the job says nothing of one.
pub(super) fn tell_unused_proxy(job: &Job, secrets: &Secrets, watcher: &mut dyn Watcher) {
    if let Some(text) = unused_proxy(&job.endpoints, secrets) {
        watcher.reached(Milestone::ProxyUnused(text));
    }
}

/// Compiles the questions, so that a secret that is not set is told before anything is planned.
pub fn check_secrets(job: &Job, secrets: &Secrets) -> Result<(), RunnerError> {
    let fields: Vec<Field> =
        job.input_columns().into_iter().map(|name| Field { name, ty: Type::Text }).collect();
    let wrong = |error: QuestionError| RunnerError::Usage(error.to_string());
    let questions = Question::compile_all(&job.endpoints, &fields, secrets).map_err(wrong)?;
    let settings = TokenSettings { folder: token_folder(), patience: job.settings.patience };
    Tokens::compile(&job.endpoints, &questions, secrets, settings).map(drop).map_err(wrong)
}

//! The job and the run that a command knows by now, so that no hint asks for their names.

use std::sync::{Mutex, PoisonError};

use crate::handoff::{Plan, RunStore};
use crate::job::Job;
use crate::report::{job_word, run_again, word_for};

/// As they are typed.
#[derive(Debug, Default)]
struct Named {
    job: Option<String>,
    run: Option<String>,
}

static NAMED: Mutex<Named> = Mutex::new(Named { job: None, run: None });

/// Notes the run that a person named, and its job.
pub(super) fn note_run(run: &RunStore, plan: &Plan) {
    let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    *named = Named { job: Some(run_again(run, plan)), run: Some(word_for(run, plan)) };
}

/// Notes the job that a person named.
pub(super) fn note_job(job: &Job) {
    NAMED.lock().unwrap_or_else(PoisonError::into_inner).job = Some(job_word(&job.path));
}

/// A message whose hints name what they stand for.
pub(super) fn filled(text: &str) -> String {
    let named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
    with_names(text, named.job.as_deref(), named.run.as_deref())
}

fn with_names(text: &str, job: Option<&str>, run: Option<&str>) -> String {
    let mut text = text.to_owned();
    if let Some(job) = job {
        text = text.replace("`windrow run JOB", &format!("`windrow run {job}"));
        text = text.replace("`windrow run --new`", &format!("`windrow run {job} --new`"));
        text = text.replace("`windrow run` or", &format!("`windrow run {job}` or"));
    }
    if let Some(run) = run {
        for command in ["shard", "merge", "retry"] {
            text = text.replace(&format!("`windrow {command} RUN"), &format!("`windrow {command} {run}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hint_names_what_the_command_knows() {
        let hint =
            "hint: `windrow run JOB` goes on, `windrow run JOB --new` not; `windrow shard RUN 3` does one";
        let filled = with_names(hint, Some("films.toml"), Some("films"));
        let expected = "hint: `windrow run films.toml` goes on, `windrow run films.toml --new` not; `windrow shard films 3` does one";
        assert_eq!(filled, expected);
        assert_eq!(with_names(hint, None, None), hint);
    }
}

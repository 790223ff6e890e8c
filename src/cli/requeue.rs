//! `windrow requeue JOB`: jobs of a queue that have failed for good wait again.

use std::path::PathBuf;

use clap::Args;

use super::{RunsArgs, find};
use crate::handoff::Exit;
use crate::job::Job;
use crate::merge::Requeued;
use crate::os::tell;
use crate::report::{counted, job_word, shell_word};
use crate::runner::{QueueLook, RequeueFilter, RunnerError, kind_of_failure, secrets};

/// Jobs that are told by their ids.
const NAMED: usize = 5;

#[derive(Debug, Args)]
pub(super) struct RequeueArgs {
    /// The job: its file, or its name
    job: String,
    /// Only those that failed of these kinds, such as status (`windrow failures` shows them)
    #[arg(long, value_name = "KIND,…", value_delimiter = ',', value_parser = kind_of_failure)]
    kind: Vec<String>,
    /// Only those with these ids; one of several columns is written ["a", 7], as `windrow failures` shows it
    #[arg(long, value_name = "ID,…")]
    ids: Option<Vec<String>>,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

pub(super) async fn run(args: RequeueArgs, runs: &RunsArgs) -> Result<Exit, RunnerError> {
    let job = find::load_job(&args.job, runs).await?;
    let secrets = secrets(args.env_file.as_deref())?;
    let look = QueueLook::open(&job, &secrets).await?;
    let keys = args.ids.map(|ids| ids.iter().flat_map(|ids| keys(ids)).collect());
    let (requeued, unknown) = look.requeue(&RequeueFilter { kinds: args.kind, keys }).await?;
    look.close().await;
    say(&job, &requeued, &unknown);
    let is_all = requeued.unwilling.is_empty() && unknown.is_empty();
    Ok(if is_all { Exit::Done } else { Exit::Refused })
}

/// The keys of a word: an id of several columns is JSON, in which commas do not part ids.
fn keys(word: &str) -> Vec<String> {
    let whole = word.trim();
    if whole.starts_with('[') && whole.ends_with(']') {
        return vec![whole.to_owned()];
    }
    word.split(',').map(str::to_owned).collect()
}

fn say(job: &Job, requeued: &Requeued, unknown: &[String]) {
    let told = |keys: &[String], what: &str| {
        if !keys.is_empty() {
            tell!("{}: {} {what}: {}", job.name, counted(keys.len() as u64, "job"), some(keys));
        }
    };
    match requeued.waiting.len() as u64 {
        0 => tell!("{}: no job was requeued", job.name),
        waiting => tell!("{}: {} requeued", job.name, counted(waiting, "job")),
    }
    told(&requeued.gone, "forgotten, since their rows are gone");
    told(&requeued.unwilling, "left as they are, since they do not meet `where` after `requeue`");
    if !unknown.is_empty() {
        told(unknown, "not among those that have failed for good");
        tell!("hint: `windrow failures {} --list` shows those that have", job_word(&job.path));
    }
}

fn some(keys: &[String]) -> String {
    let shown: Vec<String> = keys.iter().take(NAMED).map(|key| shell_word(key)).collect();
    match keys.len().saturating_sub(NAMED) {
        0 => shown.join(", "),
        more => format!("{}, and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_parted_by_commas_unless_they_have_several_columns() {
        assert_eq!(keys("1,2"), ["1", "2"]);
        assert_eq!(keys("[\"a,b\", 7]"), ["[\"a,b\", 7]"]);
        assert_eq!(keys("a b"), ["a b"]);
    }
}

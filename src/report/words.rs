//! Words that several commands say alike.

use std::path::Path;

use super::numbers::{count, counted, when};
use crate::handoff::{Plan, RunStore, runs};
use crate::job::Job;
use crate::os::shown_path;

/// New columns that are named.
const COLUMNS_NAMED: usize = 8;

/// What to do where a refusal of the secret is an answer.
const PROPER_ANSWER: &str = "an endpoint for which that is a proper answer says missing = [401, 403]";

/// What to do where a secret was refused; `again` is what repeating the command does.
pub fn secret_refused(again: &str) -> String {
    format!("hint: set the secret right{again}; {PROPER_ANSWER}")
}

/// Why nothing more is asked; `renews_at` is when the quota does that is used up, in seconds since 1970.
pub fn paused(renews_at: Option<u64>) -> String {
    match renews_at {
        Some(second) => format!("paused: a quota is used up; there is a new one {}", when(second)),
        None => "paused: the limit on requests is used up".to_owned(),
    }
}

/// A table that is there, and the columns that it is to gain.
pub fn filled_table(job: &Job, new: &[String]) -> String {
    let filled = format!("{} is there, and is filled as it is", job.table.name);
    match new {
        [] => filled,
        [column] => format!("{filled}; a column is added: {column}"),
        new => format!("{filled}; {} are added: {}", counted(new.len() as u64, "column"), some_columns(new)),
    }
}

/// Columns by their names, the first of them.
pub fn some_columns(columns: &[String]) -> String {
    let shown = columns.iter().take(COLUMNS_NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    match columns.len().saturating_sub(COLUMNS_NAMED) {
        0 => shown,
        more => format!("{shown}, and {} more", count(more as u64)),
    }
}

/// The word that names a run from where the person is: its job's, or its folder.
pub fn word_for(run: &RunStore, plan: &Plan) -> String {
    let here = std::env::current_dir().unwrap_or_default().join("shards").join(&plan.job);
    let found_by_job = !plan.trial && run.folder().parent() == Some(here.as_path());
    if found_by_job { plan.job.clone() } else { shell_word(&shown_path(run.folder())) }
}

/// What `windrow run` takes to go on with a run, or to begin another of its job: the job's file, and ` --runs DIR` where
/// the run is not where its job's runs are by default.
pub fn run_again(run: &RunStore, plan: &Plan) -> String {
    let root = run.folder().parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    let usual = std::fs::canonicalize(runs::default_root(&plan.job_path));
    let elsewhere = match usual {
        Ok(usual) if usual == root => String::new(),
        _ => format!(" --runs {}", shell_word(&shown_path(root))),
    };
    job_word(&plan.job_path) + &elsewhere
}

/// A job's file as it is typed.
pub fn job_word(path: &Path) -> String {
    shell_word(&shown_path(path))
}

/// A word as a shell takes it for one.
pub fn shell_word(word: &str) -> String {
    let is_plain = |c: char| c.is_alphanumeric() || "_-./:@%+=,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_with_spaces_can_be_typed_as_it_is_shown() {
        assert_eq!(shell_word("my jobs/it's.toml"), r"'my jobs/it'\''s.toml'");
        assert_eq!(shell_word("shards/films"), "shards/films");
    }
}

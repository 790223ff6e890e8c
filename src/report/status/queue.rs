//! How a queue stands, and its runs.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::super::numbers::{count, counted, duration, rfc3339};
use super::super::stdout::{self, Form};
use super::super::words::{job_word, shell_word};
use super::facts::RunFacts;
use super::{VERSION, read, table};
use crate::handoff::runs;
use crate::handoff::store::now_micros;
use crate::job::Job;
use crate::merge::{NextJob, QueueStanding, QueueTable};
use crate::os::{printable, shown_path, tell};
use crate::runner::RunnerError;

/// Runs that are listed: of a queue they come and go, and those stay of which something failed.
const RUNS_LISTED: usize = 10;

/// How a queue stands, as people and programs are shown it alike.
#[derive(Debug, Serialize)]
struct QueueFacts<'a> {
    /// The table of jobs.
    table: &'a str,
    database: String,
    /// Jobs that the next claim may take.
    waiting: u64,
    /// Seconds for which the oldest of them has been there; null where none waits, or the job file has no `created`.
    oldest_waiting_seconds: Option<f64>,
    /// The one that it takes first; null where none waits.
    next: Option<Next<'a>>,
    /// Jobs that workers have.
    claimed: u64,
    /// In so many runs.
    claimed_by_runs: u64,
    /// Jobs that rest, after a failure or until a quota renews.
    resting: u64,
    /// When the first of them may be taken (RFC 3339, UTC); null where none rests.
    first_rest_ends_at: Option<String>,
    done_last_minute: u64,
    dead: u64,
}

#[derive(Debug, Serialize)]
struct Next<'a> {
    id: &'a str,
    /// What jobs are ordered by first, where that is a column other than the id; else null.
    ordered_by: Option<&'a str>,
    /// What it has there.
    value: Option<&'a str>,
}

/// What a program is told.
#[derive(Debug, Serialize)]
struct OneQueue<'a> {
    version: u32,
    job: &'a str,
    queue: QueueFacts<'a>,
    /// The newest ones.
    runs: &'a [RunFacts],
}

impl<'a> QueueFacts<'a> {
    fn of(table: &'a QueueTable, standing: &'a QueueStanding) -> QueueFacts<'a> {
        let first_rest_ends_at =
            standing.first_rest_left.map(|left| rfc3339(now_micros() + (left * 1e6) as i64));
        QueueFacts {
            table: table.name(),
            database: table.queue().database.shown(),
            waiting: standing.waiting,
            oldest_waiting_seconds: standing.oldest_waiting,
            next: standing.next.as_ref().map(Next::of),
            claimed: standing.claimed,
            claimed_by_runs: standing.claiming_runs,
            resting: standing.resting,
            first_rest_ends_at,
            done_last_minute: standing.done_last_minute,
            dead: standing.dead,
        }
    }
}

impl<'a> Next<'a> {
    fn of(next: &'a NextJob) -> Next<'a> {
        let by = next.by.as_ref();
        Next {
            id: &next.key,
            ordered_by: by.map(|(column, _)| column.as_str()),
            value: by.and_then(|(_, value)| value.as_deref()),
        }
    }
}

/// Shows a queue, and the newest of its runs below `root`.
pub async fn queue(
    job: &Job,
    table: &QueueTable,
    standing: &QueueStanding,
    root: &Path,
    form: Form,
) -> Result<(), RunnerError> {
    let folders = runs::runs_of(root, &job.name);
    let found = newest(&folders).await;
    if form == Form::Json {
        let queue = QueueFacts::of(table, standing);
        return Ok(stdout::write_json(&OneQueue { version: VERSION, job: &job.name, queue, runs: &found })?);
    }
    stdout::write(|out| {
        writeln!(out, "{}: queue {} of {}", job.name, table.name(), table.queue().database.shown())?;
        stdout::columns_within(out, &lines(job, standing), stdout::width())?;
        if !found.is_empty() {
            writeln!(out)?;
            stdout::columns_within(out, &self::table(&found), stdout::width())?;
        }
        match folders.len().saturating_sub(RUNS_LISTED) {
            0 => Ok(()),
            more => writeln!(out, "… and {}", counted(more as u64, "older run")),
        }
    })?;
    Ok(())
}

async fn newest(folders: &[PathBuf]) -> Vec<RunFacts> {
    let mut found = Vec::new();
    for folder in folders.iter().take(RUNS_LISTED) {
        match read(folder).await {
            Ok(facts) => found.push(facts),
            // A worker removes it when it is settled.
            Err(_) if !folder.exists() => {}
            Err(error) => tell!("windrow: run {}: {error}", shown_path(folder)),
        }
    }
    found
}

/// A line for each state: how many, and what else is to be said.
fn lines(job: &Job, standing: &QueueStanding) -> Vec<Vec<String>> {
    let word = job_word(&job.path);
    let oldest = standing.oldest_waiting.map(|seconds| format!("the oldest for {}", time(seconds)));
    let next = standing.next.as_ref().map(next_in_words);
    let next = oldest.into_iter().chain(next).collect::<Vec<_>>().join(", ");
    let by = match standing.claiming_runs {
        0 => String::new(),
        runs => format!("by {}", counted(runs, "run")),
    };
    let rest =
        standing.first_rest_left.map_or_else(String::new, |left| format!("the first for {}", time(left)));
    let dead = match standing.dead {
        0 => String::new(),
        _ => format!("`windrow failures {word}` says why, `windrow requeue {word}` lets them wait again"),
    };
    let line = |state: &str, number, more: String| vec![state.to_owned(), count(number), more];
    vec![
        line("waiting", standing.waiting, next),
        line("claimed", standing.claimed, by),
        line("resting", standing.resting, rest),
        line("done", standing.done_last_minute, "within the last minute".to_owned()),
        line("dead", standing.dead, dead),
    ]
}

fn next_in_words(next: &NextJob) -> String {
    let by = match &next.by {
        None => String::new(),
        Some((column, None)) => format!(" ({column} is null)"),
        Some((column, Some(value))) => format!(" ({column} {value})"),
    };
    format!("{} is next{by}", shell_word(&next.key))
}

/// Seconds as a time; none where the moment is over.
fn time(seconds: f64) -> String {
    duration(std::time::Duration::try_from_secs_f64(seconds.max(0.0)).unwrap_or(std::time::Duration::MAX))
}

/// One line of how a queue stands, for who watches it.
pub fn line_of_queue(
    job: &Job,
    table: &QueueTable,
    standing: &QueueStanding,
    form: Form,
) -> Result<(), RunnerError> {
    if form == Form::Json {
        let line = serde_json::to_string(&QueueFacts::of(table, standing)).map_err(std::io::Error::from)?;
        return Ok(stdout::write_exactly(|out| writeln!(out, "{}", crate::os::printable_json(&line)))?);
    }
    let now = jiff::Zoned::now().strftime("%H:%M:%S").to_string();
    let line = format!(
        "{now} {}: {} waiting, {} claimed by {}, {} resting, {} done within a minute, {} dead",
        job.name,
        count(standing.waiting),
        count(standing.claimed),
        counted(standing.claiming_runs, "run"),
        count(standing.resting),
        count(standing.done_last_minute),
        count(standing.dead),
    );
    Ok(stdout::write_exactly(|out| writeln!(out, "{}", printable(&line)))?)
}

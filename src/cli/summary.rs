//! What a command says at its end.

use std::io;
use std::path::Path;
use std::time::Duration;

use super::live::LiveRun;
use super::merged::Merged;
use super::round::Fetched;
use super::stdout::{columns, shorten, write_rows};
use super::{CliError, failures, find};
use crate::fetch::Mask;
use crate::handoff::{Exit, Round, runs};
use crate::job::Job;
use crate::merge::{self, Published};
use crate::record::Status;
use crate::report::status::{shown_path, tallies};
use crate::report::{Shape, count, counted, duration, print_rows, when};

/// Rows of the table that are shown.
const PREVIEW_ROWS: usize = 5;

/// Characters of a value that are shown.
pub(super) const PREVIEW_WIDTH: usize = 40;

/// Columns of the table that are shown.
const PREVIEW_COLUMNS: usize = 7;

/// The end of a run or a merge. What is published stays so, whatever of this cannot be shown.
pub(super) async fn finished(
    run: &LiveRun,
    job: &Job,
    to: &merge::Place,
    merged: &Merged,
    mask: &Mask,
    took: Duration,
) {
    if let Merged::Interrupted(signal) = merged {
        return unfinished(run, &Fetched::ended(Exit::Interrupted(*signal)));
    }
    let some_failed = figures(run, job).await.unwrap_or_else(|error| {
        tell!("\nthe run's figures cannot be shown: {error}");
        false
    });
    match merged {
        Merged::Interrupted(_) => {}
        Merged::Refused(why) => {
            tell!("\n{}: {why}", job.name);
            tell!("run    {}", shown_path(run.store.folder()));
        }
        Merged::Published(published) => {
            preview_unless_it_takes_long(to, &job.table.name, mask).await;
            say_published(run, job, to, published, mask, took);
        }
    }
    if some_failed {
        say_retry(run);
    }
}

/// What became of the requests; whether any failed.
async fn figures(run: &LiveRun, job: &Job) -> Result<bool, CliError> {
    endpoints(run, job).await?;
    failed(run, job).await
}

fn say_published(
    run: &LiveRun,
    job: &Job,
    to: &merge::Place,
    published: &Published,
    mask: &Mask,
    took: Duration,
) {
    // A key that is there twice may be anything.
    let words = mask.apply(&in_words(published, kind(to)));
    tell!("\n{}: {words}, in {}", job.name, duration(took));
    say_overridden(published);
    say_warnings(&job.name, &published.warnings);
    match kind(to) {
        "table" => tell!("table  {} in {}", job.table.name, shown_place(to)),
        file => tell!("{file:<7}{}", shown_place(to)),
    }
    tell!("run    {}", shown_path(run.store.folder()));
}

/// What went wrong after COMMIT.
pub(super) fn say_warnings(job: &str, warnings: &[String]) {
    for warning in warnings {
        tell!("{job}: published, but {warning}");
    }
}

/// The end of a retry's round.
pub(super) async fn fetched(run: &LiveRun, round: &Round) -> Result<(), CliError> {
    let tallies = tallies(&run.store, round).await?;
    let sum = |status| tallies.values().map(|tally| tally.count(status)).sum::<u64>();
    // Of pairs that were skipped only those without success have a kind.
    let failed: u64 = tallies.values().flat_map(|tally| tally.kinds.values()).sum();
    let pairs: u64 = tallies.values().flat_map(|tally| tally.statuses.values()).sum();
    let (ok, missing) = (sum(Status::Ok), sum(Status::Missing));
    let exempt = match pairs.saturating_sub(ok + missing + failed) {
        0 => String::new(),
        exempt => format!("{} not to be asked, ", count(exempt)),
    };
    tell!(
        "{}: round {}: {} ok, {} missing, {exempt}{} without success\n\
         hint: `windrow merge {}` publishes what is new",
        run.plan.job,
        round.number,
        count(ok),
        count(missing),
        count(failed),
        find::word_for(&run.store, &run.plan),
    );
    Ok(())
}

/// What to do where a refusal of the secret is an answer.
pub(super) const PROPER_ANSWER: &str =
    "an endpoint for which that is a proper answer says missing = [401, 403]";

/// Why nothing more is asked; `renews_at` is when the quota does that is used up, in seconds since 1970.
pub(super) fn paused(renews_at: Option<u64>) -> String {
    match renews_at {
        Some(second) => format!("paused: a quota is used up; there is a new one {}", when(second)),
        None => "paused: the limit on requests is used up".to_owned(),
    }
}

/// The end of a run that is not complete, and of which nothing was published.
pub(super) fn unfinished(run: &LiveRun, fetched: &Fetched) {
    unfinished_with(run, fetched, "nothing is published");
}

/// The end of a run that is not complete, and what of it is published, in words.
pub(super) fn unfinished_with(run: &LiveRun, fetched: &Fetched, published: &str) {
    let why = match (fetched.exit, fetched.renews_at) {
        (Exit::Interrupted(_), _) => "interrupted".to_owned(),
        (Exit::Paused, renews_at) => paused(renews_at),
        _ => match &fetched.refused {
            Some(refused) => format!("stopped: {refused}"),
            None => "unfinished: not every shard is complete".to_owned(),
        },
    };
    let (job, folder) = (&run.plan.job, shown_path(run.store.folder()));
    let word = find::word_for(&run.store, &run.plan);
    tell!("{job}: {why}; {published}, what was fetched is kept in {folder}");
    if fetched.refused.is_some() {
        let again = if run.plan.trial { "" } else { ": it asks again what was refused, and goes on" };
        tell!("hint: set the secret right and repeat the command{again}; {PROPER_ANSWER}");
        return;
    }
    let is_told_to_wait = matches!((fetched.exit, fetched.renews_at), (Exit::Paused, Some(_)));
    let limits = if is_told_to_wait {
        "; `windrow limits` shows what it waits for, and lifts a pause that a host asked for"
    } else {
        ""
    };
    if run.plan.trial {
        tell!(
            "hint: a trial is not resumed: start another; `windrow failures {word}` shows what failed{limits}"
        )
    } else {
        tell!(
            "hint: `windrow run {}{}` goes on; `windrow status {word}` shows the shards{limits}",
            shown_path(&run.plan.job_path),
            elsewhere(run),
        )
    }
}

/// ` --runs DIR` where the run is not where its job's runs are by default.
fn elsewhere(run: &LiveRun) -> String {
    let root = run.store.folder().parent().and_then(Path::parent).unwrap_or(Path::new("/"));
    let usual = std::fs::canonicalize(runs::default_root(&run.plan.job_path));
    if usual.is_ok_and(|usual| usual == root) {
        String::new()
    } else {
        format!(" --runs {}", shown_path(root))
    }
}

/// What became of the pairs, by endpoint: a pair counts as its last round left it.
async fn endpoints(run: &LiveRun, job: &Job) -> Result<(), CliError> {
    let of = |status: Status| format!("count(*) FILTER (WHERE status = '{status}') AS {status}");
    let statuses = [Status::Ok, Status::Missing, Status::Failed, Status::Skipped, Status::Deferred].map(of);
    let sql = format!(
        "SELECT endpoint, {} FROM {} GROUP BY endpoint",
        statuses.join(", "),
        run.plan.view("requests")
    );
    let mut result = merge::query(&run.store, Some(job), &sql, None).await?;
    let place = |row: &Vec<Option<String>>| {
        run.plan.endpoints.iter().position(|endpoint| Some(&endpoint.name) == row[0].as_ref())
    };
    result.rows.sort_by_key(place);
    let mut lines = vec![result.columns.iter().map(|column| column.name.clone()).collect::<Vec<_>>()];
    let figure = |cell: Option<String>| {
        let cell = cell.unwrap_or_default();
        cell.parse().map_or(cell, count)
    };
    lines.extend(result.rows.into_iter().map(|row| row.into_iter().map(figure).collect()));
    let mut table = Vec::new();
    columns(&mut table, &lines)?;
    tell!("\n{}", String::from_utf8_lossy(&table).trim_end());
    Ok(())
}

/// Failures by kind, with an example each; whether there are any.
async fn failed(run: &LiveRun, job: &Job) -> Result<bool, CliError> {
    let result = merge::query(&run.store, Some(job), &failures::by_kind(&run.plan), None).await?;
    if !result.rows.is_empty() {
        let mut table = Vec::new();
        print_rows(&mut table, &result, Shape::Table)?;
        tell!("\nwithout success, by kind:\n{}", String::from_utf8_lossy(&table).trim_end());
    }
    Ok(!result.rows.is_empty())
}

/// The conditions that `--anyway` set aside.
fn say_overridden(published: &Published) {
    for condition in &published.overridden {
        tell!("although {condition}");
    }
}

/// What to do about failures.
fn say_retry(run: &LiveRun) {
    let word = find::word_for(&run.store, &run.plan);
    if run.plan.trial {
        tell!("hint: `windrow failures {word}` lists what failed")
    } else {
        tell!(
            "hint: `windrow failures {word}` lists what failed; `windrow retry {word}` asks it again, \
             `windrow merge {word}` then publishes what is new"
        )
    }
}

/// What the rows are in, to people.
fn kind(to: &merge::Place) -> &'static str {
    match to {
        merge::Place::DuckDb(_) | merge::Place::Server(_) => "table",
        merge::Place::Parquet(path) if path.is_dir() => "folder",
        merge::Place::Parquet(_) | merge::Place::Csv(_) => "file",
    }
}

/// A file as people name it, or a server.
fn shown_place(to: &merge::Place) -> String {
    match to {
        merge::Place::DuckDb(path) | merge::Place::Parquet(path) | merge::Place::Csv(path) => {
            shown_path(path)
        }
        merge::Place::Server(server) => server.shown().to_owned(),
    }
}

/// Longest time that the person waits for the first rows: the work is done.
const PREVIEW_TIME: Duration = Duration::from_secs(10);

async fn preview_unless_it_takes_long(to: &merge::Place, table: &str, mask: &Mask) {
    match tokio::time::timeout(PREVIEW_TIME, preview(to, table, mask)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tell!("\nthe first rows cannot be shown: {error}"),
        Err(_) => tell!("\nthe first rows are not shown: the database does not answer, or nobody reads them"),
    }
}

/// The first rows and columns of the published table.
async fn preview(to: &merge::Place, table: &str, mask: &Mask) -> Result<(), CliError> {
    let mut result = merge::first_rows(to, table, PREVIEW_ROWS).await?;
    let columns = result.columns.len();
    result.columns.truncate(PREVIEW_COLUMNS);
    result.rows.iter_mut().for_each(|row| row.truncate(PREVIEW_COLUMNS));
    for value in result.rows.iter_mut().flatten().flatten() {
        *value = mask.apply(value);
        shorten(value, PREVIEW_WIDTH);
    }
    tell!("");
    // A reader that reads no more holds up a thread of its own.
    let shown = tokio::task::spawn_blocking(move || write_rows(&result, Shape::Table));
    shown.await.map_err(io::Error::other)??;
    if columns > PREVIEW_COLUMNS {
        tell!("… and {} more columns", columns - PREVIEW_COLUMNS);
    }
    Ok(())
}

/// What publishing did to a table, or to a file.
fn in_words(published: &Published, kind: &str) -> String {
    if published.already {
        let total = published.total.map(|total| format!("; the {kind} has {}", counted(total, "row")));
        return format!("already published, nothing to do{}", total.unwrap_or_default());
    }
    let mut words = format!("published {}", counted(published.rows, "row"));
    let first = published.duplicates.first.as_ref();
    let first = first.map_or_else(String::new, |first| format!(" ({first})"));
    let duplicates = format!("left out: a later row has the same key{first}");
    let parts = [
        (published.replaced, "row", "replaced"),
        (published.left_out, "record", "left out: a request failed"),
        (published.duplicates.rows, "row", &duplicates),
        (published.withheld, "row", "left out by the job's own statements"),
        (published.kept_out, "row", "kept out by a trigger or rule of the table"),
        (published.late, "record", "answered late: the table keeps what was appended"),
        (published.gone, "row", "deleted, no longer in the list"),
        (published.at_pauses, "row", "published before, at its pauses"),
    ];
    for (number, noun, what) in parts.into_iter().filter(|(number, ..)| *number > 0) {
        words.push_str(&format!(", {} {what}", counted(number, noun)));
    }
    let total = published.total.map(|total| format!("; the {kind} has {}", count(total)));
    words + &total.unwrap_or_default()
}

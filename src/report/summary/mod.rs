//! What a command says at its end: to the person, and as a [`Summary`] to programs.

mod figures;
mod made;
mod told;
mod witness;

use std::io;
use std::path::Path;
use std::time::Duration;

pub use made::{EndOfCommand, noted_summary};
pub use witness::Witness;

use super::numbers::{count, counted, duration};
use super::stdout::{shorten, write_rows};
use super::table::{Shape, columns_that_fit};
use super::{Detail, paused, run_again, secret_refused, shell_word, some_columns, word_for};
use crate::fetch::Mask;
use crate::handoff::{Exit, Summary};
use crate::merge::{self, Published, PublishedPart};
use crate::os::{shown_path, tell};
use crate::record::Status;
use crate::runner::{AskedAgain, Ended, Fetched, LiveRun, Part, RunEnd, RunnerError, Unfinished, tallies};

/// Rows of the table that are shown.
const PREVIEW_ROWS: usize = 5;

/// Characters of a value that are shown.
pub(super) const PREVIEW_WIDTH: usize = 40;

/// Columns of the table that are shown.
const PREVIEW_COLUMNS: usize = 7;

/// The end of a run that a person interrupted: they wait for nothing else.
pub fn interrupted(ended: &Ended) {
    if let (RunEnd::Unfinished(left), Exit::Interrupted(_)) = (&ended.end, ended.exit()) {
        unfinished(&ended.run, left);
    }
}

/// The end of a run or a merge that nobody interrupted. What is published stays so, whatever of this cannot be shown. The
/// first rows are written to standard output, unless it is somebody else's. Where little is told it is what wants attention.
pub async fn ended(ended: &Ended, summary: &Summary, stdout_is_taken: bool, detail: Detail) {
    if detail == Detail::Little {
        return ended_in_short(ended);
    }
    let published = match &ended.end {
        RunEnd::Unfinished(_) if matches!(ended.exit(), Exit::Interrupted(_)) => return,
        RunEnd::Unfinished(left) => {
            told::requests(summary).iter().for_each(tell);
            told::held_by(summary).iter().for_each(tell);
            return unfinished(&ended.run, left);
        }
        RunEnd::Refused(_) => None,
        RunEnd::Published(published) => Some(published),
    };
    if let Some(endpoints) = told::endpoints(summary) {
        tell!("\n{endpoints}");
    }
    if published.is_some() && !stdout_is_taken {
        preview_unless_it_takes_long(&ended.to, &ended.job.table.name, &ended.mask).await;
    }
    match &ended.end {
        RunEnd::Refused(why) => tell!("\n{}: {why}", ended.job.name),
        _ => published.iter().for_each(|published| say_published(ended, published, summary.seconds)),
    }
    say_how_it_went(summary);
    tell!("run    {}", shown_path(ended.run.store.folder()));
    told::advice(summary).iter().for_each(tell);
    say_what_next(ended, summary);
}

/// What wants a person's attention: why it is not published, or what went wrong beside that.
fn ended_in_short(ended: &Ended) {
    match &ended.end {
        RunEnd::Published(published) => {
            say_overridden(published);
            warnings(&ended.job.name, &published.warnings);
        }
        RunEnd::Refused(why) => tell!("{}: {why}", ended.job.name),
        RunEnd::Unfinished(_) if matches!(ended.exit(), Exit::Interrupted(_)) => {}
        RunEnd::Unfinished(left) => unfinished(&ended.run, left),
    }
}

/// What became of the requests.
fn say_how_it_went(summary: &Summary) {
    told::requests(summary).iter().for_each(tell);
    told::held_by(summary).iter().for_each(tell);
    told::failed(summary).iter().for_each(tell);
    told::without_values(summary).iter().for_each(tell);
}

fn say_published(Ended { job, to, mask, .. }: &Ended, published: &Published, seconds: f64) {
    // A key that is there twice may be anything.
    let words = mask.apply(&in_words(published, kind(to)));
    tell!(
        "\n{}: {words}, in {}",
        job.name,
        duration(Duration::try_from_secs_f64(seconds).unwrap_or_default())
    );
    say_overridden(published);
    warnings(&job.name, &published.warnings);
    match kind(to) {
        "table" => tell!("table  {} in {}", job.table.name, shown_place(to)),
        file => tell!("{file:<7}{}", shown_place(to)),
    }
}

/// What went wrong after COMMIT.
pub(super) fn warnings(job: &str, warnings: &[String]) {
    for warning in warnings {
        tell!("{job}: published, but {warning}");
    }
}

/// The end of a round that a person chose, and the exit code that stands for it.
pub async fn asked_again(
    AskedAgain { run, round, fetched, .. }: &AskedAgain,
    detail: Detail,
) -> Result<Exit, RunnerError> {
    let Some(round) = round else { return Ok(fetched.exit) };
    if fetched.exit != Exit::Done {
        say_unfinished(run, fetched, "nothing is published");
        return Ok(fetched.exit);
    }
    if detail == Detail::Little {
        return Ok(Exit::Done);
    }
    let tallies = tallies(&run.store, round).await?;
    let sum = |status| tallies.values().map(|tally| tally.count(status)).sum::<u64>();
    // Of pairs that were not asked only those without success have a kind.
    let without_success: u64 = tallies.values().flat_map(|tally| tally.kinds.values()).sum();
    let pairs: u64 = tallies.values().flat_map(|tally| tally.statuses.values()).sum();
    let (ok, missing) = (sum(Status::Ok), sum(Status::Missing));
    let more = |number: u64, what: &str| match number {
        0 => String::new(),
        number => format!("{} {what}, ", count(number)),
    };
    let exempt = more(pairs.saturating_sub(ok + missing + without_success), "not asked");
    let (waiting, word) = (sum(Status::Waiting), word_for(&run.store, &run.plan));
    let asks = match waiting {
        0 => String::new(),
        _ => format!("`windrow retry {word}` asks what waits, "),
    };
    tell!(
        "{}: round {}: {} ok, {} missing, {exempt}{}{} failed\n\
         hint: {asks}`windrow merge {word}` publishes what is new",
        run.plan.job,
        round.number,
        count(ok),
        count(missing),
        more(waiting, "waiting"),
        count(without_success - waiting),
    );
    Ok(Exit::Done)
}

/// The end of a run that is not complete.
pub(super) fn unfinished(run: &LiveRun, unfinished: &Unfinished) {
    let published = match &unfinished.published {
        Part::Nothing => "nothing is published",
        Part::NoMore | Part::Refused(_) => "nothing more is published",
        Part::SoFar(part) => &so_far(part),
    };
    say_unfinished(run, &unfinished.fetched, published);
    match &unfinished.published {
        Part::Nothing | Part::NoMore => {}
        Part::Refused(why) => tell!("{}: {why}", run.plan.job),
        Part::SoFar(part) => warnings(&run.plan.job, &part.warnings),
    }
}

/// What the pauses of a run have published.
fn so_far(part: &PublishedPart) -> String {
    let all = counted(part.so_far, "row");
    match part.rows {
        _ if part.so_far == 0 => "nothing is published yet".to_owned(),
        0 => format!("published {all} so far, none of them now"),
        rows if rows == part.so_far => format!("published {all} so far"),
        rows => format!("published {all} so far, {} of them now", count(rows)),
    }
}

fn say_unfinished(run: &LiveRun, fetched: &Fetched, published: &str) {
    let why = match (fetched.exit, fetched.renews_at) {
        (Exit::Interrupted(_), _) => "interrupted".to_owned(),
        (Exit::Paused, renews_at) => paused(renews_at),
        _ => match &fetched.refused {
            Some(refused) => format!("stopped: {refused}"),
            None => "unfinished: not every shard is complete".to_owned(),
        },
    };
    let (job, folder) = (&run.plan.job, shown_path(run.store.folder()));
    let word = word_for(&run.store, &run.plan);
    tell!("{job}: {why}; {published}, what was fetched is kept in {folder}");
    if fetched.refused.is_some() {
        let again = if run.plan.trial { "" } else { ": it asks again what was refused, and goes on" };
        tell!("{}", secret_refused(&format!(" and repeat the command{again}")));
        return;
    }
    let is_told_to_wait = matches!((fetched.exit, fetched.renews_at), (Exit::Paused, Some(_)));
    let limits = if is_told_to_wait {
        "; `windrow limits` shows what it waits for, and lifts a pause that a host asked for"
    } else {
        ""
    };
    tell!(
        "hint: {}; {}{limits}",
        goes_on(run),
        if run.plan.trial {
            format!("`windrow failures {word}` shows what failed")
        } else {
            format!("`windrow status {word}` shows the shards")
        }
    );
}

/// How to continue a run that ends early.
pub(super) fn goes_on(run: &LiveRun) -> String {
    if run.plan.trial {
        return "a trial is not resumed: start another".to_owned();
    }
    format!("`windrow run {}` goes on", run_again(&run.store, &run.plan))
}

/// The conditions that `--anyway` set aside.
fn say_overridden(published: &Published) {
    for condition in &published.overridden {
        tell!("although {condition}");
    }
}

/// What else there is to look at and to do.
fn say_what_next(Ended { run, end, to, .. }: &Ended, summary: &Summary) {
    let word = word_for(&run.store, &run.plan);
    let failures = summary.failures.as_deref().unwrap_or_default();
    // A gate that is shut has its own words for that.
    if !failures.is_empty() && !matches!(end, RunEnd::Refused(_)) {
        let is_mended = failures.iter().any(|failure| failure.kind != "rejected") && !run.plan.trial;
        let then = if is_mended { "; `windrow merge WORD` then publishes what is new" } else { "" };
        tell!("hint: `windrow failures {word} --list` lists all of it{}", then.replace("WORD", &word));
    }
    if matches!(end, RunEnd::Published(_)) {
        let also = shell_of(to).map_or_else(String::new, |shell| format!(", `{shell}` the table"));
        tell!("hint: `windrow query {word}` shows the rows{also}");
    }
}

/// What opens the table, or the file, outside of windrow.
fn shell_of(to: &merge::ResolvedDestination) -> Option<String> {
    Some(match to {
        merge::ResolvedDestination::DuckDb(path) => format!("duckdb {}", shell_word(&shown_path(path))),
        merge::ResolvedDestination::Server(server) => {
            let path = server.shown().strip_prefix("sqlite:")?;
            format!("sqlite3 {}", shell_word(&shown_path(Path::new(path))))
        }
        merge::ResolvedDestination::Parquet(_) | merge::ResolvedDestination::Csv(_) => return None,
    })
}

/// What the rows are in, to people.
fn kind(to: &merge::ResolvedDestination) -> &'static str {
    match to {
        merge::ResolvedDestination::DuckDb(_) | merge::ResolvedDestination::Server(_) => "table",
        merge::ResolvedDestination::Parquet(path) if path.is_dir() => "folder",
        merge::ResolvedDestination::Parquet(_) | merge::ResolvedDestination::Csv(_) => "file",
    }
}

/// A file as people name it, or a server.
fn shown_place(to: &merge::ResolvedDestination) -> String {
    match to {
        merge::ResolvedDestination::DuckDb(path)
        | merge::ResolvedDestination::Parquet(path)
        | merge::ResolvedDestination::Csv(path) => shown_path(path),
        merge::ResolvedDestination::Server(server) => server.shown().to_owned(),
    }
}

/// Longest time that the person waits for the first rows: the work is done.
const PREVIEW_TIME: Duration = Duration::from_secs(10);

async fn preview_unless_it_takes_long(to: &merge::ResolvedDestination, table: &str, mask: &Mask) {
    match tokio::time::timeout(PREVIEW_TIME, preview(to, table, mask)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => tell!("\nthe first rows cannot be shown: {error}"),
        Err(_) => tell!("\nthe first rows are not shown: the database does not answer, or nobody reads them"),
    }
}

/// The first rows and columns of the published table.
async fn preview(to: &merge::ResolvedDestination, table: &str, mask: &Mask) -> Result<(), RunnerError> {
    let mut result = merge::first_rows(to, table, PREVIEW_ROWS).await?;
    let columns = result.columns.len();
    for value in result.rows.iter_mut().flatten().flatten() {
        *value = mask.apply(value);
        shorten(value, PREVIEW_WIDTH);
    }
    let shown_columns = columns_that_fit(&result).min(PREVIEW_COLUMNS);
    result.columns.truncate(shown_columns);
    result.rows.iter_mut().for_each(|row| row.truncate(shown_columns));
    tell!("");
    // A reader that reads no more holds up a thread of its own.
    let shown = tokio::task::spawn_blocking(move || write_rows(&result, Shape::Table));
    shown.await.map_err(io::Error::other)??;
    if columns > shown_columns {
        tell!("… and {}", counted((columns - shown_columns) as u64, "more column"));
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
        (published.outcome.rejected.len() as u64, "record", "rejected by the table"),
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
    if !published.added.is_empty() {
        let (added, names) =
            (counted(published.added.len() as u64, "column"), some_columns(&published.added));
        words.push_str(&format!("; {added} added: {names}"));
    }
    let total = published.total.map(|total| format!("; the {kind} has {}", count(total)));
    words + &total.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_there_is_is_told_with_what_is_new() {
        let told = |rows, so_far| {
            super::so_far(&PublishedPart { rows, replaced: 0, so_far, total: Some(0), warnings: vec![] })
        };
        assert_eq!(told(0, 0), "nothing is published yet");
        assert_eq!(told(1, 1), "published 1 row so far");
        assert_eq!(told(0, 7), "published 7 rows so far, none of them now");
        assert_eq!(told(1200, 2300), "published 2,300 rows so far, 1,200 of them now");
    }
}

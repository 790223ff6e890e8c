//! What a job with a queue does not say elsewhere: its runs are batches of whatever waits, settled one after the other.

use super::names::is_same_table;
use super::queue::is_of_windrow;
use crate::job::mistake::{Mistakes, Span};
use crate::job::raw::{self, At, Names};
use crate::job::{Mode, OnUnlisted, TableName};

/// A key that is there, where it stands, and why it should not be.
type Refused<'a> = (&'static str, Option<&'a Span>, &'static str);

/// Notes what has no meaning beside a queue, and what has none without one.
pub(super) fn check(file: &raw::JobFile, mistakes: &mut Mistakes) {
    let queue = file.input.as_ref().and_then(|input| input.value.queue.as_ref());
    if !file.input.as_ref().is_some_and(|input| input.value.present.has("queue")) {
        let listen = file.job.as_ref().and_then(|job| job.value.listen.as_ref());
        if let Some(listen) = listen.filter(|_| file.input.is_some()) {
            let hint = "leave it out: `windrow work` listens, which works the queue of [input]";
            mistakes.add(&listen.span, "`listen` of a job without a queue", hint);
        }
        return;
    }
    if let Some(serve) = &file.serve {
        let hint = "leave it out: nothing of a queue is served, its results are in the database at once";
        mistakes.add(&serve.span, "[serve] beside a queue", hint);
    }
    for (key, span, hint) in job(file).into_iter().chain(input(file)).chain(publish(file)) {
        if let Some(span) = span {
            mistakes.add(span, format!("`{key}` beside a queue"), hint);
        }
    }
    for endpoint in file.endpoints() {
        if let Some(share) = &endpoint.common.min_success {
            mistakes.add(&share.span, "`min_success` beside a queue", GATE);
        }
    }
    for file in file.after().filter_map(|after| after.file.as_ref()) {
        let hint = "leave it out: a report of every batch would overwrite the one before";
        mistakes.add(&file.span, "`file` beside a queue", hint);
    }
    if let Some(table) = &file.table {
        check_table(&table.value, mistakes);
        if let Some(jobs) = queue.and_then(|queue| queue.value.table.as_ref()) {
            check_other_table(file, &table.value, jobs, mistakes);
        }
    }
}

const GATE: &str = "leave it out: every batch is settled, and a job that failed is asked again, or is dead";
const ROUNDS: &str =
    "leave it out: a job that failed is asked again by `attempts` and `backoff` of the queue";
const WORKED: &str = "leave it out: `windrow work` takes jobs as they come";
const RESUMED: &str = "leave it out: `windrow work` goes on with its own batches while it has their jobs";

fn job(file: &raw::JobFile) -> Vec<Refused<'_>> {
    let Some(job) = file.job.as_ref().map(|job| &job.value) else { return Vec::new() };
    vec![
        ("every", span(&job.every), WORKED),
        ("cron", span(&job.cron), WORKED),
        ("retry_rounds", span(&job.retry_rounds), ROUNDS),
        ("resume_within", span(&job.resume_within), RESUMED),
        ("on_change", span(&job.on_change), RESUMED),
        (
            "shard_size",
            span(&job.shard_size),
            "leave it out: a batch is one shard, of as many jobs as `claim` says",
        ),
    ]
}

fn input(file: &raw::JobFile) -> Vec<Refused<'_>> {
    let Some(input) = file.input.as_ref().map(|input| &input.value) else { return Vec::new() };
    vec![
        ("on_duplicate", span(&input.on_duplicate), "leave it out: a unique index tells jobs apart"),
        (
            "allow_empty",
            span(&input.allow_empty),
            "leave it out: where no job waits, the next one is waited for",
        ),
    ]
}

fn publish(file: &raw::JobFile) -> Vec<Refused<'_>> {
    let Some(publish) = file.publish.as_ref().map(|publish| &publish.value) else { return Vec::new() };
    let rejected = "leave it out: a job whose row the table refuses has failed, the others are settled";
    let pause = "leave it out: jobs that a quota lets wait are freed until it renews";
    vec![
        ("min_success", span(&publish.min_success), GATE),
        ("max_failed", span(&publish.max_failed), GATE),
        ("max_duplicates", span(&publish.max_duplicates), GATE),
        ("max_rejected", span(&publish.max_rejected), rejected),
        ("min_rows", span(&publish.min_rows), GATE),
        ("max_change", span(&publish.max_change), GATE),
        ("on_pause", span(&publish.on_pause), pause),
    ]
}

fn span<T>(written: &Option<At<T>>) -> Option<&Span> {
    written.as_ref().map(|written| &written.span)
}

/// A batch knows nothing of the table's other rows.
fn check_table(table: &raw::Table, mistakes: &mut Mistakes) {
    if let Some(mode) = table.mode.as_ref().filter(|mode| mode.value.0 == Mode::Replace) {
        let hint = "each batch would take away the rows of the one before: take mode = \"append\", \"upsert\" or \"replace_ids\"";
        mistakes.add(&mode.span, "mode = \"replace\" beside a queue", hint);
    }
    if let Some(word) = table.on_unlisted.as_ref().filter(|word| word.value.0 == OnUnlisted::Delete) {
        let hint = "leave it out: each batch would take away the rows of all other jobs";
        mistakes.add(&word.span, "on_unlisted = \"delete\" beside a queue", hint);
    }
    for (key, name) in [("name", &table.name), ("runs_table", &table.runs_table)] {
        let Some(name) = name else { continue };
        let own = TableName::parse(name.text()).filter(|own| is_of_windrow(&own.table));
        // That of the runs may be named as it is anyway, and is refused elsewhere as the table.
        if let Some(own) = own.filter(|own| !own.table.eq_ignore_ascii_case("windrow_runs")) {
            let message = format!("\"{}\" is a table of windrow's own", own.table);
            mistakes.add(&name.span, message, format!("take another name for `{key}`"));
        }
    }
}

/// Rows may go into the jobs' own rows, and become no jobs.
fn check_other_table(file: &raw::JobFile, table: &raw::Table, jobs: &At<String>, mistakes: &mut Mistakes) {
    let Some(name) = table.name.as_ref().filter(|name| is_same_table(name.text(), jobs.text())) else {
        return;
    };
    let names = |names: &Option<At<Names>>| -> Option<Vec<String>> {
        let mut names: Vec<String> = names.as_ref()?.value.0.iter().map(|name| name.value.clone()).collect();
        names.sort();
        Some(names)
    };
    let id = file.input.as_ref().and_then(|input| names(&input.value.id));
    let is_upsert_by_id = table.mode() == Some(Mode::Upsert) && (id.is_none() || names(&table.key) == id);
    if table.mode().is_some() && !is_upsert_by_id {
        let hint = "take another table, or mode = \"upsert\" with the id as its key, which fills columns of the job's own row";
        mistakes.add(&name.span, "the table of the jobs, into which rows are added", hint);
    }
}

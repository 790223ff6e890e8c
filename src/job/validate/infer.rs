//! What a job file need not say, since the rest of it does.
//!
//! | key | where it is not there |
//! |---|---|
//! | `name` of `[job]` | the file's name without its ending |
//! | `name` of the only `[[endpoint]]` | the job's, as a word |
//! | `name` of `[table]` | the job's |
//! | `id` of `[input]` | the column of the list that is used, if it is one |
//! | `mode` of `[table]` | `upsert`, where each id has one row |
//! | `key` of `[table]`, for an upsert | the id, where each id has one row |
//! | `zone` of `[job]`, beside `cron` | UTC |
//! | `requeue` of a queue | `where`, if that is one comparison |
//!
//! An id has several rows where an endpoint has `rows`, or `on_duplicate = "keep"` keeps an id that comes twice: an upsert by
//! the id would leave one of them.
//!
//! Promise: a job means the same whether such a key is written or inferred, and [`Job::inferred`] has what was. A key that
//! is there and wrong is no key that lacks; one that cannot be inferred is asked for.
//!
//! [`Job::inferred`]: crate::job::Job::inferred

use std::path::Path;

use super::names::{GivenNames, LONGEST_ENDPOINT, is_job_name};
use super::queue;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At, Names, Word};
use crate::job::suggest;
use crate::job::template::{Template, spelled};
use crate::job::{Mode, OnDuplicate};

/// Fills in what the file at `path` does not say; gives what that is, as it could have been written.
pub(super) fn infer(file: &mut raw::JobFile, path: &Path, mistakes: &mut Mistakes) -> Vec<String> {
    let mut inferred = Vec::new();
    job_name(file, path, &mut inferred, mistakes);
    endpoint_name(file, &mut inferred, mistakes);
    id(file, &mut inferred, mistakes);
    table(file, &mut inferred, mistakes);
    requeue(file, &mut inferred);
    zone(file, &mut inferred);
    inferred
}

fn zone(file: &mut raw::JobFile, inferred: &mut Vec<String>) {
    let Some(job) = file.job.as_mut().map(|job| &mut job.value) else { return };
    let Some(cron) = job.cron.as_ref().filter(|_| !job.present.has("zone")) else { return };
    inferred.push("[job] zone = \"UTC\"".to_owned());
    job.zone = Some(At { value: "UTC".to_owned(), span: cron.span.clone() });
}

fn requeue(file: &mut raw::JobFile, inferred: &mut Vec<String>) {
    let Some(assignment) = queue::requeue(file) else { return };
    let input = file.input.as_mut();
    let Some(queue) = input.and_then(|input| input.value.queue.as_mut()) else { return };
    inferred.push(format!("[input] queue.requeue = {assignment:?}"));
    queue.value.requeue = Some(At { value: assignment, span: queue.span.clone() });
}

fn job_name(file: &mut raw::JobFile, path: &Path, inferred: &mut Vec<String>, mistakes: &mut Mistakes) {
    if file.job.is_none() && file.present.has("job") {
        return;
    }
    let end = file.end.clone();
    let job = file.job.get_or_insert_with(|| At { value: raw::Job::default(), span: end });
    if job.value.name.is_some() || job.value.present.has("name") {
        return;
    }
    let stem = path.file_stem().and_then(|stem| stem.to_str()).filter(|stem| is_job_name(stem));
    match stem {
        Some(stem) => {
            inferred.push(format!("[job] name = \"{stem}\""));
            job.value.name = Some(At { value: stem.to_owned(), span: job.span.clone() });
        }
        None => {
            let hint =
                "add name = \"…\": letters, digits, `_` and `-`; the file's own name is none for a job";
            mistakes.add(&job.span, "[job] lacks `name`", hint);
        }
    }
}

/// The job's name, if it has one that is right.
fn name_of_the_job(file: &raw::JobFile) -> Option<At<String>> {
    file.job.as_ref()?.value.name.clone().filter(|name| is_job_name(name.text()))
}

fn endpoint_name(file: &mut raw::JobFile, inferred: &mut Vec<String>, mistakes: &mut Mistakes) {
    let job = name_of_the_job(file);
    let Some(list) = &mut file.endpoint else { return };
    let is_alone = list.value.len() == 1;
    for endpoint in &mut list.value {
        if endpoint.value.name.is_some() || endpoint.value.common.present.has("name") {
            continue;
        }
        match &job {
            Some(job) if is_alone => {
                let name = as_word(job.text());
                inferred.push(format!("[[endpoint]] name = \"{name}\""));
                endpoint.value.name = Some(At { value: name, span: endpoint.span.clone() });
            }
            // The job's own name is what is wrong.
            None if is_alone => {}
            _ => {
                let hint = "add name = \"…\": letters, digits and `_`; only a single endpoint needs none";
                mistakes.add(&endpoint.span, "[[endpoint]] lacks `name`", hint);
            }
        }
    }
}

/// The job's name as an endpoint may be named.
fn as_word(name: &str) -> String {
    let word = name.replace('-', "_");
    let starts_with_digit = word.starts_with(|first: char| first.is_ascii_digit());
    let word = if starts_with_digit { format!("_{word}") } else { word };
    word.chars().take(LONGEST_ENDPOINT).collect()
}

fn id(file: &mut raw::JobFile, inferred: &mut Vec<String>, mistakes: &mut Mistakes) {
    let Some(input) = &file.input else { return };
    if input.value.id.is_some() || input.value.present.has("id") {
        return;
    }
    let known = GivenNames::of(file);
    let is_clear = file.templates().all(|text| Template::parse(text.text(), &known.answers).is_ok())
        && known.conditions.iter().flatten().all(|condition| condition.uses.is_ok());
    let used = known.used;
    let span = input.span.clone();
    match used.as_slice() {
        // Where something is wrong, that may be what names the column.
        _ if !is_clear || !file.names_are_known => file.names_are_known = false,
        [column] => {
            let column = column.clone();
            inferred.push(format!("[input] id = {:?}", column.value));
            if let Some(input) = &mut file.input {
                input.value.id = Some(At { span: column.span.clone(), value: Names(vec![column]) });
            }
        }
        [] => {
            let hint = "add id = \"…\", the name of the id column, and put it into the requests: {…}";
            mistakes.add(&span, "[input] lacks `id`, and no column of the list is used", hint);
            file.names_are_known = false;
        }
        several => {
            let columns: Vec<String> = several.iter().map(|column| spelled(column.text())).collect();
            let columns: Vec<&str> = columns.iter().map(String::as_str).collect();
            let message = format!(
                "[input] lacks `id`, and {} columns of the list are used: {}",
                columns.len(),
                columns.join(", ")
            );
            let hint =
                format!("add id = \"…\", the one that identifies a record: {}", suggest::quoted(&columns));
            mistakes.add(&span, message, hint);
            file.names_are_known = false;
        }
    }
}

/// Why an id may have several rows.
pub(super) fn what_makes_several_rows(file: &raw::JobFile) -> Option<&'static str> {
    let on_duplicate = file.input.as_ref().and_then(|input| input.value.on_duplicate.as_ref());
    if file.endpoints().any(|endpoint| endpoint.rows.is_some()) {
        Some("`rows`")
    } else if on_duplicate.is_some_and(|word| word.value.0 == OnDuplicate::Keep) {
        Some("on_duplicate = \"keep\"")
    } else {
        None
    }
}

fn table(file: &mut raw::JobFile, inferred: &mut Vec<String>, mistakes: &mut Mistakes) {
    let job = name_of_the_job(file);
    let several = what_makes_several_rows(file);
    let id = file.input.as_ref().and_then(|input| input.value.id.clone());
    let Some(At { value: table, span }) = &mut file.table else { return };
    if table.name.is_none()
        && !table.present.has("name")
        && let Some(job) = job
    {
        inferred.push(format!("[table] name = \"{}\"", job.value));
        table.name = Some(job);
    }
    if table.mode.is_none() && !table.present.has("mode") {
        if let Some(cause) = several {
            let hint = "add mode = \"replace_ids\" (all rows of an id together), \"append\", \"replace\", or \"upsert\" with a key";
            mistakes.add(span, format!("[table] lacks `mode`, which a job with {cause} says"), hint);
        } else {
            inferred.push("[table] mode = \"upsert\"".to_owned());
            table.mode = Some(At { value: Word(Mode::Upsert), span: span.clone() });
        }
    }
    if table.mode() == Some(Mode::Upsert)
        && several.is_none()
        && !table.present.has("key")
        && let Some(id) = id
    {
        let names: Vec<String> = id.value.0.iter().map(|name| format!("{:?}", name.value)).collect();
        let names = names.join(", ");
        let is_one = id.value.0.len() == 1;
        inferred.push(if is_one {
            format!("[table] key = {names}")
        } else {
            format!("[table] key = [{names}]")
        });
        table.key = Some(id);
    }
}

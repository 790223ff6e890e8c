//! Makes a [`Job`] of what was written: every check that takes more than one value, or more than its shape.
//!
//! Each part notes its mistakes and gives nothing where it has some, so that all parts are always looked at.

mod answer;
mod auth;
mod batch;
mod column;
mod columns;
mod cycle;
mod destination;
mod dialect;
mod endpoint;
mod fragment;
mod hosts;
mod infer;
mod input;
mod key;
mod language;
mod limit;
mod names;
mod network;
mod notify;
mod of_queue;
mod pages;
mod partition;
mod path;
mod payload;
mod publish;
mod queue;
mod request;
mod schedule;
mod scheme;
mod serve;
mod server;
mod statement;
mod table;
mod template;
mod url;
mod uses;
mod zone;

use std::path::{Path, PathBuf};

use super::mistake::Mistakes;
use super::{Endpoint, Input, Job, Limit, Notify, Publish, Schedule, Serve, Settings, Statement, Table, raw};
use names::GivenNames;

/// The parts of a job.
pub(super) struct Parts {
    name: String,
    input: Input,
    limits: Vec<Limit>,
    endpoints: Vec<Endpoint>,
    table: Table,
    publish: Publish,
    before: Vec<Statement>,
    after: Vec<Statement>,
    notify: Option<Notify>,
    serve: Serve,
    settings: Settings,
    inferred: Vec<String>,
}

impl Parts {
    /// The job that was written as `text` in the file `path` of `folder`.
    pub(super) fn into_job(self, text: String, path: PathBuf, folder: PathBuf) -> Job {
        let Parts {
            name,
            input,
            limits,
            endpoints,
            table,
            publish,
            before,
            after,
            notify,
            serve,
            settings,
            inferred,
        } = self;
        Job {
            name,
            input,
            limits,
            endpoints,
            table,
            publish,
            before,
            after,
            notify,
            serve,
            settings,
            inferred,
            text,
            path,
            folder,
        }
    }
}

/// Validates the file at `path` as a whole; relative paths are taken from its `folder`.
pub(super) fn validated(
    mut file: raw::JobFile,
    path: &Path,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<Parts> {
    let inferred = infer::infer(&mut file, path, mistakes);
    let file = &file;
    let known = GivenNames::of(file);
    names::check(file, &known, mistakes);
    let name = job_name(file, mistakes);
    let written = limit::written(file, mistakes);
    let limits = limit::all(&written, mistakes);
    let uses = uses::all(file, &written, &known, mistakes);
    let tokens = auth::sources(file, &known, folder, mistakes);
    let endpoints = endpoint::all(file, &tokens, &known, folder, mistakes);
    let endpoints = endpoints.map(|endpoints| uses::taken(endpoints, uses));
    let input = input::validated(file, &known, folder, mistakes);
    let table = table::validated(file, &known, folder, mistakes);
    let publish = publish::validated(file, mistakes);
    let before = statement::before(file, mistakes);
    let taken = statement::taken(input.as_ref(), table.as_ref());
    let after = statement::after(file, folder, taken, mistakes);
    let notify = notify::validated(file, folder, mistakes);
    let serve = serve::validated(file, mistakes);
    let schedule = schedule::validated(file, mistakes);
    of_queue::check(file, mistakes);
    Some(Parts {
        name: name?,
        input: input?,
        limits: limits?,
        endpoints: endpoints?,
        table: table?,
        publish,
        before,
        after,
        notify,
        serve,
        settings: settings(file, schedule),
        inferred,
    })
}

fn job_name(file: &raw::JobFile, mistakes: &mut Mistakes) -> Option<String> {
    let name = file.job.as_ref()?.value.name.as_ref()?;
    if names::is_job_name(name.text()) {
        return Some(name.value.clone());
    }
    let hint = "1 to 64 letters (A to Z), digits, `_` and `-`, the first no `-`: it names a folder";
    mistakes.add(&name.span, format!("\"{}\" is no name for a job", name.value), hint);
    None
}

fn settings(file: &raw::JobFile, schedule: Option<Schedule>) -> Settings {
    let is_queue = file.input.as_ref().is_some_and(|input| input.value.queue.is_some());
    // What failed is asked again when its job is taken again.
    let retry_rounds = if is_queue { 0 } else { Settings::default().retry_rounds };
    let usual = Settings { retry_rounds, ..Settings::default() };
    let Some(job) = file.job.as_ref().map(|job| &job.value) else { return usual };
    Settings {
        chunks: job.chunks.as_ref().map_or(usual.chunks, |word| word.value.0),
        keep_answers: job.keep_answers.as_ref().map_or(usual.keep_answers, |word| word.value.0),
        shard_size: job.shard_size.as_ref().map_or(usual.shard_size, |count| count.value.0),
        in_flight: job.in_flight.as_ref().map_or(usual.in_flight, |count| count.value.0 as u32),
        retry_rounds: job.retry_rounds.as_ref().map_or(usual.retry_rounds, |count| count.value.0 as u32),
        resume_within: job.resume_within.as_ref().map_or(usual.resume_within, |time| time.value.0),
        on_change: job.on_change.as_ref().map_or(usual.on_change, |word| word.value.0),
        runs_permissions: job.runs_permissions.as_ref().map_or(usual.runs_permissions, |mode| mode.value.0),
        keep_runs: job.keep_runs.as_ref().map(|time| time.value.0),
        patience: job.patience.as_ref().map_or(usual.patience, |time| time.value.0),
        listen: job.listen.as_ref().map(|address| address.value.0),
        schedule,
    }
}

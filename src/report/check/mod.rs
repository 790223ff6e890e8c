//! Records that were asked for a person to see: request, answer and row; or, of an earlier run, the answers that it kept, and
//! what the job as it is now makes of them.

mod answered;
mod facts;
mod request;
mod seen;
mod text;

use std::io::{self, Write};

use self::facts::{Checked, Document, Earlier, End, EndpointFacts, RecordFacts};
use self::text::{beginning, shown_value};
use super::stdout::{self, Form};
use super::summary::PREVIEW_WIDTH;
use super::table::{Shape, print_rows};
use crate::chunk::KeptAnswer;
use crate::extract::Guarded;
use crate::fetch::Mask;
use crate::handoff::RunStore;
use crate::handoff::event::word_of_pair;
use crate::job::Job;
use crate::merge::QueryResult;
use crate::os::{Slot, tell};
use crate::runner::{LiveRun, RunnerError};
use crate::worker;

pub use self::answered::Answered;
pub use self::request::Request;
pub use self::seen::Seen;

/// Shows what was sent, and nothing else.
pub fn show_requests(requests: &[Request]) -> Result<(), RunnerError> {
    let show =
        |out: &mut dyn Write| requests.iter().try_for_each(|request| indented(out, "> ", &request.lines()));
    Ok(stdout::write(show)?)
}

/// Shows every record: what was asked, answered and made of it; where nobody was asked, what `earlier` kept. The number of
/// requests that failed.
pub async fn show(
    run: &LiveRun,
    job: &Job,
    seen: &Seen,
    earlier: Option<&RunStore>,
    mask: &Mask,
    form: Form,
) -> Result<usize, RunnerError> {
    let checked = Checked::of(run, job, seen, earlier, mask).await?;
    let failed = checked.failed();
    match form {
        Form::Text => stdout::write(|out| {
            checked.records.iter().try_for_each(|facts| record(out, job, facts, checked.earlier.as_ref()))
        })?,
        Form::Json => stdout::write_json(&Document {
            version: 1,
            job: &job.name,
            offline: checked.earlier.is_some(),
            answers_of: checked.earlier.as_ref().map(|earlier| earlier.run.as_str()),
            records: &checked.records,
            failed,
        })?,
    }
    ask_about_parts(job, &checked.answers)?;
    Ok(failed)
}

/// Asks about parts of a batch's answer that seem to be no success, where the job takes all for one.
fn ask_about_parts(job: &Job, answers: &[KeptAnswer]) -> Result<(), RunnerError> {
    let watchdog = worker::watch(Slot::own(), job)?;
    for (at, endpoint) in job.endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.batch.is_some()) {
        let Ok(extractor) = Guarded::new(endpoint) else { continue };
        let mut own = answers.iter().filter(|body| body.endpoint == endpoint.name);
        let overlooked = |body: &KeptAnswer| {
            let working = watchdog.work_on(word_of_pair(body.ordinal, at));
            extractor.under(&working).overlooked(&body.body)
        };
        if let Some((why, key)) = own.find_map(overlooked) {
            tell!(
                "windrow: endpoint {}: {why}: is that a failure?\nhint: batch = {{ …, {key} }} judges each part by itself",
                endpoint.name
            );
        }
    }
    Ok(())
}

fn record(out: &mut dyn Write, job: &Job, facts: &RecordFacts, earlier: Option<&Earlier>) -> io::Result<()> {
    let named = facts
        .id
        .iter()
        .map(|(name, value)| format!("{} = {}", beginning(name.as_bytes()), shown_value(value.as_deref())));
    writeln!(out, "{}", named.collect::<Vec<_>>().join(", "))?;
    for endpoint in &facts.endpoints {
        writeln!(out, "\n  {}", endpoint.endpoint)?;
        match (&endpoint.then, earlier) {
            (Some(then), Some(earlier)) => kept(out, endpoint, then, &earlier.run)?,
            _ => asked(out, endpoint)?,
        }
        rows(out, endpoint.rows_made.as_ref(), job.input.id.len())?;
    }
    writeln!(out)
}

/// What was sent and answered.
fn asked(out: &mut dyn Write, endpoint: &EndpointFacts) -> io::Result<()> {
    if let Some(other) = endpoint.asked_with {
        writeln!(out, "    asked with record {other}")?;
    }
    for request in &endpoint.requests {
        indented(out, "    > ", request)?;
    }
    writeln!(out, "    {}", outcome(&endpoint.end, true))?;
    indented(out, "    < ", endpoint.answer.as_slice())
}

/// What a run kept, how that ended then, and how it ends now.
fn kept(out: &mut dyn Write, endpoint: &EndpointFacts, then: &End, run: &str) -> io::Result<()> {
    let what = if endpoint.answer.is_some() { "kept by run" } else { "nothing was kept by run" };
    let http =
        then.http_status.map_or_else(String::new, |status| format!(": HTTP {status}, {} bytes", then.bytes));
    writeln!(out, "    {what} {run}{http}")?;
    indented(out, "    < ", endpoint.answer.as_slice())?;
    writeln!(out, "    then: {}", outcome(then, false))?;
    writeln!(out, "    now:  {}", outcome(&endpoint.end, false))
}

/// The values that were made, a line each; of several rows a table.
fn rows(out: &mut dyn Write, made: Option<&QueryResult>, id: usize) -> io::Result<()> {
    let Some(made) = made else { return Ok(()) };
    match made.rows.as_slice() {
        [row] if !made.truncated => {
            let names: Vec<String> =
                made.columns.iter().map(|column| beginning(column.name.as_bytes())).collect();
            let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
            for (name, value) in names.iter().zip(row).skip(id) {
                writeln!(out, "    {name:width$}  {}", shown_value(value.as_deref()))?;
            }
            Ok(())
        }
        _ => {
            let mut made = made.clone();
            let values = made.rows.iter_mut().flatten().flatten();
            values.for_each(|value| stdout::shorten(value, PREVIEW_WIDTH));
            print_rows(out, &made, Shape::Table)
        }
    }
}

/// `ok, HTTP 200, 1119 bytes`, and why where it is not; `with_answer`: with status and size.
fn outcome(end: &End, with_answer: bool) -> String {
    let mut said = end.status.clone();
    if let Some(kind) = &end.kind {
        said = format!("{said} ({kind}): {}", end.detail.as_deref().unwrap_or_default());
    }
    if let Some(status) = end.http_status.filter(|_| with_answer) {
        said += &format!(", HTTP {status}, {} bytes", end.bytes);
    }
    if end.pages > 1 {
        said += &format!(", {} pages", end.pages);
    }
    if end.kind.is_none() && end.rows != 1 {
        said += &format!(", {} rows", end.rows);
    }
    said
}

fn indented(out: &mut dyn Write, before: &str, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{before}{line}"))
}

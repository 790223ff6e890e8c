//! Records that were asked for a person to see: request, answer and row.

use std::io::{self, Write};

use super::stdout;
use super::summary::PREVIEW_WIDTH;
use super::table::{Shape, print_rows};
use crate::chunk::KeptAnswer;
use crate::extract::Guarded;
use crate::fetch::Mask;
use crate::handoff::Plan;
use crate::handoff::event::word_of_pair;
use crate::job::Job;
use crate::merge::{QueryResult, RunQuery};
use crate::os::{Slot, tell};
use crate::record::Ordinal;
use crate::runner::{LiveRun, RunnerError, id_columns, kept_answers};
use crate::worker::{self, Sent};

/// Characters of an answer that are shown.
const SHOWN: usize = 400;

/// Rows of one answer that are shown.
const ROWS: usize = 5;

/// A request that was sent, as a person may see it.
pub struct Request {
    ordinal: Ordinal,
    endpoint: usize,
    lines: Vec<String>,
}

impl Request {
    /// Of one that is about to be sent.
    pub fn of(sent: &Sent<'_>) -> Request {
        let mut lines = vec![format!("{} {}", sent.request.method(), sent.request.shown())];
        lines.extend(sent.request.shown_headers().map(|(name, value)| format!("{name}: {value}")));
        lines.extend(sent.request.shown_body().map(|body| beginning(body.as_bytes())));
        Request { ordinal: sent.ordinal, endpoint: sent.endpoint, lines }
    }
}

/// Shows what was sent, and nothing else.
pub fn show_requests(requests: &[Request]) -> Result<(), RunnerError> {
    let show =
        |out: &mut dyn Write| requests.iter().try_for_each(|request| indented(out, "> ", &request.lines));
    Ok(stdout::write(show)?)
}

/// Shows every record: what was asked, answered and made of it. The number of requests that failed.
pub async fn show(run: &LiveRun, job: &Job, sent: &[Request], mask: Mask) -> Result<usize, RunnerError> {
    let query = RunQuery::open(&run.store, Some(job)).await?;
    let id: Vec<String> = id_columns(&run.plan);
    let (input, ordinal) = (run.plan.view("input"), &run.plan.shown_input().own[0]);
    let input =
        query.ask(&format!("SELECT {ordinal}, {} FROM {input} ORDER BY {ordinal}", id.join(", ")), None)?;
    let ends = query.ask(
        &format!(
            "SELECT ordinal, endpoint, status, kind, http_status, detail, bytes, pages, rows, batch FROM {}",
            run.plan.view("requests")
        ),
        None,
    )?;
    let answers = kept_answers(&run.store).await?;
    let shown = Shown { query: &query, plan: &run.plan, job, sent, ends: &ends, answers: &answers, mask };
    let failed = ends.rows.iter().filter(|end| end[2].as_deref() == Some("failed")).count();
    let mut pages: Vec<Vec<u8>> = Vec::new();
    for record in &input.rows {
        let mut page = Vec::new();
        let named = input.columns.iter().zip(record).skip(1);
        let named: Vec<String> = named
            .map(|(column, value)| {
                format!("{} = {}", beginning(column.name.as_bytes()), shown_value(value.as_deref()))
            })
            .collect();
        writeln!(page, "{}", named.join(", "))?;
        shown.record(&mut page, record[0].as_deref().unwrap_or_default())?;
        pages.push(page);
    }
    stdout::write(|out| pages.iter().try_for_each(|page| out.write_all(page)))?;
    ask_about_parts(job, &answers)?;
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

/// Everything that is known of the records.
struct Shown<'a> {
    query: &'a RunQuery,
    plan: &'a Plan,
    job: &'a Job,
    sent: &'a [Request],
    ends: &'a QueryResult,
    answers: &'a [KeptAnswer],
    mask: Mask,
}

impl Shown<'_> {
    fn record(&self, out: &mut dyn Write, ordinal: &str) -> Result<(), RunnerError> {
        for (at, endpoint) in self.job.endpoints.iter().enumerate() {
            let is_meant = |end: &&Vec<Option<String>>| {
                end[0].as_deref() == Some(ordinal) && end[1].as_deref() == Some(&endpoint.name)
            };
            let Some(end) = self.ends.rows.iter().find(is_meant) else { continue };
            writeln!(out, "\n  {}", endpoint.name)?;
            let asked = end[9].as_deref().unwrap_or(ordinal);
            if asked != ordinal {
                writeln!(out, "    asked with record {asked}")?;
            }
            for request in self.sent.iter().filter(|r| r.endpoint == at && r.ordinal.to_string() == ordinal) {
                indented(out, "    > ", &request.lines)?;
            }
            writeln!(out, "    {}", outcome(end))?;
            let is_its =
                |body: &&KeptAnswer| body.ordinal.to_string() == ordinal && body.endpoint == endpoint.name;
            if let Some(body) = self.answers.iter().find(is_its) {
                indented(out, "    < ", &[beginning(body.shown())])?;
            }
            self.rows(out, at, ordinal)?;
        }
        writeln!(out)?;
        Ok(())
    }

    /// The values that were made, a line each; of several rows a table.
    fn rows(&self, out: &mut dyn Write, endpoint: usize, ordinal: &str) -> Result<(), RunnerError> {
        let own = self.plan.shown_answers(endpoint).own;
        let (name, place) = (&self.plan.endpoints[endpoint].name, &own[0]);
        let sql = format!("SELECT * EXCLUDE ({}) FROM \"{name}\" WHERE {place} = {ordinal}", own.join(", "));
        let mut rows = self.query.ask(&sql, Some(ROWS))?;
        rows.rows.iter_mut().flatten().flatten().for_each(|value| *value = self.mask.apply(value));
        let id = self.job.input.id.len();
        match rows.rows.as_slice() {
            [row] if !rows.truncated => {
                let names: Vec<String> =
                    rows.columns.iter().map(|column| beginning(column.name.as_bytes())).collect();
                let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
                for (name, value) in names.iter().zip(row).skip(id) {
                    writeln!(out, "    {name:width$}  {}", shown_value(value.as_deref()))?;
                }
            }
            [] => {}
            _ => {
                rows.rows
                    .iter_mut()
                    .flatten()
                    .flatten()
                    .for_each(|value| stdout::shorten(value, PREVIEW_WIDTH));
                print_rows(out, &rows, Shape::Table)?;
            }
        }
        Ok(())
    }
}

/// `ok, HTTP 200, 1119 bytes`, and why where it is not.
fn outcome(end: &[Option<String>]) -> String {
    let text = |at: usize| end[at].clone().unwrap_or_default();
    let mut said = text(2);
    if end[3].is_some() {
        said = format!("{said} ({}): {}", text(3), text(5));
    }
    if end[4].is_some() {
        said += &format!(", HTTP {}, {} bytes", text(4), text(6));
    }
    if end[7].as_deref().is_some_and(|pages| pages != "0" && pages != "1") {
        said += &format!(", {} pages", text(7));
    }
    if end[3].is_none() && end[8].as_deref().is_some_and(|rows| rows != "1") {
        said += &format!(", {} rows", text(8));
    }
    said
}

/// A value on one line; null is no text.
fn shown_value(value: Option<&str>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) => beginning(text.as_bytes()),
    }
}

/// The first characters of an answer, control characters spelled out.
fn beginning(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let mut shown: String = text.chars().take(SHOWN).flat_map(visible).collect();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

fn visible(character: char) -> Vec<char> {
    match character {
        '\n' | '\t' => vec![' '],
        _ if character.is_control() => character.escape_default().collect(),
        _ => vec![character],
    }
}

fn indented(out: &mut dyn Write, before: &str, lines: &[String]) -> io::Result<()> {
    lines.iter().try_for_each(|line| writeln!(out, "{before}{line}"))
}

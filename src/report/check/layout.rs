//! What a person sees of the records that were asked.

use std::io;

use super::super::numbers::counted;
use super::super::stdout;
use super::super::summary::PREVIEW_WIDTH;
use super::super::table::{Shape, print_rows};
use super::As;
use super::columns::{self, ColumnFacts};
use super::facts::{Checked, Earlier, End, EndpointFacts, RecordFacts};
use super::page::{Page, Paint};
use super::seen::{Exchange, Seen};
use super::text::{beginning, shown_value};
use crate::job::Job;
use crate::merge::QueryResult;

/// Requests of one record to an endpoint that are shown: it may have many pages.
const REQUESTS: usize = 3;

/// The width of a page that is for no terminal.
const WIDTH: usize = 80;

/// All of it.
pub(super) fn page(job: &Job, seen: &Seen, checked: &Checked, shown_as: As) -> io::Result<Page> {
    let mut page = Page::default();
    let with_headers = checked.earlier.is_none() && shown_as == As::Sent;
    for (at, endpoint) in job.endpoints.iter().enumerate().filter(|_| with_headers) {
        common_headers(&mut page, &endpoint.name, &seen.common_headers(at));
    }
    for record in &checked.records {
        let of = RecordPage { job, seen, shown_as, record };
        of.lines(&mut page, checked.earlier.as_ref())?;
    }
    for endpoint in &job.endpoints {
        let own: Vec<_> = checked.columns.iter().filter(|column| column.endpoint == endpoint.name).collect();
        column_lines(&mut page, &endpoint.name, &own);
    }
    Ok(page)
}

/// What was sent, where not all was asked.
pub(super) fn requests(seen: &Seen, shown_as: As) -> Page {
    let mut page = Page::default();
    seen.exchanges().iter().for_each(|exchange| exchange_lines(&mut page, "", exchange, &[], shown_as));
    page
}

fn common_headers(page: &mut Page, endpoint: &str, headers: &[(String, String)]) {
    if headers.is_empty() {
        return;
    }
    page.line(format!("{endpoint}: sent with every request"));
    for (name, value) in headers {
        page.painted(Paint::Dim, format!("    > {name}: {value}"));
    }
    page.line("");
}

/// A record and what it is shown with.
struct RecordPage<'a> {
    job: &'a Job,
    seen: &'a Seen,
    shown_as: As,
    record: &'a RecordFacts,
}

impl RecordPage<'_> {
    fn lines(&self, page: &mut Page, earlier: Option<&Earlier>) -> io::Result<()> {
        let named = self.record.id.iter().map(|(name, value)| {
            format!("{} = {}", beginning(name.as_bytes()), shown_value(value.as_deref()))
        });
        page.line(named.collect::<Vec<_>>().join(", "));
        for facts in &self.record.endpoints {
            page.line("");
            page.line(format!("  {}", facts.endpoint));
            match (&facts.then, earlier) {
                (Some(then), Some(earlier)) => self.kept(page, facts, then, &earlier.run),
                _ => self.asked(page, facts),
            }
            rows(page, facts.rows_made.as_ref(), self.job.input.id.len())?;
        }
        page.line("");
        Ok(())
    }

    /// Where an endpoint stands in the job, and what it was asked.
    fn exchanges(&self, facts: &EndpointFacts) -> (usize, Vec<&Exchange>) {
        let at = self.job.endpoint(&facts.endpoint).map_or(0, |(at, _)| at);
        (at, self.seen.of(at, &self.record.ordinal).collect())
    }

    /// What was sent and answered.
    fn asked(&self, page: &mut Page, facts: &EndpointFacts) {
        if let Some(other) = facts.asked_with {
            page.line(format!("    asked with record {other}"));
        }
        let (at, exchanges) = self.exchanges(facts);
        let common = self.seen.common_headers(at);
        for exchange in exchanges.iter().take(REQUESTS) {
            exchange_lines(page, "    ", exchange, &common, self.shown_as);
        }
        if exchanges.len() > REQUESTS {
            page.line(format!("    … {} more requests", exchanges.len() - REQUESTS));
        }
        let is_answered = exchanges.iter().any(|exchange| !exchange.answered.is_empty());
        if let Some((paint, line)) = outcome(&facts.end, !is_answered) {
            page.painted(paint, format!("    {line}"));
        }
        answer(page, facts);
    }

    /// What a run kept, how that ended then, and how it ends now.
    fn kept(&self, page: &mut Page, facts: &EndpointFacts, then: &End, run: &str) {
        if self.shown_as == As::Curl {
            let (_, exchanges) = self.exchanges(facts);
            exchanges.iter().take(REQUESTS).for_each(|exchange| curl_line(page, "    ", exchange));
        }
        let what = if facts.answer.is_some() { "kept by run" } else { "nothing was kept by run" };
        let http = then
            .http_status
            .map_or_else(String::new, |status| format!(": HTTP {status}, {} bytes", then.bytes));
        page.line(format!("    {what} {run}{http}"));
        answer(page, facts);
        for (when, end) in [("then: ", then), ("now:  ", &facts.end)] {
            let (paint, line) = outcome(end, true).unwrap_or((Paint::Plain, end.status.clone()));
            page.painted(paint, format!("    {when}{line}"));
        }
    }
}

/// A request, but for the headers that all have in common, and how it was answered.
fn exchange_lines(
    page: &mut Page,
    before: &str,
    exchange: &Exchange,
    common: &[(String, String)],
    shown_as: As,
) {
    match shown_as {
        As::Sent => request_lines(page, before, exchange, common),
        As::Curl => curl_line(page, before, exchange),
    }
    for answered in &exchange.answered {
        let paint = if (200..300).contains(&answered.http_status) { Paint::Good } else { Paint::Bad };
        page.painted(paint, format!("{before}{}", answered.line()));
    }
}

fn answer(page: &mut Page, facts: &EndpointFacts) {
    facts.answer_lines.iter().for_each(|line| page.line(format!("    < {line}")));
}

fn request_lines(page: &mut Page, before: &str, exchange: &Exchange, common: &[(String, String)]) {
    let request = &exchange.request;
    page.painted(Paint::Bold, format!("{before}> {}", request.line));
    for (name, value) in request.headers.iter().filter(|header| !common.contains(header)) {
        page.line(format!("{before}> {name}: {value}"));
    }
    request.body.iter().for_each(|body| page.line(format!("{before}> {body}")));
}

fn curl_line(page: &mut Page, before: &str, exchange: &Exchange) {
    match &exchange.request.curl {
        Ok(line) => page.painted(Paint::Bold, format!("{before}{line}")),
        Err(why) => page.line(format!("{before}# {}: no curl line: {why}", exchange.request.line)),
    }
}

/// The values that were made, a line each; of several rows a table.
fn rows(page: &mut Page, made: Option<&QueryResult>, id: usize) -> io::Result<()> {
    let Some(made) = made else { return Ok(()) };
    match made.rows.as_slice() {
        [row] if !made.truncated => {
            let names: Vec<String> =
                made.columns.iter().map(|column| beginning(column.name.as_bytes())).collect();
            let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
            for (name, value) in names.iter().zip(row).skip(id) {
                page.line(format!("    {name:width$}  {}", shown_value(value.as_deref())));
            }
            Ok(())
        }
        _ => {
            let mut made = made.clone();
            let values = made.rows.iter_mut().flatten().flatten();
            values.for_each(|value| stdout::shorten(value, PREVIEW_WIDTH));
            page.written("", |out| print_rows(out, &made, Shape::Table))
        }
    }
}

/// `failed (convert): …`, `ok, 3 pages`; nothing where it is `ok` and there is no more to say, unless `always`.
fn outcome(end: &End, always: bool) -> Option<(Paint, String)> {
    let mut said = end.status.clone();
    if let Some(kind) = &end.kind {
        said = format!("{said} ({kind}): {}", end.detail.as_deref().unwrap_or_default());
    }
    if end.pages > 1 {
        said += &format!(", {} pages", end.pages);
    }
    if end.kind.is_none() && end.rows != 1 {
        said += &format!(", {} rows", end.rows);
    }
    let paint = if end.status == "failed" { Paint::Bad } else { Paint::Plain };
    (always || said != "ok").then_some((paint, said))
}

/// The table of an endpoint's columns.
fn column_lines(page: &mut Page, endpoint: &str, own: &[&ColumnFacts]) {
    let Some(first) = own.first() else { return };
    page.line(format!("{endpoint}: columns over {}", counted(first.rows, "row")));
    for line in columns::table(own, stdout::width().unwrap_or(WIDTH)) {
        page.line(format!("  {line}"));
    }
    page.line("");
}

//! `windrow check JOB`: everything that can be told of a job before it runs, by asking three records.
//!
//! Nothing is left behind: the records are planned, asked and extracted in a folder that goes away.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::PathBuf;
use std::rc::Rc;

use clap::Args;
use tokio::sync::watch;

use super::live::{LiveRun, TrialArgs};
use super::{CliError, Place, find, live, stdout, summary};
use crate::chunk::{self, Body};
use crate::extract::Guarded;
use crate::fetch::Mask;
use crate::handoff::event::word_of_pair;
use crate::handoff::{Content, Event, Exit, Plan, RunStore};
use crate::job::{Bodies, Job};
use crate::merge::{self, QueryResult, RunQuery};
use crate::os::{Slot, Stop, stop_on_signals};
use crate::plan;
use crate::record::Ordinal;
use crate::report::{Shape, counted, print_rows};
use crate::secrets::Secrets;
use crate::worker::{self, Replay, Role, Sent, ShardEnd, ShardOptions};

/// Characters of an answer that are shown.
const SHOWN: usize = 400;

/// Rows of one answer that are shown.
const ROWS: usize = 5;

#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// The job file
    job: PathBuf,
    /// Ask this many records, spread over the list
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=100))]
    records: u64,
    /// Ask the records with these ids instead
    #[arg(long, value_name = "ID,…", value_delimiter = ',')]
    ids: Option<Vec<String>>,
    /// Ask nobody: make the columns from answers that the newest run kept, failed ones first
    #[arg(long = "try", conflicts_with = "ids")]
    from_kept: bool,
    /// Read secrets from a file of NAME=value lines as well
    #[arg(long, value_name = "FILE")]
    env_file: Option<PathBuf>,
}

pub(super) async fn run(args: CheckArgs, place: &Place) -> Result<Exit, CliError> {
    let mut job = find::load_job(&args.job)?;
    let secrets = find::secrets(args.env_file.as_deref())?;
    merge::check_destination(&job, &merge::Place::of_job(&job, &secrets)?).await?;
    find::check_secrets(&job, &secrets)?;
    job.settings.bodies = Bodies::All;
    let (trial, earlier) = chosen(&job, &args, &secrets, place).await?;
    let folder = tempfile::tempdir()?;
    let run = live::plan_new(&job, folder.path(), &secrets, &trial).await?;
    let stop = stop_on_signals()?;
    let (sent, end) = ask(&run, &job, &secrets, earlier, &stop).await?;
    if let Some((exit, why)) = unfinished(end, *stop.borrow()) {
        show_requests(&sent)?;
        tell!("windrow: {why}");
        return Ok(exit);
    }
    let failed = show(&run, &job, &sent, Mask::of(&job.endpoints, &secrets)).await?;
    tell!("{}: {}; nothing was written", job.name, verdict(failed));
    Ok(if failed == 0 { Exit::Done } else { Exit::Refused })
}

/// Why not all was asked, for a person.
fn unfinished(end: ShardEnd, stop: Stop) -> Option<(Exit, String)> {
    Some(match end {
        ShardEnd::Committed | ShardEnd::Helped => return None,
        ShardEnd::GaveUp(example) => {
            let hint = "is the url right, and the server there?";
            (Exit::TryAgain, format!("nothing succeeds ({example})\nhint: {hint}"))
        }
        ShardEnd::Interrupted => {
            (Exit::Interrupted(stop.signal().unwrap_or_default()), "interrupted".to_owned())
        }
        ShardEnd::Paused(renews_at) => (Exit::Paused, summary::paused(renews_at)),
        ShardEnd::Refused(why) => {
            (Exit::Usage, format!("{why}\nhint: set the secret right; {}", summary::PROPER_ANSWER))
        }
    })
}

/// Which records are asked, and the run whose answers stand for requests.
async fn chosen(
    job: &Job,
    args: &CheckArgs,
    secrets: &Secrets,
    place: &Place,
) -> Result<(TrialArgs, Option<RunStore>), CliError> {
    if !args.from_kept {
        let sample = args.ids.is_none().then_some(args.records);
        return Ok((TrialArgs { sample, ids: args.ids.clone() }, None));
    }
    let earlier = find::newest(&find::runs_root(job, place), &job.name).await?;
    let then = earlier.plan().await?;
    if plan::source_sha256(job, secrets).await?.as_ref() != Some(&then.input_sha256) {
        return Err(CliError::Usage(format!(
            "the list is not the one of run {}, or it was standard input\nhint: --try finds its records by the list that the run had",
            then.run
        )));
    }
    let mut ordinals: Vec<Ordinal> = kept(&earlier).await?.iter().map(|body| body.ordinal).collect();
    ordinals.dedup();
    if ordinals.is_empty() {
        return Err(CliError::Usage(format!(
            "run {} kept no answers\nhint: bodies = \"all\" in [job] keeps them all, \"failed\" those that failed",
            then.run
        )));
    }
    let step = ordinals.len().div_ceil(args.records as usize).max(1);
    let chosen: Vec<String> = ordinals.iter().step_by(step).map(Ordinal::to_string).collect();
    let id = super::failures::id_columns(&then);
    let (input, ordinal) = (then.view("input"), &then.shown_input().own[0]);
    let sql = format!("SELECT {}::VARCHAR FROM {input} WHERE {ordinal} IN ({})", id[0], chosen.join(", "));
    let found = merge::query(&earlier, Some(job), &sql, None).await?;
    let ids = found.rows.into_iter().flatten().flatten().collect();
    Ok((TrialArgs { sample: None, ids: Some(ids) }, Some(earlier)))
}

/// Works the run in this process; the requests, and how it ended.
async fn ask(
    run: &LiveRun,
    job: &Job,
    secrets: &Secrets,
    earlier: Option<RunStore>,
    stop: &watch::Receiver<Stop>,
) -> Result<(Vec<Request>, ShardEnd), CliError> {
    let sent = Rc::new(RefCell::new(Vec::new()));
    let mut end = ShardEnd::Committed;
    for shard in run.store.rounds().await?.iter().flat_map(|round| &round.shards) {
        let noted = sent.clone();
        let replay = match &earlier {
            Some(earlier) => Some(Replay::open(earlier.clone()).await?),
            None => None,
        };
        let options = ShardOptions {
            settles: false,
            round: 0,
            role: Role::Owner,
            in_flight: job.settings.in_flight as usize,
            max_requests: None,
            crashed: Vec::new(),
            slot: Slot::own(),
            secrets: secrets.clone(),
            secrets_accepted: None,
            on_request: Some(Box::new(move |sent| noted.borrow_mut().push(Request::of(&sent)))),
            replay,
        };
        end = worker::fetch_shard(&run.store, &run.plan, job, shard, options, say_warning, stop.clone())
            .await?;
    }
    let sent = sent.borrow_mut().drain(..).collect();
    Ok((sent, end))
}

/// What a run tells on its way; the rest is seen in the end.
fn say_warning(event: Event) {
    if let Event::Warning { text } = event {
        tell!("windrow: {text}");
    }
}

fn verdict(failed: usize) -> String {
    match failed {
        0 => "the job is valid, and every answer fits it".to_owned(),
        _ => format!("the job is valid, but {} failed", counted(failed as u64, "request")),
    }
}

/// A request that was sent, as a person may see it.
struct Request {
    ordinal: Ordinal,
    endpoint: usize,
    lines: Vec<String>,
}

impl Request {
    fn of(sent: &Sent<'_>) -> Request {
        let mut lines = vec![format!("{} {}", sent.request.method(), sent.request.shown())];
        lines.extend(sent.request.shown_headers().map(|(name, value)| format!("{name}: {value}")));
        lines.extend(sent.request.shown_body().map(|body| beginning(body.as_bytes())));
        Request { ordinal: sent.ordinal, endpoint: sent.endpoint, lines }
    }
}

fn show_requests(requests: &[Request]) -> Result<(), CliError> {
    let show =
        |out: &mut dyn Write| requests.iter().try_for_each(|request| indented(out, "> ", &request.lines));
    Ok(stdout::write(show)?)
}

/// Shows every record: what was asked, answered and made of it. The number of requests that failed.
async fn show(run: &LiveRun, job: &Job, sent: &[Request], mask: Mask) -> Result<usize, CliError> {
    let query = RunQuery::open(&run.store, Some(job)).await?;
    let id: Vec<String> = super::failures::id_columns(&run.plan);
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
    let bodies = kept(&run.store).await?;
    let shown = Shown { query: &query, plan: &run.plan, job, sent, ends: &ends, bodies: &bodies, mask };
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
    ask_about_parts(job, &bodies)?;
    Ok(failed)
}

/// Asks about parts of a batch's answer that seem to be no success, where the job takes all for one.
fn ask_about_parts(job: &Job, bodies: &[Body]) -> Result<(), CliError> {
    let watchdog = worker::watch(Slot::own(), job)?;
    for (at, endpoint) in job.endpoints.iter().enumerate().filter(|(_, endpoint)| endpoint.batch.is_some()) {
        let Ok(extractor) = Guarded::new(endpoint) else { continue };
        let mut own = bodies.iter().filter(|body| body.endpoint == endpoint.name);
        let overlooked = |body: &Body| {
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

/// The answers that the run kept.
async fn kept(run: &RunStore) -> Result<Vec<Body>, CliError> {
    let mut bodies = Vec::new();
    for shard in run.rounds().await?.iter().flat_map(|round| &round.shards) {
        for commit in run.commits(shard.number).await?.values() {
            for file in commit.files.iter().filter(|file| file.content == Content::Bodies) {
                let bytes = run.read_shard_file(shard.number, &file.name).await?;
                let read = chunk::read_bodies(bytes)
                    .map_err(|source| worker::WorkerError::Chunk { shard: shard.number, source })?;
                bodies.extend(read);
            }
        }
    }
    Ok(bodies)
}

/// Everything that is known of the records.
struct Shown<'a> {
    query: &'a RunQuery,
    plan: &'a Plan,
    job: &'a Job,
    sent: &'a [Request],
    ends: &'a QueryResult,
    bodies: &'a [Body],
    mask: Mask,
}

impl Shown<'_> {
    fn record(&self, out: &mut dyn Write, ordinal: &str) -> Result<(), CliError> {
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
            let is_its = |body: &&Body| body.ordinal.to_string() == ordinal && body.endpoint == endpoint.name;
            if let Some(body) = self.bodies.iter().find(is_its) {
                indented(out, "    < ", &[beginning(body.shown())])?;
            }
            self.rows(out, at, ordinal)?;
        }
        writeln!(out)?;
        Ok(())
    }

    /// The values that were made, a line each; of several rows a table.
    fn rows(&self, out: &mut dyn Write, endpoint: usize, ordinal: &str) -> Result<(), CliError> {
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
                    .for_each(|value| stdout::shorten(value, summary::PREVIEW_WIDTH));
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

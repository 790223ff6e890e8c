//! A proposal as a job file would have it, and as a run would use it.

use std::path::Path;
use std::time::Duration;

use crate::draft::{Proposal, Sample, propose};
use crate::extract::{Extracted, Extractor, Guarded};
use crate::job::Job;
use crate::os::{Bounds, Slot, Watchdog};
use crate::record::{Failure, Kind, Rows};

/// Answers with status 200 to ids `1`, `2`, ….
pub(super) fn samples(bodies: &[&str]) -> Vec<Sample> {
    let ids: Vec<String> = (1..=bodies.len()).map(|id| id.to_string()).collect();
    bodies.iter().zip(ids).map(|(body, id)| sample(&id, 200, body)).collect()
}

pub(super) fn sample(id: &str, status: u16, body: &str) -> Sample {
    Sample {
        id: id.to_owned(),
        url: format!("https://api.example.com/t/{id}"),
        status,
        body: body.to_owned(),
        ..Sample::default()
    }
}

/// What is proposed for such answers, as text, once it is seen that it reads them.
pub(super) fn shown(bodies: &[&str]) -> String {
    shown_of(&samples(bodies))
}

pub(super) fn shown_of(samples: &[Sample]) -> String {
    let proposal = propose(samples, "id", &[]);
    check(samples, &proposal);
    text(&proposal)
}

/// The keys of a proposal, and what it says of them.
pub(super) fn text(proposal: &Proposal) -> String {
    let mut lines = keys(proposal, true);
    for column in &proposal.columns {
        let because = column.because.as_ref().map_or(String::new(), |why| format!("  # {why}"));
        lines.push(format!("  {} = {}{because}", column.name, column.toml));
    }
    if let Some(limit) = &proposal.limit {
        lines.push(format!("limit {:?}  # {}", limit.value, limit.because));
    }
    lines.extend(proposal.notes.iter().map(|note| format!("note: {note}")));
    lines.join("\n")
}

fn keys(proposal: &Proposal, with_why: bool) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = |key: &str, value: &str, because: &str| {
        let because = if with_why { format!("  # {because}") } else { String::new() };
        lines.push(format!("{key} = {value}{because}"));
    };
    if let Some(format) = &proposal.format {
        line("format", &format!("\"{}\"", format.value), &format.because);
    }
    if let Some(missing) = &proposal.missing {
        line("missing", &missing.value, &missing.because);
    }
    if let Some(ok) = &proposal.ok {
        line("ok", &ok.value, &ok.because);
    }
    if let Some(rows) = &proposal.rows {
        line("rows", &crate::job::toml_text(&rows.value), &rows.because);
    }
    if let Some(pages) = &proposal.pages {
        line("pages", &pages.value, &pages.because);
    }
    if let Some(nulls) = &proposal.nulls {
        line("nulls", &format!("{:?}", nulls.value), &nulls.because);
    }
    lines
}

/// The job that a proposal makes.
pub(super) fn job(proposal: &Proposal) -> Job {
    let columns: Vec<String> =
        proposal.columns.iter().map(|column| format!("{} = {}", column.name, column.toml)).collect();
    let limit = proposal.limit.as_ref().map_or(String::new(), |limit| {
        let keys: Vec<String> =
            limit.value.iter().map(|(key, value)| format!("{key} = \"{value}\"")).collect();
        format!("[limit.\"api.example.com\"]\n{}\n", keys.join("\n"))
    });
    let text = format!(
        "[input]\nids = [\"1\"]\nid = \"id\"\n{limit}\n[[endpoint]]\nname = \"films\"\n\
         url = \"https://api.example.com/t/{{id}}\"\nmax_depth = 512\n{}\n[endpoint.columns]\n{}\n\
         [table]\nto = \"duckdb:x.duckdb\"\nmode = \"append\"\n",
        keys(proposal, false).join("\n"),
        columns.join("\n")
    );
    Job::parse(text.clone(), Path::new("/tmp/films.toml"))
        .unwrap_or_else(|error| panic!("{text}\n{:?}", miette::Report::new(error)))
}

/// What a run makes of a body.
pub(super) fn extracted(job: &Job, body: &str) -> Result<Extracted, Failure> {
    let extractor: Guarded<Extractor> = Guarded::new(&job.endpoints[0]).unwrap();
    let bounds = Bounds { time: Duration::from_secs(600), memory: u64::MAX };
    let watchdog = Watchdog::start(Slot::own(), bounds, |_, _| {}).unwrap();
    let working = watchdog.work_on(0);
    extractor.under(&working).extract(body.as_bytes())
}

/// Holds a proposal to its promise, and gives the rows of the answers that a run would take.
pub(super) fn check(samples: &[Sample], proposal: &Proposal) -> Vec<Rows> {
    if proposal.columns.is_empty() {
        return Vec::new();
    }
    let job = job(proposal);
    let mut all = Vec::new();
    for sample in samples.iter().filter(|sample| sample.status == 200 && !sample.body.trim().is_empty()) {
        match extracted(&job, &sample.body) {
            Ok(Extracted::Rows(rows)) => all.push(rows),
            Ok(Extracted::Missing) => {}
            Err(failure) if proposal.ok.is_some() && failure.kind == Kind::NotOk => {}
            // The interpreter reads no such text, whatever a job says.
            Err(failure) if failure.detail.contains("surrogate") && failure.kind == Kind::NotJson => {}
            Err(failure) => panic!("{}: {failure:?}\n{}", sample.body, text(proposal)),
        }
    }
    all
}

//! A job, and its last run.

use jiff::Timestamp;
use maud::{Markup, html};

use super::address::Address;
use super::table::table;
use super::words::{NAME, TEXT, moment, quoted};
use crate::handoff::StateOfRun;
use crate::report::{count, counted, duration};
use crate::serve::standing::{JobStanding, RunStanding};
use crate::serve::verdict::Verdict;

/// Kinds of failures that are shown.
const KINDS: usize = 10;

/// What a verdict looks like: a mark, a word and a colour.
pub(super) fn mark(verdict: Verdict) -> Markup {
    let (class, sign, word) = match verdict {
        Verdict::Well => ("well", "✓", "well"),
        Verdict::Waiting => ("waiting", "…", "waiting"),
        Verdict::New => ("new", "○", "nothing yet"),
        Verdict::Ill => ("ill", "✗", "not well"),
    };
    html! { span class=(class) { span aria-hidden="true" { (sign) } " " (word) } }
}

pub(super) fn job(
    nth: usize,
    job: &JobStanding,
    verdict: Verdict,
    now: Timestamp,
    address: &Address,
) -> Markup {
    html! {
        article id=(format!("job-{nth}")) {
            h2 { (quoted(&job.name, NAME)) " " (mark(verdict)) }
            @if let Some(trouble) = &job.trouble { p class="trouble" { (quoted(trouble, TEXT)) } }
            dl {
                @match &job.last {
                    Some(run) => (last(run, now)),
                    None => div { dt { "Last run" } dd { "none yet" } },
                }
                (next(job, now))
            }
            @if let Some(run) = &job.last { (failures(run)) }
            @for served in &job.tables { (table(served, now, address)) }
        }
    }
}

fn last(run: &RunStanding, now: Timestamp) -> Markup {
    html! {
        div { dt { "Last run" } dd { (state_in_words(run.state)) } dd { code { (quoted(&run.id, NAME)) } } }
        div { dt { "Started" } dd { (moment(run.started_at, now)) } }
        @if let Some(took) = run.took { div { dt { "Took" } dd { (duration(took)) } } }
        div { dt { "Records" } dd { (count(run.records)) } }
        div { dt { "Rows" } dd { (run.rows.map_or_else(|| "none published".to_owned(), count)) } }
        @if let Some(report) = &run.report {
            div class="wide" { dt { "Report" } dd { code { (quoted(&report.display().to_string(), TEXT)) } } }
        }
    }
}

/// What became of a run, and what is to come.
fn state_in_words(state: StateOfRun) -> &'static str {
    match state {
        StateOfRun::Running => "running",
        StateOfRun::Published => "published",
        StateOfRun::Refused => "refused: the job's conditions kept it from the table",
        StateOfRun::Paused => "waiting: a quota is used up",
        StateOfRun::Interrupted => "waiting: a signal stopped it; the next run goes on",
        StateOfRun::Unfinished => "unfinished: not all of it was answered; the next run goes on",
        StateOfRun::Fetched => "fetched, not published yet",
        StateOfRun::Failed => "failed",
    }
}

fn next(job: &JobStanding, now: Timestamp) -> Markup {
    html! {
        div {
            dt { "Next run" }
            @match (job.running_since, job.next, &job.schedule) {
                (Some(since), _, _) => dd { "running, begun " (moment(since, now)) },
                (None, Some(next), _) if next < now => dd { "due " (moment(next, now)) },
                (None, Some(next), _) => dd { (moment(next, now)) },
                (None, None, Some(_)) => dd { "not planned" },
                (None, None, None) => dd { "when somebody runs it" },
            }
            @if let Some(schedule) = &job.schedule { dd { small { (quoted(schedule, NAME)) } } }
        }
    }
}

/// What failed in the run, by kind, each with an example.
fn failures(run: &RunStanding) -> Markup {
    if run.failures.is_empty() {
        return html! {};
    }
    let failed = run.failures.iter().fold(0, |sum: u64, (_, number, _)| sum.saturating_add(*number));
    let more = run.failures.len().saturating_sub(KINDS);
    html! {
        h3 { "Failed: " (counted(failed, "request")) " of its last run" }
        table {
            thead { tr { th scope="col" { "Kind" } th scope="col" { "Requests" } th scope="col" { "For example" } } }
            tbody {
                @for (kind, number, example) in run.failures.iter().take(KINDS) {
                    tr { td { (quoted(kind, NAME)) } td { (count(*number)) } td { (quoted(example, TEXT)) } }
                }
            }
        }
        @if more > 0 { p { "and " (counted(more as u64, "more kind")) } }
    }
}

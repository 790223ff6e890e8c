//! The lines that a person reads when a run has ended, from its summary: what became of the requests, what held them back, what
//! failed and what to do about it.
//!
//! About ten of them: where nothing is to be said there is no line, kinds beyond the first few are counted, and a hint stands
//! once.

use std::time::Duration;

use super::super::numbers::{count, counted, duration, size};
use super::super::stdout::{columns, shorten};
use crate::handoff::Summary;
use crate::handoff::summary::{EndpointOfSummary, FailuresOfKind, NullColumn};

/// Kinds of failures that are shown.
const KINDS: usize = 3;

/// Characters of what is said of an example.
const DETAIL: usize = 72;

/// Things that held the run back that are shown.
const HOLDS: usize = 2;

/// Share of the time of fetching below which what held it back is not worth a line.
const WORTH_A_LINE: f64 = 0.05;

/// Columns without a value that are shown.
const NULL_COLUMNS: usize = 3;

/// What became of the requests, by endpoint; nothing where all were answered.
pub(super) fn endpoints(summary: &Summary) -> Option<String> {
    let endpoints = summary.endpoints.as_deref().unwrap_or_default();
    let figures = |one: &EndpointOfSummary| [one.ok, one.missing, one.failed, one.not_asked, one.waiting];
    if endpoints.iter().all(|one| figures(one)[1..] == [0; 4]) {
        return None;
    }
    let header = ["endpoint", "ok", "missing", "failed", "not_asked", "waiting"].map(str::to_owned).to_vec();
    let line = |one: &EndpointOfSummary| {
        let figures = figures(one).map(count);
        std::iter::once(one.endpoint.clone()).chain(figures).collect::<Vec<_>>()
    };
    let lines: Vec<Vec<String>> = std::iter::once(header).chain(endpoints.iter().map(line)).collect();
    let mut table = Vec::new();
    columns(&mut table, &lines).ok()?;
    Some(String::from_utf8_lossy(&table).trim_end().to_owned())
}

/// What was sent, and how fast; nothing of a command that asked nothing.
pub(super) fn requests(summary: &Summary) -> Option<String> {
    let requests = summary.requests.as_ref().filter(|_| summary.phases.fetching.is_some())?;
    let mut parts = vec![counted(requests.sent, "request")];
    parts.extend((requests.repeats > 0).then(|| format!("{} of them again", count(requests.repeats))));
    parts.extend(requests.per_second.map(|rate| format!("{}/s", count(rate.round() as u64))));
    if let Some(latency) = &requests.latency {
        parts.push(format!("p50 {}, p95 {}", millis(latency.p50), millis(latency.p95)));
    }
    parts.push(size(requests.bytes));
    Some(format!("asked  {}", parts.join(", ")))
}

/// `62 ms`, `1.4 s`.
fn millis(millis: f64) -> String {
    match millis {
        ..1_000.0 => format!("{} ms", millis.round()),
        _ => duration(seconds(millis / 1e3)),
    }
}

fn seconds(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// What kept the requests from being sent faster, and how long.
pub(super) fn held_by(summary: &Summary) -> Option<String> {
    let least = (summary.phases.fetching? * WORTH_A_LINE).max(1.0);
    let worth = summary.holds.iter().filter(|held| held.seconds >= least).take(HOLDS);
    let held: Vec<String> =
        worth.map(|held| format!("{}, {}", held.text, duration(seconds(held.seconds)))).collect();
    (!held.is_empty()).then(|| format!("held   by {}", held.join("; by ")))
}

/// What failed, a line for each kind.
pub(super) fn failed(summary: &Summary) -> Vec<String> {
    let failures = summary.failures.as_deref().unwrap_or_default();
    let several = has_several_endpoints(summary);
    let mut lines: Vec<String> =
        failures.iter().take(KINDS).map(|failure| failed_line(failure, several)).collect();
    let more = &failures[lines.len()..];
    if !more.is_empty() {
        let of_them = more.iter().map(|failure| failure.count).sum();
        lines.push(format!("       and {} of {}", count(of_them), counted(more.len() as u64, "other kind")));
    }
    lines
}

fn failed_line(failure: &FailuresOfKind, several: bool) -> String {
    // What was not asked since another failed is one of these.
    let verb = if failure.status == "waiting" { "waits" } else { "failed" };
    let what = match failure.kind.as_str() {
        "rejected" => "rejected by the table".to_owned(),
        _ => label(failure, several),
    };
    let mut line = format!("{verb:<7}{} {what}", count(failure.count));
    if let Some(id) = &failure.example.id {
        line += &format!(", such as {id}");
    }
    let detail = failure.example.detail.as_deref().unwrap_or_default();
    let mut detail = detail.split_whitespace().collect::<Vec<_>>().join(" ");
    shorten(&mut detail, DETAIL);
    if detail.is_empty() { line } else { format!("{line}: {detail}") }
}

/// What to do about it, each once, with what it is for.
pub(super) fn advice(summary: &Summary) -> Vec<String> {
    let several = has_several_endpoints(summary);
    let mut once: Vec<(Vec<String>, &str)> = Vec::new();
    for failure in summary.failures.iter().flatten().take(KINDS) {
        let Some(advice) = &failure.advice else { continue };
        let label = label(failure, several);
        match once.iter_mut().find(|(_, text)| *text == advice.text) {
            Some((labels, _)) => labels.push(label),
            None => once.push((vec![label], &advice.text)),
        }
    }
    once.into_iter().map(|(labels, text)| format!("hint: {}: {text}", labels.join(", "))).collect()
}

/// `status 403 of shop`.
fn label(failure: &FailuresOfKind, several: bool) -> String {
    let mut label = failure.kind.clone();
    if let Some(status) = failure.http_status.filter(|_| failure.kind == "status") {
        label += &format!(" {status}");
    }
    if let Some(endpoint) = failure.endpoint.as_ref().filter(|_| several) {
        label += &format!(" of {endpoint}");
    }
    label
}

fn has_several_endpoints(summary: &Summary) -> bool {
    summary.endpoints.as_ref().is_some_and(|endpoints| endpoints.len() > 1)
}

/// Columns that have a value in no row.
pub(super) fn without_values(summary: &Summary) -> Vec<String> {
    let named = |null: &NullColumn| {
        let looked = null.looks_for.as_ref();
        let looked = looked.map_or_else(String::new, |looked| format!(": `{looked}` found nothing"));
        let meant = null.did_you_mean.as_ref();
        let meant = meant.map_or_else(String::new, |meant| format!(" (did you mean `{meant}`?)"));
        format!("empty  {} has a value in no row{looked}{meant}", null.column)
    };
    let mut lines: Vec<String> = summary.null_columns.iter().take(NULL_COLUMNS).map(named).collect();
    let more = summary.null_columns.len() - lines.len();
    if more > 0 {
        lines.push(format!("       and {}", counted(more as u64, "other column")));
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::handoff::StateOfRun;
    use crate::handoff::summary::{
        Advice, ExampleOfFailure, HeldFor, LatencyOfSummary, Phases, RequestsOfSummary,
    };

    fn failure(kind: &str, status: &str, count: u64, advice: &str) -> FailuresOfKind {
        FailuresOfKind {
            status: status.to_owned(),
            kind: kind.to_owned(),
            endpoint: Some("shop".to_owned()),
            http_status: (kind == "status").then_some(403),
            count,
            example: ExampleOfFailure { id: Some("tt7".into()), detail: Some("no\n  such  page".into()) },
            advice: Some(Advice { text: advice.to_owned(), command: None }),
        }
    }

    fn summary() -> Summary {
        Summary {
            phases: Phases { fetching: Some(100.0), ..Phases::default() },
            requests: Some(RequestsOfSummary {
                sent: 44_610,
                repeats: 2_265,
                bytes: 29_000_000,
                per_second: Some(231.6),
                latency: Some(LatencyOfSummary { p50: 62.4, p95: 1_410.0 }),
            }),
            ..Summary::of_command("run", StateOfRun::Published, 0)
        }
    }

    #[test]
    fn what_was_asked_is_one_line_and_none_where_nothing_was() {
        let told = "asked  44,610 requests, 2,265 of them again, 232/s, p50 62 ms, p95 1.4 s, 29.0 MB";
        assert_eq!(requests(&summary()).unwrap(), told);
        let merge = Summary { phases: Phases::default(), ..summary() };
        assert_eq!((requests(&merge), held_by(&merge)), (None, None));
    }

    #[test]
    fn what_held_it_long_enough_is_told() {
        let held = |text: &str, seconds| HeldFor { by: "x".into(), text: text.into(), times: 1, seconds };
        let holds = vec![held("a", 41.0), held("b", 30.0), held("c", 20.0), held("d", 4.9)];
        assert_eq!(held_by(&Summary { holds, ..summary() }).unwrap(), "held   by a, 41 s; by b, 30 s");
        assert_eq!(held_by(&Summary { holds: vec![held("d", 4.9)], ..summary() }), None);
    }

    #[test]
    fn kinds_are_few_and_advice_stands_once() {
        let failures = vec![
            failure("status", "failed", 1_200, "do this"),
            failure("timeout", "failed", 3, "do this"),
            failure("dependency", "not_asked", 2, "do that"),
            failure("reset", "failed", 1, "do that, too"),
            failure("dns", "failed", 1, "do that, too"),
        ];
        let summary = Summary { failures: Some(failures), ..summary() };
        let told = failed(&summary);
        assert_eq!(told[0], "failed 1,200 status 403, such as tt7: no such page");
        assert_eq!(told[2], "failed 2 dependency, such as tt7: no such page");
        assert_eq!(told[3], "       and 2 of 2 other kinds");
        assert_eq!(advice(&summary), ["hint: status 403, timeout: do this", "hint: dependency: do that"]);
    }

    #[test]
    fn endpoints_are_told_where_not_all_was_answered() {
        let endpoint = |name: &str, missing| EndpointOfSummary {
            endpoint: name.to_owned(),
            ok: 1_000 - missing,
            missing,
            ..EndpointOfSummary::default()
        };
        let told = |missing| {
            endpoints(&Summary {
                endpoints: Some(vec![endpoint("a", 0), endpoint("b", missing)]),
                ..summary()
            })
        };
        assert_eq!(told(0), None);
        assert!(told(3).unwrap().contains("b           997        3"), "{:?}", told(3));
    }
}

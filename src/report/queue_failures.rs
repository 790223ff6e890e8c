//! What has failed of a queue: jobs that have failed for good, and those that rest, by kind with an example each, or one by one.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Serialize;

use super::numbers::rfc3339;
use super::table::Objects;
use crate::handoff::store::now_micros;
use crate::merge::{AnswerColumn, DeadJob, QueryResult, RestingJob};
use crate::runner::FailedJobs;

/// Ids that stand in a line of the table.
const IDS_SHOWN: usize = 5;

/// What programs are told.
#[derive(Debug, Serialize)]
pub struct QueueFailures<'a> {
    version: u32,
    job: &'a str,
    queue: &'a str,
    dead: u64,
    resting: u64,
    failures: Objects<'a>,
}

impl<'a> QueueFailures<'a> {
    /// Of what was found.
    pub fn of(
        job: &'a str,
        queue: &'a str,
        failed: &FailedJobs,
        shown: &'a QueryResult,
    ) -> QueueFailures<'a> {
        let (dead, resting) = (failed.dead.len() as u64, failed.resting.len() as u64);
        QueueFailures { version: 1, job, queue, dead, resting, failures: Objects(shown) }
    }
}

/// A job that has failed, dead or resting.
struct FailedJob<'a> {
    state: &'static str,
    id: &'a str,
    kind: &'a str,
    attempts: u32,
    /// When it died, or its rest ends.
    at: String,
    run: Option<&'a str>,
    detail: &'a str,
}

impl<'a> FailedJob<'a> {
    fn dead(job: &'a DeadJob) -> FailedJob<'a> {
        FailedJob {
            state: "dead",
            id: &job.key,
            kind: &job.kind,
            attempts: job.attempts,
            at: moment(-job.seconds_ago),
            run: Some(&job.run),
            detail: &job.detail,
        }
    }

    fn resting(job: &'a RestingJob) -> FailedJob<'a> {
        FailedJob {
            state: "resting",
            id: &job.key,
            // One that was never asked waits for what holds all.
            kind: if job.kind.is_empty() { "waiting" } else { &job.kind },
            attempts: job.attempts,
            at: moment(job.seconds_left),
            run: None,
            detail: &job.detail,
        }
    }
}

/// That many seconds from now, to the second (RFC 3339, UTC).
fn moment(seconds: f64) -> String {
    let micros = Duration::try_from_secs_f64(seconds.abs()).map_or(0, |time| time.as_micros() as i64);
    let moment = now_micros() + if seconds < 0.0 { -micros } else { micros };
    rfc3339(moment - moment.rem_euclid(1_000_000))
}

fn all(failed: &FailedJobs) -> impl Iterator<Item = FailedJob<'_>> {
    failed.dead.iter().map(FailedJob::dead).chain(failed.resting.iter().map(FailedJob::resting))
}

fn columns(names: &[(&str, &str)]) -> Vec<AnswerColumn> {
    names.iter().map(|(name, ty)| AnswerColumn { name: (*name).to_owned(), ty: (*ty).to_owned() }).collect()
}

/// A row for each kind, the dead before those that rest, the most frequent first.
pub fn by_kind(failed: &FailedJobs, all_ids: bool) -> QueryResult {
    let mut groups: BTreeMap<(&str, &str), Vec<FailedJob<'_>>> = BTreeMap::new();
    for job in all(failed) {
        groups.entry((job.state, job.kind)).or_default().push(job);
    }
    let mut groups: Vec<_> = groups.into_iter().collect();
    groups.sort_by_key(|((state, kind), jobs)| (*state, std::cmp::Reverse(jobs.len()), *kind));
    let row = |((state, kind), jobs): ((&str, &str), Vec<FailedJob<'_>>)| {
        // The newest of the dead, the first whose rest ends.
        let example = jobs.first();
        vec![
            Some(state.to_owned()),
            Some(kind.to_owned()),
            Some(jobs.len().to_string()),
            example.map(|job| job.at.clone()),
            Some(ids(&jobs, all_ids)),
            example.map(|job| job.detail.to_owned()).filter(|detail| !detail.is_empty()),
        ]
    };
    QueryResult {
        columns: columns(&[
            ("state", "VARCHAR"),
            ("kind", "VARCHAR"),
            ("jobs", "BIGINT"),
            ("at", "VARCHAR"),
            ("ids", if all_ids { "VARCHAR[]" } else { "VARCHAR" }),
            ("example", "VARCHAR"),
        ]),
        rows: groups.into_iter().map(row).collect(),
        truncated: false,
    }
}

/// For people the first few, for programs all as JSON.
fn ids(jobs: &[FailedJob<'_>], all_ids: bool) -> String {
    if all_ids {
        let ids: Vec<&str> = jobs.iter().map(|job| job.id).collect();
        return serde_json::to_string(&ids).unwrap_or_default();
    }
    let shown: Vec<&str> = jobs.iter().take(IDS_SHOWN).map(|job| job.id).collect();
    match jobs.len().saturating_sub(IDS_SHOWN) {
        0 => shown.join(", "),
        more => format!("{}, … {more} more", shown.join(", ")),
    }
}

/// A row for each job.
pub fn one_by_one(failed: &FailedJobs) -> QueryResult {
    let row = |job: FailedJob<'_>| {
        vec![
            Some(job.id.to_owned()),
            Some(job.state.to_owned()),
            Some(job.kind.to_owned()),
            Some(job.attempts.to_string()),
            Some(job.at),
            job.run.map(str::to_owned),
            Some(job.detail.to_owned()).filter(|detail| !detail.is_empty()),
        ]
    };
    QueryResult {
        columns: columns(&[
            ("id", "VARCHAR"),
            ("state", "VARCHAR"),
            ("kind", "VARCHAR"),
            ("attempts", "BIGINT"),
            ("at", "VARCHAR"),
            ("run", "VARCHAR"),
            ("detail", "VARCHAR"),
        ]),
        rows: all(failed).map(row).collect(),
        truncated: false,
    }
}

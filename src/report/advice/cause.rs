//! What a run's failures come from, each cause with its advice.

use std::collections::HashMap;

use super::super::failures;
use super::command::Commands;
use super::subject::Subject;
use super::text::Advice;
use crate::handoff::{Plan, RunStore};
use crate::job::Job;
use crate::merge::{self, MergeError};
use crate::record::Kind;

/// Failures that one thing mends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cause {
    /// Of this endpoint.
    pub endpoint: String,
    /// Their kind.
    pub kind: Kind,
    /// The HTTP status, where there was an answer.
    pub http_status: Option<u16>,
    /// How many.
    pub requests: u64,
    /// The id of the first of them.
    pub id: String,
    /// What is said of it.
    pub detail: String,
    /// What to do.
    pub advice: Advice,
}

/// The causes of a run's failures, the most frequent first.
///
/// # Errors
/// The run's files cannot be read.
pub async fn causes(
    run: &RunStore,
    plan: &Plan,
    job: &Job,
    commands: &Commands,
) -> Result<Vec<Cause>, MergeError> {
    let found = merge::query(run, Some(job), &failures::causes(plan), None).await?;
    let found: Vec<Row> = found.rows.into_iter().filter_map(Row::read).collect();
    let mut together: HashMap<(String, Kind, Option<u16>), u64> = HashMap::new();
    for row in &found {
        *together.entry(row.group()).or_default() += row.requests;
    }
    let cause = |row: Row| {
        let is_all = row.asked > 0 && together.get(&row.group()) == Some(&row.asked);
        row.cause(job, commands, is_all)
    };
    Ok(found.into_iter().map(cause).collect())
}

/// The advice for all of them, each once, with the kinds and endpoints that it is for: `status 404 of shop`.
pub fn each_once(causes: &[Cause], job: &Job) -> Vec<(String, Advice)> {
    let mut once: Vec<(String, Advice)> = Vec::new();
    for cause in causes {
        let status = cause.http_status.filter(|_| cause.kind == Kind::Status);
        let mut label = cause.kind.word().to_owned();
        label.extend(status.map(|status| format!(" {status}")));
        if job.endpoints.len() > 1 {
            label += &format!(" of {}", cause.endpoint);
        }
        match once.iter_mut().find(|(_, advice)| *advice == cause.advice) {
            Some((labels, _)) if labels.split(", ").any(|known| known == label) => {}
            Some((labels, _)) => *labels += &format!(", {label}"),
            None => once.push((label, cause.advice.clone())),
        }
    }
    once
}

/// A row of the query.
struct Row {
    endpoint: String,
    kind: Kind,
    http_status: Option<u16>,
    requests: u64,
    id: String,
    details: Vec<String>,
    /// Pairs of the endpoint that were asked.
    asked: u64,
}

impl Row {
    /// `None` where a newer windrow knows more kinds.
    fn read(row: Vec<Option<String>>) -> Option<Row> {
        let mut cells = row.into_iter();
        let mut next = || cells.next().flatten();
        let endpoint = next()?;
        let word = next()?;
        let kind = Kind::ALL.into_iter().find(|kind| kind.word() == word)?;
        let http_status = next().and_then(|status| status.parse().ok());
        let requests = next()?.parse().ok()?;
        let (id, detail) = (next().unwrap_or_default(), next().unwrap_or_default());
        let others: Vec<String> =
            next().and_then(|json| serde_json::from_str(&json).ok()).unwrap_or_default();
        let asked = next().and_then(|asked| asked.parse().ok()).unwrap_or_default();
        let others = others.into_iter().filter(|other| *other != detail).collect::<Vec<_>>();
        let details = std::iter::once(detail).chain(others).collect();
        Some(Row { endpoint, kind, http_status, requests, id, details, asked })
    }

    fn group(&self) -> (String, Kind, Option<u16>) {
        (self.endpoint.clone(), self.kind, self.http_status)
    }

    fn cause(self, job: &Job, commands: &Commands, is_all: bool) -> Cause {
        let subject = Subject {
            kind: self.kind,
            status: self.http_status,
            details: &self.details,
            id: Some(&self.id),
            endpoint: job.endpoint(&self.endpoint).map(|(_, endpoint)| endpoint),
            is_all,
        };
        let advice = Advice::of(&subject, commands);
        let Row { endpoint, kind, http_status, requests, id, mut details, .. } = self;
        let detail = details.swap_remove(0);
        Cause { endpoint, kind, http_status, requests, id, detail, advice }
    }
}

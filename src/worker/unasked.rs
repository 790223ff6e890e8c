//! Pairs that are settled without a request of their own.

use std::ops::Range;

use super::pair::{RecordState, Settled};
use super::recipe::Recipe;
use crate::fetch::Values;
use crate::handoff::ledger::Line;
use crate::record::{Failure, Kind, Ordinal, Rows, Status};
use crate::value::Value;

/// Why nothing new is asked any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Drain {
    /// A person or the system said so.
    Interrupted,
    /// The limit on requests is used up.
    MaxRequests,
    /// A quota is used up; when it renews, in seconds since 1970.
    Quota(u64),
    /// Nothing succeeds; an example.
    GaveUp(String),
    /// The job's secrets are refused; which, and by whom.
    Refused(String),
}

/// What becomes of a pair without asking, if that is known: it crashed before, what it depends on did not succeed or gave
/// no value, or its `when` says no.
pub(super) fn settled_unasked(
    record: &RecordState,
    block: &Range<Ordinal>,
    endpoint: usize,
    recipe: &Recipe,
) -> Option<Settled> {
    let step = &recipe.steps[endpoint];
    let ordinal = record.input.ordinal;
    if recipe.has_crashed(block, ordinal, endpoint) {
        let why = "working on its answer ended the process more than once";
        let failure = Failure::lasting(Kind::Crashed, why);
        return Some(unasked(record, endpoint, Status::Failed, Some(failure)));
    }
    let failed =
        |&&other: &&usize| record.pairs[other].as_ref().is_some_and(|settled| settled.rows.is_none());
    if let Some(&other) = step.after.iter().find(failed) {
        let failure =
            Failure::passing(Kind::Dependency, format!("{} did not succeed", recipe.steps[other].name));
        return Some(unasked(record, endpoint, Status::NotAsked, Some(failure)));
    }
    let values = recipe.values(record);
    match step.when.as_ref().map(|when| when.holds(&values, &recipe.work_on(ordinal, endpoint))) {
        Some(Ok(false)) => {
            let mut settled = unasked(record, endpoint, Status::NotAsked, None);
            settled.line.rows = 1;
            settled.rows = Some(Rows::null(step.columns));
            return Some(settled);
        }
        Some(Err(failure)) => return Some(unasked(record, endpoint, Status::Failed, Some(failure))),
        Some(Ok(true)) | None => {}
    }
    let is_null = |value: Option<&Value>| matches!(value, None | Some(Value::Null));
    if step.needs.iter().any(|&(other, column)| is_null(values.answer(other, column))) {
        let mut settled = unasked(record, endpoint, Status::Missing, None);
        let rows = step.missing_rows();
        settled.line.rows = rows.count;
        settled.rows = Some(rows);
        return Some(settled);
    }
    None
}

/// What becomes of a pair that is left to a later round.
pub(super) fn waiting(record: &RecordState, endpoint: usize, why: &Drain) -> Settled {
    let failure = match why {
        Drain::MaxRequests => Failure::passing(Kind::MaxRequests, "the limit on requests was used up"),
        Drain::Quota(_) => Failure::passing(Kind::Quota, "the quota was used up before it was asked"),
        Drain::Interrupted => Failure::passing(Kind::Interrupted, "interrupted before it was asked"),
        Drain::Refused(_) => Failure::passing(Kind::Interrupted, "a secret was refused before it was asked"),
        Drain::GaveUp(_) => Failure::passing(Kind::Interrupted, "the shard gave up before it was asked"),
    };
    unasked(record, endpoint, Status::Waiting, Some(failure))
}

/// A pair that was settled without a request.
pub(super) fn unasked(
    record: &RecordState,
    endpoint: usize,
    status: Status,
    failure: Option<Failure>,
) -> Settled {
    let line = Line {
        ordinal: record.input.ordinal,
        endpoint,
        status,
        failure,
        http_status: None,
        attempts: 0,
        requests: 0,
        pages: 0,
        rows: 0,
        bytes: 0,
        started_at: None,
        finished_at: None,
        batch: None,
        host: None,
    };
    Settled { line, rows: None, kept: Vec::new(), refused: None }
}

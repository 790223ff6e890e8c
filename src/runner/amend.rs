//! A job file that makes columns otherwise than the one that a run was planned from, taken up by that run.
//!
//! Promise: the rows of a run have one meaning. A change is taken up only where every record that has succeeded would have the
//! same values by it, so that it bears on nothing but what failed or is not asked yet; whatever else changed is no run to
//! go on with.

use super::{LiveRun, Milestone, RunnerError, Watcher};
use crate::extract::{Amended, amended};
use crate::handoff::store::now_micros;
use crate::handoff::{Amendment, Plan, RunStore, VERSION};
use crate::job::Job;
use crate::plan;
use crate::worker::WorkerError;

/// What a job file says otherwise by now.
pub(super) enum Change {
    /// Nothing that bears on questions and columns.
    None,
    /// How columns are made, and no record that has succeeded would have another value: what, in clauses.
    Mends(Vec<String>),
    /// Something else is asked, or a record that has succeeded may have another value: how, in clauses.
    Other(Vec<String>),
}

/// What of the job of a run, as it was planned or last taken up, is otherwise `now`.
pub(super) async fn change(
    run: &RunStore,
    plan: &Plan,
    then: &Job,
    now: &Job,
) -> Result<Change, RunnerError> {
    let columns = match now.columns_amended_since(then) {
        Ok(columns) => columns,
        Err(others) => return Ok(Change::Other(others)),
    };
    let mut others = Vec::new();
    for at in columns {
        others.extend(other_values(run, plan, then, now, at).await?);
    }
    let changes = now.changes_since(then);
    Ok(match (others.is_empty(), changes.is_empty()) {
        (false, _) => Change::Other(others),
        (true, true) => Change::None,
        (true, false) => Change::Mends(changes),
    })
}

/// Why records that have succeeded may have another value in a column; `None` where they have the same.
async fn other_values(
    run: &RunStore,
    plan: &Plan,
    then: &Job,
    now: &Job,
    (endpoint, column): (usize, usize),
) -> Result<Option<String>, RunnerError> {
    let [before, after] = [then, now].map(|job| &job.endpoints[endpoint].columns[column]);
    let amended = amended(before, after).map_err(|error| WorkerError::Job(error.to_string()))?;
    Ok(match amended {
        Amended::Same => None,
        Amended::SameBut(values) => {
            let found = plan::has_value(run, plan, endpoint, column, Some(&values)).await?;
            found.map(|value| {
                format!("column {}: nulls: records that succeeded have {value} there", after.name)
            })
        }
        Amended::Other(key, why) => Some(format!("column {}: {key}: {why}", after.name)),
        Amended::SameWhereNull(key) => {
            let found = plan::has_value(run, plan, endpoint, column, None).await?;
            found.map(|value| {
                let name = &after.name;
                format!("column {name}: {key}: records that succeeded have values there ({value}), and might have others now")
            })
        }
    })
}

/// Takes a job file up, for all that is yet to be asked or made of the run.
pub(super) async fn take_up(
    run: &LiveRun,
    job: &Job,
    changes: &[String],
    watcher: &mut dyn Watcher,
) -> Result<(), RunnerError> {
    let number = run.store.last_amendment().await?.map_or(1, |last| last.number + 1);
    let rounds = run.store.rounds().await?.len() as u32;
    let job_text = job.text.clone();
    let amendment = Amendment { version: VERSION, number, at: now_micros(), rounds, job: job_text };
    run.store.put_amendment(&amendment).await?;
    watcher.reached(Milestone::TakenUp { run, changes });
    Ok(())
}

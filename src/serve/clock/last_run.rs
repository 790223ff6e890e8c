//! How the runs of a job stand, from their files.
//!
//! Promise: what takes long, reading what failed, is done once for each end of a run, however often this is asked.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use jiff::{SignedDuration, Timestamp};

use super::super::standing::RunStanding;
use crate::handoff::lock::run_is_locked;
use crate::handoff::{Plan, RunStore, StateOfRun, layout, runs};
use crate::job::Job;
use crate::merge;
use crate::report::{failures, waiting};
use crate::runner::{RunState, RunnerError, planned_job};

/// By how much a run may have begun in the future. One that did so by more is passed over: a clock was wrong then, or is now.
const AHEAD: SignedDuration = SignedDuration::from_secs(60);

/// The newest runs of a job.
#[derive(Debug, Clone, Default)]
pub struct LastRuns {
    /// Since when a process is at one.
    pub running_since: Option<Timestamp>,
    /// The newest that nobody is at.
    pub last: Option<LastRun>,
}

/// A run that nobody is at.
#[derive(Debug, Clone)]
pub struct LastRun {
    /// How it stands.
    pub standing: RunStanding,
    /// When it was published or refused.
    pub settled_at: Option<Timestamp>,
    /// When the quota renews that it waits for, as far as that is known.
    pub renews_at: Option<Timestamp>,
}

/// Reads the runs of a job, and remembers what it has read.
#[derive(Debug)]
pub struct RunReader {
    root: PathBuf,
    job: String,
    /// Plans never change.
    plans: BTreeMap<PathBuf, Option<Plan>>,
    /// The run that was read last, when its outcome was written, and what was read.
    read: Option<(PathBuf, Option<SystemTime>, Option<LastRun>)>,
}

impl RunReader {
    /// Of the runs of a job under that root.
    pub fn new(root: PathBuf, job: &str) -> RunReader {
        RunReader { root, job: job.to_owned(), plans: BTreeMap::new(), read: None }
    }

    /// How they stand. Trials are passed over, what was only planned, and what cannot be read.
    pub async fn look(&mut self, now: Timestamp) -> LastRuns {
        let folders = runs::runs_of(&self.root, &self.job);
        self.plans.retain(|folder, _| folders.contains(folder));
        let mut running_since = None;
        for folder in folders {
            let Some((created_at, is_trial)) = self.plan(&folder).await else { continue };
            if is_trial || created_at.duration_since(now) > AHEAD {
                continue;
            }
            if run_is_locked(&folder) {
                running_since = running_since.or(Some(created_at));
                self.forget();
                continue;
            }
            if let Some(last) = self.last(&folder).await {
                return LastRuns { running_since, last: Some(last) };
            }
        }
        LastRuns { running_since, last: None }
    }

    /// Reads the newest run anew next time: somebody is at it, or was.
    pub fn forget(&mut self) {
        self.read = None;
    }

    /// When a run was planned, and whether it is a trial.
    async fn plan(&mut self, folder: &Path) -> Option<(Timestamp, bool)> {
        if !self.plans.contains_key(folder) {
            let plan = match RunStore::open(folder).await {
                Ok(run) => run.plan().await.ok(),
                Err(_) => None,
            };
            self.plans.insert(folder.to_owned(), plan);
        }
        let plan = self.plans.get(folder)?.as_ref()?;
        Some((Timestamp::from_microsecond(plan.created_at).ok()?, plan.trial))
    }

    async fn last(&mut self, folder: &Path) -> Option<LastRun> {
        let written = std::fs::metadata(folder.join(layout::OUTCOME)).and_then(|facts| facts.modified()).ok();
        let summed = std::fs::metadata(folder.join(layout::SUMMARY)).and_then(|facts| facts.modified()).ok();
        let changed = written.max(summed);
        if let Some((known, then, last)) = &self.read
            && known == folder
            && *then == changed
        {
            return last.clone();
        }
        let last = read_aside(folder.to_owned()).await;
        self.read = Some((folder.to_owned(), changed, last.clone()));
        last
    }
}

/// Reads a run on a thread of its own: the one that serves has others to see to.
async fn read_aside(folder: PathBuf) -> Option<LastRun> {
    let read = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
        runtime.block_on(read(&folder)).ok().flatten()
    };
    tokio::task::spawn_blocking(read).await.ok().flatten()
}

/// Reads a run; nothing of one that was only planned.
async fn read(folder: &Path) -> Result<Option<LastRun>, RunnerError> {
    let run = RunStore::open(folder).await?;
    let state = RunState::read(&run).await?;
    let is_begun = state.outcome.is_some() || state.last_at().is_some();
    if !is_begun {
        return Ok(None);
    }
    let standing = state.standing(&run).await?;
    let word = state.state(&standing);
    let job = planned_job(&run, &state.plan).await?;
    let renews_at = match word {
        StateOfRun::Paused => waiting::held_now(&job).and_then(|held| i64::try_from(held.until).ok()),
        _ => None,
    };
    let started_at = Timestamp::from_microsecond(state.plan.created_at).unwrap_or_default();
    let took = state.last_at().map(|last| last.saturating_sub(state.plan.created_at).max(0));
    let rejected = state.outcome.as_ref().is_some_and(|outcome| !outcome.rejected.is_empty());
    let has_failures = standing.failed > 0 || standing.not_asked > 0 || rejected;
    let settled_at = state.outcome.as_ref().and_then(|outcome| Timestamp::from_microsecond(outcome.at).ok());
    Ok(Some(LastRun {
        standing: RunStanding {
            id: state.plan.run.clone(),
            state: word,
            started_at,
            took: took.map(|micros| Duration::from_micros(micros as u64)),
            records: state.plan.records,
            rows: state.outcome.as_ref().filter(|outcome| outcome.published).map(|outcome| outcome.rows),
            failures: if has_failures { by_kind(&run, &state.plan, &job).await? } else { Vec::new() },
            report: None,
        },
        settled_at,
        renews_at: renews_at.and_then(|second| Timestamp::from_second(second).ok()),
    }))
}

/// What failed, by HTTP status or kind, the most frequent first.
async fn by_kind(run: &RunStore, plan: &Plan, job: &Job) -> Result<Vec<(String, u64, String)>, RunnerError> {
    let found = merge::query(run, Some(job), &failures::by_kind(plan), None).await?;
    let mut kinds: Vec<(String, u64, String)> = Vec::new();
    for row in found.rows {
        let Ok([_, _, kind, status, number, _, example]) = <[Option<String>; 7]>::try_from(row) else {
            continue;
        };
        let name = status.or(kind).unwrap_or_default();
        let number = number.and_then(|number| number.parse().ok()).unwrap_or_default();
        match kinds.iter_mut().find(|(known, ..)| *known == name) {
            Some(known) => known.1 += number,
            None => kinds.push((name, number, example.unwrap_or_default())),
        }
    }
    kinds.sort_by_key(|(_, number, _)| std::cmp::Reverse(*number));
    Ok(kinds)
}

//! How a run stands, as a value that people and programs are shown alike.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::numbers::{count, counted, rfc3339};
use super::super::waiting::{self, HeldBy};
use crate::handoff::store::now_micros;
use crate::handoff::{Outcome, Round, RunStore};
use crate::job::StateOfRun;
use crate::record::{Kind, Status};
use crate::runner::{RunState, RunnerError, ShardState, Standing, planned_job};

/// A run, in a line.
#[derive(Debug, Serialize)]
pub(super) struct RunFacts {
    pub job: String,
    pub run: String,
    /// Whether it is a trial of a few records.
    pub trial: bool,
    pub state: StateOfRun,
    /// Why it is no further; null where nothing is to be said.
    pub reason: Option<String>,
    /// When it was planned (RFC 3339, UTC).
    pub started_at: String,
    /// When it ended, or the last block was committed; null where neither was.
    pub last_at: Option<String>,
    /// Seconds between both, of a running one until now.
    pub seconds: Option<f64>,
    pub records: u64,
    /// Rows that were published; null where none were.
    pub rows: Option<u64>,
    /// Records that the table refused.
    pub rejected: u64,
    /// Requests that failed, of all endpoints.
    pub failed: u64,
    /// Those that only wait.
    pub waiting: u64,
    /// For what.
    pub waiting_by_kind: BTreeMap<&'static str, u64>,
    /// Those that are not asked, since what they depend on failed, or their `when` says no.
    pub not_asked: u64,
    pub shards_total: u64,
    pub shards_complete: u64,
    pub folder: String,
}

/// A shard of a round, in a line.
#[derive(Debug, Serialize)]
pub(super) struct ShardFacts {
    pub round: u32,
    pub shard: u32,
    pub records: u64,
    pub blocks: u64,
    pub blocks_committed: u64,
    pub ok: u64,
    pub missing: u64,
    pub failed: u64,
    pub waiting: u64,
    pub not_asked: u64,
    pub requests: u64,
    /// When its first block was committed; null where none was.
    pub first_at: Option<String>,
    /// When its last one was.
    pub last_at: Option<String>,
    pub complete: bool,
}

impl RunFacts {
    /// Of a run that was read.
    pub async fn of(run: &RunStore, state: &RunState) -> Result<RunFacts, RunnerError> {
        let standing = state.standing(run).await?;
        let held = match standing.waiting.contains_key(&Kind::Quota) && state.outcome.is_none() {
            true => waiting::held_now(&planned_job(run, &state.plan).await?),
            false => None,
        };
        let plan = &state.plan;
        let word = state.state(&standing);
        let end = state.last_at().filter(|_| word != StateOfRun::Running);
        let until = if word == StateOfRun::Running { Some(now_micros()) } else { end };
        let shards = || state.rounds.iter().flat_map(|(_, shards)| shards);
        let published = state.outcome.as_ref().filter(|outcome| outcome.published);
        Ok(RunFacts {
            job: plan.job.clone(),
            run: plan.run.clone(),
            trial: plan.trial,
            state: word,
            reason: reason(state, word, &standing, held.as_ref()),
            started_at: rfc3339(plan.created_at),
            last_at: state.last_at().map(rfc3339),
            seconds: until.map(|until| until.saturating_sub(plan.created_at).max(0) as f64 / 1e6),
            records: plan.records,
            rows: published.map(|outcome| outcome.rows),
            rejected: published.map_or(0, |outcome| outcome.rejected.len() as u64),
            failed: standing.failed,
            waiting: standing.all_waiting(),
            waiting_by_kind: standing.waiting.iter().map(|(kind, number)| (kind.word(), *number)).collect(),
            not_asked: standing.not_asked,
            shards_total: shards().count() as u64,
            shards_complete: shards().filter(|shard| shard.is_committed()).count() as u64,
            folder: run.folder().display().to_string(),
        })
    }

    /// The state with its reason: `paused: the quota of shop is used up until 2026-11-30 00:00 UTC`.
    pub fn state_in_words(&self) -> String {
        let trial = if self.trial { " (trial)" } else { "" };
        match &self.reason {
            Some(reason) => format!("{}{trial}: {reason}", self.state),
            None => format!("{}{trial}", self.state),
        }
    }
}

/// Why a run is no further.
fn reason(state: &RunState, word: StateOfRun, standing: &Standing, held: Option<&HeldBy>) -> Option<String> {
    let rounds = state.rounds.len() as u32;
    let blocks =
        state.rounds.iter().flat_map(|(_, shards)| shards).map(|shard| shard.committed).sum::<usize>();
    match (word, &state.outcome) {
        (StateOfRun::Refused, Some(outcome)) => outcome.refused.as_deref().map(in_one_line),
        (StateOfRun::Published, Some(Outcome { rounds: published, .. })) if rounds > *published => {
            Some("asked again since: `windrow merge` publishes what is new".to_owned())
        }
        (StateOfRun::Paused, _) => Some(waiting::reasons(&standing.waiting, held)),
        (StateOfRun::Unfinished, _) if blocks == 0 => Some("nothing is asked yet".to_owned()),
        (StateOfRun::Unfinished, _) => Some(unfinished(state, standing)),
        (StateOfRun::Fetched, _) => Some("not published yet".to_owned()),
        _ => None,
    }
}

fn unfinished(state: &RunState, standing: &Standing) -> String {
    let shards = || state.rounds.iter().flat_map(|(_, shards)| shards);
    let open = shards().filter(|shard| !shard.is_committed()).count() as u64;
    let is_told = standing.waiting.keys().any(|kind| *kind != Kind::Interrupted);
    if is_told || open == 0 {
        return waiting::reasons(&standing.waiting, None);
    }
    format!("{} of {} not complete", count(open), counted(shards().count() as u64, "shard"))
}

/// The lines of a gate's refusal as one.
fn in_one_line(text: &str) -> String {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("; ")
}

impl ShardFacts {
    /// Of a round's shard.
    pub fn of(round: &Round, shard: &ShardState) -> ShardFacts {
        let of = |status| shard.tally.count(status);
        ShardFacts {
            round: round.number,
            shard: shard.number,
            records: shard.records,
            blocks: shard.blocks as u64,
            blocks_committed: shard.committed as u64,
            ok: of(Status::Ok),
            missing: of(Status::Missing),
            failed: of(Status::Failed),
            waiting: of(Status::Waiting),
            not_asked: of(Status::NotAsked),
            requests: shard.tally.requests,
            first_at: shard.committed_at.map(|(first, _)| rfc3339(first)),
            last_at: shard.committed_at.map(|(_, last)| rfc3339(last)),
            complete: shard.is_committed(),
        }
    }
}

/// What a program is told of one run.
#[derive(Debug, Serialize)]
pub(super) struct OneRun<'a> {
    pub version: u32,
    #[serde(flatten)]
    pub run: &'a RunFacts,
    /// Where it is published, as the job names it; null where it is not.
    pub destination: Option<Destination<'a>>,
    /// Its shards, round by round.
    pub shards: &'a [ShardFacts],
}

/// Where a run is published.
#[derive(Debug, Serialize)]
pub(super) struct Destination<'a> {
    pub to: &'a str,
    pub table: &'a str,
}

/// What a program is told of all runs.
#[derive(Debug, Serialize)]
pub(super) struct AllRuns<'a> {
    pub version: u32,
    pub runs: &'a [RunFacts],
}

//! The runs and their shards, derived from files and locks.

use std::collections::BTreeMap;

use crate::handoff::lock::run_is_locked;
use crate::handoff::{HandoffError, Outcome, Plan, Round, RunStore, Tally};

/// How one run stands.
#[derive(Debug)]
pub struct RunState {
    /// Its plan.
    pub plan: Plan,
    /// How it ended, if it did.
    pub outcome: Option<Outcome>,
    /// Whether a living process works on it.
    pub is_locked: bool,
    /// Its shards, round by round.
    pub rounds: Vec<(Round, Vec<ShardState>)>,
}

/// How one shard stands.
#[derive(Debug)]
pub struct ShardState {
    /// Its number.
    pub number: u32,
    /// Its records.
    pub records: u64,
    /// Its blocks.
    pub blocks: usize,
    /// Committed ones of them.
    pub committed: usize,
    /// What became of the pairs of the committed blocks, all endpoints together.
    pub tally: Tally,
}

impl ShardState {
    /// Whether every block is committed.
    pub fn is_committed(&self) -> bool {
        self.committed == self.blocks
    }
}

impl RunState {
    /// Reads a run.
    pub async fn read(run: &RunStore) -> Result<RunState, HandoffError> {
        let mut rounds = Vec::new();
        for round in run.rounds().await? {
            let shards = shard_states(run, &round).await?;
            rounds.push((round, shards));
        }
        Ok(RunState {
            plan: run.plan().await?,
            outcome: run.outcome().await?,
            is_locked: run_is_locked(run.folder()),
            rounds,
        })
    }

    /// One word for the whole run.
    pub fn word(&self) -> &'static str {
        let whole = self.rounds.iter().flat_map(|(_, shards)| shards).all(ShardState::is_committed);
        match &self.outcome {
            _ if self.is_locked => "running",
            Some(outcome) if outcome.published => "published",
            Some(_) => "refused",
            None if whole => "fetched",
            None => "unfinished",
        }
    }

    /// Pairs without success as things stand: each round after the first asked again what one before it left.
    pub fn failed(&self) -> u64 {
        let shards = |round: &(Round, Vec<ShardState>), of: fn(&Tally) -> u64| -> u64 {
            round.1.iter().map(|shard| of(&shard.tally)).sum()
        };
        let failed: u64 = self.rounds.iter().map(|round| shards(round, failed_pairs)).sum();
        let asked_again: u64 = self.rounds.iter().skip(1).map(|round| shards(round, pairs)).sum();
        failed.saturating_sub(asked_again)
    }
}

/// Pairs of committed blocks.
fn pairs(tally: &Tally) -> u64 {
    tally.statuses.values().sum()
}

/// Pairs without success: one that its `when` left out has no kind.
fn failed_pairs(tally: &Tally) -> u64 {
    tally.kinds.values().sum()
}

/// How the shards of a round stand.
pub async fn shard_states(run: &RunStore, round: &Round) -> Result<Vec<ShardState>, HandoffError> {
    let mut states = Vec::new();
    for shard in &round.shards {
        let commits = run.commits(shard.number).await?;
        let mut tally = Tally::default();
        commits.values().flat_map(|commit| commit.tally.values()).for_each(|part| tally.add(part));
        states.push(ShardState {
            number: shard.number,
            records: shard.records(),
            blocks: shard.blocks.len(),
            committed: commits.len(),
            tally,
        });
    }
    Ok(states)
}

/// What became of the pairs of a round by endpoint.
pub async fn tallies(run: &RunStore, round: &Round) -> Result<BTreeMap<String, Tally>, HandoffError> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for shard in &round.shards {
        for commit in run.commits(shard.number).await?.into_values() {
            for (endpoint, tally) in &commit.tally {
                tallies.entry(endpoint.clone()).or_default().add(tally);
            }
        }
    }
    Ok(tallies)
}

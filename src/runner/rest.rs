//! What is left of a run that is not finished, as `plan` tells it and `run` prices it. A run that has just been planned is
//! one of which all is left.

use super::state::{ShardState, shard_states};
use super::{LiveRun, RunnerError};
use crate::budget::{quota_now, state_folder};
use crate::chunk;
use crate::handoff::store::now_micros;
use crate::handoff::{Block, PlannedEndpoint, Round, layout};
use crate::job::Job;
use crate::merge;
use crate::plan::price::{Frozen, Price};
use crate::record::Status;
use crate::worker::WorkerError;

/// The last round of a run, and what is left of it.
pub struct Rest {
    /// The last round.
    pub round: Round,
    /// How its shards stand.
    pub states: Vec<ShardState>,
    /// Blocks that are not committed, with their shards.
    left: Vec<(u32, Block)>,
    /// Pairs of committed blocks that wait, by endpoint: the next round asks them.
    waiting: Vec<u64>,
    /// Records that they are of.
    waiting_records: u64,
}

impl Rest {
    /// What is left of a run.
    pub async fn of(run: &LiveRun) -> Result<Rest, RunnerError> {
        let no_round = || RunnerError::Usage(format!("run {} has no round", run.plan.run));
        let round = run.store.rounds().await?.pop().ok_or_else(no_round)?;
        let states = shard_states(&run.store, &round).await?;
        let mut left = Vec::new();
        for shard in &round.shards {
            let committed = run.store.committed_blocks(shard.number).await?;
            let blocks = shard.blocks.iter().filter(|block| !committed.contains(&block.first));
            left.extend(blocks.map(|block| (shard.number, *block)));
        }
        let endpoints = run.plan.endpoints.len();
        let mut rest = Rest { round, states, left, waiting: vec![0; endpoints], waiting_records: 0 };
        let waiting = rest.states.iter().map(|state| state.tally.count(Status::Waiting)).sum::<u64>();
        if waiting > 0 {
            rest.count_waiting(run).await?;
        }
        Ok(rest)
    }

    /// Counts what waits, pair by pair.
    async fn count_waiting(&mut self, run: &LiveRun) -> Result<(), RunnerError> {
        let (requests, round) = (run.plan.view("requests"), self.round.number);
        let waiting = format!("FROM {requests} WHERE status = 'waiting' AND round = {round}");
        let by_endpoint = format!("SELECT endpoint, count(*) {waiting} GROUP BY endpoint");
        let records = format!("SELECT count(DISTINCT ordinal) {waiting}");
        let figure =
            |cell: Option<&Option<String>>| cell.and_then(|cell| cell.as_ref()?.parse().ok()).unwrap_or(0);
        for row in merge::query(&run.store, None, &by_endpoint, None).await?.rows {
            let named = |planned: &PlannedEndpoint| row.first() == Some(&Some(planned.name.clone()));
            if let Some(at) = run.plan.endpoints.iter().position(named) {
                self.waiting[at] = figure(row.get(1));
            }
        }
        let rows = merge::query(&run.store, None, &records, None).await?.rows;
        self.waiting_records = figure(rows.first().and_then(|row| row.first()));
        Ok(())
    }

    /// Whether nothing was asked yet.
    pub fn is_all(&self) -> bool {
        self.round.number == 0 && self.states.iter().all(|state| state.committed == 0)
    }

    /// Whether every block of the round is committed.
    pub fn is_nothing(&self) -> bool {
        self.left.is_empty()
    }

    /// Records of the largest block that is left.
    pub fn largest_block(&self) -> u64 {
        self.left.iter().map(|(_, block)| block.records).max().unwrap_or(0)
    }

    /// Records that are left to ask.
    pub fn records(&self) -> u64 {
        self.left.iter().map(|(_, block)| block.records).sum::<u64>() + self.waiting_records
    }

    /// What it is priced by. Inputs count where all is left: otherwise they lie on the disk already.
    async fn frozen(&self, run: &LiveRun) -> Result<Frozen, RunnerError> {
        let mut frozen = Frozen {
            blocks: self.left.iter().map(|(_, block)| block.records).collect(),
            ..Frozen::default()
        };
        if self.round.number > 0 || self.waiting_records > 0 {
            let mut asked = self.asked(run).await?;
            asked.push(self.waiting.clone());
            frozen.asked = Some(asked);
        }
        if self.is_all() {
            for shard in &self.round.shards {
                frozen.input_bytes +=
                    std::fs::metadata(run.store.local_path(shard.number, layout::INPUT))?.len();
            }
        }
        Ok(frozen)
    }

    /// How many records of each block that is left are asked, by endpoint.
    async fn asked(&self, run: &LiveRun) -> Result<Vec<Vec<u64>>, RunnerError> {
        let mut asked = Vec::new();
        for shard in &self.round.shards {
            let blocks: Vec<&Block> = self
                .left
                .iter()
                .filter(|(number, _)| *number == shard.number)
                .map(|(_, block)| block)
                .collect();
            if blocks.is_empty() {
                continue;
            }
            let damaged = |source| WorkerError::Chunk { shard: shard.number, source };
            let input = run.store.read_shard_file(shard.number, layout::INPUT).await?;
            let asks = chunk::read_asks(input).map_err(damaged)?;
            for block in blocks {
                let of_block = chunk::asks_of(&asks, block).map_err(damaged)?;
                let of =
                    |endpoint: usize| of_block.iter().filter(|(_, ask)| ask >> endpoint & 1 == 1).count();
                asked.push((0..run.plan.endpoints.len()).map(|endpoint| of(endpoint) as u64).collect());
            }
        }
        Ok(asked)
    }
}

/// The price of what is left of a run: of all, where it has just been planned.
pub async fn price_of(run: &LiveRun, rest: &Rest, job: &Job) -> Result<Price, RunnerError> {
    let (folder, second) = (state_folder(), u64::try_from(now_micros() / 1_000_000).unwrap_or(0));
    let left = job.limits.iter().map(|limit| {
        let quota = quota_now(&folder, limit, second)?;
        Some(quota.amount.saturating_sub(quota.used))
    });
    Ok(Price::of(job, &rest.frozen(run).await?, &left.collect::<Vec<_>>()))
}

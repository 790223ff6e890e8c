//! The blocks of one shard, as many at a time as there are cores.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::{StreamExt, TryStreamExt, stream};

use super::account::Account;
use super::block::{Evidence, PairEnd, damaged};
use super::{Extent, ShardWork, damaged_round};
use crate::chunk;
use crate::handoff::digest;
use crate::handoff::{Commit, HandoffError, layout};
use crate::merge::MergeError;
use crate::merge::files::Planned;
use crate::record::Ordinal;

impl ShardWork<'_> {
    /// Proves the shard and adds it up.
    pub async fn prove(&self, account: &mut Account) -> Result<(), MergeError> {
        let commits = self.run.commits(self.shard.number).await?;
        let is_asked_for = |planned: &&Planned| match self.extent {
            Extent::Whole => true,
            Extent::Committed => commits.contains_key(&planned.block.first),
        };
        let blocks: Vec<&Planned> = self.blocks.iter().filter(is_asked_for).collect();
        let is_open = blocks.len() < self.blocks.len();
        if is_open {
            account.leave_open();
        }
        if blocks.is_empty() && is_open {
            return Ok(());
        }
        let asks = self.asks().await?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let mut checks = stream::iter(&blocks)
            .map(|planned| self.check(planned, commits.get(&planned.block.first), Arc::clone(&asks)))
            .buffered(cores);
        let mut pairs = 0;
        for planned in &blocks {
            let Some((commit, ends)) = checks.try_next().await? else { break };
            pairs += ends.len() as u64;
            account.add(self, planned, &commit, &ends)?;
        }
        if pairs != self.shard.pairs && !is_open {
            let (number, said) = (self.shard.number, self.shard.pairs);
            let round = self.blocks.first().map_or(0, |planned| planned.round);
            return Err(damaged_round(
                round,
                format!("shard {number} plans {pairs} requests, it says {said}"),
            ));
        }
        Ok(())
    }

    /// What the shard's frozen lines ask for, their digest checked.
    async fn asks(&self) -> Result<Arc<Vec<(Ordinal, u64)>>, MergeError> {
        let Some(first) = self.blocks.first() else { return Ok(Arc::default()) };
        let input = self.read(first, layout::INPUT).await?;
        if digest::sha256(&input) != self.shard.input_sha256 {
            return Err(self.bad(first, layout::INPUT, "its SHA-256 is not the one in the round".into()));
        }
        let asks =
            chunk::read_asks(input).map_err(|error| self.bad(first, layout::INPUT, error.to_string()))?;
        Ok(Arc::new(asks))
    }

    async fn check(
        &self,
        planned: &Planned,
        commit: Option<&Commit>,
        asks: Arc<Vec<(Ordinal, u64)>>,
    ) -> Result<(Commit, Vec<PairEnd>), MergeError> {
        let commit_name = layout::commit(planned.block.first);
        let commit = commit.ok_or_else(|| self.bad(planned, &commit_name, "it vanished".into()))?.clone();
        let plan = self.plan.clone();
        let chunks = Vec::with_capacity(commit.files.len());
        let superseded = self.superseded;
        let mut evidence = Evidence { plan, planned: *planned, superseded, asks, commit, chunks };
        evidence.check_commit()?;
        for file in &evidence.commit.files {
            evidence.chunks.push(self.read(planned, &file.name).await?);
        }
        let task = tokio::task::spawn_blocking(move || evidence.check().map(|ends| (evidence.commit, ends)));
        task.await.unwrap_or_else(|died| std::panic::resume_unwind(died.into_panic()))
    }

    /// A file that the plan or a commit names: without it the run is damaged, not unfinished.
    async fn read(&self, planned: &Planned, name: &str) -> Result<Bytes, MergeError> {
        let read = self.run.read_shard_file(self.shard.number, name).await;
        read.map_err(|error| match error {
            HandoffError::Gone { .. } => self.bad(planned, name, "it is named, but not there".into()),
            error => error.into(),
        })
    }

    pub fn bad(&self, planned: &Planned, name: &str, why: String) -> MergeError {
        damaged(&self.plan.run, planned, self.superseded, name, why)
    }
}

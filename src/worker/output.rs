//! Where a shard's process puts what it has: the run, and which part of it is its own.

use super::WorkerError;
use crate::handoff::{Plan, RunStore};

/// What the blocks of a shard are written into.
pub(super) struct Output {
    pub(super) run: RunStore,
    pub(super) plan: Plan,
    pub(super) shard: u32,
    pub(super) round: u32,
    /// Part of the names of the files that this process writes.
    pub(super) attempt: String,
}

impl Output {
    pub(super) fn new(run: &RunStore, plan: &Plan, shard: u32, round: u32) -> Output {
        let attempt = format!("{:08x}", fastrand::u32(..));
        Output { run: run.clone(), plan: plan.clone(), shard, round, attempt }
    }

    /// What a chunk of a shard of the run is damaged by.
    pub(super) fn damaged(shard: u32) -> impl Fn(crate::chunk::ChunkError) -> WorkerError {
        move |source| WorkerError::Chunk { shard, source }
    }
}

//! A process's lease on a shard, and the blocks that it claims there.
//!
//! It holds the shard's lock, claims each block before it opens it ([`handoff::claims`](crate::handoff::claims)), and
//! keeps the claim as long as it lives.

use std::time::{Duration, Instant};

use super::WorkerError;
use crate::handoff::claims::Claims;
use crate::handoff::lock::{Lock, LockError, lock_shard};
use crate::handoff::{Block, HandoffError, RunStore, Shard};
use crate::record::Ordinal;

/// So long may a killed process take to let go of its shard.
const DYING: Duration = Duration::from_secs(2);

/// How often a lock that another holds is tried again.
const LOCKED_EVERY: Duration = Duration::from_millis(20);

/// How often a block that another process works on is looked at.
const THEIRS_EVERY: Duration = Duration::from_millis(50);

/// Whose a block is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Claim {
    /// This process's.
    Ours,
    /// Another's, for now.
    Theirs,
    /// Nobody's any more: it is committed.
    Done,
}

/// What a process holds of a shard while it works on it.
pub(super) struct Lease {
    shard: u32,
    /// First records of the shard's blocks.
    firsts: Vec<Ordinal>,
    claims: Claims,
    _lock: Lock,
}

impl Lease {
    /// Takes a lease on the shard.
    pub(super) async fn take(run: &RunStore, shard: &Shard) -> Result<Lease, WorkerError> {
        let (folder, number) = (run.folder(), shard.number);
        let lock = patiently(|| lock_shard(folder, number)).await?;
        let claims = Claims::open(folder, number)?;
        let firsts = shard.blocks.iter().map(|block| block.first).collect();
        Ok(Lease { shard: number, firsts, claims, _lock: lock })
    }

    /// Claims a block.
    pub(super) fn claim(&self, run: &RunStore, block: &Block) -> Result<Claim, HandoffError> {
        let place = self.firsts.binary_search(&block.first).unwrap_or_default();
        // Where there are no locks, everything is this process's.
        let ours = self.claims.claim(place).unwrap_or(true);
        Ok(match run.is_committed(self.shard, block.first)? {
            true => Claim::Done,
            false if ours => Claim::Ours,
            false => Claim::Theirs,
        })
    }

    /// Waits until a block that was another's is this process's, or done.
    pub(super) async fn claim_patiently(&self, run: &RunStore, block: &Block) -> Result<Claim, HandoffError> {
        loop {
            tokio::time::sleep(THEIRS_EVERY).await;
            match self.claim(run, block) {
                Ok(Claim::Theirs) => {}
                claimed => return claimed,
            }
        }
    }

    /// Leaves the shard, all blocks of which are committed: what is left of processes that died counts for nothing.
    pub(super) async fn leave(&self, run: &RunStore) {
        // What stays behind is in nobody's way.
        let _ = run.sweep(self.shard, self.firsts.iter().copied()).await;
    }
}

/// Takes what a process that was killed may hold until the kernel is done with it.
async fn patiently<T>(mut take: impl FnMut() -> Result<T, LockError>) -> Result<T, LockError> {
    let started = Instant::now();
    loop {
        match take() {
            Err(LockError::Held { .. }) if started.elapsed() < DYING => {
                tokio::time::sleep(LOCKED_EVERY).await;
            }
            taken => return taken,
        }
    }
}

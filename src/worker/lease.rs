//! A process's lease on a shard, the owner's or a helper's, and the blocks that it claims there.
//!
//! The owner holds the shard's lock and works its blocks from the first one on; when its list is through it waits for
//! those that helpers hold, and takes over what a helper dies on. Helpers, any number of them, work from the last one
//! backwards, and end when there is none left to claim. Everybody claims a block before opening it
//! ([`handoff::claims`](crate::handoff::claims)) and keeps the claim as long as it lives: no two living processes ask
//! for the same block.

use std::time::{Duration, Instant};

use super::{ShardEnd, WorkerError};
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

/// A process's part in a shard.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// It answers for all blocks: there is one.
    Owner,
    /// It takes blocks off the owner's hands.
    Helper,
}

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
    role: Role,
    shard: u32,
    /// First records of the shard's blocks.
    firsts: Vec<Ordinal>,
    claims: Claims,
    _lock: Option<Lock>,
}

impl Lease {
    /// Takes a lease on the shard.
    pub(super) async fn take(run: &RunStore, shard: &Shard, role: Role) -> Result<Lease, WorkerError> {
        let (folder, number) = (run.folder(), shard.number);
        let lock = match role {
            Role::Owner => Some(patiently(|| lock_shard(folder, number)).await?),
            Role::Helper => None,
        };
        let claims = Claims::open(folder, number)?;
        let firsts = shard.blocks.iter().map(|block| block.first).collect();
        Ok(Lease { role, shard: number, firsts, claims, _lock: lock })
    }

    /// The blocks to work, in order, of those that are left of the shard.
    pub(super) fn order(&self, mut left: Vec<Block>) -> Vec<Block> {
        if self.role == Role::Helper {
            left.reverse();
        }
        left
    }

    /// Whether this process answers for blocks that others work on.
    pub(super) fn waits(&self) -> bool {
        self.role == Role::Owner
    }

    /// Claims a block.
    pub(super) fn claim(&self, run: &RunStore, block: &Block) -> Result<Claim, HandoffError> {
        let place = self.firsts.binary_search(&block.first).unwrap_or_default();
        // Where there are no locks, everything is the owner's.
        let ours = self.claims.claim(place).unwrap_or(self.role == Role::Owner);
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

    /// How it ends when there is nothing left to do here.
    pub(super) fn end(&self) -> ShardEnd {
        match self.role {
            Role::Owner => ShardEnd::Committed,
            Role::Helper => ShardEnd::Helped,
        }
    }

    /// Leaves the shard, with nothing left to do. The owner answers for all blocks, so they are committed, and what is
    /// left of processes that died counts for nothing.
    pub(super) async fn leave(&self, run: &RunStore) {
        if self.role == Role::Owner {
            // What stays behind is in nobody's way.
            let _ = run.sweep(self.shard, self.firsts.iter().copied()).await;
        }
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

//! The shard's lock, which its process holds as long as it works on it.

use std::time::{Duration, Instant};

use crate::handoff::RunStore;
use crate::handoff::lock::{Lock, LockError, lock_shard};

/// How long a killed process may take to let go of its shard.
const DYING: Duration = Duration::from_secs(2);

/// How often a lock that another holds is tried again.
const TRIED_EVERY: Duration = Duration::from_millis(20);

/// Locks the shard; what a process that was killed holds until the kernel is done with it is waited for.
pub(super) async fn lock(run: &RunStore, shard: u32) -> Result<Lock, LockError> {
    let started = Instant::now();
    loop {
        match lock_shard(run.folder(), shard) {
            Err(LockError::Held { .. }) if started.elapsed() < DYING => tokio::time::sleep(TRIED_EVERY).await,
            locked => return locked,
        }
    }
}

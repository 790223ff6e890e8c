//! Kernel locks on a run and on a shard: released by the kernel when their holder dies, however it dies.

use std::fs::{File, OpenOptions, TryLockError};
use std::path::Path;

use super::layout;

/// A held lock; dropped, it is free.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// Why a lock is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A living process holds it.
    #[error(
        "{what} is in use by another windrow process\nhint: wait for it to end, or end it; `windrow status` shows the runs"
    )]
    Held {
        /// The run or shard.
        what: String,
    },
    /// The lock file could not be opened.
    #[error("cannot lock {path}: {source}")]
    File {
        /// The lock file.
        path: String,
        /// Why.
        source: std::io::Error,
    },
}

/// Locks a run for its supervisor, a retry or a merge.
pub fn lock_run(folder: &Path) -> Result<Lock, LockError> {
    lock(&folder.join(layout::RUN_LOCK), || format!("run {}", folder.display()))
}

/// Locks a shard for the process that works on it.
pub fn lock_shard(folder: &Path, shard: u32) -> Result<Lock, LockError> {
    let path = folder.join(layout::shard_folder(shard)).join(layout::SHARD_LOCK);
    lock(&path, || format!("shard {shard} of run {}", folder.display()))
}

/// Whether a living process holds the run.
pub fn run_is_locked(folder: &Path) -> bool {
    let path = folder.join(layout::RUN_LOCK);
    path.exists() && matches!(lock_run(folder), Err(LockError::Held { .. }))
}

fn lock(path: &Path, what: impl FnOnce() -> String) -> Result<Lock, LockError> {
    let failed = |source| LockError::File { path: path.display().to_string(), source };
    let file = OpenOptions::new().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(Lock { _file: file }),
        Err(TryLockError::WouldBlock) => Err(LockError::Held { what: what() }),
        Err(TryLockError::Error(source)) => Err(failed(source)),
    }
}

//! What goes wrong with the files of a run, with a hint, and the exit code that it ends a process with.

use super::{VERSION, exit::Exit};
use crate::record::Ordinal;

/// What goes wrong with the files of a run.
#[derive(Debug, thiserror::Error)]
pub enum HandoffError {
    /// There is no such run.
    #[error("no run at {path}\nhint: `windrow status` lists the runs")]
    NoRun {
        /// Where it was looked for.
        path: String,
    },
    /// The disk is full.
    #[error(
        "no space left on the disk that holds {path}\nhint: free some space, then repeat the command: committed work is kept"
    )]
    DiskFull {
        /// What was being written.
        path: String,
    },
    /// A file could not be read or written.
    #[error("cannot {verb} {path}: {source}")]
    File {
        /// "read", "write", …
        verb: &'static str,
        /// The file.
        path: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A file that was there is not any more.
    #[error("{path} is gone\nhint: restore it, or start anew with `windrow run JOB --new`")]
    Gone {
        /// The file.
        path: String,
    },
    /// A file is not what its format says.
    #[error(
        "{path} is damaged: {why}\nhint: it was changed after it was written: restore it, or start anew with `windrow run JOB --new`"
    )]
    Damaged {
        /// The file.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// A file was written by a newer windrow.
    #[error(
        "{path} has format version {version}, this windrow reads up to {VERSION}\nhint: use the windrow that made the run, or a newer one"
    )]
    Newer {
        /// The file.
        path: String,
        /// Its version.
        version: u64,
    },
    /// The folder cannot keep the promise that only one commit of a block stands.
    #[error(
        "{path} is on a file system that cannot create a file exclusively (no hard links?)\nhint: choose another folder with --runs"
    )]
    NotExclusive {
        /// The folder.
        path: String,
    },
    /// A folder or file that is not this user's own: windrow does not write there.
    #[error("{path} {why}\nhint: {hint}")]
    Strange {
        /// Where it lies.
        path: String,
        /// What is strange about it.
        why: String,
        /// What to do.
        hint: String,
    },
    /// A commit's fate could not be learnt.
    #[error(
        "the commit of block {first} of shard {shard} could not be confirmed\nhint: run the shard again, nothing is lost"
    )]
    Unconfirmed {
        /// The shard.
        shard: u32,
        /// The block.
        first: Ordinal,
    },
}

impl HandoffError {
    /// The exit code that this error ends a process with.
    pub fn exit(&self) -> Exit {
        match self {
            HandoffError::NoRun { .. }
            | HandoffError::Newer { .. }
            | HandoffError::NotExclusive { .. }
            | HandoffError::Strange { .. } => Exit::Usage,
            HandoffError::DiskFull { .. } | HandoffError::File { .. } => Exit::Disk,
            HandoffError::Gone { .. } | HandoffError::Damaged { .. } => Exit::Integrity,
            HandoffError::Unconfirmed { .. } => Exit::TryAgain,
        }
    }
}

pub(super) fn file_error(verb: &'static str, path: impl ToString, error: std::io::Error) -> HandoffError {
    if error.kind() == std::io::ErrorKind::StorageFull {
        return HandoffError::DiskFull { path: path.to_string() };
    }
    HandoffError::File { verb, path: path.to_string(), source: Box::new(error) }
}

pub(super) fn absent_is_fine(error: std::io::Error) -> Result<(), std::io::Error> {
    if error.kind() == std::io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

/// Whether the file system said that it is full (or the quota used up), somewhere down the error's chain.
pub(super) fn is_disk_full(error: &object_store::Error) -> bool {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return matches!(io.kind(), std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded);
        }
        source = inner.source();
    }
    false
}

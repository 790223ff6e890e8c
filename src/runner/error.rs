//! Why a run cannot begin, go on or be published.

use crate::handoff::lock::LockError;
use crate::handoff::{Exit, HandoffError};
use crate::job::JobError;
use crate::merge::MergeError;
use crate::plan::PlanError;
use crate::worker::WorkerError;

/// Anything that ends a command before its time.
#[derive(Debug, thiserror::Error)]
pub enum RunnerError {
    /// The job file.
    #[error("{}", .0.render(false))]
    Job(Box<JobError>),
    /// The list, or what was planned of it.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// Fetching.
    #[error(transparent)]
    Worker(#[from] WorkerError),
    /// Proving and publishing, where no secret can stand in the words.
    #[error(transparent)]
    Merge(#[from] MergeError),
    /// The files of a run.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
    /// Somebody else works on it.
    #[error(transparent)]
    Lock(#[from] LockError),
    /// What the person says does not go together with what there is.
    #[error("{0}")]
    Usage(String),
    /// A merge failed: with that exit code, and these words, in which no secret stands.
    #[error("{1}")]
    Unpublished(Exit, String),
    /// This signal came before anything was planned.
    #[error("interrupted; nothing is planned")]
    Interrupted(i32),
    /// A folder or a file, with a hint.
    #[error("{0}")]
    Disk(String),
    /// The operating system.
    #[error("{0}")]
    System(#[from] std::io::Error),
}

impl From<JobError> for RunnerError {
    fn from(error: JobError) -> RunnerError {
        RunnerError::Job(Box::new(error))
    }
}

impl RunnerError {
    /// The exit code that it ends a command with.
    pub fn exit(&self) -> Exit {
        match self {
            RunnerError::Job(_) | RunnerError::Usage(_) => Exit::Usage,
            RunnerError::Plan(error) => error.exit(),
            RunnerError::Worker(error) => error.exit(),
            RunnerError::Merge(error) => error.exit(),
            RunnerError::Unpublished(exit, _) => *exit,
            RunnerError::Interrupted(signal) => Exit::Interrupted(*signal),
            RunnerError::Handoff(error) => error.exit(),
            RunnerError::Lock(LockError::Held { .. }) => Exit::Locked,
            RunnerError::Disk(_) | RunnerError::System(_) | RunnerError::Lock(LockError::File { .. }) => {
                Exit::Disk
            }
        }
    }
}

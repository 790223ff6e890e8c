//! A run that a command looks at or works on.

use std::path::Path;
use std::sync::Arc;

use super::RunnerError;
use crate::handoff::lock::{Lock, lock_run};
use crate::handoff::{Plan, RunStore};

/// A run, and its lock where this process does more than look: held as long as any copy of this is there.
#[derive(Debug, Clone)]
pub struct LiveRun {
    /// Its files.
    pub store: RunStore,
    /// Its plan.
    pub plan: Plan,
    lock: Option<Arc<Lock>>,
}

/// What somebody does with a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// Works on it: it is held from here on.
    Work,
    /// Looks at it: it may be another process's.
    Look,
}

impl LiveRun {
    /// A run that this process holds.
    pub(super) fn held(store: RunStore, plan: Plan, lock: Lock) -> LiveRun {
        LiveRun { store, plan, lock: Some(Arc::new(lock)) }
    }

    /// Opens a run that is there, and holds it if it is to be worked on.
    pub async fn open(folder: &Path, purpose: Purpose) -> Result<LiveRun, RunnerError> {
        LiveRun::of(RunStore::open(folder).await?, purpose).await
    }

    /// The same of a run that is open.
    pub async fn of(store: RunStore, purpose: Purpose) -> Result<LiveRun, RunnerError> {
        let lock = match purpose {
            Purpose::Work => {
                store.refuse_strange()?;
                Some(Arc::new(lock_run(store.folder())?))
            }
            Purpose::Look => None,
        };
        let plan = store.plan().await?;
        Ok(LiveRun { store: store.as_planned(&plan), plan, lock })
    }

    /// Whether this process holds it.
    pub fn is_held(&self) -> bool {
        self.lock.is_some()
    }
}

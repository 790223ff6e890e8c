//! What a run about the jobs of a queue has besides: `claimed.json`, the jobs as they were when they were claimed; and files that
//! are not synced, since the leases bring the jobs back.

use std::sync::Arc;

use object_store::path::Path;
use serde::{Deserialize, Serialize};

use super::error::HandoffError;
use super::plan::Plan;
use super::store::{RunStore, without_fsync};
use super::{layout, seal};

/// The jobs that a run was planned from, in the order of its records.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedJobs {
    /// Version of this format.
    pub version: u32,
    /// The queue, as the table of claims names it: `schema.table`.
    pub queue: String,
    /// Record *i* of the run is job *i*.
    pub jobs: Vec<ClaimedJob>,
}

/// A job that was claimed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimedJob {
    /// What the table of claims knows it by: the id as the database casts it to text, a JSON array where it has several
    /// columns.
    pub key: String,
    /// The columns of its id, as the database prints them.
    pub id: Vec<String>,
    /// SHA-256 of all that the run reads of its row, in hexadecimal.
    pub row: String,
    /// How often it had failed before.
    pub attempts: u32,
}

impl RunStore {
    /// The same files, without a sync of what is written from here on: those of a [leased](Plan::leased) run.
    pub fn leased(mut self) -> RunStore {
        self.store = Arc::new(without_fsync(&self.store));
        self
    }

    /// The same files, to be written as their plan wants it. Who opens a run to write into it goes through this.
    pub fn as_planned(self, plan: &Plan) -> RunStore {
        if plan.leased { self.leased() } else { self }
    }

    /// The jobs of a queue that the run is about; `None` where its list is no queue.
    pub async fn claimed(&self) -> Result<Option<ClaimedJobs>, HandoffError> {
        let path = Path::from(layout::CLAIMED);
        self.read_if_there(&path).await?.map(|bytes| self.parse_sealed(&path, &bytes)).transpose()
    }

    /// Writes them, before the plan.
    pub async fn put_claimed(&self, claimed: &ClaimedJobs) -> Result<(), HandoffError> {
        self.put(&Path::from(layout::CLAIMED), seal::seal(claimed).into()).await
    }
}

//! `claimed.json`: the jobs of a queue that a run is about, as they were when they were claimed.

use serde::{Deserialize, Serialize};

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

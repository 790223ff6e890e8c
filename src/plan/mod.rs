//! The list, read, checked, cut and frozen; and what a retry asks again.
//!
//! A list is read once ([`read_list`]), as a stream, into a temporary file without a name; what is wrong with it is
//! said before anything of the run exists. Then it is cut ([`write_run`]) into shards and blocks, each shard's records
//! are frozen as `input.parquet`, and `plan.json` comes last: without it there is no run. [`write_retry`] reads what
//! all rounds became and makes one more round of the pairs that failed or wait.
//!
//! Memory does not grow with the list: a batch of records, the frozen file of one shard, and 24 bytes for each of a
//! million ids are held at once. Measured (`cargo bench --bench plan`): 41 MB at the most for 1 million ids, 43 MB for
//! 10 million, 43 MB for 30 million. What a list, and the id of a record, may look like stands in [`list`]; how it is
//! cut, and why so, in `cut`; what a run will cost, in [`price`].
//!
//! | pass | reads | writes | module |
//! |---|---|---|---|
//! | 1 | the list's bytes | the spool (temporary) | [`list`] |
//! | 1, at its end | hashes of the ids | | `duplicates` |
//! | 2 | the spool | `job.toml`, `NNNNN/input.parquet`, `round-000.json`, `plan.json` | `write` |
//! | extract | an earlier run's frozen inputs | the same again, beside a plan of the present columns | `extraction` |
//! | remake | ledgers, frozen inputs | the same, of what could not be made of its answer | [`retry`] |
//! | retry | ledgers, frozen inputs, answers that others need | `NNNNN/input.parquet`, `round-NNN.json` | [`retry`] |

use std::path::Path;

mod batch;
mod columns;
pub mod cut;
mod duplicates;
mod extraction;
mod frames;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod kept;
pub mod list;
mod peek;
pub mod price;
mod questions;
pub mod retry;
#[cfg(test)]
pub(crate) mod sandbox;
mod spool;
mod write;

pub use cut::Cut;
pub use extraction::{ExtractionError, write_extraction};
pub use kept::write_kept;
pub use list::{List, ListError};
pub use peek::{PeekedList, peek_list};
pub use questions::questions_sha256;
pub use retry::{RetryError, RetryFilter, StatusFilter, has_value, write_remaking, write_retry};
pub use spool::ScratchError;
pub use write::write_run;

use crate::handoff::{Exit, HandoffError};
use crate::job::Job;
use crate::secrets::Secrets;
use crate::value::Field;

/// What a plan depends on besides the job.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct PlanOptions {
    /// Processes that work at once: the least number of shards, where there are records enough.
    pub cores: u32,
    /// A trial of this many records, spread evenly over the list.
    pub sample: Option<u64>,
    /// A trial of the records with these ids.
    pub ids: Option<Vec<String>>,
    /// This windrow's version.
    pub windrow: String,
    /// Now, in microseconds since 1970, UTC.
    pub now_micros: i64,
}

impl PlanOptions {
    /// Whether only a few records are tried.
    pub fn trial(&self) -> bool {
        self.sample.is_some() || self.ids.is_some()
    }
}

/// Why there is no plan, or no further round.
#[derive(Debug, thiserror::Error)]
pub enum PlanError {
    /// A mistake in the list.
    #[error(transparent)]
    List(#[from] ListError),
    /// The temporary files.
    #[error(transparent)]
    Scratch(#[from] ScratchError),
    /// The run is not ready for a retry, or its ledger is not whole.
    #[error(transparent)]
    Retry(#[from] RetryError),
    /// An earlier run's answers do not suffice.
    #[error(transparent)]
    Extraction(#[from] ExtractionError),
    /// The run's files.
    #[error(transparent)]
    Handoff(#[from] HandoffError),
}

impl PlanError {
    /// The exit code that this error ends a process with.
    pub fn exit(&self) -> Exit {
        match self {
            PlanError::List(error) => error.exit(),
            PlanError::Scratch(error) => error.exit(),
            PlanError::Retry(error) => error.exit(),
            PlanError::Extraction(error) => error.exit(),
            PlanError::Handoff(error) => error.exit(),
        }
    }
}

impl From<polars::prelude::PolarsError> for PlanError {
    fn from(error: polars::prelude::PolarsError) -> PlanError {
        PlanError::Scratch(error.into())
    }
}

/// Reads the job's list, as one stream, and checks it. `scratch` is a folder for temporary files: they have no name and
/// vanish with the [`List`], or with the process.
///
/// A database is asked on a tokio runtime's own terms: this must be called within one.
pub async fn read_list(
    job: &Job,
    options: &PlanOptions,
    secrets: &Secrets,
    scratch: &Path,
) -> Result<List, PlanError> {
    let sizes = list::Sizes::default();
    list::Request { job, options, secrets, scratch, sizes }.read(Box::new(std::io::stdin())).await
}

/// The list of jobs that were claimed: rows of the queue, of which these fields are the columns. `scratch` as of
/// [`read_list`].
///
/// # Errors
/// Where a row is no record, as of any list: then the row, from 1, is the one that the error names.
pub fn list_of_claimed(
    job: &Job,
    options: &PlanOptions,
    fields: &[Field],
    rows: &[Vec<Option<String>>],
    scratch: &Path,
) -> Result<List, PlanError> {
    let (sizes, secrets) = (list::Sizes::default(), Secrets::default());
    list::Request { job, options, secrets: &secrets, scratch, sizes }.claimed(fields, rows)
}

/// The digest that the job's list has now, for comparing with [`Plan::input_sha256`](crate::handoff::Plan); `None` for
/// standard input, which can be read once only.
pub async fn source_sha256(job: &Job, secrets: &Secrets) -> Result<Option<String>, PlanError> {
    list::source_sha256(job, secrets).await
}

//! From committed blocks to a published table: prove that nothing is missing, then load all of it in one
//! transaction, or nothing. And, without a server: the run's files as views.
//!
//! | step | file |
//! |---|---|
//! | which files a run consists of | `files.rs` |
//! | every planned pair has one ledger line, every byte is the committed one | `prove/` |
//! | the job's own conditions | `gate/` |
//! | the rows: answers joined on the ordinal | `slice.rs`, `select.rs`, `columns.rs`, `policy.rs` |
//! | the transaction | `load/`, `target.rs`, `runs.rs`, `covered.rs` |
//! | the job's own statements around the rows | `statements.rs` |
//! | the rows that a database refuses, by name | `refused.rs` |
//! | the same in a database outside of this process | `outside/` |
//! | what databases spell differently | `dialect/` |
//! | into files, by way of that | `file/`, `aside.rs` |
//! | `merged.json`, last | `publish.rs` |
//! | what there is when a run pauses | `pause.rs` |
//! | a batch of a queue, and its jobs | `batch.rs`, `outside/queue/` |
//! | DuckDB kept between loads, where there are many | `kept.rs` |
//! | questions to a run | `query.rs`, `views.rs` |
//! | the columns of an answer as Parquet has them | `typed.rs` |
//! | what a type is in each destination | `types.rs` |
//! | the files that it leaves, for who reads them | `published.rs` |
//! | before the first request and after the last | `destination.rs` |
//!
//! # What a death leaves
//!
//! In a database; `file/` has the table of files.
//!
//! | killed | the database | the run | the next merge |
//! |---|---|---|---|
//! | before COMMIT | as it was; in MariaDB with the table, or its new columns, that were made for it, empty | unfinished | publishes |
//! | after COMMIT, before `merged.json` | published, its row in `windrow_runs` | unfinished | finds the row, gives reports their names, writes `merged.json` |
//! | after `merged.json` | published | finished | finds the row, changes nothing |
//! | at a pause, before COMMIT | as it was | unfinished | publishes, with what came since |
//! | at a pause, after COMMIT | a part published, its row in `windrow_runs` | unfinished | finds the row, publishes what came since |

//!
//! After COMMIT nothing fails: what goes wrong then is a warning of the publication's. That a run which was published is
//! not taken for one that has still to be, though its process died before it could say so, is `publishing.json`'s affair
//! (see [`Publishing`](crate::handoff::Publishing) and [`settle`]).

mod aside;
mod batch;
mod columns;
mod covered;
mod database;
mod destination;
mod dialect;
mod error;
mod file;
mod files;
mod gate;
mod kept;
mod load;
mod outside;
mod pause;
mod policy;
mod prove;
mod publish;
mod published;
mod query;
mod refused;
mod resolved;
mod runs;
mod select;
mod slice;
mod sql;
mod statements;
mod target;
#[cfg(test)]
mod tests;
mod typed;
mod types;
mod views;

pub use batch::{AskedBatch, BatchAsked, FailedJob, SettledBatch, publish_batch};
pub use destination::{Found, check_destination, first_rows};
pub use error::{MergeError, Moved};
pub use gate::success_in_words;
pub use kept::keep_duckdb_open;
pub use outside::queue::{
    Claimed, DeadJob, NextJob, QueueCounts, QueueStanding, QueueTable, Requeued, RestingJob,
};
pub use pause::{PublishedPart, publish_partial};
pub use prove::{End, Proof, prove};
pub use publish::{Published, Terms, ddl, ddl_of_new_columns, publish, settle};
pub use published::PublishedFile;
pub use query::{AnswerColumn, QueryResult, RunQuery, query};
pub use resolved::ResolvedDestination;
pub use sql::{identifier as quoted_identifier, is_nested, text as quoted_text, value_as_text};
pub use types::{key_types_in_destinations, types_in_destinations};

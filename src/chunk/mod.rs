//! Blocks as files: typed columns to and from Parquet and CSV bytes.
//!
//! The only place (with [`plan`](crate::plan)) that knows polars. Everything here is pure computation on
//! bytes in memory, bounded by a block: where the bytes lie is [`handoff`](crate::handoff)'s business.
//!
//! | file | columns |
//! |---|---|
//! | rows of an endpoint ([`encode_rows`]) | `ordinal`, `part`, the id columns, the endpoint's columns |
//! | requests ([`encode_ledger`]) | [`ledger::COLUMNS`](crate::handoff::ledger::COLUMNS) |
//! | kept answers ([`encode_answers`]) | `ordinal`, `endpoint`, `page`, `http_status`, `body`, `content_type`, `text`, `next_link`, `masked` |
//! | the answer of a report ([`ReportWriter`]) | those of its query |
//! | frozen lines ([`read_records`]) | [`handoff::input`](crate::handoff::input) |
//!
//! Names that meet are told apart as [`handoff::names`](crate::handoff::names) says.
//!
//! Types in Parquet: text and json are strings, integer INT32, bigint INT64, decimal(p,s) DECIMAL, date DATE,
//! timestamp TIMESTAMP in microseconds without a zone (UTC). A value is read back exactly as it was written.

mod answers;
mod input;
mod ledger;
mod lines;
mod parquet;
mod report;
mod rows;

pub use answers::{KeptAnswer, encode_answers, read_answers};
#[cfg(test)]
pub use input::encode_records;
pub use input::{InputRecord, asks_of, read_asks, read_records};
pub use ledger::{LedgerKey, encode_ledger, read_ledger_keys};
pub use lines::read_ledger;
pub use report::{ReportError, ReportWriter};
pub use rows::{Row, RowKey, encode_rows, read_row_keys};

/// A chunk could not be made or read.
#[derive(Debug, thiserror::Error)]
pub enum ChunkError {
    /// polars said so.
    #[error("{0}")]
    Frame(#[from] polars::error::PolarsError),
    /// The file does not hold what its format says.
    #[error("{0}")]
    Content(String),
}

//! The columns of a `requests` chunk: one line for every planned pair of a block, by ordinal, then endpoint
//! in the order of the job.

use std::sync::Arc;

use crate::record::{Failure, Ordinal, Status};

/// Name and meaning of the ledger's columns, in order.
///
/// Types: `ordinal`, `bytes`, `batch` 64-bit integers; `endpoint`, `status`, `kind`, `detail`, `host` text; `http_status`,
/// `attempts`, `requests`, `pages`, `rows` 32-bit integers; `worth_repeating` boolean; `started_at`,
/// `finished_at` timestamps (microseconds, UTC).
pub const COLUMNS: [(&str, &str); 16] = [
    ("ordinal", "the record's position in the list"),
    ("endpoint", "the endpoint's name"),
    ("status", "ok, missing, failed, not_asked or waiting"),
    ("kind", "why it is not a success; null for ok and missing"),
    ("http_status", "status of the last answer; null where there was none"),
    ("detail", "one line for a person; null for ok and missing"),
    ("worth_repeating", "whether asking again may mend a failure"),
    ("attempts", "tries, the first included"),
    ("requests", "HTTP requests sent, redirects and pages included"),
    ("pages", "pages read"),
    ("rows", "rows in the endpoint's chunk"),
    ("bytes", "body bytes as they came over the wire, all attempts"),
    ("started_at", "when the first request was sent; null where none was"),
    ("finished_at", "when the last answer was whole or given up; null where nothing was sent"),
    (
        "batch",
        "of a request that several records shared: the first that it answered, whose line counts requests and bytes",
    ),
    (
        "host",
        "`host:port` of the request, wherever redirects and further pages led; null where there was none. Files of earlier \
         versions lack it",
    ),
];

/// One line of the ledger.
#[derive(Debug, Clone, PartialEq)]
pub struct Line {
    /// The record.
    pub ordinal: Ordinal,
    /// Index of the endpoint in the plan.
    pub endpoint: usize,
    /// How the pair ended.
    pub status: Status,
    /// Why, where it is not a success.
    pub failure: Option<Failure>,
    /// Status of the last answer.
    pub http_status: Option<u16>,
    /// Tries, the first included; 0 where nothing was sent.
    pub attempts: u32,
    /// HTTP requests sent.
    pub requests: u32,
    /// Pages read.
    pub pages: u32,
    /// Rows in the endpoint's chunk: of one that makes a single row 1 for ok, missing, and what its `when` left out.
    pub rows: u32,
    /// Body bytes over the wire.
    pub bytes: u64,
    /// Microseconds since 1970, UTC.
    pub started_at: Option<i64>,
    /// Microseconds since 1970, UTC.
    pub finished_at: Option<i64>,
    /// The first record of the batch that shared the request.
    pub batch: Option<Ordinal>,
    /// Of the request, with its port.
    pub host: Option<Arc<str>>,
}

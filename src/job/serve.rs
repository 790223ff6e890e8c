//! `[serve]`: how what the job has gathered is served.

use std::time::Duration;

/// How what the job has gathered is served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serve {
    /// The age from which a table that is served is not good any more, and `/readyz` says so. `None`: none is too old.
    pub stale_after: Option<Duration>,
    /// The origins whose pages may read what is served, as browsers spell them (`https://app.example.com`), or `*` alone for
    /// those of all. None: no page of another origin may.
    pub cors: Vec<String>,
    /// Most rows of one answer that is no whole table. Default 10,000.
    pub max_rows: u64,
    /// Bytes up to which a table is served from memory; a greater one is read from its file. Default 1 GB.
    pub max_memory: u64,
}

impl Default for Serve {
    fn default() -> Serve {
        Serve { stale_after: None, cors: Vec::new(), max_rows: 10_000, max_memory: 1_000_000_000 }
    }
}

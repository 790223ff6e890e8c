//! `[table]` and `[publish]`: where the rows go, and on what conditions.

use std::path::PathBuf;

/// Where the rows go.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The database.
    pub to: Destination,
    /// Table name, `schema.table` allowed.
    pub name: String,
    /// How rows meet what the table holds.
    pub mode: Mode,
    /// What becomes of the rows of ids that the list no longer has; `delete` only for `upsert` and `replace_ids`.
    pub gone: Gone,
    /// Columns that identify a row; required for `upsert`, none for `replace_ids`, whose key is the id.
    pub key: Vec<String>,
    /// Further columns filled from the record's own facts.
    pub stamp: Vec<(String, Stamp)>,
}

/// A place to publish into.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// A DuckDB file; the path is absolute.
    DuckDb(PathBuf),
}

/// How rows meet what the table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Rows are added.
    Append,
    /// Rows with the same key are replaced, others are added and stay.
    Upsert,
    /// The table's rows are replaced as a whole.
    Replace,
    /// All rows of each answered id are replaced; those of other ids stay.
    ReplaceIds,
}

/// What becomes of the rows of ids that the list no longer has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Gone {
    /// They stay (the default).
    Keep,
    /// They are deleted.
    Delete,
}

/// What a stamped column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stamp {
    /// `record.fetched_at`: when the record's last answer came (timestamp).
    FetchedAt,
    /// `run.id` (text).
    RunId,
    /// `run.started_at` (timestamp).
    RunStartedAt,
    /// `run.day`: the day on which it started, in UTC (date).
    RunDay,
    /// `record.ordinal` (bigint).
    Ordinal,
}

/// When a run is published, and the conditions without which it is not.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Publish {
    /// When.
    pub when: PublishWhen,
    /// Share of the records, 0 to 1, that must be `ok` or `missing` at every endpoint. Default 0: no condition.
    /// (An endpoint has a `min_success` of its own.)
    pub min_success: f64,
    /// Most records that may fail. `None`: any number.
    pub max_failed: Option<u64>,
    /// Fewest rows that the run must bring.
    pub min_rows: Option<u64>,
    /// Most that the table's row count may change by, as a share of what it has now: 0.1 for a tenth.
    pub max_change: Option<f64>,
}

/// When a run is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PublishWhen {
    /// When every pair is accounted for (the default).
    #[default]
    Finished,
    /// Also what there is whenever the run pauses for a quota; only for `append` and `upsert`.
    EachPause,
}

impl Destination {
    /// `duckdb:FILE`, the file relative to `folder`; otherwise what is wrong with it, and a hint.
    pub fn parse(url: &str, folder: &std::path::Path) -> Result<Destination, String> {
        match url.strip_prefix("duckdb:") {
            Some(file) if !file.is_empty() => Ok(Destination::DuckDb(folder.join(file))),
            _ => Err(format!("unknown destination {url:?}\nhint: write duckdb: and the path of a file")),
        }
    }
}

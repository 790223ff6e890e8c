//! `[table]` and `[publish]`: where the rows go, and on what conditions.

use std::fmt;
use std::path::PathBuf;

use super::server::{ServerKind, ServerUrl};
use super::template::quoted;

/// Where the rows go.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// The database.
    pub to: Destination,
    /// Table name, as [`TableName`] reads it.
    pub name: String,
    /// How rows meet what the table holds.
    pub mode: Mode,
    /// What becomes of the rows of ids that the list no longer has; `delete` only for `upsert` and `replace_ids`.
    pub on_unlisted: OnUnlisted,
    /// Columns that identify a row; required for `upsert`, none for `replace_ids`, whose key is the id.
    pub key: Vec<String>,
    /// Further columns filled from the record's own facts.
    pub stamp: Vec<(String, Stamp)>,
    /// Where the runs themselves are noted, a [`TableName`]; `None` for `windrow_runs` beside the table. For
    /// database servers.
    pub runs_table: Option<String>,
    /// Whether `replace` makes a new table that takes the old one's name. Only for `replace`, on database servers.
    pub swap: bool,
    /// What may become of rows of other tables that refer to rows which are deleted or updated. For database servers.
    pub on_referencing: OnReferencing,
    /// What becomes of columns of the job that a table which is there does not have.
    pub on_new_column: OnNewColumn,
    /// Columns that the folder's files are divided by; only for Parquet.
    pub partition_by: Vec<String>,
}

/// A table's name as jobs write it: `name` or `schema.name`; what holds a point or a quote stands in quotes, the enclosing
/// one doubled within, as in SQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableName {
    /// The schema, if there is one.
    pub schema: Option<String>,
    /// The table's own name.
    pub table: String,
}

impl TableName {
    /// Reads a name; `None` where it is none.
    pub fn parse(text: &str) -> Option<TableName> {
        let (first, rest) = name_part(text)?;
        match rest.strip_prefix('.') {
            None => rest.is_empty().then_some(TableName { schema: None, table: first }),
            Some(rest) => {
                let (table, rest) = name_part(rest)?;
                rest.is_empty().then_some(TableName { schema: Some(first), table })
            }
        }
    }

    /// Its parts, the schema first.
    pub fn parts(&self) -> impl Iterator<Item = &str> {
        self.schema.iter().chain([&self.table]).map(String::as_str)
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let written = |part: &str| match name_part(part) {
            Some((_, "")) if !part.starts_with('"') => part.to_owned(),
            _ => format!("\"{}\"", part.replace('"', "\"\"")),
        };
        formatter.write_str(&self.parts().map(written).collect::<Vec<_>>().join("."))
    }
}

/// The part of a table's name that a text begins with, and what comes behind it.
fn name_part(text: &str) -> Option<(String, &str)> {
    let (part, length) = if text.starts_with('"') {
        quoted(text)?
    } else {
        let length = text.find(['.', '"']).unwrap_or(text.len());
        (text[..length].to_owned(), length)
    };
    let is_name = !part.is_empty() && !part.contains('\0') && (text.starts_with('"') || part.trim() == part);
    is_name.then_some((part, &text[length..]))
}

/// A place to publish into. Paths are absolute.
#[derive(Debug, Clone, PartialEq)]
pub enum Destination {
    /// A DuckDB file.
    DuckDb(PathBuf),
    /// A database server.
    Server(ServerUrl),
    /// An SQLite file.
    Sqlite(PathBuf),
    /// A Parquet file; a folder of them where the table is partitioned.
    Parquet(PathBuf),
    /// A CSV file.
    Csv(PathBuf),
}

/// A statement, or several, of the job's own: before the rows are written, or after, in the same transaction.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement {
    /// As the destination reads it.
    pub sql: String,
    /// The CSV or Parquet file that its answer goes into, absolute; only after the rows are written.
    pub file: Option<PathBuf>,
    /// The columns of that file by which a row of it is found; none: rows are not looked for one by one.
    pub key: Vec<String>,
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
pub enum OnUnlisted {
    /// They stay (the default).
    Keep,
    /// They are deleted.
    Delete,
}

/// What may become of rows of other tables that refer to a row which is deleted or updated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnReferencing {
    /// Nothing: else the run is not published (the default).
    Fail,
    /// References may be taken away: ON DELETE SET NULL and SET DEFAULT.
    Null,
    /// The rows may be deleted, too: ON DELETE CASCADE.
    Delete,
}

/// What becomes of columns of the job that a table which is there does not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OnNewColumn {
    /// Nothing: the job is refused (the default).
    Fail,
    /// They are added, but those of the key.
    Add,
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
    pub on_pause: OnPause,
    /// Share of the records, 0 to 1, that must be `ok` or `missing` at every endpoint; `None` where the job does not say:
    /// [`Success::of`](super::Success::of) tells what holds then. (An endpoint has a `min_success` of its own.)
    pub min_success: Option<f64>,
    /// Most records that may fail. `None`: any number.
    pub max_failed: Option<u64>,
    /// Most rows that a later one with the same key may leave out; only where the mode is [`Mode::Upsert`].
    pub max_duplicates: Option<u64>,
    /// Most records that the table may refuse, without which the run is published.
    pub max_rejected: u64,
    /// Fewest rows that the run must bring.
    pub min_rows: Option<u64>,
    /// Most that the table's row count may change by, as a share of what it has now: 0.1 for a tenth.
    pub max_change: Option<f64>,
}

/// When a run is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPause {
    /// When every pair is accounted for (the default).
    #[default]
    Wait,
    /// Also what there is whenever the run pauses for a quota; only for `append` and `upsert`.
    Publish,
}

impl Table {
    /// A table without a key, for tests; everything else as it is by default.
    #[cfg(any(test, feature = "benches"))]
    pub fn plain(to: Destination, name: &str, mode: Mode) -> Table {
        Table {
            to,
            name: name.to_owned(),
            mode,
            on_unlisted: OnUnlisted::Keep,
            key: Vec::new(),
            stamp: Vec::new(),
            runs_table: None,
            swap: false,
            on_referencing: OnReferencing::Fail,
            on_new_column: OnNewColumn::Fail,
            partition_by: Vec::new(),
        }
    }
}

impl Destination {
    /// `duckdb:FILE`, `sqlite:FILE`, `parquet:FILE`, `csv:FILE` (relative to `folder`) or the URL of a server; otherwise
    /// what is wrong with it, and a hint.
    pub fn parse(url: &str, folder: &std::path::Path) -> Result<Destination, String> {
        let (scheme, rest) = url.split_once(':').unwrap_or(("", url));
        let path = || folder.join(rest);
        match scheme {
            _ if ServerKind::of(scheme).is_some() => {
                ServerUrl::parse(url).map(Destination::Server).map_err(|mistake| mistake.to_string())
            }
            "duckdb" if !rest.is_empty() => Ok(Destination::DuckDb(path())),
            "sqlite" if !rest.is_empty() => Ok(Destination::Sqlite(path())),
            "parquet" if !rest.is_empty() => Ok(Destination::Parquet(path())),
            "csv" if !rest.is_empty() => Ok(Destination::Csv(path())),
            _ => Err(format!(
                "unknown destination {url:?}\nhint: write duckdb:, sqlite:, parquet: or csv: and a path, or postgres://… or mysql://…"
            )),
        }
    }
}

//! `[input]`: the list of records.

use std::fmt;
use std::path::{Path, PathBuf};

use encoding_rs::Encoding;
use serde::{Serialize, Serializer};

use super::by_name::by_name;
use super::queue::Queue;
use super::server::ServerUrl;
use crate::value::Type;

/// The list of records. What its serialization has is a question: changed, it starts a new run
/// ([`Job::questions`](super::Job::questions)).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Input {
    /// Where it is read from.
    #[serde(flatten)]
    pub source: Source,
    /// The column or columns that identify a record; for `lines` and `ids` sources the one that names it.
    pub id: Vec<String>,
    /// Input columns to carry into the table besides the id.
    pub columns: Vec<String>,
    /// Types of input columns that are not text (CSV, TSV, lines) or not what the file says (Parquet, JSONL).
    #[serde(serialize_with = "by_name")]
    pub types: Vec<(String, Type)>,
    /// What to do with an id that comes twice.
    pub on_duplicate: OnDuplicate,
    /// Whether an empty list is no error.
    #[serde(skip)]
    pub allow_empty: bool,
    /// How the list's text is written; of no effect where it is none.
    #[serde(flatten)]
    pub dialect: Dialect,
}

impl Input {
    /// Whether its records are jobs that are taken as they come.
    pub fn is_queue(&self) -> bool {
        matches!(self.source, Source::Queue(_))
    }
}

/// How a text list is written, where the job says it (the word is Frictionless's, for CSV).
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Dialect {
    /// The ASCII character between two fields; a comma (csv) or a tab (tsv) by default.
    pub delimiter: Option<u8>,
    /// What encloses a field. By default `"`, with a look at what a quoted field swallows.
    pub quote: Option<Quote>,
    /// What the bytes are; by default what their byte order mark says, or UTF-8. A mark is believed first.
    #[serde(serialize_with = "label")]
    pub encoding: Option<&'static Encoding>,
    /// Lines that begin with this text are passed over.
    pub comment: Option<String>,
    /// Lines passed over at the beginning, the header not among them.
    pub skip_lines: u64,
}

fn label<S: Serializer>(encoding: &Option<&'static Encoding>, serializer: S) -> Result<S::Ok, S::Error> {
    encoding.map(Encoding::name).serialize(serializer)
}

/// What encloses a field of a CSV or TSV list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Quote {
    /// Nothing: quotes are text like any other.
    None,
    /// This ASCII character, doubled where it is text.
    Character(u8),
}

/// Where the list is read from.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// A file; the path is absolute.
    File {
        /// Absolute. What the file holds is compared by itself.
        #[serde(skip)]
        path: PathBuf,
        /// By its ending, or as the job says.
        format: Format,
    },
    /// `ids = [...]`: text, one id each.
    Ids(Vec<String>),
    /// `"-"`: standard input.
    Stdin {
        /// As the job says; `lines` by default.
        format: Format,
    },
    /// The answer to one SELECT.
    #[serde(rename = "sql")]
    Query {
        /// Who is asked.
        #[serde(skip)]
        database: Database,
        /// One statement that gives rows, as written.
        sql: String,
    },
    /// A table of jobs in the destination's own database, taken as they come.
    Queue(#[serde(skip)] Box<Queue>),
}

/// A database that gives a list.
#[derive(Debug, Clone, PartialEq)]
pub enum Database {
    /// A DuckDB file, absolute, read only; `None` for DuckDB without one, over files that the query names.
    DuckDb(Option<PathBuf>),
    /// A database server.
    Server(ServerUrl),
    /// An SQLite file, absolute, read only.
    Sqlite(PathBuf),
}

impl fmt::Display for Database {
    /// As a job file would name it, without a password.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Database::DuckDb(path) => {
                write!(out, "duckdb:{}", path.as_deref().unwrap_or(Path::new("")).display())
            }
            Database::Server(url) => out.write_str(&url.shown()),
            Database::Sqlite(path) => write!(out, "sqlite:{}", path.display()),
        }
    }
}

/// The format of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// Comma-separated values with a header line (RFC 4180).
    Csv,
    /// Tab-separated values with a header line.
    Tsv,
    /// One JSON object a line.
    Jsonl,
    /// Apache Parquet.
    Parquet,
    /// One id a line, no header.
    Lines,
}

/// What to do with an id that comes more than once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum OnDuplicate {
    /// An error that names the first of them (the default).
    Fail,
    /// Each is a record of its own.
    Keep,
    /// The first is kept, the later ones are left out and counted.
    First,
}

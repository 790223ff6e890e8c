//! What can be wrong with a list, each with the place and what to do about it.

use std::fmt;
use std::io;

use super::compressed::{Compression, Damaged};
use crate::database::{DatabaseError, Trouble};
use crate::handoff::Exit;
use crate::value::{Misfit, cut};

/// Names that a message lists before it says "and 3 more".
const SHOWN: usize = 12;

/// Characters of a name that a message shows.
const NAME: usize = 60;

/// What a position in a list counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::plan) enum Unit {
    /// Lines of a text, from 1, the header included.
    Line,
    /// Rows of a table, from 1.
    Row,
    /// Entries of `ids = [...]`, from 1.
    Entry,
}

/// A position in a list.
#[derive(Debug, Clone, PartialEq)]
pub struct Position {
    /// The list.
    pub(in crate::plan) list: String,
    /// What `number` counts.
    pub(in crate::plan) unit: Unit,
    /// From 1.
    pub(in crate::plan) number: u64,
}

impl fmt::Display for Unit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(match self {
            Unit::Line => "line",
            Unit::Row => "row",
            Unit::Entry => "entry",
        })
    }
}

impl fmt::Display for Position {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}, {} {}", self.list, self.unit, self.number)
    }
}

/// A mistake in the list, or in what the job says of it.
#[derive(Debug, thiserror::Error)]
pub enum ListError {
    /// There is no such file.
    #[error("no list at {0}\nhint: a relative path counts from the job file's folder")]
    Missing(String),
    /// It is a pipe or a device.
    #[error(
        "{0} is a pipe or a device, which can be read only once, and a list is read again when its run goes on\nhint: write it into a file; or say file = \"-\" and pipe it to windrow"
    )]
    Pipe(String),
    /// It is a folder.
    #[error("{0} is a folder, not a list\nhint: name one file")]
    Folder(String),
    /// It could not be read.
    #[error("cannot read {list}: {source}")]
    Unreadable {
        /// The list.
        list: String,
        /// Why.
        source: io::Error,
    },
    /// It has no records.
    #[error(
        "{0} holds no records\nhint: where an empty list is no error, say allow_empty = true under [input]"
    )]
    Empty(String),
    /// It is something else than the job says.
    #[error("{list} is {what}\nhint: {hint}")]
    Foreign {
        /// The list.
        list: String,
        /// What it is.
        what: String,
        /// What to do.
        hint: String,
    },
    /// Bytes that are no text of the encoding.
    #[error(
        "{place}: not valid {encoding}\nhint: say the encoding under [input], such as encoding = \"cp1252\" or \"utf-16le\""
    )]
    NotText {
        /// Where.
        place: Position,
        /// The encoding.
        encoding: &'static str,
    },
    /// A byte order mark at the beginning of another line than the first.
    #[error(
        "{0}: begins with a byte order mark\nhint: were two files put together here? Take the mark (EF BB BF) out"
    )]
    MarkWithin(Position),
    /// Compressed, and cut off or damaged.
    #[error(
        "{list} cannot be decompressed to its end ({compression}): {why}\nhint: it is damaged, or was cut off on its way here: fetch or make it again"
    )]
    Compressed {
        /// The list.
        list: String,
        /// gzip or zstd.
        compression: &'static str,
        /// Why.
        why: String,
    },
    /// A file was written to while it was read.
    #[error(
        "{0} changed while it was read\nhint: run again when it is finished; write it aside, and rename it when it is whole"
    )]
    Changing(String),
    /// A needed column is not there.
    #[error("{list} has no column {name:?}; it has {}{}", listed(.there), did_you_mean(.name, .there))]
    NoColumn {
        /// The list.
        list: String,
        /// What was looked for.
        name: String,
        /// What is there.
        there: Vec<String>,
    },
    /// A needed column is there more than once.
    #[error("{list} has more than one column {name:?}\nhint: give each column a name of its own")]
    ColumnTwice {
        /// The list, with the line where there is one.
        list: String,
        /// The name.
        name: String,
    },
    /// More or fewer fields than the header.
    #[error("{place}: {fields} fields, but the header has {header}\nhint: {hint}")]
    Fields {
        /// Where.
        place: Position,
        /// Fields of the line.
        fields: u64,
        /// Fields of the header.
        header: u64,
        /// What to do.
        hint: &'static str,
    },
    /// A quoted field runs to the end of the file, or for longer than a record may be.
    #[error("{0}: a quoted field that begins here never ends\nhint: {1}")]
    OpenQuote(Position, &'static str),
    /// A quote where the format has none.
    #[error("{place}: {what}\nhint: {hint}")]
    StrayQuote {
        /// Where.
        place: Position,
        /// What is wrong.
        what: String,
        /// What to do.
        hint: &'static str,
    },
    /// A quoted field swallows what reads as records.
    #[error(
        "{place}: a quoted field goes on to line {last}, over lines that read as records of their own\nhint: where quotes are text like any other, say quote = \"none\" under [input]; where the field has these lines, say quote = '\"'"
    )]
    Swallowed {
        /// Where the record begins.
        place: Position,
        /// The line in which it ends.
        last: u64,
    },
    /// A line is not a JSON object.
    #[error("{place}: {why}\nhint: jsonl holds one JSON object a line")]
    Json {
        /// Where.
        place: Position,
        /// What is wrong.
        why: String,
    },
    /// Longer than windrow takes.
    #[error("{place}: {what} is longer than {limit}\nhint: {hint}")]
    TooLong {
        /// Where.
        place: Position,
        /// The line, or a column.
        what: String,
        /// The limit.
        limit: &'static str,
        /// What to do.
        hint: &'static str,
    },
    /// A record without an id.
    #[error(
        "{place}: no {column:?}, but every record needs its id\nhint: give it one, or leave it out of the list"
    )]
    NoId {
        /// Where.
        place: Position,
        /// The id column.
        column: String,
    },
    /// A value is not of its column's type.
    #[error("{place}, column {column:?}: {misfit}{}\nhint: correct it, or the column's type in the job file", .misfit.such_as())]
    Misfit {
        /// Where.
        place: Position,
        /// Its column.
        column: String,
        /// What does not fit.
        misfit: Misfit,
    },
    /// A Parquet column has a type that windrow does not carry.
    #[error("{list}, column {column:?}: {found} cannot be carried\nhint: {hint}")]
    ColumnType {
        /// The list.
        list: String,
        /// The column.
        column: String,
        /// Its type.
        found: String,
        /// What to do.
        hint: &'static str,
    },
    /// Not Parquet, or damaged.
    #[error("{list} cannot be read as Parquet: {why}\nhint: write the file anew, or give the list as CSV")]
    Parquet {
        /// The list.
        list: String,
        /// Why.
        why: String,
    },
    /// The server of a list is not there, or has trouble of its own.
    #[error(transparent)]
    Server(#[from] DatabaseError),
    /// A database that cannot be read.
    #[error("{list}: {message}\nhint: {hint}")]
    Database {
        /// The database.
        list: String,
        /// Its words.
        message: String,
        /// What to do.
        hint: String,
    },
    /// The query is not one that gives a list.
    #[error("{list}: {message}{place}\nhint: {hint}")]
    Query {
        /// The database.
        list: String,
        /// Its words.
        message: String,
        /// Where in the query, with a line break before it; empty where that is not known.
        place: String,
        /// What to do.
        hint: &'static str,
    },
    /// An id comes more than once.
    #[error(
        "{list}: id {id:?} comes twice, in {unit} {first} and {unit} {again}{}\nhint: on_duplicate = \"first\" keeps the first of each, \"keep\" keeps all",
        further(*.more)
    )]
    Duplicate {
        /// The list.
        list: String,
        /// Shortened.
        id: String,
        /// "line", "row" or "entry".
        unit: String,
        /// Where it came first.
        first: u64,
        /// Where it came again.
        again: u64,
        /// Further records whose id came before.
        more: u64,
    },
    /// Ids that were asked for are not in the list.
    #[error("{list} has no record {}\nhint: ids are compared letter by letter", listed(.ids))]
    NotListed {
        /// The list.
        list: String,
        /// The ids.
        ids: Vec<String>,
    },
    /// Single ids were asked for, but the job's id has several columns.
    #[error("records cannot be picked by id: the id has {columns} columns\nhint: use --sample")]
    CompoundId {
        /// Columns of the id.
        columns: usize,
    },
}

impl ListError {
    /// Whether it is an id that comes twice.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, ListError::Duplicate { .. })
    }

    /// The row, line or entry that is wrong, from 1, where it is one alone.
    pub fn number(&self) -> Option<u64> {
        match self {
            ListError::NoId { place, .. }
            | ListError::TooLong { place, .. }
            | ListError::Misfit { place, .. } => Some(place.number),
            _ => None,
        }
    }

    /// Why reading failed: the list's own damage, or the file's trouble.
    pub(super) fn of_reading(list: &str, source: io::Error) -> ListError {
        match source.get_ref().and_then(|inner| inner.downcast_ref::<Damaged>()) {
            Some(Damaged { compression, source }) => ListError::compressed(list, *compression, source),
            None => ListError::Unreadable { list: list.to_owned(), source },
        }
    }

    /// A compressed list that does not come out whole.
    pub(super) fn compressed(list: &str, compression: Compression, source: &io::Error) -> ListError {
        let why = match source.kind() {
            io::ErrorKind::UnexpectedEof => "it ends too early".to_owned(),
            _ => source.to_string(),
        };
        ListError::Compressed { list: list.to_owned(), compression: compression.name(), why }
    }

    /// The exit code that this error ends a process with.
    pub fn exit(&self) -> Exit {
        match self {
            ListError::Unreadable { source, .. } if source.kind() != io::ErrorKind::PermissionDenied => {
                Exit::Disk
            }
            ListError::Server(error) => exit_of_server(error),
            ListError::Database { .. } => Exit::Database,
            _ => Exit::Usage,
        }
    }
}

fn exit_of_server(error: &DatabaseError) -> Exit {
    let is_usage = match error {
        DatabaseError::Address { .. } => true,
        DatabaseError::Refused { trouble, .. } => matches!(trouble, Trouble::Statement | Trouble::Value),
        DatabaseError::Unreachable { .. } | DatabaseError::File { .. } | DatabaseError::Lost { .. } => false,
    };
    if is_usage { Exit::Usage } else { Exit::Database }
}

/// `"a", "b" and 3 more`.
fn listed(names: &[String]) -> String {
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| format!("{:?}", cut(name, NAME))).collect();
    match names.len().saturating_sub(SHOWN) {
        0 if names.is_empty() => "none".to_owned(),
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A hint: another separator, or the name that is close to the one that was meant.
fn did_you_mean(name: &str, there: &[String]) -> String {
    if let [all] = there
        && let Some(separator) = all.chars().find(|letter| "\t,;|".contains(*letter))
    {
        return match separator {
            '\t' => "\nhint: say format = \"tsv\"".to_owned(),
            ',' => "\nhint: say format = \"csv\"".to_owned(),
            other => format!("\nhint: say delimiter = \"{other}\" under [input]"),
        };
    }
    let likeness =
        |other: &String| strsim::jaro_winkler(&name.trim().to_lowercase(), &other.trim().to_lowercase());
    let closest = there.iter().map(|other| (likeness(other), other)).max_by(|a, b| a.0.total_cmp(&b.0));
    match closest {
        Some((likeness, other)) if likeness > 0.8 => {
            format!("\nhint: did you mean {:?}?", cut(other.trim(), NAME))
        }
        _ => "\nhint: name one of these columns in the job file".to_owned(),
    }
}

fn further(more: u64) -> String {
    if more == 0 { String::new() } else { format!(", and {more} more") }
}

//! DuckDB as windrow opens it, and what its errors mean.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use duckdb::Connection;

use super::error::{FULL, WRITABLE};
use super::{MergeError, aside};
use crate::database::duck::{Patience, config, is_in_use, message, prepare};
use crate::os::rename_new;

/// Opens a database file for writing; makes it if it is not there: of a link its target.
pub(super) fn open(path: &Path) -> Result<Connection, MergeError> {
    open_in(path, None)
}

/// The same, with so many rows in each new row group.
fn open_in(path: &Path, row_group: Option<u64>) -> Result<Connection, MergeError> {
    let path = &aside::through_links(path);
    if !path.exists() {
        make(path)?;
    }
    let connection = connect(path, row_group).map_err(|error| failed(path, &error))?;
    prepare(&connection).map_err(|error| failed(path, &error))?;
    Ok(connection)
}

/// Connects to a file. Rows of a group can be said only of one that is attached, to a database in memory which uses it; and
/// SQL names only paths that are text.
fn connect(path: &Path, row_group: Option<u64>) -> duckdb::Result<Connection> {
    let (Some(row_group), Some(file)) = (row_group, path.to_str()) else {
        return Connection::open_with_flags(path, config()?);
    };
    let connection = Connection::open_in_memory_with_flags(config()?)?;
    let (name, text) = (super::sql::identifier(&name_of(path)), super::sql::text);
    connection.execute_batch(&format!(
        "SET temp_directory = {}; ATTACH {} AS {name} (ROW_GROUP_SIZE {row_group}); USE {name}",
        text(&format!("{file}.tmp")),
        text(file),
    ))?;
    Ok(connection)
}

/// The name that DuckDB gives a database by its file, which statements of the job may use; another where that is taken.
fn name_of(path: &Path) -> String {
    let file = path.file_name().unwrap_or_default().to_string_lossy();
    let name = file.split('.').next().unwrap_or_default();
    let is_taken = ["", "memory", "temp", "system"].contains(&name.to_lowercase().as_str());
    if is_taken { format!("{name}_db") } else { name.to_owned() }
}

/// Opens it for a load of that many rows to a row group; waits for a while where another process has it, unless told to
/// give up.
pub(super) fn open_unless(
    path: &Path,
    row_group: Option<u64>,
    given_up: impl Fn() -> bool,
) -> Result<Connection, MergeError> {
    let mut patience = Patience::default();
    loop {
        let opened = open_in(path, row_group);
        match pause(&mut patience, &opened) {
            Some(pause) if !given_up() => std::thread::sleep(pause),
            _ => return opened,
        }
    }
}

/// The same, for who has other things to wait for.
pub(super) async fn open_when_free(path: &Path) -> Result<Connection, MergeError> {
    let mut patience = Patience::default();
    loop {
        let opened = open(path);
        match pause(&mut patience, &opened) {
            Some(pause) => tokio::time::sleep(pause).await,
            None => return opened,
        }
    }
}

/// How long to wait before the next try, where another may help.
fn pause(patience: &mut Patience, opened: &Result<Connection, MergeError>) -> Option<Duration> {
    match opened {
        Err(MergeError::InUse { path, message }) => patience.pause(path, message),
        _ => None,
    }
}

/// Makes an empty database, whole or not at all: a death or a full disk amid it would leave a file that is none.
fn make(path: &Path) -> Result<(), MergeError> {
    let disk = |error: io::Error| MergeError::Disk {
        path: path.display().to_string(),
        message: error.to_string(),
        hint: "windrow makes the database there: it needs room, and to write",
    };
    let folder = aside::parent(path);
    aside::sweep(folder);
    let aside = aside::for_moments(folder).map_err(disk)?;
    let whole = aside.path().join("new.duckdb");
    let made = config().and_then(|config| Connection::open_with_flags(&whole, config));
    let closed = made.and_then(|connection| connection.close().map_err(|(_, error)| error));
    closed.map_err(|error| failed(path, &error))?;
    match fs::hard_link(&whole, path) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links.
        Err(_) => rename_new(&whole, path).or_else(exists_is_fine).map_err(disk),
        Ok(()) => Ok(()),
    }
}

/// A file that somebody else made meanwhile is theirs.
fn exists_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::AlreadyExists { Ok(()) } else { Err(error) }
}

/// Opens a new database that nobody else will ever see, in a folder that goes away with it, with so many rows in a row
/// group.
pub(super) fn open_scratch(path: &Path, row_group: Option<u64>) -> duckdb::Result<Connection> {
    let connection = connect(path, row_group)?;
    prepare(&connection)?;
    Ok(connection)
}

/// A folder for what does not fit into memory; it goes away with this.
pub(super) fn scratch_folder() -> Result<tempfile::TempDir, MergeError> {
    tempfile::tempdir().map_err(|error| MergeError::Disk {
        path: std::env::temp_dir().display().to_string(),
        message: error.to_string(),
        hint: "DuckDB needs a folder for what does not fit into memory; TMPDIR names it",
    })
}

/// Opens a database in memory that spills into `scratch`; beside it lies another one, `windrow`, for answers.
pub(super) fn open_in_memory(scratch: &Path) -> duckdb::Result<Connection> {
    let connection = new_in_memory()?;
    let scratch = super::sql::text(&scratch.to_string_lossy());
    connection.execute_batch(&format!("SET temp_directory = {scratch}; ATTACH ':memory:' AS windrow"))?;
    Ok(connection)
}

/// Another connection to an open database, which has no temporary tables of the first.
pub(super) fn another_connection(to: &Connection) -> duckdb::Result<Connection> {
    let connection = to.try_clone()?;
    // The one setting that belongs to a connection.
    connection.execute_batch("SET TimeZone = 'UTC'")?;
    Ok(connection)
}

/// A new database in memory, for a look at something small.
pub(super) fn new_in_memory() -> duckdb::Result<Connection> {
    let connection = Connection::open_in_memory_with_flags(config()?)?;
    prepare(&connection)?;
    Ok(connection)
}

/// What DuckDB's error means where it reads a file that stands at the destination.
pub(super) fn unreadable(path: &Path, error: &duckdb::Error) -> MergeError {
    match failed(path, error) {
        MergeError::Database { path, message } => {
            let hint = "nothing was published; correct the file, or move it away: it is made anew then";
            MergeError::NotReadable { path, message, hint }
        }
        other => other,
    }
}

/// What DuckDB's error means for the database at `path`.
pub(super) fn failed(path: &Path, error: &duckdb::Error) -> MergeError {
    let path = path.display().to_string();
    let message = message(error);
    let hint_of = |hints: &[(&str, &'static str)]| {
        hints.iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| *hint)
    };
    if is_in_use(error) {
        return MergeError::InUse { path, message };
    }
    if message.starts_with("Constraint Error") {
        let hint = hint_of(&CONSTRAINT).unwrap_or("the table has conditions of its own");
        // It repeats the value, and what stands in that must not look like a line of ours.
        let message = message.replace('\n', "\\n");
        return MergeError::Constraint { path, message, hint };
    }
    if let Some(hint) = hint_of(&UNREADABLE) {
        return MergeError::NotReadable { path, message, hint };
    }
    if let Some(hint) = hint_of(&DISK) {
        return MergeError::Disk { path, message, hint };
    }
    MergeError::Database { path, message }
}

const NOT_DUCKDB: &str = "the job's [table] to must name a DuckDB file";

/// Words of DuckDB's about a file that it cannot read, each with what to do.
const UNREADABLE: [(&str, &str); 5] = [
    (
        "newer version of DuckDB",
        "open it with the DuckDB that made it and copy it with EXPORT DATABASE, or publish into another file",
    ),
    ("not a valid DuckDB database", NOT_DUCKDB),
    ("sqlite_scanner", NOT_DUCKDB),
    ("Is a directory", NOT_DUCKDB),
    ("Corrupt database file", "the file is damaged: bring it back from a copy, or publish into another file"),
];

/// The same about the disk.
const DISK: [(&str, &str); 6] = [
    ("fsync failed", "the disk does not keep what is written to it: look at the system's log"),
    ("No space left on device", FULL),
    ("Disk quota exceeded", FULL),
    ("max_temp_directory_size", FULL),
    ("Permission denied", WRITABLE),
    ("Read-only file system", WRITABLE),
];

/// The same about keys and conditions.
const CONSTRAINT: [(&str, &str); 2] = [
    ("foreign key", "DuckDB does not replace rows that another table refers to: drop that reference"),
    (
        "Duplicate key",
        "a unique column or index of the table has that value already: an upsert replaces rows by its key alone",
    ),
];

/// All that DuckDB says of somebody's own statement: what is marked in it helps.
pub(super) fn whole_message(error: &duckdb::Error) -> String {
    match error {
        duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    }
}

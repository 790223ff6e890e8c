//! DuckDB as windrow opens it, and what its errors mean.

use std::path::Path;
use std::time::Duration;
use std::{fs, io};

use duckdb::Connection;

use super::MergeError;
use crate::database::duck::{config, message, prepare};

/// How the folder is named in which a new database is made.
const ASIDE: &str = ".windrow-";

/// Age from which nobody can be at work there any more.
const ABANDONED: Duration = Duration::from_secs(10 * 60);

/// Opens a database file for writing; makes it if it is not there.
pub(super) fn open(path: &Path) -> Result<Connection, MergeError> {
    if !path.exists() {
        make(path)?;
    }
    let opened = config().and_then(|config| Connection::open_with_flags(path, config));
    let connection = opened.map_err(|error| failed(path, &error))?;
    prepare(&connection).map_err(|error| failed(path, &error))?;
    Ok(connection)
}

/// Makes an empty database, whole or not at all: a death or a full disk amid it would leave a file that is none.
fn make(path: &Path) -> Result<(), MergeError> {
    let disk = |error: io::Error| MergeError::Disk {
        path: path.display().to_string(),
        message: error.to_string(),
        hint: "windrow makes the database there: it needs room, and to write",
    };
    let folder = path.parent().unwrap_or(Path::new("."));
    sweep(folder);
    let aside = tempfile::Builder::new().prefix(ASIDE).tempdir_in(folder).map_err(disk)?;
    let whole = aside.path().join("new.duckdb");
    let made = config().and_then(|config| Connection::open_with_flags(&whole, config));
    let closed = made.and_then(|connection| connection.close().map_err(|(_, error)| error));
    closed.map_err(|error| failed(path, &error))?;
    match fs::hard_link(&whole, path) {
        // Somebody else was faster.
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        // A file system without hard links.
        Err(_) => fs::rename(&whole, path).map_err(disk),
        Ok(()) => Ok(()),
    }
}

/// What a maker that was killed left in the folder. A living one is done within moments.
fn sweep(folder: &Path) {
    let is_old = |entry: &fs::DirEntry| {
        let changed = entry.metadata().and_then(|found| found.modified()).ok();
        changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > ABANDONED)
    };
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let made_here = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(ASIDE);
    for left in entries.filter(|entry| made_here(entry) && is_old(entry)) {
        // It is only in the way: the next maker tries again.
        let _ = fs::remove_dir_all(left.path());
    }
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
    let connection = Connection::open_in_memory_with_flags(config()?)?;
    prepare(&connection)?;
    let scratch = super::sql::text(&scratch.to_string_lossy());
    connection.execute_batch(&format!("SET temp_directory = {scratch}; ATTACH ':memory:' AS windrow"))?;
    Ok(connection)
}

/// What DuckDB's error means for the database at `path`.
pub(super) fn failed(path: &Path, error: &duckdb::Error) -> MergeError {
    let path = path.display().to_string();
    let message = message(error);
    let hint_of = |hints: &[(&str, &'static str)]| {
        hints.iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| *hint)
    };
    if message.contains("Could not set lock on file") {
        return MergeError::InUse { path, message };
    }
    if message.starts_with("Constraint Error") {
        let hint = hint_of(&CONSTRAINT).unwrap_or("the table has conditions of its own");
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
const FULL: &str = "free some space, then repeat `windrow merge`: nothing was published, the run is kept";
const WRITABLE: &str = "windrow needs to write there";

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
    ("Duplicate key", "mode = \"upsert\" replaces the rows that have the same key"),
];

/// All that DuckDB says of somebody's own statement: what is marked in it helps.
pub(super) fn whole_message(error: &duckdb::Error) -> String {
    match error {
        duckdb::Error::DuckDBFailure(_, Some(text)) => text.clone(),
        other => other.to_string(),
    }
}

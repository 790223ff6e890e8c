//! How a file is opened, and what keeps one from being opened: in words, before anything is written.

use std::collections::BTreeSet;
use std::fs::OpenOptions;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags, Result};

use super::busy::Patience;
use super::{error, functions};
use crate::database::{DatabaseError, Trouble};
use crate::os::{network_file_system, tell};

/// COMMIT means that it is on the disk; references hold; what does not fit into 64 MB is set aside in files.
const SETTINGS: &str = "PRAGMA foreign_keys = ON; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536";

/// Opens the file to write into it; makes it where it is not there.
pub(super) fn to_write(path: &Path, stop: &Arc<AtomicBool>) -> Result<Connection, DatabaseError> {
    refuse_unfit(path)?;
    let is_new = std::fs::metadata(path).map_or(true, |file| file.len() == 0);
    let failed = |error| error::unopened(path, &error);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    let connection = connect(path, flags, stop).map_err(failed)?;
    let remote = network_file_system(folder(path));
    if let Some(remote) = remote {
        let path = path.display();
        tell(format_args!(
            "{path} is on a network file system ({remote}): SQLite's locks often do not hold there, and then the file is \
             damaged; let one machine alone use it"
        ));
    }
    keep_journal(&connection, path, is_new && remote.is_none()).map_err(failed)?;
    connection.execute_batch(SETTINGS).map_err(failed)?;
    Ok(connection)
}

/// A file that is new gets a write-ahead log, another one keeps what it has.
fn keep_journal(connection: &Connection, path: &Path, is_new: bool) -> Result<()> {
    if is_new {
        return connection.query_row("PRAGMA journal_mode = WAL", [], |_| Ok(()));
    }
    let mode: String = connection.query_row("PRAGMA journal_mode", [], |row| row.get(0))?;
    if mode != "wal" && is_first_told(path) {
        let path = path.display();
        tell(format_args!(
            "{path} has a rollback journal ({mode}): others that read it wait while it is written, and it waits for them; \
             PRAGMA journal_mode = WAL, once, lets both go on"
        ));
    }
    Ok(())
}

/// Whether it has not been told of that file yet: a load opens it several times.
fn is_first_told(path: &Path) -> bool {
    static TOLD: Mutex<BTreeSet<PathBuf>> = Mutex::new(BTreeSet::new());
    TOLD.lock().unwrap_or_else(PoisonError::into_inner).insert(path.to_owned())
}

/// Opens the file, which is not written to, where it could be; in memory where it is not there.
pub(super) fn to_look(path: &Path, stop: &Arc<AtomicBool>) -> Result<Connection, DatabaseError> {
    refuse_unfit(path)?;
    let failed = |error| error::unopened(path, &error);
    if !path.exists() {
        let connection = Connection::open_in_memory().map_err(failed)?;
        functions::add(&connection).map_err(failed)?;
        return Ok(connection);
    }
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE, stop).map_err(failed)?;
    connection.execute_batch("PRAGMA query_only = ON").map_err(failed)?;
    Ok(connection)
}

fn connect(path: &Path, flags: OpenFlags, stop: &Arc<AtomicBool>) -> Result<Connection> {
    let mut connection = Connection::open_with_flags(path, flags | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    let mut patience = Patience::new(path, stop);
    connection.busy_handler(Some(move |looks| patience.wait(looks)))?;
    // Reads the file: what is no database is found here.
    functions::add(&connection)?;
    Ok(connection)
}

/// Opens a file that is only read, and leaves nothing beside it where nothing was.
///
/// # Errors
/// Where it cannot be opened, or is no SQLite database.
pub fn open_to_read(path: &Path) -> Result<Connection> {
    // A log that nobody has open is made anew by each who reads, and removed by who may write.
    let leaves_a_log = has_log(path) && !beside(path, "-wal").exists();
    let may_write = OpenOptions::new().append(true).open(path).is_ok();
    let flags = if leaves_a_log && may_write {
        OpenFlags::SQLITE_OPEN_READ_WRITE
    } else {
        OpenFlags::SQLITE_OPEN_READ_ONLY
    };
    let flags = flags | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = if leaves_a_log && !may_make_log(path) {
        // No log can be made, so nobody has one: the file is all that there is.
        Connection::open_with_flags(immutable(path), flags | OpenFlags::SQLITE_OPEN_URI)?
    } else {
        Connection::open_with_flags(path, flags)?
    };
    let mut patience = Patience::new(path, &Arc::default());
    connection.busy_handler(Some(move |looks| patience.wait(looks)))?;
    connection.execute_batch("PRAGMA query_only = ON; PRAGMA cache_size = -65536; BEGIN")?;
    connection.query_row("PRAGMA schema_version", [], |_| Ok(()))?;
    Ok(connection)
}

/// Whether a file could be made beside the database.
fn may_make_log(path: &Path) -> bool {
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    tempfile::NamedTempFile::new_in(folder(&whole)).is_ok()
}

/// The path as a URI which says that nobody writes to the file (sqlite.org/uri.html).
fn immutable(path: &Path) -> String {
    let path = path.to_string_lossy();
    format!("file:{}?immutable=1", path.replace('%', "%25").replace('?', "%3f").replace('#', "%23"))
}

/// Whether a database's header says that it has a write-ahead log (sqlite.org/fileformat.html, "File format version numbers").
fn has_log(path: &Path) -> bool {
    let mut header = [0; 20];
    let read = std::fs::File::open(path).and_then(|mut file| file.read_exact(&mut header));
    read.is_ok() && header[18] == 2
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Refuses what SQLite would say less clearly, or only when it writes.
fn refuse_unfit(path: &Path) -> Result<(), DatabaseError> {
    let is_link = path.symlink_metadata().is_ok_and(|file| file.is_symlink());
    if is_link && !path.exists() {
        return refuse(path, "a link to a file that is not there", "remove the link, or make the file");
    }
    if path.is_dir() {
        return refuse(path, "a folder", "name a file in it, as in \"sqlite:films.sqlite\"");
    }
    refuse_unwritable(path)
}

/// Refuses a file that windrow may not write to, or beside which it can have no journal.
fn refuse_unwritable(path: &Path) -> Result<(), DatabaseError> {
    const BESIDE: &str =
        "windrow writes there, the file and beside it its journal: it needs to write in that folder";
    // Through links: the journal lies beside the file itself.
    let whole = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let folder = folder(&whole);
    if !folder.is_dir() {
        let message = format!("there is no folder {}", folder.display());
        return refuse(path, &message, "make it, or change the job's [table] to");
    }
    if let Err(error) = tempfile::NamedTempFile::new_in(folder) {
        return refuse(path, &error.to_string(), BESIDE);
    }
    match OpenOptions::new().append(true).open(&whole) {
        Err(error) if whole.exists() => {
            refuse(path, &error.to_string(), "windrow writes there: it needs to write the file")
        }
        _ => Ok(()),
    }
}

fn refuse(path: &Path, message: &str, hint: &str) -> Result<(), DatabaseError> {
    Err(DatabaseError::File {
        file: format!("sqlite:{}", path.display()),
        message: message.to_owned(),
        hint: hint.to_owned(),
        trouble: Trouble::Disk,
    })
}

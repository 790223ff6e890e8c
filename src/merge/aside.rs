//! Folders beside a destination, in which something is made before it takes its place: on the same disk, so that a
//! rename is enough.
//!
//! | folder | in it | when its maker is dead |
//! |---|---|---|
//! | `.windrow-<random>` | a new, empty DuckDB file, for moments | swept when it is ten minutes old |
//! | `.windrow-movies.csv` | all that is needed to write `movies.csv` anew, and a `lock` | emptied by the next who writes that file; swept by others when it is ten minutes old and nobody holds its lock |
//!
//! Whoever holds the lock is alone with the destination. It is removed last of all that is in the folder, while it is
//! held: a lock whose file is gone is not had ([`lock`](crate::handoff::lock)).

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::MergeError;
use crate::handoff::lock::{Lock, LockError, lock_file};

/// How the folders' names begin.
pub(super) const PREFIX: &str = ".windrow-";

/// Age from which a folder may be abandoned.
const ABANDONED: Duration = Duration::from_secs(10 * 60);

/// The lock's file within its folder.
const LOCK: &str = "lock";

/// How often a lock is asked for that its holder is about to remove.
const TRIES: u32 = 20;

/// The folder in which a file is written anew. Dropped, it is gone with all that is in it.
#[derive(Debug)]
pub(super) struct Aside {
    folder: PathBuf,
    /// Held until all else is gone.
    _lock: Lock,
}

impl Aside {
    /// Takes the place beside `path`, for as long as nobody else may write it; what a dead holder left is removed.
    /// `what` names the destination to people.
    pub fn claim(path: &Path, what: &str) -> Result<Aside, MergeError> {
        let (parent, name) = (parent(path), path.file_name().unwrap_or_default().to_string_lossy());
        let folder = parent.join(format!("{PREFIX}{name}"));
        let disk = |error: &io::Error| MergeError::on_disk(path, error);
        let mut tried = 0;
        let lock = loop {
            match hold(&folder, what) {
                Ok(lock) => break lock,
                // Its holder has just gone.
                Err(LockError::File { source, .. })
                    if source.kind() == io::ErrorKind::NotFound && parent.is_dir() && tried < TRIES =>
                {
                    tried += 1;
                }
                Err(LockError::File { source, .. }) => return Err(disk(&source)),
                Err(held) => return Err(MergeError::Locked(held)),
            }
        };
        let aside = Aside { folder, _lock: lock };
        clear(&aside.folder).map_err(|error| disk(&error))?;
        sweep(parent);
        Ok(aside)
    }

    /// The path of something in the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next who comes.
        let _ = remove(&self.folder);
    }
}

/// The folder that a path lies in.
pub(super) fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// There is a folder to write in; the hint says what for.
pub(super) fn check_folder(path: &Path, hint: &'static str) -> Result<(), MergeError> {
    let disk = |message: String, hint| MergeError::Disk { path: path.display().to_string(), message, hint };
    let folder = parent(path);
    if !folder.is_dir() {
        return Err(disk(
            format!("there is no folder {}", folder.display()),
            "make it, or change the job's [table] to",
        ));
    }
    tempfile::NamedTempFile::new_in(folder).map(|_| ()).map_err(|error| disk(error.to_string(), hint))
}

fn hold(folder: &Path, what: &str) -> Result<Lock, LockError> {
    match fs::create_dir(folder) {
        Err(source) if source.kind() != io::ErrorKind::AlreadyExists => {
            Err(LockError::File { path: folder.display().to_string(), source })
        }
        _ => lock_file(&folder.join(LOCK), what),
    }
}

/// Removes all but the lock.
fn clear(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != LOCK {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes the folder, whose lock is held by this process. Who has made a new lock there meanwhile keeps the folder.
fn remove(folder: &Path) -> io::Result<()> {
    clear(folder)?;
    fs::remove_file(folder.join(LOCK))?;
    fs::remove_dir(folder)
}

/// Removes what the dead left beside this folder's destinations.
pub(super) fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let made_here = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(PREFIX);
    for left in entries.filter(made_here) {
        // It is only in the way: the next one tries again.
        let _ = sweep_one(&left.path());
    }
}

fn sweep_one(folder: &Path) -> io::Result<()> {
    match fs::File::open(folder.join(LOCK)) {
        Ok(lock) if is_old(&lock.metadata()?) => match lock.try_lock() {
            Ok(()) => remove(folder),
            Err(_) => Ok(()),
        },
        Ok(_) => Ok(()),
        Err(_) if is_old(&fs::metadata(folder)?) => fs::remove_dir_all(folder),
        Err(_) => Ok(()),
    }
}

fn is_old(found: &fs::Metadata) -> bool {
    let age = found.modified().ok().and_then(|changed| changed.elapsed().ok());
    age.is_some_and(|age| age > ABANDONED)
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;

    /// What a process left that was killed a while ago.
    fn left_behind(folder: &Path, age: u64) -> PathBuf {
        let left = folder.join(".windrow-other.csv");
        fs::create_dir_all(left.join("new/country=us")).unwrap();
        for name in [LOCK, "scratch.duckdb", "new/country=us/data_0.parquet"] {
            fs::write(left.join(name), "half").unwrap();
        }
        let then = SystemTime::now() - Duration::from_secs(age);
        fs::File::open(left.join(LOCK)).unwrap().set_modified(then).unwrap();
        left
    }

    #[test]
    fn one_at_a_time_writes_a_file_and_nothing_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("movies.csv");
        let first = Aside::claim(&path, "csv:movies.csv").unwrap();
        fs::create_dir(first.join("new")).unwrap();
        fs::write(first.join("new/data"), "half").unwrap();
        let refused = Aside::claim(&path, "csv:movies.csv").unwrap_err().to_string();
        assert!(
            refused.starts_with("csv:movies.csv is in use by another windrow process (PID "),
            "{refused}"
        );
        Aside::claim(&folder.path().join("other.csv"), "csv:other.csv").unwrap();
        drop(first);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        Aside::claim(&path, "csv:movies.csv").unwrap();
    }

    #[test]
    fn what_a_dead_one_left_is_removed_at_once_by_the_next_and_later_by_others() {
        let folder = tempfile::tempdir().unwrap();
        let left = left_behind(folder.path(), 5);
        Aside::claim(&folder.path().join("movies.csv"), "csv:movies.csv").unwrap();
        assert!(left.join("scratch.duckdb").exists(), "somebody may have come just now");
        let next = Aside::claim(&folder.path().join("other.csv"), "csv:other.csv").unwrap();
        assert_eq!(fs::read_dir(&left).unwrap().count(), 1, "all but the lock is gone");
        drop(next);
        let left = left_behind(folder.path(), 3600);
        Aside::claim(&folder.path().join("movies.csv"), "csv:movies.csv").unwrap();
        assert!(!left.exists());
    }

    #[test]
    fn a_folder_whose_lock_is_held_is_never_swept() {
        let folder = tempfile::tempdir().unwrap();
        let left = left_behind(folder.path(), 3600);
        let held = fs::File::open(left.join(LOCK)).unwrap();
        held.lock().unwrap();
        sweep(folder.path());
        assert!(left.join("scratch.duckdb").exists());
        drop(held);
        sweep(folder.path());
        assert!(!left.exists());
    }
}

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
//!
//! Others have folders whose names begin like that, too. So each bears a [mark] from its first moment on: one without is
//! not swept, and one that has the name of a destination's own is in its way, which is told before the first request.

use std::os::unix::fs::{MetadataExt, chown};
use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{fs, io};

use super::MergeError;
use crate::handoff::lock::{Lock, LockError, lock_file};
use crate::handoff::mark;

/// How the folders' names begin.
pub(super) const PREFIX: &str = ".windrow-";

/// Age from which a folder may be abandoned.
const ABANDONED: Duration = Duration::from_secs(10 * 60);

/// The lock's file within its folder.
const LOCK: &str = "lock";

/// Links that lead on to links, as the kernel follows them (path_resolution(7)).
const MOST_LINKS: u32 = 40;

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
        let (parent, folder) = (parent(path), folder_of(path));
        refuse_stranger(&folder)?;
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
        mark::clear(&aside.folder, LOCK).map_err(|error| disk(&error))?;
        sweep(parent);
        Ok(aside)
    }

    /// Whether the place beside `path` is free, or windrow's.
    pub fn check(path: &Path) -> Result<(), MergeError> {
        refuse_stranger(&folder_of(path))
    }

    /// The path of something in the folder.
    pub fn join(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // What cannot be removed now is removed by the next who comes.
        let _ = mark::remove(&self.folder, LOCK);
    }
}

/// The folder in which the destination at `path` is written anew.
fn folder_of(path: &Path) -> PathBuf {
    parent(path).join(format!("{PREFIX}{}", path.file_name().unwrap_or_default().to_string_lossy()))
}

fn refuse_stranger(folder: &Path) -> Result<(), MergeError> {
    if folder.symlink_metadata().is_err() || mark::is_marked(folder) || mark::is_empty(folder) {
        Ok(())
    } else {
        Err(MergeError::InTheWay { path: folder.display().to_string() })
    }
}

/// A new folder of any name for what is made in moments, beside a destination; it goes away with this.
pub(super) fn for_moments(beside: &Path) -> io::Result<tempfile::TempDir> {
    let made = tempfile::Builder::new().prefix(PREFIX).tempdir_in(beside)?;
    mark::put(made.path())?;
    Ok(made)
}

/// Where a path leads through links, so that what is written there takes the place of the last one's target and the links
/// stay; a target that is not there yet is in its folder. A circle of links leads nowhere, as opening it tells.
pub(super) fn through_links(path: &Path) -> PathBuf {
    let mut path: PathBuf = path.components().collect();
    for _ in 0..MOST_LINKS {
        match fs::canonicalize(&path) {
            Ok(found) => return found,
            Err(error) if error.kind() != io::ErrorKind::NotFound => return path,
            Err(_) => match fs::read_link(&path) {
                Ok(to) => path = parent(&path).join(to),
                Err(_) => break,
            },
        }
    }
    match (fs::canonicalize(parent(&path)), path.file_name()) {
        (Ok(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

/// Gives what is written anew the owner, the group and the rights of the file or folder whose place it takes: as far as
/// this user may give them away.
pub(super) fn take_after(new: &Path, standing: &Path) -> io::Result<()> {
    let found = match fs::metadata(standing) {
        Ok(found) => found,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    let made = fs::metadata(new)?;
    let differs = |old: u32, new: u32| (old != new).then_some(old);
    // One by one: who may not give a file away may still give it to another group of his.
    let _ = chown(new, None, differs(found.gid(), made.gid()));
    let _ = chown(new, differs(found.uid(), made.uid()), None);
    fs::set_permissions(new, found.permissions())
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
    match mark::make(folder) {
        Err(source) => Err(LockError::File { path: folder.display().to_string(), source }),
        Ok(()) => lock_file(&folder.join(LOCK), what),
    }
}

/// Removes what the dead left beside this folder's destinations.
pub(super) fn sweep(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let named = entries.filter(|entry| entry.file_name().to_string_lossy().starts_with(PREFIX));
    for left in named.map(|entry| entry.path()).filter(|left| mark::is_marked(left)) {
        // It is only in the way: the next one tries again.
        let _ = sweep_one(&left);
    }
}

fn sweep_one(folder: &Path) -> io::Result<()> {
    match fs::File::open(folder.join(LOCK)) {
        Ok(lock) if is_old(&lock.metadata()?) => match lock.try_lock() {
            Ok(()) => mark::remove(folder, LOCK),
            Err(_) => Ok(()),
        },
        Ok(_) => Ok(()),
        Err(_) if is_old(&fs::metadata(folder.join(mark::MARK))?) => mark::remove(folder, LOCK),
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
        mark::put(&left).unwrap();
        for name in [LOCK, "scratch.duckdb", "new/country=us/data_0.parquet"] {
            fs::write(left.join(name), if name == LOCK { "4711 " } else { "half" }).unwrap();
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
        assert_eq!(fs::read_dir(&left).unwrap().count(), 2, "all but lock and mark is gone");
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

    #[test]
    fn what_others_named_like_that_is_neither_swept_nor_taken() {
        let folder = tempfile::tempdir().unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(86_400);
        let theirs = [".windrow-backup", ".windrow-state", ".windrow-movies.csv"].map(|name| {
            let theirs = folder.path().join(name);
            fs::create_dir(&theirs).unwrap();
            fs::write(theirs.join(if name.ends_with("state") { "limits" } else { LOCK }), "years of work")
                .unwrap();
            for old in [theirs.join(LOCK), theirs.clone()].iter().filter(|path| path.exists()) {
                fs::File::open(old).unwrap().set_modified(long_ago).unwrap();
            }
            theirs
        });
        let elsewhere = tempfile::tempdir().unwrap();
        mark::make(&elsewhere.path().join("marked")).unwrap();
        let link = folder.path().join(".windrow-link");
        std::os::unix::fs::symlink(elsewhere.path().join("marked"), &link).unwrap();
        sweep(folder.path());
        let movies = folder.path().join("movies.csv");
        for refused in [Aside::check(&movies), Aside::claim(&movies, "csv:movies.csv").map(drop)] {
            let said = refused.unwrap_err().to_string();
            assert!(said.contains(".windrow-movies.csv is in the way"), "{said}");
        }
        for theirs in &theirs {
            assert_eq!(fs::read_dir(theirs).unwrap().count(), 1, "{}", theirs.display());
        }
        assert!(link.is_symlink() && elsewhere.path().join("marked").is_dir());
    }

    #[test]
    fn a_link_leads_to_its_target_there_or_not() {
        use std::os::unix::fs::symlink;
        let folder = tempfile::tempdir().unwrap();
        let folder = fs::canonicalize(folder.path()).unwrap();
        fs::create_dir_all(folder.join("deep/er")).unwrap();
        fs::write(folder.join("deep/there"), "").unwrap();
        let link = |name: &str, to: &str| {
            symlink(to, folder.join(name)).unwrap();
            through_links(&folder.join(name))
        };
        assert_eq!(link("one", "deep/there"), folder.join("deep/there"));
        assert_eq!(link("two", "one"), folder.join("deep/there"));
        assert_eq!(link("dangling", "deep/er/../new"), folder.join("deep/new"));
        assert_eq!(link("deep/er/up", "../../dangling"), folder.join("deep/new"));
        assert_eq!(link("nowhere", "gone/new"), folder.join("gone/new"));
        symlink("b", folder.join("a")).unwrap();
        assert_eq!(link("b", "a"), folder.join("b"), "a circle");
        assert_eq!(through_links(&folder.join("plain")), folder.join("plain"));
        assert_eq!(through_links(&folder.join("deep/")), folder.join("deep"));
    }
}

//! Kernel locks on a job, a run and a shard: released by the kernel when their holder dies, however it dies.
//!
//! Whoever holds a lock writes into its file which process it is and since when. That is for messages only: the
//! kernel alone decides who holds it, so what a dead holder left there does no harm. A process takes the job's lock
//! before a run's, and a run's before a shard's; it waits for none. A link in the place of a lock's file is not followed.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::time::Duration;

use super::layout;
use crate::os::{is_alive, mode_of, permit, without_links};

/// How often a lock is tried that somebody holds who has not signed: `windrow status` looks at it for a moment, which may be
/// long on a busy machine.
const TRIES: u32 = 50;

/// How long between two tries.
const PAUSE: Duration = Duration::from_millis(20);

/// A held lock; dropped, it is free.
#[derive(Debug)]
pub struct Lock {
    file: File,
}

impl Drop for Lock {
    fn drop(&mut self) {
        // Only for messages, see above; the kernel frees the lock when the file is closed.
        let _ = self.file.set_len(0);
    }
}

/// Why a lock is not to be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// A living process holds it.
    #[error(
        "{what} is in use by another windrow process{}\nhint: wait for it to end, or end it; `windrow status` shows the runs",
        .holder.as_ref().map(Holder::to_string).unwrap_or_default()
    )]
    Held {
        /// The job, run or shard.
        what: String,
        /// Who holds it, where that is known.
        holder: Option<Holder>,
    },
    /// The lock file could not be opened.
    #[error("cannot lock {path}: {source}\nhint: {}", hint(.source))]
    File {
        /// The lock file.
        path: String,
        /// Why.
        source: io::Error,
    },
}

/// The process that holds a lock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Holder {
    process: i32,
    since: jiff::Timestamp,
}

impl std::fmt::Display for Holder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, " (PID {}, since {})", self.process, self.since.strftime("%Y-%m-%d %H:%M:%S UTC"))
    }
}

/// Locks a job for whoever makes, works on or goes on with its runs; `folder` is that of its runs.
pub fn lock_job(folder: &Path, job: &str) -> Result<Lock, LockError> {
    lock(&folder.join(layout::JOB_LOCK), || format!("job {job}"))
}

/// Locks a run for its supervisor, a retry or a merge.
pub fn lock_run(folder: &Path) -> Result<Lock, LockError> {
    lock_in_run(folder, &folder.join(layout::RUN_LOCK), || format!("run {}", folder.display()))
}

/// Locks a shard for the process that works on it.
pub fn lock_shard(folder: &Path, shard: u32) -> Result<Lock, LockError> {
    let path = folder.join(layout::shard_folder(shard)).join(layout::SHARD_LOCK);
    lock_in_run(folder, &path, || format!("shard {shard} of run {}", folder.display()))
}

/// Who may look into the run may see whether it is held.
fn lock_in_run(folder: &Path, path: &Path, what: impl FnOnce() -> String) -> Result<Lock, LockError> {
    let lock = lock(path, what)?;
    if let Ok(mode) = mode_of(folder) {
        permit(&lock.file, mode);
    }
    Ok(lock)
}

/// Locks a lock file of any other kind; `what` it stands for is named to whoever does not get it.
pub fn lock_file(path: &Path, what: &str) -> Result<Lock, LockError> {
    lock(path, || what.to_owned())
}

/// Whether a living process holds the run.
pub fn run_is_locked(folder: &Path) -> bool {
    let path = folder.join(layout::RUN_LOCK);
    // A pipe in its place would be waited for.
    if !path.is_file() {
        return false;
    }
    // For reading only, so that a run of somebody else's, or on a disk that is read-only, can be looked at.
    let Ok(file) = File::open(path) else { return false };
    matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock))
}

fn hint(source: &io::Error) -> &'static str {
    match source.kind() {
        io::ErrorKind::StorageFull => "free some space, or choose another folder with --runs",
        io::ErrorKind::NotFound => "it was removed meanwhile; `windrow status` shows the runs",
        _ => "windrow writes into the folder of its runs; --runs names another one",
    }
}

fn lock(path: &Path, what: impl FnOnce() -> String) -> Result<Lock, LockError> {
    let failed = |source| LockError::File { path: path.display().to_string(), source };
    let mut options = OpenOptions::new();
    let options = options.create(true).truncate(false).read(true).write(true);
    let file = without_links(options).open(path).map_err(failed)?;
    match try_lock(&file).map_err(failed)? {
        Tried::Locked if is_still_at(path, &file) => {
            if !is_for_signing(&file) {
                return Err(failed(io::Error::other(
                    "the file there is not windrow's, which writes into its locks",
                )));
            }
            sign(&file);
            Ok(Lock { file })
        }
        // Whoever held it has removed what it stands for.
        Tried::Locked => Err(failed(io::ErrorKind::NotFound.into())),
        Tried::Held(holder) => Err(LockError::Held { what: what(), holder }),
    }
}

enum Tried {
    Locked,
    Held(Option<Holder>),
}

fn try_lock(file: &File) -> io::Result<Tried> {
    for tried in 1.. {
        match file.try_lock() {
            Ok(()) => break,
            Err(TryLockError::Error(source)) => return Err(source),
            Err(TryLockError::WouldBlock) => match holder(file) {
                None if tried < TRIES => std::thread::sleep(PAUSE),
                holder => return Ok(Tried::Held(holder)),
            },
        }
    }
    Ok(Tried::Locked)
}

fn is_still_at(path: &Path, file: &File) -> bool {
    let inode = |metadata: std::fs::Metadata| (metadata.dev(), metadata.ino());
    let (there, held) = (path.metadata().map(inode), file.metadata().map(inode));
    matches!((there, held), (Ok(there), Ok(held)) if there == held)
}

/// Whether nothing but a signature can be lost by signing: the file is empty, or begins as one. (A power failure may leave
/// zeros.)
fn is_for_signing(file: &File) -> bool {
    let mut first = [0];
    match file.read_at(&mut first, 0) {
        Ok(0) => true,
        Ok(_) => first[0] == 0 || first[0].is_ascii_digit(),
        Err(_) => false,
    }
}

/// Writes who holds the lock. A disk that is full takes nothing from the lock.
fn sign(file: &File) {
    let now = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ");
    let text = format!("{} {now}\n", std::process::id());
    let _ = file.set_len(0).and_then(|()| file.write_all_at(text.as_bytes(), 0));
}

/// Who wrote that it holds the lock; `None` where that cannot be true: it died, and its successor has not yet signed.
fn holder(file: &File) -> Option<Holder> {
    let mut text = [0; 64];
    let length = file.read_at(&mut text, 0).ok()?;
    let text = std::str::from_utf8(&text[..length]).ok()?;
    let (process, since) = text.trim().split_once(' ')?;
    let holder = Holder { process: process.parse().ok()?, since: since.parse().ok()? };
    is_alive(holder.process).then_some(holder)
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOB: &str = "films";

    fn refusal(folder: &Path) -> String {
        lock_job(folder, JOB).unwrap_err().to_string()
    }

    #[test]
    fn a_lock_that_is_held_names_its_holder_and_since_when() {
        let folder = tempfile::tempdir().unwrap();
        let before = jiff::Timestamp::now().strftime("%Y-%m-%d").to_string();
        let held = lock_job(folder.path(), JOB).unwrap();
        let said = refusal(folder.path());
        let expected =
            format!("job films is in use by another windrow process (PID {}, since ", std::process::id());
        assert!(said.starts_with(&expected) && said.contains(" UTC)\nhint: wait for it to end"), "{said}");
        assert!(said[expected.len()..].starts_with(&before), "{said}");
        drop(held);
        lock_job(folder.path(), JOB).unwrap();
    }

    #[test]
    fn what_a_dead_holder_wrote_is_not_believed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(layout::JOB_LOCK);
        // No system counts its processes so far.
        let stale = format!("{} 2026-11-25T10:00:00Z\n", i32::MAX);
        std::fs::write(&path, &stale).unwrap();
        // Held by somebody who has not signed yet.
        let holding = File::open(&path).unwrap();
        holding.lock().unwrap();
        for text in [stale.as_str(), "", "x", "1 x", "\u{0}\u{0}", "-5 2026-11-25T10:00:00Z"] {
            std::fs::write(&path, text).unwrap();
            assert!(refusal(folder.path()).starts_with("job films is in use by another windrow process\n"));
        }
        drop(holding);
        std::fs::write(&path, stale.repeat(10)).unwrap();
        let held = lock_job(folder.path(), JOB).unwrap();
        assert!(refusal(folder.path()).contains(&format!("(PID {}, ", std::process::id())));
        drop(held);
    }

    #[test]
    fn a_lock_whose_file_was_removed_meanwhile_is_not_had() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(layout::RUN_LOCK);
        let file = File::create(&path).unwrap();
        assert!(is_still_at(&path, &file));
        std::fs::remove_file(&path).unwrap();
        assert!(!is_still_at(&path, &file));
        std::fs::write(&path, "").unwrap();
        assert!(!is_still_at(&path, &file), "another file of that name");
    }

    #[test]
    fn a_file_of_somebody_elses_is_not_signed() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(layout::JOB_LOCK);
        std::fs::write(&path, "[packages]\n").unwrap();
        assert!(refusal(folder.path()).contains("is not windrow's"));
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "[packages]\n");
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        let elsewhere = folder.path().join("elsewhere");
        std::os::unix::fs::symlink(&elsewhere, folder.path().join(layout::JOB_LOCK)).unwrap();
        lock_job(folder.path(), JOB).unwrap_err();
        assert!(!elsewhere.exists());
        std::fs::write(&elsewhere, "4711").unwrap();
        lock_job(folder.path(), JOB).unwrap_err();
        assert_eq!(std::fs::read_to_string(&elsewhere).unwrap(), "4711");
    }

    #[test]
    fn looking_takes_no_lock_and_makes_no_file() {
        let folder = tempfile::tempdir().unwrap();
        assert!(!run_is_locked(folder.path()));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
        let held = lock_run(folder.path()).unwrap();
        assert!(run_is_locked(folder.path()) && run_is_locked(folder.path()));
        drop(held);
        assert!(!run_is_locked(folder.path()));
        // Somebody looks just now.
        let looking = File::open(folder.path().join(layout::RUN_LOCK)).unwrap();
        looking.lock_shared().unwrap();
        assert!(!run_is_locked(folder.path()));
        let gone = std::thread::spawn(move || {
            std::thread::sleep(PAUSE);
            drop(looking);
        });
        lock_run(folder.path()).unwrap();
        gone.join().unwrap();
    }
}

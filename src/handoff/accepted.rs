//! Whether the servers accept the job's secrets, as all processes of a command have seen it together: words in a file that
//! they map ([`os::SharedWords`](crate::os::SharedWords)), made by the command and removed at its end.
//!
//! A *key* stands for an origin and the secrets that it is asked with, so one secret that is wrong is found beside another
//! that is right. The first answer that is no refusal says that they are accepted, for the rest of the command; [`MOST`]
//! refusals before any such answer say that they are not, whichever processes they came to. A command begins anew: a
//! secret may have been withdrawn, or mended, since the one before.
//!
//! Two words a key: the key, and how many refusals there were, or that there was another answer.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::{AcqRel, Acquire};

use super::layout;
use crate::os::SharedWords;

/// Refusals of an origin, before any other answer, after which the run stops.
pub const MOST: u64 = 20;

/// Stands for the number of refusals where the secrets are accepted.
const ACCEPTED: u64 = u64::MAX;

/// Keys that are looked at. A list of whole URLs may name many hosts: the further ones are not.
const KEYS: usize = 64;

/// Whether an origin accepts the secrets that it is asked with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepted {
    /// It has answered.
    Yes,
    /// It has refused [`MOST`] times, and answered nothing else.
    No,
    /// It has refused so far.
    Unknown,
}

/// What a process sees, and all of them together.
#[derive(Debug)]
pub struct SecretsAccepted {
    words: SharedWords,
}

impl SecretsAccepted {
    /// Of this process alone.
    pub fn own() -> SecretsAccepted {
        SecretsAccepted { words: SharedWords::own(2 * KEYS) }
    }

    /// Shared with all processes that open the file.
    ///
    /// # Errors
    /// The file cannot be mapped.
    pub fn open(path: &Path) -> io::Result<SecretsAccepted> {
        Ok(SecretsAccepted { words: SharedWords::open(path, 2 * KEYS)? })
    }

    /// Notes an answer, and says what is known by now.
    pub fn note(&self, key: u64, refused: bool) -> Accepted {
        let Some(refusals) = self.refusals(key) else { return Accepted::Unknown };
        let next = |count: u64| match (count, refused) {
            (ACCEPTED, _) => None,
            (count, false) => (count < MOST).then_some(ACCEPTED),
            (count, true) => Some(count + 1),
        };
        match refusals.load(Acquire) {
            ACCEPTED => Accepted::Yes,
            _ => match refusals.fetch_update(AcqRel, Acquire, next) {
                Ok(before) => accepted(next(before).unwrap_or(before)),
                Err(count) => accepted(count),
            },
        }
    }

    /// What is known by now.
    pub fn get(&self, key: u64) -> Accepted {
        self.refusals(key).map_or(Accepted::Unknown, |refusals| accepted(refusals.load(Acquire)))
    }

    /// The count of a key; `None` where there is no place left for it.
    fn refusals(&self, key: u64) -> Option<&AtomicU64> {
        let key = key.max(1);
        let (places, _) = self.words.words().as_chunks::<2>();
        let first = key as usize % KEYS;
        let (before, from) = places.split_at(first.min(places.len()));
        from.iter().chain(before).find_map(|[name, refusals]| {
            let held = match name.load(Acquire) {
                0 => name.compare_exchange(0, key, AcqRel, Acquire).unwrap_or_else(|other| other),
                held => held,
            };
            (held == 0 || held == key).then_some(refusals)
        })
    }
}

fn accepted(refusals: u64) -> Accepted {
    match refusals {
        ACCEPTED => Accepted::Yes,
        MOST.. => Accepted::No,
        _ => Accepted::Unknown,
    }
}

/// The file of a command's processes, which the first of them makes; removed when this is dropped.
#[derive(Debug)]
pub struct SecretsFile(PathBuf);

impl SecretsFile {
    /// A new one in the run's folder; `None` where an old one cannot be removed.
    pub fn begin(run: &Path) -> Option<SecretsFile> {
        // A command that was killed has left its own.
        SecretsFile::at(run.join(layout::SECRETS_ACCEPTED))
    }

    /// A new one at that path, which nobody else uses; `None` where an old one cannot be removed.
    pub fn at(path: PathBuf) -> Option<SecretsFile> {
        let _ = std::fs::remove_file(&path);
        (!path.exists()).then_some(SecretsFile(path))
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for SecretsFile {
    fn drop(&mut self) {
        // What stays is replaced by the next command.
        let _ = std::fs::remove_file(&self.0);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_answers_decide() {
        let seen = SecretsAccepted::own();
        for _ in 1..MOST {
            assert_eq!(seen.note(7, true), Accepted::Unknown);
        }
        assert_eq!(seen.note(8, false), Accepted::Yes, "another origin, or another secret");
        assert_eq!((seen.note(7, true), seen.get(7)), (Accepted::No, Accepted::No));
        assert_eq!(seen.note(7, false), Accepted::No, "too late");
        assert_eq!(seen.note(8, true), Accepted::Yes, "once accepted, a refusal is the record's");
        assert_eq!(seen.get(9), Accepted::Unknown);
    }

    #[test]
    fn processes_count_together() {
        let folder = tempfile::tempdir().unwrap();
        let file = SecretsFile::begin(folder.path()).unwrap();
        let [one, other] = [(); 2].map(|()| SecretsAccepted::open(file.path()).unwrap());
        for _ in 0..MOST / 2 {
            one.note(u64::MAX, true);
            other.note(u64::MAX, true);
        }
        assert_eq!((one.get(u64::MAX), other.get(u64::MAX)), (Accepted::No, Accepted::No));
        let path = file.path().to_owned();
        // The next command begins anew, whatever a killed one has left.
        std::mem::forget(file);
        let file = SecretsFile::begin(folder.path()).unwrap();
        assert_eq!(SecretsAccepted::open(file.path()).unwrap().get(u64::MAX), Accepted::Unknown);
        drop(file);
        assert!(!path.exists());
    }

    #[test]
    fn keys_without_a_place_are_not_looked_at() {
        let seen = SecretsAccepted::own();
        for key in 0..2 * KEYS as u64 {
            (0..MOST).for_each(|_| assert_ne!(seen.note(key * 64 + 1, true), Accepted::Yes));
        }
        let refused = (0..2 * KEYS as u64).filter(|key| seen.get(key * 64 + 1) == Accepted::No).count();
        assert_eq!(refused, KEYS);
    }
}

//! Machine words in a file that several processes share, and kernel locks on it that die with their holder.
//!
//! The file is mapped into each process: an access is an ordinary atomic instruction, no system call. A lock is one on a
//! byte beyond the file's end ([`try_lock_byte`]); however its holder ends, the kernel lets go of it. Nothing here waits: a lock is had at once or not at all, so that a process that is stopped
//! (SIGSTOP) while it holds one stops nobody else.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::atomic::AtomicU64;

use memmap2::MmapMut;
use nix::fcntl::posix_fallocate;
use nix::libc::O_NOFOLLOW;

use super::locks::{free_byte, is_byte_held_elsewhere, try_lock_byte};

/// Where the locked bytes lie: beyond whatever the file holds.
const LOCKS_AT: u64 = 1 << 40;

/// Words shared with every process that opens the same file.
#[derive(Debug)]
pub struct SharedWords {
    place: Memory,
    /// Number of words.
    words: usize,
}

#[derive(Debug)]
enum Memory {
    Shared {
        map: MmapMut,
        file: File,
    },
    /// This process's own: every lock is free.
    Own(Box<[AtomicU64]>),
}

/// A lock that is held.
#[derive(Debug)]
pub struct ByteLock<'a> {
    words: &'a SharedWords,
    byte: u32,
}

impl SharedWords {
    /// Opens the file, made with zeros where it is not there, for this user alone.
    ///
    /// # Errors
    /// The file cannot be opened, grown or mapped, is a link, or belongs to somebody else.
    pub fn open(path: &Path, words: usize) -> io::Result<SharedWords> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600).custom_flags(O_NOFOLLOW);
        SharedWords::of(options.open(path)?, words)
    }

    fn of(file: File, words: usize) -> io::Result<SharedWords> {
        let facts = file.metadata()?;
        if !facts.is_file() {
            return Err(io::Error::other("it is no regular file"));
        }
        if facts.uid() != super::user() {
            return Err(io::Error::other("the file belongs to another user"));
        }
        if facts.len() < size_of_words(words) {
            // It only ever grows, and to the same size whoever does it. Its room on the disk is taken now: a store into a
            // page that finds none would end the process by SIGBUS.
            let size = i64::try_from(size_of_words(words)).map_err(io::Error::other)?;
            posix_fallocate(&file, 0, size)?;
        }
        // SAFETY: the mapping is read and written through atomic words only (see `words`), for which it does not matter
        // what other processes store meanwhile. The file belongs to this user and no windrow ever shortens it; whoever
        // else does, ends this process by SIGBUS, which harms nobody but that user.
        let map = unsafe { MmapMut::map_mut(&file)? };
        Ok(SharedWords { place: Memory::Shared { map, file }, words })
    }

    /// Opens the file as it is; `None` where there is none, or a shorter one.
    ///
    /// # Errors
    /// The file cannot be opened or mapped, or belongs to somebody else.
    pub fn open_existing(path: &Path, words: usize) -> io::Result<Option<SharedWords>> {
        match std::fs::symlink_metadata(path) {
            Ok(facts) if facts.len() >= size_of_words(words) => {}
            Ok(_) => return Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        }
        match OpenOptions::new().read(true).write(true).custom_flags(O_NOFOLLOW).open(path) {
            Ok(file) => SharedWords::of(file, words).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether the file has no name any more: who opens it anew gets another.
    pub fn is_removed(&self) -> bool {
        self.file().and_then(|file| file.metadata().ok()).is_some_and(|facts| facts.nlink() == 0)
    }

    /// Words of this process alone.
    pub fn own(words: usize) -> SharedWords {
        SharedWords { place: Memory::Own((0..words).map(|_| AtomicU64::new(0)).collect()), words }
    }

    /// The words.
    pub fn words(&self) -> &[AtomicU64] {
        let map = match &self.place {
            Memory::Own(words) => return words,
            Memory::Shared { map, .. } => map,
        };
        // SAFETY: a mapping starts on a page's boundary and holds at least `words` times 8 bytes (`open` has made it so),
        // so all words are aligned and inside. Every bit pattern is a valid u64, all access is atomic, and the borrow of
        // `self` keeps the mapping alive.
        unsafe { std::slice::from_raw_parts(map.as_ptr().cast::<AtomicU64>(), self.words) }
    }

    /// Takes a lock, unless somebody else has it.
    ///
    /// # Errors
    /// The file system has no locks.
    pub fn try_lock(&self, byte: u32) -> io::Result<Option<ByteLock<'_>>> {
        Ok(self.hold(byte)?.then_some(ByteLock { words: self, byte }))
    }

    /// Takes a lock for as long as the file is open; whether it was free.
    ///
    /// # Errors
    /// The file system has no locks.
    pub fn hold(&self, byte: u32) -> io::Result<bool> {
        let Some(file) = self.file() else { return Ok(true) };
        try_lock_byte(file, LOCKS_AT + u64::from(byte))
    }

    /// Whether somebody else has the lock.
    pub fn is_held_elsewhere(&self, byte: u32) -> bool {
        let Some(file) = self.file() else { return false };
        // Whoever cannot be asked about counts as living: his part stays his.
        is_byte_held_elsewhere(file, LOCKS_AT + u64::from(byte)).unwrap_or(true)
    }

    /// Writes the words through to the disk.
    ///
    /// # Errors
    /// The disk refuses.
    pub fn sync(&self) -> io::Result<()> {
        match &self.place {
            Memory::Shared { map, .. } => map.flush(),
            Memory::Own(_) => Ok(()),
        }
    }

    fn file(&self) -> Option<&File> {
        match &self.place {
            Memory::Shared { file, .. } => Some(file),
            Memory::Own(_) => None,
        }
    }

    fn let_go(&self, byte: u32) {
        if let Some(file) = self.file() {
            // A lock that cannot be given back ends with the process.
            let _ = free_byte(file, LOCKS_AT + u64::from(byte));
        }
    }
}

impl Drop for ByteLock<'_> {
    fn drop(&mut self) {
        self.words.let_go(self.byte);
    }
}

fn size_of_words(words: usize) -> u64 {
    words as u64 * 8
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering::Relaxed;

    use super::*;

    #[test]
    fn what_one_stores_the_other_sees_and_a_lock_is_had_once() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("words");
        let (one, other) = (SharedWords::open(&path, 600).unwrap(), SharedWords::open(&path, 600).unwrap());
        one.words()[599].store(7, Relaxed);
        assert_eq!(other.words()[599].load(Relaxed), 7);
        let lock = one.try_lock(3).unwrap();
        assert!(lock.is_some() && other.is_held_elsewhere(3) && !other.is_held_elsewhere(2));
        assert!(other.try_lock(3).unwrap().is_none());
        drop(lock);
        assert!(!other.is_held_elsewhere(3) && other.hold(3).unwrap());
        drop(other);
        assert!(one.try_lock(3).unwrap().is_some(), "a lock ends with the file that it was taken by");
    }

    #[test]
    fn nothing_is_opened_through_a_link() {
        let folder = tempfile::tempdir().unwrap();
        let (words, link) = (folder.path().join("words"), folder.path().join("link"));
        drop(SharedWords::open(&words, 600).unwrap());
        std::os::unix::fs::symlink(&words, &link).unwrap();
        assert!(SharedWords::open(&link, 600).is_err() && SharedWords::open_existing(&link, 1).is_err());
        assert!(SharedWords::open(folder.path(), 600).is_err());
        assert!(SharedWords::open_existing(&words, 600).unwrap().is_some());
    }

    #[test]
    fn own_words_are_nobody_elses() {
        let own = SharedWords::own(8);
        own.words()[7].store(1, Relaxed);
        assert!(own.hold(0).unwrap() && !own.is_held_elsewhere(0) && own.sync().is_ok());
    }
}

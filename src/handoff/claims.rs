//! Claims on the blocks of a shard, so that several processes share it without asking anything twice: kernel locks on
//! single bytes of `blocks.lock`, released by the kernel when their holder dies, however it dies.
//!
//! | byte | held | by |
//! |---|---|---|
//! | 0 | shared | every process that writes into the shard's folder, as long as it lives |
//! | 0 | alone | who sweeps the folder: nobody writes into it meanwhile |
//! | 1 + *n* | alone | who works on block *n* of the shard, or has worked on it, as long as it lives |
//!
//! A claim spares work and decides nothing: whose answers count is said by the commit alone (see
//! [`commit`](super::commit)), for which two writers of one block are harmless. So whoever claims a block looks for its
//! commit next: another may have written it and be gone. Where a file system has no such locks every function here
//! returns an error; the owner of a shard then works as if it were alone, and nobody helps it.
//!
//! The file is empty, or one byte long from the moment somebody helps until the folder is swept: so whoever leaves last
//! knows that a helper which was killed may have left something behind.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::layout;
use super::lock::LockError;
use crate::os::{Hold, try_lock_byte};

/// The byte of those who write into the folder.
const WRITERS: u64 = 0;

/// One process's claims on the blocks of a shard; dropped, they are free.
#[derive(Debug)]
pub struct Claims {
    file: File,
}

impl Claims {
    /// No claims yet.
    pub fn open(folder: &Path, shard: u32) -> Result<Claims, LockError> {
        let path = folder.join(layout::shard_folder(shard)).join(layout::BLOCKS_LOCK);
        let file = OpenOptions::new().create(true).truncate(false).read(true).write(true).open(&path);
        let failed = |source| LockError::File { path: path.display().to_string(), source };
        Ok(Claims { file: file.map_err(failed)? })
    }

    /// Joins those who write into the folder; `false` while somebody sweeps it.
    pub fn join(&self) -> io::Result<bool> {
        try_lock_byte(&self.file, WRITERS, Hold::Shared)
    }

    /// Keeps all others from writing into the folder until [`Claims::join`]; `false` if one does already.
    pub fn alone(&self) -> io::Result<bool> {
        try_lock_byte(&self.file, WRITERS, Hold::Exclusive)
    }

    /// Leaves those who write into the folder: this process will write nothing more. Whoever leaves and is alone then is
    /// the last one.
    pub fn leave(&self) -> io::Result<bool> {
        try_lock_byte(&self.file, WRITERS, Hold::Free)
    }

    /// Claims a block, by its place in the shard; `false` if it is another's.
    pub fn claim(&self, block: usize) -> io::Result<bool> {
        try_lock_byte(&self.file, 1 + block as u64, Hold::Exclusive)
    }

    /// Notes that somebody helps, or that the folder is swept.
    pub fn set_helped(&self, helped: bool) -> io::Result<()> {
        self.file.set_len(u64::from(helped))
    }

    /// Whether somebody has helped since the folder was swept.
    pub fn was_helped(&self) -> bool {
        self.file.metadata().is_ok_and(|file| file.len() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn two() -> (tempfile::TempDir, Claims, Claims) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir(folder.path().join(layout::shard_folder(3))).unwrap();
        let (one, other) = (Claims::open(folder.path(), 3).unwrap(), Claims::open(folder.path(), 3).unwrap());
        (folder, one, other)
    }

    #[test]
    fn a_block_is_claimed_by_one_of_two() {
        let (_folder, one, other) = two();
        assert!(one.join().unwrap() && other.join().unwrap());
        assert!(one.claim(0).unwrap() && other.claim(1).unwrap());
        assert!(!one.claim(1).unwrap() && !other.claim(0).unwrap());
        drop(one);
        assert!(other.claim(0).unwrap());
    }

    #[test]
    fn nobody_is_alone_among_writers_and_nobody_joins_who_is_alone() {
        let (_folder, one, other) = two();
        assert!(one.alone().unwrap());
        assert!(!other.join().unwrap());
        assert!(one.join().unwrap());
        assert!(other.join().unwrap());
        assert!(!one.alone().unwrap() && !other.alone().unwrap());
        assert!(other.leave().unwrap());
        assert!(one.alone().unwrap());
        assert!(!other.alone().unwrap());
    }

    #[test]
    fn help_is_remembered_until_the_folder_is_swept() {
        let (_folder, one, other) = two();
        assert!(!one.was_helped());
        other.set_helped(true).unwrap();
        drop(other);
        assert!(one.was_helped());
        one.set_helped(false).unwrap();
        assert!(!one.was_helped());
    }
}

//! Claims on the blocks of a shard, so that several processes share it without asking anything twice: kernel locks on
//! single bytes of `blocks.lock`, released by the kernel when their holder dies, however it dies.
//!
//! Byte *n* is held, alone, by the process that works on block *n* of the shard, or has worked on it, as long as it lives.
//!
//! A claim spares work and decides nothing: whose answers count is said by the commit alone (see
//! [`commit`](super::commit)), for which two writers of one block are harmless. So whoever claims a block looks for its
//! commit next: another may have written it and be gone. Where a file system has no such locks, every claim is an error:
//! the owner of a shard then works as if it were alone, and nobody helps it.

use std::fs::{File, OpenOptions};
use std::io;
use std::path::Path;

use super::layout;
use super::lock::LockError;
use crate::os::try_lock_byte;

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

    /// Claims a block, by its place in the shard; `false` if it is another's.
    pub fn claim(&self, block: usize) -> io::Result<bool> {
        try_lock_byte(&self.file, block as u64)
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
        assert!(one.claim(0).unwrap() && other.claim(1).unwrap());
        assert!(!one.claim(1).unwrap() && !other.claim(0).unwrap());
        drop(one);
        assert!(other.claim(0).unwrap());
    }
}

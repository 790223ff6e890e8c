//! A copy of a published file that nobody else has.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use sha2::{Digest as _, Sha256};

/// Bytes that are read at once.
const PIECE: usize = 1 << 20;

/// Which file it was, and how it was: another publication makes another file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Mark {
    device: u64,
    inode: u64,
    pub bytes: u64,
    /// When it was written: seconds since 1970, and nanoseconds.
    modified: (i64, i64),
}

impl Mark {
    /// That of the file which has this name now.
    pub fn of(path: &Path) -> io::Result<Mark> {
        std::fs::metadata(path).and_then(|found| Mark::of_metadata(&found))
    }

    fn of_metadata(found: &std::fs::Metadata) -> io::Result<Mark> {
        if !found.is_file() {
            return Err(io::Error::other("it is no file"));
        }
        Ok(Mark {
            device: found.dev(),
            inode: found.ino(),
            bytes: found.len(),
            modified: (found.mtime(), found.mtime_nsec()),
        })
    }

    /// When the file was written.
    pub fn modified(&self) -> Timestamp {
        let (seconds, nanos) = self.modified;
        Timestamp::new(seconds, i32::try_from(nanos).unwrap_or_default()).unwrap_or_default()
    }
}

/// The bytes of a file, in one without a name.
#[derive(Debug)]
pub(super) struct Copy {
    pub file: File,
    pub mark: Mark,
    /// SHA-256, in hexadecimal digits.
    pub digest: String,
}

impl Copy {
    /// Copies a file to where `folder` is. Who writes into the file while it is copied, instead of renaming a new one, is found
    /// out, unless the system's clock stands still.
    pub fn make(path: &Path, folder: &Path) -> io::Result<Copy> {
        let mut source = File::open(path)?;
        let mark = Mark::of_metadata(&source.metadata()?)?;
        let mut file = tempfile::tempfile_in(folder)?;
        let mut digest = Sha256::new();
        let mut piece = vec![0; PIECE];
        let mut copied = 0;
        loop {
            let read = source.read(&mut piece)?;
            if read == 0 {
                break;
            }
            digest.update(&piece[..read]);
            file.write_all(&piece[..read])?;
            copied += read as u64;
        }
        if Mark::of_metadata(&source.metadata()?)? != mark || copied != mark.bytes {
            return Err(io::Error::other(
                "it is being written to: whoever replaces it must rename a whole one",
            ));
        }
        let digest = digest.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Copy { file, mark, digest })
    }

    /// What this process can open it by.
    pub fn path(&self) -> PathBuf {
        path_of(&self.file)
    }
}

/// What this process can open a file by that has no name.
pub(super) fn path_of(file: &File) -> PathBuf {
    PathBuf::from(format!("/proc/self/fd/{}", file.as_raw_fd()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_stays_as_it_was() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.csv");
        std::fs::write(&path, "a\n1\n").unwrap();
        let copy = Copy::make(&path, folder.path()).unwrap();
        assert_eq!(copy.mark, Mark::of(&path).unwrap());
        assert_eq!(copy.digest.len(), 64);
        std::fs::write(&path, "b").unwrap();
        assert_ne!(copy.mark, Mark::of(&path).unwrap());
        assert_eq!(std::fs::read_to_string(copy.path()).unwrap(), "a\n1\n");
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "the copy has no name");
    }

    #[test]
    fn what_is_no_file_is_not_copied() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Copy::make(folder.path(), folder.path()).is_err());
        assert!(Mark::of(&folder.path().join("gone")).is_err());
    }
}

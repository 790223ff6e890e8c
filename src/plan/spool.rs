//! The records of a list, or of a retry, between the pass that reads them and the pass that cuts them.
//!
//! The first batch stays in memory; once there is a second, later ones go to one temporary file without a name, each as
//! a small Parquet file of its own. A batch is read back whole, so memory holds one batch however long the list is,
//! and nothing is left behind, however the process ends.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use polars::prelude::*;

use super::frames;
use crate::handoff::Exit;

/// The column that holds a record's number in the list minus its position in its batch. No list can name it.
pub(super) const LINE: &str = "\0line";

/// A failure of the temporary files.
#[derive(Debug, thiserror::Error)]
pub enum ScratchError {
    /// The disk is full.
    #[error(
        "no space left in {folder} for the temporary copy of the list\nhint: free some space, or choose another folder with --runs"
    )]
    Full {
        /// The folder.
        folder: String,
    },
    /// A temporary file could not be made, written or read.
    #[error("cannot use a temporary file in {folder}: {source}")]
    File {
        /// The folder.
        folder: String,
        /// Why.
        source: io::Error,
    },
    /// Columns could not be put together.
    #[error("cannot arrange the records: {0}")]
    Columns(#[from] PolarsError),
}

impl ScratchError {
    /// The exit code that this error ends a process with.
    pub fn exit(&self) -> Exit {
        Exit::Disk
    }

    pub(super) fn file(folder: &Path, source: io::Error) -> ScratchError {
        let folder = folder.display().to_string();
        match source.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ScratchError::Full { folder },
            _ => ScratchError::File { folder, source },
        }
    }
}

/// A temporary file that only grows.
pub(super) struct Scratch {
    folder: PathBuf,
    file: Option<File>,
    end: u64,
}

impl Scratch {
    /// The file is made when something is first appended.
    pub fn new(folder: &Path) -> Scratch {
        Scratch { folder: folder.to_owned(), file: None, end: 0 }
    }

    /// Where the next bytes go.
    pub fn end(&self) -> u64 {
        self.end
    }

    /// Appends and says where it begins.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64, ScratchError> {
        let at = self.end;
        let wrong = |source| ScratchError::file(&self.folder, source);
        let file = match &mut self.file {
            Some(file) => file,
            empty => empty.insert(tempfile::tempfile_in(&self.folder).map_err(wrong)?),
        };
        file.write_all_at(bytes, at).map_err(wrong)?;
        self.end += bytes.len() as u64;
        Ok(at)
    }

    /// Fills `bytes` from what begins at `at`.
    pub fn read(&self, bytes: &mut [u8], at: u64) -> Result<(), ScratchError> {
        let read = match &self.file {
            Some(file) => file.read_exact_at(bytes, at),
            None => Err(io::ErrorKind::UnexpectedEof.into()),
        };
        read.map_err(|source| ScratchError::file(&self.folder, source))
    }
}

/// Batches of records, appended, then read as often as wanted.
pub(super) struct Spool {
    scratch: Scratch,
    batches: Vec<Stored>,
    records: u64,
}

struct Stored {
    records: u64,
    place: Storage,
}

enum Storage {
    Memory(DataFrame),
    File { at: u64, bytes: usize },
}

impl Spool {
    pub fn new(folder: &Path) -> Spool {
        Spool { scratch: Scratch::new(folder), batches: Vec::new(), records: 0 }
    }

    /// Appends a batch; an empty one is nothing.
    pub fn push(&mut self, batch: DataFrame) -> Result<(), ScratchError> {
        let records = batch.height() as u64;
        if records == 0 {
            return Ok(());
        }
        let place = if self.batches.is_empty() { Storage::Memory(batch) } else { self.store(batch)? };
        self.batches.push(Stored { records, place });
        self.records += records;
        Ok(())
    }

    fn store(&mut self, batch: DataFrame) -> Result<Storage, ScratchError> {
        let bytes = frames::to_parquet(batch)?;
        Ok(Storage::File { at: self.scratch.append(&bytes)?, bytes: bytes.len() })
    }

    /// Records of all batches.
    pub fn records(&self) -> u64 {
        self.records
    }

    /// Batches.
    pub fn batches(&self) -> usize {
        self.batches.len()
    }

    /// A batch by its index.
    pub fn read(&self, index: usize) -> Result<DataFrame, ScratchError> {
        match &self.batches[index].place {
            Storage::Memory(batch) => Ok(batch.clone()),
            Storage::File { at, bytes } => {
                let mut buffer = vec![0; *bytes];
                self.scratch.read(&mut buffer, *at)?;
                Ok(frames::from_parquet(buffer.into(), None)?)
            }
        }
    }

    /// The batch that holds the record at `position`, and where in it.
    pub fn find(&self, position: u64) -> Option<(usize, usize)> {
        let mut start = 0;
        for (index, batch) in self.batches.iter().enumerate() {
            if position < start + batch.records {
                return Some((index, (position - start) as usize));
            }
            start += batch.records;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn batch(from: i64, records: i64) -> DataFrame {
        let numbers: Vec<i64> = (from..from + records).collect();
        DataFrame::new_infer_height(vec![Int64Chunked::from_vec("n".into(), numbers).into_column()]).unwrap()
    }

    #[test]
    fn batches_come_back_as_they_went_in_and_leave_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let mut spool = Spool::new(folder.path());
        let sizes = [3, 0, 100, 1, 7];
        let mut from = 0;
        for size in sizes {
            spool.push(batch(from, size)).unwrap();
            from += size;
        }
        assert_eq!((spool.batches(), spool.records()), (4, 111));
        assert_eq!(spool.read(0).unwrap(), batch(0, 3));
        assert_eq!(spool.read(3).unwrap(), batch(104, 7));
        assert_eq!(spool.find(3), Some((1, 0)));
        assert_eq!(spool.find(110), Some((3, 6)));
        assert_eq!(spool.find(111), None);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_folder_that_is_gone_is_an_error_with_its_name() {
        let folder = tempfile::tempdir().unwrap();
        let gone = folder.path().join("gone");
        let mut spool = Spool::new(&gone);
        spool.push(batch(0, 1)).unwrap();
        let error = spool.push(batch(1, 1)).unwrap_err();
        assert!(error.to_string().contains("gone"), "{error}");
        assert_eq!(error.exit(), Exit::Disk);
    }
}

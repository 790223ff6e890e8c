//! Kernel locks on single bytes of a file: many locks for one open file.

use std::fs::File;
use std::io;

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;

/// Locks one byte of a file that is open for writing; `false` if another holds it. The byte need not be there.
///
/// The lock belongs to the open file (`F_OFD_SETLK`, fcntl(2)), not to the process: it is freed when the file is closed,
/// and by the kernel when its holder dies, however it dies. Its holder may lock it again. An error means that the file
/// system has no such locks.
pub fn try_lock_byte(file: &File, byte: u64) -> io::Result<bool> {
    set(file, byte, libc::F_WRLCK)
}

/// Frees a byte that was locked.
pub fn free_byte(file: &File, byte: u64) -> io::Result<()> {
    set(file, byte, libc::F_UNLCK).map(|_| ())
}

fn set(file: &File, byte: u64, kind: libc::c_int) -> io::Result<bool> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&range(byte, kind)?)) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

/// Whether somebody else holds a byte, by another open file.
pub fn is_byte_held_elsewhere(file: &File, byte: u64) -> io::Result<bool> {
    let mut found = range(byte, libc::F_WRLCK)?;
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut found))?;
    Ok(found.l_type != libc::F_UNLCK as libc::c_short)
}

fn range(byte: u64, kind: libc::c_int) -> io::Result<libc::flock> {
    Ok(libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: libc::off_t::try_from(byte).map_err(io::Error::other)?,
        l_len: 1,
        l_pid: 0,
    })
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::path::Path;

    use super::*;

    fn open(path: &Path) -> File {
        OpenOptions::new().create(true).truncate(false).read(true).write(true).open(path).unwrap()
    }

    #[test]
    fn a_byte_is_held_until_its_file_is_closed_and_its_neighbours_are_free() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (open(&folder.path().join("lock")), open(&folder.path().join("lock")));
        assert!(try_lock_byte(&one, 5).unwrap());
        assert!(try_lock_byte(&one, 5).unwrap(), "again by its holder");
        assert!(!try_lock_byte(&other, 5).unwrap());
        assert!(try_lock_byte(&other, 4).unwrap());
        assert!(try_lock_byte(&other, 6).unwrap());
        assert!(is_byte_held_elsewhere(&one, 4).unwrap() && !is_byte_held_elsewhere(&other, 4).unwrap());
        free_byte(&other, 4).unwrap();
        assert!(try_lock_byte(&one, 4).unwrap());
        drop(one);
        assert!(try_lock_byte(&other, 5).unwrap());
    }

    #[test]
    fn a_file_that_cannot_be_locked_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        open(&folder.path().join("lock"));
        let read_only = File::open(folder.path().join("lock")).unwrap();
        assert!(try_lock_byte(&read_only, 0).is_err());
    }
}

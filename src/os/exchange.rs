//! Renames that rename(2) alone cannot do: two files or folders take each other's place in one step; one takes a name only
//! if that is free.

use std::io;
use std::path::Path;

use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};

/// Gives each of two paths what the other has, so that whoever opens one of them finds the one or the other
/// (`RENAME_EXCHANGE`, renameat2(2)). Both must be there, on one file system.
///
/// # Errors
/// `InvalidInput` where the file system cannot do it.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE)?)
}

/// Gives a file another name, unless something has it: then `AlreadyExists` (`RENAME_NOREPLACE`, renameat2(2)). Where the
/// file system cannot do that in one step, a file that takes the name between look and rename is replaced.
///
/// # Errors
/// Those of rename(2).
pub fn rename_new(from: &Path, to: &Path) -> io::Result<()> {
    match renameat2(AT_FDCWD, from, AT_FDCWD, to, RenameFlags::RENAME_NOREPLACE) {
        Err(Errno::EINVAL | Errno::ENOSYS) => {}
        renamed => return Ok(renamed?),
    }
    match to.symlink_metadata() {
        Ok(_) => Err(io::ErrorKind::AlreadyExists.into()),
        Err(_) => std::fs::rename(from, to),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn folders_change_places_with_all_that_is_in_them() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one"), folder.path().join("other"));
        for path in [&one, &other] {
            fs::create_dir(path).unwrap();
            fs::write(path.join("name"), path.to_string_lossy().as_bytes()).unwrap();
        }
        exchange(&one, &other).unwrap();
        assert_eq!(fs::read_to_string(one.join("name")).unwrap(), other.to_string_lossy());
        assert_eq!(fs::read_to_string(other.join("name")).unwrap(), one.to_string_lossy());
    }

    #[test]
    fn a_name_that_is_taken_is_not_had() {
        let folder = tempfile::tempdir().unwrap();
        let [new, taken, free] = ["new", "taken", "free"].map(|name| folder.path().join(name));
        fs::write(&new, "new").unwrap();
        std::os::unix::fs::symlink("nowhere", &taken).unwrap();
        assert_eq!(rename_new(&new, &taken).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        rename_new(&new, &free).unwrap();
        assert!(taken.is_symlink() && fs::read(&free).unwrap() == b"new");
    }

    #[test]
    fn with_something_that_is_not_there_nothing_changes_places() {
        let folder = tempfile::tempdir().unwrap();
        let (one, none) = (folder.path().join("one"), folder.path().join("none"));
        fs::write(&one, "one").unwrap();
        assert_eq!(exchange(&one, &none).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(fs::read_to_string(&one).unwrap(), "one");
    }
}

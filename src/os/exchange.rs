//! Two files or folders take each other's place in one step.

use std::io;
use std::path::Path;

/// Gives each of two paths what the other has, so that whoever opens one of them finds the one or the other
/// (`RENAME_EXCHANGE`, renameat2(2)). Both must be there, on one file system.
///
/// # Errors
/// `InvalidInput` where the file system, `Unsupported` where the operating system cannot do it.
pub fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    #[cfg(target_os = "linux")]
    {
        use nix::fcntl::{AT_FDCWD, RenameFlags, renameat2};
        renameat2(AT_FDCWD, one, AT_FDCWD, other, RenameFlags::RENAME_EXCHANGE)?;
        Ok(())
    }
    #[cfg(not(target_os = "linux"))]
    {
        let _ = (one, other);
        Err(io::ErrorKind::Unsupported.into())
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
    fn with_something_that_is_not_there_nothing_changes_places() {
        let folder = tempfile::tempdir().unwrap();
        let (one, none) = (folder.path().join("one"), folder.path().join("none"));
        fs::write(&one, "one").unwrap();
        assert_eq!(exchange(&one, &none).unwrap_err().kind(), io::ErrorKind::NotFound);
        assert_eq!(fs::read_to_string(&one).unwrap(), "one");
    }
}

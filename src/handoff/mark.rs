//! The mark of folders that windrow makes for itself: only what bears it is ever removed with everything in it.
//!
//! A folder's name is no proof of whose it is: `--runs` may name any folder, and others use names that begin with
//! `.windrow-`, too. So the first thing that windrow puts into such a folder, and the last that it takes out, is the file
//! [`MARK`]. What a death leaves is recognisable:
//!
//! | killed | is left | may be removed by |
//! |---|---|---|
//! | before the mark was made, or after it was removed | an empty folder | `rmdir`, which never removes anything else |
//! | between | a folder with the mark | [`remove`] |
//!
//! A link to a folder is never one that windrow made: what it leads to is not looked at.

use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

/// The file whose presence says that windrow made the folder.
pub const MARK: &str = ".made-by-windrow";

/// What a person finds in it.
const TEXT: &str =
    "windrow made this folder and removes it with everything in it: keep nothing of your own here.\n";

/// Makes a folder for this user alone and marks it. One that is there already must be marked, or empty.
///
/// # Errors
/// `AlreadyExists` where something else is there.
pub fn make(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            if is_marked(folder) {
                return Ok(());
            }
            if !is_empty(folder) {
                return Err(error);
            }
        }
        made => made?,
    }
    // Unmarked it would stay for ever.
    put(folder).inspect_err(|_| drop(fs::remove_dir(folder)))
}

/// Marks a folder that is windrow's for another reason.
pub fn put(folder: &Path) -> io::Result<()> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(folder.join(MARK)) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error),
        Ok(mut file) => {
            // For people only, and a full disk keeps it from nobody else: the file says it by being there.
            let _ = file.write_all(TEXT.as_bytes());
            Ok(())
        }
    }
}

/// Whether it is a folder, not a link to one, and bears the mark.
pub fn is_marked(folder: &Path) -> bool {
    let mark = fs::symlink_metadata(folder.join(MARK));
    is_folder(folder) && mark.is_ok_and(|mark| mark.is_file())
}

/// Whether it is a folder, not a link to one, with nothing in it.
pub fn is_empty(folder: &Path) -> bool {
    is_folder(folder) && fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// Whether it is a folder, and not a link to one.
pub fn is_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| found.is_dir())
}

/// Removes what is in a marked folder, but the mark and the file `but`, which is its lock. Links are removed, not what
/// they lead to.
///
/// # Errors
/// `PermissionDenied` where there is no mark.
pub fn clear(folder: &Path, but: &str) -> io::Result<()> {
    if !is_marked(folder) {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "windrow did not make this folder"));
    }
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            fs::remove_dir_all(entry.path())?;
        } else if entry.file_name() != MARK && entry.file_name() != but {
            fs::remove_file(entry.path())?;
        }
    }
    Ok(())
}

/// Removes a marked folder: what is in it, then the file `lock`, then the mark.
///
/// # Errors
/// `PermissionDenied` where there is no mark.
pub fn remove(folder: &Path, lock: &str) -> io::Result<()> {
    clear(folder, lock)?;
    match fs::remove_file(folder.join(lock)) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    fs::remove_file(folder.join(MARK))?;
    fs::remove_dir(folder)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn only_what_is_marked_is_removed() {
        let root = tempfile::tempdir().unwrap();
        let [ours, theirs] = ["ours", "theirs"].map(|name| root.path().join(name));
        make(&ours).unwrap();
        assert_eq!(crate::os::mode_of(&ours).unwrap(), 0o700);
        make(&ours).unwrap();
        fs::create_dir_all(ours.join("deep/er")).unwrap();
        fs::create_dir(&theirs).unwrap();
        for file in [ours.join("deep/er/file"), ours.join("lock"), theirs.join("file")] {
            fs::write(file, "").unwrap();
        }
        symlink(&theirs, ours.join("link")).unwrap();
        assert_eq!(make(&theirs).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(remove(&theirs, "lock").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        remove(&ours, "lock").unwrap();
        assert!(!ours.exists() && theirs.join("file").exists());
    }

    #[test]
    fn an_empty_folder_may_be_taken_and_a_link_to_one_not() {
        let root = tempfile::tempdir().unwrap();
        let [empty, link] = ["empty", "link"].map(|name| root.path().join(name));
        fs::create_dir(&empty).unwrap();
        symlink(&empty, &link).unwrap();
        make(&link).unwrap_err();
        make(&empty).unwrap();
        assert!(is_marked(&empty) && !is_marked(&link) && !is_empty(&empty));
        assert_eq!(remove(&link, "lock").unwrap_err().kind(), io::ErrorKind::PermissionDenied);
        // A mark that is a folder, or leads elsewhere, is none.
        fs::remove_file(empty.join(MARK)).unwrap();
        symlink("/etc/hostname", empty.join(MARK)).unwrap();
        assert!(!is_marked(&empty));
    }
}

//! Whose a folder is, and who may look into what is made.

use std::ffi::OsStr;
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use nix::fcntl::AT_FDCWD;
use nix::libc::O_NOFOLLOW;
use nix::sys::stat::{FchmodatFlags, Mode, fchmodat};

use super::user;

/// The bits of a folder's mode that a file in it has, too.
const OF_FILES: u32 = 0o666;

/// Makes a folder for this user alone, and those above it that are not there. One that is there must be nobody else's.
///
/// # Errors
/// It cannot be made, is another user's, or others can put files in it.
pub fn make_private(folder: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    refuse_others(folder)
}

/// Refuses a folder in which others could put files, or exchange ours. Where it is sticky they cannot do the latter, and
/// a file of another user is refused when it is opened.
///
/// # Errors
/// It is such a folder.
pub fn refuse_others(folder: &Path) -> io::Result<()> {
    let facts = std::fs::metadata(folder)?;
    let refused = |why: &str| Err(io::Error::other(format!("{} {why}", folder.display())));
    let is_open = facts.mode() & 0o022 != 0 && facts.mode() & 0o1000 == 0;
    if facts.uid() != user() {
        refused("belongs to another user")
    } else if is_open {
        refused("can be written by other users (`chmod go-w` ends that)")
    } else {
        Ok(())
    }
}

/// The user that a folder belongs to, where that is not this one.
///
/// A file system may give what everybody makes to one user (NFS that squashes, CIFS), whom no user then is: there a folder is
/// this user's if what they make in it has the same owner. Root is no exception: in a folder of somebody else's, who
/// can exchange a file for a link at any time, root would write where that user may not.
///
/// # Errors
/// The folder cannot be looked at.
pub fn foreign_owner(folder: &Path) -> io::Result<Option<u32>> {
    let owner = std::fs::metadata(folder)?.uid();
    if owner == user() {
        return Ok(None);
    }
    // One without a name, where the file system has such.
    let made = tempfile::tempfile_in(folder).and_then(|file| file.metadata());
    Ok(Some(owner).filter(|owner| !made.is_ok_and(|made| made.uid() == *owner)))
}

/// A user by their name, or else by their number.
pub fn shown_user(number: u32) -> String {
    let known = nix::unistd::User::from_uid(number.into()).ok().flatten();
    known.map_or_else(|| number.to_string(), |user| user.name)
}

/// A path without what makes the system follow a link at its end: `link/` and `link/.` are the folder behind it.
pub fn unfollowed(path: &Path) -> PathBuf {
    path.components().collect()
}

/// Whether it is a link, whatever it leads to.
pub fn is_link(path: &Path) -> bool {
    unfollowed(path).symlink_metadata().is_ok_and(|found| found.is_symlink())
}

/// Never opens what a link of that name leads to.
pub fn without_links(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(O_NOFOLLOW)
}

/// The permissions of a folder.
///
/// # Errors
/// It cannot be looked at.
pub fn mode_of(folder: &Path) -> io::Result<u32> {
    Ok(std::fs::metadata(folder)?.mode() & 0o777)
}

/// Gives a file that is open the permissions of a folder, whatever the umask is.
///
/// Best effort: a file system without permissions has none to give, and behind a folder that is closed it does not matter.
pub fn permit(file: &File, folder: u32) {
    let wanted = folder & OF_FILES;
    if file.metadata().is_ok_and(|facts| facts.mode() & 0o777 != wanted) {
        let _ = file.set_permissions(Permissions::from_mode(wanted));
    }
}

/// The same of a file or a folder by its path, unless that is a link.
pub fn permit_at(path: &Path, folder: u32) {
    let Ok(facts) = unfollowed(path).symlink_metadata() else { return };
    let wanted = if facts.is_dir() { folder } else { folder & OF_FILES };
    if facts.mode() & 0o777 == wanted || !facts.is_dir() && !facts.is_file() {
        return;
    }
    let mode = Mode::from_bits_truncate(wanted);
    let _ = fchmodat(AT_FDCWD, path, mode, FchmodatFlags::NoFollowSymlink);
}

/// Whether a name stands for a file in a folder, and leads nowhere else.
pub fn is_plain_name(name: &str) -> bool {
    let mut parts = Path::new(name).components();
    let is_normal =
        matches!(parts.next(), Some(std::path::Component::Normal(part)) if part == OsStr::new(name));
    is_normal && parts.next().is_none() && !name.contains('\0')
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    #[test]
    fn a_folder_is_of_who_made_it_and_root_is_no_exception() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(foreign_owner(folder.path()).unwrap(), None);
        chown(folder.path(), Some(4711), None).expect("this test gives a folder away: run it as root");
        assert_eq!(foreign_owner(folder.path()).unwrap(), Some(4711));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "looking leaves nothing");
        assert!(refuse_others(folder.path()).unwrap_err().to_string().ends_with("belongs to another user"));
        assert_eq!((shown_user(0), shown_user(4_000_000_000)), ("root".into(), "4000000000".into()));
    }

    #[test]
    fn a_link_is_one_however_its_path_ends() {
        let folder = tempfile::tempdir().unwrap();
        let (real, link) = (folder.path().join("real"), folder.path().join("link"));
        std::fs::create_dir(&real).unwrap();
        symlink(&real, &link).unwrap();
        for end in ["link", "link/", "link/.", "link//./"] {
            assert!(is_link(&folder.path().join(end)), "{end}");
        }
        assert!(!is_link(&real) && !is_link(&folder.path().join("none")));
        assert!(!is_link(&link.join("..")), "the folder that holds what it leads to");
    }

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["a", "000000000.5f0c7a11.shop.parquet", "...", "a..b", "~", "%2e%2e"] {
            assert!(is_plain_name(name), "{name}");
        }
        for name in ["", ".", "..", "/", "/a", "a/", "a/b", "a/../b", "../a", "./a", "a\0b"] {
            assert!(!is_plain_name(name), "{name}");
        }
    }

    #[test]
    fn a_file_is_as_open_as_its_folder() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("file"), folder.path().join("link"));
        symlink(&file, &link).unwrap();
        for (mode, wanted) in [(0o700, 0o600), (0o750, 0o640), (0o755, 0o644), (0o777, 0o666)] {
            permit(&File::create(&file).unwrap(), mode);
            assert_eq!(mode_of(&file).unwrap(), wanted);
            permit_at(&link, 0o711);
            assert_eq!(mode_of(&file).unwrap(), wanted, "through a link");
        }
    }
}

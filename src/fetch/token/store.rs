//! Tokens on disk: a file for each that is shared, `0600` in a folder `0700` that must be this user's, and beside it a lock
//! that dies with its holder.
//!
//! A file is written aside, synced and renamed: it is the old one or the new one, whole. One that is damaged, or of a newer
//! windrow, counts as none.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Write as _};
use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tokio::time::{Instant, sleep};

use super::grant::Given;
use super::{Token, renewal};
use crate::os::{make_private, without_links};

/// How often it is looked whether a lock is free.
const LOOK: Duration = Duration::from_millis(20);

/// The format's version.
const VERSION: u32 = 1;

/// The file of a token.
pub(super) struct Store {
    folder: PathBuf,
    path: PathBuf,
    /// The file that becomes it. What a killed process leaves there the next holder of the lock overwrites.
    aside: PathBuf,
    lock: File,
}

/// What the file holds.
#[derive(Serialize, Deserialize)]
pub(super) struct Stored {
    version: u32,
    pub(super) access_token: String,
    /// In microseconds since 1970.
    renew_at: Option<i64>,
    /// What the server gave in place of the refresh token that the job has.
    pub(super) refresh_token: Option<String>,
}

impl Stored {
    pub(super) fn of(given: Given, now: i64) -> Stored {
        Stored {
            version: VERSION,
            access_token: given.access_token,
            renew_at: given.lasts.map(|lasts| renewal(now, lasts)),
            refresh_token: given.refresh_token,
        }
    }

    pub(super) fn token(&self) -> Token {
        Token { access: self.access_token.clone(), renew_at: self.renew_at }
    }
}

/// The leave to ask for a token. Freed when it is dropped, or when its process ends, however that is.
pub(super) struct Lock<'a>(&'a File);

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // It is freed with the file, at the latest.
        let _ = self.0.unlock();
    }
}

impl Store {
    /// The file of that name; the folder is made.
    pub(super) fn open(folder: &Path, name: &str) -> io::Result<Store> {
        let about = |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", folder.display()));
        make_private(folder).map_err(about)?;
        fs::set_permissions(folder, fs::Permissions::from_mode(0o700)).map_err(about)?;
        let lock = open(&folder.join(format!("{name}.lock")), false).map_err(about)?;
        let file = |ending: &str| folder.join(format!("{name}.{ending}"));
        Ok(Store { folder: folder.to_owned(), path: file("json"), aside: file("tmp"), lock })
    }

    /// What it holds; nothing where it is not there, or cannot be understood.
    pub(super) fn read(&self) -> io::Result<Option<Stored>> {
        let bytes = match fs::read(&self.path) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(io::Error::new(error.kind(), format!("{}: {error}", self.path.display())));
            }
        };
        let stored: Option<Stored> = serde_json::from_slice(&bytes).ok();
        Ok(stored.filter(|stored| stored.version == VERSION))
    }

    /// Writes it, for who has the lock: durable when this returns.
    pub(super) fn write(&self, stored: &Stored) -> io::Result<()> {
        let about =
            |error: io::Error| io::Error::new(error.kind(), format!("{}: {error}", self.path.display()));
        let bytes = serde_json::to_vec(stored)?;
        let mut aside = open(&self.aside, true).map_err(about)?;
        aside.write_all(&bytes).and_then(|()| aside.sync_all()).map_err(about)?;
        fs::rename(&self.aside, &self.path).map_err(about)?;
        File::open(&self.folder).and_then(|folder| folder.sync_all()).map_err(about)
    }

    /// Waits for the lock; nothing where another has it for so long.
    pub(super) async fn lock(&self, longest: Duration) -> io::Result<Option<Lock<'_>>> {
        let begun = Instant::now();
        loop {
            match self.lock.try_lock() {
                Ok(()) => return Ok(Some(Lock(&self.lock))),
                Err(TryLockError::Error(error)) => return Err(error),
                Err(TryLockError::WouldBlock) if begun.elapsed() > longest => return Ok(None),
                Err(TryLockError::WouldBlock) => sleep(LOOK).await,
            }
        }
    }
}

/// A file for this user alone, made where it is not there, and behind no link.
fn open(path: &Path, truncate: bool) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.create(true).truncate(truncate).read(true).write(true).mode(0o600);
    without_links(&mut options).open(path)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{chown, symlink};

    use super::*;

    #[test]
    fn tokens_are_kept_in_no_folder_of_another_user_and_behind_no_link() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("tokens");
        Store::open(&folder, "a").unwrap();
        symlink(root.path().join("elsewhere"), folder.join("b.lock")).unwrap();
        assert!(Store::open(&folder, "b").is_err() && !root.path().join("elsewhere").exists());
        chown(&folder, Some(4711), None).expect("this test gives a folder away: run it as root");
        let error = Store::open(&folder, "a").err().unwrap().to_string();
        assert!(error.ends_with("belongs to another user"), "{error}");
    }
}

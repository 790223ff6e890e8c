//! Where budgets live: a folder of this user on this machine.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::BudgetError;
use crate::handoff::digest;
use crate::os::{make_private, refuse_others, user_home};

/// The environment variable that names another folder.
const VARIABLE: &str = "WINDROW_STATE";

/// Where the files of budgets lie in it.
const LIMITS: &str = "limits";

/// Letters of a name that a file's name shows.
const SHOWN: usize = 80;

/// The folder of the state that windrow keeps beyond its runs: `$WINDROW_STATE`, or else `windrow` in
/// `$XDG_STATE_HOME` or `~/.local/state` (XDG Base Directory Specification). Without `$HOME` it is the home that the
/// system has for this user; never a name below `/tmp`, which others could take first.
pub fn state_folder() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").or_else(user_home).unwrap_or_else(|| PathBuf::from("/nonexistent"));
    let below = || set("XDG_STATE_HOME").unwrap_or_else(|| home().join(".local/state")).join("windrow");
    set(VARIABLE).unwrap_or_else(below)
}

/// The folder of the access tokens that all processes of this user share.
pub fn token_folder() -> PathBuf {
    state_folder().join("tokens")
}

/// The file of a limit that jobs name, its folder made.
///
/// # Errors
/// The folder cannot be made.
pub fn file_of_limit(folder: &Path, name: &str) -> Result<PathBuf, BudgetError> {
    file_of(folder, Kind::Limit, name)
}

/// The file of a host, named with its port, its folder made.
///
/// # Errors
/// The folder cannot be made.
pub fn file_of_host(folder: &Path, name: &str) -> Result<PathBuf, BudgetError> {
    file_of(folder, Kind::Host, name)
}

/// What a file is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Limit,
    Host,
}

impl Kind {
    fn word(self) -> &'static str {
        match self {
            Kind::Limit => "limit-",
            Kind::Host => "host-",
        }
    }
}

/// All files of budgets; none where nobody has made any.
pub(super) fn files(folder: &Path) -> Result<impl Iterator<Item = (PathBuf, Kind)>, BudgetError> {
    let folder = folder.join(LIMITS);
    let entries = match fs::read_dir(&folder) {
        Ok(entries) => Some(entries),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(source) => return Err(BudgetError::File { path: folder.display().to_string(), source }),
    };
    Ok(entries.into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name();
        let kind = [Kind::Limit, Kind::Host]
            .into_iter()
            .find(|kind| name.to_string_lossy().starts_with(kind.word()));
        Some((entry.path(), kind?))
    }))
}

/// A name as its file shows it.
pub(super) fn shown(name: &str) -> String {
    name.chars().take(SHOWN).map(|c| if is_plain(c) { c } else { '_' }).collect()
}

fn file_of(folder: &Path, kind: Kind, name: &str) -> Result<PathBuf, BudgetError> {
    let limits = folder.join(LIMITS);
    make_private(&limits)
        .and_then(|()| refuse_others(folder))
        .map_err(|source| BudgetError::File { path: limits.display().to_string(), source })?;
    let (kind, shown) = (kind.word(), shown(name));
    // Two names that show alike are two budgets.
    let hash = digest::sha256(name.as_bytes());
    Ok(limits.join(format!("{kind}{shown}-{}", &hash[..16])))
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || ".:-[]".contains(letter)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn a_folder_that_others_can_write_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let state = root.path().join("state");
        file_of_host(&state, "example.com:443").unwrap();
        assert_eq!(fs::metadata(state.join(LIMITS)).unwrap().mode() & 0o777, 0o700);
        for (folder, mode, is_refused) in [
            (&state, 0o777, true),
            (&state, 0o770, true),
            (&state, 0o1777, false),
            (&state, 0o755, false),
            (&state.join(LIMITS), 0o702, true),
            (&state.join(LIMITS), 0o700, false),
        ] {
            fs::set_permissions(folder, fs::Permissions::from_mode(mode)).unwrap();
            let file = file_of_host(&state, "example.com:443");
            assert_eq!(file.is_err(), is_refused, "{mode:o}: {file:?}");
        }
    }
}

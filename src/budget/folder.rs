//! Where budgets live: a folder of this user on this machine.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::BudgetError;
use crate::handoff::digest;
use crate::os::user;

/// The environment variable that names another folder.
const VARIABLE: &str = "WINDROW_STATE";

/// Where the files of budgets lie in it.
const LIMITS: &str = "limits";

/// Letters of a name that a file's name shows.
const SHOWN: usize = 80;

/// The folder of the state that windrow keeps beyond its runs: `$WINDROW_STATE`, or else `windrow` in
/// `$XDG_STATE_HOME` or `~/.local/state` (XDG Base Directory Specification), or else in the folder for temporary files.
pub fn state_folder() -> PathBuf {
    let set = |name| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|home| home.join(".local/state"));
    let own = || std::env::temp_dir().join(format!("windrow-{}", user()));
    set(VARIABLE)
        .or_else(|| set("XDG_STATE_HOME").or_else(home).map(|folder| folder.join("windrow")))
        .unwrap_or_else(own)
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
    let entries = match std::fs::read_dir(&folder) {
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
    let folder = folder.join(LIMITS);
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map_err(|source| BudgetError::File { path: folder.display().to_string(), source })?;
    let (kind, shown) = (kind.word(), shown(name));
    // Two names that show alike are two budgets.
    let hash = digest::sha256(name.as_bytes());
    Ok(folder.join(format!("{kind}{shown}-{}", &hash[..16])))
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || ".:-[]".contains(letter)
}

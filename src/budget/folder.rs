//! Where budgets live: a folder of this user on this machine.

use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use super::BudgetError;
use crate::handoff::digest;
use crate::os::user;

/// The environment variable that names another folder.
const VARIABLE: &str = "WINDROW_STATE";

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
    file_of(folder, "limit", name)
}

/// The file of a host, named with its port, its folder made.
///
/// # Errors
/// The folder cannot be made.
pub fn file_of_host(folder: &Path, name: &str) -> Result<PathBuf, BudgetError> {
    file_of(folder, "host", name)
}

fn file_of(folder: &Path, kind: &str, name: &str) -> Result<PathBuf, BudgetError> {
    let folder = folder.join("limits");
    let made = DirBuilder::new().recursive(true).mode(0o700).create(&folder);
    made.map_err(|source| BudgetError::File { path: folder.display().to_string(), source })?;
    let shown: String = name.chars().take(SHOWN).map(|c| if is_plain(c) { c } else { '_' }).collect();
    // Two names that show alike are two budgets.
    let hash = digest::sha256(name.as_bytes());
    Ok(folder.join(format!("{kind}-{shown}-{}", &hash[..16])))
}

fn is_plain(letter: char) -> bool {
    letter.is_ascii_alphanumeric() || ".:-[]".contains(letter)
}

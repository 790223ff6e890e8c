//! Paths in a job file: relative to its folder, on this machine.

use std::path::{Path, PathBuf};

use crate::job::mistake::Mistakes;
use crate::job::raw::At;

/// The absolute path that `text`, written at `place`, stands for in `folder`.
pub(super) fn absolute(
    place: &At<String>,
    text: &str,
    folder: &Path,
    mistakes: &mut Mistakes,
) -> Option<PathBuf> {
    let wrong = if text.is_empty() {
        ("no path", "write the path of a file, relative to this file")
    } else if text.contains("://") {
        ("not yet supported: a URL as a file", "write the path of a file on this machine")
    } else if text.starts_with('~') {
        ("`~` is not expanded in paths", "write the whole path, or one relative to this file")
    } else if text.contains(char::is_control) {
        ("a control character in a path", "in single quotes a backslash is itself")
    } else {
        return Some(tidy(folder.join(text)));
    };
    mistakes.add(&place.span, wrong.0, wrong.1);
    None
}

/// The path without `..` and links above its last part, where its folder exists.
fn tidy(path: PathBuf) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path,
    }
}

//! Paths as people type them.

use std::path::Path;

/// A path as a person would type it: relative to where they are, where it lies below.
pub fn shown_path(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(&here).unwrap_or(path).display().to_string()
}

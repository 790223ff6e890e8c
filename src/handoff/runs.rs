//! Where runs live, and how one is named.
//!
//! The runs of a job lie in `<root>/<job>/<run>/`. The root is the folder `shards/` beside the `schemas/`
//! folder that holds the job file, or beside the job file where there is no such folder.

use std::path::{Path, PathBuf};

use super::layout;

/// Where the runs of a job file live by default; `job` is absolute.
pub fn default_root(job: &Path) -> PathBuf {
    let folder = job.parent().unwrap_or(Path::new("/"));
    let beside = match folder.file_name() {
        Some(name) if name == "schemas" => folder.parent().unwrap_or(folder),
        _ => folder,
    };
    beside.join("shards")
}

/// A new run's id: the time in UTC, so that names sort by it; behind the dash five hexadecimal digits are its
/// microseconds, and one is random.
pub fn new_run_id(now_micros: i64) -> String {
    let now = jiff::Timestamp::from_microsecond(now_micros).unwrap_or_default();
    let micros = now_micros.rem_euclid(1_000_000);
    format!("{}-{micros:05x}{:x}", now.strftime("%Y%m%dT%H%M%S"), fastrand::u8(..16))
}

/// The folders of a job's planned runs, the newest first.
pub fn runs_of(root: &Path, job: &str) -> Vec<PathBuf> {
    let mut runs = folders(&root.join(job));
    runs.retain(|run| run.join(layout::PLAN).is_file());
    runs.reverse();
    runs
}

/// Folders beside a job's runs that were never planned to the end.
pub fn unplanned(job_folder: &Path) -> Vec<PathBuf> {
    let mut folders = folders(job_folder);
    folders.retain(|folder| !is_run_folder(folder));
    folders
}

/// The names of the jobs that have runs, in alphabetical order.
pub fn jobs(root: &Path) -> Vec<String> {
    let name = |path: &PathBuf| path.file_name().map(|name| name.to_string_lossy().into_owned());
    folders(root).iter().filter_map(name).collect()
}

/// The folders within a folder, by name; none where it cannot be read.
fn folders(of: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(of) else { return Vec::new() };
    let mut folders: Vec<PathBuf> =
        entries.filter_map(Result::ok).map(|entry| entry.path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Whether a word names a run by its folder.
pub fn is_run_folder(path: &Path) -> bool {
    path.join(layout::PLAN).is_file()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_live_beside_schemas_or_beside_the_job() {
        assert_eq!(default_root(Path::new("/p/schemas/a.toml")), Path::new("/p/shards"));
        assert_eq!(default_root(Path::new("/p/a.toml")), Path::new("/p/shards"));
    }

    #[test]
    fn ids_sort_by_time() {
        let id = new_run_id(1_795_417_800_000_000);
        assert!(id.starts_with("20261123T071000-00000") && id.len() == 22, "{id}");
        let later = [1, 16, 999_999, 1_000_000].map(|micros| new_run_id(1_795_417_800_000_000 + micros));
        assert!(id < later[0] && later.is_sorted(), "{later:?}");
    }
}

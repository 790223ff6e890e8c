//! Where runs live, and how one is named.
//!
//! The runs of a job lie in `<root>/<job>/<run>/`. The root is the folder `shards/` beside the `schemas/`
//! folder that holds the job file, or beside the job file where there is no such folder.
//!
//! A folder without a plan is no run, whatever else it holds: planners that die leave such folders, and so does a
//! [`remove`] that is cut short. Whoever plans next sweeps them.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::layout;
use super::store::{HandoffError, absent_is_fine, file_error};

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

/// Bytes of the files in a folder and below; what cannot be read counts nothing.
pub fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(of).sum()
}

/// Removes a run, for the holder of its lock: its plan first and for good, then the rest.
pub fn remove(folder: &Path) -> Result<(), HandoffError> {
    let failed = |error| file_error("remove", folder.display(), error);
    std::fs::remove_file(folder.join(layout::PLAN)).or_else(absent_is_fine).map_err(failed)?;
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    std::fs::remove_dir_all(folder).map_err(failed)
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
    fn a_run_is_removed_with_all_that_it_holds_and_no_more() {
        let root = tempfile::tempdir().unwrap();
        let run = root.path().join("films/20261123T071000-000000");
        std::fs::create_dir_all(run.join("00000")).unwrap();
        for (name, bytes) in [(layout::PLAN, 10), ("00000/input.parquet", 90)] {
            std::fs::write(run.join(name), vec![0; bytes]).unwrap();
        }
        assert_eq!(size(&run), 100);
        assert_eq!(runs_of(root.path(), "films").first(), Some(&run));
        std::fs::remove_dir_all(run.join("00000")).unwrap();
        std::os::unix::fs::symlink(root.path(), run.join("00000")).unwrap();
        remove(&run).unwrap();
        assert!(!run.exists() && root.path().is_dir(), "a link is removed, not what it leads to");
    }

    #[test]
    fn ids_sort_by_time() {
        let id = new_run_id(1_795_417_800_000_000);
        assert!(id.starts_with("20261123T071000-00000") && id.len() == 22, "{id}");
        let later = [1, 16, 999_999, 1_000_000].map(|micros| new_run_id(1_795_417_800_000_000 + micros));
        assert!(id < later[0] && later.is_sorted(), "{later:?}");
    }
}

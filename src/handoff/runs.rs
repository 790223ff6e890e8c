//! Where runs live, and how one is named.
//!
//! The runs of a job lie in `<root>/<job>/<run>/`. The root is the folder `shards/` beside the `schemas/`
//! folder that holds the job file, or beside the job file where there is no such folder.
//!
//! A folder without a plan is no run, whatever else it holds: planners that die leave such folders, and so does a
//! [`remove`] that is cut short. The next plan sweeps them, if they are windrow's: a folder that bears the
//! [mark] and has the [name of a run](is_run_id). A root may be anybody's folder, and what else lies there is
//! not touched.

use std::fs::File;
use std::path::{Path, PathBuf};

use super::error::{HandoffError, absent_is_fine, file_error};
use super::{guard, layout, mark};

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
/// microseconds, and eight are random: at the destination a run that has the id of another would take its rows for its
/// own.
pub fn new_run_id(now_micros: i64) -> String {
    let now = jiff::Timestamp::from_microsecond(now_micros).unwrap_or_default();
    let micros = now_micros.rem_euclid(1_000_000);
    format!("{}-{micros:05x}{:08x}", now.strftime("%Y%m%dT%H%M%S"), fastrand::u32(..))
}

/// Whether a folder's name is one that [`new_run_id`] makes.
pub fn is_run_id(name: &str) -> bool {
    let is_time = |time: &str| {
        time.len() == 15
            && time
                .bytes()
                .enumerate()
                .all(|(at, byte)| if at == 8 { byte == b'T' } else { byte.is_ascii_digit() })
    };
    let is_hex = |byte: u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    name.split_once('-')
        .is_some_and(|(time, rest)| is_time(time) && rest.len() == 13 && rest.bytes().all(is_hex))
}

/// Whether the last part of a path is the name of a run.
fn is_named_as_run(path: &Path) -> bool {
    path.file_name().and_then(|name| name.to_str()).is_some_and(is_run_id)
}

/// The folders of a job's planned runs, the newest first. One with another name than that of a run is none of them: its
/// name does not say how old it is. It can be opened by its path.
pub fn runs_of(root: &Path, job: &str) -> Vec<PathBuf> {
    let mut runs = folders(&root.join(job));
    runs.retain(|run| is_named_as_run(run) && is_run_folder(run));
    runs.reverse();
    runs
}

/// Folders of this user beside a job's runs that are named like one and were never planned to the end, or not removed to the
/// end.
pub fn unplanned(job_folder: &Path) -> Vec<PathBuf> {
    let mut folders = folders(job_folder);
    folders.retain(|folder| is_not_removable(folder).is_none() && !has_plan(folder));
    folders
}

/// Whether there is a plan, of whatever kind.
fn has_plan(folder: &Path) -> bool {
    folder.join(layout::PLAN).symlink_metadata().is_ok()
}

/// Why a run's folder may not be removed at all; `None` where it may.
pub fn is_not_removable(folder: &Path) -> Option<&'static str> {
    match (mark::is_folder(folder), is_named_as_run(folder)) {
        (false, _) => Some("it is a link: remove it by hand"),
        (true, false) => Some("its folder does not have the name of a run: remove it by hand"),
        (true, true) if guard::refuse_foreign(folder).is_err() => Some("it belongs to another user"),
        (true, true) => None,
    }
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

/// Bytes of the files in a folder and below; what cannot be read counts nothing, nor does what the holder of a run's lock
/// has written into it.
pub fn size(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
    let of = |entry: std::fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size(&entry.path()),
        Ok(_) if entry.file_name() == layout::RUN_LOCK => 0,
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.filter_map(Result::ok).map(of).sum()
}

/// Removes a run, for the holder of its lock: its plan first and for good, then the rest.
///
/// A plan that can be read is as good as the mark: a run of an earlier windrow, which had none, is marked first.
pub fn remove(folder: &Path) -> Result<(), HandoffError> {
    remove_plan(folder)?;
    let synced = File::open(folder).and_then(|folder| folder.sync_all());
    synced.map_err(|error| file_error("remove", folder.display(), error))?;
    remove_unplanned(folder)
}

/// The same of a [leased](super::Plan::leased) run: what a power cut leaves of it is dropped by who finds it.
pub fn remove_leased(folder: &Path) -> Result<(), HandoffError> {
    remove_plan(folder)?;
    remove_unplanned(folder)
}

fn remove_plan(folder: &Path) -> Result<(), HandoffError> {
    let failed = |error| file_error("remove", folder.display(), error);
    if let Some(why) = is_not_removable(folder) {
        return Err(failed(std::io::Error::other(why)));
    }
    mark::put(folder).map_err(failed)?;
    std::fs::remove_file(folder.join(layout::PLAN)).or_else(absent_is_fine).map_err(failed)
}

/// Removes a folder without a plan, for the holder of its lock: one that is marked, or empty.
pub fn remove_unplanned(folder: &Path) -> Result<(), HandoffError> {
    let removed = if mark::is_empty(folder) {
        std::fs::remove_dir(folder)
    } else {
        mark::remove(folder, layout::RUN_LOCK)
    };
    removed.map_err(|error| file_error("remove", folder.display(), error))
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
        let run = root.path().join("films/20261123T071000-0000000000000");
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
    fn what_is_not_named_like_a_run_or_is_a_link_is_not_removed() {
        let root = tempfile::tempdir().unwrap();
        let [other, run] = ["a-copy", "20261123T071000-000000000000a"].map(|name| root.path().join(name));
        for folder in [&other, &run] {
            std::fs::create_dir(folder).unwrap();
            std::fs::write(folder.join(layout::PLAN), "{}").unwrap();
        }
        let link = root.path().join("20261123T071000-000000000000b");
        std::os::unix::fs::symlink(&run, &link).unwrap();
        for folder in [&other, &link] {
            remove(folder).unwrap_err();
            assert!(folder.join(layout::PLAN).is_file());
        }
        assert!(unplanned(root.path()).is_empty());
        std::fs::remove_file(run.join(layout::PLAN)).unwrap();
        assert_eq!(unplanned(root.path()), [run], "and not the link to it");
    }

    #[test]
    fn a_run_is_named_by_its_time() {
        assert!(is_run_id(&new_run_id(1_795_417_800_999_999)));
        for name in [
            ".git",
            "20261123T071000",
            "20261123T071000-000000000000",
            "20261123T071000-000000000000A",
            "20261123T071000-0000000000000.bak",
            "20261123-071000-0000000000000",
            "2026\u{e4}23T071000-0000000000000",
        ] {
            assert!(!is_run_id(name), "{name}");
        }
    }

    #[test]
    fn ids_sort_by_time() {
        let id = new_run_id(1_795_417_800_000_000);
        assert!(id.starts_with("20261123T071000-00000") && id.len() == 29, "{id}");
        let later = [1, 16, 999_999, 1_000_000].map(|micros| new_run_id(1_795_417_800_000_000 + micros));
        assert!(id < later[0] && later.is_sorted(), "{later:?}");
    }
}

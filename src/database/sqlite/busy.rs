//! Another process writes to the file.

use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use crate::os::tell;

/// How long it is waited for: as long as a load takes, not as long as a person keeps it.
pub(super) const LONGEST: Duration = Duration::from_secs(if cfg!(test) { 3 } else { 60 });

/// From when on the person is told.
const TOLD_AFTER: Duration = Duration::from_secs(1);

/// Between two looks, in milliseconds; who waits for the same file looks at other moments.
const BETWEEN_LOOKS: std::ops::Range<u64> = 2..20;

/// Waiting for a file, at one connection.
#[derive(Debug)]
pub struct Patience {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    since: Instant,
    is_told: bool,
    /// Whether it was waited for as long as can be. What comes then has waited for the same: a load that does not fit into
    /// memory asks again and again for the lock that a reader of a rollback journal has.
    is_spent: bool,
}

impl Patience {
    /// For a file, until `stop` says so.
    pub fn new(path: &Path, stop: &Arc<AtomicBool>) -> Patience {
        Patience {
            path: path.to_owned(),
            stop: Arc::clone(stop),
            since: Instant::now(),
            is_told: false,
            is_spent: false,
        }
    }

    /// Waits a moment; whether to look again. `looks` is how often it was looked for the same lock.
    pub fn wait(&mut self, looks: i32) -> bool {
        if looks == 0 {
            self.since = Instant::now();
        }
        self.is_spent |= self.since.elapsed() > LONGEST;
        if self.is_spent || self.stop.load(Ordering::Relaxed) {
            return false;
        }
        if self.since.elapsed() > TOLD_AFTER && !self.is_told {
            self.is_told = true;
            let (path, longest) = (self.path.display(), LONGEST.as_secs());
            tell(format_args!("{path} is in use, waiting up to {longest} s for it: {}", writers(&self.path)));
        }
        std::thread::sleep(Duration::from_millis(fastrand::u64(BETWEEN_LOOKS)));
        true
    }
}

/// Who has a lock on the file, or on what belongs to it, in words.
pub(super) fn writers(path: &Path) -> String {
    let others = holders(path);
    match others.as_slice() {
        [] => "another process writes to it".to_owned(),
        others => format!("locked by {}", others.join(", ")),
    }
}

/// The processes that hold locks on a database's files, as the kernel tells (proc_locks(5)): `python3 (1234)`.
fn holders(path: &Path) -> Vec<String> {
    let Ok(locks) = std::fs::read_to_string("/proc/locks") else { return Vec::new() };
    let beside = |ending: &str| {
        let mut name = path.as_os_str().to_owned();
        name.push(ending);
        std::fs::metadata(name).ok()
    };
    let files: Vec<String> = ["", "-shm"].into_iter().filter_map(beside).map(|file| place(&file)).collect();
    let own = std::process::id().to_string();
    let mut found: Vec<String> = Vec::new();
    for line in locks.lines() {
        // 1: POSIX  ADVISORY  WRITE 1234 08:01:5678 120 120
        let words: Vec<&str> = line.split_whitespace().collect();
        let [_, _, _, _, process, file, ..] = words.as_slice() else { continue };
        let shown = || named(process);
        if *process != own && files.iter().any(|known| known == file) && !found.contains(&shown()) {
            found.push(shown());
        }
    }
    found
}

/// A file as the kernel's list of locks names it.
fn place(file: &std::fs::Metadata) -> String {
    let device = file.dev();
    // As glibc's gnu_dev_major and gnu_dev_minor do.
    let major = ((device >> 8) & 0xfff) | ((device >> 32) & !0xfff);
    let minor = (device & 0xff) | ((device >> 12) & !0xff);
    format!("{major:02x}:{minor:02x}:{}", file.ino())
}

fn named(process: &str) -> String {
    let name = std::fs::read_to_string(format!("/proc/{process}/comm")).unwrap_or_default();
    format!("{} ({process})", name.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patience_ends_once_and_for_all() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let (stop, since) = (Arc::default(), Instant::now());
        let mut patience = Patience::new(file.path(), &stop);
        assert!((0..100_000).any(|looks| !patience.wait(looks)) && since.elapsed() > LONGEST);
        assert!(!patience.wait(0));
        let mut other = Patience::new(file.path(), &stop);
        stop.store(true, Ordering::Relaxed);
        assert!(!other.wait(0));
    }
}

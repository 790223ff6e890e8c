//! Processes of this machine, as `/proc` shows them. One that ended and was not waited for is none.

use std::path::Path;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::at_most;

/// The children of a process.
pub fn children_of(parent: u32) -> Vec<i32> {
    processes().into_iter().filter(|&pid| parent_of(pid) == Some(parent)).collect()
}

/// The processes whose command line names a folder.
pub fn naming(folder: &Path) -> Vec<i32> {
    let names = |&pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains(folder.to_str().unwrap())
    };
    processes().into_iter().filter(names).collect()
}

/// Kills a process that may be gone already.
pub fn kill_9(pid: i32) {
    let _ = kill(Pid::from_raw(pid), Signal::SIGKILL);
}

/// Waits until something is so; fails the test after the limit, on a busy machine after ten times that.
#[track_caller]
pub fn until(limit: Duration, what: &str, mut is_so: impl FnMut() -> bool) {
    let (started, limit) = (Instant::now(), at_most(limit));
    while !is_so() {
        assert!(started.elapsed() < limit, "not within {limit:?}: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

fn processes() -> Vec<i32> {
    let entries = std::fs::read_dir("/proc").unwrap();
    entries.filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok()).collect()
}

/// The parent of a process that has not ended. In `stat`, state and parent follow the name in parentheses.
fn parent_of(pid: i32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_whitespace();
    let is_alive = !matches!(fields.next()?, "Z" | "X");
    fields.next()?.parse().ok().filter(|_| is_alive)
}

//! Processes of this machine, as `/proc` shows them. One that ended and was not waited for is none.

use std::path::Path;
use std::process::Child;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::{Ended, at_most, wait};

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

/// Waits for the end of a command, and says how much memory it or a child of it had at the most, in KiB (proc(5), `VmHWM`).
pub fn wait_with_peak_memory(child: Child) -> (Ended, u64) {
    let (parent, has_ended) = (child.id(), AtomicBool::new(false));
    std::thread::scope(|scope| {
        let looking = scope.spawn(|| {
            let mut most = 0;
            while !has_ended.load(Ordering::Relaxed) {
                let all = children_of(parent).into_iter().chain([parent.cast_signed()]);
                most = most.max(all.filter_map(peak_memory).max().unwrap_or(0));
                std::thread::sleep(Duration::from_millis(10));
            }
            most
        });
        let ended = wait(child);
        has_ended.store(true, Ordering::Relaxed);
        (ended, looking.join().unwrap())
    })
}

fn peak_memory(pid: i32) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix(" kB")?.parse().ok()
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

//! The machine for one test at a time, where real times are measured.

use std::fs::File;
use std::time::{Duration, Instant};

/// Longest wait for a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the machine is watched.
const GLANCE: Duration = Duration::from_millis(200);

/// Held while a test measures.
pub struct Alone {
    _lock: File,
}

/// Waits until no other test measures, in this process or another, and then for the machine to be idle by half; it
/// goes on without that after a while.
pub fn alone() -> Alone {
    let program = std::env::current_exe().unwrap();
    let lock = File::create(program.with_file_name("alone.lock")).unwrap();
    lock.lock().unwrap();
    let started = Instant::now();
    while !is_idle() && started.elapsed() < PATIENCE {}
    Alone { _lock: lock }
}

/// Whether the machine's cores are idle by half. Where the system does not tell, they are.
fn is_idle() -> bool {
    let before = cpu_times();
    std::thread::sleep(GLANCE);
    let Some((before, after)) = before.zip(cpu_times()) else { return true };
    let (idle, all) = (after.0.saturating_sub(before.0), after.1.saturating_sub(before.1));
    2 * idle >= all
}

/// Time that all cores were idle, and all time, in ticks: the first line of `/proc/stat`, see proc(5).
fn cpu_times() -> Option<(u64, u64)> {
    let stat = std::fs::read_to_string("/proc/stat").ok()?;
    let times: Vec<u64> =
        stat.lines().next()?.split_whitespace().skip(1).filter_map(|time| time.parse().ok()).collect();
    Some((times.get(3)? + times.get(4)?, times.iter().take(8).sum()))
}

//! Where real times are measured: one test at a time, and in `make soak` on an idle machine.
//!
//! `make test` must pass while both cores do something else. There a measure only tells whether a promise holds at all;
//! how well it holds is a matter of `make soak`.

use std::fs::File;
use std::time::{Duration, Instant};

use super::is_soak;

/// Longest wait for a machine that does something else.
const PATIENCE: Duration = Duration::from_secs(20);
/// How long the machine is watched.
const GLANCE: Duration = Duration::from_millis(200);

/// Held while a test measures.
pub struct Alone {
    _lock: File,
}

/// Waits until no other test measures, in this process or another; in `make soak` then for the machine to be idle by
/// half, though not for ever.
pub fn alone() -> Alone {
    let program = std::env::current_exe().unwrap();
    let lock = File::create(program.with_file_name("alone.lock")).unwrap();
    lock.lock().unwrap();
    let started = Instant::now();
    while is_soak() && !is_idle() && started.elapsed() < PATIENCE {}
    Alone { _lock: lock }
}

/// The time that something may take: on a busy machine ten times what it takes on an idle one.
pub fn at_most(idle: Duration) -> Duration {
    if is_soak() { idle } else { 10 * idle }
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

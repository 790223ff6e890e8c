//! A run of the program, and what it cost: the wall's time by phase, CPU time, memory.
//!
//! The phases are seen from outside: children are there while it fetches. CPU time of the program and its
//! children is what the kernel accounts to those waited for (getrusage(2)); times of living processes, in
//! hundredths of a second, and their peak memory come from proc(5).

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::resource::{UsageWho, getrusage};

use crate::jobs::JobFolder;
use crate::{Outcome, median};

/// How often a run is looked at.
const EVERY: Duration = Duration::from_millis(5);

/// What a run cost; seconds and megabytes.
#[derive(Debug, Default, Clone)]
pub struct Run {
    pub wall: f64,
    pub plan: f64,
    pub fetch: f64,
    pub merge: f64,
    /// CPU time of the program without its children.
    parent_cpu: f64,
    children_cpu: f64,
    server_cpu: f64,
    parent_peak: f64,
    /// Of the largest child.
    child_peak: f64,
}

/// Runs the program on a job; `server` is the process that answers.
pub fn run(program: &Path, place: &JobFolder, server: Option<u32>) -> Outcome<Run> {
    let mut command = Command::new(program);
    command.arg("run").arg(&place.job);
    accounted(command, place, server)
}

/// Makes the columns of the job's last run anew, from the answers that it kept.
pub fn extract(program: &Path, place: &JobFolder) -> Outcome<Run> {
    let mut command = Command::new(program);
    command.arg("extract").arg(&place.job);
    accounted(command, place, None)
}

fn accounted(mut command: Command, place: &JobFolder, server: Option<u32>) -> Outcome<Run> {
    let cpu_before = waited_for()?;
    let server_before = server.map_or(0.0, cpu_of);
    let started = Instant::now();
    command.stdout(Stdio::null()).stderr(fs::File::create(&place.log)?);
    let mut child = command.spawn()?;
    let mut seen = Seen::default();
    let status = loop {
        if let Some(status) = child.try_wait()? {
            break status;
        }
        seen.look(child.id(), started);
        sleep(EVERY);
    };
    let wall = started.elapsed().as_secs_f64();
    if !status.success() {
        return Err(format!("{status}: {}", fs::read_to_string(&place.log)?).into());
    }
    let fetched = seen.fetched.unwrap_or(seen.planned.unwrap_or(0.0));
    let planned = seen.planned.unwrap_or(fetched);
    Ok(Run {
        wall,
        plan: planned,
        fetch: fetched - planned,
        merge: wall - fetched,
        parent_cpu: seen.parent_cpu,
        children_cpu: (waited_for()? - cpu_before - seen.parent_cpu).max(0.0),
        server_cpu: server.map_or(0.0, cpu_of) - server_before,
        parent_peak: seen.parent_peak,
        child_peak: seen.peaks.values().copied().fold(0.0, f64::max),
    })
}

/// Prints medians of time and memory.
pub fn print(runs: &[Run]) {
    line("wall", middle(runs, |run| run.wall), "s");
    line("  plan (and start)", middle(runs, |run| run.plan), "s");
    line("  fetch", middle(runs, |run| run.fetch), "s");
    line("  prove, merge, show", middle(runs, |run| run.merge), "s");
    line("peak memory, largest child", middle(runs, |run| run.child_peak), "MB");
    line("  the parent, merge included", middle(runs, |run| run.parent_peak), "MB");
}

/// Prints medians of the CPU time; `requests` is how many each run sent.
pub fn print_cpu(runs: &[Run], requests: f64) {
    let each = 1e6 / requests;
    line("CPU per 1,000 requests, children", middle(runs, |run| run.children_cpu) * each, "ms");
    line("  plan and merge", middle(runs, |run| run.parent_cpu) * each, "ms");
    line("  the server's, beside", middle(runs, |run| run.server_cpu) * each, "ms");
}

fn middle(runs: &[Run], value: fn(&Run) -> f64) -> f64 {
    median(runs.iter().map(value).collect())
}

fn line(name: &str, value: f64, unit: &str) {
    println!("{name:32} {value:>10.2} {unit}");
}

/// What was seen of a run.
#[derive(Default)]
struct Seen {
    /// When the first child was there.
    planned: Option<f64>,
    /// When the last one was there last.
    fetched: Option<f64>,
    parent_cpu: f64,
    parent_peak: f64,
    peaks: BTreeMap<u32, f64>,
}

impl Seen {
    fn look(&mut self, parent: u32, started: Instant) {
        let children = children_of(parent);
        if !children.is_empty() {
            let now = started.elapsed().as_secs_f64();
            self.planned.get_or_insert(now);
            self.fetched = Some(now);
        }
        for child in children {
            let peak = self.peaks.entry(child).or_default();
            *peak = peak_of(child).max(*peak);
        }
        self.parent_cpu = cpu_of(parent).max(self.parent_cpu);
        self.parent_peak = peak_of(parent).max(self.parent_peak);
    }
}

/// CPU seconds of all processes that this one waited for, and of those that they waited for.
fn waited_for() -> Outcome<f64> {
    let usage = getrusage(UsageWho::RUSAGE_CHILDREN)?;
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    Ok(seconds(usage.user_time()) + seconds(usage.system_time()))
}

fn children_of(process: u32) -> Vec<u32> {
    let tasks = fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let texts = tasks.filter_map(|task| fs::read_to_string(task.path().join("children")).ok());
    texts
        .flat_map(|text| text.split_whitespace().filter_map(|pid| pid.parse().ok()).collect::<Vec<_>>())
        .collect()
}

/// CPU seconds of a living process, all its threads: utime and stime, in ticks of USER_HZ, which is 100.
fn cpu_of(process: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

/// Most memory that a living process had so far, in megabytes.
fn peak_of(process: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1.024 / 1e3
}

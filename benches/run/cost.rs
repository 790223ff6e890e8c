//! What something cost: the wall's time, and CPU time, which says more where the machine does something else, too.

use std::fs;
use std::time::Instant;

use nix::sys::resource::{UsageWho, getrusage};

/// Seconds, and megabytes.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub wall: f64,
    /// User and system, of the database's server, too.
    pub cpu: f64,
    /// Most memory; 0 where it was not looked at.
    pub peak: f64,
}

impl Cost {
    /// What `work` costs in this process, in those that it waits for, and in `server`, which lives on. It may say what it took
    /// by its own clock, and its peak.
    pub fn of(server: Option<i32>, work: impl FnOnce() -> Option<(f64, f64)>) -> Cost {
        let cpu =
            || spent(UsageWho::RUSAGE_CHILDREN) + spent(UsageWho::RUSAGE_SELF) + server.map_or(0.0, cpu_of);
        let (before, started) = (cpu(), Instant::now());
        let own = work();
        let wall = started.elapsed().as_secs_f64();
        let (wall, peak) = own.unwrap_or((wall, 0.0));
        Cost { wall, cpu: cpu() - before, peak }
    }

    /// The best of each.
    pub fn best(self, other: Cost) -> Cost {
        Cost {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            peak: self.peak.min(other.peak),
        }
    }

    /// So many times as much.
    pub fn times(self, factor: f64) -> Cost {
        Cost { wall: self.wall * factor, cpu: self.cpu * factor, ..self }
    }

    /// Prints it, with its ratio to another.
    pub fn print(self, name: &str, beside: Cost) {
        let peak = if self.peak > 0.0 { format!("{:>6.0} MB", self.peak) } else { String::new() };
        println!(
            "  {name:<48} {:>8.2} s {:>6.2}   CPU {:>8.2} s {:>6.2} {peak}",
            self.wall,
            self.wall / beside.wall,
            self.cpu,
            self.cpu / beside.cpu,
        );
    }
}

fn spent(by: UsageWho) -> f64 {
    let usage = getrusage(by).expect("getrusage");
    let seconds = |time: nix::sys::time::TimeVal| time.tv_sec() as f64 + time.tv_usec() as f64 / 1e6;
    seconds(usage.user_time()) + seconds(usage.system_time())
}

/// CPU seconds of a living process, all its threads: utime and stime, in ticks of USER_HZ, which is 100.
fn cpu_of(process: i32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
    fields.skip(11).take(2).filter_map(|field| field.parse::<f64>().ok()).sum::<f64>() / 100.0
}

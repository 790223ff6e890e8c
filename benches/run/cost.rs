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
    /// The server's part of it.
    pub server: f64,
    /// Most memory; 0 where it was not looked at.
    pub peak: f64,
}

impl Cost {
    /// What `work` costs in this process, in those that it waits for, and in `server`, which lives on. It may say what it took
    /// by its own clock, and its peak.
    pub fn of(server: Option<i32>, work: impl FnOnce() -> Option<(f64, f64)>) -> Cost {
        let own_cpu = || spent(UsageWho::RUSAGE_CHILDREN) + spent(UsageWho::RUSAGE_SELF);
        let server_cpu = || server.map_or(0.0, cpu_of);
        let (before, server_before, started) = (own_cpu(), server_cpu(), Instant::now());
        let own = work();
        let wall = started.elapsed().as_secs_f64();
        let (wall, peak) = own.unwrap_or((wall, 0.0));
        let server = server_cpu() - server_before;
        Cost { wall, cpu: own_cpu() - before + server, server, peak }
    }

    /// The best of each.
    pub fn best(self, other: Cost) -> Cost {
        Cost {
            wall: self.wall.min(other.wall),
            cpu: self.cpu.min(other.cpu),
            server: self.server.min(other.server),
            peak: self.peak.min(other.peak),
        }
    }

    /// So many times as much.
    pub fn times(self, factor: f64) -> Cost {
        Cost { wall: self.wall * factor, cpu: self.cpu * factor, server: self.server * factor, ..self }
    }

    /// Prints it, with its ratio to another.
    pub fn print(self, name: &str, beside: Cost) {
        let Cost { wall, cpu, server, peak } = self;
        let server = if server > 0.0 { format!(", the server's {server:.2} s") } else { String::new() };
        let peak = if peak > 0.0 { format!(", {peak:.0} MB") } else { String::new() };
        let (by_wall, by_cpu) = (wall / beside.wall, cpu / beside.cpu);
        println!("  {name:<44} {wall:>7.2} s {by_wall:>5.2}   CPU {cpu:>7.2} s {by_cpu:>5.2}{server}{peak}");
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

//! The same code by a clock of its own: many members, many seconds, no waiting.
//!
//! Every test prints its figures and its seed, `--nocapture` shows them.

mod quota;
mod rates;
mod window;

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::path::PathBuf;
use std::time::Duration;

use super::{Attempt, Member, Terms};
use crate::job::{Counts, Limit, Rate};
use crate::seed::seeded;

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000 * MILLI;

/// When the simulated time begins: a clock that stands at 0 is no clock.
const START: u64 = 1_000 * SECOND;

fn random(test: &str) -> fastrand::Rng {
    println!("{test}:");
    seeded()
}

fn limit() -> Limit {
    Limit {
        name: "host".into(),
        rate: None,
        burst: 1,
        in_flight: None,
        quota: None,
        counts: Counts::Requests,
    }
}

fn of_rate(amount: u64, burst: u64) -> Limit {
    Limit { rate: Some(Rate { amount, per: Duration::from_secs(1) }), burst, ..limit() }
}

struct TempBudget {
    _folder: tempfile::TempDir,
    path: PathBuf,
}

impl TempBudget {
    fn new() -> TempBudget {
        let folder = tempfile::tempdir().unwrap();
        TempBudget { path: folder.path().join("budget"), _folder: folder }
    }

    fn join(&self, limit: &Limit, now: u64) -> Member {
        Member::join(&self.path, Terms::of(limit), 128, now).unwrap()
    }

    fn adaptive(&self, most: u64, now: u64) -> Member {
        Member::join(&self.path, Terms::adaptive(), most, now).unwrap()
    }
}

/// The largest number of moments within any second, and the mean per second.
fn figures(sent: &[u64]) -> (usize, f64) {
    let mut sorted = sent.to_vec();
    sorted.sort_unstable();
    let mut most = 0;
    let mut first = 0;
    for last in 0..sorted.len() {
        while sorted[last] - sorted[first] >= SECOND {
            first += 1;
        }
        most = most.max(last + 1 - first);
    }
    let span = (sorted[sorted.len() - 1] - sorted[0]) as f64 / SECOND as f64;
    (most, (sorted.len() - 1) as f64 / span)
}

/// Members that take a moment, wait for it, wake up late and send, again and again. `rest` is what each does between
/// two requests, in nanoseconds. Returns the moments by member.
fn run(
    members: &[Member],
    rest: &[u64],
    seconds: u64,
    random: &mut fastrand::Rng,
    late: fn(&mut fastrand::Rng) -> u64,
) -> Vec<Vec<u64>> {
    let mut sent = vec![Vec::new(); members.len()];
    let mut wakes = BinaryHeap::new();
    members.iter().for_each(|member| member.look(START));
    for (at, member) in members.iter().enumerate() {
        let moment = member.reserve(START, 1).unwrap();
        wakes.push(Reverse((moment.at.max(START) + late(random), at, Some(moment))));
    }
    while let Some(Reverse((now, at, moment))) = wakes.pop() {
        if now > START + seconds * SECOND {
            break;
        }
        // Either the moment has come, or it is time to ask for one.
        let next = match moment.map(|moment| members[at].confirm(moment, now)) {
            Some(Err(later)) => Some(later),
            Some(Ok(())) => {
                sent[at].push(now);
                None
            }
            None => members[at].reserve(now, 1),
        };
        wakes.push(Reverse(match next {
            Some(moment) if moment.at > now => (moment.at + late(random), at, next),
            Some(_) => (now, at, next),
            None => (now + rest[at], at, None),
        }));
    }
    sent
}

/// A timer of a millisecond on a busy machine: mostly somewhat late, now and then very.
fn busy(random: &mut fastrand::Rng) -> u64 {
    match random.u32(0..1000) {
        0..2 => random.u64(0..12 * MILLI),
        _ => random.u64(100_000..2 * MILLI),
    }
}

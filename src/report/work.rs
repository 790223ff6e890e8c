//! What `work` tells a person, or a log: a line now and then, and at once what wants attention.

use std::time::{Duration, Instant};

use super::numbers::{count, counted};
use super::progress::Detail;
use crate::merge::{FailedJob, QueueCounts, SettledBatch};
use crate::os::tell;
use crate::runner::{WorkEvent, WorkWatcher};

/// How often it is told how far it is, where anything has happened.
const TELL_EVERY: Duration = Duration::from_secs(10);
/// Jobs of which is told, each by itself, in that time.
const NAMED: usize = 3;

/// Tells how a queue is worked, on standard error.
pub struct WorkConsole {
    job: String,
    detail: Detail,
    began: Instant,
    all: Sums,
    /// Since the last line.
    since: Sums,
    told_at: Instant,
}

/// What batches came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Sums {
    done: u64,
    resting: u64,
    dead: u64,
    freed: u64,
    moved: u64,
    requests: u64,
    /// Jobs that were told by themselves.
    named: usize,
}

impl Sums {
    fn add(&mut self, batch: &SettledBatch, requests: u64) {
        self.done += batch.done;
        self.resting += batch.resting.len() as u64;
        self.dead += batch.dead.len() as u64;
        self.freed += batch.freed;
        self.moved += batch.moved.len() as u64;
        self.requests += requests;
    }

    fn words(&self) -> String {
        let parts = [
            (self.resting, "to be asked again"),
            (self.dead, "failed for good"),
            (self.freed, "freed"),
            (self.moved, "changed by others"),
        ];
        let parts = parts.iter().filter(|(count, _)| *count > 0);
        let parts: Vec<String> = parts.map(|(count, what)| format!(", {count} {what}")).collect();
        format!("{} done{}", counted(self.done, "job"), parts.concat())
    }
}

impl WorkConsole {
    /// Of a worker that begins now.
    pub fn new(job: &str, detail: Detail) -> WorkConsole {
        let (now, sums) = (Instant::now(), Sums::default());
        WorkConsole { job: job.to_owned(), detail, began: now, all: sums, since: sums, told_at: now }
    }

    /// The worker has ended.
    pub fn ended(&mut self) {
        if self.detail != Detail::Little {
            let took = humantime::format_duration(Duration::from_secs(self.began.elapsed().as_secs()));
            let requests = counted(self.all.requests, "request");
            self.say(&format!("{} in {took}, {requests}", self.all.words()));
        }
    }

    fn say(&self, text: &str) {
        tell!("{}: {text}", self.job);
    }

    fn settled(&mut self, run: &str, batch: &SettledBatch, requests: u64, took: Duration) {
        self.all.add(batch, requests);
        self.since.add(batch, requests);
        for job in &batch.dead {
            self.name(&format!("job {} has failed for good: {}", job.key, why(job)));
        }
        for (key, moved) in &batch.moved {
            self.name(&format!("job {key}: {}", moved.words()));
        }
        batch.warnings.iter().for_each(|warning| self.say(warning));
        if self.detail == Detail::Much {
            let mut sums = Sums::default();
            sums.add(batch, requests);
            self.say(&format!("run {run}: {} in {:.2} s", sums.words(), took.as_secs_f64()));
        }
    }

    /// Tells of one job, unless of many already.
    fn name(&mut self, text: &str) {
        self.since.named += 1;
        if self.since.named <= NAMED {
            self.say(text);
        }
    }

    fn tell_now_and_then(&mut self, counts: &QueueCounts) {
        let passed = self.told_at.elapsed();
        if passed < TELL_EVERY || self.since == Sums::default() {
            return;
        }
        if self.detail != Detail::Little {
            let each = self.since.done as f64 / passed.as_secs_f64();
            let waiting = count(counts.waiting());
            self.say(&format!("{} ({each:.0}/s); {waiting} waiting", self.since.words()));
        }
        let more = self.since.named.saturating_sub(NAMED);
        if more > 0 {
            self.say(&format!(
                "and {}: `windrow failures {}` shows them",
                counted(more as u64, "other such job"),
                self.job
            ));
        }
        (self.since, self.told_at) = (Sums::default(), Instant::now());
    }
}

fn why(job: &FailedJob) -> String {
    let times = if job.attempts > 1 { format!(" (asked {} times)", job.attempts) } else { String::new() };
    format!("{}: {}{times}", job.kind, job.detail)
}

impl WorkWatcher for WorkConsole {
    fn reached(&mut self, event: WorkEvent<'_>) {
        let is_quiet = self.detail == Detail::Little;
        match event {
            WorkEvent::Settled { run, batch, requests, took } => self.settled(run, batch, requests, took),
            WorkEvent::Counts(counts) => self.tell_now_and_then(counts),
            WorkEvent::Begun { table, counts } if !is_quiet => {
                let queue = table.queue();
                self.say(&format!(
                    "queue {}: {} waiting, {} resting; up to {} at once in each of {}",
                    table.name(),
                    counts.waiting(),
                    counts.resting,
                    counted(queue.claim.into(), "job"),
                    counted(queue.parallel.into(), "run"),
                ));
            }
            WorkEvent::TakenUp { run, jobs } if !is_quiet => {
                self.say(&format!("run {run} goes on, with {}", counted(jobs as u64, "job")));
            }
            WorkEvent::Answering(address) if !is_quiet => {
                self.say(&format!("http://{address}/healthz and /metrics tell how it goes"));
            }
            WorkEvent::Slow(text) => self.say(text),
            WorkEvent::Dropped { run, why } | WorkEvent::Fenced { run, why } => {
                self.say(&format!("run {run} is dropped: {why}"))
            }
            WorkEvent::Unreadable { key, why } => {
                self.since.dead += 1;
                self.all.dead += 1;
                self.name(&format!("job {key} has failed for good: {why}"));
            }
            WorkEvent::Lost(error) => self.say(&format!("{error}; it is asked again")),
            WorkEvent::Back => self.say("the database is back"),
            WorkEvent::QuotaUsedUp(renews_at) => {
                let at = jiff::Timestamp::from_second(i64::try_from(renews_at).unwrap_or_default())
                    .unwrap_or_default();
                self.say(&format!(
                    "a quota is used up, it renews at {}",
                    at.strftime("%Y-%m-%d %H:%M:%S UTC")
                ));
            }
            WorkEvent::Stopping => {
                self.say(
                    "stopping: what is in flight is finished and published; another signal stops at once",
                );
            }
            WorkEvent::Warning(text) => self.say(text),
            WorkEvent::Begun { .. } | WorkEvent::Answering(_) | WorkEvent::TakenUp { .. } => {}
        }
    }
}

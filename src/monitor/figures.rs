//! The metrics of a queue's worker.

use std::sync::atomic::AtomicU64;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::health::Looks;

/// Bounds in seconds of what is usually over within a second, and may take an hour.
const SECONDS: [f64; 12] = [0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 3600.0];

/// The label that says which job a figure is of. Not `job`: that is Prometheus' own, which would rename it `exported_job`.
const JOB: &str = "windrow_job";

/// The figures of one worker of a queue. Counters are of this process since it began; gauges of the queue are what was counted
/// last, the same for all its workers.
#[derive(Debug)]
pub struct QueueFigures {
    /// Jobs that this worker settled as done.
    pub done: Counter,
    /// Attempts that failed, the last ones of jobs that died among them.
    pub failed_attempts: Counter,
    /// Jobs that have failed for good.
    pub died: Counter,
    /// Jobs that were given back without an attempt: a quota was used up, a host was down, the worker was told to stop.
    pub freed: Counter,
    /// Batches of which nothing was published: other workers had taken jobs of theirs over, or their files were damaged.
    pub dropped: Counter,
    /// HTTP requests that were sent.
    pub requests: Counter,
    /// Jobs that could be taken now.
    pub waiting: Gauge,
    /// Jobs that some worker has.
    pub claimed: Gauge,
    /// Jobs that wait for their next attempt.
    pub resting: Gauge,
    /// Jobs that have failed for good, and were not brought back.
    pub dead: Gauge,
    /// Seconds for which the oldest job has been there that is not settled; 0 where there is none, or where the job file does
    /// not say by what column (`created`).
    pub oldest: Gauge<f64, AtomicU64>,
    /// Batches that this worker has under way.
    pub batches: Gauge,
    /// Seconds from the claim of a batch to its settlement.
    pub batch_seconds: Histogram,
    /// Seconds from the claim of a batch until its process begins to ask.
    pub pick_up: Histogram,
    database_up: Gauge,
    looks: Mutex<Looks>,
    registry: Registry,
}

impl QueueFigures {
    /// Those of a job by this name, none of which has happened yet. Its worker is to look at the queue at least once in a
    /// `lease`.
    pub fn new(job: &str, lease: Duration) -> QueueFigures {
        let labels = [(JOB.into(), job.to_owned().into())];
        let registry = Registry::with_prefix_and_labels("windrow_queue", labels.into_iter());
        let mut figures = QueueFigures {
            done: Counter::default(),
            failed_attempts: Counter::default(),
            died: Counter::default(),
            freed: Counter::default(),
            dropped: Counter::default(),
            requests: Counter::default(),
            waiting: Gauge::default(),
            claimed: Gauge::default(),
            resting: Gauge::default(),
            dead: Gauge::default(),
            oldest: Gauge::default(),
            batches: Gauge::default(),
            batch_seconds: Histogram::new(SECONDS),
            pick_up: Histogram::new(SECONDS),
            database_up: Gauge::default(),
            looks: Mutex::new(Looks::begun(lease)),
            registry,
        };
        figures.register_counters();
        figures.register_gauges();
        figures.register_times();
        figures
    }

    fn register_counters(&mut self) {
        let counters = [
            ("jobs_done", "Jobs that this worker settled as done", &self.done),
            ("failed_attempts", "Attempts at jobs that failed", &self.failed_attempts),
            ("jobs_died", "Jobs that failed for good", &self.died),
            ("jobs_freed", "Jobs given back without an attempt", &self.freed),
            ("batches_dropped", "Batches of which nothing was published", &self.dropped),
            ("http_requests", "HTTP requests sent", &self.requests),
        ];
        for (name, help, counter) in counters {
            self.registry.register(name, help, counter.clone());
        }
    }

    fn register_gauges(&mut self) {
        let gauges = [
            ("waiting_jobs", "Jobs that could be taken now", &self.waiting),
            ("claimed_jobs", "Jobs that some worker has", &self.claimed),
            ("resting_jobs", "Jobs that wait for their next attempt", &self.resting),
            ("dead_jobs", "Jobs that have failed for good", &self.dead),
            ("batches_under_way", "Batches that this worker has under way", &self.batches),
            ("database_up", "Whether the last look at the queue succeeded", &self.database_up),
        ];
        for (name, help, gauge) in gauges {
            self.registry.register(name, help, gauge.clone());
        }
    }

    fn register_times(&mut self) {
        let help = "How long the oldest job that is not settled has been there";
        self.registry.register_with_unit("oldest_job", help, Unit::Seconds, self.oldest.clone());
        let times = [
            ("batch", "From the claim of a batch to its settlement", &self.batch_seconds),
            ("pick_up", "From the claim of a batch until its process begins to ask", &self.pick_up),
        ];
        for (name, help, times) in times {
            self.registry.register_with_unit(name, help, Unit::Seconds, times.clone());
        }
    }

    /// Notes that the database answered about the queue: a claim, a renewal, a settlement, a count.
    pub fn look_succeeded(&self) {
        self.database_up.set(1);
        self.looks().succeeded();
    }

    /// Notes that it did not. `why` is shown at `/healthz`: no secret may be in it.
    pub fn look_failed(&self, why: &str) {
        self.database_up.set(0);
        self.looks().failed(why);
    }

    /// Why the worker is not well; `None` where it is.
    pub(super) fn illness(&self) -> Option<String> {
        self.looks().illness(Instant::now())
    }

    /// All figures as text.
    pub(super) fn open_metrics(&self) -> String {
        let mut text = String::new();
        // Only the text could refuse to be written to, and it does not.
        let _ = encode(&mut text, &self.registry);
        text
    }

    fn looks(&self) -> MutexGuard<'_, Looks> {
        self.looks.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! How the jobs and their tables stand at the moment of a scrape. What is not known has no sample.

use std::sync::atomic::AtomicU64;

use jiff::Timestamp;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::{Registry, Unit};

use super::{JOB, Labels, PREFIX, TABLE};
use crate::serve::standing::{JobStanding, RunStanding, TableStanding};
use crate::serve::verdict::Verdict;

/// A number for each job, or for each table.
type Each<const N: usize> = Family<Labels<N>, Gauge<f64, AtomicU64>>;

/// The gauges of these jobs, and of nothing else: what is gone has no figure left.
pub(super) fn registry(jobs: &[JobStanding], now: Timestamp) -> Registry {
    let mut registry = Registry::with_prefix(PREFIX);
    let (of_jobs, of_tables) = (OfJobs::default(), OfTables::default());
    of_jobs.register(&mut registry);
    of_tables.register(&mut registry);
    for job in jobs {
        of_jobs.set(job, now);
        for table in &job.tables {
            of_tables.set(job, table, now);
        }
    }
    registry
}

#[derive(Default)]
struct OfJobs {
    up: Each<1>,
    running: Each<1>,
    last_run: Each<1>,
    next_run: Each<1>,
    took: Each<1>,
    rows: Each<1>,
    failed: Each<1>,
}

impl OfJobs {
    fn register(&self, registry: &mut Registry) {
        let help = "Whether the job is well: 0 where somebody should look";
        registry.register("up", help, self.up.clone());
        let help = "Whether the job is being run, by whomever";
        registry.register("running", help, self.running.clone());
        let help = "When the last run was planned, in seconds since 1970";
        registry.register_with_unit("last_run_timestamp", help, Unit::Seconds, self.last_run.clone());
        let help = "When the next run is due, in seconds since 1970";
        registry.register_with_unit("next_run_timestamp", help, Unit::Seconds, self.next_run.clone());
        let help = "How long the last run took";
        registry.register_with_unit("last_run_duration", help, Unit::Seconds, self.took.clone());
        registry.register("last_run_rows", "Rows that the last run published", self.rows.clone());
        let help = "Requests of the last run that failed";
        registry.register("last_run_failed_requests", help, self.failed.clone());
    }

    fn set(&self, job: &JobStanding, now: Timestamp) {
        let labels = [(JOB, job.name.clone())];
        let set = |gauge: &Each<1>, value: f64| {
            gauge.get_or_create(&labels).set(value);
        };
        set(&self.up, bit(Verdict::of(job, now) != Verdict::Ill));
        set(&self.running, bit(job.running_since.is_some()));
        job.next.into_iter().for_each(|next| set(&self.next_run, seconds(next)));
        let Some(run) = &job.last else { return };
        set(&self.last_run, seconds(run.started_at));
        run.took.into_iter().for_each(|took| set(&self.took, took.as_secs_f64()));
        run.rows.into_iter().for_each(|rows| set(&self.rows, rows as f64));
        set(&self.failed, failed(run));
    }
}

#[derive(Default)]
struct OfTables {
    ready: Each<2>,
    age: Each<2>,
    rows: Each<2>,
    bytes: Each<2>,
    in_memory: Each<2>,
}

impl OfTables {
    fn register(&self, registry: &mut Registry) {
        let help = "Whether the table was published, and is not older than stale_after";
        registry.register("table_ready", help, self.ready.clone());
        let help = "How long ago what is served of the table was published";
        registry.register_with_unit("table_age", help, Unit::Seconds, self.age.clone());
        registry.register("table_rows", "Rows that are served of the table", self.rows.clone());
        let help = "The file that is served of the table";
        registry.register_with_unit("table_size", help, Unit::Bytes, self.bytes.clone());
        let help = "Whether the table is in memory, and not read from its file for each question";
        registry.register("table_in_memory", help, self.in_memory.clone());
    }

    fn set(&self, job: &JobStanding, table: &TableStanding, now: Timestamp) {
        let labels = [(JOB, job.name.clone()), (TABLE, table.name.clone())];
        let set = |gauge: &Each<2>, value: f64| {
            gauge.get_or_create(&labels).set(value);
        };
        set(&self.ready, bit(table.unreadiness(now).is_none()));
        table.age(now).into_iter().for_each(|age| set(&self.age, age.as_secs_f64()));
        let Some(generation) = &table.generation else { return };
        set(&self.rows, generation.rows as f64);
        set(&self.bytes, generation.bytes as f64);
        set(&self.in_memory, bit(generation.in_memory));
    }
}

fn failed(run: &RunStanding) -> f64 {
    run.failures.iter().map(|(_, number, _)| *number as f64).sum()
}

fn bit(holds: bool) -> f64 {
    f64::from(u8::from(holds))
}

/// Since 1970.
fn seconds(moment: Timestamp) -> f64 {
    moment.as_microsecond() as f64 / 1e6
}

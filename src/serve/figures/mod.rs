//! How the jobs stand, and what the process has done since it began, for Prometheus.
//!
//! A label is a job, a table, or a word of a closed list: nobody who asks can add a series.

mod gauges;
#[cfg(test)]
mod tests;

use jiff::Timestamp;
use prometheus_client::encoding::text::{encode_eof, encode_registry};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Registry, Unit};

use super::standing::JobStanding;

/// What all names begin with.
const PREFIX: &str = "windrow_serve";

/// Which job a figure is of. Not `job`: that is Prometheus' own, which would rename it `exported_job`.
const JOB: &str = "windrow_job";
const TABLE: &str = "table";

/// Bounds in seconds: a row of a table in memory takes less than a millisecond, a large file seconds.
const SECONDS: [f64; 13] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// Labels: names and values.
type Labels<const N: usize> = [(&'static str, String); N];

type Times = Family<Labels<1>, Histogram, fn() -> Histogram>;

/// What is asked for, as far as figures tell it apart, and how it is answered: all that is there from the beginning.
const ROUTES: [&str; 7] = ["page", "table", "row", "openapi", "healthz", "readyz", "metrics"];
const STATUSES: [&str; 4] = ["2xx", "3xx", "4xx", "5xx"];

/// The counters of one process since it began.
#[derive(Debug)]
pub struct Figures {
    requests: Family<Labels<2>, Counter>,
    sent: Counter,
    times: Times,
    connections: Gauge,
    started: Family<Labels<1>, Counter>,
    ended: Family<Labels<2>, Counter>,
    generations: Family<Labels<2>, Counter>,
    registry: Registry,
}

impl Default for Figures {
    fn default() -> Figures {
        Figures::new()
    }
}

impl Figures {
    /// None of it has happened yet.
    pub fn new() -> Figures {
        let mut figures = Figures {
            requests: Family::default(),
            sent: Counter::default(),
            times: Family::new_with_constructor(|| Histogram::new(SECONDS)),
            connections: Gauge::default(),
            started: Family::default(),
            ended: Family::default(),
            generations: Family::default(),
            registry: Registry::with_prefix(PREFIX),
        };
        figures.register();
        // What has not happened is a 0: else its first time would be no increase.
        for route in ROUTES {
            for class in STATUSES {
                drop(figures.requests.get_or_create(&labels_of_answer(route, class)));
            }
        }
        figures
    }

    fn register(&mut self) {
        let registry = &mut self.registry;
        registry.register("requests", "Requests answered", self.requests.clone());
        registry.register_with_unit("sent", "Bodies of answers", Unit::Bytes, self.sent.clone());
        let help = "From a request to its answer, before its body is sent";
        registry.register_with_unit("request", help, Unit::Seconds, self.times.clone());
        registry.register("connections_open", "Connections of readers", self.connections.clone());
        registry.register("runs_started", "Runs that this process started", self.started.clone());
        registry.register("runs_ended", "Runs that this process started, by exit code", self.ended.clone());
        let help = "Published files, as they were loaded or refused";
        registry.register("generations", help, self.generations.clone());
    }

    /// Notes an answer: what was asked for (a word of the program's, never a path), the status, the bytes of the body, and the
    /// seconds that it took.
    pub fn answered(&self, route: &'static str, status: u16, bytes: u64, seconds: f64) {
        let class = match status {
            100..200 => "1xx",
            200..300 => "2xx",
            300..400 => "3xx",
            400..500 => "4xx",
            _ => "5xx",
        };
        self.requests.get_or_create(&labels_of_answer(route, class)).inc();
        self.sent.inc_by(bytes);
        self.times.get_or_create(&[("route", route.to_owned())]).observe(seconds);
    }

    /// Notes a connection, which is open until what comes back is dropped.
    pub fn connected(&self) -> OpenConnection {
        self.connections.inc();
        OpenConnection(self.connections.clone())
    }

    /// Notes that a run of this job was started.
    pub fn started(&self, job: &str) {
        self.started.get_or_create(&[(JOB, job.to_owned())]).inc();
    }

    /// Notes that one ended, with an exit code or, where there is none, by a signal.
    pub fn ended(&self, job: &str, exit: Option<i32>) {
        self.ended.get_or_create(&labels_of_end(job, exit)).inc();
    }

    /// Notes that a newly published file of a table was loaded, or could not be.
    pub fn loaded(&self, table: &str, ok: bool) {
        self.generations.get_or_create(&labels_of_load(table, ok)).inc();
    }

    /// All figures as text, those of the jobs as they stand.
    pub fn open_metrics(&self, jobs: &[JobStanding], now: Timestamp) -> String {
        self.begin_at_zero(jobs);
        let mut text = String::new();
        // Only the text could refuse to be written to, and it does not.
        let _ = encode_registry(&mut text, &self.registry);
        let _ = encode_registry(&mut text, &gauges::registry(jobs, now));
        let _ = encode_eof(&mut text);
        text
    }

    fn begin_at_zero(&self, jobs: &[JobStanding]) {
        for job in jobs {
            drop(self.started.get_or_create(&[(JOB, job.name.clone())]));
            drop(self.ended.get_or_create(&labels_of_end(&job.name, Some(0))));
            for table in &job.tables {
                for ok in [true, false] {
                    drop(self.generations.get_or_create(&labels_of_load(&table.name, ok)));
                }
            }
        }
    }
}

/// A connection of a reader, while it is open.
#[derive(Debug)]
pub struct OpenConnection(Gauge);

impl Drop for OpenConnection {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn labels_of_answer(route: &'static str, class: &str) -> Labels<2> {
    [("route", route.to_owned()), ("status", class.to_owned())]
}

fn labels_of_end(job: &str, exit: Option<i32>) -> Labels<2> {
    let exit = exit.map_or_else(|| "signal".to_owned(), |code| code.to_string());
    [(JOB, job.to_owned()), ("exit", exit)]
}

fn labels_of_load(table: &str, ok: bool) -> Labels<2> {
    let result = if ok { "loaded" } else { "refused" };
    [(TABLE, table.to_owned()), ("result", result.to_owned())]
}

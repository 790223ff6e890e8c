//! How the jobs and their tables stand: what the page, the metrics and `/readyz` are made from.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

use crate::handoff::StateOfRun;

/// A job that is served.
#[derive(Debug, Clone)]
pub struct JobStanding {
    /// Its name.
    pub name: String,
    /// When it is run, in words: `every 5m`, `cron 15 3 * * * in Europe/Berlin`; `None` where somebody else runs it.
    pub schedule: Option<String>,
    /// When it is run next.
    pub next: Option<Timestamp>,
    /// Since when it is being run, by this process or by another.
    pub running_since: Option<Timestamp>,
    /// Its newest run that is over, or waits.
    pub last: Option<RunStanding>,
    /// Why its last run was not started, or did not end well: a line.
    pub trouble: Option<String>,
    /// The tables that it fills.
    pub tables: Vec<TableStanding>,
}

/// A run.
#[derive(Debug, Clone)]
pub struct RunStanding {
    /// Its id.
    pub id: String,
    /// How it stands.
    pub state: StateOfRun,
    /// When it was planned.
    pub started_at: Timestamp,
    /// How long it took, where it is over.
    pub took: Option<Duration>,
    /// Records of its list.
    pub records: u64,
    /// Rows that it published.
    pub rows: Option<u64>,
    /// Requests that failed, by kind, with an example: `404`, 12, `HTTP 404 …`. The most frequent first.
    pub failures: Vec<(String, u64, String)>,
    /// Its report for people, where there is one.
    pub report: Option<PathBuf>,
}

/// A table, as it is served.
#[derive(Debug, Clone)]
pub struct TableStanding {
    /// Its name, as URLs have it.
    pub name: String,
    /// The file that is served.
    pub file: PathBuf,
    /// What is served of it by now.
    pub generation: Option<GenerationStanding>,
    /// Why a newer file is not served: a line.
    pub trouble: Option<String>,
    /// The age from which it is not good any more.
    pub stale_after: Option<Duration>,
}

/// What one publication left.
#[derive(Debug, Clone)]
pub struct GenerationStanding {
    /// The run that published it, where the file says so.
    pub run: Option<String>,
    /// When its file was published.
    pub published_at: Timestamp,
    /// SHA-256 of the file, in hexadecimal digits.
    pub digest: String,
    /// Rows.
    pub rows: u64,
    /// Bytes of the file.
    pub bytes: u64,
    /// The columns of its key; none: rows cannot be asked for one by one.
    pub key: Vec<String>,
    /// Names of its columns.
    pub columns: Vec<String>,
    /// Whether it is in memory: otherwise each question reads the file.
    pub in_memory: bool,
}

impl TableStanding {
    /// How old what is served is by `now`: since its publication.
    pub fn age(&self, now: Timestamp) -> Option<Duration> {
        let generation = self.generation.as_ref()?;
        Some(now.duration_since(generation.published_at).try_into().unwrap_or_default())
    }

    /// Why it is not ready to be read; `None` where it is.
    pub fn unreadiness(&self, now: Timestamp) -> Option<String> {
        match (self.age(now), self.stale_after) {
            (None, _) => Some(format!("{}: nothing was published yet", self.name)),
            (Some(age), Some(limit)) if age > limit => Some(format!(
                "{}: published {} s ago, more than {} s",
                self.name,
                age.as_secs(),
                limit.as_secs()
            )),
            _ => None,
        }
    }
}

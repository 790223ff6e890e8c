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

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// When it is in these tests.
    pub const NOW: &str = "2026-11-30T23:41:40Z";

    fn at(moment: &str) -> Timestamp {
        moment.parse().unwrap()
    }

    /// A job that is well.
    pub fn prices() -> JobStanding {
        JobStanding {
            name: "prices".to_owned(),
            schedule: Some("every 5m".to_owned()),
            next: Some(at("2026-11-30T23:43:30Z")),
            running_since: None,
            last: Some(RunStanding {
                id: "20261130T233829-4f2a9c81d3f60".to_owned(),
                state: StateOfRun::Published,
                started_at: at("2026-11-30T23:38:29Z"),
                took: Some(Duration::from_millis(1_300)),
                records: 1_204,
                rows: Some(1_201),
                failures: vec![("status".to_owned(), 3, "HTTP 503 of https://api.example.com/c".to_owned())],
                report: None,
            }),
            trouble: None,
            tables: vec![TableStanding {
                name: "prices".to_owned(),
                file: PathBuf::from("/srv/prices/prices.parquet"),
                generation: Some(GenerationStanding {
                    run: Some("20261130T233829-4f2a9c81d3f60".to_owned()),
                    published_at: at("2026-11-30T23:38:30Z"),
                    digest: "5feceb66ffc86f38".repeat(4),
                    rows: 1_201,
                    bytes: 48_213,
                    key: vec!["symbol".to_owned()],
                    columns: ["symbol", "price", "place", "fetched_at"].map(str::to_owned).to_vec(),
                    in_memory: true,
                }),
                trouble: None,
                stale_after: Some(Duration::from_secs(900)),
            }],
        }
    }

    /// One that has this text wherever a text stands.
    pub fn hostile(text: &str) -> JobStanding {
        let text = text.to_owned();
        let mut job = prices();
        job.name.clone_from(&text);
        job.schedule = Some(text.clone());
        job.trouble = Some(text.clone());
        let run = job.last.as_mut().unwrap();
        run.id.clone_from(&text);
        run.failures = vec![(text.clone(), u64::MAX, text.clone()); 40];
        run.report = Some(PathBuf::from(&text));
        let table = &mut job.tables[0];
        table.name.clone_from(&text);
        table.file = PathBuf::from(&text);
        table.trouble = Some(text.clone());
        let generation = table.generation.as_mut().unwrap();
        generation.run = Some(text.clone());
        generation.key = vec![text.clone()];
        generation.columns = vec![text; 500];
        job
    }

    #[test]
    fn a_table_is_ready_until_it_is_older_than_it_may_be() {
        let table = &prices().tables[0];
        let after = |seconds| table.unreadiness(at("2026-11-30T23:38:30Z") + Duration::from_secs(seconds));
        assert_eq!((after(0), after(900)), (None, None));
        assert_eq!(after(901).unwrap(), "prices: published 901 s ago, more than 900 s");
        // A clock that was set back makes nothing old.
        assert_eq!(table.unreadiness(at("2020-01-01T00:00:00Z")), None);
    }
}

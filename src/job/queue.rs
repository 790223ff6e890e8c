//! `[input] queue`: a table of jobs that `windrow work` takes as they come.

use std::time::Duration;

use super::server::ServerUrl;

/// A table of the destination's own database, whose rows are jobs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Queue {
    /// The database, which the results go into, too.
    pub database: ServerUrl,
    /// The table, a [`TableName`](super::TableName).
    pub table: String,
    /// The condition of SQL that a waiting job meets.
    pub condition: String,
    /// In which order jobs are taken, what stands behind ORDER BY; that of the id where the job does not say.
    pub order: Option<String>,
    /// What becomes of a job that is done: what stands behind SET.
    pub done: String,
    /// What becomes of a job that has failed for good, in the same form.
    pub failed: String,
    /// What makes a failed job wait again, in the same form; `None` where nothing is said, and [`Queue::condition`] is no single
    /// comparison that could be inferred from.
    pub requeue: Option<String>,
    /// The column that says when a job was put there; `None` where nothing does.
    pub created: Option<String>,
    /// Most jobs that are taken together, and settled in one transaction. Default 200.
    pub claim: u32,
    /// Batches under way at once. Default 4.
    pub parallel: u16,
    /// How long a job is a worker's without being renewed. Default a minute.
    pub lease: Duration,
    /// How often a job is asked before it has failed for good. Default 5.
    pub attempts: u32,
    /// How long a job rests after its first failure; twice as long after each further one. Default 30 seconds.
    pub backoff: Duration,
    /// How often it is looked for new jobs where none waits. Default 250 ms.
    pub poll: Duration,
}

impl Queue {
    /// Longest rest between two attempts.
    pub const LONGEST_BACKOFF: Duration = Duration::from_secs(24 * 60 * 60);

    /// How long a job rests that has failed so often, this time included.
    pub fn rest(&self, failures: u32) -> Duration {
        let doubled =
            2u32.checked_pow(failures.saturating_sub(1)).and_then(|by| self.backoff.checked_mul(by));
        doubled.unwrap_or(Queue::LONGEST_BACKOFF).min(Queue::LONGEST_BACKOFF.max(self.backoff))
    }
}

#[cfg(test)]
impl Queue {
    /// One as a job file would have it that says no more than it must, for tests.
    pub fn sample(url: &str) -> Queue {
        Queue {
            database: ServerUrl::parse(url).unwrap(),
            table: "jobs".into(),
            condition: "state = 'new'".into(),
            order: None,
            done: "state = 'done'".into(),
            failed: "state = 'failed'".into(),
            requeue: None,
            created: None,
            claim: 200,
            parallel: 4,
            lease: Duration::from_secs(60),
            attempts: 5,
            backoff: Duration::from_secs(30),
            poll: Duration::from_millis(250),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rest_doubles_up_to_a_day() {
        let queue = Queue::sample("postgres://localhost/shop");
        let seconds = [1, 2, 3, 4, 12, 13, 40, u32::MAX].map(|failures| queue.rest(failures).as_secs());
        assert_eq!(seconds, [30, 60, 120, 240, 61_440, 86_400, 86_400, 86_400]);
        let patient = Queue { backoff: Duration::from_secs(200_000), ..queue };
        assert_eq!([1, 2].map(|failures| patient.rest(failures).as_secs()), [200_000, 200_000]);
    }
}

//! How a queue stands, counted in its database.

use std::time::Duration;

use super::QueueTable;
use super::sql::QueueSql;
use super::tables::{CLAIMS, DEAD, is_there};
use crate::database::{Row, Session};
use crate::merge::{MergeError, runs};

/// Rows that are forgotten at a time.
const TOGETHER: u64 = 5_000;

/// How a queue stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueueCounts {
    /// Jobs that meet `where`, claimed or not.
    pub unsettled: u64,
    /// Of these: jobs that a worker has, whose lease is not over.
    pub claimed: u64,
    /// Of these: jobs that rest, after a failure or until a quota renews.
    pub resting: u64,
    /// Jobs that were done within the last minute.
    pub done_last_minute: u64,
    /// Jobs that have failed for good.
    pub dead: u64,
    /// Seconds until the first rest ends; `None` where nothing rests.
    pub next_rest_ends: Option<f64>,
    /// Seconds for which the oldest job has been there that is not settled; `None` where there is none, or the job file does not
    /// say by what column (`created`).
    pub oldest: Option<f64>,
}

impl QueueCounts {
    /// Jobs that may be taken now.
    pub fn waiting(&self) -> u64 {
        self.unsettled.saturating_sub(self.claimed + self.resting)
    }
}

impl QueueSql<'_> {
    /// How many, and for how long the oldest of them has been there.
    fn count_unsettled(&self) -> String {
        let oldest = match &self.tables.created {
            Some(created) => self.own.seconds_since(&format!("min({})", self.column(created))),
            None => "NULL".to_owned(),
        };
        format!("SELECT count(*), {oldest} FROM {} WHERE ({})", self.tables.jobs, self.queue.condition)
    }

    fn count_claims(&self) -> String {
        let (run, until) = (self.dialect.identifier("run"), self.dialect.identifier("until"));
        let living = format!("{until} > {}", self.own.now());
        format!(
            "SELECT coalesce(sum(CASE WHEN {run} <> '' AND {living} THEN 1 ELSE 0 END), 0), \
             coalesce(sum(CASE WHEN {run} = '' AND {living} THEN 1 ELSE 0 END), 0), \
             min(CASE WHEN {run} = '' AND {living} THEN 0 - ({}) END) FROM {} WHERE {}",
            self.own.seconds_since(&until),
            self.tables.claims,
            self.of_queue()
        )
    }

    fn count_dead(&self) -> String {
        format!("SELECT count(*) FROM {} WHERE {}", self.tables.dead, self.of_queue())
    }

    fn count_done(&self, job: &str) -> String {
        let at = self.dialect.identifier("published_at");
        format!(
            "SELECT coalesce(sum({}), 0) FROM {} WHERE {} = {} AND {} < 60",
            self.dialect.identifier("jobs"),
            self.tables.runs,
            self.dialect.identifier("job"),
            self.dialect.text(job),
            self.own.seconds_since(&at)
        )
    }

    /// Runs of the queue that were published an hour ago: what their rows are known by.
    fn old_runs(&self, job: &str) -> String {
        let at = self.dialect.identifier("published_at");
        format!(
            "SELECT {} FROM {} WHERE {} IS NOT NULL AND {} = {} AND {} > 3600 LIMIT {TOGETHER}",
            runs::KEY.map(|name| self.dialect.identifier(name)).join(", "),
            self.tables.runs,
            self.dialect.identifier("jobs"),
            self.dialect.identifier("job"),
            self.dialect.text(job),
            self.own.seconds_since(&at)
        )
    }

    /// Deletes the row of one of them.
    fn forget_run(&self, key: &Row) -> String {
        let is = |(at, name): (usize, &str)| {
            format!("{} = {}", self.dialect.identifier(name), self.dialect.text(&key.text(at)))
        };
        let is: Vec<String> = runs::KEY.into_iter().enumerate().map(is).collect();
        format!("DELETE FROM {} WHERE {}", self.tables.runs, is.join(" AND "))
    }

    /// The dead that are older than so many seconds.
    fn old_dead(&self, seconds: u64) -> String {
        let at = self.dialect.identifier("died_at");
        format!(
            "SELECT {} FROM {} WHERE {} AND {} > {seconds} LIMIT {TOGETHER}",
            self.dialect.identifier("key"),
            self.tables.dead,
            self.of_queue(),
            self.own.seconds_since(&at)
        )
    }
}

impl QueueTable {
    /// How the queue stands.
    ///
    /// # Errors
    /// Of the database.
    pub async fn counts(&self, session: &Session) -> Result<QueueCounts, MergeError> {
        let sql = self.sql(session)?;
        session.run(sql.dialect.begin_reading()).await?;
        // As where jobs are claimed: moments without a zone are of UTC.
        session.run(sql.dialect.settings()).await?;
        let mut counts = QueueCounts::default();
        let number = |row: Row, at: usize| row.number::<f64>(at).unwrap_or_default() as u64;
        let unsettled = session.row(&sql.count_unsettled()).await?;
        counts.oldest = unsettled.number::<f64>(1).map(|seconds| seconds.max(0.0));
        counts.unsettled = number(unsettled, 0);
        if is_there(session, &self.tables.schema, CLAIMS).await? {
            let row = session.row(&sql.count_claims()).await?;
            counts.next_rest_ends = row.number(2);
            counts.claimed = number(row.clone(), 0);
            counts.resting = number(row, 1);
            counts.done_last_minute = self.done_last_minute(session, &sql).await?;
        }
        if is_there(session, &self.tables.schema, DEAD).await? {
            counts.dead = number(session.row(&sql.count_dead()).await?, 0);
        }
        session.run("COMMIT").await?;
        Ok(counts)
    }

    async fn done_last_minute(&self, session: &Session, sql: &QueueSql<'_>) -> Result<u64, MergeError> {
        if !is_there(session, &self.tables.schema, &self.tables.runs_table).await? {
            return Ok(0);
        }
        let row = session.row(&sql.count_done(&self.job)).await?;
        Ok(row.number::<f64>(0).unwrap_or_default() as u64)
    }

    /// Forgets runs of the queue that were published an hour ago, and the dead of that age: some thousands at a time, each by its
    /// key, so that nobody waits for it.
    ///
    /// # Errors
    /// Of the database.
    pub async fn sweep(&self, session: &Session, keep_dead: Duration) -> Result<(), MergeError> {
        let sql = self.sql(session)?;
        for run in session.rows(&sql.old_runs(&self.job)).await? {
            session.run(&sql.forget_run(&run)).await?;
        }
        let dead = session.rows(&sql.old_dead(keep_dead.as_secs())).await?;
        let dead: Vec<String> = dead.iter().map(|row| row.text(0)).collect();
        if !dead.is_empty() {
            session.run(&sql.exhume(dead.iter().map(String::as_str))).await?;
        }
        Ok(())
    }
}

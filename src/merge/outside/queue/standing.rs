//! How a queue stands, for `status`: counted job by job, where [`counts`](super::QueueCounts) are quick.
//!
//! Several job files may have different `where` over one table, whose claims are one queue's. What is told of waiting, claimed
//! and resting jobs is of those that meet the `where` of the job that asks; the dead are those of the table.

use super::check::plain_name;
use super::sql::QueueSql;
use super::tables::{CLAIMS, DEAD, is_there};
use super::{QueueCounts, QueueTable};
use crate::database::{Row, Session};
use crate::merge::MergeError;

/// How a queue stands.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct QueueStanding {
    /// Jobs that the next claim may take.
    pub waiting: u64,
    /// Seconds for which the oldest of them has been there, where the job file says by what column (`created`).
    pub oldest_waiting: Option<f64>,
    /// Jobs that a worker has, whose lease is not over.
    pub claimed: u64,
    /// The runs that have them.
    pub claiming_runs: u64,
    /// Jobs that rest, after a failure or until a quota renews.
    pub resting: u64,
    /// Seconds until the first of them may be taken.
    pub first_rest_left: Option<f64>,
    /// Jobs that were done within the last minute, by workers of this job's name.
    pub done_last_minute: u64,
    /// Jobs of the table that have failed for good.
    pub dead: u64,
    /// The job that the next claim takes first.
    pub next: Option<NextJob>,
}

/// The job that is taken next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextJob {
    /// Its key.
    pub key: String,
    /// What it stands first by, where that is a column: its name, and the job's value.
    pub by: Option<(String, Option<String>)>,
}

/// A job that has failed for good.
#[derive(Debug, Clone, PartialEq)]
pub struct DeadJob {
    /// Its key.
    pub key: String,
    /// The run that settled it.
    pub run: String,
    /// How often it was asked.
    pub attempts: u32,
    /// Why, from the closed list of kinds, or `rejected`.
    pub kind: String,
    /// Why, for people.
    pub detail: String,
    /// Seconds since then, by the database's clock.
    pub seconds_ago: f64,
}

/// A job that rests.
#[derive(Debug, Clone, PartialEq)]
pub struct RestingJob {
    /// Its key.
    pub key: String,
    /// How often it has failed.
    pub attempts: u32,
    /// Why it failed last; empty where it was never asked.
    pub kind: String,
    /// The same for people.
    pub detail: String,
    /// Seconds until it may be taken, by the database's clock.
    pub seconds_left: f64,
}

impl QueueSql<'_> {
    /// Jobs by who has them: all, claimed, runs that have them, resting, seconds until the first may be taken, seconds since the
    /// oldest was made that nobody has: what rests is old for a reason of its own.
    fn count_by_claim(&self) -> String {
        let claim = |name: &str| format!("windrow_claim.{}", self.dialect.identifier(name));
        let (run, until) = (claim("run"), claim("until"));
        let created = self.tables.created.as_ref().map(|created| self.column(created));
        let jobs = format!(
            "SELECT {} AS windrow_key, {} AS windrow_created FROM {} WHERE ({})",
            self.key(),
            created.as_deref().unwrap_or("NULL"),
            self.tables.jobs,
            self.queue.condition
        );
        let oldest = format!("min(CASE WHEN {run} IS NULL THEN windrow_job.windrow_created END)");
        let oldest = created.map_or_else(|| "NULL".to_owned(), |_| self.own.seconds_since(&oldest));
        format!(
            "SELECT count(*), coalesce(sum(CASE WHEN {run} <> '' THEN 1 ELSE 0 END), 0), \
             count(DISTINCT CASE WHEN {run} <> '' THEN {run} END), \
             coalesce(sum(CASE WHEN {run} = '' THEN 1 ELSE 0 END), 0), min(CASE WHEN {run} = '' THEN 0 - ({}) END), \
             {oldest} \
             FROM ({jobs}) AS windrow_job LEFT JOIN {} AS windrow_claim \
             ON {} = {} AND {} = windrow_job.windrow_key AND {until} > {}",
            self.own.seconds_since(&until),
            self.tables.claims,
            claim("queue"),
            self.dialect.text(&self.tables.name),
            claim("key"),
            self.own.now()
        )
    }

    /// The job that is taken next: its key, and its value in the first column of the order, if that is one. Names of their own
    /// keep the order from meaning these texts.
    fn first_waiting(&self, by: Option<&str>, are_claims_there: bool) -> String {
        let value = by.map_or_else(|| "NULL".to_owned(), |by| self.dialect.as_text(by));
        let unclaimed = if are_claims_there { format!(" AND {}", self.unclaimed()) } else { String::new() };
        format!(
            "SELECT {} AS windrow_key, {value} AS windrow_value FROM {} WHERE ({}){unclaimed} ORDER BY {} LIMIT 1",
            self.key(),
            self.tables.jobs,
            self.queue.condition,
            self.order()
        )
    }

    /// The column that jobs are ordered by first, as the job file writes it, where that is no part of the id.
    fn ordered_by(&self) -> Option<&str> {
        let first = self.queue.order.as_deref()?.split(',').next()?.split_whitespace().next()?;
        let name = plain_name(first)?;
        let is_id = self.tables.id().iter().any(|id| id.eq_ignore_ascii_case(&name));
        (!is_id && !name.starts_with(|letter: char| letter.is_ascii_digit())).then_some(first)
    }

    /// The dead, those that died last first: key, run, attempts, kind, detail, seconds since then.
    fn dead(&self) -> String {
        let at = self.dialect.identifier("died_at");
        let columns = ["key", "run", "attempts", "kind", "detail"].map(|name| self.dialect.identifier(name));
        format!(
            "SELECT {}, {} FROM {} WHERE {} ORDER BY {at} DESC, {}",
            columns.join(", "),
            self.own.seconds_since(&at),
            self.tables.dead,
            self.of_queue(),
            columns[0]
        )
    }

    /// Those that rest, the soonest first: key, attempts, kind, detail, seconds until then.
    fn resting(&self) -> String {
        let (run, until) = (self.dialect.identifier("run"), self.dialect.identifier("until"));
        let columns = ["key", "attempts", "kind", "detail"].map(|name| self.dialect.identifier(name));
        format!(
            "SELECT {}, 0 - ({}) FROM {} WHERE {} AND {run} = '' AND {until} > {} ORDER BY {until}, {}",
            columns.join(", "),
            self.own.seconds_since(&until),
            self.tables.claims,
            self.of_queue(),
            self.own.now(),
            columns[0]
        )
    }
}

impl QueueTable {
    /// How the queue stands, job by job.
    ///
    /// # Errors
    /// Of the database; the connection is to be ended then, since a transaction may be open in it.
    pub async fn standing(&self, session: &Session) -> Result<QueueStanding, MergeError> {
        let sql = self.sql(session)?;
        let QueueCounts { unsettled, done_last_minute, dead, oldest, .. } = self.counts(session).await?;
        let mut standing = QueueStanding { waiting: unsettled, done_last_minute, dead, ..Default::default() };
        standing.oldest_waiting = oldest;
        // Without claims nobody has worked the table yet.
        let are_claims_there = is_there(session, &self.tables.schema, CLAIMS).await?;
        session.run(sql.dialect.begin_reading()).await?;
        session.run(sql.dialect.settings()).await?;
        if are_claims_there {
            let row = session.row(&sql.count_by_claim()).await?;
            let number = |at: usize| row.number::<f64>(at).unwrap_or_default() as u64;
            (standing.claimed, standing.claiming_runs, standing.resting) = (number(1), number(2), number(3));
            standing.waiting = number(0).saturating_sub(standing.claimed + standing.resting);
            (standing.first_rest_left, standing.oldest_waiting) = (row.number(4), row.number(5));
        }
        let by = sql.ordered_by();
        let next = session.rows(&sql.first_waiting(by, are_claims_there)).await?;
        standing.next = next.first().map(|row| NextJob {
            key: row.text(0),
            by: by.map(|by| (by.to_owned(), row.get(1).map(str::to_owned))),
        });
        session.run("COMMIT").await?;
        Ok(standing)
    }

    /// The jobs that have failed for good, those that died last first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn dead(&self, session: &Session) -> Result<Vec<DeadJob>, MergeError> {
        let sql = self.sql(session)?;
        if !is_there(session, &self.tables.schema, DEAD).await? {
            return Ok(Vec::new());
        }
        let job = |row: &Row| DeadJob {
            key: row.text(0),
            run: row.text(1),
            attempts: row.number(2).unwrap_or_default(),
            kind: row.text(3),
            detail: row.text(4),
            seconds_ago: row.number(5).unwrap_or_default(),
        };
        Ok(session.rows(&sql.dead()).await?.iter().map(job).collect())
    }

    /// The jobs that rest, those whose rest ends first.
    ///
    /// # Errors
    /// Of the database.
    pub async fn resting(&self, session: &Session) -> Result<Vec<RestingJob>, MergeError> {
        let sql = self.sql(session)?;
        if !is_there(session, &self.tables.schema, CLAIMS).await? {
            return Ok(Vec::new());
        }
        let job = |row: &Row| RestingJob {
            key: row.text(0),
            attempts: row.number(1).unwrap_or_default(),
            kind: row.text(2),
            detail: row.text(3),
            seconds_left: row.number(4).unwrap_or_default(),
        };
        Ok(session.rows(&sql.resting()).await?.iter().map(job).collect())
    }
}

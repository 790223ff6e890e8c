//! A table of jobs that is worked as a queue.
//!
//! Promises:
//!
//! - A job is one run's at a time: the key of `windrow_claims` decides, whatever row locks do. Time is the database's.
//! - A batch is settled in the transaction that publishes its rows: jobs done and failed, claims, results, all of it or nothing.
//! - A run whose claims somebody has taken over meanwhile publishes nothing ([`MergeError::Fenced`]), however late it comes back.
//! - A job whose row somebody has changed meanwhile is not settled, and its result not written ([`Moved`]).
//! - Jobs are locked before claims, in every transaction, and both by an index that is unique: no gap is locked in which others
//!   insert.
//!
//! | file | what is there |
//! |---|---|
//! | `tables.rs` | the tables, as they are there |
//! | `look_up.rs` | they are looked up, and those of windrow's own made |
//! | `sql.rs` | the statements |
//! | `claim.rs` | jobs are claimed |
//! | `ends.rs` | what becomes of each job |
//! | `settle.rs` | fence and settlement, within the transaction of a load |
//! | `counts.rs` | how a queue stands, quickly |
//! | `standing.rs` | the same job by job, and which have failed |
//! | `requeue.rs` | jobs that have failed for good wait again |
//! | `check.rs` | what keeps a queue from being worked, or slows it |

mod check;
mod claim;
mod counts;
mod ends;
mod look_up;
mod requeue;
mod settle;
mod sql;
mod standing;
mod tables;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

pub use self::claim::Claimed;
pub use self::counts::QueueCounts;
pub(in crate::merge) use self::ends::{Facts, FailedPair, JobEnd};
pub use self::requeue::Requeued;
pub(super) use self::settle::{fence, settle};
use self::sql::QueueSql;
#[cfg(test)]
pub(in crate::merge) use self::sql::{Death, JobId, QueueSql as Sql, Rest};
pub use self::standing::{DeadJob, NextJob, QueueStanding, RestingJob};
use self::tables::QueueTables;
#[cfg(test)]
pub(in crate::merge) use self::tables::QueueTables as Tables;
use super::ask::run_if_any;
use crate::database::{Server, Session, Trouble};
use crate::handoff::ClaimedJobs;
use crate::job::{Job, Queue, Source};
use crate::merge::MergeError;
use crate::record::Ordinal;
use crate::secrets::Secrets;

/// How long a renewal waits for a claim that is locked.
const LOCKED: Duration = Duration::from_secs(1);

/// A queue that can be worked: its tables are there.
#[derive(Debug, Clone)]
pub struct QueueTable {
    queue: Queue,
    tables: QueueTables,
    server: Server,
    /// The job's name.
    job: String,
}

/// The jobs that a run is about, and what is known of them when it is published.
#[derive(Debug, Clone)]
pub(in crate::merge) struct Batch {
    pub table: Arc<QueueTable>,
    pub claimed: ClaimedJobs,
    pub failed: HashMap<Ordinal, Vec<FailedPair>>,
    /// How long a quota takes to renew that is used up.
    pub renews_after: Option<Duration>,
    /// Why the process that asked died for good.
    pub died_of: Option<String>,
}

impl QueueTable {
    /// Looks up the queue's tables. With `makes`, what is missing of windrow's own is made.
    ///
    /// # Errors
    /// Where the jobs' table is not there, or not fit to be a queue; of the database.
    pub async fn open(job: &Job, secrets: &Secrets, makes: bool) -> Result<QueueTable, MergeError> {
        let Source::Queue(queue) = &job.input.source else {
            return Err(tables::unfit(&job.table.name, vec!["the job names no queue".to_owned()]));
        };
        let server = Server::of(&queue.database, secrets)?;
        let session = server.connect().await?;
        let tables = look_up::look_up(&session, job, queue).await?;
        let table = QueueTable { queue: Queue::clone(queue), tables, server, job: job.name.clone() };
        if makes {
            look_up::make(&session, &table.sql(&session)?).await?;
        }
        session.close().await;
        Ok(table)
    }

    /// The names of windrow's own tables that are not there.
    ///
    /// # Errors
    /// Of the database.
    pub async fn own_tables_lacking(&self, session: &Session) -> Result<Vec<&'static str>, MergeError> {
        let mut lacking = Vec::new();
        for table in [tables::CLAIMS, tables::DEAD] {
            if !tables::is_there(session, &self.tables.schema, table).await? {
                lacking.push(table);
            }
        }
        Ok(lacking)
    }

    /// The jobs' table as `schema.table`.
    pub fn name(&self) -> &str {
        &self.tables.name
    }

    /// What the job file says of it.
    pub fn queue(&self) -> &Queue {
        &self.queue
    }

    /// The job with the types that the columns of the jobs' table have, where it says none.
    pub fn typed(&self, job: &Job) -> Job {
        let mut typed = job.clone();
        for field in &self.tables.fields {
            if !typed.input.types.iter().any(|(name, _)| *name == field.name) {
                typed.input.types.push((field.name.clone(), field.ty));
            }
        }
        typed
    }

    /// A connection to its database.
    ///
    /// # Errors
    /// Of the database.
    pub async fn connect(&self) -> Result<Session, MergeError> {
        Ok(self.server.connect().await?)
    }

    fn sql(&self, session: &Session) -> Result<QueueSql<'_>, MergeError> {
        let (dialect, own) = tables::own(session)?;
        Ok(QueueSql { dialect, own, tables: &self.tables, queue: &self.queue })
    }

    /// Claims up to so many jobs for a run; none where nothing waits, or others have it all.
    ///
    /// # Errors
    /// Of the database; the connection is to be ended then, since a transaction may be open in it.
    pub async fn claim(&self, session: &Session, run: &str, most: u64) -> Result<Claimed, MergeError> {
        claim::claim(session, &self.sql(session)?, run, most).await
    }

    /// Makes the leases of these runs as long as they were; of how many. One that is being settled just now, and locked for that, is
    /// passed by.
    ///
    /// # Errors
    /// Of the database.
    pub async fn renew(&self, session: &Session, runs: &[String]) -> Result<usize, MergeError> {
        let sql = self.sql(session)?;
        let mut renewed = 0;
        for run in runs {
            session.run(sql.own.begin_read_committed()).await?;
            run_if_any(session, sql.dialect.wait_for_locks(LOCKED)).await?;
            match session.run(&sql.renew(run)).await {
                Ok(()) => {
                    session.run("COMMIT").await?;
                    renewed += 1;
                }
                Err(error)
                    if matches!(
                        error.trouble(),
                        Some(Trouble::Cancelled | Trouble::Deadlock | Trouble::Passing)
                    ) =>
                {
                    session.run("ROLLBACK").await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
        Ok(renewed)
    }

    /// Whether a run's jobs are settled.
    ///
    /// # Errors
    /// Of the database.
    pub async fn is_settled(&self, session: &Session, run: &str) -> Result<bool, MergeError> {
        let found = session.row(&self.sql(session)?.settled(run)).await?;
        Ok(found.number::<u64>(0).unwrap_or_default() > 0)
    }

    /// How many jobs a run still has.
    ///
    /// # Errors
    /// Of the database.
    pub async fn held(&self, session: &Session, run: &str) -> Result<usize, MergeError> {
        Ok(session.rows(&self.sql(session)?.claimed(run)).await?.len())
    }

    /// Frees what a run still has, at once.
    ///
    /// # Errors
    /// Of the database.
    pub async fn release(&self, session: &Session, run: &str) -> Result<(), MergeError> {
        for statement in self.sql(session)?.release(run) {
            session.run(&statement).await?;
        }
        Ok(())
    }

    /// Settles jobs as failed for good that cannot even be asked, each with what is wrong with it; the run's others stay as
    /// they are. One that somebody has changed meanwhile is left alone.
    ///
    /// # Errors
    /// [`MergeError::Fenced`] where others have taken some of them over; of the database. The connection is to be ended then.
    pub async fn refuse(
        &self,
        session: &Session,
        run: &str,
        refused: &ClaimedJobs,
        why: &[String],
    ) -> Result<(), MergeError> {
        let sql = self.sql(session)?;
        session.run(sql.own.begin_read_committed()).await?;
        session.run(sql.dialect.settings()).await?;
        let batch = Batch {
            table: Arc::new(self.clone()),
            claimed: refused.clone(),
            failed: HashMap::new(),
            renews_after: None,
            died_of: None,
        };
        let end =
            |why: &String| JobEnd::Dead { attempts: 0, kind: "template".to_owned(), detail: why.clone() };
        let mut ends: Vec<JobEnd> = why.iter().map(end).collect();
        match fence(session, &batch, run, &BTreeMap::new()).await {
            Err(MergeError::Moved(moved)) => {
                for (ordinal, moved) in moved {
                    ends[ordinal as usize] = JobEnd::Moved(moved);
                }
            }
            fenced => fenced?,
        }
        settle(session, &batch, run, &ends).await?;
        Ok(session.run("COMMIT").await?)
    }
}

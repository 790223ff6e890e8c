//! Jobs that have failed for good are made to wait again.
//!
//! | its row | the job |
//! |---|---|
//! | meets `where` once `requeue` is set | waits, and was never asked |
//! | does not even then (it is another job file's, say) | stays as it is |
//! | is gone | is forgotten |
//! | somebody else has requeued it meanwhile | theirs |

use super::QueueTable;
use super::sql::{JobId, QueueSql};
use super::tables::{DEAD, is_there};
use crate::database::{DatabaseError, Session};
use crate::merge::MergeError;

/// Jobs of one statement.
const TOGETHER: usize = 500;

/// Undoes what did not make jobs wait.
const BEFORE: &str = "windrow_requeue";

/// What came of it: keys.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requeued {
    /// Jobs that wait again.
    pub waiting: Vec<String>,
    /// Those whose rows are gone.
    pub gone: Vec<String>,
    /// Those that would not wait; they have failed for good still.
    pub unwilling: Vec<String>,
}

impl QueueSql<'_> {
    /// Locks the rows of jobs that are there.
    fn lock_there(&self, jobs: &[JobId<'_>]) -> String {
        format!(
            "SELECT {} FROM {} WHERE {} {}",
            self.key(),
            self.jobs_by_index(),
            self.is_one_of(jobs),
            self.own.for_update()
        )
    }

    /// Locks what is noted of those that have failed for good still.
    fn lock_dead<'k>(&self, keys: impl Iterator<Item = &'k str>) -> String {
        let key = self.dialect.identifier("key");
        format!("SELECT {key} FROM {} WHERE {} FOR UPDATE", self.tables.dead, self.has_key(keys))
    }

    /// Which of these jobs wait.
    fn waiting_among(&self, jobs: &[JobId<'_>]) -> String {
        format!(
            "SELECT {} FROM {} WHERE {} AND ({})",
            self.key(),
            self.jobs_by_index(),
            self.is_one_of(jobs),
            self.queue.condition
        )
    }
}

impl QueueTable {
    /// Makes the jobs of these keys wait again, as `requeue` of the queue says, and forgets that they had failed; in one
    /// transaction.
    ///
    /// # Errors
    /// Where the job file does not say how; of the database. The connection is to be ended then.
    pub async fn requeue(&self, session: &Session, keys: &[&str]) -> Result<Requeued, MergeError> {
        let Some(clause) = &self.queue.requeue else {
            return Err(MergeError::Statement {
                name: "`requeue` of the queue".to_owned(),
                message: "the job file does not say what makes a job wait again".to_owned(),
                hint: "add requeue = \"state = 'new'\" to the queue",
            });
        };
        let sql = self.sql(session)?;
        let mut requeued = Requeued::default();
        if !is_there(session, &self.tables.schema, DEAD).await? {
            return Ok(requeued);
        }
        session.run(sql.own.begin_read_committed()).await?;
        session.run(sql.dialect.settings()).await?;
        for keys in keys.chunks(TOGETHER) {
            self.requeue_some(session, &sql, clause, keys, &mut requeued).await?;
        }
        session.run("COMMIT").await?;
        Ok(requeued)
    }

    async fn requeue_some(
        &self,
        session: &Session,
        sql: &QueueSql<'_>,
        clause: &str,
        keys: &[&str],
        requeued: &mut Requeued,
    ) -> Result<(), MergeError> {
        let ids: Vec<Vec<String>> = keys.iter().map(|key| self.id_of(key)).collect();
        let jobs: Vec<JobId<'_>> = keys.iter().zip(&ids).map(|(key, id)| JobId { key, id }).collect();
        // Jobs before what is noted of them, as everywhere.
        let there = first_column(session, &sql.lock_there(&jobs)).await?;
        let dead = first_column(session, &sql.lock_dead(keys.iter().copied())).await?;
        let is = |among: &[String], job: &JobId<'_>| among.iter().any(|key| key == job.key);
        let (there, gone): (Vec<JobId<'_>>, Vec<_>) =
            jobs.into_iter().filter(|job| is(&dead, job)).partition(|job| is(&there, job));
        session.run(&format!("SAVEPOINT {BEFORE}")).await?;
        let waiting = self.set_waiting(session, sql, clause, &there).await?;
        let (willing, unwilling): (Vec<JobId<'_>>, Vec<_>) =
            there.into_iter().partition(|job| is(&waiting, job));
        if !unwilling.is_empty() {
            session.run(&format!("ROLLBACK TO SAVEPOINT {BEFORE}")).await?;
            self.set_waiting(session, sql, clause, &willing).await?;
        }
        let over: Vec<&str> = willing.iter().chain(&gone).map(|job| job.key).collect();
        forget(session, sql, &over).await?;
        let keys = |jobs: Vec<JobId<'_>>| jobs.into_iter().map(|job| job.key.to_owned()).collect::<Vec<_>>();
        requeued.waiting.extend(keys(willing));
        requeued.gone.extend(keys(gone));
        requeued.unwilling.extend(keys(unwilling));
        Ok(())
    }

    /// Changes jobs, and says which of them wait then.
    async fn set_waiting(
        &self,
        session: &Session,
        sql: &QueueSql<'_>,
        clause: &str,
        jobs: &[JobId<'_>],
    ) -> Result<Vec<String>, MergeError> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        session.execute(&sql.set(clause, jobs)).await?;
        Ok(first_column(session, &sql.waiting_among(jobs)).await?)
    }

    /// The columns of an id, from its key.
    fn id_of(&self, key: &str) -> Vec<String> {
        match self.tables.id_columns {
            1 => vec![key.to_owned()],
            _ => id_of_several(key),
        }
    }
}

/// The texts of a JSON array, as the database writes them: numbers have no quotes.
fn id_of_several(key: &str) -> Vec<String> {
    let values: Vec<serde_json::Value> = serde_json::from_str(key).unwrap_or_default();
    let text = |value: serde_json::Value| match value {
        serde_json::Value::String(text) => text,
        other => other.to_string(),
    };
    values.into_iter().map(text).collect()
}

/// Forgets that jobs had failed, and how often.
async fn forget(session: &Session, sql: &QueueSql<'_>, keys: &[&str]) -> Result<(), DatabaseError> {
    if keys.is_empty() {
        return Ok(());
    }
    session.run(&sql.drop_rests(keys.iter().copied())).await?;
    session.run(&sql.exhume(keys.iter().copied())).await
}

async fn first_column(session: &Session, sql: &str) -> Result<Vec<String>, DatabaseError> {
    Ok(session.rows(sql).await?.iter().map(|row| row.text(0)).collect())
}

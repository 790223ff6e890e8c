//! Jobs that have failed for good are made to wait again.

use super::sql::JobId;
use super::{DeadJob, QueueTable};
use crate::database::Session;
use crate::merge::MergeError;

/// What came of it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requeued {
    /// Jobs that wait again.
    pub waiting: u64,
    /// Keys of those whose rows are gone, or do not wait though they were changed so.
    pub lost: Vec<String>,
}

impl QueueTable {
    /// Makes these jobs wait again, as `requeue` of the queue says, and forgets that they had failed; in one transaction.
    ///
    /// # Errors
    /// Where the job file does not say how; of the database. The connection is to be ended then.
    pub async fn requeue(&self, session: &Session, dead: &[DeadJob]) -> Result<Requeued, MergeError> {
        let Some(clause) = &self.queue.requeue else {
            return Err(MergeError::Statement {
                name: "`requeue` of the queue".to_owned(),
                message: "the job file does not say what makes a job wait again".to_owned(),
                hint: "add requeue = \"state = 'new'\" to the queue",
            });
        };
        let sql = self.sql(session)?;
        let mut requeued = Requeued::default();
        session.run(sql.own.begin_read_committed()).await?;
        session.run(sql.dialect.settings()).await?;
        for job in dead {
            let id = self.id_of(&job.key);
            let one = [JobId { key: &job.key, id: &id }];
            session.execute(&sql.set(clause, &one)).await?;
            let waits: u64 = session.row(&sql.still_waiting(&one)).await?.number(0).unwrap_or_default();
            if waits > 0 {
                requeued.waiting += 1;
            } else {
                requeued.lost.push(job.key.clone());
            }
        }
        let keys = || dead.iter().map(|job| job.key.as_str());
        if !dead.is_empty() {
            session.run(&sql.drop_claims(keys())).await?;
            session.run(&sql.exhume(keys())).await?;
        }
        session.run("COMMIT").await?;
        Ok(requeued)
    }

    /// The columns of an id, from its key.
    fn id_of(&self, key: &str) -> Vec<String> {
        match self.tables.id_columns {
            1 => vec![key.to_owned()],
            _ => serde_json::from_str(key).unwrap_or_default(),
        }
    }
}

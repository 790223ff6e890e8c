//! A queue, looked at and mended from outside: nothing is claimed here.

use super::RunnerError;
use super::jobs::mask;
use super::merge::unpublished;
use crate::database::Session;
use crate::job::{Job, nearest_word};
use crate::merge::{DeadJob, MergeError, QueueStanding, QueueTable, Requeued, RestingJob};
use crate::record::Kind;
use crate::secrets::Secrets;

/// A queue and a connection to its database.
pub struct QueueLook<'a> {
    job: &'a Job,
    secrets: &'a Secrets,
    /// The queue.
    pub table: QueueTable,
    session: Session,
}

/// Jobs that have failed for good, or rest.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct FailedJobs {
    /// Those that died last first.
    pub dead: Vec<DeadJob>,
    /// Those whose rest ends first.
    pub resting: Vec<RestingJob>,
}

/// Which jobs that have failed for good are meant; all of them by default.
#[derive(Debug, Clone, Default)]
pub struct RequeueFilter {
    /// Only those that failed so; empty for any kind.
    pub kinds: Vec<String>,
    /// Only those of these keys.
    pub keys: Option<Vec<String>>,
}

impl<'a> QueueLook<'a> {
    /// Opens the queue of a job that has one; nothing is made there.
    ///
    /// # Errors
    /// Where the job has none; of the database.
    pub async fn open(job: &'a Job, secrets: &'a Secrets) -> Result<QueueLook<'a>, RunnerError> {
        refuse_without_queue(job)?;
        let opened = async {
            let table = QueueTable::open(job, secrets, false).await?;
            let session = table.connect().await?;
            Ok((table, session))
        };
        let (table, session) =
            opened.await.map_err(|error: MergeError| unpublished(&error, &mask(job, secrets)))?;
        Ok(QueueLook { job, secrets, table, session })
    }

    fn told<T>(&self, result: Result<T, MergeError>) -> Result<T, RunnerError> {
        result.map_err(|error| unpublished(&error, &mask(self.job, self.secrets)))
    }

    /// How it stands.
    ///
    /// # Errors
    /// Of the database.
    pub async fn standing(&self) -> Result<QueueStanding, RunnerError> {
        self.told(self.table.standing(&self.session).await)
    }

    /// What has failed.
    ///
    /// # Errors
    /// Of the database.
    pub async fn failed(&self) -> Result<FailedJobs, RunnerError> {
        let dead = self.told(self.table.dead(&self.session).await)?;
        Ok(FailedJobs { dead, resting: self.told(self.table.resting(&self.session).await)? })
    }

    /// Which tables of windrow's own are not there yet, in words.
    ///
    /// # Errors
    /// Of the database.
    pub async fn own_tables_lacking(&self) -> Result<Option<String>, RunnerError> {
        let lacking = self.told(self.table.own_tables_lacking(&self.session).await)?;
        Ok(match lacking.as_slice() {
            [] => None,
            [one] => Some(format!("{one} is")),
            several => Some(format!("{} are", several.join(" and "))),
        })
    }

    /// What slows workers, in words.
    ///
    /// # Errors
    /// What keeps the queue from being worked; of the database.
    pub async fn check(&self) -> Result<Vec<String>, RunnerError> {
        self.told(self.table.check(&self.session).await)
    }

    /// Makes jobs that have failed for good wait again; also the keys that are none of them.
    ///
    /// # Errors
    /// Of the database: nothing is changed then.
    pub async fn requeue(&self, filter: &RequeueFilter) -> Result<(Requeued, Vec<String>), RunnerError> {
        let dead = self.told(self.table.dead(&self.session).await)?;
        let has_kind = |job: &&DeadJob| filter.kinds.is_empty() || filter.kinds.contains(&job.kind);
        let is_named = |job: &&DeadJob| filter.keys.as_ref().is_none_or(|keys| keys.contains(&job.key));
        let keys: Vec<&str> =
            dead.iter().filter(has_kind).filter(is_named).map(|job| job.key.as_str()).collect();
        let named = filter.keys.iter().flatten();
        let unknown = named.filter(|key| !keys.contains(&key.as_str())).cloned().collect();
        let requeued = self.told(self.table.requeue(&self.session, &keys).await)?;
        Ok((requeued, unknown))
    }

    /// Ends the connection.
    pub async fn close(self) {
        self.session.close().await;
    }
}

/// What a job that has failed for good may be said to have failed of, by its word.
///
/// # Errors
/// Where there is no such kind: which there are.
pub fn kind_of_failure(word: &str) -> Result<String, String> {
    let mut kinds: Vec<&str> = Kind::ALL.iter().map(|kind| kind.word()).collect();
    kinds.push("rejected");
    if kinds.contains(&word) {
        return Ok(word.to_owned());
    }
    Err(match nearest_word(word, &kinds) {
        Some(nearest) => format!("did you mean {nearest}?"),
        None => format!("kinds are {}", kinds.join(", ")),
    })
}

fn refuse_without_queue(job: &Job) -> Result<(), RunnerError> {
    if job.input.is_queue() {
        return Ok(());
    }
    Err(RunnerError::Usage(format!(
        "job {} has no queue\nhint: `windrow run JOB` runs it; a table of jobs is named by queue in [input]",
        job.name
    )))
}

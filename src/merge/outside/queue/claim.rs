//! Claiming jobs.
//!
//! Rows that others have locked are passed by, so that workers do not wait for each other. That alone decides nothing: a job is
//! the run's whose claim stands under its key in the end.

use std::collections::HashMap;

use super::sql::QueueSql;
use crate::database::{DatabaseError, Session, Trouble};
use crate::handoff::{ClaimedJob, ClaimedJobs, VERSION, digest};
use crate::merge::MergeError;
use crate::value::Field;

/// Jobs that were claimed together, and what a run reads of them.
#[derive(Debug, Clone)]
pub struct Claimed {
    /// Who they are.
    pub jobs: ClaimedJobs,
    /// The columns of their rows, as the job names them; those of the id first.
    pub fields: Vec<Field>,
    /// Their rows, as the database prints them.
    pub rows: Vec<Vec<Option<String>>>,
}

/// A job's row as a statement of ours reads it.
pub(super) struct ReadJob {
    pub key: Option<String>,
    /// What is read between key and columns.
    pub flag: bool,
    pub row: Vec<Option<String>>,
}

impl ReadJob {
    /// What tells whether the row has changed.
    pub fn digest(&self) -> String {
        // Texts and nulls are always JSON.
        digest::sha256(&serde_json::to_vec(&self.row).unwrap_or_default())
    }
}

/// Reads what a statement of ours gives of jobs: the key, a flag if there is one, the columns.
pub(super) async fn read_jobs(
    session: &Session,
    sql: &str,
    has_flag: bool,
) -> Result<Vec<ReadJob>, DatabaseError> {
    let mut jobs = Vec::new();
    session
        .each_row(sql, |cells| {
            let text = |at: usize| cells.get(at).and_then(|cell| cell.as_deref().map(str::to_owned));
            let first = 1 + usize::from(has_flag);
            let flag = has_flag && text(1).as_deref() == Some("1");
            let row = (first..cells.len()).map(text).collect();
            jobs.push(ReadJob { key: text(0), flag, row });
            Ok::<_, DatabaseError>(())
        })
        .await?;
    Ok(jobs)
}

/// Claims up to so many jobs for a run; none where nothing waits, or others have it all.
///
/// Where it fails, the connection is to be ended: a transaction may be open in it.
pub(super) async fn claim(
    session: &Session,
    sql: &QueueSql<'_>,
    run: &str,
    most: u64,
) -> Result<Claimed, MergeError> {
    session.run(sql.own.begin_read_committed()).await?;
    session.run(sql.dialect.settings()).await?;
    let waiting = read_jobs(session, &sql.next(most), false).await?;
    let mut ours: HashMap<String, u32> = HashMap::new();
    if !waiting.is_empty() {
        let keys = waiting.iter().map(|job| {
            job.key
                .as_deref()
                .ok_or_else(|| unfit(sql, "a row that waits has no id, so nobody could say which it is"))
        });
        let keys: Vec<&str> = keys.collect::<Result<_, _>>()?;
        session.run(&sql.claim(run, keys.into_iter())).await.map_err(|error| match error.trouble() {
            Some(Trouble::Value) => unfit(
                sql,
                "the id of a job that waits is longer than the table of claims takes (512 characters)",
            ),
            _ => error.into(),
        })?;
        let claimed = session.rows(&sql.claimed(run)).await?;
        ours.extend(claimed.iter().map(|row| (row.text(0), row.number(1).unwrap_or_default())));
    }
    session.run("COMMIT").await?;
    let mut claimed = Claimed {
        jobs: ClaimedJobs { version: VERSION, queue: sql.tables.name.clone(), jobs: Vec::new() },
        fields: sql.tables.fields.clone(),
        rows: Vec::new(),
    };
    for job in waiting {
        let row = job.digest();
        let Some((key, attempts)) = job.key.and_then(|key| ours.remove_entry(&key)) else { continue };
        let id = job.row.iter().take(sql.tables.id_columns).map(|text| text.clone().unwrap_or_default());
        claimed.jobs.jobs.push(ClaimedJob { key, id: id.collect(), row, attempts });
        claimed.rows.push(job.row);
    }
    Ok(claimed)
}

fn unfit(sql: &QueueSql<'_>, why: &str) -> MergeError {
    super::tables::unfit(&sql.tables.name, vec![why.to_owned()])
}

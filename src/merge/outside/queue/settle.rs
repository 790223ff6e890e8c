//! The jobs of a batch in the transaction that publishes it: fenced before its rows are written, settled after.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::Batch;
use super::claim::{ReadJob, read_jobs};
use super::ends::JobEnd;
use super::sql::{Death, JobId, QueueSql, Rest};
use crate::database::Session;
use crate::handoff::ClaimedJob;
use crate::merge::{MergeError, Moved};
use crate::record::Ordinal;

/// Locks the jobs, then their claims, until the transaction ends.
///
/// # Errors
/// [`MergeError::Fenced`] where somebody else has taken a claim over: what was asked here may have been asked there, and is not
/// published. [`MergeError::Moved`] where rows have changed that are not `left_out` yet.
pub(in crate::merge::outside) async fn fence(
    session: &Session,
    batch: &Batch,
    run: &str,
    left_out: &BTreeMap<Ordinal, Moved>,
) -> Result<(), MergeError> {
    let sql = batch.table.sql(session)?;
    let jobs = &batch.claimed.jobs;
    let found = read_jobs(session, &sql.lock_jobs(&ids(jobs.iter())), true).await?;
    let claims = session.rows(&sql.lock_claims(run, jobs.iter().map(|job| job.key.as_str()))).await?;
    if claims.len() < jobs.len() {
        let (taken, left) = (jobs.len(), claims.len());
        return Err(MergeError::Fenced { run: run.to_owned(), taken, left });
    }
    let found: HashMap<&str, &ReadJob> =
        found.iter().filter_map(|found| Some((found.key.as_deref()?, found))).collect();
    let moved_of = |job: &ClaimedJob| match found.get(job.key.as_str()) {
        None => Some(Moved::Gone),
        Some(found) if !found.flag => Some(Moved::NotWaiting),
        Some(found) => (found.digest() != job.row).then_some(Moved::Changed),
    };
    let moved = (0..).zip(jobs).filter_map(|(ordinal, job)| Some((ordinal, moved_of(job)?)));
    let moved: Vec<(Ordinal, Moved)> = moved.filter(|(ordinal, _)| !left_out.contains_key(ordinal)).collect();
    if moved.is_empty() { Ok(()) } else { Err(MergeError::Moved(moved)) }
}

fn ids<'a>(jobs: impl Iterator<Item = &'a ClaimedJob>) -> Vec<JobId<'a>> {
    jobs.map(|job| JobId { key: &job.key, id: &job.id }).collect()
}

/// Settles the jobs, which are locked.
///
/// # Errors
/// Also where what the job file sets leaves jobs waiting: they would be asked for ever.
pub(in crate::merge::outside) async fn settle(
    session: &Session,
    batch: &Batch,
    run: &str,
    ends: &[JobEnd],
) -> Result<(), MergeError> {
    let sql = batch.table.sql(session)?;
    let jobs = &batch.claimed.jobs;
    let with =
        |is: fn(&JobEnd) -> bool| jobs.iter().zip(ends).filter(move |(_, end)| is(end)).map(|(job, _)| job);
    let done = || with(|end| *end == JobEnd::Done);
    let dead = || with(|end| matches!(end, JobEnd::Dead { .. }));
    let deaths: Vec<Death<'_>> = jobs.iter().zip(ends).filter_map(death).collect();
    let rests: Vec<Rest<'_>> = jobs.iter().zip(ends).filter_map(rest).collect();
    // Before the jobs: what is set there may read of them.
    if !deaths.is_empty() {
        session.run(&sql.bury(run, &deaths)).await?;
    }
    set(session, &sql, ("done", &sql.queue.done), &ids(done())).await?;
    set(session, &sql, ("failed", &sql.queue.failed), &ids(dead())).await?;
    if !rests.is_empty() {
        session.run(&sql.rest(&rests)).await?;
    }
    let resting: HashSet<&str> = rests.iter().map(|rest| rest.key).collect();
    let over: Vec<&str> =
        jobs.iter().map(|job| job.key.as_str()).filter(|key| !resting.contains(key)).collect();
    if !over.is_empty() {
        session.run(&sql.drop_claims(over.into_iter())).await?;
    }
    exhume(session, &sql, done().map(|job| job.key.as_str()).collect()).await
}

/// Forgets that jobs had failed for good once; few have.
async fn exhume(session: &Session, sql: &QueueSql<'_>, done: Vec<&str>) -> Result<(), MergeError> {
    if done.is_empty() {
        return Ok(());
    }
    let noted = session.rows(&sql.dead_among(done.into_iter())).await?;
    let noted: Vec<String> = noted.iter().map(|row| row.text(0)).collect();
    if !noted.is_empty() {
        session.run(&sql.exhume(noted.iter().map(String::as_str))).await?;
    }
    Ok(())
}

/// Changes jobs as the job file says, and looks that none of them waits afterwards.
async fn set(
    session: &Session,
    sql: &QueueSql<'_>,
    (key, clause): (&str, &str),
    jobs: &[JobId<'_>],
) -> Result<(), MergeError> {
    if jobs.is_empty() {
        return Ok(());
    }
    let wrong = |message: String, hint| MergeError::Statement {
        name: format!("`{key}` of the queue"),
        message,
        hint,
    };
    let changed = session.execute(&sql.set(clause, jobs)).await?;
    if changed != jobs.len() as u64 {
        let message = format!(
            "it changed {changed} rows of {}, and should have changed {}",
            sql.tables.name,
            jobs.len()
        );
        return Err(wrong(
            message,
            "a trigger, a rule or row security of the table keeps rows from it: nothing was published",
        ));
    }
    let waiting: u64 = session.row(&sql.still_waiting(jobs)).await?.number(0).unwrap_or_default();
    if waiting > 0 {
        let message = format!(
            "{waiting} of {} jobs still meet `where` after it: they would be asked for ever",
            jobs.len()
        );
        return Err(wrong(message, "let it set what `where` looks at; nothing was published"));
    }
    Ok(())
}

fn death<'a>((job, end): (&'a ClaimedJob, &'a JobEnd)) -> Option<Death<'a>> {
    match end {
        JobEnd::Dead { attempts, kind, detail } => {
            Some(Death { key: &job.key, attempts: *attempts, kind, detail })
        }
        _ => None,
    }
}

/// A claim that stays. One of a job that never failed, and rests for no time, goes.
fn rest<'a>((job, end): (&'a ClaimedJob, &'a JobEnd)) -> Option<Rest<'a>> {
    match end {
        JobEnd::Rests { attempts, rest, kind, detail } => Some(Rest {
            key: &job.key,
            attempts: *attempts,
            rest: *rest,
            kind: Some(kind),
            detail: Some(detail),
        }),
        JobEnd::Freed { rest, kind, detail } if job.attempts > 0 || !rest.is_zero() => Some(Rest {
            key: &job.key,
            attempts: job.attempts,
            rest: *rest,
            kind: kind.as_deref(),
            detail: detail.as_deref(),
        }),
        JobEnd::Moved(Moved::Changed) if job.attempts > 0 => Some(Rest {
            key: &job.key,
            attempts: job.attempts,
            rest: std::time::Duration::ZERO,
            kind: None,
            detail: None,
        }),
        _ => None,
    }
}

//! Whether a load can succeed: the server, the table, the table of runs, and this user's rights in them.

use super::ask::{complaints, connect_to_read};
use super::rights;
use super::target::OutsideTarget;
use super::{added, referencing, runs, swap};
use crate::database::{Server, Session};
use crate::job::Job;
use crate::merge::MergeError;
use crate::merge::columns::{self, Output};
use crate::merge::dialect;

/// Looks the destination over before anything is asked of anyone: the server lets us in, takes writes and speaks UTF-8,
/// the table has the columns that the job fills, of types that take them, and this user has the rights that a load
/// needs. All that is wrong is told at once.
///
/// A unique index on columns other than the key is no mistake: only rows can collide in it, and then the server says
/// which.
///
/// The columns that a table which is there is to gain; `None` where there is no table.
pub(in crate::merge) async fn check(job: &Job, server: &Server) -> Result<Option<Vec<String>>, MergeError> {
    let columns = columns::of_job(job)?;
    let session = connect_to_read(server).await?;
    let target = OutsideTarget::find(&session, job).await?;
    let fits = refuse_unfit(&session, job, &target, &columns).await;
    session.close().await;
    fits?;
    let added = added::new_columns(job, &target, &columns).into_iter();
    Ok(target.exists().then(|| added.map(|column| column.name).collect()))
}

/// Refuses a table whose columns do not take the job's: what is known of it without a question.
pub(super) fn refuse_misfit(job: &Job, target: &OutsideTarget, columns: &[Output]) -> Result<(), MergeError> {
    let mut problems = target.problems(job, columns);
    problems.extend(target.missing_key(job));
    told(job, target, columns, problems)
}

/// Refuses what a load would fail at, naming all of it.
pub(super) async fn refuse_unfit(
    session: &Session,
    job: &Job,
    target: &OutsideTarget,
    columns: &[Output],
) -> Result<(), MergeError> {
    let mut problems = complaints(session, dialect::of(session).unfit_server()).await?;
    problems.extend(target.problems(job, columns));
    problems.extend(target.missing_key(job));
    if target.is_table() {
        problems.extend(rights::missing(session, job, target, columns).await?);
        let added = added::new_columns(job, target, columns);
        problems.extend(added::problems(session, target, &added).await?);
    }
    if target.is_table() {
        problems.extend(referencing::problems(session, job, target).await?);
    }
    if job.table.swap {
        problems.extend(swap::obstacles(session, target).await?);
    }
    problems.extend(runs::problems(session, job, target).await?);
    told(job, target, columns, problems)
}

fn told(
    job: &Job,
    target: &OutsideTarget,
    columns: &[Output],
    problems: Vec<String>,
) -> Result<(), MergeError> {
    if problems.is_empty() {
        return Ok(());
    }
    let hint = columns::hint(job, columns.iter().filter(|output| target.lacks(&output.name)));
    Err(MergeError::Table { table: target.name.clone(), problems, hint })
}

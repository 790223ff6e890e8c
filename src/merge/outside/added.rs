//! Columns of the job that a table which is there does not have, where `on_new_column = "add"`: what keeps them from being
//! added, and adding them.
//!
//! Where the database makes tables within a transaction, columns are added in that of the load, too: they are there with its
//! rows, or not at all; who reads the table waits from then on for COMMIT. Elsewhere they are added before it, and stay, without
//! values, where the load fails.

use std::time::Duration;

use super::ask::run_if_any;
use super::target::OutsideTarget;
use crate::database::{DatabaseError, Session, Trouble};
use crate::job::Job;
use crate::merge::MergeError;
use crate::merge::columns::Output;
use crate::merge::dialect::{self, AddedColumn, Dialect, Obstacle};
use crate::merge::error::ONLY_ADDS;
use crate::value::Type;

/// How long it is waited for those who use the table; others wait behind us meanwhile.
const PATIENCE: Duration = Duration::from_secs(if cfg!(test) { 3 } else { 60 });

/// Columns that are to be added. Those that cannot be are among the table's own problems.
pub(super) fn new_columns(job: &Job, target: &OutsideTarget, columns: &[Output]) -> Vec<AddedColumn> {
    let is_new = |output: &&Output| target.lacks(&output.name) && target.lacking(job, &output.name).is_none();
    let added = |output: &Output| AddedColumn {
        name: output.name.clone(),
        // As of a table that is made; before the plan it may be unknown.
        ty: output.ty.unwrap_or(Type::Text),
    };
    columns.iter().filter(is_new).map(added).collect()
}

/// What keeps columns from being added, in words.
pub(super) async fn problems(
    session: &Session,
    target: &OutsideTarget,
    added: &[AddedColumn],
) -> Result<Vec<String>, DatabaseError> {
    let Some(id) = target.id().filter(|_| !added.is_empty()) else { return Ok(Vec::new()) };
    let mut problems = Vec::new();
    for obstacle in dialect::of(session).may_not_add(id, added) {
        problems = complaints(session, &obstacle).await?;
        if !problems.is_empty() {
            break;
        }
    }
    Ok(problems)
}

async fn complaints(session: &Session, obstacle: &Obstacle) -> Result<Vec<String>, DatabaseError> {
    match run_if_any(session, obstacle.made_by.clone()).await {
        Err(DatabaseError::Refused { .. }) => return Ok(Vec::new()),
        made => made?,
    }
    match session.rows(&obstacle.query).await {
        Err(error) => match error.trouble() {
            Some(Trouble::Exists) => Ok(Vec::new()),
            Some(Trouble::Privilege | Trouble::Statement | Trouble::Value | Trouble::Other) => {
                Ok(vec![format!("columns cannot be added to it: {}", error.message())])
            }
            _ => Err(error),
        },
        Ok(rows) => Ok(rows.iter().map(|row| row.text(0)).collect()),
    }
}

/// Adds columns, each by a statement of its own.
pub(super) async fn add(
    session: &Session,
    target: &OutsideTarget,
    added: &[AddedColumn],
) -> Result<(), MergeError> {
    let dialect = dialect::of(session);
    run_if_any(session, dialect.wait_for_locks(PATIENCE)).await?;
    for AddedColumn { name, ty } in added {
        let add = dialect.add_column(&target.qualified, &dialect.identifier(name), *ty);
        match session.run(&add).await {
            // Somebody else was faster: whether it fits is looked at afterwards.
            Err(error) if error.trouble() == Some(Trouble::Exists) => {}
            added => added.map_err(|error| not_added(dialect, error, name))?,
        }
    }
    Ok(run_if_any(session, dialect.wait_as_before().map(str::to_owned)).await?)
}

/// Refuses a table that has gained columns and does not fit all the same.
pub(super) fn refuse_misfit(job: &Job, target: &OutsideTarget, columns: &[Output]) -> Result<(), MergeError> {
    let mut problems = target.problems(job, columns);
    let missing = new_columns(job, target, columns).into_iter();
    problems.extend(missing.map(|AddedColumn { name, .. }| {
        format!("column {name:?} was added, and is not there: the database takes another one for it")
    }));
    if problems.is_empty() {
        Ok(())
    } else {
        Err(MergeError::Table { table: target.name.clone(), problems, hint: ONLY_ADDS })
    }
}

/// Which column it was. It is no row that was refused; and who waited in vain need not wait again at once. Two who wait for each
/// other are another matter: within a transaction it is begun anew.
fn not_added(dialect: &dyn Dialect, error: DatabaseError, name: &str) -> DatabaseError {
    let DatabaseError::Refused { server, message, trouble, position, .. } = error else { return error };
    let has_waited = match trouble {
        Trouble::Cancelled => true,
        Trouble::Deadlock => !dialect.makes_tables_in_transaction(),
        _ => false,
    };
    let waited = format!("; others that use the table were waited for, {} s at the most", PATIENCE.as_secs());
    let (trouble, waited) = if has_waited { (Trouble::Cancelled, waited.as_str()) } else { (trouble, "") };
    let message = format!("column {name:?} cannot be added: {message}{waited}");
    DatabaseError::Refused { server, message, trouble, position, row: None }
}

//! Rights that a load needs and this user does not have, in words that say what to grant.

use super::ask::complaints;
use super::target::OutsideTarget;
use crate::database::{DatabaseError, Session};
use crate::job::{Job, Mode, OnUnlisted};
use crate::merge::columns::Output;
use crate::merge::dialect::{self, LoadRights, Right};

/// What is missing in the table, or to make it.
pub(super) async fn missing(
    session: &Session,
    job: &Job,
    target: &OutsideTarget,
    columns: &[Output],
) -> Result<Vec<String>, DatabaseError> {
    let dialect = dialect::of(session);
    let mut missing = complaints(session, &dialect.may_not_make_temporary()).await?;
    let Some(id) = target.id() else {
        let right = complaints(session, &dialect.may_not_make_table(&target.schema)).await?;
        missing.extend(right.iter().map(|right| format!("it is not there, and {right}")));
        return Ok(missing);
    };
    let filled = filled(target, columns);
    let wanted = LoadRights { id, table: &target.name, filled: &filled, rights: needed(job, target) };
    for query in dialect.missing_rights(&wanted) {
        missing.extend(complaints(session, &query).await?);
    }
    Ok(missing)
}

/// What a load does to the table.
fn needed(job: &Job, target: &OutsideTarget) -> Vec<(&'static str, Right)> {
    match job.table.mode {
        Mode::Append => vec![("SELECT", Right::Any), ("INSERT", Right::Columns)],
        Mode::Replace | Mode::ReplaceIds if target.is_replaced_in_place(&job.table) => {
            let columns = ["SELECT", "INSERT", "UPDATE"].map(|right| (right, Right::Columns));
            columns.into_iter().chain([("DELETE", Right::Table)]).collect()
        }
        Mode::Replace => vec![("SELECT", Right::Any), ("INSERT", Right::Columns), ("DELETE", Right::Table)],
        Mode::ReplaceIds => {
            vec![("SELECT", Right::Columns), ("INSERT", Right::Columns), ("DELETE", Right::Table)]
        }
        Mode::Upsert => {
            let mut rights =
                vec![("SELECT", Right::Columns), ("INSERT", Right::Columns), ("UPDATE", Right::Table)];
            if job.table.on_unlisted == OnUnlisted::Delete
                || !target.is_unique(&target.names_of(&job.table.key))
            {
                rights.push(("DELETE", Right::Table));
            }
            rights
        }
    }
}

/// The columns of the table that the job fills.
fn filled(target: &OutsideTarget, columns: &[Output]) -> Vec<String> {
    let filled = columns.iter().filter_map(|output| target.column(&output.name));
    filled.filter(|column| !column.generated).map(|column| column.name.clone()).collect()
}

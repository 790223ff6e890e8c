//! The tables of a queue, as they are there: the jobs', and two of windrow's own beside the table of runs.
//!
//! | table | a row is | goes |
//! |---|---|---|
//! | `windrow_claims` | a job that a run has (`run`), until when; or one that rests (`run` is empty), until when | when the job is done or has failed for good, or was never asked |
//! | `windrow_dead` | a job that has failed for good, and why | when it waits again, or by its age |
//!
//! `queue` is the jobs' table as `schema.table`: all job files that name the same table share its claims.

use super::super::target::find;
use crate::database::{DatabaseError, Session};
use crate::merge::MergeError;
use crate::merge::dialect::{self, Dialect, QueueDialect};
use crate::value::{Field, Type};

/// The claims' table.
pub(super) const CLAIMS: &str = "windrow_claims";
/// The table of those that have failed for good.
pub(super) const DEAD: &str = "windrow_dead";

/// What to do where the jobs' table cannot be worked.
const HINT: &str = "; `[input] queue` names it, and `id` what tells its rows apart";

/// The tables of a queue. What is not said to be otherwise is quoted, with its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) struct QueueTables {
    /// The jobs' table as `schema.table`, not quoted.
    pub name: String,
    /// The same without its schema, not quoted.
    pub jobs_table: String,
    /// The jobs.
    pub jobs: String,
    /// What the catalogue knows it by.
    pub jobs_id: String,
    /// Who has them.
    pub claims: String,
    /// Those that have failed for good.
    pub dead: String,
    /// The runs.
    pub runs: String,
    /// The same without its schema, not quoted.
    pub runs_table: String,
    /// The schema of our own tables, not quoted.
    pub schema: String,
    /// The columns that a run reads, not quoted, as the table spells them; those of the id first.
    pub columns: Vec<String>,
    /// The same as the job names them, with their types.
    pub fields: Vec<Field>,
    /// How many of them are the id.
    pub id_columns: usize,
    /// The unique index on the id, not quoted.
    pub index: String,
    /// The column that says when a job was put there, not quoted.
    pub created: Option<String>,
}

impl QueueTables {
    /// The columns of the id.
    pub fn id(&self) -> &[String] {
        &self.columns[..self.id_columns]
    }

    /// Whether a column of the id holds numbers.
    pub fn is_number(&self, at: usize) -> bool {
        let ty = self.fields.get(at).map(|field| field.ty);
        matches!(ty, Some(Type::Integer | Type::Bigint | Type::Decimal { .. }))
    }
}

/// How a session's database is worked as a queue.
pub(super) fn own(
    session: &Session,
) -> Result<(&'static dyn Dialect, &'static dyn QueueDialect), MergeError> {
    let dialect = dialect::of(session);
    let own =
        dialect.queue().ok_or_else(|| unfit("jobs", vec!["its database knows no queues".to_owned()]))?;
    Ok((dialect, own))
}

/// Whether one of our own tables is there.
pub(super) async fn is_there(session: &Session, schema: &str, table: &str) -> Result<bool, DatabaseError> {
    Ok(find(session, Some(schema), table).await?.standing.is_some())
}

/// A table that cannot be worked.
pub(super) fn unfit(table: &str, problems: Vec<String>) -> MergeError {
    MergeError::Table { table: table.to_owned(), problems, hint: HINT }
}

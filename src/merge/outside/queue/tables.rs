//! The tables of a queue, as they are there: the jobs', and two of windrow's own beside the table of runs.
//!
//! | table | a row is | goes |
//! |---|---|---|
//! | `windrow_claims` | a job that a run has (`run`), until when; or one that rests (`run` is empty), until when | when the job is done or has failed for good, or was never asked |
//! | `windrow_dead` | a job that has failed for good, and why | when it waits again, or by its age |
//!
//! `queue` is the jobs' table as `schema.table`: whoever works the same table, by whatever job file, has the same claims.

use super::super::runs::make_schema;
use super::super::target::{FoundTable, OutsideTarget, find, qualified};
use super::sql::QueueSql;
use crate::database::{DatabaseError, Session, Trouble};
use crate::job::{Job, Queue, TableName};
use crate::merge::dialect::{self, Dialect, QueueDialect};
use crate::merge::{MergeError, columns, runs};
use crate::value::{Field, Type};

/// The claims' table.
pub(super) const CLAIMS: &str = "windrow_claims";
/// The table of those that have failed for good.
pub(super) const DEAD: &str = "windrow_dead";

/// What to do where the jobs' table cannot be worked.
const HINT: &str = "; `[input] queue` names it, and `id` what tells its rows apart";

/// The tables of a queue. What is not said to be otherwise is quoted, with its schema.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct QueueTables {
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

/// Looks the tables up; nothing is made.
pub(super) async fn look_up(session: &Session, job: &Job, queue: &Queue) -> Result<QueueTables, MergeError> {
    let (dialect, own) = own(session)?;
    let TableName { schema, table } = columns::table_name(&queue.table);
    let jobs = find(session, schema.as_deref(), &table).await?;
    let name = TableName { schema: Some(jobs.schema.clone()), table: jobs.table.clone() }.to_string();
    let Some((id, kind)) = &jobs.standing else {
        return Err(unfit(&queue.table, vec!["it is not there".to_owned()]));
    };
    if let Some(why) = dialect.no_table(kind) {
        return Err(unfit(&name, vec![why.to_owned()]));
    }
    let there = session.rows(&dialect.columns(id)).await?;
    let is_binary = |name: &String| {
        there.iter().any(|row| row.get(0) == Some(name) && own.is_binary(row.get(2).unwrap_or_default()))
    };
    let names: Vec<String> = there.iter().map(|row| row.text(0)).collect();
    let wanted = job.input_columns();
    let columns = spelled(dialect, &names, &wanted).map_err(|problems| unfit(&name, problems))?;
    if let Some(binary) = columns.iter().find(|name| is_binary(name)) {
        let why = format!(
            "its column {binary:?} is binary, and what is asked is text: a generated column, as HEX({binary}), can stand for it"
        );
        return Err(unfit(&name, vec![why]));
    }
    let created = queue.created.as_slice();
    let created = spelled(dialect, &names, created).map_err(|problems| unfit(&name, problems))?.pop();
    let id_columns = job.input.id.len();
    let index = session.row(&own.unique_index_of(id, &columns[..id_columns])).await?;
    let Some(index) = index.get(0) else {
        let id = columns[..id_columns].join(", ");
        return Err(unfit(
            &name,
            vec![format!("nothing says that its id is unique: it needs PRIMARY KEY ({id}), or UNIQUE")],
        ));
    };
    let runs = runs_table(session, job).await?;
    let mut tables = QueueTables {
        name,
        jobs: qualified(dialect, &jobs.schema, &jobs.table),
        jobs_table: jobs.table.clone(),
        jobs_id: id.clone(),
        claims: qualified(dialect, &runs.schema, CLAIMS),
        dead: qualified(dialect, &runs.schema, DEAD),
        runs: qualified(dialect, &runs.schema, &runs.table),
        runs_table: runs.table,
        schema: runs.schema,
        columns,
        fields: Vec::new(),
        id_columns,
        index: index.to_owned(),
        created,
    };
    let sql = QueueSql { dialect, own, tables: &tables, queue };
    let mut fields = session.fields(&sql.nothing()).await?;
    fields.iter_mut().zip(job.input_columns()).for_each(|(field, name)| field.name = name);
    tables.fields = fields;
    check_created(session, &tables).await?;
    Ok(tables)
}

/// What has no zone is of UTC; what is no moment would be taken for one by some databases.
async fn check_created(session: &Session, tables: &QueueTables) -> Result<(), MergeError> {
    let (dialect, _) = own(session)?;
    let Some(created) = &tables.created else { return Ok(()) };
    let nothing = format!("SELECT {} FROM {} WHERE 1 = 0", dialect.identifier(created), tables.jobs);
    match session.fields(&nothing).await?.first().map(|field| field.ty) {
        Some(Type::Timestamp | Type::Date) | None => Ok(()),
        Some(other) => {
            let problem = format!("column {created:?} is {other}, and no moment that `created` could be");
            Err(unfit(&tables.name, vec![problem]))
        }
    }
}

/// Columns as the table spells them, or what is wrong with them.
fn spelled(dialect: &dyn Dialect, there: &[String], wanted: &[String]) -> Result<Vec<String>, Vec<String>> {
    let found = |name: &String| {
        let is = |name: &str| there.iter().find(|there| dialect.is_same_column(there, name));
        is(name).or_else(|| is(&name.to_ascii_lowercase())).cloned()
    };
    let lacking = wanted.iter().filter(|name| found(name).is_none());
    let problems: Vec<String> =
        lacking.map(|name| format!("it has no column {name:?}; it has {}", there.join(", "))).collect();
    if problems.is_empty() { Ok(wanted.iter().filter_map(found).collect()) } else { Err(problems) }
}

/// The table of runs, beside which ours are.
async fn runs_table(session: &Session, job: &Job) -> Result<FoundTable, DatabaseError> {
    let target = OutsideTarget::find(session, job).await?;
    let TableName { schema, table } =
        columns::table_name(job.table.runs_table.as_deref().unwrap_or(runs::TABLE));
    find(session, Some(schema.as_ref().unwrap_or(&target.schema)), &table).await
}

/// Makes those of our own that are not there; somebody else may make them meanwhile.
pub(super) async fn make(session: &Session, sql: &QueueSql<'_>) -> Result<(), MergeError> {
    make_schema(session, &sql.tables.schema).await?;
    // Before the first batches, which would make it all at once.
    if !is_there(session, &sql.tables.schema, &sql.tables.runs_table).await? {
        unless_there(session.run(&runs::create(sql.dialect, &sql.tables.runs)).await)?;
    }
    if !is_there(session, &sql.tables.schema, CLAIMS).await? {
        for statement in sql.create_claims() {
            unless_there(session.run(&statement).await)?;
        }
    }
    if !is_there(session, &sql.tables.schema, DEAD).await? {
        unless_there(session.run(&sql.create_dead()).await)?;
    }
    Ok(())
}

/// Whether one of our own tables is there.
pub(super) async fn is_there(session: &Session, schema: &str, table: &str) -> Result<bool, DatabaseError> {
    Ok(find(session, Some(schema), table).await?.standing.is_some())
}

fn unless_there(made: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
    match made {
        Err(error) if matches!(error.trouble(), Some(Trouble::Exists | Trouble::Taken)) => Ok(()),
        made => made,
    }
}

/// A table that cannot be worked.
pub(super) fn unfit(table: &str, problems: Vec<String>) -> MergeError {
    MergeError::Table { table: table.to_owned(), problems, hint: HINT }
}

//! The tables of a queue are looked up in its database, and those of windrow's own made.

use super::super::runs::make_schema;
use super::super::target::{FoundTable, OutsideTarget, find, qualified};
use super::sql::QueueSql;
use super::tables::{CLAIMS, DEAD, QueueTables, is_there, own, unfit};
use crate::database::{DatabaseError, Session, Trouble};
use crate::job::{Job, Queue, TableName};
use crate::merge::dialect::Dialect;
use crate::merge::{MergeError, columns, runs};
use crate::value::Type;

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

fn unless_there(made: Result<(), DatabaseError>) -> Result<(), DatabaseError> {
    match made {
        Err(error) if matches!(error.trouble(), Some(Trouble::Exists | Trouble::Taken)) => Ok(()),
        made => made,
    }
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

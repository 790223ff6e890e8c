//! The columns of the published table: the id, what is kept of the input, the answers, the stamps.

use super::error::{MAY_ADD, NEVER_ALTERS, ONLY_ADDS};
use super::{MergeError, sql};
use crate::handoff::Plan;
use crate::job::{
    Destination, Format, Job, Mode, OnNewColumn, OnUnlisted, ServerKind, Source, Stamp, Table, TableName,
};
use crate::value::Type;

/// Where a column's values come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// The id, by every file of the run.
    Id,
    /// Another column of the frozen input.
    Input,
    /// An answer of the plan's endpoint.
    Answer(usize),
    /// A fact about the record or the run.
    Stamp(Stamp),
}

/// A column of the published table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Output {
    pub name: String,
    /// Unknown before the plan for lists that bring their own types.
    pub ty: Option<Type>,
    pub origin: Origin,
}

/// The columns in order, as a run planned them and the job asks for them now.
///
/// Without a job every frozen column counts as kept and there are no stamps.
pub(super) fn of_run(plan: &Plan, job: Option<&Job>) -> Result<Vec<Output>, MergeError> {
    let (ids, others) = plan.columns.split_at(plan.id_columns.min(plan.columns.len()));
    let mut columns: Vec<Output> = Vec::new();
    let mut push = |name: &str, ty, origin| {
        columns.push(Output { name: name.to_owned(), ty: Some(ty), origin });
    };
    ids.iter().for_each(|field| push(&field.name, field.ty, Origin::Id));
    let kept = |name: &str| job.is_none_or(|job| job.input.columns.iter().any(|keep| keep == name));
    others.iter().filter(|field| kept(&field.name)).for_each(|f| push(&f.name, f.ty, Origin::Input));
    for (at, endpoint) in plan.endpoints.iter().enumerate() {
        endpoint.columns.iter().for_each(|field| push(&field.name, field.ty, Origin::Answer(at)));
    }
    let Some(job) = job else { return Ok(columns) };
    job.table.stamp.iter().for_each(|(name, stamp)| push(name, stamp_type(*stamp), Origin::Stamp(*stamp)));
    let lost = job.input.columns.iter().find(|name| plan.columns.iter().all(|field| &field.name != *name));
    let lost =
        lost.map(|name| format!("column {name:?} is kept by the job, but was not when the run was planned"));
    refuse(job, lost.into_iter().chain(problems(job, &columns)).collect()).map(|()| columns)
}

/// The columns that a job will publish, before any run of it.
pub(super) fn of_job(job: &Job) -> Result<Vec<Output>, MergeError> {
    let mut columns: Vec<Output> = Vec::new();
    let mut push = |name: &str, ty, origin| columns.push(Output { name: name.to_owned(), ty, origin });
    job.input.id.iter().for_each(|name| push(name, input_type(job, name), Origin::Id));
    let kept = job.input.columns.iter().filter(|name| !job.input.id.contains(name));
    kept.for_each(|name| push(name, input_type(job, name), Origin::Input));
    for (at, endpoint) in job.endpoints.iter().enumerate() {
        endpoint.columns.iter().for_each(|c| push(&c.name, Some(c.ty), Origin::Answer(at)));
    }
    let stamps = &job.table.stamp;
    stamps.iter().for_each(|(name, s)| push(name, Some(stamp_type(*s)), Origin::Stamp(*s)));
    refuse(job, problems(job, &columns)).map(|()| columns)
}

/// The type of an input column, where the job or the list's format fixes it.
fn input_type(job: &Job, name: &str) -> Option<Type> {
    let said = job.input.types.iter().find(|(column, _)| column == name).map(|(_, ty)| *ty);
    let typed_by_itself = match &job.input.source {
        Source::File { format, .. } | Source::Stdin { format } => {
            matches!(format, Format::Parquet | Format::Jsonl)
        }
        Source::Query { .. } | Source::Queue(_) => true,
        Source::Ids(_) => false,
    };
    said.or_else(|| (!typed_by_itself).then_some(Type::Text))
}

pub(super) fn stamp_type(stamp: Stamp) -> Type {
    match stamp {
        Stamp::FetchedAt | Stamp::RunStartedAt => Type::Timestamp,
        Stamp::RunDay => Type::Date,
        Stamp::RunId => Type::Text,
        Stamp::Ordinal => Type::Bigint,
    }
}

/// PostgreSQL alone tells columns apart by case; keys must be columns that compare.
fn problems(job: &Job, columns: &[Output]) -> Vec<String> {
    let mut problems = Vec::new();
    for (at, column) in columns.iter().enumerate() {
        let same = |other: &&Output| match &job.table.to {
            Destination::Server(url) if url.kind() == ServerKind::Postgres => other.name == column.name,
            _ => other.name.eq_ignore_ascii_case(&column.name),
        };
        let twin = columns[..at].iter().find(same);
        if let Some(twin) = twin {
            problems.push(format!("columns {:?} and {:?} have one name there", twin.name, column.name));
        }
    }
    for key in keys(job) {
        match columns.iter().find(|column| &column.name == key) {
            None => problems.push(format!("key column {key:?} is not one of its columns")),
            Some(Output { ty: Some(Type::Json), .. }) => {
                problems.push(format!("key column {key:?} is json, which has no equality"));
            }
            Some(Output { ty: Some(Type::Blob), .. }) => {
                problems.push(format!("key column {key:?} is blob: keep it as text, which can be compared"));
            }
            Some(_) => {}
        }
    }
    problems
}

/// Columns that rows are found by: the key, and the id where rows are replaced or deleted by it.
fn keys(job: &Job) -> Vec<&String> {
    let Table { mode, on_unlisted, key, .. } = &job.table;
    let by_id = *mode == Mode::ReplaceIds || *on_unlisted == OnUnlisted::Delete;
    let ids = job.input.id.iter().filter(|id| by_id && !key.contains(id));
    key.iter().chain(ids).collect()
}

/// What is wrong with what is there, `it`, which has these columns and not that one of the job; nothing where it is to be added.
/// The rows that are there would have no value in a key; and one that differs in capitals only is rarely meant.
pub(super) fn lacking<'a>(
    job: &Job,
    it: &str,
    mut there: impl Iterator<Item = &'a str>,
    name: &str,
) -> Option<String> {
    if !adds(job) {
        return Some(format!("{it} has no column {name:?}"));
    }
    if is_key(job, name) {
        return Some(format!(
            "{it} has no column {name:?}, which is of the key, and is not added: its rows would have none"
        ));
    }
    let twin = there.find(|other| other.to_lowercase() == name.to_lowercase())?;
    Some(format!(
        "{it} has no column {name:?}, but {twin:?}, and none is added that differs in capitals only"
    ))
}

/// Whether columns are added to what is there; a file that is replaced as a whole has those of the job anyway.
fn adds(job: &Job) -> bool {
    let is_file = matches!(job.table.to, Destination::Parquet(_) | Destination::Csv(_));
    job.table.on_new_column == OnNewColumn::Add || is_file && job.table.mode == Mode::Replace
}

fn is_key(job: &Job, name: &str) -> bool {
    keys(job).into_iter().any(|key| key == name)
}

/// What else there is to do about a table that does not fit, and lacks these columns.
pub(super) fn hint<'a>(job: &Job, lacks: impl IntoIterator<Item = &'a Output>) -> &'static str {
    if adds(job) {
        ONLY_ADDS
    } else if lacks.into_iter().any(|output| !is_key(job, &output.name)) {
        MAY_ADD
    } else {
        NEVER_ALTERS
    }
}

fn refuse(job: &Job, problems: Vec<String>) -> Result<(), MergeError> {
    if problems.is_empty() {
        Ok(())
    } else {
        Err(MergeError::Table { table: job.table.name.clone(), problems, hint: NEVER_ALTERS })
    }
}

/// Schema and table of a name; `main` is DuckDB's own schema.
pub(super) fn schema_and_table(name: &str) -> (String, String) {
    let TableName { schema, table } = table_name(name);
    (schema.unwrap_or_else(|| "main".to_owned()), table)
}

/// A name that the job has had checked.
pub(super) fn table_name(name: &str) -> TableName {
    TableName::parse(name).unwrap_or_else(|| TableName { schema: None, table: name.to_owned() })
}

/// The columns and their types, a line each.
pub(super) fn list(columns: &[Output]) -> String {
    let widest = columns.iter().map(|column| column.name.chars().count()).max().unwrap_or(0);
    let line = |column: &Output| {
        let ty = column.ty.map_or_else(|| "VARCHAR".to_owned(), sql::column_type);
        format!("-- {:<widest$}  {ty}", column.name)
    };
    columns.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// The statement that adds a column to a table.
pub(super) fn add_column(table: &str, column: &Output) -> String {
    let ty = column.ty.map_or_else(|| "VARCHAR".to_owned(), sql::column_type);
    format!("ALTER TABLE {table} ADD COLUMN {} {ty}", sql::identifier(&column.name))
}

/// The statement that would make the table.
pub(super) fn create_table(table: &str, columns: &[Output]) -> String {
    let line = |column: &Output| {
        let ty = column.ty.map_or_else(|| "VARCHAR".to_owned(), sql::column_type);
        format!("    {} {ty}", sql::identifier(&column.name))
    };
    let lines: Vec<String> = columns.iter().map(line).collect();
    format!("CREATE TABLE {table} (\n{}\n)", lines.join(",\n"))
}

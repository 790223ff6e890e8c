//! Destinations by their kind: looked over before the first request, their first rows shown after the last.

use std::path::Path;

use super::columns;
use super::file::{self, FilePlace};
use super::query::{QueryResult, RunQuery};
use super::resolved::ResolvedDestination;
use super::target::Target;
use super::{MergeError, aside, database, outside, sql};
use crate::job::Job;

/// What there is at a destination before the first publication.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// Nothing: the table, or the file, will be made.
    Nothing,
    /// A table, or a file, that is filled as it is, but for columns of the job that it is to gain.
    Table(Vec<String>),
}

impl Found {
    /// What is there, by the columns that it is to gain.
    fn of(there: Option<Vec<String>>) -> Found {
        there.map_or(Found::Nothing, Found::Table)
    }
}

/// Looks a job's destination over before anything is asked of anyone.
///
/// The database can be opened (or made), no newer DuckDB made it, and a table that is there has the columns that the
/// job fills, of types that take them. A database that another process has open is waited for, up to a minute. Column
/// types that only the plan finds out (Parquet and JSONL lists) are left to [`publish`](fn@super::publish).
pub async fn check_destination(job: &Job, place: &ResolvedDestination) -> Result<Found, MergeError> {
    let columns = columns::of_job(job)?;
    let path = &match place {
        ResolvedDestination::DuckDb(path) => aside::through_links(path),
        ResolvedDestination::Parquet(path) | ResolvedDestination::Csv(path) => {
            return file::check(job, &FilePlace::of(place, path, job), &columns).map(Found::of);
        }
        ResolvedDestination::Server(server) => return outside::check(job, server).await.map(Found::of),
    };
    if !path.exists() {
        aside::check_folder(path, "windrow makes the database there: it needs to write")?;
        return Ok(Found::Nothing);
    }
    let connection = database::open_when_free(path).await?;
    let failed = |error| database::failed(path, &error);
    let target = Target::find(&connection, job).map_err(failed)?;
    target.check(&connection, path, job, &columns)?;
    let added = target.new_columns(job, &columns);
    target.try_columns(&connection, &added).map_err(failed)?;
    let added = added.iter().map(|column| column.name.clone());
    Ok(Found::of(target.exists().then(|| added.collect())))
}

/// The first rows of a published table, read from its database.
pub async fn first_rows(
    place: &ResolvedDestination,
    table: &str,
    limit: usize,
) -> Result<QueryResult, MergeError> {
    match place {
        ResolvedDestination::DuckDb(path) => first_in_duckdb(path, table, limit),
        ResolvedDestination::Parquet(path) => file::first_rows_of_parquet(path, limit),
        ResolvedDestination::Csv(path) => file::first_rows_of_csv(path, limit),
        ResolvedDestination::Server(server) => outside::first_rows(server, table, limit).await,
    }
}

fn first_in_duckdb(database: &Path, table: &str, limit: usize) -> Result<QueryResult, MergeError> {
    let session = RunQuery::in_memory()?;
    let path = sql::text(&database.to_string_lossy());
    let attach = format!("ATTACH {path} AS published (READ_ONLY)");
    session.connection.execute_batch(&attach).map_err(|error| database::failed(database, &error))?;
    let (schema, table) = columns::schema_and_table(table);
    let (schema, table) = (sql::identifier(&schema), sql::identifier(&table));
    session.ask(&format!("FROM published.{schema}.{table} LIMIT {}", limit.saturating_add(1)), Some(limit))
}

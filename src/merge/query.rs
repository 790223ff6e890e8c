//! DuckDB over a run's files: no server, no copy, nothing written.

use std::ops::ControlFlow;
use std::path::Path;

use duckdb::types::Value;
use duckdb::{Connection, Row};

use super::files::{BlockFiles, RunFiles};
use super::policy::Policy;
use super::typed::{listed, parquet_value_or_nested};
use super::{MergeError, columns, database, sql, views};
use crate::handoff::RunStore;
use crate::handoff::names::beside;
use crate::job::Job;

/// Rows that are read at a time.
const PAGE: u64 = 10_000;
/// The table that an answer is kept in: it spills to disk, and reading it cannot fail.
const ANSWER: &str = "windrow.main.answer";

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerColumn {
    /// Its name.
    pub name: String,
    /// DuckDB's name of its type: `VARCHAR`, `BIGINT`, `DECIMAL(9,2)`, `STRUCT(a INTEGER)`, …
    pub ty: String,
}

/// An answer, as texts in DuckDB's own spelling, nested values as JSON, bytes as hexadecimal digits; null is `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryResult {
    /// The columns.
    pub columns: Vec<AnswerColumn>,
    /// The rows, as many values each.
    pub rows: Vec<Vec<Option<String>>>,
    /// Whether there were more rows than asked for.
    pub truncated: bool,
}

/// A run opened for questions.
pub struct RunQuery {
    pub(super) connection: Connection,
    views: Vec<String>,
    /// Whether values are so long that many rows at a time would take a lot of memory.
    is_wide: bool,
    /// What DuckDB spills goes here, and goes away with it.
    _scratch: tempfile::TempDir,
}

/// Asks one question of a run; see [`RunQuery`].
pub async fn query(
    run: &RunStore,
    job: Option<&Job>,
    sql: &str,
    limit: Option<usize>,
) -> Result<QueryResult, MergeError> {
    RunQuery::open(run, job).await?.ask(sql, limit)
}

impl RunQuery {
    /// Opens what is committed of a run by now, finished or not.
    ///
    /// `job` decides what the view `rows` has besides id and answers: kept columns, stamps, and what a failure
    /// does to a row (where the table's old value would be kept, null stands here). Without a job it has every
    /// frozen column.
    pub async fn open(run: &RunStore, job: Option<&Job>) -> Result<RunQuery, MergeError> {
        let files = RunFiles::committed(run).await?;
        let failed = |error: duckdb::Error| unreadable(run, &error);
        let columns = columns::of_run(&files.plan, job)?;
        let policy = Policy::now(&files.plan, job);
        let rejected = run.outcome().await?.map(|outcome| outcome.rejected).unwrap_or_default();
        let mut session = RunQuery::in_memory()?;
        session.is_wide = files.blocks.iter().any(BlockFiles::is_wide);
        session.views =
            views::create(&session.connection, &files, &columns, &policy, &rejected).map_err(failed)?;
        Ok(session)
    }

    /// No run: for a question to something else.
    pub(super) fn in_memory() -> Result<RunQuery, MergeError> {
        let scratch = database::scratch_folder()?;
        let opened = database::open_in_memory(scratch.path());
        let connection = opened.map_err(|error| database::failed(scratch.path(), &error))?;
        Ok(RunQuery { connection, views: Vec::new(), is_wide: false, _scratch: scratch })
    }

    /// Whether values of the run are so long that reading many rows at a time would take a lot of memory.
    pub fn is_wide(&self) -> bool {
        self.is_wide
    }

    /// The answer to one statement, of at most `limit` rows.
    pub fn ask(&self, sql: &str, limit: Option<usize>) -> Result<QueryResult, MergeError> {
        let limit = limit.unwrap_or(usize::MAX);
        let mut rows = Vec::new();
        let mut truncated = false;
        let columns = self.each(sql, |row| {
            if rows.len() == limit {
                truncated = true;
                return ControlFlow::Break(());
            }
            rows.push(row.to_vec());
            ControlFlow::Continue(())
        })?;
        Ok(QueryResult { columns, rows, truncated })
    }

    /// Hands the rows of an answer on one by one, in memory that does not grow with them; the columns.
    pub fn each(
        &self,
        sql: &str,
        mut row: impl FnMut(&[Option<String>]) -> ControlFlow<()>,
    ) -> Result<Vec<AnswerColumn>, MergeError> {
        let answer = self.prepare(sql)?;
        answer.each(&mut row).map_err(|error| self.wrong(&error))?;
        Ok(answer.columns)
    }

    /// Writes the answer to one statement as a Parquet file, which is there whole or not at all; of at most `limit` rows.
    pub fn write_parquet(&self, sql: &str, limit: Option<usize>, file: &Path) -> Result<(), MergeError> {
        let answer = self.prepare(sql)?;
        if answer.rows.is_some() {
            return Err(MergeError::Sql {
                message: "the statement has no rows that a Parquet file could have".to_owned(),
                views: self.views.clone(),
            });
        }
        let columns: Vec<(String, String)> =
            answer.columns.iter().map(|column| (column.name.clone(), column.ty.clone())).collect();
        let (values, given) = listed(&columns, parquet_value_or_nested);
        let limit = limit.map_or(String::new(), |limit| format!(" LIMIT {limit}"));
        let copy = format!(
            "COPY (SELECT {values} FROM {ANSWER} AS t ({given}){limit}) TO {} (FORMAT parquet, COMPRESSION zstd)",
            sql::text(&file.to_string_lossy())
        );
        self.connection.execute_batch(&copy).map_err(|error| match database::failed(file, &error) {
            MergeError::Database { .. } => self.wrong(&error),
            of_the_disk => of_the_disk,
        })
    }

    /// Runs one statement; its answer is complete then, and every error has come.
    pub fn prepare(&self, sql: &str) -> Result<StatementAnswer<'_>, MergeError> {
        let sql = sql.trim().trim_end_matches(';');
        // Parsed as it stands first, so that errors point into what the user wrote.
        let statement = self.connection.prepare(sql).map_err(|error| self.wrong(&error))?;
        match StatementAnswer::to(&self.connection, sql) {
            Ok(answer) => Ok(answer),
            Err(error) if is_no_query(&error) => {
                StatementAnswer::of_command(&self.connection, statement).map_err(|error| self.wrong(&error))
            }
            Err(error) => Err(self.wrong(&error)),
        }
    }

    fn wrong(&self, error: &duckdb::Error) -> MergeError {
        let message = database::whole_message(error);
        MergeError::Sql { message, views: self.views.clone() }
    }
}

/// What an error means where the files of a run are read.
fn unreadable(run: &RunStore, error: &duckdb::Error) -> MergeError {
    match database::failed(run.folder(), error) {
        MergeError::Database { path, message } => MergeError::Integrity {
            file: path,
            why: message,
            hint:
                "a file of the run is gone or damaged: restore it, or start anew with `windrow run JOB --new`"
                    .into(),
        },
        other => other,
    }
}

/// Whether the statement is none that can stand in parentheses, such as COPY or EXPLAIN.
fn is_no_query(error: &duckdb::Error) -> bool {
    error.to_string().contains("Parser Error")
}

/// The answer to a statement.
pub struct StatementAnswer<'a> {
    connection: &'a Connection,
    /// Its columns.
    pub columns: Vec<AnswerColumn>,
    /// Rows of a command; a query's stay in the database.
    rows: Option<Vec<Vec<Option<String>>>>,
}

impl<'a> StatementAnswer<'a> {
    /// The answer to a query, complete.
    pub(super) fn to(connection: &'a Connection, sql: &str) -> duckdb::Result<StatementAnswer<'a>> {
        connection.execute_batch(&format!("CREATE OR REPLACE TABLE {ANSWER} AS FROM (\n{sql}\n)"))?;
        StatementAnswer::kept(connection)
    }

    fn kept(connection: &'a Connection) -> duckdb::Result<StatementAnswer<'a>> {
        let mut statement = connection.prepare(&format!("DESCRIBE {ANSWER}"))?;
        let column = |row: &Row<'_>| Ok(AnswerColumn { name: row.get(0)?, ty: row.get(1)? });
        let columns: Vec<AnswerColumn> = statement.query_map([], column)?.collect::<duckdb::Result<_>>()?;
        // A column of that name would hide the place of a row, by which it is read.
        if columns.iter().any(|column| column.name.eq_ignore_ascii_case("rowid")) {
            let other = beside("rowid", columns.iter().map(|column| column.name.as_str()));
            connection.execute_batch(&format!("ALTER TABLE {ANSWER} RENAME COLUMN rowid TO {other}"))?;
        }
        Ok(StatementAnswer { connection, columns, rows: None })
    }

    fn of_command(
        connection: &'a Connection,
        mut statement: duckdb::Statement<'_>,
    ) -> duckdb::Result<StatementAnswer<'a>> {
        let mut found = statement.query([])?;
        let names = found.as_ref().map(|statement| statement.column_names()).unwrap_or_default();
        let column = |name| AnswerColumn { name, ty: "VARCHAR".to_owned() };
        let columns: Vec<AnswerColumn> = names.into_iter().map(column).collect();
        let mut rows = Vec::new();
        while let Some(row) = found.next()? {
            let values = (0..columns.len()).map(|at| row.get(at).map(plain));
            rows.push(values.collect::<duckdb::Result<_>>()?);
        }
        Ok(StatementAnswer { connection, columns, rows: Some(rows) })
    }

    /// Hands the rows on, until told to stop.
    pub fn each(&self, row: &mut dyn FnMut(&[Option<String>]) -> ControlFlow<()>) -> duckdb::Result<()> {
        if let Some(rows) = &self.rows {
            let _ = rows.iter().try_for_each(|values| row(values));
            return Ok(());
        }
        let value = |(at, column): (usize, &AnswerColumn)| sql::value_as_text(&format!("c{at}"), &column.ty);
        let values: Vec<String> = self.columns.iter().enumerate().map(value).collect();
        let names: Vec<String> = (0..values.len()).map(|at| format!("c{at}")).collect();
        let (values, names) = (values.join(", "), names.join(", "));
        let sql = format!("SELECT {values} FROM {ANSWER} AS t ({names}) WHERE rowid >= ? AND rowid < ?");
        let mut statement = self.connection.prepare(&sql)?;
        let mut from = 0;
        loop {
            let mut read = 0;
            let mut page = statement.query([from, from + PAGE])?;
            while let Some(found) = page.next()? {
                let values = (0..self.columns.len()).map(|at| found.get(at));
                read += 1;
                if row(&values.collect::<duckdb::Result<Vec<_>>>()?).is_break() {
                    return Ok(());
                }
            }
            if read == 0 {
                return Ok(());
            }
            from += PAGE;
        }
    }
}

/// A command's value as text: counts, flags and texts are all that commands answer with.
fn plain(value: Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::Text(text) => Some(text),
        Value::Boolean(value) => Some(value.to_string()),
        Value::Int(value) => Some(value.to_string()),
        Value::BigInt(value) => Some(value.to_string()),
        other => Some(format!("{other:?}")),
    }
}

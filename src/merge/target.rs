//! The destination's table: what is there, and whether the job's columns fit into it.
//!
//! A table that is there is filled as it is: columns that the job does not name get their defaults (in an upsert, rows
//! that stand keep what they have there); it may gain columns that the job has, where that says so. Types fit where DuckDB converts them
//! implicitly without loss of kind, such as integer into BIGINT, and text into an ENUM or UUID.

use std::path::Path;

use duckdb::{Connection, params};

use super::columns::{self, Output};
use super::dialect::TAKE_BLOB;
use super::error::NEVER_ALTERS;
use super::{MergeError, database, sql};
use crate::job::{Job, TableName};
use crate::value::Type;

/// The job's table within the opened database.
#[derive(Debug)]
pub(super) struct Target {
    /// As DuckDB and `windrow_runs` name it: `movies`, or `schema.movies`.
    pub name: String,
    /// With database and schema, quoted.
    pub qualified: String,
    /// The schema with its database, quoted.
    pub schema: String,
    /// Its columns in order; none where it has to be made.
    pub columns: Vec<TargetColumn>,
}

/// A column that stands.
#[derive(Debug)]
pub(super) struct TargetColumn {
    pub name: String,
    /// As DuckDB names it.
    pub ty: String,
    pub nullable: bool,
    /// An expression.
    pub default: Option<String>,
    /// Computed from others: never written.
    pub generated: bool,
}

impl Target {
    /// Looks the table up; the case of its name does not matter to DuckDB.
    pub fn find(connection: &Connection, job: &Job) -> duckdb::Result<Target> {
        let (schema, table) = columns::schema_and_table(&job.table.name);
        let (schema, table) = (schema.as_str(), table.as_str());
        let database: String = connection.query_row("SELECT current_database()", [], |row| row.get(0))?;
        let schema_quoted = format!("{}.{}", sql::identifier(&database), sql::identifier(schema));
        let qualified = format!("{schema_quoted}.{}", sql::identifier(table));
        let named = (schema != "main").then(|| schema.to_owned());
        let name = TableName { schema: named, table: table.to_owned() }.to_string();
        let columns = columns_of(connection, schema, table, &qualified)?;
        Ok(Target { name, qualified, schema: schema_quoted, columns })
    }

    /// Whether the table is there.
    pub fn exists(&self) -> bool {
        !self.columns.is_empty()
    }

    /// The column of that name.
    pub fn column(&self, name: &str) -> Option<&TargetColumn> {
        self.columns.iter().find(|column| column.name.eq_ignore_ascii_case(name))
    }

    /// Columns that it is to gain: the job has them, a table is there, and lacks them.
    pub fn new_columns<'a>(&self, job: &Job, columns: &'a [Output]) -> Vec<&'a Output> {
        let is_new = |column: &&Output| self.lacks(&column.name) && self.lacking(job, &column.name).is_none();
        columns.iter().filter(is_new).collect()
    }

    /// What is wrong with its having no column of that name.
    fn lacking(&self, job: &Job, name: &str) -> Option<String> {
        columns::lacking(job, "it", self.columns.iter().map(|column| column.name.as_str()), name)
    }

    fn lacks(&self, name: &str) -> bool {
        self.exists() && self.column(name).is_none()
    }

    /// Adds columns, each by a statement of its own.
    pub fn add_columns(&self, connection: &Connection, added: &[&Output]) -> duckdb::Result<()> {
        added
            .iter()
            .try_for_each(|column| connection.execute_batch(&columns::add_column(&self.qualified, column)))
    }

    /// Adds columns and undoes that: what a table cannot be given is told.
    pub fn try_columns(&self, connection: &Connection, added: &[&Output]) -> duckdb::Result<()> {
        if added.is_empty() {
            return Ok(());
        }
        connection.execute_batch("BEGIN TRANSACTION")?;
        let tried = self.add_columns(connection, added);
        connection.execute_batch("ROLLBACK")?;
        tried
    }

    /// Columns that the job does not fill, and that can be written.
    pub fn others<'a>(&'a self, columns: &'a [Output]) -> impl Iterator<Item = &'a TargetColumn> {
        let named = |column: &TargetColumn| {
            columns.iter().any(|published| published.name.eq_ignore_ascii_case(&column.name))
        };
        self.columns.iter().filter(move |column| !named(column) && !column.generated)
    }

    /// Refuses a table that cannot be filled with these columns, naming all that is wrong with it.
    pub fn check(
        &self,
        connection: &Connection,
        path: &Path,
        job: &Job,
        columns: &[Output],
    ) -> Result<(), MergeError> {
        let table = self.name.clone();
        if self.name.eq_ignore_ascii_case(super::runs::TABLE) {
            let problems = vec!["windrow keeps its own records in that table".to_owned()];
            return Err(MergeError::Table { table, problems, hint: NEVER_ALTERS });
        }
        let failed = |error| database::failed(path, &error);
        let mut problems = self.problems(connection, job, columns).map_err(failed)?;
        problems.extend(super::runs::duckdb::not_ours(connection).map_err(failed)?);
        if problems.is_empty() {
            return Ok(());
        }
        let hint = columns::hint(job, columns.iter().filter(|column| self.lacks(&column.name)));
        Err(MergeError::Table { table, problems, hint })
    }

    fn problems(
        &self,
        connection: &Connection,
        job: &Job,
        columns: &[Output],
    ) -> duckdb::Result<Vec<String>> {
        if !self.exists() {
            return Ok(Vec::new());
        }
        if self.is_view(connection)? {
            return Ok(vec!["it is a view".to_owned()]);
        }
        let mut problems = Vec::new();
        for column in columns {
            problems.extend(self.problem(connection, job, column)?);
        }
        let unfilled = self.others(columns).filter(|column| !column.nullable && column.default.is_none());
        problems.extend(unfilled.map(|column| {
            format!("column {:?} is NOT NULL without a default, and the job does not fill it", column.name)
        }));
        Ok(problems)
    }

    fn problem(&self, connection: &Connection, job: &Job, column: &Output) -> duckdb::Result<Option<String>> {
        let name = &column.name;
        let Some(standing) = self.column(name) else { return Ok(self.lacking(job, name)) };
        if standing.generated {
            return Ok(Some(format!("column {name:?} is generated and cannot be filled")));
        }
        let Some(ty) = column.ty else { return Ok(None) };
        let fits = fits(connection, ty, &standing.ty)?;
        let hint = match standing.ty.as_str() {
            "BLOB" => TAKE_BLOB,
            list if list.ends_with(']') => ": windrow fills no lists; a column of type JSON takes arrays",
            _ => "",
        };
        Ok((!fits).then(|| format!("column {name:?} is {} there, {ty} in the job{hint}", standing.ty)))
    }

    fn is_view(&self, connection: &Connection) -> duckdb::Result<bool> {
        let sql = "SELECT count(*) > 0 FROM duckdb_views() WHERE NOT internal \
                   AND lower(schema_name) = lower(?) AND lower(view_name) = lower(?) \
                   AND database_name = current_database()";
        let (schema, table) = columns::schema_and_table(&self.name);
        connection.query_row(sql, params![schema, table], |row| row.get(0))
    }
}

/// Whether values of a type go into a column of the other.
fn fits(connection: &Connection, ty: Type, standing: &str) -> duckdb::Result<bool> {
    if ty == Type::Text && (standing == "UUID" || standing.starts_with("ENUM(")) {
        return Ok(true);
    }
    let sql = format!("SELECT can_cast_implicitly(NULL::{}, NULL::{standing})", sql::column_type(ty));
    connection.query_row(&sql, [], |row| row.get(0))
}

/// The table's columns, none where there is no such table or view.
fn columns_of(
    connection: &Connection,
    schema: &str,
    table: &str,
    qualified: &str,
) -> duckdb::Result<Vec<TargetColumn>> {
    let there = "SELECT count(*) FROM duckdb_columns() WHERE database_name = current_database() \
                 AND lower(schema_name) = lower(?) AND lower(table_name) = lower(?)";
    let there: i64 = connection.query_row(there, params![schema, table], |row| row.get(0))?;
    if there == 0 {
        return Ok(Vec::new());
    }
    // Only DESCRIBE tells a generated column from one with a default: it shows no default for it.
    let sql = format!(
        "SELECT c.column_name, c.data_type, c.is_nullable, c.column_default, \
                c.column_default IS NOT NULL AND d.\"default\" IS NULL \
         FROM duckdb_columns() c JOIN (DESCRIBE {qualified}) d USING (column_name) \
         WHERE c.database_name = current_database() \
         AND lower(c.schema_name) = lower(?) AND lower(c.table_name) = lower(?) ORDER BY c.column_index"
    );
    let mut statement = connection.prepare(&sql)?;
    let column = |row: &duckdb::Row<'_>| {
        Ok(TargetColumn {
            name: row.get(0)?,
            ty: row.get(1)?,
            nullable: row.get(2)?,
            default: row.get(3)?,
            generated: row.get(4)?,
        })
    };
    statement.query_map(params![schema, table], column)?.collect()
}

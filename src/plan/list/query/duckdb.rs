//! DuckDB: over a file that is only read, or over the files that the query names.
//!
//! A relative path in the query counts from the job file's folder. DuckDB itself looks into the process's working
//! folder first; a query that would find a file there is refused, so that a job reads the same wherever it is
//! started.

use std::path::{Path, PathBuf};

use ::duckdb::arrow::array::{Array as _, AsArray as _, StructArray};
use ::duckdb::{AccessMode, Connection};
use tempfile::TempDir;

use super::mistake::{ONE_SELECT, WORDS, marked, wrong};
use super::{Columns, Given, ListError, PlanError, Reader, Take, bare, question};
use crate::database::duck;
use crate::plan::list::source;
use crate::value::Type;

/// An answer that is about to come.
pub(super) struct PreparedQuery {
    connection: Connection,
    sql: String,
    columns: Columns,
    /// What DuckDB spills goes here, and goes away with it.
    _scratch: TempDir,
}

impl PreparedQuery {
    /// Opens the database and prepares the query, which is not run yet.
    pub fn ask(
        file: Option<&Path>,
        folder: &Path,
        query: &str,
        reader: &Reader<'_>,
    ) -> Result<PreparedQuery, ListError> {
        refuse_shadowed(query, folder, reader)?;
        let scratch = tempfile::tempdir().map_err(|error| reader.unreadable(error))?;
        let connection = open(file, reader)?;
        let set = set_up(&connection, folder, scratch.path());
        set.map_err(|error| unopened(reader.list, &error))?;
        let given = given(&connection, query, reader)?;
        let (sql, columns) = question(bare(query), &given, reader)?;
        Ok(PreparedQuery { connection, sql, columns, _scratch: scratch })
    }

    pub fn columns(&self) -> &Columns {
        &self.columns
    }

    /// Runs the query, and hands its rows on.
    pub fn each(self, reader: &Reader<'_>, take: &mut Take<'_>) -> Result<(), PlanError> {
        let failed = |error: ::duckdb::Error| unanswered(reader.list, &error);
        let mut statement = self.connection.prepare(&self.sql).map_err(failed)?;
        // Its own iterator panics where a later piece of the answer fails.
        drop(statement.stream_arrow([]).map_err(failed)?);
        let mut number = 0;
        while let Some(rows) = statement.step().map_err(failed)? {
            for row in 0..rows.len() {
                number += 1;
                take(number, &texts(&rows, row, reader)?)?;
            }
        }
        Ok(())
    }
}

fn open(file: Option<&Path>, reader: &Reader<'_>) -> Result<Connection, ListError> {
    let opened = match file {
        None => duck::config().and_then(Connection::open_in_memory_with_flags),
        Some(path) => {
            // What is no file is told in our own words.
            source::open(path)?;
            open_when_free(path)
        }
    };
    opened.map_err(|error| unopened(reader.list, &error))
}

/// A job may publish into it just now.
fn open_when_free(path: &Path) -> ::duckdb::Result<Connection> {
    let mut patience = duck::Patience::default();
    loop {
        let config = duck::config()?.access_mode(AccessMode::ReadOnly)?;
        let opened = Connection::open_with_flags(path, config);
        let in_use = opened.as_ref().err().filter(|error| duck::is_in_use(error));
        match in_use.and_then(|error| patience.pause(&path.to_string_lossy(), &duck::message(error))) {
            Some(pause) => std::thread::sleep(pause),
            None => return opened,
        }
    }
}

/// Files are looked for beside the job file, and what does not fit into memory goes into `scratch`.
fn set_up(connection: &Connection, folder: &Path, scratch: &Path) -> ::duckdb::Result<()> {
    duck::prepare(connection)?;
    let set = |name: &str, path: &Path| {
        let path = path.to_string_lossy().replace('\'', "''");
        connection.execute_batch(&format!("SET {name} = '{path}'"))
    };
    set("file_search_path", folder)?;
    set("temp_directory", scratch)
}

/// The columns of the user's query, each under its own name: within another query, DuckDB renames what comes twice.
fn given(connection: &Connection, query: &str, reader: &Reader<'_>) -> Result<Vec<Given>, ListError> {
    // First, so that nothing but one query is described: DuckDB runs all but the last of several statements.
    let alone = connection.prepare(&format!("SELECT * FROM (\n{}\n) AS windrow_list", bare(query)));
    if alone.map_err(|error| unanswered(reader.list, &error))?.parameter_count() > 0 {
        return Err(wrong(reader.list, "the query has a parameter", String::new(), ONE_SELECT));
    }
    let describe = || -> ::duckdb::Result<Vec<Given>> {
        let mut described = connection.prepare(&format!("DESCRIBE\n{}", bare(query)))?;
        let rows = described.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        rows.map(|row| row.map(|(name, ty): (String, String)| column(name, &ty))).collect()
    };
    describe().map_err(|error| unanswered(reader.list, &error))
}

fn column(name: String, ty: &str) -> Given {
    Given { name, ty: our_type(ty), printed_by: None }
}

/// Our type for one of DuckDB's; text where there is none.
fn our_type(found: &str) -> Type {
    match found {
        "BOOLEAN" => Type::Boolean,
        "TINYINT" | "SMALLINT" | "INTEGER" | "UTINYINT" | "USMALLINT" => Type::Integer,
        "BIGINT" | "UINTEGER" => Type::Bigint,
        "FLOAT" | "DOUBLE" => Type::Double,
        "DATE" => Type::Date,
        "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" | "TIMESTAMP WITH TIME ZONE" => {
            Type::Timestamp
        }
        "JSON" => Type::Json,
        other => decimal(other).unwrap_or(Type::Text),
    }
}

/// `DECIMAL(9,2)`.
fn decimal(found: &str) -> Option<Type> {
    let (precision, scale) = found.strip_prefix("DECIMAL(")?.strip_suffix(')')?.split_once(',')?;
    Some(Type::Decimal { precision: precision.parse().ok()?, scale: scale.parse().ok()? })
}

/// A row's values, all of which were asked for as text.
fn texts<'r>(
    rows: &'r StructArray,
    row: usize,
    reader: &Reader<'_>,
) -> Result<Vec<Option<&'r str>>, ListError> {
    let text = |column: &'r ::duckdb::arrow::array::ArrayRef| {
        let texts = column.as_string_opt::<i32>();
        let texts = texts.ok_or_else(|| reader.unreadable(std::io::ErrorKind::InvalidData.into()))?;
        Ok((!texts.is_null(row)).then(|| texts.value(row)))
    };
    rows.columns().iter().map(text).collect()
}

/// Refuses a query that names a file of the working folder, which DuckDB would take before that of the job's folder.
fn refuse_shadowed(query: &str, folder: &Path, reader: &Reader<'_>) -> Result<(), ListError> {
    let Ok(here) = std::env::current_dir() else { return Ok(()) };
    match shadowed(query, &here, folder) {
        None => Ok(()),
        Some(path) => Err(ListError::Query {
            list: reader.list.to_owned(),
            message: format!("DuckDB would read {}, of the working folder", path.display()),
            place: String::new(),
            hint: "relative paths count from the job file's folder: give this one as a whole path, or start windrow \
                   elsewhere",
        }),
    }
}

/// A file of the folder `here` that a quoted text of the query names. Where quotes open and where they close is not
/// looked at: what stands between two texts names no file.
fn shadowed(query: &str, here: &Path, folder: &Path) -> Option<PathBuf> {
    let is_same = |path: &Path, text: &str| {
        let other = folder.join(text);
        path.canonicalize().is_ok_and(|path| other.canonicalize().is_ok_and(|other| path == other))
    };
    let relative = query.split(['\'', '"']).filter(|text| !text.is_empty() && Path::new(text).is_relative());
    let mut found =
        relative.map(|text| (here.join(text), text)).filter(|(path, _)| path.exists() && !path.is_dir());
    found.find(|(path, text)| !is_same(path, text)).map(|(path, _)| path)
}

const NOT_DUCKDB: &str = "`database = \"duckdb:…\"` must name a DuckDB file; Parquet and CSV files are read by \
                          `database = \"duckdb:\"` and a query FROM 'file.parquet'";

/// Words of DuckDB's about a file that it cannot open, each with what to do.
const UNOPENED: [(&str, &str); 7] = [
    ("Could not set lock on file", "another process writes to it: end that one, or wait until it is done"),
    ("newer version of DuckDB", "open it with the DuckDB that made it and copy it with EXPORT DATABASE"),
    ("not a valid DuckDB database", NOT_DUCKDB),
    ("sqlite_scanner", NOT_DUCKDB),
    // What it says of a file that is named .csv, .json or .parquet.
    ("in-memory database in read-only mode", NOT_DUCKDB),
    ("Corrupt database file", "the file is damaged: bring it back from a copy"),
    ("Permission denied", "windrow needs to read it"),
];

fn unopened(list: &str, error: &::duckdb::Error) -> ListError {
    let message = duck::message(error);
    let hint = UNOPENED.iter().find(|(words, _)| message.contains(words)).map(|(_, hint)| *hint);
    let hint = hint.unwrap_or("can the `duckdb` program open it?").to_owned();
    ListError::Database { list: list.to_owned(), message, hint }
}

/// What a query's end without an answer means: a mistake in it, or trouble of the machine's.
fn unanswered(list: &str, error: &::duckdb::Error) -> ListError {
    let message = duck::message(error);
    if message.contains("No files found that match") {
        return wrong(list, &message, place(error), "a relative path counts from the job file's folder");
    }
    if message.contains("No space left on device") || message.contains("Out of Memory Error") {
        let hint = "DuckDB needs room for what does not fit into memory; TMPDIR names the folder".to_owned();
        return ListError::Database { list: list.to_owned(), message, hint };
    }
    if message.starts_with("Permission Error") {
        return wrong(list, &message, place(error), "a list is only read");
    }
    let hint = if message.starts_with("Parser Error") { ONE_SELECT } else { WORDS };
    wrong(list, &message, place(error), hint)
}

/// The place in the query that DuckDB shows below its words, `LINE 2: SELECT …` and a mark.
fn place(error: &::duckdb::Error) -> String {
    let text = error.to_string();
    let shown = || {
        let (_, shown) = text.rsplit_once("\n\nLINE ")?;
        let mut lines = shown.lines();
        let (number, line) = lines.next()?.split_once(": ")?;
        let before = "LINE : ".len() + number.len();
        Some(marked(line, lines.next()?.find('^')?.checked_sub(before)?))
    };
    shown().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_are_ours_are_kept() {
        let decimal = Type::Decimal { precision: 18, scale: 3 };
        let cases = [
            ("INTEGER", Type::Integer),
            ("UINTEGER", Type::Bigint),
            ("UBIGINT", Type::Text),
            ("DECIMAL(18,3)", decimal),
            ("TIMESTAMP WITH TIME ZONE", Type::Timestamp),
            ("DECIMAL(18,3)[]", Type::Text),
            ("ENUM('a', 'b')", Type::Text),
        ];
        cases.into_iter().for_each(|(found, ty)| assert_eq!(our_type(found), ty, "{found}"));
    }

    #[test]
    fn a_file_of_the_working_folder_is_found_in_the_query() {
        let (here, folder) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        for folder in [here.path(), folder.path()] {
            std::fs::write(folder.join("a.csv"), "id\n1\n").unwrap();
        }
        std::fs::create_dir(here.path().join("b")).unwrap();
        let found = |query: &str| shadowed(query, here.path(), folder.path());
        assert_eq!(found("-- don't\nFROM 'a.csv'"), Some(here.path().join("a.csv")));
        assert_eq!(found("FROM \"a.csv\""), Some(here.path().join("a.csv")));
        let whole = format!("FROM '{}'", here.path().join("a.csv").display());
        for other in ["FROM 'b'", "FROM 'c.csv'", "SELECT a.csv", "SELECT ''", &whole] {
            assert_eq!(found(other), None, "{other}");
        }
        assert_eq!(shadowed("FROM 'a.csv'", here.path(), here.path()), None);
    }
}

//! The database that holds a generation.

use std::fs::File;
use std::path::Path;

use duckdb::Connection;

use super::copy::{Copy, path_of};
use crate::database::duck::{config, message, prepare};
use crate::job::ChunkFormat;
use crate::merge::{PublishedFile, quoted_identifier, quoted_text};
use crate::serve::column::{Column, ORDER, TABLE};

/// Bytes that making a table and asking it may take, besides the table.
const WORK: u64 = 256 << 20;

/// A database with the table [`TABLE`], that can do nothing but answer questions about it.
#[derive(Debug)]
pub(super) struct Loaded {
    pub connection: Connection,
    pub columns: Vec<Column>,
    pub rows: u64,
    /// Places of the key's columns; none where a column of it is not there.
    pub key: Vec<usize>,
    /// Whether each row has a key of its own.
    pub key_is_unique: bool,
    /// Where it is not in memory: the Parquet file that is read instead, which may be the copy itself.
    pub beside: Option<File>,
}

/// Loads a copy into memory, or leaves it on the disk where the table would take more than `most` bytes there; `folder` is for what
/// does not fit.
///
/// # Errors
/// Why the file cannot be read, in words.
pub(super) fn load(file: &PublishedFile, copy: &Copy, most: u64, folder: &Path) -> Result<Loaded, String> {
    // Nobody knows the copy by its name.
    let named = |why: String| why.replace(&*copy.path().to_string_lossy(), &file.path.to_string_lossy());
    load_copy(file, copy, most, folder).map_err(named)
}

fn load_copy(file: &PublishedFile, copy: &Copy, most: u64, folder: &Path) -> Result<Loaded, String> {
    let duck = |error: duckdb::Error| message(&error);
    let connection = open(most.saturating_add(WORK)).map_err(duck)?;
    let select = file.select(&connection, &copy.path())?;
    let columns = described(&connection, &select).map_err(duck)?;
    refuse_names(&columns)?;
    let key = key_of(&file.key, &columns);
    let (beside, key_is_unique) = match in_memory(&connection, &select, &columns, &key) {
        Ok((bytes, key_is_unique)) if bytes <= most => (None, key_is_unique),
        Err(error) if !is_out_of_memory(&error) => return Err(duck(error)),
        _ => {
            connection.execute_batch(&format!("DROP TABLE IF EXISTS {TABLE}")).map_err(duck)?;
            let beside = as_parquet(&connection, file, copy, &select, folder)?;
            view(&connection, &beside, &columns).map_err(duck)?;
            (Some(beside), has_unique_key(&connection, &columns, &key).map_err(duck)?)
        }
    };
    let rows =
        connection.query_row(&format!("SELECT count(*) FROM {TABLE}"), [], |row| row.get(0)).map_err(duck)?;
    lock(&connection, beside.as_ref()).map_err(duck)?;
    Ok(Loaded { connection, columns, rows, key, key_is_unique, beside })
}

/// Nothing is spilled: a table that does not fit is noticed.
fn open(memory: u64) -> duckdb::Result<Connection> {
    let connection = Connection::open_in_memory_with_flags(config()?)?;
    prepare(&connection)?;
    connection.execute_batch(&format!("SET memory_limit = '{memory}B'; SET temp_directory = ''"))?;
    Ok(connection)
}

fn described(connection: &Connection, select: &str) -> duckdb::Result<Vec<Column>> {
    let mut statement = connection.prepare(&format!("DESCRIBE {select}"))?;
    let column = |row: &duckdb::Row<'_>| Ok(Column { name: row.get(0)?, ty: row.get(1)? });
    statement.query_map([], column)?.collect()
}

fn refuse_names(columns: &[Column]) -> Result<(), String> {
    let taken = columns.iter().any(|column| column.name.eq_ignore_ascii_case(ORDER));
    if taken { Err(format!("it has a column {ORDER}, which is windrow's own")) } else { Ok(()) }
}

/// Makes the table and an index on its key; how many bytes they take, and whether each row has a key of its own.
fn in_memory(
    connection: &Connection,
    select: &str,
    columns: &[Column],
    key: &[usize],
) -> duckdb::Result<(u64, bool)> {
    connection.execute_batch(&format!(
        "CREATE TABLE {TABLE} AS SELECT *, row_number() OVER () - 1 AS {ORDER} FROM ({select})"
    ))?;
    if !key.is_empty() {
        connection.execute_batch(&format!("CREATE INDEX by_key ON {TABLE} ({})", names(columns, key)))?;
    }
    let key_is_unique = has_unique_key(connection, columns, key)?;
    let bytes = "SELECT sum(memory_usage_bytes)::UBIGINT FROM duckdb_memory() \
                 WHERE tag IN ('IN_MEMORY_TABLE', 'ART_INDEX')";
    Ok((connection.query_row(bytes, [], |row| row.get(0))?, key_is_unique))
}

fn has_unique_key(connection: &Connection, columns: &[Column], key: &[usize]) -> duckdb::Result<bool> {
    if key.is_empty() {
        return Ok(false);
    }
    let key = names(columns, key);
    let twins =
        format!("SELECT count(*) FROM (SELECT 1 FROM {TABLE} GROUP BY {key} HAVING count(*) > 1 LIMIT 1)");
    Ok(connection.query_row(&twins, [], |row| row.get::<_, u64>(0))? == 0)
}

fn names(columns: &[Column], places: &[usize]) -> String {
    let names = places.iter().map(|at| quoted_identifier(&columns[*at].name));
    names.collect::<Vec<_>>().join(", ")
}

fn is_out_of_memory(error: &duckdb::Error) -> bool {
    error.to_string().contains("Out of Memory Error")
}

/// The copy itself, or a CSV file as Parquet.
fn as_parquet(
    connection: &Connection,
    file: &PublishedFile,
    copy: &Copy,
    select: &str,
    folder: &Path,
) -> Result<File, String> {
    if file.format == ChunkFormat::Parquet {
        return copy.file.try_clone().map_err(|error| error.to_string());
    }
    let beside = tempfile::tempfile_in(folder).map_err(|error| error.to_string())?;
    let path = quoted_text(&path_of(&beside).to_string_lossy());
    let written =
        connection.execute_batch(&format!("COPY ({select}) TO {path} (FORMAT parquet, USE_TMP_FILE false)"));
    written.map_err(|error| message(&error))?;
    Ok(beside)
}

fn view(connection: &Connection, beside: &File, columns: &[Column]) -> duckdb::Result<()> {
    let path = quoted_text(&path_of(beside).to_string_lossy());
    let typed = columns.iter().map(|column| {
        let name = quoted_identifier(&column.name);
        format!("CAST({name} AS {}) AS {name}", column.ty)
    });
    connection.execute_batch(&format!(
        "CREATE VIEW {TABLE} AS SELECT {}, file_row_number AS {ORDER} \
         FROM read_parquet({path}, hive_partitioning = false, file_row_number = true)",
        typed.collect::<Vec<_>>().join(", ")
    ))
}

fn key_of(names: &[String], columns: &[Column]) -> Vec<usize> {
    let place = |name: &String| columns.iter().position(|column| column.name.eq_ignore_ascii_case(name));
    names.iter().map(place).collect::<Option<_>>().unwrap_or_default()
}

/// From now on no file is opened but the one that is read beside, and no setting changed.
fn lock(connection: &Connection, beside: Option<&File>) -> duckdb::Result<()> {
    if let Some(beside) = beside {
        let path = quoted_text(&path_of(beside).to_string_lossy());
        connection.execute_batch(&format!("SET allowed_paths = [{path}]"))?;
    }
    connection.execute_batch("SET enable_external_access = false; SET lock_configuration = true")
}

//! Questions as they are written, read and asked.

mod asked;
mod comparable;
mod hostile;
mod measured;
mod trouble;
mod types;
mod written;

use duckdb::{Connection, params_from_iter};

use super::{Question, TableShape};
use crate::database::duck;
use crate::serve::column::{Column, ORDER, TABLE};
use crate::serve::filter::words::quoted;

const DIGEST: &str = "0123456789abcdef0123";

/// Columns by name and DuckDB's type.
fn columns(of: &[(&str, &str)]) -> Vec<Column> {
    of.iter().map(|(name, ty)| Column { name: (*name).into(), ty: (*ty).into() }).collect()
}

fn shape(columns: &[Column]) -> TableShape<'_> {
    TableShape { columns, digest: DIGEST, max_rows: 1000 }
}

/// A database in memory, as windrow opens it.
fn duckdb() -> Connection {
    let connection = Connection::open_in_memory_with_flags(duck::config().unwrap()).unwrap();
    duck::prepare(&connection).unwrap();
    connection
}

/// The numbers of the rows that are answered, or DuckDB's words. One more than the limit is cut off.
fn row_numbers(connection: &Connection, question: &Question) -> Result<Vec<i64>, String> {
    let (rest, values) = question.sql();
    let sql = format!("SELECT {ORDER} FROM {TABLE} {rest}");
    let told = |error: duckdb::Error| format!("{sql} with {values:?}: {error}");
    let mut statement = connection.prepare(&sql).map_err(told)?;
    let found = statement.query_map(params_from_iter(&values), |row| row.get(0)).map_err(told)?;
    let mut found: Vec<i64> = found.collect::<Result<_, _>>().map_err(told)?;
    found.truncate(question.limit().unwrap_or(1000) as usize);
    Ok(found)
}

/// The values of the selected columns, as DuckDB spells them.
fn texts(connection: &Connection, columns: &[Column], question: &Question) -> Vec<Vec<Option<String>>> {
    let (rest, values) = question.sql();
    let selected =
        question.selected().iter().map(|place| format!("{}::VARCHAR", quoted(&columns[*place].name)));
    let sql = format!("SELECT {} FROM {TABLE} {rest}", selected.collect::<Vec<_>>().join(", "));
    let mut statement = connection.prepare(&sql).unwrap();
    let row = |row: &duckdb::Row<'_>| (0..question.selected().len()).map(|at| row.get(at)).collect();
    statement.query_map(params_from_iter(&values), row).unwrap().collect::<Result<_, _>>().unwrap()
}

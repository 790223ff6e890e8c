//! The answer of a query: its columns and their types, and its rows as texts.
//!
//! SQLite's columns take any value, and what is computed has no type. Ours is, the first that there is: what the table
//! declares, where the column is a table's and that says it; what a CAST says; that of all values of the column, for which the
//! query is run once more; text.

use std::borrow::Cow;

use rusqlite::types::ValueRef;
use rusqlite::{Connection, Error, Result, Row, Statement, ffi};
use tokio::sync::mpsc;

use super::cells::spelled;
use super::types::our_type;
use crate::database::Cell;
use crate::value::{Field, Type};

/// The values of a row.
pub(super) type Cells = Vec<Cell<'static>>;

/// Bytes of a batch of rows, about.
const BATCH: usize = 256 << 10;

/// Integers up to this are doubles, too.
const EXACT: u64 = 1 << f64::MANTISSA_DIGITS;

/// Has the columns of a query, and no row.
const PROBE: &str = "temp.windrow_answer";

/// What ends a statement that nobody waits for.
pub(super) fn interrupted() -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERRUPT), Some("interrupted".to_owned()))
}

fn wrong(why: String) -> Error {
    Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_ERROR), Some(why))
}

/// The columns of a query.
pub(super) fn fields(connection: &Connection, query: &str) -> Result<Vec<Field>> {
    let mut statement = one_query(connection, query)?;
    let declared = |column: &rusqlite::Column<'_>| {
        (column.name().to_owned(), column.decl_type().and_then(declared_type))
    };
    let (names, mut types): (Vec<String>, Vec<Option<Type>>) =
        statement.columns().map(|column| declared(&column)).unzip();
    if types.contains(&None) {
        // What gives rows and cannot stand within a SELECT, such as PRAGMA, has no CAST.
        let cast = cast_types(connection, query).unwrap_or_default();
        types.iter_mut().zip(cast).for_each(|(ty, cast)| *ty = ty.or(cast));
    }
    if types.contains(&None) {
        let seen = types_of_values(&mut statement)?;
        types.iter_mut().zip(seen).for_each(|(ty, seen)| *ty = ty.or(seen));
    }
    let field = |(name, ty): (String, Option<Type>)| Field { name, ty: ty.unwrap_or(Type::Text) };
    Ok(names.into_iter().zip(types).map(field).collect())
}

/// Ours for what a table declares; none where that says nothing of the values, as `NUMERIC` does.
fn declared_type(declared: &str) -> Option<Type> {
    let declared_text =
        || ["CHAR", "CLOB", "TEXT"].iter().any(|word| declared.to_ascii_uppercase().contains(word));
    match our_type(declared) {
        Type::Text if !declared_text() => None,
        ty => Some(ty),
    }
}

/// What a CAST says of each column: SQLite gives it to the columns of a table that is made of the query.
fn cast_types(connection: &Connection, query: &str) -> Result<Vec<Option<Type>>> {
    connection.execute_batch(&format!("DROP TABLE IF EXISTS {PROBE}"))?;
    connection.execute_batch(&format!("CREATE TABLE {PROBE} AS SELECT * FROM (\n{query}\n) LIMIT 0"))?;
    let probe = connection.prepare(&format!("SELECT * FROM {PROBE}"))?;
    let of = |column: &rusqlite::Column<'_>| match column.decl_type()? {
        "INT" => Some(Type::Bigint),
        "REAL" => Some(Type::Double),
        "TEXT" => Some(Type::Text),
        _ => None,
    };
    let types = probe.columns().map(|column| of(&column)).collect();
    drop(probe);
    connection.execute_batch(&format!("DROP TABLE {PROBE}"))?;
    Ok(types)
}

/// The type that all values of each column have.
fn types_of_values(statement: &mut Statement<'_>) -> Result<Vec<Option<Type>>> {
    let width = statement.column_count();
    let mut seen = vec![Seen::default(); width];
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        for (at, seen) in seen.iter_mut().enumerate() {
            seen.add(row.get_ref(at)?);
        }
    }
    Ok(seen.iter().map(Seen::ty).collect())
}

/// What values of a column are.
#[derive(Debug, Clone, Copy, Default)]
struct Seen {
    integers: bool,
    reals: bool,
    /// Integers that no double is.
    long: bool,
    others: bool,
}

impl Seen {
    fn add(&mut self, value: ValueRef<'_>) {
        match value {
            ValueRef::Null => {}
            ValueRef::Integer(value) => {
                self.integers = true;
                self.long |= value.unsigned_abs() > EXACT;
            }
            ValueRef::Real(_) => self.reals = true,
            ValueRef::Text(_) | ValueRef::Blob(_) => self.others = true,
        }
    }

    fn ty(&self) -> Option<Type> {
        match (self.integers, self.reals, self.others) {
            (true, false, false) => Some(Type::Bigint),
            (_, true, false) if !self.long => Some(Type::Double),
            _ => None,
        }
    }
}

/// Sends the rows of a query, in batches.
pub(super) fn send(connection: &Connection, query: &str, sender: &mpsc::Sender<Vec<Cells>>) -> Result<()> {
    let mut statement = one_query(connection, query)?;
    let width = statement.column_count();
    let mut rows = statement.raw_query();
    let (mut batch, mut bytes, mut number) = (Vec::new(), 0, 0);
    while let Some(row) = rows.next()? {
        number += 1;
        let cells = cells(row, width, number)?;
        bytes += size_of_val(&cells[..]) + cells.iter().flatten().map(|text| text.len()).sum::<usize>();
        batch.push(cells);
        if bytes >= BATCH {
            bytes = 0;
            sender.blocking_send(std::mem::take(&mut batch)).map_err(|_| interrupted())?;
        }
    }
    // Where nobody takes it, they have their own reason.
    let _ = sender.blocking_send(batch);
    Ok(())
}

fn cells(row: &Row<'_>, width: usize, number: u64) -> Result<Cells> {
    let cell = |at: usize| match row.get_ref(at)? {
        ValueRef::Text(bytes) if std::str::from_utf8(bytes).is_err() => {
            let name = row.as_ref().column_name(at).unwrap_or_default();
            let why = format!(
                "row {number}: column {name:?} has a text that is not UTF-8: write hex({name}) in the query"
            );
            Err(wrong(why))
        }
        value => Ok(spelled(value).map(Cow::Owned)),
    };
    (0..width).map(cell).collect()
}

/// The one statement that gives an answer, and changes nothing.
fn one_query<'c>(connection: &'c Connection, query: &str) -> Result<Statement<'c>> {
    let statement = connection.prepare(query)?;
    if statement.column_count() > 0 && statement.readonly() {
        return Ok(statement);
    }
    Err(wrong("a report is the answer of one query that only reads".to_owned()))
}

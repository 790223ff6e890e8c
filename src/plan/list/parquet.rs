//! Apache Parquet, read by DuckDB: the needed columns only, a vector of rows at a time, in the file's order.
//!
//! | the file's | ours |
//! |---|---|
//! | boolean; date; text, enum, UUID, of any width, by dictionary or not | boolean; date; text |
//! | integers of 8 and 16 bits, signed or not, and of 32 bits | integer |
//! | unsigned of 32 bits, and signed of 64 | bigint |
//! | unsigned of 64 bits | decimal(20,0) |
//! | floats of 16, 32 and 64 bits | double |
//! | decimal(p,s) where `p` ≤ 38 | decimal(p,s) |
//! | timestamps, with a zone or without; INT96 | timestamp, in UTC |
//! | lists, structs, maps; JSON | json |
//! | bytes that are UTF-8; a time of day, an interval | text |
//! | nothing but null (as pandas writes a column without values) | text |
//!
//! `types` of the job comes first. What no type of ours holds is refused: decimals of more than 38 digits, bytes that are
//! no text. Of a timestamp what is finer than a microsecond is cut off, as of any other text or value.

use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::FileExt;
use std::path::Path;

use ::duckdb::Connection;
use ::duckdb::arrow::array::{Array, AsArray as _, StructArray};
use ::duckdb::arrow::datatypes::{self as arrow, DataType, TimeUnit as Unit};

use super::{Cell, Columns, Intake, ListError, PlanError, Reader};
use crate::database::duck;
use crate::plan::spool::ScratchError;
use crate::value::{Type, Value, spelled};

const MAGIC: &[u8; 4] = b"PAR1";

/// Most digits of a decimal that is read exactly.
const DIGITS: i64 = 38;

/// A Parquet file whose footer was read.
pub(super) struct Table {
    /// The file is open as long as it is read.
    file: File,
    connection: Connection,
    sql: String,
    columns: Columns,
    /// The file's own types of the needed columns.
    found: Vec<Type>,
}

/// A copy without a name in the scratch folder: what is read is what was hashed, and pipes are as good as files.
pub(super) fn local_copy(
    mut bytes: Box<dyn Read>,
    scratch: &Path,
    reader: &Reader<'_>,
) -> Result<File, PlanError> {
    let wrong = |source| ScratchError::file(scratch, source);
    let copy = tempfile::tempfile_in(scratch).map_err(wrong)?;
    let mut buffer = vec![0; 1 << 16];
    let mut end = 0;
    loop {
        let count = match bytes.read(&mut buffer) {
            Ok(0) => return Ok(copy),
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(reader.unreadable(error).into()),
        };
        copy.write_all_at(&buffer[..count], end).map_err(wrong)?;
        end += count as u64;
    }
}

/// A column as the file's schema has it, with all that is below it.
struct Written {
    name: String,
    /// The most digits of a decimal.
    digits: i64,
    /// Whether it can hold nothing but null.
    is_null: bool,
}

impl Table {
    /// Reads the footer and finds the needed columns.
    pub fn open(file: File, reader: &Reader<'_>) -> Result<Table, ListError> {
        check_magic(&file, reader)?;
        // A file without a name is opened by its number.
        let path = format!("/dev/fd/{}", file.as_raw_fd());
        let failed = |error: ::duckdb::Error| damaged(reader, &path, &error);
        let connection = duck::config().and_then(Connection::open_in_memory_with_flags).map_err(failed)?;
        duck::prepare(&connection).map_err(failed)?;
        let written = written(&connection, &path).map_err(failed)?;
        let types = types(&connection, &path).map_err(failed)?;
        if types.len() != written.len() {
            let why = "its schema names other columns than it has".to_owned();
            return Err(ListError::Parquet { list: reader.list.to_owned(), why });
        }
        let names: Vec<String> = written.iter().map(|column| column.name.clone()).collect();
        let places = reader.wanted.names.iter().map(|name| reader.column(name, &names));
        let places: Vec<usize> = places.collect::<Result<_, _>>()?;
        let mut taken = Vec::new();
        for (place, name) in places.iter().zip(&reader.wanted.names) {
            let ty = &types[*place];
            let unfit = |hint| ListError::ColumnType {
                list: reader.list.to_owned(),
                column: name.clone(),
                found: ty.clone(),
                hint,
            };
            taken.push(of_file(&written[*place], ty, &format!("c{place}")).map_err(unfit)?);
        }
        let (found, expressions): (Vec<Type>, Vec<String>) = taken.into_iter().unzip();
        let all: Vec<String> = (0..written.len()).map(|place| format!("c{place}")).collect();
        let from = format!("FROM {} AS list ({})", of_path(&path), all.join(", "));
        let sql = format!("SELECT {} {from}", expressions.join(", "));
        let columns = reader.wanted.typed(|index| found[index]);
        Ok(Table { file, connection, sql, columns, found })
    }

    /// The columns to freeze.
    pub fn columns(&self) -> Columns {
        self.columns.clone()
    }

    /// Reads all rows.
    pub fn read(&self, reader: &Reader<'_>, intake: &mut Intake) -> Result<(), PlanError> {
        let path = format!("/dev/fd/{}", self.file.as_raw_fd());
        let failed = |error: ::duckdb::Error| damaged(reader, &path, &error);
        let mut statement = self.connection.prepare(&self.sql).map_err(failed)?;
        // Its own iterator panics where a later piece of the answer fails.
        drop(statement.stream_arrow([]).map_err(failed)?);
        let mut number = 0;
        while let Some(rows) = statement.step().map_err(failed)? {
            for row in 0..rows.len() {
                number += 1;
                intake.push(number, self.cells(&rows, row, number, reader)?)?;
            }
        }
        Ok(())
    }

    fn cells<'r>(
        &self,
        rows: &'r StructArray,
        row: usize,
        number: u64,
        reader: &Reader<'_>,
    ) -> Result<Vec<Cell<'r>>, ListError> {
        let cell = |index: usize| {
            let target = self.columns.fields[index].ty;
            cell(&rows.columns()[index], row, self.found[index], target).map_err(|why| ListError::Parquet {
                list: reader.place(number).to_string(),
                why: format!("column {:?}: {why}", self.columns.fields[index].name),
            })
        };
        (0..self.found.len()).map(cell).collect()
    }
}

/// The columns of the file, as its schema names them: DuckDB renames those that come twice.
fn written(connection: &Connection, path: &str) -> ::duckdb::Result<Vec<Written>> {
    let sql = "SELECT name, coalesce(num_children, 0), coalesce(\"precision\", 0), \
               coalesce(logical_type LIKE 'NullType%', false) FROM parquet_schema(?)";
    let mut schema = connection.prepare(sql)?;
    let rows = schema.query_map([path], |row| {
        let column = Written { name: row.get(0)?, digits: row.get(2)?, is_null: row.get(3)? };
        Ok((column, row.get::<_, i64>(1)?))
    })?;
    // In pre-order, the root first; `open` counts the children that are still to come, from the root down.
    let (mut columns, mut open): (Vec<Written>, Vec<i64>) = (Vec::new(), Vec::new());
    for row in rows {
        let (element, children) = row?;
        match columns.last_mut() {
            _ if open.is_empty() => {}
            Some(column) if open.len() > 1 => column.digits = column.digits.max(element.digits),
            _ => columns.push(element),
        }
        if let Some(left) = open.last_mut() {
            *left -= 1;
        }
        open.push(children);
        while open.len() > 1 && open.last() == Some(&0) {
            open.pop();
        }
    }
    Ok(columns)
}

/// DuckDB's types of the columns.
fn types(connection: &Connection, path: &str) -> ::duckdb::Result<Vec<String>> {
    let mut described = connection.prepare(&format!("DESCRIBE FROM {}", of_path(path)))?;
    let rows = described.query_map([], |row| row.get(1))?;
    rows.collect()
}

fn of_path(path: &str) -> String {
    format!("read_parquet('{path}', binary_as_string = true, hive_partitioning = false)")
}

/// Our type for a column, and the expression that gives its values in an Arrow type that [`cell`] knows; or what to do
/// where there is none.
fn of_file(column: &Written, found: &str, name: &str) -> Result<(Type, String), &'static str> {
    let cast = |ty: &str| format!("CAST({name} AS {ty})");
    let as_text = || cast("VARCHAR");
    if column.digits > DIGITS {
        return Err("cast it to a decimal of at most 38 digits, or to text");
    }
    let is_nested = found.ends_with(']')
        || ["STRUCT", "MAP", "UNION", "VARIANT"].iter().any(|word| found.starts_with(word));
    Ok(match found {
        _ if column.is_null => (Type::Text, as_text()),
        _ if is_nested => (Type::Json, format!("CAST(to_json({name}) AS VARCHAR)")),
        "BOOLEAN" => (Type::Boolean, name.to_owned()),
        "TINYINT" | "SMALLINT" | "INTEGER" | "UTINYINT" | "USMALLINT" => (Type::Integer, cast("INTEGER")),
        "BIGINT" | "UINTEGER" => (Type::Bigint, cast("BIGINT")),
        "UBIGINT" => (Type::Decimal { precision: 20, scale: 0 }, cast("DECIMAL(20,0)")),
        "FLOAT" | "DOUBLE" => (Type::Double, cast("DOUBLE")),
        "DATE" => (Type::Date, name.to_owned()),
        "TIMESTAMP_NS" => (Type::Timestamp, name.to_owned()),
        _ if found.starts_with("TIMESTAMP") => (Type::Timestamp, cast("TIMESTAMP")),
        "JSON" => (Type::Json, as_text()),
        "BLOB" => return Err("cast it to text"),
        _ if found.starts_with("DECIMAL") => {
            (found.to_lowercase().parse().map_err(|_| "cast it to text")?, name.to_owned())
        }
        _ => (Type::Text, as_text()),
    })
}

fn check_magic(file: &File, reader: &Reader<'_>) -> Result<(), ListError> {
    let mut ends = [0; 8];
    let read = file.metadata().and_then(|facts| {
        file.read_exact_at(&mut ends[..4], 0)?;
        file.read_exact_at(&mut ends[4..], facts.len().saturating_sub(4))
    });
    let foreign = |what: &str| ListError::Foreign {
        list: reader.list.to_owned(),
        what: what.to_owned(),
        hint: "say which format it has: format = \"csv\", \"jsonl\" or \"lines\"".to_owned(),
    };
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Err(foreign("too short for Parquet")),
        Err(error) => Err(reader.unreadable(error)),
        Ok(_) if &ends[..4] != MAGIC => Err(foreign("not a Parquet file")),
        Ok(_) if &ends[4..] != MAGIC => Err(foreign("a Parquet file that was cut off")),
        Ok(_) => Ok(()),
    }
}

/// What DuckDB says of the file, under the name that the user knows it by.
fn damaged(reader: &Reader<'_>, path: &str, error: &::duckdb::Error) -> ListError {
    let why = duck::message(error).replace(path, reader.list);
    ListError::Parquet { list: reader.list.to_owned(), why }
}

/// A value of the file as a cell of the target type, or as text where the target is another type.
fn cell(column: &dyn Array, row: usize, found: Type, target: Type) -> Result<Cell<'_>, String> {
    if column.is_null(row) {
        return Ok(Cell::Null);
    }
    if let Some(texts) = column.as_string_opt::<i32>() {
        return Ok(Cell::text(texts.value(row)));
    }
    let value = value(column, row)?;
    Ok(if found == target { Cell::Typed(value) } else { Cell::Text(spelled(&value, found).into()) })
}

fn value(column: &dyn Array, row: usize) -> Result<Value, String> {
    Ok(match column.data_type() {
        DataType::Boolean => Value::Boolean(column.as_boolean().value(row)),
        DataType::Int32 => Value::Integer(column.as_primitive::<arrow::Int32Type>().value(row)),
        DataType::Int64 => Value::Bigint(column.as_primitive::<arrow::Int64Type>().value(row)),
        DataType::Float64 => Value::Double(column.as_primitive::<arrow::Float64Type>().value(row)),
        DataType::Decimal128(..) => Value::Decimal(column.as_primitive::<arrow::Decimal128Type>().value(row)),
        DataType::Date32 => Value::Date(column.as_primitive::<arrow::Date32Type>().value(row)),
        DataType::Timestamp(Unit::Microsecond, _) => {
            Value::Timestamp(column.as_primitive::<arrow::TimestampMicrosecondType>().value(row))
        }
        DataType::Timestamp(Unit::Nanosecond, _) => {
            let moment = column.as_primitive::<arrow::TimestampNanosecondType>().value(row);
            Value::Timestamp(moment.div_euclid(1000))
        }
        other => return Err(format!("{other} cannot be carried")),
    })
}

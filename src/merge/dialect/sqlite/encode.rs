//! Rows as [`database::sqlite`](crate::database::sqlite) inserts them, from Arrow arrays as DuckDB gives them.
//!
//! Promises: what SQLite has a type for is sent as that; decimals, days and moments are sent as texts, spelled as everywhere
//! ([`value`](crate::value)); a value that SQLite cannot hold is an error that names column and row, never another value.

use bytes::BytesMut;
use duckdb::arrow::array::{Array, ArrayRef, AsArray, StructArray};
use duckdb::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};

use crate::database::sqlite::Piece;
use crate::merge::dialect::Unsendable;
use crate::value::{Type, Value, spelled};

/// Appends the rows of a batch.
pub(super) fn encode(batch: &StructArray, out: &mut BytesMut) -> Result<(), Unsendable> {
    let width = u16::try_from(batch.num_columns()).unwrap_or(u16::MAX);
    let mut piece = Piece(out);
    for row in 0..batch.len() {
        piece.row(width);
        for (column, array) in batch.columns().iter().enumerate() {
            put(array, row, &mut piece).map_err(|why| Unsendable { column, row, why })?;
        }
    }
    Ok(())
}

fn put(array: &ArrayRef, row: usize, piece: &mut Piece<'_>) -> Result<(), String> {
    if array.is_null(row) {
        piece.null();
        return Ok(());
    }
    match array.data_type() {
        DataType::Boolean => piece.integer(array.as_boolean().value(row).into()),
        DataType::Int32 => piece.integer(array.as_primitive::<Int32Type>().value(row).into()),
        DataType::Int64 => piece.integer(array.as_primitive::<Int64Type>().value(row)),
        DataType::Float64 => piece.real(real(array.as_primitive::<Float64Type>().value(row))?),
        DataType::Binary => put_blob(array.as_binary::<i32>().value(row), piece)?,
        DataType::Utf8 => put_text(text(array.as_string::<i32>().value(row))?, piece)?,
        _ => put_text(&as_text(array, row)?, piece)?,
    }
    Ok(())
}

fn put_blob(bytes: &[u8], piece: &mut Piece<'_>) -> Result<(), String> {
    if piece.blob(bytes) { Ok(()) } else { Err("a value of more than 2 GiB".to_owned()) }
}

fn put_text(text: &str, piece: &mut Piece<'_>) -> Result<(), String> {
    if piece.text(text) { Ok(()) } else { Err("a text of more than 2 GiB".to_owned()) }
}

/// A value for which SQLite has no type, spelled.
fn as_text(array: &ArrayRef, row: usize) -> Result<String, String> {
    let (value, ty) = match array.data_type() {
        DataType::Decimal128(precision, scale) => {
            let scale = u8::try_from(*scale).map_err(|_| "a decimal of a negative scale")?;
            let value = array.as_primitive::<Decimal128Type>().value(row);
            (Value::Decimal(value), Type::Decimal { precision: *precision, scale })
        }
        DataType::Date32 => (Value::Date(array.as_primitive::<Date32Type>().value(row)), Type::Date),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let value = array.as_primitive::<TimestampMicrosecondType>().value(row);
            (Value::Timestamp(value), Type::Timestamp)
        }
        other => return Err(format!("{other} is no type of a column")),
    };
    Ok(spelled(&value, ty))
}

fn real(number: f64) -> Result<f64, String> {
    if number.is_nan() { Err("NaN, which SQLite takes for null".to_owned()) } else { Ok(number) }
}

fn text(text: &str) -> Result<&str, String> {
    match memchr::memchr(0, text.as_bytes()) {
        Some(_) => Err("the character U+0000, at which SQLite's functions take a text to end".to_owned()),
        None => Ok(text),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use duckdb::arrow::array::{Float64Array, StringArray};
    use duckdb::arrow::datatypes::Field;

    use super::*;

    fn refusal(array: ArrayRef) -> (usize, String) {
        let field = Field::new("column", array.data_type().clone(), true);
        let refused = encode(&StructArray::from(vec![(Arc::new(field), array)]), &mut BytesMut::new());
        let Unsendable { row, why, .. } = refused.unwrap_err();
        (row, why)
    }

    #[test]
    fn what_sqlite_cannot_hold_is_refused() {
        let (row, why) = refusal(Arc::new(StringArray::from(vec![Some("fine"), None, Some("a\0b")])));
        assert!(row == 2 && why.contains("U+0000"), "{why}");
        let (row, why) = refusal(Arc::new(Float64Array::from(vec![1.0, f64::NAN])));
        assert!(row == 1 && why.contains("NaN"), "{why}");
    }
}

//! The values of a batch of rows, column by column, as DuckDB gives them.

use duckdb::arrow::array::{
    Array as _, ArrayRef, AsArray as _, BinaryArray, BooleanArray, Date32Array, Decimal128Array,
    Float64Array, Int32Array, Int64Array, StringArray, StructArray, TimestampMicrosecondArray,
};
use duckdb::arrow::datatypes::{
    DataType, Date32Type, Decimal128Type, Float64Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType,
};

use super::Unsendable;

/// The values of a column.
pub(super) enum Values<'a> {
    Boolean(&'a BooleanArray),
    Integer(&'a Int32Array),
    Bigint(&'a Int64Array),
    Double(&'a Float64Array),
    /// With the digits after the point.
    Decimal(&'a Decimal128Array, u8),
    /// Days since 1970.
    Date(&'a Date32Array),
    /// Microseconds since 1970.
    Timestamp(&'a TimestampMicrosecondArray),
    Blob(&'a BinaryArray),
    /// JSON, too.
    Text(&'a StringArray),
}

/// A column of a batch.
pub(super) struct ColumnValues<'a> {
    array: &'a ArrayRef,
    pub values: Values<'a>,
}

impl ColumnValues<'_> {
    pub fn is_null(&self, row: usize) -> bool {
        self.array.is_null(row)
    }
}

/// The columns of a batch.
pub(super) fn columns(batch: &StructArray) -> Result<Vec<ColumnValues<'_>>, Unsendable> {
    let column = |(at, array)| {
        let why = || format!("{} is no type of a column", ArrayRef::data_type(array));
        let values = values(array).ok_or_else(|| Unsendable { column: at, row: 0, why: why() })?;
        Ok(ColumnValues { array, values })
    };
    batch.columns().iter().enumerate().map(column).collect()
}

fn values(array: &ArrayRef) -> Option<Values<'_>> {
    Some(match array.data_type() {
        DataType::Boolean => Values::Boolean(array.as_boolean()),
        DataType::Int32 => Values::Integer(array.as_primitive::<Int32Type>()),
        DataType::Int64 => Values::Bigint(array.as_primitive::<Int64Type>()),
        DataType::Float64 => Values::Double(array.as_primitive::<Float64Type>()),
        DataType::Decimal128(_, scale) => {
            Values::Decimal(array.as_primitive::<Decimal128Type>(), u8::try_from(*scale).ok()?)
        }
        DataType::Date32 => Values::Date(array.as_primitive::<Date32Type>()),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Values::Timestamp(array.as_primitive::<TimestampMicrosecondType>())
        }
        DataType::Binary => Values::Blob(array.as_binary::<i32>()),
        DataType::Utf8 => Values::Text(array.as_string::<i32>()),
        _ => return None,
    })
}

//! Values to a polars column and back.

use polars::prelude::*;

use super::{Type, Value};

/// The polars type of a column.
fn data_type(ty: Type) -> DataType {
    match ty {
        Type::Text | Type::Json => DataType::String,
        Type::Boolean => DataType::Boolean,
        Type::Integer => DataType::Int32,
        Type::Bigint => DataType::Int64,
        Type::Double => DataType::Float64,
        Type::Decimal { precision, scale } => DataType::Decimal(precision.into(), scale.into()),
        Type::Date => DataType::Date,
        Type::Timestamp => DataType::Datetime(TimeUnit::Microseconds, None),
        Type::Blob => DataType::Binary,
    }
}

/// A column of that type; a value of another one becomes null.
///
/// # Errors
/// A decimal has more digits than its type.
pub fn column<'a>(name: &str, ty: Type, values: impl Iterator<Item = &'a Value>) -> PolarsResult<Column> {
    let name = PlSmallStr::from_str(name);
    let series = match ty {
        Type::Text | Type::Json => StringChunked::from_iter_options(name, values.map(text)).into_series(),
        Type::Boolean => BooleanChunked::from_iter_options(name, values.map(boolean)).into_series(),
        Type::Integer => Int32Chunked::from_iter_options(name, values.map(integer)).into_series(),
        Type::Bigint => Int64Chunked::from_iter_options(name, values.map(bigint)).into_series(),
        Type::Double => Float64Chunked::from_iter_options(name, values.map(double)).into_series(),
        Type::Decimal { precision, scale } => Int128Chunked::from_iter_options(name, values.map(unscaled))
            .into_decimal(precision.into(), scale.into())?
            .into_series(),
        Type::Date => Int32Chunked::from_iter_options(name, values.map(days)).into_date().into_series(),
        Type::Timestamp => Int64Chunked::from_iter_options(name, values.map(microseconds))
            .into_datetime(TimeUnit::Microseconds, None)
            .into_series(),
        Type::Blob => BinaryChunked::from_iter_options(name, values.map(bytes)).into_series(),
    };
    Ok(series.into())
}

/// The values of a column of that type.
///
/// # Errors
/// It is of another one.
pub fn values(column: &Column, ty: Type) -> PolarsResult<Vec<Value>> {
    if column.dtype() != &data_type(ty) {
        let why = format!("column {} has type {}, not {ty}", column.name(), column.dtype());
        return Err(PolarsError::SchemaMismatch(why.into()));
    }
    Ok(match ty {
        Type::Text => or_null(column.str()?.iter(), |v| Value::Text(v.to_owned())),
        Type::Json => or_null(column.str()?.iter(), |v| Value::Json(v.to_owned())),
        Type::Boolean => or_null(column.bool()?.iter(), Value::Boolean),
        Type::Integer => or_null(column.i32()?.iter(), Value::Integer),
        Type::Bigint => or_null(column.i64()?.iter(), Value::Bigint),
        Type::Double => or_null(column.f64()?.iter(), Value::Double),
        Type::Decimal { .. } => or_null(column.decimal()?.physical().iter(), Value::Decimal),
        Type::Date => or_null(column.date()?.physical().iter(), Value::Date),
        Type::Timestamp => or_null(column.datetime()?.physical().iter(), Value::Timestamp),
        Type::Blob => or_null(column.binary()?.iter(), |v| Value::Blob(v.to_owned())),
    })
}

fn or_null<T>(values: impl Iterator<Item = Option<T>>, make: impl Fn(T) -> Value) -> Vec<Value> {
    values.map(|value| value.map_or(Value::Null, &make)).collect()
}

fn text(value: &Value) -> Option<&str> {
    match value {
        Value::Text(text) | Value::Json(text) => Some(text),
        _ => None,
    }
}

fn boolean(value: &Value) -> Option<bool> {
    if let Value::Boolean(value) = value { Some(*value) } else { None }
}

fn integer(value: &Value) -> Option<i32> {
    if let Value::Integer(value) = value { Some(*value) } else { None }
}

fn bigint(value: &Value) -> Option<i64> {
    if let Value::Bigint(value) = value { Some(*value) } else { None }
}

fn double(value: &Value) -> Option<f64> {
    if let Value::Double(value) = value { Some(*value) } else { None }
}

fn unscaled(value: &Value) -> Option<i128> {
    if let Value::Decimal(value) = value { Some(*value) } else { None }
}

fn days(value: &Value) -> Option<i32> {
    if let Value::Date(value) = value { Some(*value) } else { None }
}

fn microseconds(value: &Value) -> Option<i64> {
    if let Value::Timestamp(value) = value { Some(*value) } else { None }
}

fn bytes(value: &Value) -> Option<&[u8]> {
    if let Value::Blob(value) = value { Some(value) } else { None }
}

/// A value of polars; JSON comes as text, and what is finer than a microsecond is cut off.
///
/// # Errors
/// No type of ours holds it.
pub fn from_any(value: &AnyValue<'_>) -> Result<Value, String> {
    Ok(match value {
        AnyValue::Null => Value::Null,
        AnyValue::String(text) => Value::Text((*text).to_owned()),
        AnyValue::StringOwned(text) => Value::Text(text.to_string()),
        AnyValue::Boolean(value) => Value::Boolean(*value),
        AnyValue::Int32(value) => Value::Integer(*value),
        AnyValue::Int64(value) => Value::Bigint(*value),
        AnyValue::UInt32(value) => Value::Bigint((*value).into()),
        AnyValue::Float32(value) => Value::Double((*value).into()),
        AnyValue::Float64(value) => Value::Double(*value),
        AnyValue::Decimal(digits, ..) => Value::Decimal(*digits),
        AnyValue::Date(days) => Value::Date(*days),
        AnyValue::Binary(bytes) => Value::Blob(bytes.to_vec()),
        AnyValue::BinaryOwned(bytes) => Value::Blob(bytes.clone()),
        AnyValue::Datetime(moment, unit, _) | AnyValue::DatetimeOwned(moment, unit, _) => {
            Value::Timestamp(micros(*moment, *unit)?)
        }
        other => return Err(format!("{other} has a type that cannot be carried")),
    })
}

fn micros(moment: i64, unit: TimeUnit) -> Result<i64, String> {
    match unit {
        TimeUnit::Microseconds => Ok(moment),
        TimeUnit::Milliseconds => {
            moment.checked_mul(1000).ok_or_else(|| format!("{moment} ms is out of range"))
        }
        TimeUnit::Nanoseconds => Ok(moment.div_euclid(1000)),
    }
}

//! Records as polars columns, and columns as Parquet.

use std::io::{Cursor, Write};

use bytes::Bytes;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;

use crate::record::{Field, Type, Value};

/// A column of typed values; one that is not of type `ty` becomes null.
pub(super) fn column(field: &Field, values: &[Value]) -> Column {
    macro_rules! each {
        ($kind:ident) => {
            values.iter().map(|value| match value {
                Value::$kind(value) => Some(value.clone()),
                _ => None,
            })
        };
    }
    let series = match field.ty {
        Type::Text => each!(Text).collect::<StringChunked>().into_series(),
        Type::Json => each!(Json).collect::<StringChunked>().into_series(),
        Type::Boolean => each!(Boolean).collect::<BooleanChunked>().into_series(),
        Type::Integer => each!(Integer).collect::<Int32Chunked>().into_series(),
        Type::Bigint => each!(Bigint).collect::<Int64Chunked>().into_series(),
        Type::Double => each!(Double).collect::<Float64Chunked>().into_series(),
        Type::Decimal { precision, scale } => each!(Decimal)
            .collect::<Int128Chunked>()
            .into_decimal_unchecked(precision.into(), scale.into())
            .into_series(),
        Type::Date => each!(Date).collect::<Int32Chunked>().into_date().into_series(),
        Type::Timestamp => each!(Timestamp)
            .collect::<Int64Chunked>()
            .into_datetime(TimeUnit::Microseconds, None)
            .into_series(),
    };
    series.with_name(field.name.as_str().into()).into_column()
}

/// A polars value as ours; JSON comes as text.
pub(super) fn value(value: &AnyValue<'_>) -> Result<Value, String> {
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
        TimeUnit::Nanoseconds if moment % 1000 == 0 => Ok(moment / 1000),
        TimeUnit::Nanoseconds => Err(format!("{moment} ns is finer than a microsecond")),
    }
}

/// A Parquet file in the making: one row group per frame that it is given. Without statistics, which would repeat long
/// ids in the footer; compressed with Snappy; single-threaded.
pub(super) struct Groups<W: Write> {
    sink: Option<W>,
    writer: Option<BatchedWriter<W>>,
}

impl<W: Write> Groups<W> {
    /// The first frame gives the columns.
    pub fn to(sink: W) -> Groups<W> {
        Groups { sink: Some(sink), writer: None }
    }

    /// Adds a row group.
    pub fn add(&mut self, mut frame: DataFrame) -> PolarsResult<()> {
        if let Some(sink) = self.sink.take() {
            let writer = ParquetWriter::new(sink)
                .with_compression(ParquetCompression::Snappy)
                .with_statistics(StatisticsOptions::empty())
                .set_parallel(false);
            self.writer = Some(writer.batched(frame.schema())?);
        }
        frame.rechunk_mut();
        self.writer.as_mut().map_or(Ok(()), |writer| writer.write_batch(&frame))
    }

    /// Writes the footer; a file that was given no frame stays empty.
    pub fn finish(self) -> PolarsResult<()> {
        self.writer.map_or(Ok(()), |writer| writer.finish().map(|_| ()))
    }
}

/// A whole frame as a Parquet file of one row group.
pub(super) fn to_parquet(frame: DataFrame) -> PolarsResult<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut groups = Groups::to(&mut bytes);
    groups.add(frame)?;
    groups.finish()?;
    Ok(bytes)
}

/// A Parquet file in memory; all columns, or those named.
pub(super) fn from_parquet(bytes: Bytes, columns: Option<Vec<String>>) -> PolarsResult<DataFrame> {
    ParquetReader::new(Cursor::new(bytes))
        .read_parallel(ParallelStrategy::None)
        .with_columns(columns)
        .set_rechunk(true)
        .finish()
}

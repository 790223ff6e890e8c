//! The rows of an endpoint.

use bytes::Bytes;
use polars::prelude::*;

use super::{ChunkError, parquet};
use crate::handoff::input::{ORDINAL, PART};
use crate::handoff::names::in_files;
use crate::job::ChunkFormat;
use crate::record::Ordinal;
use crate::value::{self, Field, Type, Value};

/// One row of an endpoint.
#[derive(Debug, Clone, PartialEq)]
pub struct Row<'a> {
    /// The record.
    pub ordinal: Ordinal,
    /// Its place among the rows of the record, from 0.
    pub part: u32,
    /// The record's id.
    pub id: &'a [Value],
    /// The endpoint's columns.
    pub values: &'a [Value],
}

impl Row<'_> {
    /// Bytes of the texts of its endpoint's columns.
    pub fn text_bytes(&self) -> u64 {
        self.values.iter().map(|value| value.text_bytes() as u64).sum()
    }
}

/// What the proof needs of a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowKey {
    /// The record.
    pub ordinal: Ordinal,
    /// Its place among the rows of the record, from 0.
    pub part: u32,
}

/// The file of a block's rows, which are in ascending order of ordinal and part.
pub fn encode_rows(
    id: &[Field],
    fields: &[Field],
    rows: &[Row<'_>],
    format: ChunkFormat,
) -> Result<Bytes, ChunkError> {
    let ordinals: Vec<i64> = rows.iter().map(|row| row.ordinal as i64).collect();
    let parts: Vec<i32> = rows.iter().map(|row| row.part as i32).collect();
    let mut columns = vec![Column::new(ORDINAL.into(), ordinals), Column::new(PART.into(), parts)];
    let mut names = in_files(id.iter().chain(fields)).into_iter();
    let mut column = |field: &Field, values: &mut dyn Iterator<Item = &Value>| {
        let name = names.next().unwrap_or_default();
        match (format, field.ty) {
            (ChunkFormat::Csv, Type::Blob) => {
                let texts: Vec<Value> = values.map(as_text).collect();
                value::column(&name, Type::Text, texts.iter())
            }
            (ChunkFormat::Csv | ChunkFormat::Parquet, ty) => value::column(&name, ty, values),
        }
    };
    for (at, field) in id.iter().enumerate() {
        columns.push(column(field, &mut rows.iter().map(|row| &row.id[at]))?);
    }
    for (at, field) in fields.iter().enumerate() {
        columns.push(column(field, &mut rows.iter().map(|row| &row.values[at]))?);
    }
    let mut frame = DataFrame::new(rows.len(), columns)?;
    match format {
        ChunkFormat::Parquet => parquet::write(&mut frame),
        ChunkFormat::Csv => write_csv(&mut frame),
    }
}

/// Bytes as CSV has them.
fn as_text(value: &Value) -> Value {
    match value {
        Value::Blob(bytes) => Value::Text(value::hex(bytes)),
        _ => Value::Null,
    }
}

/// RFC 4180 with a header; null is an empty field, empty text is `""`.
fn write_csv(frame: &mut DataFrame) -> Result<Bytes, ChunkError> {
    let mut bytes = Vec::new();
    CsvWriter::new(&mut bytes)
        .n_threads(1)
        .with_quote_style(QuoteStyle::Necessary)
        .with_datetime_format(Some("%Y-%m-%dT%H:%M:%S%.6f".into()))
        .finish(frame)?;
    Ok(bytes.into())
}

/// The keys of a rows file, in the order of its rows.
pub fn read_row_keys(bytes: Bytes, format: ChunkFormat) -> Result<Vec<RowKey>, ChunkError> {
    match format {
        ChunkFormat::Parquet => parquet_keys(bytes),
        ChunkFormat::Csv => csv_keys(&bytes),
    }
}

fn parquet_keys(bytes: Bytes) -> Result<Vec<RowKey>, ChunkError> {
    let frame = parquet::read(bytes, Some(&[ORDINAL, PART]), None)?;
    let ordinals = parquet::whole_numbers(&frame, ORDINAL)?;
    let gap = || ChunkError::Content(format!("column {PART} has a gap"));
    let key = |(ordinal, part): (Ordinal, Option<i32>)| {
        let part = part.and_then(|part| u32::try_from(part).ok()).ok_or_else(gap)?;
        Ok(RowKey { ordinal, part })
    };
    ordinals.into_iter().zip(frame.column(PART)?.i32()?.iter()).map(key).collect()
}

fn csv_keys(bytes: &[u8]) -> Result<Vec<RowKey>, ChunkError> {
    let bad = |why: String| ChunkError::Content(why);
    let mut reader = csv::Reader::from_reader(bytes);
    let mut keys = Vec::new();
    for line in reader.byte_records() {
        let line = line.map_err(|error| bad(error.to_string()))?;
        let number = |at: usize| std::str::from_utf8(line.get(at)?).ok()?.parse::<u64>().ok();
        let part = number(1).and_then(|part| u32::try_from(part).ok());
        let key = number(0).zip(part).map(|(ordinal, part)| RowKey { ordinal, part });
        keys.push(key.ok_or_else(|| bad(format!("line {} has no ordinal and part", keys.len() + 2)))?);
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields() -> Vec<Field> {
        let types = [
            Type::Text,
            Type::Boolean,
            Type::Integer,
            Type::Bigint,
            Type::Double,
            Type::Decimal { precision: 38, scale: 2 },
            Type::Date,
            Type::Timestamp,
            Type::Json,
            Type::Blob,
        ];
        types.into_iter().enumerate().map(|(at, ty)| Field { name: format!("c{at}"), ty }).collect()
    }

    fn values() -> Vec<Value> {
        vec![
            Value::Text("é\"\n,\0".into()),
            Value::Boolean(true),
            Value::Integer(i32::MIN),
            Value::Bigint(i64::MAX),
            Value::Double(-0.1),
            Value::Decimal(10i128.pow(38) - 1),
            Value::Date(-719_162),
            Value::Timestamp(-1),
            Value::Json("{\"a\": 1}".into()),
            Value::Blob(vec![0, 255, 10]),
        ]
    }

    #[test]
    fn parquet_gives_back_what_was_written() {
        let id = [Field { name: "id".into(), ty: Type::Text }];
        let key = [Value::Text("k".into())];
        let nulls = vec![Value::Null; values().len()];
        let values = values();
        let rows = [
            Row { ordinal: 7, part: 0, id: &key, values: &values },
            Row { ordinal: 7, part: 1, id: &key, values: &nulls },
        ];
        let bytes = encode_rows(&id, &fields(), &rows, ChunkFormat::Parquet).unwrap();
        let frame = parquet::read(bytes.clone(), None, None).unwrap();
        for (at, field) in fields().iter().enumerate() {
            let column = frame.column(&field.name).unwrap();
            let read = value::values(column, field.ty).unwrap();
            assert_eq!(read, [values[at].clone(), Value::Null], "{}", field.ty);
        }
        let keys = [RowKey { ordinal: 7, part: 0 }, RowKey { ordinal: 7, part: 1 }];
        assert_eq!(read_row_keys(bytes, ChunkFormat::Parquet).unwrap(), keys);
    }

    #[test]
    fn csv_tells_null_from_empty_text() {
        let fields = [("a", Type::Text), ("t", Type::Timestamp), ("b", Type::Blob), ("none", Type::Blob)]
            .map(|(name, ty)| Field { name: name.into(), ty });
        let moment = Value::Timestamp(1_709_251_199_123_456);
        let full = [Value::Text(String::new()), moment, Value::Blob(vec![0, 255]), Value::Blob(vec![])];
        let nulls = [Value::Null, Value::Null, Value::Null, Value::Null];
        let rows = [
            Row { ordinal: 0, part: 0, id: &[], values: &full },
            Row { ordinal: 1, part: 2, id: &[], values: &nulls },
        ];
        let bytes = encode_rows(&[], &fields, &rows, ChunkFormat::Csv).unwrap();
        let text = std::str::from_utf8(&bytes).unwrap();
        assert_eq!(text, "ordinal,part,a,t,b,none\n0,0,\"\",2024-02-29T23:59:59.123456,00ff,\"\"\n1,2,,,,\n");
        let keys = [RowKey { ordinal: 0, part: 0 }, RowKey { ordinal: 1, part: 2 }];
        assert_eq!(read_row_keys(bytes, ChunkFormat::Csv).unwrap(), keys);
        for damaged in ["ordinal,part\n0,\n", "ordinal,part\nx,0\n", "ordinal,part\n0,-1\n"] {
            assert!(read_row_keys(damaged.into(), ChunkFormat::Csv).is_err(), "{damaged}");
        }
    }

    #[test]
    fn no_rows_are_a_file_with_columns() {
        let bytes = encode_rows(&[], &fields(), &[], ChunkFormat::Parquet).unwrap();
        assert_eq!(parquet::read(bytes, None, None).unwrap().width(), fields().len() + 2);
    }
}

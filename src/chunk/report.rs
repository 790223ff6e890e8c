//! The answer of a report as a Parquet file: rows as texts, written as they come.

use std::io::Write;

use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;

use super::ChunkError;
use crate::value::{self, Field, Misfit, Type, Value};

/// Bytes of the values of a row group, about: so much is held in memory.
const GROUP: usize = if cfg!(test) { 1 << 10 } else { 16 << 20 };

/// Why a row is not written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// There is nothing to write.
    #[error("it is no query: it gives no columns")]
    NoColumns,
    /// Columns cannot be told apart.
    #[error("two columns are called {0:?}: give one of them another name, by AS")]
    Twice(String),
    /// A value that its column's type does not have.
    #[error("row {row}: column {column:?}: {misfit}")]
    Misfit {
        /// The row, from 1.
        row: u64,
        /// The column.
        column: String,
        /// Why.
        misfit: Misfit,
    },
    /// It could not be written.
    #[error(transparent)]
    File(#[from] ChunkError),
}

/// A Parquet file in the making.
pub struct ReportWriter<W: Write> {
    writer: BatchedWriter<W>,
    fields: Vec<Field>,
    /// Values that are not written yet, by column.
    columns: Vec<Vec<Value>>,
    bytes: usize,
    rows: u64,
}

impl<W: Write> ReportWriter<W> {
    /// Begins a file of these columns.
    ///
    /// # Errors
    /// Where there are none, two have one name, or nothing can be written.
    pub fn begin(sink: W, fields: Vec<Field>) -> Result<ReportWriter<W>, ReportError> {
        if fields.is_empty() {
            return Err(ReportError::NoColumns);
        }
        let twice = fields
            .iter()
            .enumerate()
            .find(|(at, field)| fields[..*at].iter().any(|one| one.name == field.name));
        if let Some((_, field)) = twice {
            return Err(ReportError::Twice(field.name.clone()));
        }
        let columns = vec![Vec::new(); fields.len()];
        let empty = frame(&fields, &columns)?;
        let writer = ParquetWriter::new(sink)
            .with_compression(ParquetCompression::Zstd(None))
            .with_statistics(StatisticsOptions::empty())
            .set_parallel(false)
            .batched(empty.schema())
            .map_err(ChunkError::from)?;
        Ok(ReportWriter { writer, fields, columns, bytes: 0, rows: 0 })
    }

    /// Adds a row: a text for each column, null as `None`.
    ///
    /// # Errors
    /// Where a text is no value of its column's type, or nothing can be written.
    pub fn add<T: AsRef<str>>(&mut self, texts: impl Iterator<Item = Option<T>>) -> Result<(), ReportError> {
        self.rows += 1;
        for ((field, column), text) in self.fields.iter().zip(&mut self.columns).zip(texts) {
            let misfit = |misfit| ReportError::Misfit { row: self.rows, column: field.name.clone(), misfit };
            let value = text.map_or(Ok(Value::Null), |text| read(text.as_ref(), field.ty)).map_err(misfit)?;
            self.bytes += size_of::<Value>() + value.text_bytes();
            column.push(value);
        }
        if self.bytes >= GROUP { self.write_group() } else { Ok(()) }
    }

    fn write_group(&mut self) -> Result<(), ReportError> {
        let frame = frame(&self.fields, &self.columns)?;
        self.columns.iter_mut().for_each(Vec::clear);
        self.bytes = 0;
        Ok(self.writer.write_batch(&frame).map_err(ChunkError::from)?)
    }

    /// Writes what is left, and the file's end.
    ///
    /// # Errors
    /// Where it cannot be written.
    pub fn finish(mut self) -> Result<(), ReportError> {
        if self.bytes > 0 {
            self.write_group()?;
        }
        self.writer.finish().map_err(ChunkError::from)?;
        Ok(())
    }
}

/// Values as columns. Timestamps say that they are UTC.
fn frame(fields: &[Field], columns: &[Vec<Value>]) -> Result<DataFrame, ChunkError> {
    let column = |(field, values): (&Field, &Vec<Value>)| {
        let column = value::column(&field.name, field.ty, values.iter())?;
        match field.ty {
            Type::Timestamp => column.cast(&DataType::Datetime(TimeUnit::Microseconds, Some(TimeZone::UTC))),
            _ => Ok(column),
        }
    };
    let height = columns.first().map_or(0, Vec::len);
    let columns: PolarsResult<Vec<Column>> = fields.iter().zip(columns).map(column).collect();
    Ok(DataFrame::new(height, columns?)?)
}

/// The value that a database's text is. JSON is text in a Parquet file.
fn read(text: &str, ty: Type) -> Result<Value, Misfit> {
    match (ty, text) {
        (Type::Text | Type::Json, _) => Ok(Value::Text(text.to_owned())),
        (Type::Double, "NaN") => Ok(Value::Double(f64::NAN)),
        (Type::Double, "Infinity" | "inf") => Ok(Value::Double(f64::INFINITY)),
        (Type::Double, "-Infinity" | "-inf") => Ok(Value::Double(f64::NEG_INFINITY)),
        _ => value::parse(text, ty),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// A disk with so much room.
    struct Disk {
        room: usize,
        written: Vec<u8>,
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let fits = bytes.len().min(self.room - self.written.len());
            if fits == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
            self.written.extend_from_slice(&bytes[..fits]);
            Ok(fits)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn fields() -> Vec<Field> {
        let field = |name: &str, ty| Field { name: name.into(), ty };
        vec![field("n", Type::Bigint), field("text", Type::Text), field("at", Type::Timestamp)]
    }

    fn written(disk: &mut Disk) -> Result<(), ReportError> {
        let mut writer = ReportWriter::begin(disk, fields())?;
        for n in 0..200 {
            let row = [n.to_string(), format!("text {n}"), "2024-05-31T10:00:00Z".to_owned()];
            writer.add(row.iter().map(Some))?;
        }
        writer.finish()
    }

    #[test]
    fn a_disk_that_is_full_anywhere_is_an_error() {
        let mut disk = Disk { room: usize::MAX, written: Vec::new() };
        written(&mut disk).unwrap();
        let all = disk.written.len();
        for room in (0..all).step_by(37).chain([all - 1]) {
            let mut disk = Disk { room, written: Vec::new() };
            assert!(matches!(written(&mut disk), Err(ReportError::File(_))), "{room} of {all}");
        }
    }

    #[test]
    fn groups_are_written_as_they_come() {
        let mut disk = Disk { room: usize::MAX, written: Vec::new() };
        written(&mut disk).unwrap();
        let frame = super::super::parquet::read(disk.written.into(), None, None).unwrap();
        assert_eq!((frame.height(), frame.column("n").unwrap().n_chunks() > 1), (200, true));
    }

    #[test]
    fn a_text_that_is_no_value_names_its_place() {
        let mut disk = Disk { room: usize::MAX, written: Vec::new() };
        let mut writer = ReportWriter::begin(&mut disk, fields()).unwrap();
        writer.add([Some("1"), None, None].into_iter()).unwrap();
        let error = writer.add([Some("1.5"), None, None].into_iter()).unwrap_err();
        assert_eq!(error.to_string(), "row 2: column \"n\": \"1.5\" is not a bigint: it has a fraction");
        let twice = [fields(), fields()].concat();
        assert!(matches!(ReportWriter::begin(&mut Vec::new(), twice), Err(ReportError::Twice(_))));
        assert!(matches!(ReportWriter::begin(&mut Vec::new(), vec![]), Err(ReportError::NoColumns)));
    }
}

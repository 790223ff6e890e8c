//! Columns of polars as Parquet.

use std::io::{Cursor, Write};

use bytes::Bytes;
use polars::io::parquet::write::BatchedWriter;
use polars::prelude::*;

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

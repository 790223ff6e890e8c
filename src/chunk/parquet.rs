//! Frames to and from Parquet bytes, on the calling thread alone.

use std::io::Cursor;

use bytes::Bytes;
use polars::prelude::*;

use super::ChunkError;

/// Writes a frame as Parquet: Snappy, which every reader knows and costs little, and no statistics.
pub(super) fn write(frame: &mut DataFrame) -> Result<Bytes, ChunkError> {
    write_compressed(frame, ParquetCompression::Snappy)
}

/// The same with Zstandard, for what is large and seldom read.
pub(super) fn write_small(frame: &mut DataFrame) -> Result<Bytes, ChunkError> {
    write_compressed(frame, ParquetCompression::Zstd(None))
}

fn write_compressed(frame: &mut DataFrame, compression: ParquetCompression) -> Result<Bytes, ChunkError> {
    let mut bytes = Vec::new();
    ParquetWriter::new(&mut bytes)
        .with_compression(compression)
        .with_statistics(StatisticsOptions::empty())
        .set_parallel(false)
        .finish(frame)?;
    Ok(bytes.into())
}

/// Reads columns of a Parquet file; of `lines` (from, count) only, where given.
pub(super) fn read(
    bytes: Bytes,
    columns: Option<&[&str]>,
    lines: Option<(usize, usize)>,
) -> Result<DataFrame, ChunkError> {
    let columns = columns.map(|names| names.iter().map(|name| (*name).to_owned()).collect());
    let frame = ParquetReader::new(Cursor::new(bytes))
        .read_parallel(ParallelStrategy::None)
        .with_columns(columns)
        .with_slice(lines)
        .finish()?;
    Ok(frame)
}

/// The names of a file's columns.
pub(super) fn column_names(bytes: Bytes) -> Result<Vec<String>, ChunkError> {
    let schema = ParquetReader::new(Cursor::new(bytes)).schema()?;
    Ok(schema.iter_names().map(|name| name.to_string()).collect())
}

/// A 64-bit column without nulls.
pub(super) fn whole_numbers(frame: &DataFrame, name: &str) -> Result<Vec<u64>, ChunkError> {
    let values = frame.column(name)?.i64()?;
    let whole = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
    values
        .iter()
        .map(|value| whole(value).ok_or_else(|| ChunkError::Content(format!("column {name} has a gap"))))
        .collect()
}

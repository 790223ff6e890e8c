//! A shard's frozen lines, block by block.

use bytes::Bytes;
use polars::prelude::*;

use super::{ChunkError, parquet};
use crate::handoff::Block;
use crate::handoff::input::{ASK, ORDINAL};
use crate::record::Ordinal;
use crate::value::{self, Field, Value};

/// One frozen line.
#[derive(Debug, Clone, PartialEq)]
pub struct InputRecord {
    /// The record.
    pub ordinal: Ordinal,
    /// Bit *i* set: endpoint *i* is planned.
    pub ask: u64,
    /// The wanted columns' values.
    pub values: Vec<Value>,
}

/// The records of one block with the columns of `fields`, in their order, named as they are in the file.
///
/// A column that the file lacks is null throughout: `<endpoint>.<column>` stands in the input of retries only.
pub fn read_records(bytes: Bytes, block: &Block, fields: &[Field]) -> Result<Vec<InputRecord>, ChunkError> {
    let there = parquet::column_names(bytes.clone())?;
    let is_there = |field: &&Field| there.contains(&field.name);
    let mut names = vec![ORDINAL, ASK];
    names.extend(fields.iter().filter(is_there).map(|field| field.name.as_str()));
    let frame = parquet::read(bytes, Some(&names), Some((block.line as usize, block.records as usize)))?;
    let mut records: Vec<InputRecord> = asks(&frame, block)?
        .into_iter()
        .map(|(ordinal, ask)| InputRecord { ordinal, ask, values: Vec::with_capacity(fields.len()) })
        .collect();
    for field in fields {
        let values = if is_there(&field) {
            value::values(frame.column(&field.name)?, field.ty)?
        } else {
            vec![Value::Null; records.len()]
        };
        for (record, value) in records.iter_mut().zip(values) {
            record.values.push(value);
        }
    }
    Ok(records)
}

/// Ordinal and planned endpoints of all records of a shard, 16 bytes each: the footer of a large shard, read for each
/// block anew, would cost more than its lines.
pub fn read_asks(bytes: Bytes) -> Result<Vec<(Ordinal, u64)>, ChunkError> {
    in_pairs(&parquet::read(bytes, Some(&[ORDINAL, ASK]), None)?)
}

/// The part of them that is a block's.
pub fn asks_of<'a>(asks: &'a [(Ordinal, u64)], block: &Block) -> Result<&'a [(Ordinal, u64)], ChunkError> {
    let first = usize::try_from(block.line).unwrap_or(usize::MAX);
    let until = usize::try_from(block.line.saturating_add(block.records)).unwrap_or(usize::MAX);
    let found = asks.get(first..until).filter(|found| found.first().is_some_and(|one| one.0 == block.first));
    found.ok_or_else(|| not_there(block))
}

fn asks(frame: &DataFrame, block: &Block) -> Result<Vec<(Ordinal, u64)>, ChunkError> {
    let found = in_pairs(frame)?;
    let is_there =
        found.len() as u64 == block.records && found.first().is_some_and(|one| one.0 == block.first);
    if is_there { Ok(found) } else { Err(not_there(block)) }
}

fn not_there(block: &Block) -> ChunkError {
    ChunkError::Content(format!("the block that starts at {} is not where the plan says", block.first))
}

fn in_pairs(frame: &DataFrame) -> Result<Vec<(Ordinal, u64)>, ChunkError> {
    let ordinals = parquet::whole_numbers(frame, ORDINAL)?;
    // Bit 63 makes the column's value negative: the bits are what counts.
    let asks = frame.column(ASK)?.i64()?.iter().map(|bits| bits.unwrap_or(0).cast_unsigned());
    Ok(ordinals.into_iter().zip(asks).collect())
}

/// A shard's frozen lines as a file, as [`plan`](crate::plan) writes it.
#[cfg(test)]
pub fn encode_records(fields: &[Field], records: &[InputRecord]) -> Result<Bytes, ChunkError> {
    let ordinals: Vec<i64> = records.iter().map(|record| record.ordinal as i64).collect();
    let asks: Vec<i64> = records.iter().map(|record| record.ask.cast_signed()).collect();
    let mut columns = vec![Column::new(ORDINAL.into(), ordinals), Column::new(ASK.into(), asks)];
    for (at, (field, name)) in fields.iter().zip(crate::handoff::names::in_files(fields)).enumerate() {
        columns.push(value::column(&name, field.ty, records.iter().map(|record| &record.values[at]))?);
    }
    parquet::write(&mut DataFrame::new(records.len(), columns)?)
}

//! A shard's frozen lines, block by block.

use bytes::Bytes;
use polars::prelude::*;

use super::{ChunkError, column, parquet};
use crate::handoff::Block;
use crate::handoff::input::{ASK, ORDINAL};
use crate::record::{Field, Ordinal, Value};

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

/// The records of one block with the columns of `fields`, in their order.
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
        let values = match is_there(&field) {
            true => column::to_values(frame.column(&field.name)?, field.ty)?,
            false => vec![Value::Null; records.len()],
        };
        for (record, value) in records.iter_mut().zip(values) {
            record.values.push(value);
        }
    }
    Ok(records)
}

/// Ordinal and planned endpoints of a block's records.
pub fn read_asks(bytes: Bytes, block: &Block) -> Result<Vec<(Ordinal, u64)>, ChunkError> {
    let lines = (block.line as usize, block.records as usize);
    asks(&parquet::read(bytes, Some(&[ORDINAL, ASK]), Some(lines))?, block)
}

fn asks(frame: &DataFrame, block: &Block) -> Result<Vec<(Ordinal, u64)>, ChunkError> {
    let ordinals = parquet::whole_numbers(frame, ORDINAL)?;
    if ordinals.len() as u64 != block.records || ordinals.first() != Some(&block.first) {
        let why = format!("the block that starts at {} is not where the plan says", block.first);
        return Err(ChunkError::Content(why));
    }
    // Bit 63 makes the column's value negative: the bits are what counts.
    let asks = frame.column(ASK)?.i64()?.iter().map(|bits| bits.unwrap_or(0).cast_unsigned());
    Ok(ordinals.into_iter().zip(asks).collect())
}

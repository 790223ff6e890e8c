//! What all rounds so far have committed, block by block.

use std::ops::Range;

use bytes::Bytes;
use polars::prelude::*;

use super::RetryError;
use crate::handoff::digest;
use crate::handoff::{ChunkFile, Commit, Content, HandoffError, Round, RunStore, Shard, layout};
use crate::plan::{PlanError, ScratchError, frames};
use crate::record::Ordinal;
use crate::value::{self, Field, Value};

/// The rounds of a run, all of them committed.
pub(super) struct History<'a> {
    pub run: &'a RunStore,
    pub rounds: &'a [Round],
}

/// A committed block of some round.
pub(super) struct Done {
    pub round: usize,
    pub commit: Commit,
}

impl<'a> History<'a> {
    /// An error names the first shard that has blocks without a commit.
    pub async fn of(run: &'a RunStore, rounds: &'a [Round]) -> Result<History<'a>, PlanError> {
        for shard in rounds.iter().flat_map(|round| &round.shards) {
            let committed = run.committed_blocks(shard.number).await?;
            let open = shard.blocks.iter().filter(|block| !committed.contains(&block.first)).count();
            if open > 0 {
                return Err(
                    RetryError::Unfinished { shard: shard.number, open, blocks: shard.blocks.len() }.into()
                );
            }
        }
        Ok(History { run, rounds })
    }

    /// The same of a run that is not finished.
    pub fn unproven(run: &'a RunStore, rounds: &'a [Round]) -> History<'a> {
        History { run, rounds }
    }

    /// A value that a committed row of an endpoint has in this column, and that counts.
    pub async fn find_value(
        &self,
        endpoint: &str,
        field: &Field,
        counts: impl Fn(&Value) -> bool,
    ) -> Result<Option<Value>, PlanError> {
        let content = Content::Rows(endpoint.to_owned());
        let shards = self.rounds.iter().enumerate().flat_map(|(at, round)| {
            let of_round = move |shard| (at, shard);
            round.shards.iter().map(of_round)
        });
        for (round, shard) in shards {
            for commit in self.run.commits(shard.number).await?.into_values() {
                let rows = self.chunk(&Done { round, commit }, &content, &[&field.name]).await?;
                let Some(rows) = rows else { continue };
                let column = rows.column(&field.name)?;
                for row in 0..rows.height() {
                    let value = typed(&column.get(row)?, field)?;
                    if value != Value::Null && counts(&value) {
                        return Ok(Some(value));
                    }
                }
            }
        }
        Ok(None)
    }

    /// The blocks of all rounds that may hold records of this range, earlier rounds first.
    pub async fn blocks(&self, range: &Range<Ordinal>) -> Result<Vec<Done>, HandoffError> {
        let mut blocks = Vec::new();
        for (round, shards) in self.rounds.iter().map(|round| &round.shards).enumerate() {
            for (index, shard) in shards.iter().enumerate() {
                let end = shards.get(index + 1).and_then(first).unwrap_or(Ordinal::MAX);
                let apart = end <= range.start || first(shard).is_none_or(|first| first >= range.end);
                if !apart {
                    let commits = self.run.commits(shard.number).await?;
                    let within = overlapping(shard, end, range, commits);
                    blocks.extend(within.map(|commit| Done { round, commit }));
                }
            }
        }
        Ok(blocks)
    }

    /// A shard's frozen lines, their digest checked.
    pub async fn input(&self, shard: &Shard) -> Result<DataFrame, PlanError> {
        let bytes = self.checked(shard.number, layout::INPUT, &shard.input_sha256).await?;
        frames::from_parquet(bytes, None).map_err(|error| damaged(shard.number, layout::INPUT, &error).into())
    }

    /// Columns of a chunk; none where the block has no such chunk.
    pub async fn chunk(
        &self,
        done: &Done,
        content: &Content,
        columns: &[&str],
    ) -> Result<Option<DataFrame>, PlanError> {
        let Commit { shard, files, .. } = &done.commit;
        let Some(ChunkFile { name, sha256, .. }) = files.iter().find(|file| file.content == *content) else {
            return Ok(None);
        };
        let bytes = self.checked(*shard, name, sha256).await?;
        let frame = if name.ends_with(".csv") {
            from_csv(bytes)
        } else {
            frames::from_parquet(bytes, names(columns))
        };
        let selected = frame.and_then(|frame| frame.select(columns.iter().copied()));
        Ok(Some(selected.map_err(|error| damaged(*shard, name, &error))?))
    }

    async fn checked(&self, shard: u32, name: &str, sha256: &str) -> Result<Bytes, HandoffError> {
        let bytes = self.run.read_shard_file(shard, name).await?;
        if digest::sha256(&bytes) == sha256 {
            Ok(bytes)
        } else {
            Err(damaged(shard, name, &"its digest does not match"))
        }
    }
}

/// The commits of a shard's blocks that may hold records of the range; `end` bounds the last block.
fn overlapping<'s>(
    shard: &'s Shard,
    end: Ordinal,
    range: &'s Range<Ordinal>,
    mut commits: std::collections::BTreeMap<Ordinal, Commit>,
) -> impl Iterator<Item = Commit> + 's {
    let ends = shard.blocks.iter().skip(1).map(|block| block.first).chain([end]);
    let blocks = shard.blocks.iter().zip(ends);
    blocks
        .filter(|(block, end)| block.first < range.end && *end > range.start)
        .filter_map(move |(block, _)| commits.remove(&block.first))
}

/// A value of a chunk: typed in Parquet, text in CSV.
pub(super) fn typed(found: &AnyValue<'_>, field: &Field) -> Result<Value, ScratchError> {
    let misfit = |why: String| PolarsError::ComputeError(format!("{}: {why}", field.name).into());
    match found.get_str() {
        Some(text) => value::parse(text, field.ty).map_err(|error| misfit(error.to_string()).into()),
        None => value::from_any(found).map_err(|why| misfit(why).into()),
    }
}

fn first(shard: &Shard) -> Option<Ordinal> {
    shard.blocks.first().map(|block| block.first)
}

fn names(columns: &[&str]) -> Option<Vec<String>> {
    Some(columns.iter().map(|name| (*name).to_owned()).collect())
}

/// A CSV chunk, every column text; an unquoted empty field is null. Polars leaves quotes in the header's names doubled.
fn from_csv(bytes: Bytes) -> PolarsResult<DataFrame> {
    let header = csv::Reader::from_reader(&bytes[..]).headers().cloned();
    let header = header.map_err(|error| PolarsError::ComputeError(error.to_string().into()))?;
    let mut frame = CsvReadOptions::default()
        .with_has_header(true)
        .with_infer_schema_length(Some(0))
        .into_reader_with_file_handle(std::io::Cursor::new(bytes))
        .finish()?;
    frame.set_column_names(&header.iter().collect::<Vec<_>>())?;
    Ok(frame)
}

fn damaged(shard: u32, name: &str, why: &impl ToString) -> HandoffError {
    HandoffError::Damaged { path: layout::in_shard(shard, name).to_string(), why: why.to_string() }
}

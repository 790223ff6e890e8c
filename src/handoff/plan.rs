//! What a plan fixes for the whole run: [`Plan`], its [`Round`]s, their [`Shard`]s and [`Block`]s; the
//! [`Outcome`] that ends it, and what stands before the end: [`Publishing`].

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::refused::RefusedRow;
use crate::job::{ChunkFormat, OnFailure};
use crate::record::Ordinal;
use crate::value::Field;

/// Characters of a database and its query that people are shown.
const SOURCE_SHOWN: usize = 120;

/// `plan.json`: what holds for all rounds of a run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of this format.
    pub version: u32,
    /// The run's id: `20261123T071500-4f2a9c81d3f60`, UTC and random; also the name of its folder.
    pub run: String,
    /// The job's name.
    pub job: String,
    /// The job file that the run was planned from, absolute; limits, gate and table are read anew from it.
    pub job_path: PathBuf,
    /// SHA-256 of the run's own copy of it, in hexadecimal.
    pub job_sha256: String,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// The windrow that planned it.
    pub windrow: String,
    /// What the list was: a path, `stdin`, `ids`, or a database and the whole query.
    pub source: String,
    /// SHA-256 of the list's bytes, in hexadecimal; of a query's answer one of the rows, whatever their order.
    pub input_sha256: String,
    /// SHA-256 of what the job says about input and endpoints: a run is resumed only where it is unchanged.
    pub questions_sha256: String,
    /// Records of the run.
    pub records: u64,
    /// Later lines of an id that came twice, left out (`on_duplicate = "first"`).
    pub left_out: u64,
    /// The frozen input columns, the id first, in the order of `input.parquet` (after `ordinal` and `ask`).
    pub columns: Vec<Field>,
    /// How many of `columns`, from the first, are the id.
    pub id_columns: usize,
    /// The endpoints in the order of the job; bit *i* of `ask` stands for endpoint *i*.
    pub endpoints: Vec<PlannedEndpoint>,
    /// Format of the rows' chunk files.
    pub chunks: ChunkFormat,
    /// A trial of a few records (`--sample`, `--ids`): never the newest run, published into the run's folder.
    pub trial: bool,
    /// The run, beside this one, whose kept answers stand for requests in round 0 (`windrow extract`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extracted_from: Option<String>,
    /// Whether its records are jobs of a queue, which come back when their lease ends: its files need not outlive a power cut,
    /// and are not synced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub leased: bool,
}

/// An endpoint as planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlannedEndpoint {
    /// Its name.
    pub name: String,
    /// The columns that its answers give.
    pub columns: Vec<Field>,
    /// What its failure does to a record's row, as planned; merge reads the job file anew.
    pub on_failure: OnFailure,
    /// Whether an answer may give several rows, or none: at most one endpoint's do.
    #[serde(default)]
    pub explodes: bool,
    /// Whether several records share a request.
    #[serde(default)]
    pub batched: bool,
}

/// `round-NNN.json`: the shards of one round.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Round {
    /// Version of this format.
    pub version: u32,
    /// 0 asks everything; *k* asks what *k*-1 left failed or waiting.
    pub number: u32,
    /// Microseconds since 1970, UTC.
    pub created_at: i64,
    /// In ascending order of number; their records are disjoint and in ascending order of ordinal.
    pub shards: Vec<Shard>,
    /// Whether nobody is asked in it: answers that the rounds before kept stand for requests (`windrow extract`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub from_kept: bool,
}

/// `job-001.json`: the job file as a command took it up that went on with the run, where it makes columns otherwise than
/// the one before, and every record that had succeeded keeps its values. The highest number counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Amendment {
    /// Version of this format.
    pub version: u32,
    /// From 1.
    pub number: u32,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// Rounds that the run had by then.
    pub rounds: u32,
    /// The job file.
    pub job: String,
}

/// A slice of a round's records, worked by one child process.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Shard {
    /// Unique in the run, from 0, through all rounds.
    pub number: u32,
    /// SHA-256 of its `input.parquet`, in hexadecimal.
    pub input_sha256: String,
    /// Planned (record, endpoint) pairs.
    pub pairs: u64,
    /// In ascending order; they cover the shard's lines without gap.
    pub blocks: Vec<Block>,
}

/// Consecutive lines of a shard's frozen input: the unit of commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Block {
    /// Ordinal of its first record; names the block.
    pub first: Ordinal,
    /// Its first line in `input.parquet`, from 0 (a row group starts there).
    pub line: u64,
    /// Its lines.
    pub records: u64,
}

impl Plan {
    /// The source for people: a path as it is, of a query one line, and not all of a long one.
    pub fn source_in_short(&self) -> String {
        if Path::new(&self.source).is_absolute() {
            return self.source.clone();
        }
        let line = self.source.split_whitespace().collect::<Vec<_>>().join(" ");
        match line.char_indices().nth(SOURCE_SHOWN) {
            Some((end, _)) => format!("{}…", line[..end].trim_end()),
            None => line,
        }
    }
}

impl Shard {
    /// Lines of the shard.
    pub fn records(&self) -> u64 {
        self.blocks.iter().map(|block| block.records).sum()
    }
}

/// What a file is known by: who changes it changes one of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileMark {
    /// Its size.
    pub bytes: u64,
    /// When it was last written: nanoseconds since 1970, UTC.
    pub modified: i64,
}

/// `publishing.json`: written before a publication into the job's own destination begins, removed as the last act of the
/// command, when it has said what came of it. Where it stands and no process holds the run, that command died: the
/// destination may have the rows, and nobody was told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Publishing {
    /// Version of this format.
    pub version: u32,
    /// Microseconds since 1970, UTC; the `at` of the [`Outcome`] that this publication leaves.
    pub at: i64,
    /// The path of the job file that it is published with, absolute.
    pub job_path: PathBuf,
    /// That file as written then: it names destination, table and reports.
    pub job: String,
}

/// `merged.json`: how the run ended. Replaced when a retry's results are published.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Outcome {
    /// Version of this format.
    pub version: u32,
    /// Whether the rows were published; otherwise the gate refused.
    pub published: bool,
    /// Where to, as the job names it.
    pub to: String,
    /// The table.
    pub table: String,
    /// Rounds that are in it.
    pub rounds: u32,
    /// SHA-256 over the commits that it was made from.
    pub digest: String,
    /// Rows written.
    pub rows: u64,
    /// Records that are not in it since the table refuses them, in the order of the list.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejected: Vec<RefusedRow>,
    /// What the gate said, where it refused: a line for each condition that is not met.
    pub refused: Option<String>,
    /// The file as it was published, where it does not say itself what it was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<FileMark>,
    /// Microseconds since 1970, UTC.
    pub at: i64,
}

//! Which committed files a run consists of: the lists that the proof fills and that SQL reads.

use std::collections::BTreeMap;
use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::MergeError;
use super::covered::{BlockSet, Covered};
use crate::handoff::{Block, Commit, Content, Plan, Round, RunStore, digest, layout};
use crate::record::Ordinal;

/// The committed files of a run.
#[derive(Debug, Clone)]
pub(super) struct RunFiles {
    pub plan: Plan,
    /// Rounds of the run.
    pub rounds: u32,
    /// The frozen lines of round 0, by ordinal.
    pub inputs: Vec<InputFile>,
    /// By round, then ordinal.
    pub blocks: Vec<BlockFiles>,
    /// Whether every block of the plan is among them.
    pub complete: bool,
}

/// The frozen lines of a shard.
#[derive(Debug, Clone)]
pub(super) struct InputFile {
    pub stretch: Stretch,
    pub path: PathBuf,
}

/// The chunks of a committed block.
#[derive(Debug, Clone)]
pub(super) struct BlockFiles {
    pub round: u32,
    pub shard: u32,
    /// Its place among the blocks of its shard, from 0.
    pub place: u32,
    /// What a digest says of its commit.
    pub commit: String,
    pub stretch: Stretch,
    pub requests: Option<PathBuf>,
    /// Kept answers, where there are any.
    pub answers: Option<PathBuf>,
    /// By endpoint of the plan; an endpoint without rows may have no file.
    pub rows: Vec<Option<PathBuf>>,
    /// Size of the largest of them.
    pub largest: u64,
    /// Records, and the size of the files of rows.
    pub records: u64,
    pub bytes_of_rows: u64,
    /// Bytes of the texts of a row, of all endpoints, on average.
    pub text_of_row: u64,
}

/// Bytes from which on a merge takes care of memory: of a record's files, which are compressed, and of a row's texts, which
/// are not. With less there are many thousands of rows before it matters, and small statements and row groups cost more.
const WIDE: u64 = 4096;

/// Bytes of texts in one row group where values are large. Tests have few.
const GROUP: u64 = if cfg!(test) { 1 << 20 } else { 64 << 20 };

/// Rows of DuckDB's vectors: row groups are multiples of it, 60 unless said.
const VECTOR: u64 = 2048;

impl BlockFiles {
    /// Whether its values are large.
    pub fn is_wide(&self) -> bool {
        self.bytes_of_rows > WIDE * self.records
    }

    /// Whether it is covered.
    pub fn is_in(&self, covered: &Covered) -> bool {
        covered.covers(self.round, self.shard, self.place)
    }
}

/// A half-open range of ordinals that holds all records of a block or shard (and none of its neighbours).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch {
    pub first: Ordinal,
    pub until: Ordinal,
}

/// The end of the last stretch: the largest ordinal that a signed column holds.
const END: Ordinal = i64::MAX as u64;

impl Stretch {
    /// Everything.
    pub fn whole() -> Stretch {
        Stretch { first: 0, until: END }
    }

    pub fn overlaps(&self, other: &Stretch) -> bool {
        self.first < other.until && other.first < self.until
    }

    /// The range that spans both.
    pub fn joined(&self, other: &Stretch) -> Stretch {
        Stretch { first: self.first.min(other.first), until: self.until.max(other.until) }
    }
}

/// A block as the plan has it, with its place among its round's blocks.
#[derive(Debug, Clone, Copy)]
pub(super) struct Planned {
    pub round: u32,
    pub shard: u32,
    pub block: Block,
    /// Its place among the blocks of its shard, from 0.
    pub place: u32,
    pub stretch: Stretch,
}

/// The blocks of a round in order, each with its stretch.
pub(super) fn planned_blocks(round: &Round) -> Vec<Planned> {
    let mut planned: Vec<Planned> = Vec::new();
    for shard in &round.shards {
        for (place, block) in (0..).zip(&shard.blocks) {
            let stretch = Stretch { first: block.first, until: END };
            if let Some(before) = planned.last_mut() {
                before.stretch.until = block.first;
            }
            let (round, shard) = (round.number, shard.number);
            planned.push(Planned { round, shard, block: *block, place, stretch });
        }
    }
    planned
}

impl RunFiles {
    /// No blocks yet.
    pub fn new(run: &RunStore, plan: Plan, rounds: &[Round]) -> RunFiles {
        let inputs = rounds.first().map(|round| inputs(run, round)).unwrap_or_default();
        RunFiles { plan, rounds: rounds.len() as u32, inputs, blocks: Vec::new(), complete: true }
    }

    /// What is committed by now, unproven.
    pub async fn committed(run: &RunStore) -> Result<RunFiles, MergeError> {
        let rounds = run.rounds().await?;
        let mut files = RunFiles::new(run, run.plan().await?, &rounds);
        for round in &rounds {
            let mut commits = BTreeMap::new();
            for shard in &round.shards {
                commits.insert(shard.number, run.commits(shard.number).await?);
            }
            for planned in planned_blocks(round) {
                match commits.get(&planned.shard).and_then(|shard| shard.get(&planned.block.first)) {
                    Some(commit) => files.add(run, &planned, commit),
                    None => files.complete = false,
                }
            }
        }
        Ok(files)
    }

    /// Adds a committed block.
    pub fn add(&mut self, run: &RunStore, planned: &Planned, commit: &Commit) {
        let path = |name: &str| run.local_path(planned.shard, name);
        let mut block = BlockFiles {
            round: planned.round,
            shard: planned.shard,
            place: planned.place,
            commit: in_digest(planned.round, commit),
            stretch: planned.stretch,
            requests: None,
            answers: None,
            rows: vec![None; self.plan.endpoints.len()],
            largest: commit.files.iter().map(|file| file.bytes).max().unwrap_or(0),
            records: commit.records,
            bytes_of_rows: 0,
            text_of_row: 0,
        };
        for file in &commit.files {
            match &file.content {
                Content::Requests => block.requests = Some(path(&file.name)),
                Content::Answers => block.answers = Some(path(&file.name)),
                Content::Rows(name) => {
                    if let Some(at) = self.plan.endpoints.iter().position(|e| &e.name == name) {
                        block.rows[at] = Some(path(&file.name));
                        block.bytes_of_rows += file.bytes;
                        block.text_of_row += file.text_bytes / file.rows.max(1);
                    }
                }
            }
        }
        self.blocks.push(block);
    }

    /// Whether any block's values are large.
    pub fn are_wide(&self) -> bool {
        self.blocks.iter().any(BlockFiles::is_wide)
    }

    /// Rows that a row group of DuckDB's may have, which it holds in memory as long as it is open; `None` where values are
    /// not large, and its own number serves.
    pub fn row_group(&self) -> Option<u64> {
        let widest = self.blocks.iter().map(|block| block.text_of_row).max().filter(|bytes| *bytes > WIDE)?;
        Some((GROUP / widest / VECTOR * VECTOR).clamp(VECTOR, 60 * VECTOR))
    }

    /// All blocks.
    pub fn block_set(&self) -> BlockSet {
        BlockSet::of(self.blocks.iter().map(|block| (block.shard, block.place)))
    }

    /// SHA-256 over the commits of the blocks that are covered, in hexadecimal.
    pub fn digest(&self, covered: &Covered) -> String {
        let mut sha256 = Sha256::new();
        sha256.update(format!("windrow commits 1\n{}\n", self.plan.run));
        for block in self.blocks.iter().filter(|block| block.is_in(covered)) {
            sha256.update(&block.commit);
        }
        digest::hex(sha256)
    }
}

/// A commit as digests have it: its place, and the digests of its files.
fn in_digest(round: u32, commit: &Commit) -> String {
    let files = commit.files.iter().map(|file| format!("{} {}\n", file.name, file.sha256));
    format!("{round} {} {}\n{}", commit.shard, commit.first, files.collect::<String>())
}

fn inputs(run: &RunStore, round: &Round) -> Vec<InputFile> {
    let mut files: Vec<InputFile> = Vec::new();
    for planned in planned_blocks(round) {
        let path = run.local_path(planned.shard, layout::INPUT);
        match files.last_mut().filter(|file| file.path == path) {
            Some(file) => file.stretch = file.stretch.joined(&planned.stretch),
            None => files.push(InputFile { stretch: planned.stretch, path }),
        }
    }
    files
}

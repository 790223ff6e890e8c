//! One block's commit: the file that makes its chunks count.
//!
//! | step | killed before it leaves | killed after it leaves | the rerun |
//! |---|---|---|---|
//! | 1. put the rows' chunks, synced | nothing | chunks that no commit names | asks the block again |
//! | 2. put the requests chunk, synced | rows' chunks that no commit names | all chunks, no commit | asks the block again |
//! | 3. create the commit, only if absent, synced | all chunks, no commit | the block done | skips it |
//! | 4. read the commit back | the block done | the block done | skips it |
//!
//! Two living writers of one block are rare (the shard's [`lock`](super::lock) keeps them apart, unless they run on two
//! machines that share the folder and no locks) and harmless. Chunks carry their writer's attempt in the name, so two
//! writers never touch one file. After a create that did not return success the writer reads the commit back: its own
//! attempt: won; another's: it removes its own chunks and goes on; absent or unreadable: it tries again, then gives up,
//! and removes nothing.
//!
//! What no commit names is [swept](super::RunStore::sweep) when every block of the shard is committed, and not before: the
//! chunks of a writer that lives, on a machine that shares no locks with this one, look the same until its commit.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::record::{Kind, Ordinal, Status};

/// `<first>.json`: the contents of one committed block.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Commit {
    /// Version of this format.
    pub version: u32,
    /// The run.
    pub run: String,
    /// The shard.
    pub shard: u32,
    /// Ordinal of the block's first record.
    pub first: Ordinal,
    /// Lines of the block.
    pub records: u64,
    /// The writer: unique per process that works on a shard.
    pub attempt: String,
    /// The chunk files; exactly one of [`Content::Requests`], at most one of rows per endpoint and of kept answers.
    pub files: Vec<ChunkFile>,
    /// What became of the pairs, by endpoint name.
    pub tally: BTreeMap<String, Tally>,
    /// Microseconds since 1970, UTC.
    pub at: i64,
    /// Hosts that had answered the writer by then, such as `https://api.example.com`: two at the most, so that there is
    /// another one whichever of them is down later.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub answered_by: Vec<String>,
}

/// A chunk as its commit names it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ChunkFile {
    /// What it holds.
    pub content: Content,
    /// Its name within the shard's folder.
    pub name: String,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Bytes of the texts in its rows, each counted as often as it is there: the file itself may have one of them once.
    pub text_bytes: u64,
    /// SHA-256 of its bytes, in hexadecimal.
    pub sha256: String,
}

/// What a chunk holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// One line for every planned pair of the block, by ordinal, then endpoint.
    Requests,
    /// The rows of an endpoint, by ordinal and part.
    Rows(String),
    /// Answers that are kept, by ordinal, endpoint and page.
    Answers,
}

/// What became of the pairs of one endpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tally {
    /// Pairs by how they ended.
    pub statuses: BTreeMap<Status, u64>,
    /// Pairs without success by kind.
    pub kinds: BTreeMap<Kind, u64>,
    /// HTTP requests sent.
    pub requests: u64,
    /// Bytes of the answers' bodies, as they came over the wire.
    pub bytes: u64,
}

impl Tally {
    /// Pairs that ended so.
    pub fn count(&self, status: Status) -> u64 {
        self.statuses.get(&status).copied().unwrap_or(0)
    }

    /// Adds another's counts to these.
    pub fn add(&mut self, other: &Tally) {
        for (status, count) in &other.statuses {
            *self.statuses.entry(*status).or_default() += count;
        }
        for (kind, count) in &other.kinds {
            *self.kinds.entry(*kind).or_default() += count;
        }
        self.requests += other.requests;
        self.bytes += other.bytes;
    }
}

/// What [`RunStore::commit`](super::RunStore::commit) found.
#[derive(Debug, Clone, PartialEq)]
pub enum Committed {
    /// This writer's commit stands.
    Won,
    /// Another writer's commit stood already; this writer's chunks are removed.
    Lost(Box<Commit>),
}

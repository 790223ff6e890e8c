//! One block against its plan and its commit: pure computation on bytes in memory.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::ends::End;
use crate::chunk::{self, LedgerKey, RowKey};
use crate::handoff::digest;
use crate::handoff::{ChunkFile, Commit, Content, Plan, layout};
use crate::merge::MergeError;
use crate::merge::files::Planned;
use crate::record::{Ordinal, Status};

/// A block with everything that was written for it.
pub(super) struct Evidence {
    pub plan: Arc<Plan>,
    pub planned: Planned,
    /// Whether a round came after this one.
    pub superseded: bool,
    /// Ordinal and planned endpoints of the shard's frozen lines, whose digest is already checked.
    pub asks: Arc<Vec<(Ordinal, u64)>>,
    pub commit: Commit,
    /// The chunks in the order of `commit.files`.
    pub chunks: Vec<Bytes>,
}

/// How a pair of the block ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct PairEnd {
    pub ordinal: Ordinal,
    pub endpoint: usize,
    pub end: End,
    pub rows: u32,
}

impl Evidence {
    /// Checks all that can be checked without the other blocks; the pairs in the ledger's order.
    pub fn check(&self) -> Result<Vec<PairEnd>, MergeError> {
        for (file, bytes) in self.commit.files.iter().zip(&self.chunks) {
            self.check_digest(file, bytes)?;
        }
        let planned = self.planned_pairs()?;
        let (requests, lines) = self.ledger()?;
        self.check_ledger(requests, &planned, &lines)?;
        for endpoint in 0..self.plan.endpoints.len() {
            self.check_rows(endpoint, &planned, &lines)?;
        }
        let end = |((ordinal, endpoint), line): (&(Ordinal, usize), &LedgerKey)| PairEnd {
            ordinal: *ordinal,
            endpoint: *endpoint,
            end: End::of(line.status, line.has_kind),
            rows: line.rows,
        };
        let ends: Vec<PairEnd> = planned.iter().zip(&lines).map(end).collect();
        self.check_tally(&ends)?;
        Ok(ends)
    }

    /// The commit speaks of this block, and names its files as the layout does, each content once.
    ///
    /// Comes before the chunks are read: a commit must not lead anywhere else.
    pub fn check_commit(&self) -> Result<(), MergeError> {
        let Planned { shard, block, .. } = self.planned;
        let commit = &self.commit;
        let says = (commit.run.as_str(), commit.shard, commit.first, commit.records);
        if says != (self.plan.run.as_str(), shard, block.first, block.records) {
            let (run, shard, first, records) = says;
            return Err(self.bad_commit(format!(
                "it is the commit of {records} records from {first} of shard {shard} of run {run}"
            )));
        }
        let mut seen = BTreeMap::new();
        for file in &commit.files {
            let name = layout::chunk(block.first, &commit.attempt, &file.content, self.plan.chunks);
            if file.name != name || !self.is_known(&file.content) {
                return Err(self.bad_commit(format!("it names {:?}, which is not of this block", file.name)));
            }
            if seen.insert(&file.content, file).is_some() {
                return Err(self.bad_commit(format!("it names {:?} twice", file.name)));
            }
        }
        Ok(())
    }

    fn is_known(&self, content: &Content) -> bool {
        match content {
            Content::Requests | Content::Answers => true,
            Content::Rows(name) => self.plan.endpoints.iter().any(|endpoint| &endpoint.name == name),
        }
    }

    fn check_digest(&self, file: &ChunkFile, bytes: &Bytes) -> Result<(), MergeError> {
        if bytes.len() as u64 != file.bytes {
            let why = format!("it has {} bytes, its commit says {}", bytes.len(), file.bytes);
            return Err(self.bad(&file.name, why));
        }
        if digest::sha256(bytes) != file.sha256 {
            return Err(self.bad(&file.name, "its SHA-256 is not the one in its commit".into()));
        }
        Ok(())
    }

    /// The pairs that the plan asks for, by ordinal, then endpoint.
    fn planned_pairs(&self) -> Result<Vec<(Ordinal, usize)>, MergeError> {
        let asks = chunk::asks_of(&self.asks, &self.planned.block)
            .map_err(|error| self.bad(layout::INPUT, error.to_string()))?;
        let endpoints = self.plan.endpoints.len();
        let all = u64::MAX >> (64 - endpoints.clamp(1, 64));
        let mut pairs = Vec::with_capacity(asks.len() * endpoints);
        for &(ordinal, ask) in asks {
            if ask & !all != 0 || (self.planned.round == 0 && ask != all) {
                let why = format!("record {ordinal} plans endpoints {ask:#b} of {all:#b}");
                return Err(self.bad(layout::INPUT, why));
            }
            pairs.extend((0..endpoints).filter(|at| ask >> at & 1 == 1).map(|at| (ordinal, at)));
        }
        Ok(pairs)
    }

    fn ledger(&self) -> Result<(&ChunkFile, Vec<LedgerKey>), MergeError> {
        let (file, bytes) = self
            .chunk(&Content::Requests)
            .ok_or_else(|| self.bad_commit("it names no requests file".into()))?;
        let lines = chunk::read_ledger_keys(bytes).map_err(|e| self.bad(&file.name, e.to_string()))?;
        self.check_count(file, lines.len())?;
        Ok((file, lines))
    }

    /// Exactly one line for every planned pair, in order.
    fn check_ledger(
        &self,
        file: &ChunkFile,
        planned: &[(Ordinal, usize)],
        lines: &[LedgerKey],
    ) -> Result<(), MergeError> {
        for (at, (ordinal, endpoint)) in planned.iter().enumerate() {
            let name = &self.plan.endpoints[*endpoint].name;
            let Some(line) = lines.get(at) else {
                return Err(self.bad(&file.name, format!("it ends before record {ordinal} at {name}")));
            };
            if (line.ordinal, &line.endpoint) != (*ordinal, name) {
                let why = format!(
                    "line {} is of record {} at {}, the plan has record {ordinal} at {name} there",
                    at + 1,
                    line.ordinal,
                    line.endpoint
                );
                return Err(self.bad(&file.name, why));
            }
            if !self.may_have_rows(*endpoint, line) {
                let why = format!("record {ordinal} at {name} is {} with {} rows", line.status, line.rows);
                return Err(self.bad(&file.name, why));
            }
        }
        match lines.get(planned.len()) {
            Some(extra) => {
                let why = format!("record {} at {} was not planned", extra.ordinal, extra.endpoint);
                Err(self.bad(&file.name, why))
            }
            None => Ok(()),
        }
    }

    /// Whether a line may have this number of rows: one for each success; of the endpoint that explodes any number for an
    /// answer, and none where the id does not exist there.
    fn may_have_rows(&self, endpoint: usize, line: &LedgerKey) -> bool {
        match (End::of(line.status, line.has_kind), self.plan.endpoints[endpoint].explodes) {
            (End::Ok, true) => true,
            (End::Missing, true) => line.rows == 0,
            (end, _) => line.rows == u32::from(end.succeeded()),
        }
    }

    /// Exactly the rows that the ledger says, in order.
    fn check_rows(
        &self,
        endpoint: usize,
        planned: &[(Ordinal, usize)],
        lines: &[LedgerKey],
    ) -> Result<(), MergeError> {
        let name = &self.plan.endpoints[endpoint].name;
        let said = planned.iter().zip(lines).filter(|((_, at), _)| *at == endpoint);
        let mut said = said
            .flat_map(|((ordinal, _), line)| (0..line.rows).map(|part| RowKey { ordinal: *ordinal, part }));
        let Some((file, bytes)) = self.chunk(&Content::Rows(name.clone())) else {
            return match said.next() {
                Some(row) => {
                    let why = format!("it names no rows of {name}, record {} has one", row.ordinal);
                    Err(self.bad_commit(why))
                }
                None => Ok(()),
            };
        };
        let rows = chunk::read_row_keys(bytes, self.plan.chunks)
            .map_err(|error| self.bad(&file.name, error.to_string()))?;
        self.check_count(file, rows.len())?;
        let mut rows = rows.into_iter();
        loop {
            match (said.next(), rows.next()) {
                (None, None) => return Ok(()),
                (Some(said), Some(found)) if said == found => {}
                (Some(said), _) => {
                    return Err(self.bad(&file.name, format!("{} is not there", named(said))));
                }
                (None, Some(found)) => {
                    return Err(self.bad(&file.name, format!("record {} has a row too many", found.ordinal)));
                }
            }
        }
    }

    fn check_count(&self, file: &ChunkFile, rows: usize) -> Result<(), MergeError> {
        if rows as u64 == file.rows {
            return Ok(());
        }
        Err(self.bad(&file.name, format!("it has {rows} rows, its commit says {}", file.rows)))
    }

    /// The commit's counts are those of the ledger.
    fn check_tally(&self, ends: &[PairEnd]) -> Result<(), MergeError> {
        let mut counts: BTreeMap<(usize, Status), u64> = BTreeMap::new();
        for end in ends {
            *counts.entry((end.endpoint, end.end.status())).or_default() += 1;
        }
        for (at, endpoint) in self.plan.endpoints.iter().enumerate() {
            for status in [Status::Ok, Status::Missing, Status::Failed, Status::NotAsked, Status::Waiting] {
                let says = self.commit.tally.get(&endpoint.name).map_or(0, |tally| tally.count(status));
                let counted = counts.get(&(at, status)).copied().unwrap_or(0);
                if says != counted {
                    let why = format!(
                        "it counts {says} requests of {} as {status}, there are {counted}",
                        endpoint.name
                    );
                    return Err(self.bad_commit(why));
                }
            }
        }
        Ok(())
    }

    fn chunk(&self, content: &Content) -> Option<(&ChunkFile, Bytes)> {
        let at = self.commit.files.iter().position(|file| &file.content == content)?;
        Some((&self.commit.files[at], self.chunks.get(at)?.clone()))
    }

    fn bad_commit(&self, why: String) -> MergeError {
        self.bad(&layout::commit(self.planned.block.first), why)
    }

    fn bad(&self, name: &str, why: String) -> MergeError {
        damaged(&self.plan.run, &self.planned, self.superseded, name, why)
    }
}

/// `the row of record 7`, or `row 2 of record 7`, counted from 1.
fn named(row: RowKey) -> String {
    match row.part {
        0 => format!("the row of record {}", row.ordinal),
        part => format!("row {} of record {}", part + 1, row.ordinal),
    }
}

/// The error for a file of a block, with the way out: this block can be fetched again as long as no later
/// round was planned from its answers.
pub(super) fn damaged(run: &str, planned: &Planned, superseded: bool, name: &str, why: String) -> MergeError {
    let Planned { shard, block, .. } = planned;
    let commit = layout::in_shard(*shard, &layout::commit(block.first));
    let hint = if superseded || name == layout::INPUT {
        "it was changed after it was written: restore it, or start anew with `windrow run JOB --new`"
            .to_owned()
    } else {
        format!(
            "it was changed after it was written: restore it, or remove {commit} and fetch the block again with `windrow shard {run} {shard}`"
        )
    };
    MergeError::Integrity { file: layout::in_shard(*shard, name).to_string(), why, hint }
}

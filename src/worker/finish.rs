//! A whole block: judged, encoded, written, committed.

use std::collections::BTreeMap;
use std::rc::Rc;

use bytes::Bytes;

use super::WorkerError;
use super::board::OpenBlock;
use super::keep::Kept;
use super::pair::{RecordState, Settled};
use super::work::Work;
use crate::chunk::{self, Body, ChunkError, Row};
use crate::handoff::digest;
use crate::handoff::ledger::Line;
use crate::handoff::store::{VERSION, now_micros};
use crate::handoff::{ChunkFile, Commit, Content, Plan, Tally, layout};
use crate::record::{Failure, Kind, Rows, Status};

/// Whether a block is not to be committed, since its rerun may do better: then an example of its failures.
///
/// Such a block has no answer, only failures that are worth repeating. Where nobody was there to answer, that is
/// all it takes. Where somebody was, it may be the records that cannot be answered: so not if other
/// blocks were answered meanwhile, and not in a retry's round, which asks nothing but what failed before. In the last
/// round of a run (`settles`) what fails has failed.
pub(super) fn hopeless(open: &OpenBlock, round: u32, settles: bool) -> Option<String> {
    let settled = || open.records.iter().flat_map(|record| record.pairs.iter().flatten());
    if open.has_answers() {
        return None;
    }
    let deferred = || settled().filter(|settled| settled.line.status == Status::Deferred);
    let is_parked =
        |settled: &Settled| settled.line.failure.as_ref().is_some_and(|failure| failure.kind == Kind::Parked);
    // A host that is down is left to the next round, if others answer meanwhile.
    let waits = open.answered_meanwhile && deferred().all(is_parked);
    let deferred = deferred().next().is_some();
    if deferred && waits || settles && !deferred {
        return None;
    }
    let asked =
        settled().filter(|settled| settled.line.status != Status::Skipped && settled.line.attempts > 0);
    let failures: Vec<&Failure> = asked.filter_map(|settled| settled.line.failure.as_ref()).collect();
    let parked =
        || settled().filter_map(|settled| settled.line.failure.as_ref()).find(|f| f.kind == Kind::Parked);
    let Some(example) = failures.first().copied().or_else(parked) else { return deferred.then(String::new) };
    let nobody_there = failures.iter().all(|failure| matches!(failure.kind, Kind::Dns | Kind::Connect));
    let goes_on = open.answered_meanwhile || round > 0;
    if goes_on && !deferred && !nobody_there {
        return None;
    }
    Some(match example.kind {
        Kind::Parked => example.detail.to_string(),
        kind => format!("{kind}: {}", example.detail),
    })
}

/// Whether a pair of the block was not asked since a quota is used up.
pub(super) fn waits_for_quota(open: &OpenBlock) -> bool {
    let settled = open.records.iter().flat_map(|record| record.pairs.iter().flatten());
    settled.filter_map(|settled| settled.line.failure.as_ref()).any(|failure| failure.kind == Kind::Quota)
}

/// Writes the chunks of a block, then its commit; returns the block's pairs.
pub(super) async fn commit_block(work: &Rc<Work>, open: OpenBlock) -> Result<u64, WorkerError> {
    let (plan, attempt) = (work.plan.clone(), work.attempt.clone());
    let first = open.block.first;
    let records = open.block.records;
    let encoded = tokio::task::spawn_blocking(move || encode(&plan, &attempt, &open)).await;
    let broken = |why: String| WorkerError::Broken { shard: work.shard, why };
    let encoded = encoded
        .map_err(|error| broken(error.to_string()))?
        .map_err(|source| WorkerError::Chunk { shard: work.shard, source })?;
    let mut files = Vec::new();
    for (file, bytes) in encoded.files {
        work.run.put_shard_file(work.shard, &file.name, bytes).await?;
        files.push(file);
    }
    work.keep.release(encoded.kept);
    let pairs = encoded.tally.values().map(|tally| tally.statuses.values().sum::<u64>()).sum();
    let commit = Commit {
        version: VERSION,
        run: work.plan.run.clone(),
        shard: work.shard,
        first,
        records,
        attempt: work.attempt.clone(),
        files,
        tally: encoded.tally,
        at: now_micros(),
    };
    work.run.commit(&commit).await?;
    Ok(pairs)
}

/// A block's files and counts; the rows' chunks come first, the ledger last.
struct Encoded {
    files: Vec<(ChunkFile, Bytes)>,
    tally: BTreeMap<String, Tally>,
    /// Bytes of the kept answers.
    kept: u64,
}

fn encode(plan: &Plan, attempt: &str, open: &OpenBlock) -> Result<Encoded, ChunkError> {
    let mut files = Vec::new();
    for endpoint in 0..plan.endpoints.len() {
        files.extend(encode_endpoint(plan, attempt, open, endpoint)?);
    }
    let lines: Vec<Line> = open
        .records
        .iter()
        .flat_map(|record| record.pairs.iter().flatten())
        .map(|settled| settled.line.clone())
        .collect();
    let names: Vec<String> = plan.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
    let bodies = bodies(&names, open);
    if !bodies.is_empty() {
        let bytes = chunk::encode_bodies(&bodies)?;
        files.push(file(plan, attempt, open, Content::Bodies, bodies.len(), bytes));
    }
    let kept = bodies.iter().map(|body| body.body.len() as u64).sum();
    let bytes = chunk::encode_ledger(&names, &lines)?;
    files.push(file(plan, attempt, open, Content::Requests, lines.len(), bytes));
    Ok(Encoded { files, tally: tally(&names, &lines), kept })
}

/// The answers of a block that are kept.
fn bodies(names: &[String], open: &OpenBlock) -> Vec<Body> {
    let settled = open.records.iter().flat_map(|record| record.pairs.iter().flatten());
    let of_pair = |settled: &Settled| {
        let (ordinal, endpoint) = (settled.line.ordinal, &names[settled.line.endpoint]);
        let body = |kept: &Kept| Body {
            ordinal,
            endpoint: endpoint.clone(),
            page: kept.page,
            http_status: kept.status,
            body: kept.body.clone(),
            next_link: kept.next_link.clone(),
        };
        settled.kept.iter().map(body).collect::<Vec<_>>()
    };
    settled.filter(|settled| !settled.kept.is_empty()).flat_map(of_pair).collect()
}

/// The rows of one endpoint; no file where there are none.
fn encode_endpoint(
    plan: &Plan,
    attempt: &str,
    open: &OpenBlock,
    endpoint: usize,
) -> Result<Option<(ChunkFile, Bytes)>, ChunkError> {
    let rows: Vec<Row<'_>> =
        open.records.iter().flat_map(|record| rows(record, endpoint, plan.id_columns)).collect();
    if rows.is_empty() {
        return Ok(None);
    }
    let planned = &plan.endpoints[endpoint];
    let bytes = chunk::encode_rows(&plan.columns[..plan.id_columns], &planned.columns, &rows, plan.chunks)?;
    Ok(Some(file(plan, attempt, open, Content::Rows(planned.name.clone()), rows.len(), bytes)))
}

/// The rows that an endpoint's answer gave.
fn rows(record: &RecordState, endpoint: usize, id_columns: usize) -> impl Iterator<Item = Row<'_>> {
    let rows = record.pairs[endpoint].as_ref().and_then(|settled| settled.rows.as_ref());
    let (ordinal, id) = (record.input.ordinal, &record.input.values[..id_columns]);
    let parts = rows.into_iter().flat_map(Rows::iter).zip(0..);
    parts.map(move |(values, part)| Row { ordinal, part, id, values })
}

fn file(
    plan: &Plan,
    attempt: &str,
    open: &OpenBlock,
    content: Content,
    rows: usize,
    bytes: Bytes,
) -> (ChunkFile, Bytes) {
    let name = layout::chunk(open.block.first, attempt, &content, plan.chunks);
    let (size, sha256) = (bytes.len() as u64, digest::sha256(&bytes));
    (ChunkFile { content, name, rows: rows as u64, bytes: size, sha256 }, bytes)
}

fn tally(names: &[String], lines: &[Line]) -> BTreeMap<String, Tally> {
    let mut tallies: BTreeMap<String, Tally> = BTreeMap::new();
    for line in lines {
        let tally = tallies.entry(names[line.endpoint].clone()).or_default();
        *tally.statuses.entry(line.status).or_default() += 1;
        if let Some(failure) = &line.failure {
            *tally.kinds.entry(failure.kind).or_default() += 1;
        }
        tally.requests += u64::from(line.requests);
        tally.bytes += line.bytes;
    }
    tallies
}

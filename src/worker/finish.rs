//! A whole block: judged, encoded, written, committed.

use std::collections::BTreeMap;

use bytes::Bytes;

use super::WorkerError;
use super::board::OpenBlock;
use super::keep::{Keep, Kept};
use super::output::Output;
use super::pair::{RecordState, Settled};
use crate::chunk::{self, ChunkError, KeptAnswer, Row};
use crate::handoff::VERSION;
use crate::handoff::digest;
use crate::handoff::ledger::Line;
use crate::handoff::store::now_micros;
use crate::handoff::{ChunkFile, Commit, Content, Plan, Tally, layout};
use crate::record::{Failure, Kind, Ordinal, Rows, Status};

/// What is to be done with a whole block.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It is committed: what failed is a line of the requests, and the next round asks it again.
    Commit,
    /// It is committed if other hosts of the run are there, or its own is. Otherwise nothing succeeds; an example, if any was asked.
    CommitIfAnswered(Option<String>),
    /// It is not committed, since its rerun may do better; an example, if any was asked.
    GiveUp(Option<String>),
}

/// What is to be done with a block, the first line that holds:
///
/// | of its pairs | |
/// |---|---|
/// | one was answered, if only with what is not worth repeating | commit |
/// | some wait because the process was told to stop, or a quota is used up | give up |
/// | some wait because their host is down, and others were answered meanwhile | commit |
/// | what fails has failed: it is the last round of a run (`settles`) | commit |
/// | somebody was there, and others were answered meanwhile, or failed before too (a later round) | commit |
/// | none was asked | commit |
/// | all failed, and it is worth asking again | commit if other hosts answer, or its own what it answered before |
pub(super) fn verdict(open: &OpenBlock, round: u32, settles: bool) -> Verdict {
    let settled = || open.records.iter().flat_map(|record| record.pairs.iter().flatten());
    if open.has_answers() {
        return Verdict::Commit;
    }
    let kind = |settled: &Settled| settled.line.failure.as_ref().map(|failure| failure.kind);
    let waiting = || settled().filter(|settled| settled.line.status == Status::Waiting);
    let example = example(open);
    if waiting().any(|settled| kind(settled) != Some(Kind::HostDown)) {
        return Verdict::GiveUp(example);
    }
    let is_waiting = waiting().next().is_some();
    let is_left_to_the_next_round = is_waiting && open.answered_meanwhile;
    if is_left_to_the_next_round || settles && !is_waiting {
        return Verdict::Commit;
    }
    let nobody_there = settled()
        .filter(|settled| settled.line.attempts > 0)
        .filter_map(kind)
        .all(|kind| matches!(kind, Kind::Dns | Kind::Connect));
    let is_of_records = open.answered_meanwhile || round > 0;
    if is_of_records && !is_waiting && !nobody_there {
        return Verdict::Commit;
    }
    if example.is_some() || settled().any(|settled| kind(settled) == Some(Kind::HostDown)) {
        Verdict::CommitIfAnswered(example)
    } else {
        Verdict::Commit
    }
}

/// A failure of a block, in words, that is of a request.
fn example(open: &OpenBlock) -> Option<String> {
    let settled = open.records.iter().flat_map(|record| record.pairs.iter().flatten());
    let mut asked = settled.filter(|settled| settled.line.attempts > 0);
    asked.find_map(|settled| settled.line.failure.as_ref()).map(in_words)
}

/// A failure in words: one whose host was down says itself what was before.
pub(super) fn in_words(failure: &Failure) -> String {
    match failure.kind {
        Kind::HostDown => failure.detail.to_string(),
        kind => format!("{kind}: {}", failure.detail),
    }
}

/// Whether a pair of the block was not asked since a quota is used up.
pub(super) fn waits_for_quota(open: &OpenBlock) -> bool {
    let settled = open.records.iter().flat_map(|record| record.pairs.iter().flatten());
    settled.filter_map(|settled| settled.line.failure.as_ref()).any(|failure| failure.kind == Kind::Quota)
}

/// Writes the chunks of a block, then its commit, in which the hosts are named that answered; returns the block's pairs.
pub(super) async fn commit_block(
    output: &Output,
    keep: &Keep,
    answered_by: Vec<String>,
    open: OpenBlock,
) -> Result<u64, WorkerError> {
    let (plan, attempt) = (output.plan.clone(), output.attempt.clone());
    let (first, records) = (open.block.first, open.block.records);
    let encoded = tokio::task::spawn_blocking(move || encode(&plan, &attempt, &open)).await;
    let broken = |why: String| WorkerError::Broken { shard: output.shard, why };
    let encoded =
        encoded.map_err(|error| broken(error.to_string()))?.map_err(Output::damaged(output.shard))?;
    let written = write(output, first, encoded.files).await?;
    keep.release(encoded.kept);
    let pairs = encoded.tally.values().map(|tally| tally.statuses.values().sum::<u64>()).sum();
    let Some(files) = written else { return Ok(pairs) };
    let commit = Commit {
        version: VERSION,
        run: output.plan.run.clone(),
        shard: output.shard,
        first,
        records,
        attempt: output.attempt.clone(),
        files,
        tally: encoded.tally,
        at: now_micros(),
        answered_by,
    };
    output.run.commit(&commit).await?;
    Ok(pairs)
}

/// Writes the chunks of a block; `None` where another writer has committed it meanwhile: then what no commit names may have
/// been swept under the hands of this one, and counts for nothing.
async fn write(
    Output { run, shard, .. }: &Output,
    first: Ordinal,
    chunks: Vec<(ChunkFile, Bytes)>,
) -> Result<Option<Vec<ChunkFile>>, WorkerError> {
    let mut files = Vec::new();
    for (file, bytes) in chunks {
        match run.put_shard_file(*shard, &file.name, bytes).await {
            Ok(()) => files.push(file),
            Err(_) if run.is_committed(*shard, first)? => {
                run.discard(*shard, &files).await;
                return Ok(None);
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(Some(files))
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
    let answers = answers(&names, open);
    if !answers.is_empty() {
        let bytes = chunk::encode_answers(&answers)?;
        files.push(file(plan, attempt, open, Content::Answers, answers.len(), bytes));
    }
    let kept = kept(open);
    let bytes = chunk::encode_ledger(&names, &lines)?;
    files.push(file(plan, attempt, open, Content::Requests, lines.len(), bytes));
    Ok(Encoded { files, tally: tally(&names, &lines), kept })
}

/// Bytes of a block's kept answers.
pub(super) fn kept(open: &OpenBlock) -> u64 {
    let settled = open.records.iter().flat_map(|record| record.pairs.iter().flatten());
    settled.flat_map(|settled| &settled.kept).map(|kept| kept.content.size()).sum()
}

/// The answers of a block that are kept.
fn answers(names: &[String], open: &OpenBlock) -> Vec<KeptAnswer> {
    let settled = open.records.iter().flat_map(|record| record.pairs.iter().flatten());
    let of_pair = |settled: &Settled| {
        let (ordinal, endpoint) = (settled.line.ordinal, &names[settled.line.endpoint]);
        let body = |kept: &Kept| KeptAnswer {
            ordinal,
            endpoint: endpoint.clone(),
            page: kept.page,
            http_status: kept.status,
            body: kept.content.body.clone(),
            content_type: kept.content.content_type.clone(),
            text: kept.content.text.clone(),
            is_masked: kept.content.is_masked,
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
    let content = Content::Rows(planned.name.clone());
    let (mut file, bytes) = file(plan, attempt, open, content, rows.len(), bytes);
    file.text_bytes = rows.iter().map(Row::text_bytes).sum();
    Ok(Some((file, bytes)))
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
    (ChunkFile { content, name, rows: rows as u64, bytes: size, text_bytes: 0, sha256 }, bytes)
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

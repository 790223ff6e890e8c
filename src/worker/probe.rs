//! Whether a server that answers nothing of a block still answers what it answered before in this run.
//!
//! A server that fails a whole block may be down, or it may be well and always fail these ids. While other ids are
//! answered at the same time, that is plain. The last ids of a list are asked alone: there it is not, and a run that
//! waits for the server would wait for ever. So one record that was answered before is asked once more. If it is
//! answered, the server is well, and the failures are those of the block's records.
//!
//! What this cannot tell: a cache in front of a server that is down may answer the old question. Then the block's
//! failures are lines of the requests, asked again in the next round, and the summary names them.
//!
//! Promises: no more than one question of each endpoint and block, under the limits of the job; none that is not
//! idempotent; what comes back is not kept.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::WorkerError;
use super::board::OpenBlock;
use super::others::hosts_of;
use super::output::Output;
use super::pair::RecordState;
use super::work::Work;
use crate::chunk::{self, InputRecord};
use crate::fetch::Request;
use crate::handoff::{Block, Commit, Content, layout};
use crate::record::Status;

/// Asks the servers of a block again; true if one of them answers.
pub(super) async fn is_answered(work: &Rc<Work>, open: &OpenBlock) -> Result<bool, WorkerError> {
    let failed = open.records.iter().flat_map(|record| record.pairs.iter().flatten());
    let failed = failed.filter(|settled| settled.line.failure.is_some());
    let endpoints: BTreeSet<usize> = failed.map(|settled| settled.line.endpoint).collect();
    let hosts = hosts_of(work, open);
    for endpoint in endpoints {
        if let Some(request) = answered_before(work, endpoint).await?
            && hosts.contains(request.origin())
            && work.sender.probe(endpoint, &request).await
        {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The request for a record that an endpoint answered, of a committed block.
async fn answered_before(work: &Rc<Work>, endpoint: usize) -> Result<Option<Request>, WorkerError> {
    let name = &work.output.plan.endpoints[endpoint].name;
    for shard in work.output.run.rounds().await?.iter().flat_map(|round| &round.shards) {
        let commits = work.output.run.commits(shard.number).await?;
        for block in &shard.blocks {
            let is_answered =
                |commit: &&Commit| commit.tally.get(name).is_some_and(|tally| tally.count(Status::Ok) > 0);
            let Some(commit) = commits.get(&block.first).filter(is_answered) else { continue };
            if let Some(input) = answered_in(work, commit, block, endpoint).await? {
                let pairs = vec![None; work.output.plan.endpoints.len()];
                let record = RecordState { input, pairs, ready: 0 };
                return Ok(work.recipe.steps[endpoint].question.build(&work.recipe.values(&record)).ok());
            }
        }
    }
    Ok(None)
}

/// The first record of a block that the endpoint answered.
async fn answered_in(
    work: &Rc<Work>,
    commit: &Commit,
    block: &Block,
    endpoint: usize,
) -> Result<Option<InputRecord>, WorkerError> {
    let damaged = || Output::damaged(commit.shard);
    let Some(requests) = commit.files.iter().find(|file| file.content == Content::Requests) else {
        return Ok(None);
    };
    let names: Vec<String> =
        work.output.plan.endpoints.iter().map(|endpoint| endpoint.name.clone()).collect();
    let ledger = work.output.run.read_shard_file(commit.shard, &requests.name).await?;
    let lines = chunk::read_ledger(ledger, &names).map_err(damaged())?;
    let answered = lines.iter().find(|line| line.endpoint == endpoint && line.status == Status::Ok);
    let Some(line) = answered else { return Ok(None) };
    let input = work.output.run.read_shard_file(commit.shard, layout::INPUT).await?;
    let records = chunk::read_records(input, block, &work.recipe.fields).map_err(damaged())?;
    Ok(records.into_iter().find(|record| record.ordinal == line.ordinal))
}

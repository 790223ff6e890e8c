//! Proves that nothing is missing: every planned pair has exactly one ledger line, and every byte is the one
//! that was committed.
//!
//! For every round, shard and block of the plan:
//!
//! - the shard's frozen lines have the digest that the round names;
//! - the commit is there and speaks of this run, shard and block;
//! - every chunk has the size and SHA-256 that its commit names;
//! - the ledger has one line for each planned pair, in order, no more and no less, and the commit's counts
//!   are its counts;
//! - each endpoint's chunk has exactly the rows that the ledger says, in order; that is one for each success, and
//!   any number for each `ok` of the one endpoint that explodes;
//! - round 0 plans every endpoint of every record, each record once; a later round plans only pairs that the
//!   rounds before left without success.
//!
//! At a pause (`Extent::Committed`) the same holds of the blocks that are committed, and others need not be there.
//!
//! Blocks are read one by one (as many at a time as there are cores) and forgotten; what stays are four bits
//! for every pair (see `ends.rs`). What is missing is told from what is damaged: the first can be fetched, the second must be
//! looked at.

mod account;
mod block;
mod ends;
mod shard;

use std::collections::BTreeMap;
use std::sync::Arc;

use self::account::Account;
pub use self::ends::End;
pub(super) use self::ends::Ends;
use super::MergeError;
use super::error::Unfinished;
use super::files::{Planned, RunFiles, planned_blocks};
use crate::handoff::{Plan, Round, RunStore, Shard, layout};
use crate::record::Ordinal;

/// One shard to prove.
struct ShardWork<'a> {
    run: &'a RunStore,
    plan: Arc<Plan>,
    shard: &'a Shard,
    blocks: Vec<Planned>,
    superseded: bool,
    extent: Extent,
}

/// What was proven of a run.
#[derive(Debug, Clone)]
pub struct Proof {
    /// Rounds of the run.
    pub rounds: u32,
    /// Records of the run.
    pub records: u64,
    /// Records that succeeded at every endpoint: ok, missing, or not to be asked.
    pub complete: u64,
    /// Planned pairs of all rounds: lines of the ledger.
    #[cfg_attr(
        not(any(test, feature = "benches")),
        expect(dead_code, reason = "what a proof says beside this follows from it")
    )]
    pub pairs: u64,
    /// How the pairs of each endpoint ended, in the last round that asked them.
    pub latest: BTreeMap<String, BTreeMap<End, u64>>,
    /// SHA-256 over the commits, in hexadecimal.
    pub digest: String,
    pub(super) files: RunFiles,
    pub(super) ends: Ends,
}

impl Proof {
    /// Ordinals are below this.
    pub(super) fn bound(&self) -> Ordinal {
        bound(&self.files.plan)
    }
}

/// Left-out duplicates may leave gaps between the ordinals.
fn bound(plan: &Plan) -> Ordinal {
    plan.records.saturating_add(plan.left_out)
}

/// How much of a run there must be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Extent {
    /// Every block of its plan.
    Whole,
    /// Whatever is committed.
    Committed,
}

/// Proves that a run is whole.
///
/// Fails with [`MergeError::NotFinished`] where blocks are not committed yet, with [`MergeError::Integrity`]
/// where a file is not what it must be. Must be called within a tokio runtime.
pub async fn prove(run: &RunStore) -> Result<Proof, MergeError> {
    prove_to(run, Extent::Whole).await
}

/// The same of what is committed of a run by now; what is not is no mistake.
pub(super) async fn prove_committed(run: &RunStore) -> Result<Proof, MergeError> {
    prove_to(run, Extent::Committed).await
}

async fn prove_to(run: &RunStore, extent: Extent) -> Result<Proof, MergeError> {
    let plan = Arc::new(run.plan().await?);
    let rounds = run.rounds().await?;
    if extent == Extent::Whole {
        refuse_unfinished(run, &plan, &rounds).await?;
    }
    let mut account = Account::new(RunFiles::new(run, plan.as_ref().clone(), &rounds));
    for round in &rounds {
        check_lines(round)?;
        account.begin_round();
        let superseded = round.number + 1 < rounds.len() as u32;
        let planned = planned_blocks(round);
        for shard in &round.shards {
            let blocks = planned.iter().filter(|planned| planned.shard == shard.number).copied().collect();
            let work = ShardWork { run, plan: plan.clone(), shard, blocks, superseded, extent };
            work.prove(&mut account).await?;
        }
    }
    account.finish()
}

/// Names every shard with blocks that are not committed.
async fn refuse_unfinished(run: &RunStore, plan: &Plan, rounds: &[Round]) -> Result<(), MergeError> {
    let mut shards = Vec::new();
    for shard in rounds.iter().flat_map(|round| &round.shards) {
        let committed = run.committed_blocks(shard.number).await?;
        let committed: std::collections::HashSet<Ordinal> = committed.into_iter().collect();
        let missing = shard.blocks.iter().filter(|block| !committed.contains(&block.first)).count();
        if missing > 0 {
            shards.push(Unfinished { shard: shard.number, missing, blocks: shard.blocks.len() });
        }
    }
    if shards.is_empty() { Ok(()) } else { Err(MergeError::NotFinished { run: plan.run.clone(), shards }) }
}

/// The blocks of each shard cover its lines without gap.
fn check_lines(round: &Round) -> Result<(), MergeError> {
    for shard in &round.shards {
        let mut line = 0;
        for block in &shard.blocks {
            if block.line != line || block.records == 0 {
                let why = format!("block {} of shard {} is not where it must be", block.first, shard.number);
                return Err(damaged_round(round.number, why));
            }
            line += block.records;
        }
    }
    Ok(())
}

fn damaged_round(round: u32, why: String) -> MergeError {
    MergeError::Integrity {
        file: layout::round(round).to_string(),
        why,
        hint: "it was changed after it was written: restore it, or start anew with `windrow run JOB --new`"
            .to_owned(),
    }
}

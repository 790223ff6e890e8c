//! Publishing a batch of a queue: what is there of its run, and what becomes of its jobs, in one transaction.
//!
//! No gate is asked: a batch is settled even if every job in it has failed. A run that is not whole, since somebody stopped it
//! or its process died, is published as far as it came, and goes on no further: its other jobs are freed.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use super::gate::Gate;
use super::load::Order;
use super::outside::queue::{Batch, FailedPair, JobEnd, QueueTable};
use super::prove::{Extent, prove_committed};
use super::publish::load_unless;
use super::refused::Rejected;
use super::resolved::ResolvedDestination;
use super::{MergeError, Moved, Proof, prove, query};
use crate::handoff::{ClaimedJobs, Outcome, Plan, RunStore, VERSION};
use crate::job::Job;
use crate::record::Ordinal;

/// How a batch was asked.
#[derive(Debug, Clone, Default)]
pub struct BatchAsked {
    /// Whether every block is committed.
    pub is_whole: bool,
    /// How long a quota takes to renew that is used up.
    pub renews_after: Option<Duration>,
    /// Why the process that asked died for good.
    pub died_of: Option<String>,
}

/// A job that has not succeeded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailedJob {
    /// What the table of claims knows it by.
    pub key: String,
    /// How often it has failed.
    pub attempts: u32,
    /// Why, from the closed list of kinds, or `rejected`.
    pub kind: String,
    /// Why, for people.
    pub detail: String,
}

/// What became of a batch.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SettledBatch {
    /// Rows written.
    pub rows: u64,
    /// Jobs that are done.
    pub done: u64,
    /// Jobs that are asked again after a rest.
    pub resting: Vec<FailedJob>,
    /// Jobs that have failed for good.
    pub dead: Vec<FailedJob>,
    /// Jobs that were not asked, and may be.
    pub freed: u64,
    /// Jobs whose rows somebody else has changed meanwhile, by their keys.
    pub moved: Vec<(String, Moved)>,
    /// Whether it stood in the database already: what became of its jobs was told then, or the process died before it could.
    pub already: bool,
    /// What went wrong after COMMIT.
    pub warnings: Vec<String>,
}

/// A batch that is to be published.
#[derive(Clone, Copy)]
pub struct AskedBatch<'a> {
    /// Its run.
    pub run: &'a RunStore,
    /// Its jobs.
    pub claimed: &'a ClaimedJobs,
    /// How they were asked.
    pub asked: &'a BatchAsked,
}

/// Publishes what is there of a batch's run, and settles its jobs.
///
/// # Errors
/// [`MergeError::Fenced`] where somebody else has taken jobs over; and as of [`publish`](fn@super::publish). Nothing is
/// published then, and the jobs stay this run's.
pub async fn publish_batch(
    batch: AskedBatch<'_>,
    job: &Job,
    table: &Arc<QueueTable>,
    to: &ResolvedDestination,
    now_micros: i64,
    stop: impl Future<Output = ()>,
) -> Result<SettledBatch, MergeError> {
    let AskedBatch { run, claimed, asked } = batch;
    let proof = if asked.is_whole { prove(run).await? } else { prove_committed(run).await? };
    let batch = Batch {
        table: Arc::clone(table),
        claimed: claimed.clone(),
        failed: failed_pairs(run, &proof).await?,
        renews_after: asked.renews_after,
        died_of: asked.died_of.clone(),
    };
    let order = order(batch, proof, asked, job, to, now_micros);
    let digest = order.proof.digest.clone();
    let loaded = load_unless(order, stop).await?;
    let mut settled = SettledBatch {
        rows: loaded.rows,
        already: loaded.already,
        warnings: loaded.warnings,
        ..SettledBatch::default()
    };
    for (job, end) in claimed.jobs.iter().zip(loaded.job_ends) {
        settled.add(&job.key, end);
    }
    if settled.has_failed()
        && let Err(error) = run.put_outcome(&outcome(job, to, digest, settled.rows, now_micros)).await
    {
        settled.warnings.push(error.to_string());
    }
    Ok(settled)
}

fn order(
    batch: Batch,
    proof: Proof,
    asked: &BatchAsked,
    job: &Job,
    to: &ResolvedDestination,
    now_micros: i64,
) -> Order {
    Order {
        place: to.clone(),
        job: job.clone(),
        gate: Gate::of_run(job, &proof, true),
        proof,
        extent: if asked.is_whole { Extent::Whole } else { Extent::Committed },
        noted: None,
        rejected: Rejected::new(),
        staged: false,
        batch: Some(Arc::new(batch)),
        moved: BTreeMap::new(),
        again: false,
        now_micros,
        sent: None,
    }
}

/// What a run's folder says that stays, since something of it failed and somebody may want to know why.
fn outcome(job: &Job, to: &ResolvedDestination, digest: String, rows: u64, at: i64) -> Outcome {
    Outcome {
        version: VERSION,
        published: true,
        to: to.to_string(),
        table: job.table.name.clone(),
        rounds: 1,
        digest,
        rows,
        rejected: Vec::new(),
        refused: None,
        file: None,
        at,
    }
}

impl SettledBatch {
    /// Whether some of its jobs have failed.
    pub fn has_failed(&self) -> bool {
        !(self.resting.is_empty() && self.dead.is_empty())
    }

    fn add(&mut self, key: &str, end: JobEnd) {
        let key = key.to_owned();
        match end {
            JobEnd::Done => self.done += 1,
            JobEnd::Rests { attempts, kind, detail, .. } => {
                self.resting.push(FailedJob { key, attempts, kind, detail });
            }
            JobEnd::Dead { attempts, kind, detail } => {
                self.dead.push(FailedJob { key, attempts, kind, detail })
            }
            JobEnd::Freed { .. } => self.freed += 1,
            JobEnd::Moved(moved) => self.moved.push((key, moved)),
        }
    }
}

/// The pairs without success, by record; nothing is opened where there are none.
async fn failed_pairs(
    run: &RunStore,
    proof: &Proof,
) -> Result<HashMap<Ordinal, Vec<FailedPair>>, MergeError> {
    let mut failed: HashMap<Ordinal, Vec<FailedPair>> = HashMap::new();
    let mut ends = proof.latest.values().flatten();
    if ends.all(|(end, count)| end.succeeded() || *count == 0) {
        return Ok(failed);
    }
    let plan: &Plan = &proof.files.plan;
    let sql = format!(
        "SELECT ordinal, endpoint, kind, coalesce(detail, ''), coalesce(worth_repeating, false) FROM {} WHERE kind IS NOT NULL",
        plan.view("requests")
    );
    for row in query(run, None, &sql, None).await?.rows {
        let text = |at: usize| row.get(at).cloned().flatten().unwrap_or_default();
        let endpoint = plan.endpoints.iter().position(|endpoint| endpoint.name == text(1));
        let Some((ordinal, endpoint)) = text(0).parse().ok().zip(endpoint) else { continue };
        let is_worth_repeating = text(4) == "true";
        let pair = FailedPair { endpoint, kind: text(2), detail: text(3), is_worth_repeating };
        failed.entry(ordinal).or_default().push(pair);
    }
    Ok(failed)
}

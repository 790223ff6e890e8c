//! Publishing what there is of a run that has paused and goes on later.
//!
//! Every committed block is proven, and one transaction holds the rows together with their row in `windrow_runs`, as
//! for a whole run. But `merged.json` is not written: the run stays unfinished. Nothing on disk says what was
//! published, so nothing has to agree with the database after a death.

use std::collections::BTreeMap;

use super::gate::Gate;
use super::load::Order;
use super::prove::{Extent, prove_committed};
use super::publish::load_unless;
use super::refused::Rejected;
use super::resolved::ResolvedDestination;
use super::{MergeError, Proof};
use crate::handoff::RunStore;
use crate::job::{Job, Mode};

/// What a pause published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublishedPart {
    /// Rows written now: none where all that is committed was published before.
    pub rows: u64,
    /// Rows of the table that were replaced or deleted for them.
    pub replaced: u64,
    /// Rows that the run's pauses have written so far, these included.
    pub so_far: u64,
    /// Rows of the table now; `None` where counting them would take long and nothing depends on it.
    pub total: Option<u64>,
    /// What went wrong after COMMIT.
    pub warnings: Vec<String>,
}

/// Publishes, of what is committed of an unfinished run, the records that have succeeded at every endpoint and that
/// were not written before. For `append` and `upsert` only.
///
/// Fails as [`publish`](fn@super::publish) does, with [`MergeError::Refused`] only where the table would change by more
/// than `max_change` allows, or would lose rows to answers that bring none; of that the run takes no note. Must be called
/// within a tokio runtime.
pub async fn publish_partial(
    run: &RunStore,
    job: &Job,
    place: &ResolvedDestination,
    now_micros: i64,
    stop: impl Future<Output = ()>,
) -> Result<PublishedPart, MergeError> {
    refuse_modes(job)?;
    let proof = prove_committed(run).await?;
    let order = order(job, place, proof, now_micros);
    if order.admitted(&order.policy()) == 0 {
        // No database is made for nothing.
        return Ok(PublishedPart { rows: 0, replaced: 0, so_far: 0, total: Some(0), warnings: Vec::new() });
    }
    if let Some(refusal) = order.gate.refusal() {
        return Err(refusal);
    }
    let loaded = load_unless(order, stop).await?;
    let rows = if loaded.already { 0 } else { loaded.rows };
    let so_far = loaded.at_pauses + rows;
    Ok(PublishedPart {
        rows,
        replaced: loaded.replaced,
        so_far,
        total: loaded.total,
        warnings: loaded.warnings,
    })
}

fn order(job: &Job, place: &ResolvedDestination, proof: Proof, now_micros: i64) -> Order {
    Order {
        place: place.clone(),
        job: job.clone(),
        gate: Gate::of_pause(job, &proof),
        proof,
        extent: Extent::Committed,
        noted: None,
        rejected: Rejected::new(),
        staged: false,
        batch: None,
        moved: BTreeMap::new(),
        again: false,
        now_micros,
        sent: None,
    }
}

/// A part must not stand for the whole: it would replace what it does not have.
fn refuse_modes(job: &Job) -> Result<(), MergeError> {
    match job.table.mode {
        Mode::Append | Mode::Upsert => Ok(()),
        Mode::Replace | Mode::ReplaceIds => Err(MergeError::Refused {
            conditions: vec!["only append and upsert publish what there is at a pause".into()],
            hint: "on_pause = \"wait\" under [publish] publishes the whole run".into(),
        }),
    }
}

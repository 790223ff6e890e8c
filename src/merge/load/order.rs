//! What to load and where, and whether that was done before.

use std::path::PathBuf;
use std::time::Duration;

use duckdb::Connection;

use crate::handoff::Plan;
use crate::job::{Job, OnFailure};
use crate::merge::prove::{has_row, succeeded};
use crate::merge::runs::{Ledger, Publication};
use crate::merge::target::Target;
use crate::merge::{MergeError, Proof, database};

/// What to load, and where.
#[derive(Debug, Clone)]
pub(in crate::merge) struct Order {
    pub path: PathBuf,
    pub job: Job,
    pub proof: Proof,
    /// Microseconds since 1970, UTC.
    pub now_micros: i64,
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) struct Loaded {
    /// Whether the run stood in the database already: nothing was done.
    pub already: bool,
    pub rows: u64,
    pub replaced: u64,
    pub left_out: u64,
    pub duplicates: u64,
    pub late: u64,
    pub total: u64,
    pub took: Duration,
}

impl Order {
    pub(super) fn plan(&self) -> &Plan {
        &self.proof.files.plan
    }

    /// What a failure of each endpoint does: as the job has it now.
    pub(super) fn policy(&self) -> Vec<OnFailure> {
        let now = |name: &str| self.job.endpoint(name).map(|(_, endpoint)| endpoint.on_failure);
        let planned = self.plan().endpoints.iter();
        planned.map(|endpoint| now(&endpoint.name).unwrap_or(endpoint.on_failure)).collect()
    }

    pub(super) fn publication(&self) -> Publication {
        let Proof { rounds, digest, .. } = &self.proof;
        Publication { rounds: *rounds, digest: digest.clone(), rows: 0, policy: self.policy() }
    }

    /// Records that have a row.
    pub(super) fn publishable(&self, policy: &[OnFailure]) -> u64 {
        self.proof.ends.count(self.proof.bound(), |statuses| has_row(statuses, policy))
    }

    /// Whether any record needs what the table has: an endpoint that keeps failed somewhere.
    pub(super) fn must_keep(&self, policy: &[OnFailure]) -> bool {
        let keeps = |policy: &OnFailure| *policy == OnFailure::Keep;
        let fails =
            |statuses: &[_]| statuses.iter().zip(policy).any(|(s, policy)| keeps(policy) && !succeeded(*s));
        policy.iter().any(keeps) && self.proof.ends.count(self.proof.bound(), fails) > 0
    }

    /// The publication of exactly these commits, if it stands among these.
    pub(super) fn settled<'a>(
        &self,
        standing: &'a [Publication],
    ) -> Result<Option<&'a Publication>, MergeError> {
        let Proof { rounds, digest, .. } = &self.proof;
        let Some(publication) = standing.iter().find(|standing| standing.rounds >= *rounds) else {
            return Ok(None);
        };
        if publication.rounds == *rounds && publication.digest == *digest {
            return Ok(Some(publication));
        }
        Err(MergeError::Integrity {
            file: self.path.display().to_string(),
            why: format!(
                "windrow_runs has {} rounds of run {} published from other files",
                publication.rounds,
                self.plan().run
            ),
            hint: "the run was changed after it was published: start anew with `windrow run JOB --new`"
                .into(),
        })
    }
}

/// Whether the run stands in the database already; no database is made to find out.
pub(in crate::merge) fn is_published(order: &Order) -> Result<bool, MergeError> {
    if !order.path.exists() {
        return Ok(false);
    }
    let connection = database::open(&order.path)?;
    Ok(order.settled(&publications(&connection, order)?)?.is_some())
}

pub(super) fn publications(connection: &Connection, order: &Order) -> Result<Vec<Publication>, MergeError> {
    let failed = |error| database::failed(&order.path, &error);
    let target = Target::find(connection, &order.job).map_err(failed)?;
    Ledger { plan: order.plan(), table: &target.name }.publications(connection).map_err(failed)
}

//! What to load and where, and whether that was done before.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use duckdb::Connection;

use crate::handoff::{FileMark, Outcome, Plan, RefusedRow};
use crate::job::{Job, Mode, OnUnlisted};
use crate::merge::covered::Covered;
use crate::merge::dialect::DuckDb;
use crate::merge::gate::{Duplicates, Gate};
use crate::merge::outside::queue::{Batch, Facts, JobEnd};
use crate::merge::policy::Policy;
use crate::merge::prove::Extent;
use crate::merge::refused::{FoundRows, NAMED, Rejected, others};
use crate::merge::resolved::ResolvedDestination;
use crate::merge::runs::{self, Ledger, Publication};
use crate::merge::target::Target;
use crate::merge::{End, MergeError, Moved, Proof, database};
use crate::record::Ordinal;

/// What to load, and where.
#[derive(Debug, Clone)]
pub(in crate::merge) struct Order {
    pub place: ResolvedDestination,
    pub job: Job,
    pub proof: Proof,
    /// What of the run there must be.
    pub extent: Extent,
    pub gate: Gate,
    /// What the run's folder says of its last publication.
    pub noted: Option<Outcome>,
    /// What the table refuses, and the job lets it.
    pub rejected: Rejected,
    /// Whether rows go by way of a staging table in any case, and of one that takes all of them.
    pub staged: bool,
    /// Whether what the table refused before is tried again, though all of the run is published.
    pub again: bool,
    /// The jobs of a queue that it is about.
    pub batch: Option<Arc<Batch>>,
    /// Of these: those whose rows somebody has changed meanwhile; they are among `rejected`.
    pub moved: BTreeMap<Ordinal, Moved>,
    /// Microseconds since 1970, UTC.
    pub now_micros: i64,
    /// Where rows are counted as they are sent to a server.
    pub sent: Option<&'static AtomicU64>,
}

/// What a load did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) struct Loaded {
    /// Whether the run stood in the database already: nothing was done.
    pub already: bool,
    pub rows: u64,
    pub replaced: u64,
    pub left_out: u64,
    /// Records that the table refuses, in the order of the list.
    pub rejected: Vec<RefusedRow>,
    pub duplicates: Duplicates,
    /// Rows that the job's own statements took out.
    pub withheld: u64,
    /// Rows that a trigger or a rule of the table kept out, or put elsewhere.
    pub kept_out: u64,
    pub late: u64,
    pub gone: u64,
    /// Columns that the table was given.
    pub added: Vec<String>,
    /// `None` where counting them would take long and nothing depends on it.
    pub total: Option<u64>,
    /// Rows that pauses of the run published before.
    pub at_pauses: u64,
    pub overridden: Vec<String>,
    /// What went wrong after COMMIT.
    pub warnings: Vec<String>,
    /// What became of each job of a batch.
    pub job_ends: Vec<JobEnd>,
    /// The file that was written, where it does not say itself what it was made from.
    pub file: Option<FileMark>,
    pub took: Duration,
}

/// What a publication wrote that stands already.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::merge) struct Settled {
    pub rows: u64,
    /// Records that it left out, since the table refuses them.
    pub rejected: Vec<RefusedRow>,
    /// Rows that pauses of the run wrote.
    pub at_pauses: u64,
}

impl Loaded {
    /// What was done before: nothing is now.
    pub(in crate::merge) fn before(
        order: &Order,
        settled: Settled,
        total: Option<u64>,
        took: Duration,
    ) -> Loaded {
        Loaded {
            already: true,
            rows: settled.rows,
            replaced: 0,
            left_out: order.left_out().saturating_sub(settled.rejected.len() as u64),
            rejected: settled.rejected,
            duplicates: Duplicates::default(),
            withheld: 0,
            kept_out: 0,
            late: 0,
            gone: 0,
            added: Vec::new(),
            total,
            at_pauses: settled.at_pauses,
            overridden: Vec::new(),
            warnings: Vec::new(),
            job_ends: Vec::new(),
            file: None,
            took,
        }
    }
}

impl Order {
    pub(in crate::merge) fn plan(&self) -> &Plan {
        &self.proof.files.plan
    }

    /// Names the run and its table at the destination.
    pub(in crate::merge) fn tag(&self) -> String {
        format!("{} {} {}", self.plan().run, self.place, self.job.table.name)
    }

    /// What a failure of each endpoint does: as the job has it now; at a pause nothing has failed for good.
    pub(in crate::merge) fn policy(&self) -> Policy {
        match self.extent {
            // A batch does not go on: what has failed of it has failed.
            Extent::Committed if self.batch.is_none() => Policy::strict(self.plan()),
            Extent::Whole | Extent::Committed => Policy::now(self.plan(), Some(&self.job)),
        }
    }

    pub(in crate::merge) fn mode(&self) -> Mode {
        self.job.table.mode
    }

    pub(in crate::merge) fn publication(&self) -> Publication {
        let digest = self.proof.digest.clone();
        let rejected = self.rejected.clone();
        Publication { covered: self.covered(), digest, rows: 0, policy: self.policy(), rejected }
    }

    /// How many more records the table may refuse. Of a batch any: each is a job of its own.
    pub(in crate::merge) fn may_reject(&self) -> u64 {
        let most = match &self.batch {
            Some(_) => self.proof.bound(),
            None => self.job.publish.max_rejected,
        };
        most.saturating_sub(self.rejected.len() as u64)
    }

    /// Whether a record can be left out by itself: it is a job of its own, and was not left out before.
    pub(in crate::merge) fn may_leave_out(&self, record: Ordinal) -> bool {
        self.batch.is_some() && !self.rejected.contains_key(&record)
    }

    /// Leaves out the record of a job.
    pub(in crate::merge) fn leave_out_row(&mut self, record: Ordinal, why: String) {
        let job = self.batch.as_ref().and_then(|batch| batch.claimed.jobs.get(record as usize));
        let id = job.map(|job| job.key.clone()).unwrap_or_default();
        self.rejected.insert(record, RefusedRow { record, id, values: Vec::new(), why });
        self.gate = self.gate.without(&self.job, &self.proof, &self.rejected);
    }

    /// Leaves out the records of jobs whose rows were changed meanwhile.
    pub(in crate::merge) fn leave_out(&mut self, moved: Vec<(Ordinal, Moved)>) {
        for (record, moved) in moved {
            self.leave_out_row(record, moved.words().to_owned());
            self.moved.insert(record, moved);
        }
    }

    /// What becomes of each job of a batch; none where it is no batch.
    pub(in crate::merge) fn job_ends(&self) -> Vec<JobEnd> {
        let Some(batch) = &self.batch else { return Vec::new() };
        let needed: Vec<usize> = self.policy().needed().collect();
        let names_host =
            |name: &str| self.job.endpoint(name).is_some_and(|(_, endpoint)| endpoint.names_host());
        let planned = self.plan().endpoints.iter().enumerate();
        let named_hosts: Vec<usize> =
            planned.filter(|(_, endpoint)| names_host(&endpoint.name)).map(|(at, _)| at).collect();
        let facts = Facts {
            queue: batch.table.queue(),
            jobs: &batch.claimed.jobs,
            ends: &self.proof.ends,
            needed: &needed,
            named_hosts: &named_hosts,
            failed: &batch.failed,
            rejected: &self.rejected,
            moved: &self.moved,
            renews_after: batch.renews_after,
            died_of: batch.died_of.as_deref(),
        };
        facts.job_ends()
    }

    /// How many records are looked for, of which the table refuses rows: those that a message names, or one more than it may.
    pub(in crate::merge) fn looks_for(&self) -> u64 {
        (self.may_reject() + 1).max(NAMED as u64)
    }

    /// Leaves out the records of which the table refuses rows. Fails with these where there are more than the job allows, or
    /// may be.
    pub(in crate::merge) fn reject(&mut self, found: FoundRows) -> Result<(), MergeError> {
        let FoundRows { table, rows, all } = found;
        if all.is_none_or(|all| all > self.may_reject()) {
            let (place, most) = (self.place.to_string(), self.job.publish.max_rejected);
            return Err(MergeError::Rows { place, table, rows, all, most });
        }
        self.rejected.extend(rows.into_iter().map(|row| (row.record, row.kept())));
        self.gate = self.gate.without(&self.job, &self.proof, &self.rejected);
        Ok(())
    }

    /// Whether what a publication left out is tried again. (What is found to be refused once more was tried.)
    pub(super) fn tries_again(&self, standing: &Publication) -> bool {
        self.again && !standing.rejected.is_empty() && !standing.rejected.keys().eq(self.rejected.keys())
    }

    /// All records but those that are left out since the table refuses them.
    fn records(&self) -> impl Iterator<Item = Ordinal> {
        others(self.proof.bound(), &self.rejected)
    }

    fn covered(&self) -> Covered {
        match self.extent {
            Extent::Whole => Covered::Rounds(self.proof.rounds),
            Extent::Committed => Covered::Blocks(self.proof.files.block_set()),
        }
    }

    /// Records whose rows go into the table.
    pub(in crate::merge) fn admitted(&self, policy: &Policy) -> u64 {
        self.proof.ends.count(self.records(), |ends| policy.admits(ends))
    }

    /// Records whose rows do not.
    pub(in crate::merge) fn left_out(&self) -> u64 {
        self.proof.records.saturating_sub(self.admitted(&self.policy()))
    }

    /// The rows of those that do.
    pub(in crate::merge) fn publishable(&self, policy: &Policy) -> u64 {
        self.proof.ends.count_rows(self.records(), |ends| policy.admits(ends))
    }

    /// Whether any record needs columns that the table has: an endpoint that keeps them failed somewhere.
    pub(in crate::merge) fn must_keep(&self, policy: &Policy) -> bool {
        let keeping: Vec<usize> = policy.endpoints().filter(|at| policy.keeps(*at)).collect();
        let fails = |ends: &[End]| keeping.iter().any(|at| !ends[*at].succeeded());
        !keeping.is_empty() && self.proof.ends.count(0..self.proof.bound(), fails) > 0
    }

    /// Whether a table that is replaced keeps some rows as they stand: the endpoint that would have given them failed.
    pub(in crate::merge) fn spares(&self, policy: &Policy, is_new: bool) -> bool {
        let Some(sparing) = policy.sparing().filter(|_| self.mode() == Mode::Replace && !is_new) else {
            return false;
        };
        self.proof.ends.count(0..self.proof.bound(), |ends| !ends[sparing].succeeded()) > 0
    }

    /// Whether the rows of ids that the list no longer has are deleted: last of all, and never by a trial, which has
    /// but a part of the list.
    pub(in crate::merge) fn deletes_gone(&self) -> bool {
        let may = matches!(self.mode(), Mode::Upsert | Mode::ReplaceIds);
        may && self.job.table.on_unlisted == OnUnlisted::Delete
            && self.extent == Extent::Whole
            && !self.plan().trial
    }

    /// The publication of exactly these commits, if it stands among these; all of them must be of this run as it is.
    ///
    /// What a pause published does not settle the whole run, even of the same commits: the gate has not seen it.
    pub(in crate::merge) fn settled<'a>(
        &self,
        standing: &'a [Publication],
    ) -> Result<Option<&'a Publication>, MergeError> {
        let is_changed =
            |standing: &&Publication| self.proof.files.digest(&standing.covered) != standing.digest;
        if let Some(changed) = standing.iter().find(is_changed) {
            return Err(self.changed(changed));
        }
        let covered = self.covered();
        Ok(standing.iter().find(|standing| match self.extent {
            Extent::Whole => standing.covered == covered,
            Extent::Committed => standing.digest == self.proof.digest,
        }))
    }

    fn changed(&self, standing: &Publication) -> MergeError {
        let what = match standing.covered {
            Covered::Rounds(rounds) => format!("{rounds} rounds"),
            Covered::Blocks(_) => "a part".to_owned(),
        };
        MergeError::Integrity {
            file: self.place.to_string(),
            why: format!("windrow_runs has {what} of run {} published from other files", self.plan().run),
            hint: "the run was changed after it was published: start anew with `windrow run JOB --new`"
                .into(),
        }
    }
}

/// What the publication of these commits wrote, where it stands in an opened database.
pub(in crate::merge) fn settled(
    connection: &Connection,
    order: &Order,
    path: &Path,
) -> Result<Option<Settled>, MergeError> {
    let publications = publications(connection, order, path)?;
    let settled = order.settled(&publications)?;
    Ok(settled.map(|publication| publication.settled(&publications)))
}

impl Publication {
    /// What it wrote, beside what pauses of the run did.
    pub(in crate::merge) fn settled(&self, publications: &[Publication]) -> Settled {
        let rejected = self.rejected.values().cloned().collect();
        Settled { rows: self.rows, rejected, at_pauses: at_pauses(publications) }
    }
}

/// Rows that pauses have written.
pub(super) fn at_pauses(publications: &[Publication]) -> u64 {
    let of_pauses = publications.iter().filter(|one| matches!(one.covered, Covered::Blocks(_)));
    of_pauses.map(|one| one.rows).sum()
}

/// What was published of the run, as an opened database has it.
pub(super) fn publications(
    connection: &Connection,
    order: &Order,
    path: &Path,
) -> Result<Vec<Publication>, MergeError> {
    let found = || {
        let target = Target::find(connection, &order.job)?;
        runs::duckdb::publications(connection, &ledger(order, &target))
    };
    found().map_err(|error| database::failed(path, &error))
}

/// Where that is noted.
pub(super) fn ledger<'a>(order: &'a Order, target: &'a Target) -> Ledger<'a> {
    Ledger { dialect: &DuckDb, runs: runs::duckdb::qualified(), plan: order.plan(), table: &target.name }
}

//! The transaction, up to its COMMIT.

use std::sync::Arc;
use std::time::Instant;

use super::carry::{Carrier, Facts};
use super::check::refuse_unfit;
use super::fill::{Filling, Written};
use super::runs::{Ledger, make_schema};
use super::table::create_table;
use super::target::Target;
use super::transaction::{SETTINGS, Transaction};
use crate::database::postgres::{PostgresError, Session};
use crate::merge::MergeError;
use crate::merge::columns;
use crate::merge::gate::{Duplicates, RowCounts};
use crate::merge::load::{Loaded, Order, Settled, at_pauses};
use crate::merge::statements::Report;

/// Where a transaction stands.
pub(super) enum Transacted {
    /// The run is published already: there is nothing to commit.
    Already(Loaded),
    /// All is written and counted; COMMIT is left.
    Ready(Loaded, Vec<Report>),
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL temp_buffers = '64MB'";

/// Begins a transaction, alone with this run and its table; and the table.
pub(super) async fn begin<'a>(
    session: &'a Session,
    order: &'a Arc<Order>,
) -> Result<(Transaction<'a>, Target), MergeError> {
    session.run(BEGIN).await?;
    session.run(SETTINGS).await?;
    let target = Target::find(session, &order.job).await?;
    Ledger::of(session, &order.job, order.plan(), &target).await?.wait_for_rivals().await?;
    // What a rival has made meanwhile is there now.
    let target = Target::find(session, &order.job).await?;
    let columns = columns::of_run(order.plan(), Some(&order.job))?;
    let ledger = Ledger::of(session, &order.job, order.plan(), &target).await?;
    let earlier = ledger.publications().await?;
    Ok((Transaction { session, order, columns, policy: order.policy(), earlier }, target))
}

/// Everything but COMMIT. When it fails, the transaction ends with the session.
pub(super) async fn transact(session: &Session, order: &Arc<Order>) -> Result<Transacted, MergeError> {
    let started = Instant::now();
    let (transaction, target) = begin(session, order).await?;
    if let Some(publication) = order.settled(&transaction.earlier)? {
        let total = transaction.total(&target).await?;
        let loaded = transaction.loaded(publication.rows, total, started);
        return Ok(Transacted::Already(Loaded { already: true, ..loaded }));
    }
    refuse_unfit(session, &order.job, &target, &transaction.columns).await?;
    let ledger = Ledger::of(session, &order.job, order.plan(), &target).await?;
    transaction.claim(&ledger).await?;
    transaction.fill(&ledger, started).await
}

/// A rival that was faster shows as a key that is taken, or as a table or schema that is there.
fn rival(error: PostgresError) -> MergeError {
    match error.code() {
        Some("23505" | "42P06" | "42P07" | "42710") => MergeError::Rival(error),
        _ => error.into(),
    }
}

impl Transaction<'_> {
    async fn claim(&self, ledger: &Ledger<'_>) -> Result<(), MergeError> {
        let claimed = async {
            ledger.create().await?;
            ledger.claim(&self.order.publication(), &self.earlier, self.order.now_micros).await
        };
        claimed.await.map_err(rival)
    }

    /// Writes the rows, counts them, and asks the gate.
    async fn fill(&self, ledger: &Ledger<'_>, started: Instant) -> Result<Transacted, MergeError> {
        let found = Target::find(self.session, &self.order.job).await?;
        let is_new = !found.exists();
        let target = if is_new { self.make_table(&found).await? } else { found };
        let filling = Filling::plan(self, &target, is_new).await?;
        let before = if is_new { Some(0) } else { self.total(&target).await? };
        let mut carrier = Carrier::start(filling.freight());
        let written = filling.fill(&mut carrier).await;
        let (facts, mut written) = carrier.end(written).await?;
        self.check_rows(&facts, &written)?;
        // Before the job's own statements: if one commits, the run is published, and is known to be.
        ledger.count(&self.order.publication(), &self.earlier, written.rows).await?;
        written.reports = filling.after().await?;
        self.finish(&target, facts, written, before, started).await
    }

    async fn finish(
        &self,
        target: &Target,
        facts: Facts,
        written: Written,
        before: Option<u64>,
        started: Instant,
    ) -> Result<Transacted, MergeError> {
        let after = self.total(target).await?;
        let duplicates = Duplicates { rows: facts.duplicates.rows + written.duplicates, ..facts.duplicates };
        let of_run = self
            .order
            .publishable(&self.policy)
            .saturating_sub(duplicates.rows + written.withheld + written.kept_out());
        let overridden = self.order.gate.pass(&RowCounts {
            duplicates: &duplicates,
            of_run,
            before: before.unwrap_or_default(),
            after: after.unwrap_or_default(),
        })?;
        let loaded = Loaded {
            replaced: written.replaced,
            duplicates,
            withheld: written.withheld,
            kept_out: written.kept_out(),
            late: facts.late,
            gone: written.gone,
            overridden,
            ..self.loaded(written.rows, after, started)
        };
        Ok(Transacted::Ready(loaded, written.reports))
    }

    pub(super) async fn make_table(&self, target: &Target) -> Result<Target, MergeError> {
        let created = async {
            make_schema(self.session, &target.schema).await?;
            self.session.run(&create_table(&target.qualified, &self.columns, &self.order.job)).await
        };
        created.await.map_err(rival)?;
        Ok(Target::find(self.session, &self.order.job).await?)
    }

    /// What was sent is exactly what the proof has: whatever went wrong, it is not published.
    fn check_rows(&self, facts: &Facts, written: &Written) -> Result<(), MergeError> {
        let expected = self.order.publishable(&self.policy).saturating_sub(facts.duplicates.rows);
        if facts.narrowed || written.sent == expected {
            return Ok(());
        }
        Err(MergeError::Integrity {
            file: self.order.place.to_string(),
            why: format!(
                "{} rows were loaded, the proof has {expected}; nothing was published",
                written.sent
            ),
            hint: "a file of the run changed between proof and load: merge again".into(),
        })
    }

    fn loaded(&self, rows: u64, total: Option<u64>, started: Instant) -> Loaded {
        let settled = Settled { rows, at_pauses: at_pauses(&self.earlier) };
        Loaded { already: false, ..Loaded::before(self.order, settled, total, started.elapsed()) }
    }
}

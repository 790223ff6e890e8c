//! The transaction, up to its COMMIT.

use std::sync::Arc;
use std::time::Instant;

use futures_util::SinkExt as _;

use super::carry::{Carrier, Facts, Freight, Parcel};
use super::fill::{Filling, Written};
use super::runs::Ledger;
use super::target::Target;
use super::{check_encoding, create_table};
use crate::database::postgres::{PostgresError, Session};
use crate::merge::columns::{self, Output};
use crate::merge::gate::RowCounts;
use crate::merge::load::{Loaded, Order, Relation, Settled, at_pauses};
use crate::merge::policy::Policy;
use crate::merge::runs::Publication;
use crate::merge::statements::Report;
use crate::merge::{MergeError, sql};

/// Where a transaction stands.
pub(super) enum Transacted {
    /// The run is published already: there is nothing to commit.
    Already(Loaded),
    /// All is written and counted; COMMIT is left.
    Ready(Loaded, Vec<Report>),
}

/// What holds in this transaction only. Moments are UTC; nobody's time limit ends a load.
const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; \
     SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL temp_buffers = '64MB'";

/// Everything but COMMIT. When it fails, the transaction ends with the session.
pub(super) async fn transact(session: &Session, order: &Arc<Order>) -> Result<Transacted, MergeError> {
    let started = Instant::now();
    session.run(BEGIN).await?;
    let target = Target::find(session, &order.job).await?;
    let columns = columns::of_run(order.plan(), Some(&order.job))?;
    let ledger = Ledger::of(session, &order.job, order.plan(), &target);
    let earlier = ledger.publications().await?;
    let transaction = Transaction { session, order, columns, policy: order.policy(), earlier };
    if let Some(publication) = order.settled(&transaction.earlier)? {
        let total = transaction.total(&target).await?;
        let loaded = transaction.loaded(publication.rows, total, started);
        return Ok(Transacted::Already(Loaded { already: true, ..loaded }));
    }
    check_encoding(session, &target).await?;
    target.check(session, &order.job, &transaction.columns).await?;
    transaction.claim(&ledger).await?;
    transaction.fill(&ledger, started).await
}

/// A transaction under way.
pub(super) struct Transaction<'a> {
    pub session: &'a Session,
    pub order: &'a Arc<Order>,
    pub columns: Vec<Output>,
    pub policy: Policy,
    pub earlier: Vec<Publication>,
}

impl Transaction<'_> {
    /// A rival that was faster shows as a key that is taken, or as a table that is there.
    async fn claim(&self, ledger: &Ledger<'_>) -> Result<(), MergeError> {
        let is_rival = |error: &PostgresError| matches!(error.code(), Some("23505" | "42P07" | "42710"));
        let claimed = async {
            ledger.create().await?;
            ledger.claim(&self.order.publication(), &self.earlier, self.order.now_micros).await
        };
        claimed.await.map_err(|error| match is_rival(&error) {
            true => MergeError::Rival(error),
            false => error.into(),
        })
    }

    /// Writes the rows, counts them, and asks the gate.
    async fn fill(&self, ledger: &Ledger<'_>, started: Instant) -> Result<Transacted, MergeError> {
        let found = Target::find(self.session, &self.order.job).await?;
        let is_new = !found.exists();
        let before = self.total(&found).await?;
        let target = if is_new { self.make_table(&found).await? } else { found };
        let filling = Filling::plan(self, &target, is_new);
        filling.lock().await?;
        let mut carrier = Carrier::start(filling.freight());
        let written = filling.fill(&mut carrier).await;
        // Where the thread failed, the parcels only stopped coming.
        let facts = carrier.facts().await;
        let (facts, written) = match (facts, written) {
            (Err(MergeError::Interrupted), Err(error)) | (Ok(_), Err(error)) => return Err(error),
            (Err(error), _) => return Err(error),
            (Ok(facts), Ok(written)) => (facts, written),
        };
        self.check_rows(&facts, &written)?;
        self.finish(ledger, &target, facts, written, before, started).await
    }

    async fn finish(
        &self,
        ledger: &Ledger<'_>,
        target: &Target,
        facts: Facts,
        written: Written,
        before: u64,
        started: Instant,
    ) -> Result<Transacted, MergeError> {
        ledger.count(&self.order.publication(), &self.earlier, written.rows).await?;
        let after = self.total(target).await?;
        let duplicates = facts.duplicates + written.duplicates;
        let of_run = self.order.publishable(&self.policy).saturating_sub(duplicates + written.withheld);
        let overridden = self.order.gate.pass(&RowCounts { of_run, before, after })?;
        let loaded = Loaded {
            replaced: written.replaced,
            duplicates,
            withheld: written.withheld,
            late: facts.late,
            gone: written.gone,
            overridden,
            ..self.loaded(written.rows, after, started)
        };
        Ok(Transacted::Ready(loaded, written.reports))
    }

    async fn make_table(&self, target: &Target) -> Result<Target, MergeError> {
        let Target { schema, qualified, .. } = target;
        let schema_quoted = sql::identifier(schema);
        let there = "SELECT to_regnamespace($1) IS NOT NULL";
        let found = self.session.client().query_one(there, &[&schema_quoted]).await;
        let is_there: bool = found.map_err(|error| self.session.failed(&error))?.get(0);
        if !is_there {
            self.session.run(&format!("CREATE SCHEMA {schema_quoted}")).await?;
        }
        self.session.run(&create_table(qualified, &self.columns, &self.order.job)).await?;
        Ok(Target::find(self.session, &self.order.job).await?)
    }

    /// What was sent is exactly what the proof has: whatever went wrong, it is not published.
    fn check_rows(&self, facts: &Facts, written: &Written) -> Result<(), MergeError> {
        let expected = self.order.publishable(&self.policy).saturating_sub(facts.duplicates);
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

    async fn total(&self, target: &Target) -> Result<u64, PostgresError> {
        if !target.exists() {
            return Ok(0);
        }
        self.count(&format!("SELECT count(*) FROM {}", target.qualified)).await
    }

    /// The one number that a statement answers with.
    pub async fn count(&self, sql: &str) -> Result<u64, PostgresError> {
        let row = self.session.client().query_one(sql, &[]).await;
        let number: i64 = row.map_err(|error| self.session.failed(&error))?.get(0);
        Ok(number.unsigned_abs())
    }

    /// Runs a statement; the rows that it changed.
    pub async fn execute(&self, sql: &str) -> Result<u64, PostgresError> {
        self.session.client().execute(sql, &[]).await.map_err(|error| self.session.failed(&error))
    }

    /// Sends a relation's parcels into a COPY; the rows that came, and those that were written.
    pub async fn copy(&self, copy: &str, carrier: &mut Carrier) -> Result<(u64, u64), MergeError> {
        let failed = |error| self.session.failed(&error);
        let sink = self.session.client().copy_in(copy).await.map_err(failed)?;
        let mut sink = std::pin::pin!(sink);
        loop {
            match carrier.parcels.recv().await {
                Some(Parcel::Data(bytes)) => sink.as_mut().send(bytes).await.map_err(failed)?,
                Some(Parcel::End(sent)) => {
                    let written = sink.as_mut().finish().await.map_err(failed)?;
                    return Ok((sent, written));
                }
                // The thread failed: it says why.
                Some(Parcel::Begin(..)) | None => return Err(MergeError::Interrupted),
            }
        }
    }

    /// What is brought, for a table that is there or not.
    pub fn freight(&self, is_new: bool, relations: Vec<Relation>, jsonb: Vec<bool>) -> Freight {
        let (order, columns, earlier) = (Arc::clone(self.order), self.columns.clone(), self.earlier.clone());
        Freight { order, columns, earlier, is_new, relations, jsonb }
    }

    fn loaded(&self, rows: u64, total: u64, started: Instant) -> Loaded {
        let settled = Settled { rows, at_pauses: at_pauses(&self.earlier) };
        Loaded { already: false, ..Loaded::before(self.order, settled, total, started.elapsed()) }
    }
}

//! The transaction, up to its COMMIT.

use std::sync::Arc;
use std::time::Instant;

use futures_util::SinkExt as _;

use super::carry::{Carrier, Facts, Freight, Parcel};
use super::check::refuse_unfit;
use super::create_table;
use super::fill::{Filling, Written};
use super::runs::{Ledger, make_schema};
use super::target::Target;
use crate::database::postgres::{PostgresError, Session};
use crate::merge::MergeError;
use crate::merge::columns::{self, Output};
use crate::merge::covered::Covered;
use crate::merge::gate::RowCounts;
use crate::merge::load::{Loaded, Order, Relation};
use crate::merge::policy::Policy;
use crate::merge::runs::Publication;
use crate::merge::statements::Report;

/// Size of a table, in bytes, that is read within seconds.
const SOON_COUNTED: u64 = 1 << 30;

/// Where a transaction stands.
pub(super) enum Transacted {
    /// The run is published already: there is nothing to commit.
    Already(Loaded),
    /// All is written and counted; COMMIT is left.
    Ready(Loaded, Vec<Report>),
}

const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL temp_buffers = '64MB'";

/// What holds in this transaction only, whatever the server, the database, the user or a statement of the job's own say:
/// moments are UTC, texts are what they look like, nobody's time limit ends a load, COMMIT means that it is on the disk,
/// and the server looks whether we are still there: within a minute it gives up the transaction of one that is gone.
pub(super) const SETTINGS: &str = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; \
     SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = 0; \
     SET LOCAL tcp_keepalives_idle = 20; SET LOCAL tcp_keepalives_interval = 10; SET LOCAL tcp_keepalives_count = 3; \
     SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'; \
     SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'; \
     SELECT set_config(name, '10s', true) FROM pg_settings \
         WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%'";

/// Everything but COMMIT. When it fails, the transaction ends with the session.
pub(super) async fn transact(session: &Session, order: &Arc<Order>) -> Result<Transacted, MergeError> {
    let started = Instant::now();
    session.run(BEGIN).await?;
    session.run(SETTINGS).await?;
    let target = Target::find(session, &order.job).await?;
    Ledger::of(session, &order.job, order.plan(), &target).await?.wait_for_rivals().await?;
    // What a rival has made meanwhile is there now.
    let target = Target::find(session, &order.job).await?;
    let ledger = Ledger::of(session, &order.job, order.plan(), &target).await?;
    let columns = columns::of_run(order.plan(), Some(&order.job))?;
    let earlier = ledger.publications().await?;
    let transaction = Transaction { session, order, columns, policy: order.policy(), earlier };
    if let Some(publication) = order.settled(&transaction.earlier)? {
        let total = transaction.total(&target).await?;
        let loaded = transaction.loaded(publication.rows, total, started);
        return Ok(Transacted::Already(Loaded { already: true, ..loaded }));
    }
    refuse_unfit(session, &order.job, &target, &transaction.columns).await?;
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

/// A transaction under way.
pub(super) struct Transaction<'a> {
    pub session: &'a Session,
    pub order: &'a Arc<Order>,
    pub columns: Vec<Output>,
    pub policy: Policy,
    pub earlier: Vec<Publication>,
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
        let (facts, written) = carrier.end(written).await?;
        self.check_rows(&facts, &written)?;
        self.finish(ledger, facts, written, before, started).await
    }

    async fn finish(
        &self,
        ledger: &Ledger<'_>,
        facts: Facts,
        written: Written,
        before: Option<u64>,
        started: Instant,
    ) -> Result<Transacted, MergeError> {
        ledger.count(&self.order.publication(), &self.earlier, written.rows).await?;
        // A table that was swapped is another one now.
        let after = self.total(&Target::find(self.session, &self.order.job).await?).await?;
        let duplicates = facts.duplicates + written.duplicates;
        let of_run = self.order.publishable(&self.policy).saturating_sub(duplicates + written.withheld);
        let overridden = self.order.gate.pass(&RowCounts {
            of_run,
            before: before.unwrap_or_default(),
            after: after.unwrap_or_default(),
        })?;
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
        let created = async {
            make_schema(self.session, &target.schema).await?;
            self.session.run(&create_table(&target.qualified, &self.columns, &self.order.job)).await
        };
        created.await.map_err(rival)?;
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

    /// The rows of the table, where the gate looks at them, or where they are soon counted.
    async fn total(&self, target: &Target) -> Result<Option<u64>, PostgresError> {
        let Some(oid) = target.oid() else { return Ok(Some(0)) };
        let size = format!(
            "SELECT (pg_relation_size({oid}) + coalesce((SELECT sum(pg_relation_size(relid)) \
             FROM pg_partition_tree({oid})), 0))::bigint"
        );
        match self.order.gate.looks_at_table() || self.count(&size).await? < SOON_COUNTED {
            true => self.count(&format!("SELECT count(*) FROM {}", target.qualified)).await.map(Some),
            false => Ok(None),
        }
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

    fn loaded(&self, rows: u64, total: Option<u64>, started: Instant) -> Loaded {
        let of_pauses = self.earlier.iter().filter(|earlier| matches!(earlier.covered, Covered::Blocks(_)));
        Loaded {
            already: false,
            rows,
            replaced: 0,
            left_out: self.order.proof.records.saturating_sub(self.order.admitted(&self.policy)),
            duplicates: 0,
            withheld: 0,
            late: 0,
            gone: 0,
            total,
            at_pauses: of_pauses.map(|earlier| earlier.rows).sum(),
            overridden: Vec::new(),
            took: started.elapsed(),
        }
    }
}

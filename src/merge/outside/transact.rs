//! The transaction, up to its COMMIT.

use std::sync::Arc;

use super::added;
use super::check::{refuse_misfit, refuse_unfit};
use super::exporter::Exporter;
use super::fill::Filling;
use super::queue::{self, JobEnd};
use super::runs::{Runs, make_schema};
use super::statements;
use super::table::create_table;
use super::target::{OutsideTarget, name_of_target};
use super::transaction::Transaction;
use crate::database::{Session, Trouble};
use crate::job::Statement;
use crate::merge::dialect::Dialect;
use crate::merge::load::{Engine, Order, Written};
use crate::merge::runs::{Ledger, Publication};
use crate::merge::statements::Report;
use crate::merge::{MergeError, columns, dialect};

/// Begins, alone with this run and its table: with BEGIN, unless tables and columns [have to be made
/// before](Transaction::open).
pub(super) async fn begin<'a>(
    session: &'a Session,
    order: &'a Arc<Order>,
) -> Result<Transaction<'a>, MergeError> {
    let dialect = dialect::of(session);
    if dialect.makes_tables_in_transaction() {
        session.run(begins(dialect, order)).await?;
    }
    session.run(dialect.settings()).await?;
    let name = name_of_target(session, &order.job).await?;
    // What this one reads from then on is what another merge of this run has left, whichever rounds it published.
    let word = format!("windrow {} {name}", order.plan().run);
    session.run(&dialect.wait_for_rivals(&word)).await?;
    // With what a rival has made meanwhile.
    let target = OutsideTarget::find(session, &order.job).await?;
    let columns = columns::of_run(order.plan(), Some(&order.job))?;
    let runs = Runs::find(session, &order.job, &target).await?;
    let earlier = runs.publications(session, &runs.ledger(session, order.plan(), &target)).await?;
    let policy = order.policy();
    let (is_made, added) = (None, Vec::new());
    Ok(Transaction { session, dialect, order, columns, policy, target, runs, earlier, is_made, added })
}

/// How the transaction begins. That of a batch locks no gaps, in which producers insert.
fn begins(dialect: &dyn Dialect, order: &Order) -> &'static str {
    match dialect.queue() {
        Some(queue) if order.batch.is_some() => queue.begin_read_committed(),
        _ => dialect.begin(),
    }
}

/// A rival that was faster shows as a key that is taken, or as a table or schema that is there.
fn rival(error: MergeError) -> MergeError {
    match error {
        MergeError::Server(error) => match error.trouble() {
            Some(Trouble::Taken | Trouble::Exists) => MergeError::Rival(error),
            _ => error.into(),
        },
        other => other,
    }
}

impl Transaction<'_> {
    /// Begins where [`begin`] did not: with the table and its columns, which could not be made within the transaction.
    pub(super) async fn open(&mut self) -> Result<(), MergeError> {
        if self.dialect.makes_tables_in_transaction() {
            return Ok(());
        }
        self.is_made = Some(self.make_table().await?);
        Ok(self.session.run(begins(self.dialect, self.order)).await?)
    }

    /// Makes the table where it is not there, and else adds the columns that it is to gain; whether it was not there.
    pub(super) async fn make_table(&mut self) -> Result<bool, MergeError> {
        if let Some(is_made) = self.is_made {
            return Ok(is_made);
        }
        self.target = OutsideTarget::find(self.session, &self.order.job).await?;
        if self.target.exists() {
            return self.add_columns().await.map(|()| false);
        }
        let created = async {
            make_schema(self.session, &self.target.schema).await?;
            let create = create_table(self.dialect, &self.target.qualified, &self.columns, &self.order.job);
            Ok(self.session.run(&create).await?)
        };
        created.await.map_err(rival)?;
        self.target = OutsideTarget::find(self.session, &self.order.job).await?;
        Ok(true)
    }

    async fn add_columns(&mut self) -> Result<(), MergeError> {
        let (session, job) = (self.session, &self.order.job);
        let added = added::new_columns(job, &self.target, &self.columns);
        if added.is_empty() {
            return Ok(());
        }
        added::add(session, &self.target, &added).await?;
        self.added = added.into_iter().map(|column| column.name).collect();
        self.target = OutsideTarget::find(session, job).await?;
        added::refuse_misfit(job, &self.target, &self.columns)
    }
}

impl Engine for Transaction<'_> {
    fn earlier(&self) -> &[Publication] {
        &self.earlier
    }

    fn ledger(&self) -> Ledger<'_> {
        self.runs.ledger(self.session, self.order.plan(), &self.target)
    }

    async fn make_runs(&mut self) -> Result<(), MergeError> {
        self.runs.make(self.session).await?;
        self.open().await
    }

    async fn execute(&self, sql: &str) -> Result<u64, MergeError> {
        Ok(self.session.execute(sql).await?)
    }

    fn while_claiming(&self, error: MergeError) -> MergeError {
        rival(error)
    }

    async fn fence(&self) -> Result<(), MergeError> {
        match &self.order.batch {
            Some(batch) => queue::fence(self.session, batch, &self.order.plan().run, &self.order.moved).await,
            None => Ok(()),
        }
    }

    async fn settle(&self, ends: &[JobEnd]) -> Result<(), MergeError> {
        match &self.order.batch {
            Some(batch) => queue::settle(self.session, batch, &self.order.plan().run, ends).await,
            None => Ok(()),
        }
    }

    async fn check(&self) -> Result<(), MergeError> {
        if self.order.batch.is_some() {
            // All of it was looked over before the first batch; what the table is now is known without a question.
            return refuse_misfit(&self.order.job, &self.target, &self.columns);
        }
        refuse_unfit(self.session, &self.order.job, &self.target, &self.columns).await
    }

    async fn total(&self) -> Result<Option<u64>, MergeError> {
        Ok(self.rows_of_table().await?)
    }

    async fn write(&mut self) -> Result<Written, MergeError> {
        let is_made = self.make_table().await?;
        let filling = Filling::plan(self, is_made).await?;
        let before = if is_made { Some(0) } else { self.rows_of_table().await? };
        let mut exporter = Exporter::start(filling.exports());
        let written = filling.fill(&mut exporter).await;
        let (facts, written) = exporter.end(written).await?;
        let (duplicates, late, narrowed) = (facts.duplicates, facts.late, facts.narrowed);
        Ok(Written { before, duplicates, late, narrowed, ..written })
    }

    async fn statement(&self, name: &str, statement: &Statement) -> Result<(), MergeError> {
        statements::run(self.session, name, statement).await
    }

    async fn report(&self, name: &str, statement: &Statement, report: Report) -> Result<Report, MergeError> {
        statements::report(self.session, name, statement, report).await
    }
}

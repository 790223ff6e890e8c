//! What happens between BEGIN and COMMIT, whichever database it is.
//!
//! | step | whose |
//! |---|---|
//! | what of this run stands already: then there is nothing to do | this file's |
//! | the table is looked over | the [`Engine`]'s |
//! | the row in `windrow_runs` | this file's, in the engine's SQL |
//! | the table, the job's `[[publish.before]]`, the rows, those of ids that are gone | the engine's |
//! | what was sent is what the proof has | this file's |
//! | the jobs of a batch are fenced before the rows, and settled behind them | the engine's |
//! | the rows are noted, then the job's `[[publish.after]]` | this file's, in the engine's SQL |
//! | the gate looks at the rows | this file's |

use std::time::Instant;

use super::order::{Loaded, Order, Settled, at_pauses};
use crate::job::Statement;
use crate::merge::MergeError;
use crate::merge::gate::{Duplicates, RowCounts};
use crate::merge::outside::queue::JobEnd;
use crate::merge::runs::{Ledger, Publication};
use crate::merge::statements::{self, Report};

/// A database in which a transaction has begun, alone with this run and its table.
pub(in crate::merge) trait Engine {
    /// What of this run was published before.
    fn earlier(&self) -> &[Publication];

    /// Where that is noted.
    fn ledger(&self) -> Ledger<'_>;

    /// Makes the table of runs, where it is not there.
    async fn make_runs(&mut self) -> Result<(), MergeError>;

    /// Runs a statement of windrow's own; the rows that it changed.
    async fn execute(&self, sql: &str) -> Result<u64, MergeError>;

    /// What an error means while the run is claimed: another merge may have been faster.
    fn while_claiming(&self, error: MergeError) -> MergeError {
        error
    }

    /// Locks the jobs of a batch, and looks that they are still this run's.
    async fn fence(&self) -> Result<(), MergeError> {
        Ok(())
    }

    /// Settles the jobs of a batch.
    async fn settle(&self, _ends: &[JobEnd]) -> Result<(), MergeError> {
        Ok(())
    }

    /// Refuses a table that cannot be filled, naming all that is wrong with it.
    async fn check(&self) -> Result<(), MergeError>;

    /// Rows of the table; `None` where counting them would take long and nothing depends on it.
    async fn total(&self) -> Result<Option<u64>, MergeError>;

    /// Writes the run's rows as the mode says, the job's `[[publish.before]]` before them, and deletes those of ids that are gone.
    async fn write(&mut self) -> Result<Written, MergeError>;

    /// Runs a statement of the job's own, or several.
    async fn statement(&self, name: &str, statement: &Statement) -> Result<(), MergeError>;

    /// Writes the answer of a query of the job's own.
    async fn report(&self, name: &str, statement: &Statement, report: Report) -> Result<Report, MergeError>;
}

/// What was written.
#[derive(Debug, Clone, Default)]
pub(in crate::merge) struct Written {
    /// Rows of the table before; see [`Engine::total`].
    pub before: Option<u64>,
    /// Rows that came from the run's files.
    pub sent: u64,
    /// Rows that did not come, since a later one has their key.
    pub duplicates: Duplicates,
    /// Of those that came: left out as well, as the database compares keys or a statement has changed them.
    pub twins: Duplicates,
    /// Of those that came: taken out by the job's own statements.
    pub withheld: u64,
    /// Rows of the table that are new or replaced.
    pub rows: u64,
    /// Rows of the table that were replaced or deleted for them.
    pub replaced: u64,
    pub gone: u64,
    /// Answers of records that were appended before.
    pub late: u64,
    /// Whether only what is new since an earlier publication came.
    pub narrowed: bool,
    /// Columns that the table was given.
    pub added: Vec<String>,
}

impl Written {
    /// Rows that came and are not in the table: a trigger or a rule of the table kept them out.
    fn kept_out(&self) -> u64 {
        self.sent.saturating_sub(self.withheld + self.twins.rows + self.rows)
    }

    fn all_duplicates(&self) -> Duplicates {
        Duplicates {
            rows: self.duplicates.rows + self.twins.rows,
            first: self.duplicates.first.clone().or_else(|| self.twins.first.clone()),
        }
    }
}

/// Where a transaction stands.
pub(in crate::merge) enum Transacted {
    /// The run is published already: there is nothing to commit.
    Already(Loaded),
    /// All is written and counted; COMMIT is left.
    Ready(Loaded, Vec<Report>),
}

/// Everything but COMMIT. Where it fails, the transaction is to be undone.
pub(in crate::merge) async fn transact(
    engine: &mut impl Engine,
    order: &Order,
) -> Result<Transacted, MergeError> {
    let started = Instant::now();
    let standing = order.settled(engine.earlier())?;
    if let Some(publication) = standing.filter(|standing| !order.tries_again(standing)) {
        let settled = publication.settled(engine.earlier());
        let total = engine.total().await?;
        return Ok(Transacted::Already(Loaded::before(order, settled, total, started.elapsed())));
    }
    engine.check().await?;
    let claimed = claim(engine, order).await;
    claimed.map_err(|error| engine.while_claiming(error))?;
    engine.fence().await?;
    let written = engine.write().await?;
    check_rows(order, &written)?;
    // Before the job's own statements: if one commits, the run is published, and is known to be.
    let before =
        engine.earlier().iter().find(|one| written.narrowed && one.covered == order.publication().covered);
    let rows = written.rows + before.map_or(0, |tried_again| tried_again.rows);
    let ends = order.job_ends();
    let jobs = order.batch.is_some().then(|| ends.iter().filter(|end| **end == JobEnd::Done).count() as u64);
    let count = engine.ledger().count(&order.publication(), engine.earlier(), rows, jobs);
    engine.execute(&count).await?;
    engine.settle(&ends).await?;
    let reports = after(engine, order).await?;
    let total = engine.total().await?;
    let overridden = ask_gate(order, &written, total)?;
    let rejected = order.rejected.values().cloned().collect();
    let settled = Settled { rows: written.rows, rejected, at_pauses: at_pauses(engine.earlier()) };
    let loaded = Loaded {
        already: false,
        replaced: written.replaced,
        duplicates: written.all_duplicates(),
        withheld: written.withheld,
        kept_out: written.kept_out(),
        late: written.late,
        gone: written.gone,
        added: written.added,
        job_ends: ends,
        overridden,
        ..Loaded::before(order, settled, total, started.elapsed())
    };
    Ok(Transacted::Ready(loaded, reports))
}

async fn claim(engine: &mut impl Engine, order: &Order) -> Result<(), MergeError> {
    engine.make_runs().await?;
    let [renew, claim] = engine.ledger().claim(&order.publication(), engine.earlier(), order.now_micros);
    if engine.execute(&renew).await? == 0 {
        engine.execute(&claim).await?;
    }
    Ok(())
}

/// What came is exactly what the proof has: whatever went wrong, it is not published.
fn check_rows(order: &Order, written: &Written) -> Result<(), MergeError> {
    let expected = order.publishable(&order.policy()).saturating_sub(written.duplicates.rows);
    if written.narrowed || written.sent == expected {
        return Ok(());
    }
    Err(MergeError::Integrity {
        file: order.place.to_string(),
        why: format!("{} rows were loaded, the proof has {expected}; nothing was published", written.sent),
        hint: "a file of the run changed between proof and load: merge again".into(),
    })
}

/// Runs the statements after the rows; their reports. A trial runs none: its database has none of the job's other tables.
async fn after(engine: &impl Engine, order: &Order) -> Result<Vec<Report>, MergeError> {
    let mut reports = Vec::new();
    if order.plan().trial {
        return Ok(reports);
    }
    for (name, statement) in statements::after(&order.job) {
        match &statement.file {
            None => engine.statement(&name, statement).await?,
            Some(path) => {
                let report = Report::begin(path, &order.tag())?;
                reports.push(engine.report(&name, statement, report).await?);
            }
        }
    }
    Ok(reports)
}

/// The conditions that are not met, where it is published all the same.
fn ask_gate(order: &Order, written: &Written, total: Option<u64>) -> Result<Vec<String>, MergeError> {
    let duplicates = written.all_duplicates();
    let not_there = duplicates.rows + written.withheld + written.kept_out();
    order.gate.pass(&RowCounts {
        duplicates: &duplicates,
        of_run: order.publishable(&order.policy()).saturating_sub(not_there),
        before: written.before.unwrap_or_default(),
        after: total.unwrap_or_default(),
    })
}

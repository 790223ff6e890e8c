//! A database outside of this process as the destination: one transaction, all or nothing.
//!
//! Which database it is, [`dialect`] knows, and nobody here. DuckDB works out, in memory over the run's files,
//! what is written ([`Export`](super::load::Export)); a thread encodes it; the rows go straight into the table where the mode
//! allows it, and else into a temporary table, `windrow_rows`, from which set-based statements take them.
//!
//! | mode | rows that stand | new rows |
//! |---|---|---|
//! | append | stay | straight into the table |
//! | upsert | UPDATE under their key: what the job does not name stays as it is, and what refers to them | INSERT from staging; [both straight](self::over) where that comes to the same |
//! | replace | DELETE of all, but for ids that are to stay | straight into the table |
//! | replace_ids | DELETE of those with an answered id | straight into the table |
//! | either of them, where others refer to the table and a key tells rows apart | [UPDATE](self::in_place) of those that come again, DELETE of the rest | INSERT from staging |
//! | replace, swapped | go with their table | straight into [a new table](self::swap) |
//!
//! Staged are the rows of an upsert (unless the table is empty, or they are written over others), those where
//! `on_failure = "keep"` takes columns from the row that stood, where a column needs a conversion, and where a statement of the
//! job's own names `windrow_rows`. Of rows that stand under one key twice, the one that lies last in the table counts as the
//! latest; an upsert leaves only that one. From staging an upsert is an UPDATE and an INSERT, not `ON CONFLICT`: that takes a
//! serial number for every row that it only updates, and fires the triggers of an insertion. Where the table has a unique index
//! on the key, staged rows may lie [by their key](self::by_key), too, and the two tables are gone through side by side.
//!
//! What any of these statements does to rows of other tables, by foreign keys or triggers, is [watched](self::referencing),
//! and refused unless the job lets it happen.
//!
//! # Who waits for whom
//!
//! Another merge of the same run waits on a lock of the run's own, and then finds what this one published; should it not
//! wait, the key of the row in `windrow_runs` would refuse it. Modes that look at what stands keep others from writing between
//! look and COMMIT; they read on. Readers see the old rows until COMMIT, and those with an older snapshot after it too:
//! DELETE, never TRUNCATE; only a table that is [swapped](self::swap) on request is another one after it. Where a table is
//! [given columns](self::added) in the transaction, PostgreSQL lets readers wait from then on for COMMIT.
//!
//! Rows that the server refuses are [looked for](self::refused), in a transaction that is undone, so that the error names
//! them, or the run is published without them.
//!
//! # A COMMIT without an answer
//!
//! The server may have carried it out, may never have got it, or may be about to. A new connection, waited for up to a
//! minute while the server comes back, starts the transaction anew: its claim in `windrow_runs` waits until the lost one
//! has ended, and then either finds the run published, or publishes it. A deadlock is repeated in the same way.

mod added;
mod ask;
mod by_key;
mod check;
mod exporter;
mod fill;
mod give_up;
mod in_place;
mod over;
pub(in crate::merge) mod queue;
mod referencing;
mod refused;
mod rights;
mod rows;
mod runs;
mod staged;
mod statements;
mod swap;
mod table;
mod target;
mod transact;
mod transaction;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::{Duration, Instant};

use self::ask::connect_to_read;
pub(super) use self::check::check;
use self::give_up::CancelWhenDropped;
#[cfg(test)]
pub(super) use self::over::clause_of;
use self::runs::Runs;
pub(super) use self::table::create_table;
use self::target::OutsideTarget;
use self::transact::begin;
use super::load::{Loaded, Order, Transacted, transact};
use super::query::{AnswerColumn, QueryResult};
use super::statements::{Report, finish, keep};
use super::{MergeError, columns, dialect};
use crate::database::{DatabaseError, Server, Session, Trouble};
use crate::job::TableName;

/// How often a transaction is begun anew: after a rival's, a deadlock, a COMMIT without an answer.
const ATTEMPTS: u32 = 4;
/// How long the server may take to come back after it went away at COMMIT.
const COMES_BACK: Duration = Duration::from_secs(60);
/// Pause between two looks whether it is back.
const LOOK_AGAIN: Duration = Duration::from_millis(250);

/// Loads a proven run, unless `stop` comes before COMMIT.
pub(super) async fn load(
    order: Order,
    server: &Server,
    stop: impl Future<Output = ()>,
) -> Result<Loaded, MergeError> {
    let mut stop = pin!(stop);
    let mut load = Load { order: Arc::new(order), server, unanswered: None, added: Vec::new() };
    let started = Instant::now();
    let mut attempts_left = ATTEMPTS;
    while attempts_left > 0 {
        attempts_left -= 1;
        match load.attempt(stop.as_mut(), attempts_left > 0).await {
            Ok(Some(loaded)) => {
                return Ok(Loaded { took: started.elapsed(), added: load.added, ..loaded });
            }
            Ok(None) => {}
            // A table that others read is not where a lenient load may have changed something.
            // And a value that cannot go straight into it may be refused from staging, with its row.
            Err(error) if may_be_staged(&error) && !load.order.staged => {
                Arc::make_mut(&mut load.order).staged = true;
                attempts_left = ATTEMPTS;
            }
            // Their jobs are not settled, whatever comes: it is begun anew as often as there are such.
            Err(MergeError::Moved(moved)) => {
                Arc::make_mut(&mut load.order).leave_out(moved);
                attempts_left = ATTEMPTS;
            }
            // Of a batch that row's job alone has failed.
            Err(MergeError::NullKey { column, ordinal, .. }) if load.order.may_leave_out(ordinal) => {
                Arc::make_mut(&mut load.order)
                    .leave_out_row(ordinal, format!("it has no value in the key column {column:?}"));
                attempts_left = ATTEMPTS;
            }
            Err(MergeError::Server(error)) if error.row().is_some() => {
                let may_repeat = attempts_left > 0;
                if load.reject(error, may_repeat, stop.as_mut()).await? {
                    attempts_left = ATTEMPTS;
                }
            }
            Err(error) => return Err(error),
        }
    }
    Err(MergeError::Interrupted)
}

/// A load under way.
struct Load<'a> {
    order: Arc<Order>,
    server: &'a Server,
    /// What a COMMIT that was not answered would have published.
    unanswered: Option<Unanswered>,
    /// Columns that the table was given, in this transaction or, where they stay, in one before.
    added: Vec<String>,
}

struct Unanswered {
    loaded: Loaded,
    reports: Vec<Report>,
    error: DatabaseError,
}

impl Load<'_> {
    /// One transaction; `None` where it is to be begun anew.
    async fn attempt<S: Future<Output = ()>>(
        &mut self,
        mut stop: Pin<&mut S>,
        may_repeat: bool,
    ) -> Result<Option<Loaded>, MergeError> {
        let session = tokio::select! {
            session = self.connect() => session?,
            () = &mut stop => return Err(self.given_up()),
        };
        let guard = CancelWhenDropped::new(&session);
        let transacted = tokio::select! {
            transacted = begun_and_transacted(&session, &self.order, &mut self.added) => transacted,
            () = &mut stop => {
                guard.cancel().await;
                session.close().await;
                return Err(self.given_up());
            }
        };
        guard.disarm();
        let ended = self.end(&session, transacted, may_repeat).await;
        session.close().await;
        ended
    }

    /// Leaves out the records that the table refuses, where the job lets it; else fails with their names. False where a key is
    /// taken, and nobody's row is refused any more: another run wrote it meanwhile, and it comes again.
    async fn reject<S: Future<Output = ()>>(
        &mut self,
        error: DatabaseError,
        may_repeat: bool,
        stop: Pin<&mut S>,
    ) -> Result<bool, MergeError> {
        let Some(refusal) = error.row() else { return Err(error.into()) };
        let found = tokio::select! {
            found = refused::rows(self.server, &self.order, refusal) => found,
            () = stop => None,
        };
        match found {
            Some(found) => Arc::make_mut(&mut self.order).reject(found).map(|()| true),
            None if may_repeat && error.trouble() == Some(Trouble::Taken) => Ok(false),
            None => Err(error.into()),
        }
    }

    /// COMMIT, where there is something to commit.
    async fn end(
        &mut self,
        session: &Session,
        transacted: Result<Transacted, MergeError>,
        may_repeat: bool,
    ) -> Result<Option<Loaded>, MergeError> {
        let error = match transacted {
            Ok(Transacted::Already(found)) => return Ok(Some(self.settled(found))),
            Ok(Transacted::Ready(loaded, mut reports)) => {
                keep(&mut reports, true);
                match session.run("COMMIT").await {
                    Ok(()) => return Ok(Some(Loaded { warnings: finish(reports), ..loaded })),
                    Err(error) if error.is_lost() => {
                        self.unanswered = Some(Unanswered { loaded, reports, error });
                        return if may_repeat { Ok(None) } else { Err(self.given_up()) };
                    }
                    Err(error) => {
                        keep(&mut reports, false);
                        error.into()
                    }
                }
            }
            Err(error) => error,
        };
        if may_repeat && is_passing(&error) { Ok(None) } else { Err(error) }
    }

    /// The run stands there: by the COMMIT that was not answered, if there was one.
    fn settled(&mut self, found: Loaded) -> Loaded {
        match self.unanswered.take() {
            Some(Unanswered { loaded, reports, .. }) => Loaded { warnings: finish(reports), ..loaded },
            None => found,
        }
    }

    /// Whether anything is published is not known while a COMMIT has no answer.
    fn given_up(&mut self) -> MergeError {
        self.unanswered.take().map_or(MergeError::Interrupted, |unanswered| unanswered.error.into())
    }

    async fn connect(&self) -> Result<Session, DatabaseError> {
        match &self.unanswered {
            None => self.server.connect().await,
            Some(unanswered) => come_back(self.server).await.map_err(|_| unanswered.error.clone()),
        }
    }
}

/// A transaction up to its COMMIT; `added` are the columns that the table has been given by then.
async fn begun_and_transacted(
    session: &Session,
    order: &Arc<Order>,
    added: &mut Vec<String>,
) -> Result<Transacted, MergeError> {
    let mut transaction = begin(session, order).await?;
    let transacted = transact(&mut transaction, order).await;
    if transaction.dialect.makes_tables_in_transaction() {
        added.clear();
    }
    added.append(&mut transaction.added);
    transacted
}

/// Whether a load that goes straight into the table may end otherwise by way of staging.
fn may_be_staged(error: &MergeError) -> bool {
    match error {
        MergeError::Value { .. } => true,
        MergeError::Server(error) => error.trouble() == Some(Trouble::Misread),
        _ => false,
    }
}

/// Whether beginning anew may help: a rival claimed the run, or made the table of runs, or a deadlock was broken.
fn is_passing(error: &MergeError) -> bool {
    match error {
        MergeError::Rival(_) => true,
        MergeError::Server(error) => error.trouble() == Some(Trouble::Deadlock),
        _ => false,
    }
}

/// A new connection to a server that may be restarting.
async fn come_back(server: &Server) -> Result<Session, DatabaseError> {
    let since = Instant::now();
    loop {
        match server.connect().await {
            Err(error) if since.elapsed() > COMES_BACK => return Err(error),
            Err(_) => tokio::time::sleep(LOOK_AGAIN).await,
            session => return session,
        }
    }
}

/// Whether the run stands on the server already.
pub(super) async fn is_published(order: &Order, server: &Server) -> Result<bool, MergeError> {
    let session = connect_to_read(server).await?;
    let target = OutsideTarget::find(&session, &order.job).await?;
    let runs = Runs::find(&session, &order.job, &target).await?;
    let publications = runs.publications(&session, &runs.ledger(&session, order.plan(), &target)).await?;
    let settled = order.settled(&publications)?.is_some();
    session.close().await;
    Ok(settled)
}

/// The first rows of a table, as texts.
pub(super) async fn first_rows(
    server: &Server,
    table: &str,
    limit: usize,
) -> Result<QueryResult, MergeError> {
    let session = connect_to_read(server).await?;
    let dialect = dialect::of(&session);
    let TableName { schema, table } = columns::table_name(table);
    let found = target::find(&session, schema.as_deref(), &table).await?;
    let name = target::qualified(dialect, &found.schema, &found.table);
    let columns = session.columns(&format!("SELECT * FROM {name}")).await?.into_iter();
    let columns: Vec<AnswerColumn> = columns.map(|(name, ty)| AnswerColumn { name, ty }).collect();
    let texts: Vec<String> =
        columns.iter().map(|column| dialect.as_text(&dialect.identifier(&column.name))).collect();
    let first = format!("SELECT {} FROM {name} LIMIT {}", texts.join(", "), limit.saturating_add(1));
    let found = session.rows(&first).await?;
    let rows = found.iter().take(limit).map(|row| row.values().to_vec()).collect();
    session.close().await;
    Ok(QueryResult { rows, truncated: found.len() > limit, columns })
}

//! One transaction: the row in `windrow_runs` first, then the table, all or nothing.
//!
//! | mode | the table's rows | written |
//! |---|---|---|
//! | append | stay as they are | all records; after a retry those that were not written before |
//! | upsert | those with the key of a written one are deleted | all records; after a retry those with new answers |
//! | replace | all are deleted | all records |
//! | replace_ids | those with the id of an answered record are deleted | all records; after a retry those with new answers, and others of their ids |
//!
//! A record is *answered* when it has succeeded (ok, missing, or its `when` said no) at every endpoint that it
//! needs: each with `on_failure = "skip"`, and the one that explodes unless it says `null`. What it writes are the
//! rows of the endpoint that explodes, the others' columns repeated on each: none at all where its answer has none,
//! and one row in a job where none explodes. What becomes of an id that failed at an endpoint:
//!
//! | mode | `skip` | `null` | `keep`, one row | `keep`, the one that explodes |
//! |---|---|---|---|---|
//! | append | nothing is written | its columns are null | its columns as the latest row under the key has them | nothing is written |
//! | upsert | its rows stay as they stand | its columns are null | its columns as the row under the key has them | its rows stay as they stand |
//! | replace | its rows are deleted | its columns are null | its columns as the latest row under the key had them | its rows stay as they stand |
//! | replace_ids | its rows stay as they stand | its columns are null | its columns as the first row under the id had them | its rows stay as they stand |
//!
//! Where the endpoint that explodes says `null`, a failure is one row with nulls there. Where nothing stands under
//! the key or id, `keep` is null. Of several records with one id an answered one decides: it replaces rows that
//! another would leave as they stand.
//!
//! An upsert replaces and adds: the row of nulls of an endpoint that failed stays when a retry finds that there are
//! no rows. `on_unlisted = "delete"` (upsert, replace_ids) deletes, last, the rows of ids that are not in the list; a trial
//! never does.
//!
//! Rows go straight from the chunks into the table, slice by slice, joined on the ordinal; nothing is staged
//! but keys. Where the table becomes a file ([`file`](super::file)) they go in the order of the list. Readers in this process see the rows of before until COMMIT (other processes cannot open the file
//! meanwhile). What was written is counted against the proof, and the gate looks at the rows, before COMMIT.
//!
//! When a run pauses, what there is of it may be published before it is whole (append and upsert only): of the blocks
//! that are committed the records that have succeeded at *every* endpoint, whatever `on_failure` says. What failed or
//! waits will be asked again, so that no row is appended, and none replaced, that a later answer would change.
//! Later pauses and the whole run write what is new, as after a retry; `on_unlisted` waits for the whole run.
//!
//! An upsert leaves columns that the job does not name as they are in rows that stand, and gives new rows
//! their defaults; the other modes give all rows their defaults.

mod export;
mod ids;
mod insert;
mod keys;
mod order;
mod refused;
mod room;
mod scope;
mod staged;
mod statements;
mod stop;
mod transact;

use std::path::Path;
use std::time::Instant;

use duckdb::Connection;
use futures_util::FutureExt as _;

pub(super) use self::export::{Export, Exported, Relation};
use self::insert::Only;
use self::keys::{ROWID, WINNERS};
pub(super) use self::order::{Loaded, Order, Settled, settled};
use self::order::{ledger, publications};
use self::room::Room;
use self::scope::SCOPE;
pub(super) use self::staged::failed_column;
pub(super) use self::stop::{Stop, StopWhenDropped};
pub(super) use self::transact::{Engine, Transacted, Written, transact};
use super::columns::{self, Origin, Output};
use super::gate::Duplicates;
use super::policy::Policy;
use super::runs::{self, Ledger, Publication};
use super::slice::Slice;
use super::statements::{Report, Views, finish, keep};
use super::target::Target;
use super::{MergeError, database, sql};
use crate::job::{Mode, Statement};

/// Temporary table: ordinal and id of the records whose rows go into the table, even if they have none.
const ANSWERED: &str = "temp.windrow_answered";

/// Loads a proven run, unless it is stopped before COMMIT; anew without the records that the table refuses, where the job
/// lets it.
pub(super) fn load(mut order: Order, path: &Path, stop: &Stop) -> Result<Loaded, MergeError> {
    loop {
        let connection = database::open_unless(path, order.proof.files.row_group(), || stop.is_stopped())?;
        let error = match stop.attend(&connection, || load_into(&connection, &order, path, stop)) {
            Ok(loaded) => return Ok(loaded),
            Err(Failed::Commit(error, unanswered)) => {
                drop(connection);
                let resolved = resolve(&order, path, error, *unanswered, stop);
                return resolved.map_err(|error| unless_stopped(error, stop));
            }
            Err(Failed::Before(error)) => error,
        };
        let found = stop.attend(&connection, || refused::find(&connection, &order, path, &error));
        match found {
            Some(found) if !stop.is_stopped() => order.reject(found)?,
            _ => return Err(unless_stopped(error, stop)),
        }
    }
}

fn unless_stopped(error: MergeError, stop: &Stop) -> MergeError {
    if stop.is_stopped() { MergeError::Interrupted } else { error }
}

/// COMMIT did not say that it worked: the row in `windrow_runs` tells.
pub(super) fn resolve(
    order: &Order,
    path: &Path,
    error: MergeError,
    (loaded, mut reports): (Loaded, Vec<Report>),
    stop: &Stop,
) -> Result<Loaded, MergeError> {
    // Whatever the caller says meanwhile: it is to be known what stands.
    let connection = database::open_unless(path, None, || false)?;
    let publications = publications(&connection, order, path)?;
    match order.settled(&publications)? {
        Some(_) => Ok(Loaded { warnings: finish(reports), ..loaded }),
        None => {
            keep(&mut reports, false);
            Err(unless_stopped(error, stop))
        }
    }
}

/// Where a load failed.
#[derive(Debug)]
pub(super) enum Failed {
    /// Nothing was published.
    Before(MergeError),
    /// At COMMIT: what stands is not known. What it would have published.
    Commit(MergeError, Box<(Loaded, Vec<Report>)>),
}

impl Failed {
    /// Why; for who needs no difference between the two.
    pub(super) fn into_error(self) -> MergeError {
        let (Failed::Before(error) | Failed::Commit(error, _)) = self;
        error
    }
}

impl From<MergeError> for Failed {
    fn from(error: MergeError) -> Failed {
        Failed::Before(error)
    }
}

pub(super) fn load_into(
    connection: &Connection,
    order: &Order,
    path: &Path,
    stop: &Stop,
) -> Result<Loaded, Failed> {
    let (loaded, reports) = load_on(&Ground { connection, path, ordered: false, unread: 0 }, order, stop)?;
    Ok(Loaded { warnings: finish(reports), ..loaded })
}

/// Where a load works.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ground<'a> {
    pub connection: &'a Connection,
    /// What is published into, for messages.
    pub path: &'a Path,
    /// Whether new rows are written in the order of the list: by record, then by part.
    pub ordered: bool,
    /// Rows that stand elsewhere and that all make way.
    pub unread: u64,
}

/// Loads within a connection. The reports are written, and have no name yet.
pub(super) fn load_on(
    ground: &Ground<'_>,
    order: &Order,
    stop: &Stop,
) -> Result<(Loaded, Vec<Report>), Failed> {
    let started = Instant::now();
    let Ground { connection, path, .. } = *ground;
    let failed = |error: duckdb::Error| database::failed(path, &error);
    let mut loading = Loading::begin(ground, order)?;
    // DuckDB answers at once: there is nothing to wait for.
    let transacted = transact(&mut loading, order).now_or_never().unwrap_or(Err(MergeError::Interrupted));
    match transacted {
        Ok(Transacted::Ready(loaded, mut reports)) if !stop.is_stopped() => {
            keep(&mut reports, true);
            match connection.execute_batch("COMMIT") {
                Ok(()) => Ok((Loaded { took: started.elapsed(), ..loaded }, reports)),
                Err(error) => Err(Failed::Commit(failed(error), Box::new((loaded, reports)))),
            }
        }
        other => {
            // The transaction ends with the connection at the latest: nothing of it can be published.
            let _ = connection.execute_batch("ROLLBACK");
            match other? {
                Transacted::Already(loaded) => Ok((loaded, Vec::new())),
                Transacted::Ready(..) => Err(MergeError::Interrupted.into()),
            }
        }
    }
}

/// Which of the run's rows are written.
#[derive(Default)]
struct Chosen {
    /// `None` for all.
    only: Option<Only>,
    /// Rows without a place, since a later one has their key.
    duplicates: Duplicates,
    /// The same among those that the job's own statements have changed.
    twins: Duplicates,
}

/// A load under way.
pub(super) struct Loading<'a> {
    connection: &'a Connection,
    order: &'a Order,
    /// The database's file, for messages.
    path: &'a Path,
    /// See [`Ground`].
    ordered: bool,
    unread: u64,
    columns: Vec<Output>,
    policy: Policy,
    target: Target,
    /// What of this run was published before.
    earlier: Vec<Publication>,
}

impl<'a> Loading<'a> {
    /// Begins a transaction.
    fn begin(ground: &Ground<'a>, order: &'a Order) -> Result<Loading<'a>, MergeError> {
        let Ground { connection, path, ordered, unread } = *ground;
        let failed = |error| database::failed(path, &error);
        connection.execute_batch("BEGIN TRANSACTION").map_err(failed)?;
        let columns = columns::of_run(order.plan(), Some(&order.job))?;
        let target = Target::find(connection, &order.job).map_err(failed)?;
        let earlier = publications(connection, order, path)?;
        let policy = order.policy();
        Ok(Loading { connection, order, path, ordered, unread, columns, policy, target, earlier })
    }

    /// All that comes before the rows: makes the table where it is not there, chooses the rows, runs the job's own
    /// statements, and deletes what the rows replace.
    fn make_ready(&mut self, views: Views) -> Result<Room, MergeError> {
        // A statement of the job's own may fill a table that was not there.
        let is_new = !self.target.exists() && (self.order.job.before.is_empty() || self.order.plan().trial);
        if !self.target.exists() {
            self.checked(self.make_table())?;
            self.target = self.checked(Target::find(self.connection, &self.order.job))?;
        } else {
            self.add_columns()?;
            self.checked(self.bind_indexes())?;
        }
        let narrowed = self.checked(self.narrow())?;
        let late = if narrowed && self.order.mode() == Mode::Append {
            self.checked(self.late_answers())?
        } else {
            0
        };
        let mut chosen = self.choose(is_new, narrowed)?;
        let withheld = self.before(views, &mut chosen)?;
        let room = self.make_room(is_new, views, chosen)?;
        Ok(Room { written: Written { withheld, late, narrowed, ..room.written }, ..room })
    }

    /// Makes DuckDB read the table's indexes. It does so at the first INSERT; a DELETE before that is unknown to them, and
    /// a row of the same unique values is refused afterwards.
    fn bind_indexes(&self) -> duckdb::Result<()> {
        let Target { qualified, .. } = &self.target;
        let names: Vec<String> = self.columns.iter().map(|column| sql::identifier(&column.name)).collect();
        let names = names.join(", ");
        let nothing =
            format!("INSERT INTO {qualified} ({names}) SELECT {names} FROM {qualified} WHERE false");
        self.connection.execute_batch(&nothing)
    }

    /// Gives the table the columns that it is to gain.
    fn add_columns(&mut self) -> Result<(), MergeError> {
        let added = self.target.new_columns(&self.order.job, &self.columns);
        if !added.is_empty() {
            self.checked(self.target.add_columns(self.connection, &added))?;
            self.target = self.checked(Target::find(self.connection, &self.order.job))?;
        }
        Ok(())
    }

    fn make_table(&self) -> duckdb::Result<()> {
        let Target { schema, qualified, .. } = &self.target;
        self.connection.execute_batch(&format!("CREATE SCHEMA IF NOT EXISTS {schema}"))?;
        self.connection.execute_batch(&columns::create_table(qualified, &self.columns))
    }

    /// Chooses among the run's rows, by key, by id, and by what was written before.
    fn choose(&self, is_new: bool, narrowed: bool) -> Result<Chosen, MergeError> {
        let mut chosen = Chosen::default();
        match self.order.mode() {
            Mode::Upsert => {
                self.checked(self.collect_keys())?;
                self.refuse_null_keys()?;
                chosen.duplicates = self.checked(self.choose_winners(narrowed))?;
                chosen.only = (narrowed || chosen.duplicates.rows > 0).then_some(Only::Rows(WINNERS));
            }
            Mode::ReplaceIds => {
                if narrowed || !is_new {
                    self.checked(self.collect_answered(narrowed))?;
                }
                chosen.only = narrowed.then_some(Only::Records(ANSWERED));
            }
            Mode::Append | Mode::Replace => chosen.only = narrowed.then_some(Only::Records(SCOPE)),
        }
        Ok(chosen)
    }

    /// Whether the table has a column that hides DuckDB's own `rowid`, the place of a row.
    fn hides_places(&self) -> bool {
        self.target.column(ROWID).is_some()
    }

    fn rows_of_table(&self) -> duckdb::Result<u64> {
        if !self.target.exists() {
            return Ok(0);
        }
        let sql = format!("SELECT count(*) FROM {}", self.target.qualified);
        self.connection.query_row(&sql, [], |row| row.get(0))
    }

    fn checked<T>(&self, result: duckdb::Result<T>) -> Result<T, MergeError> {
        result.map_err(|error| database::failed(self.path, &error))
    }
}

impl Engine for Loading<'_> {
    fn earlier(&self) -> &[Publication] {
        &self.earlier
    }

    fn ledger(&self) -> Ledger<'_> {
        ledger(self.order, &self.target)
    }

    async fn make_runs(&mut self) -> Result<(), MergeError> {
        self.checked(runs::duckdb::make(self.connection))
    }

    async fn execute(&self, sql: &str) -> Result<u64, MergeError> {
        self.checked(self.connection.execute(sql, [])).map(|rows| rows as u64)
    }

    async fn check(&self) -> Result<(), MergeError> {
        self.target.check(self.connection, self.path, &self.order.job, &self.columns)
    }

    async fn total(&self) -> Result<Option<u64>, MergeError> {
        self.checked(self.rows_of_table()).map(Some)
    }

    async fn write(&mut self) -> Result<Written, MergeError> {
        let was_there = self.target.exists();
        let before = self.unread + self.checked(self.rows_of_table())?;
        let views = self.named_views();
        let Room { insertion, mut written } = self.make_ready(views)?;
        written.before = Some(before);
        written.rows =
            self.checked(if views.rows { self.insert_staged(&insertion) } else { self.insert(&insertion) })?;
        written.sent = written.rows + written.withheld + written.twins.rows;
        if was_there && self.order.deletes_gone() {
            written.gone = self.checked(self.delete_gone())?;
        }
        Ok(written)
    }

    async fn statement(&self, name: &str, statement: &Statement) -> Result<(), MergeError> {
        self.run_statement(name, statement)
    }

    async fn report(&self, name: &str, statement: &Statement, report: Report) -> Result<Report, MergeError> {
        self.write_report(name, statement, report)
    }
}

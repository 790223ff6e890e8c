//! Which rows the server refuses, after a load of them all was refused.
//!
//! All that a load does is done once more up to the rows, and then they are tried in parts, each within a savepoint: with
//! the table's own types, conditions, keys and triggers. What is taken stays there for the parts after it, so that a row
//! which is refused only beside an earlier one is found as well; what is refused is undone, halved, and in the end, when all
//! others are there, tried once more: it may have waited for a row that it refers to. All of it is undone at last.
//!
//! A refused row's column is the one that the server names, those of the constraint that it names, or the one whose type
//! does not take the value. Where rows are only named, those that have the same under a unique index are looked for before,
//! by the index's own expressions: then all of them are named.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ask::run_if_any;
use super::exporter::Exporter;
use super::fill::Filling;
use super::give_up::CancelWhenDropped;
use super::rows::listed;
use super::target::OutsideTarget;
use super::transact::begin;
use crate::database::{Row, RowRefusal, Server, Session};
use crate::handoff::RefusedRow;
use crate::merge::MergeError;
use crate::merge::columns::{Origin, Output};
use crate::merge::dialect::{self, Dialect};
use crate::merge::load::Order;
use crate::merge::refused::{Enough, FoundRows, NAMED, Search, id_of};
use crate::merge::statements::place;
use crate::value::Type;

/// How long it is looked for rows where they are only named: what waits is a message, and locks are held meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long where the run is published without them.
const PATIENCE_TO_REJECT: Duration = Duration::from_secs(15 * 60);

/// When the search ends. Where some may be rejected it goes on behind what is refused: that may wait for others.
fn enough(may_reject: u64) -> Enough {
    match may_reject {
        0 => Enough { found: NAMED as u64, tries: TRIES },
        some => Enough { found: u64::MAX, tries: TRIES + some * TRIES_OF_ONE },
    }
}

/// Most tries, whatever is refused.
const TRIES: u64 = 2_000;
/// And for each record that may be: it takes two for every halving.
const TRIES_OF_ONE: u64 = 64;

/// Temporary table: the type of a column.
const OF_TYPE: &str = "windrow_type";

/// The rows that were refused, after a load that ended with an error about rows; `None` where they are not found.
pub(super) async fn rows(server: &Server, order: &Arc<Order>, refusal: &RowRefusal) -> Option<FoundRows> {
    // What goes wrong here is not what the person needs to know.
    find(server, order, refusal).await.ok().filter(|found| !found.rows.is_empty())
}

async fn find(server: &Server, order: &Arc<Order>, refusal: &RowRefusal) -> Result<FoundRows, MergeError> {
    let session = server.connect().await?;
    let guard = CancelWhenDropped::new(&session);
    let found = find_in(&session, order, refusal).await;
    guard.disarm();
    // All of it is undone with the session.
    session.close().await;
    found
}

async fn find_in(
    session: &Session,
    order: &Arc<Order>,
    refusal: &RowRefusal,
) -> Result<FoundRows, MergeError> {
    let patience = if order.may_reject() == 0 { PATIENCE } else { PATIENCE_TO_REJECT };
    let mut transaction = begin(session, order).await?;
    transaction.open().await?;
    let is_made = transaction.make_table().await?;
    run_if_any(session, dialect::of(session).wait_for_locks(patience)).await?;
    let target = &transaction.target;
    let filling = Filling::plan(&transaction, is_made).await?.staging();
    let mut exporter = Exporter::start(filling.exports());
    let brought = filling.bring(&mut exporter).await;
    let (_, mut written) = exporter.end(brought).await?;
    filling.make_ready(&mut written).await?;
    let trial = Trial { session, target, until: Instant::now() + patience, filling };
    if order.may_reject() == 0 {
        let (rows, all) = trial.together(refusal).await?;
        if !rows.is_empty() {
            return Ok(FoundRows { table: target.name.clone(), rows, all: Some(all) });
        }
    }
    let (rows, all) = trial.by_record(order).await?;
    Ok(FoundRows { table: target.name.clone(), rows, all })
}

/// Rows that are staged, and tried.
struct Trial<'a> {
    session: &'a Session,
    target: &'a OutsideTarget,
    filling: Filling<'a>,
    until: Instant,
}

impl Trial<'_> {
    /// Of the first records that are refused the first row, and how many these are, unless there may be more.
    async fn by_record(&self, order: &Order) -> Result<(Vec<RefusedRow>, Option<u64>), MergeError> {
        let [ordinal, _] = place(self.filling.rows.outputs);
        let bounds = format!("SELECT min({ordinal}), max({ordinal}) FROM {}", self.filling.staged());
        let bounds = self.session.row(&bounds).await?;
        let Some((first, last)) = bounds.number::<u64>(0).zip(bounds.number::<u64>(1)) else {
            return Ok((Vec::new(), Some(0)));
        };
        let mut search = Search::among(first..last + 1, enough(order.may_reject()));
        let mut refused = Vec::new();
        while let Some(range) = search.next() {
            if Instant::now() >= self.until {
                break;
            }
            let only = format!("new.{ordinal} >= {} AND new.{ordinal} < {}", range.start, range.end);
            if let Some(refusal) = self.tried(&only).await?
                && search.refused(&range)
            {
                refused.push((only, refusal));
            }
        }
        if search.is_over() {
            self.try_again(&mut refused).await?;
        }
        let all = search.is_over().then_some(refused.len() as u64);
        refused.truncate(order.looks_for() as usize);
        let mut rows = Vec::new();
        for (only, refusal) in refused {
            rows.push(self.first_row(&only, refusal).await?);
        }
        Ok((rows, all))
    }

    /// Tries what was refused once more beside all that was taken, until nothing more is.
    async fn try_again(&self, refused: &mut Vec<(String, RowRefusal)>) -> Result<(), MergeError> {
        loop {
            let mut left = Vec::new();
            for (only, _) in refused.iter() {
                left.extend(self.tried(only).await?.map(|refusal| (only.clone(), refusal)));
            }
            let is_over = left.len() == refused.len();
            *refused = left;
            if is_over {
                return Ok(());
            }
        }
    }

    /// How the server refuses the staged rows that meet a condition. Those that it takes are there from then on.
    async fn tried(&self, only: &str) -> Result<Option<RowRefusal>, MergeError> {
        self.refusal(self.filling.write_staged(only, u64::MAX), true).await
    }

    /// The row of a refused record that is refused, by itself or beside its others.
    async fn first_row(&self, only: &str, refusal: RowRefusal) -> Result<RefusedRow, MergeError> {
        let [_, part] = place(self.filling.rows.outputs);
        let parts =
            format!("SELECT new.{part} FROM {} AS new WHERE {only} ORDER BY 1", self.filling.staged());
        let parts = self.session.rows(&parts).await?;
        for part_of in parts.iter().filter(|_| parts.len() > 1).filter_map(|row| row.number::<u64>(0)) {
            let until_here = format!("{only} AND new.{part} <= {part_of}");
            if let Some(refusal) =
                self.refusal(self.filling.write_staged(&until_here, u64::MAX), false).await?
            {
                return self.row(&format!("{only} AND new.{part} = {part_of}"), &refusal).await;
            }
        }
        self.row(only, &refusal).await
    }

    /// How the server refuses what is done within a savepoint; it is undone then, and also where it is not to stay.
    async fn refusal<T>(
        &self,
        done: impl Future<Output = Result<T, MergeError>>,
        stays: bool,
    ) -> Result<Option<RowRefusal>, MergeError> {
        let left = self.until.saturating_duration_since(Instant::now());
        self.session.run("SAVEPOINT windrow").await?;
        run_if_any(self.session, self.dialect().take_at_most(left)).await?;
        let done = match done.await {
            // What is only looked at when the transaction ends.
            Ok(_) => {
                let check = self.dialect().check_constraints_now().map(str::to_owned);
                run_if_any(self.session, check).await.map_err(MergeError::from)
            }
            Err(error) => Err(error),
        };
        if done.is_err() || !stays {
            self.session.run("ROLLBACK TO SAVEPOINT windrow").await?;
        }
        self.session.run("RELEASE SAVEPOINT windrow").await?;
        match done {
            Ok(()) => Ok(None),
            Err(MergeError::Server(error)) if error.row().is_some() => Ok(error.row().cloned()),
            Err(error) => Err(error),
        }
    }

    /// The one staged row that meets a condition, and was refused.
    async fn row(&self, only: &str, refusal: &RowRefusal) -> Result<RefusedRow, MergeError> {
        let (mut names, definition) = match (&refusal.column, &refusal.constraint) {
            (Some(column), _) => (vec![column.clone()], None),
            (None, Some(constraint)) => self.constraint(constraint).await?.unwrap_or_default(),
            (None, None) => Default::default(),
        };
        if names.is_empty() {
            names = self.misfit(only).await?;
        }
        let why = match definition {
            Some(definition) => format!("{}: {definition}", refusal.why),
            None => refusal.why.clone(),
        };
        let rows = self.rows(only, &names, &why).await?;
        rows.into_iter().next().ok_or(MergeError::Interrupted)
    }

    /// The column whose type does not take the value of the row that meets a condition.
    async fn misfit(&self, only: &str) -> Result<Vec<String>, MergeError> {
        for output in self.filling.rows.outputs {
            let name = self.filling.rows.name(output);
            let nothing = format!("SELECT {name} FROM {} WHERE 1 = 0", self.target.qualified);
            let put = format!(
                "INSERT INTO {} SELECT {} FROM {} AS new WHERE {only}",
                self.dialect().temporary(OF_TYPE),
                self.filling.rows.written(output),
                self.filling.staged(),
            );
            let put = async {
                self.session.run(&self.dialect().keep_temporary(OF_TYPE, &[], &nothing)).await?;
                Ok(self.session.run(&put).await?)
            };
            if self.refusal(put, false).await?.is_some() {
                return Ok(vec![self.filling.rows.plain_name(output).to_owned()]);
            }
        }
        Ok(Vec::new())
    }

    /// Rows of the run that have the values of another one of it where a unique index does not let them: the first, and how
    /// many.
    async fn together(&self, refusal: &RowRefusal) -> Result<(Vec<RefusedRow>, u64), MergeError> {
        let none = Ok((Vec::new(), 0));
        let Some(constraint) = &refusal.constraint else { return none };
        let index = self.dialect().unique_index(self.filling.filled(), constraint);
        let index = self.session.row(&index).await?;
        let (keys, condition) = (index.list(0), index.text(1));
        if keys.is_empty() {
            return none;
        }
        let [ordinal, part] = place(self.filling.rows.outputs);
        let outputs = self.filling.rows.outputs.iter();
        let as_there =
            outputs.map(|o| format!("{} AS {}", self.filling.rows.converted(o), self.filling.rows.name(o)));
        let twins = format!(
            "(new.{ordinal}, new.{part}) IN (SELECT {ordinal}, {part} FROM \
             (SELECT {ordinal}, {part}, count(*) OVER (PARTITION BY {}) AS windrow_alike \
              FROM (SELECT new.{ordinal}, new.{part}, {} FROM {} AS new) AS written \
              WHERE ({condition}) AND {}) AS counted WHERE windrow_alike > 1)",
            keys.join(", "),
            listed(as_there),
            self.filling.staged(),
            keys.iter().map(|key| format!("({key}) IS NOT NULL")).collect::<Vec<_>>().join(" AND "),
        );
        // A condition or key of columns that the run does not fill cannot be asked of its rows.
        let counted = async {
            let count = format!("SELECT count(*) FROM {} AS new WHERE {twins}", self.filling.staged());
            self.filling.transaction.count(&count).await
        };
        self.session.run("SAVEPOINT windrow").await?;
        let counted = counted.await;
        self.session.run("ROLLBACK TO SAVEPOINT windrow").await?;
        self.session.run("RELEASE SAVEPOINT windrow").await?;
        let Ok(all @ 1..) = counted else { return none };
        let names = self.constraint(constraint).await?.unwrap_or_default().0;
        let why = format!("several rows have the same, and {constraint} lets only one");
        Ok((self.rows(&twins, &names, &why).await?, all))
    }

    /// The first staged rows that meet a condition, with these columns of the table.
    async fn rows(&self, only: &str, names: &[String], why: &str) -> Result<Vec<RefusedRow>, MergeError> {
        let [ordinal, part] = place(self.filling.rows.outputs);
        let ids: Vec<&Output> = self.filling.rows.outputs.iter().filter(|o| o.origin == Origin::Id).collect();
        let named: Vec<&Output> = names.iter().filter_map(|name| self.output(name)).collect();
        let texts = ids.iter().chain(&named).map(|output| {
            let value = format!("new.{}", self.dialect().identifier(&output.name));
            match output.ty {
                Some(Type::Blob) => self.dialect().as_hex(&value),
                _ => self.dialect().as_text(&value),
            }
        });
        let select = format!(
            "SELECT {} FROM {} AS new WHERE {only} ORDER BY new.{ordinal}, new.{part} LIMIT {NAMED}",
            listed([format!("new.{ordinal}")].into_iter().chain(texts)),
            self.filling.staged()
        );
        let row = |row: &Row| {
            let text =
                |(at, output): (usize, &&Output)| (output.name.clone(), row.get(at + 1).map(str::to_owned));
            let mut texts: Vec<(String, Option<String>)> =
                ids.iter().chain(&named).enumerate().map(text).collect();
            let values = texts.split_off(ids.len());
            RefusedRow {
                record: row.number(0).unwrap_or_default(),
                id: id_of(&texts),
                values,
                why: why.to_owned(),
            }
        };
        Ok(self.session.rows(&select).await?.iter().map(row).collect())
    }

    /// The column of the run that fills one of the table.
    fn output(&self, name: &str) -> Option<&Output> {
        let rows = &self.filling.rows;
        rows.outputs.iter().find(|output| rows.plain_name(output) == name)
    }

    /// The columns of a constraint or index of the table, and the condition of a CHECK.
    async fn constraint(&self, name: &str) -> Result<Option<(Vec<String>, Option<String>)>, MergeError> {
        let found = self.session.rows(&self.dialect().constraint(self.filling.filled(), name)).await?;
        Ok(found.first().map(|row| (row.list(0), row.get(1).map(str::to_owned))))
    }

    fn dialect(&self) -> &'static dyn Dialect {
        self.filling.dialect()
    }
}

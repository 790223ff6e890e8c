//! Which rows the server refuses, after a load of them all was refused.
//!
//! All that a load does is done once more up to the rows, and then they are tried in parts, each within a savepoint that
//! is undone: with the table's own types, conditions, keys and triggers. A refused row's column is the one that the
//! server names, those of the constraint that it names, or the one whose type does not take the value. Rows that are
//! refused only beside each other (twins under a unique index) are looked for before, by the index's own expressions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::ask::run_if_any;
use super::exporter::Exporter;
use super::fill::Filling;
use super::rows::listed;
use super::target::OutsideTarget;
use super::transact::begin;
use crate::database::{DatabaseError, Row, RowRefusal, Server, Session};
use crate::merge::MergeError;
use crate::merge::columns::{Origin, Output};
use crate::merge::dialect::{self, Dialect};
use crate::merge::load::Order;
use crate::merge::refused::{NAMED, RefusedRow, Search, id_of};
use crate::merge::statements::place;

/// How long it is looked for rows: what waits is a message, and locks are held meanwhile.
const PATIENCE: Duration = Duration::from_secs(60);

/// Temporary table: the type of a column.
const OF_TYPE: &str = "windrow_type";

/// Most tries: where many rows are refused, but none by itself, there is no end of halves.
const TRIES: usize = 2_000;

/// What a load ended with, said of the rows that were refused; `None` where it is not about rows, or they are not found.
pub(super) async fn rows(server: &Server, order: &Arc<Order>, error: &DatabaseError) -> Option<MergeError> {
    // What goes wrong here is not what the person needs to know.
    let FoundRows { table, rows, all } = find(server, order, error.row()?).await.ok()??;
    Some(MergeError::Rows { place: server.shown().to_owned(), table, rows, all })
}

/// Rows that were found.
struct FoundRows {
    table: String,
    rows: Vec<RefusedRow>,
    all: Option<u64>,
}

async fn find(
    server: &Server,
    order: &Arc<Order>,
    refusal: &RowRefusal,
) -> Result<Option<FoundRows>, MergeError> {
    let session = server.connect().await?;
    let found = find_in(&session, order, refusal).await;
    // All of it is undone with the session.
    session.close().await;
    found
}

async fn find_in(
    session: &Session,
    order: &Arc<Order>,
    refusal: &RowRefusal,
) -> Result<Option<FoundRows>, MergeError> {
    let mut transaction = begin(session, order).await?;
    transaction.open().await?;
    let is_made = transaction.make_table().await?;
    run_if_any(session, dialect::of(session).wait_for_locks(PATIENCE)).await?;
    let target = &transaction.target;
    let filling = Filling::plan(&transaction, is_made).await?.staging();
    let mut exporter = Exporter::start(filling.exports());
    let brought = filling.bring(&mut exporter).await;
    let (_, mut written) = exporter.end(brought).await?;
    filling.make_ready(&mut written).await?;
    let trial = Trial { session, target, since: Instant::now(), filling };
    let (mut rows, twins) = trial.together(refusal).await?;
    let mut all = Some(twins);
    if rows.is_empty() {
        let is_all;
        (rows, is_all) = trial.one_by_one().await?;
        all = is_all.then_some(rows.len() as u64);
        if rows.is_empty() && is_all {
            rows.extend(trial.beside().await?);
            all = None;
        }
    }
    Ok((!rows.is_empty()).then_some(FoundRows { table: target.name.clone(), rows, all }))
}

/// Rows that are staged, and tried.
struct Trial<'a> {
    session: &'a Session,
    target: &'a OutsideTarget,
    filling: Filling<'a>,
    since: Instant,
}

impl Trial<'_> {
    /// The rows that are refused each by itself, and whether these are all.
    async fn one_by_one(&self) -> Result<(Vec<RefusedRow>, bool), MergeError> {
        let Some(number) = self.number().await? else { return Ok((Vec::new(), true)) };
        let mut search = Search::among(number.first..number.until);
        let (mut rows, mut tries) = (Vec::new(), 0);
        while let Some(range) = search.next() {
            tries += 1;
            if self.since.elapsed() > PATIENCE || tries > TRIES {
                return Ok((rows, false));
            }
            let only = format!("{0} >= {1} AND {0} < {2}", number.sql, range.start, range.end);
            let refusal = self.refusal(self.filling.write_staged(&only, u64::MAX)).await?;
            if let Some(refusal) = refusal
                && search.refused(&range)
            {
                rows.push(self.row(&only, &refusal).await?);
            }
        }
        Ok((rows, search.is_over()))
    }

    /// The first row that is refused beside those before it, where each by itself is taken: an exclusion constraint.
    async fn beside(&self) -> Result<Option<RefusedRow>, MergeError> {
        let Some(number) = self.number().await? else { return Ok(None) };
        let (mut taken, mut refused) = (number.first, number.until);
        let mut last = None;
        while refused - taken > 1 || last.is_none() {
            let until = if last.is_none() { refused } else { taken + (refused - taken) / 2 };
            let only = format!("{} < {until}", number.sql);
            match self.refusal(self.filling.write_staged(&only, u64::MAX)).await? {
                Some(refusal) => (refused, last) = (until, Some(refusal)),
                // Not even all of them: something else has changed.
                None if last.is_none() => return Ok(None),
                None => taken = until,
            }
        }
        let only = format!("{} = {}", number.sql, refused - 1);
        match last {
            Some(refusal) => Ok(Some(self.row(&only, &refusal).await?)),
            None => Ok(None),
        }
    }

    /// How the server refuses what is done within a savepoint, which is undone.
    async fn refusal<T>(
        &self,
        done: impl Future<Output = Result<T, MergeError>>,
    ) -> Result<Option<RowRefusal>, MergeError> {
        let left = PATIENCE.saturating_sub(self.since.elapsed());
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
        self.session.run("ROLLBACK TO SAVEPOINT windrow").await?;
        match done {
            Ok(()) => Ok(None),
            Err(MergeError::Server(error)) if error.row().is_some() => Ok(error.row().cloned()),
            Err(error) => Err(error),
        }
    }

    /// The staged rows' numbers; `None` where there are no rows.
    async fn number(&self) -> Result<Option<Number>, MergeError> {
        let [ordinal, part] = place(self.filling.rows.outputs);
        let staged = self.filling.staged();
        let parts = format!("SELECT coalesce(max({part}), 0) + 1 FROM {staged}");
        let parts = self.filling.transaction.count(&parts).await?;
        let sql = format!("(new.{ordinal} * {parts} + new.{part})");
        let bounds = format!("SELECT min({sql}), max({sql}) FROM {staged} AS new");
        let row = self.session.row(&bounds).await?;
        Ok(row.number(0).zip(row.number::<u64>(1)).map(|(first, last)| Number {
            sql,
            first,
            until: last + 1,
        }))
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
                self.filling.rows.converted(output),
                self.filling.staged(),
            );
            let put = async {
                self.session.run(&self.dialect().keep_temporary(OF_TYPE, &[], &nothing)).await?;
                Ok(self.session.run(&put).await?)
            };
            if self.refusal(put).await?.is_some() {
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
            self.dialect().as_text(&format!("new.{}", self.dialect().identifier(&output.name)))
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

/// How the staged rows are numbered: by record, then by part.
struct Number {
    /// The number of `new`.
    sql: String,
    first: u64,
    until: u64,
}

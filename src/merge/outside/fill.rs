//! What happens to the table, mode by mode.

use super::ask::{complaints, run_if_any};
use super::exporter::{Exporter, Exports, Piece};
use super::referencing::{Watch, uncounted};
use super::rows::{Rows, listed};
use super::statements::run;
use super::swap::Swapping;
use super::target::OutsideTarget;
use super::transaction::Transaction;
use crate::database::{DatabaseError, LoadInto};
use crate::job::{Mode, OnReferencing};
use crate::merge::dialect::{Cause, Dialect, Temporary};
use crate::merge::load::{Relation, Written};
use crate::merge::statements::{self, Views};
use crate::merge::{MergeError, columns};
use crate::value::Field;

/// Temporary tables: the rows, as the job's statements see them, and ids.
const STAGED: &str = "windrow_rows";
const ANSWERED: &str = "windrow_answered";
const SPARED: &str = "windrow_spared";
const LISTED: &str = "windrow_listed";

/// The way of this run's rows into the table.
pub(super) struct Filling<'a> {
    pub(super) transaction: &'a Transaction<'a>,
    pub(super) target: &'a OutsideTarget,
    pub(super) rows: Rows<'a>,
    pub(super) is_new: bool,
    /// Whether rows go by way of a staging table.
    is_staged: bool,
    /// Of the key's columns there, where rows lie [by their key](super::by_key).
    pub(super) key_types: Option<Vec<String>>,
    /// What lets rows go straight into the table [over](super::over) those that have their keys.
    pub(super) over: Option<String>,
    /// Whether rows that come again are [updated](super::in_place).
    pub(super) in_place: bool,
    /// What the job's statements name.
    pub(super) views: Views,
    /// The table that takes this one's name.
    swap: Option<Swapping>,
}

impl<'a> Filling<'a> {
    /// Plans the way into the table, which `is_made` just now or stood before, and takes the locks that it needs.
    pub async fn plan(transaction: &'a Transaction<'a>, is_made: bool) -> Result<Filling<'a>, MergeError> {
        let mut filling = Filling::straight(transaction, is_made);
        let mode = filling.mode();
        let swaps = transaction.order.job.table.swap && mode == Mode::Replace && !is_made;
        // What is looked at must stay until COMMIT. A table that is only swapped is not looked at.
        let looks = !filling.is_new && mode != Mode::Append;
        if looks && (!swaps || filling.keeps() || filling.spares()) {
            filling.lock().await?;
        }
        if swaps {
            filling.swap = Swapping::begin(transaction.session, filling.target).await?;
        }
        let may_meet = filling.may_meet().await?;
        filling.over = if may_meet { filling.clause_to_write_over().await? } else { None };
        filling.is_staged = filling.must_be_staged() || may_meet && filling.over.is_none();
        filling.key_types = filling.staged_key_types();
        filling.begin_to_watch().await?;
        Ok(filling)
    }

    fn straight(transaction: &'a Transaction<'a>, is_made: bool) -> Filling<'a> {
        let (job, target) = (&transaction.order.job, &transaction.target);
        // A statement of the job's own may fill a table that was made just now.
        let is_new = is_made && job.before.is_empty();
        Filling {
            transaction,
            target,
            rows: Rows::of(transaction.dialect, &transaction.columns, &job.table, target),
            is_new,
            is_staged: false,
            key_types: None,
            over: None,
            in_place: !is_new && target.is_replaced_in_place(&job.table),
            views: Views::named(job),
            swap: None,
        }
    }

    /// The same, with all rows by way of a staging table that takes them all.
    pub fn staging(self) -> Filling<'a> {
        Filling { is_staged: true, key_types: None, over: None, ..self }
    }

    /// Whether rows must go by way of a staging table, whatever the table has.
    pub(super) fn must_be_staged(&self) -> bool {
        let must = self.transaction.order.staged || self.views.rows || self.in_place;
        let may_keep = self.mode() != Mode::Upsert && self.keeps();
        must || may_keep || !self.rows.are_direct() || self.target.has_rules()
    }

    /// Whether rows of an upsert may meet others of their keys: some that stand, or each other.
    async fn may_meet(&self) -> Result<bool, DatabaseError> {
        if self.mode() != Mode::Upsert {
            return Ok(false);
        }
        let may_fill = !self.transaction.order.job.before.is_empty();
        // Of keys that only the database finds alike, a lenient load takes one, and says so.
        let finds_twins = self.dialect().loads_leniently() && self.target.is_unique(&self.rows.key_names());
        let may_meet = self.rows.has_coarse_key() && !finds_twins;
        Ok(may_meet || may_fill || !self.is_empty().await?)
    }

    /// Whether nothing stands; nobody else writes from now on.
    pub(super) async fn is_empty(&self) -> Result<bool, DatabaseError> {
        if self.is_new {
            return Ok(true);
        }
        let any = format!("SELECT count(*) FROM (SELECT 1 FROM {} LIMIT 1) AS one", self.target.qualified);
        Ok(self.transaction.count(&any).await? == 0)
    }

    /// Keeps others from writing between a look at what stands and COMMIT.
    async fn lock(&self) -> Result<(), DatabaseError> {
        run_if_any(self.transaction.session, self.dialect().lock(&self.target.qualified)).await
    }

    pub(super) fn dialect(&self) -> &'static dyn Dialect {
        self.transaction.dialect
    }

    /// The temporary table of the rows.
    pub(super) fn staged(&self) -> String {
        self.dialect().temporary(STAGED)
    }

    pub(super) fn mode(&self) -> Mode {
        self.transaction.order.mode()
    }

    /// Whether rows of the run keep columns of rows that stand.
    pub(super) fn keeps(&self) -> bool {
        !self.is_new && self.transaction.order.must_keep(&self.transaction.policy)
    }

    /// Whether some rows stay though all others are replaced.
    fn spares(&self) -> bool {
        self.transaction.order.spares(&self.transaction.policy, self.is_new)
    }

    /// The table that takes the rows, quoted.
    pub(super) fn filled(&self) -> &str {
        self.swap.as_ref().map_or(&self.target.qualified, Swapping::table)
    }

    /// What the run has to bring.
    pub fn exports(&self) -> Exports {
        let order = self.transaction.order;
        let views = self.views;
        let relations = [
            (views.input, Relation::Input),
            (views.failures, Relation::Failures),
            (order.mode() == Mode::ReplaceIds && !self.is_new, Relation::Answered),
            (self.spares(), Relation::Spared),
            (order.deletes_gone() && !self.is_new, Relation::Listed),
            (self.is_staged, Relation::Staged),
            (!self.is_staged, Relation::Rows),
        ];
        let relations =
            relations.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, relation)| relation);
        self.transaction.exports(self.is_new, relations.collect(), self.rows.sent_as())
    }

    /// Takes what the run brings, in its order, and does with it what the mode says; the job's own statements before it.
    pub async fn fill(&self, exporter: &mut Exporter) -> Result<Written, MergeError> {
        let mut written = self.bring(exporter).await?;
        if self.is_staged {
            self.take_staged(&mut written).await?;
        }
        if self.transaction.order.deletes_gone() && !self.is_new {
            written.gone = self.delete_where(&format!("NOT EXISTS ({})", self.with_id_of(LISTED))).await?;
        }
        if let Some(swap) = &self.swap {
            swap.exchange(self.transaction.session, self.target).await?;
        }
        Ok(written)
    }

    /// Takes what the run brings, in its order; the job's own statements before the rows. Rows that are staged are left
    /// there.
    pub(super) async fn bring(&self, exporter: &mut Exporter) -> Result<Written, MergeError> {
        let mut written = Written::default();
        loop {
            match exporter.pieces.recv().await {
                Some(Piece::Begin(Relation::Rows, _)) => {
                    self.before().await?;
                    written = self.copy_rows(exporter).await?;
                }
                Some(Piece::Begin(Relation::Staged, fields)) => {
                    written.sent = self.take_into(STAGED, &fields, exporter).await?;
                    self.before().await?;
                    written.withheld = self.withheld(written.sent).await?;
                }
                Some(Piece::Begin(relation, fields)) => {
                    self.take_into(temporary(relation), &fields, exporter).await?;
                }
                Some(Piece::Data(_) | Piece::End(_)) => return Err(MergeError::Interrupted),
                None => return Ok(written),
            }
        }
    }

    async fn before(&self) -> Result<(), MergeError> {
        for (name, statement) in statements::before(&self.transaction.order.job) {
            run(self.transaction.session, &name, statement).await?;
            self.transaction.session.run(self.dialect().settings()).await?;
        }
        Ok(())
    }

    /// Staged rows that the job's statements have deleted.
    async fn withheld(&self, staged: u64) -> Result<u64, MergeError> {
        if !self.views.rows {
            return Ok(0);
        }
        let left = self.transaction.count(&format!("SELECT count(*) FROM {}", self.staged())).await?;
        statements::withheld(staged, left)
    }

    /// Straight into the table.
    async fn copy_rows(&self, exporter: &mut Exporter) -> Result<Written, MergeError> {
        let columns = format!("({})", self.rows.names());
        let (values, over) = (self.rows.values(), self.over.as_deref());
        let into = LoadInto { table: self.filled(), columns: &columns, values: values.as_deref(), over };
        if self.over.is_some() {
            return self.copy_over(into, exporter).await;
        }
        let replaced = self.make_room().await?;
        let loaded = self.transaction.load(into, exporter).await;
        let (sent, rows) = match self.dialect().loads_row_by_row() {
            // It may wait for a later row, to which it refers.
            true => loaded.map_err(MergeError::misread)?,
            false => loaded?,
        };
        if self.dialect().loads_leniently() && rows != sent {
            return Err(not_whole(self.filled(), sent, rows));
        }
        Ok(Written { sent, rows, replaced, ..Written::default() })
    }

    /// Into a temporary table of the job's own types; the number of its rows.
    async fn take_into(
        &self,
        name: &str,
        fields: &[Field],
        exporter: &mut Exporter,
    ) -> Result<u64, MergeError> {
        let (session, table) = (self.transaction.session, self.dialect().temporary(name));
        let load = async {
            session.run(&self.make_temporary(name, fields)).await?;
            let into = LoadInto { table: &table, columns: "", values: None, over: None };
            self.transaction.load(into, exporter).await
        };
        let (sent, written) = if name == STAGED { self.unless_by_key(load.await)? } else { load.await? };
        if written != sent {
            return Err(not_whole(&table, sent, written));
        }
        run_if_any(session, self.dialect().decode_staged(&table, fields)).await?;
        self.index(name).await?;
        run_if_any(session, self.dialect().analyze(&table)).await?;
        Ok(sent)
    }

    /// The statement that makes it.
    fn make_temporary(&self, name: &str, fields: &[Field]) -> String {
        let dialect = self.dialect();
        let is_sought = |field: &Field| self.rows.is_compared(&field.name);
        let standing = |field: &Field| self.target.column(&field.name).map(|column| &column.ty);
        let column = |field: &Field| {
            let of_key = if name == STAGED { self.staged_key_type(&field.name) } else { None };
            let ty =
                of_key.unwrap_or_else(|| dialect.staged_type(field.ty, standing(field), is_sought(field)));
            (dialect.identifier(&field.name), ty)
        };
        let columns: Vec<(String, String)> = fields.iter().map(column).collect();
        let sought = fields.iter().filter(|field| is_sought(field));
        let sought: Vec<String> = sought.map(|field| dialect.identifier(&field.name)).collect();
        let (identity, sought) =
            if name == STAGED { (self.staged_order(), Vec::new()) } else { (Vec::new(), sought) };
        let is_unique = !self.views.rows;
        let table = Temporary { name, columns: &columns, identity: &identity, is_unique, sought: &sought };
        dialect.make_temporary(&table)
    }

    /// Lets rows of a temporary table be found by what they are compared by.
    async fn index(&self, name: &str) -> Result<(), DatabaseError> {
        let compared = match name {
            STAGED if self.mode() == Mode::Upsert || self.in_place || self.keeps() => self.rows.key(),
            ANSWERED | SPARED | LISTED => self.rows.ids(),
            _ => return Ok(()),
        };
        let columns = listed(compared.into_iter().map(|output| self.rows.compared(output)));
        run_if_any(self.transaction.session, self.dialect().index_temporary(name, &columns)).await
    }

    /// Lets the database count what statements do to other rows.
    async fn begin_to_watch(&self) -> Result<(), DatabaseError> {
        let Some(watch) = self.target.id().and_then(|id| self.dialect().watch(id)) else { return Ok(()) };
        let session = self.transaction.session;
        for statement in complaints(session, &watch).await? {
            session.run(&statement).await?;
        }
        Ok(())
    }

    /// Deletes the rows that stand where new ones come; their number. (An upsert replaces them one by one.)
    pub(super) async fn make_room(&self) -> Result<u64, MergeError> {
        match (self.mode(), &self.swap) {
            _ if self.is_new => Ok(0),
            (Mode::Append | Mode::Upsert, _) => Ok(0),
            (Mode::Replace, Some(swap)) => {
                let spared = self.spares().then(|| format!("EXISTS ({})", self.with_id_of(SPARED)));
                Ok(swap.spare(self.transaction, self.target, spared.as_deref()).await?)
            }
            (Mode::Replace | Mode::ReplaceIds, _) => self.delete_where(&self.leaving()).await,
        }
    }

    /// A condition: `old` does not stay where rows are replaced, as a whole or by id.
    pub(super) fn leaving(&self) -> String {
        match self.mode() {
            Mode::ReplaceIds => format!("EXISTS ({})", self.with_id_of(ANSWERED)),
            _ if self.spares() => format!("NOT EXISTS ({})", self.with_id_of(SPARED)),
            _ => "true".to_owned(),
        }
    }

    /// Deletes rows of the table; their number.
    pub(super) async fn delete_where(&self, condition: &str) -> Result<u64, MergeError> {
        self.deleting(&[self.dialect().delete(&self.target.qualified, condition)]).await
    }

    /// Runs statements, of which the last one deletes rows of the table; their number.
    pub(super) async fn deleting(&self, sql: &[String]) -> Result<u64, MergeError> {
        self.watched(self.transaction.execute_all(sql), Cause::Delete).await
    }

    /// Runs a statement that updates rows of the table; their number.
    pub(super) async fn updating(&self, sql: String) -> Result<u64, MergeError> {
        self.watched(self.transaction.execute(&sql), Cause::Update).await
    }

    /// Refuses what a change of rows of the table does to [those of others](super::referencing), unless the job lets it happen;
    /// the number of rows.
    pub(super) async fn watched<E: Into<MergeError>>(
        &self,
        change: impl Future<Output = Result<u64, E>>,
        cause: Cause,
    ) -> Result<u64, MergeError> {
        let (job, session) = (&self.transaction.order.job, self.transaction.session);
        if job.table.on_referencing == OnReferencing::Delete {
            return change.await.map_err(Into::into);
        }
        let before = Watch::look(session, self.target, cause).await?;
        let changed = change.await.map_err(Into::into)?;
        let after = Watch::look(session, self.target, cause).await?;
        let mut problems = after.problems(&before, cause, changed, job);
        if matches!(cause, Cause::Delete) && after.is_blind(&before, changed) {
            problems.extend(uncounted(session, job, self.target).await?);
        }
        if problems.is_empty() {
            Ok(changed)
        } else {
            let hint = columns::hint(job, []);
            Err(MergeError::Table { table: self.target.name.clone(), problems, hint })
        }
    }

    /// A SELECT of the ids of a temporary table that `old` has.
    fn with_id_of(&self, name: &str) -> String {
        format!("SELECT 1 FROM {} AS new WHERE {}", self.dialect().temporary(name), self.rows.same_id())
    }
}

/// What was sent, and did not all come: nothing of it may be published.
fn not_whole(table: &str, sent: u64, written: u64) -> MergeError {
    MergeError::Integrity {
        file: table.to_owned(),
        why: format!("{sent} rows were sent, and the database has {written}; nothing was published"),
        hint: "merge again; if it comes back, this is a mistake of windrow's or of the database's".into(),
    }
}

/// The name of the temporary table of a relation.
fn temporary(relation: Relation) -> &'static str {
    match relation {
        Relation::Rows | Relation::Staged => STAGED,
        Relation::Answered => ANSWERED,
        Relation::Spared => SPARED,
        Relation::Listed => LISTED,
        Relation::Input => "windrow_input",
        Relation::Failures => "windrow_failures",
    }
}

//! What happens to the table, mode by mode.

use std::collections::HashMap;

use super::carry::{Carrier, Freight, Parcel};
use super::fit::{Fit, staged_type};
use super::statements::{report, run};
use super::target::Target;
use super::transaction::Transaction;
use crate::database::postgres::PostgresError;
use crate::job::Mode;
use crate::merge::columns::{Origin, Output};
use crate::merge::load::{PLACE, Relation, failed_column};
use crate::merge::statements::{self, Report, Views};
use crate::merge::{MergeError, sql};
use crate::record::{Field, Type};

/// The staging table of the rows, and those of ids.
const STAGED: &str = "pg_temp.windrow_staged";
const ANSWERED: &str = "pg_temp.windrow_answered";
const SPARED: &str = "pg_temp.windrow_spared";
const LISTED: &str = "pg_temp.windrow_listed";

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Written {
    /// Rows that reached the server.
    pub sent: u64,
    /// Rows of the table that are new or replaced.
    pub rows: u64,
    pub replaced: u64,
    /// Rows that were left out since a later one has their key, as the server compares keys.
    pub duplicates: u64,
    pub gone: u64,
    /// Rows that the job's own statements took out.
    pub withheld: u64,
    pub reports: Vec<Report>,
}

/// The way of this run's rows into the table.
pub(super) struct Filling<'a> {
    transaction: &'a Transaction<'a>,
    target: &'a Target,
    is_new: bool,
    /// Whether rows go by way of a staging table.
    staged: bool,
    /// What the job's statements name.
    views: Views,
    /// The columns' names there, and how they go in.
    names: Vec<String>,
    fits: Vec<Fit>,
}

impl<'a> Filling<'a> {
    pub fn plan(transaction: &'a Transaction<'a>, target: &'a Target, is_new: bool) -> Filling<'a> {
        let fits = target.fits(&transaction.columns);
        let names = target.names(&transaction.columns);
        let order = transaction.order;
        let views = Views::named(&order.job);
        let staged = order.mode() == Mode::Upsert
            || views.rows
            || fits.iter().any(|fit| !fit.direct)
            || (!is_new && order.must_keep(&transaction.policy));
        Filling { transaction, target, is_new, staged, views, names, fits }
    }

    /// Keeps others from writing between a look at what stands and COMMIT, where the mode looks.
    pub async fn lock(&self) -> Result<(), PostgresError> {
        if self.is_new || self.transaction.order.mode() == Mode::Append {
            return Ok(());
        }
        let lock = format!("LOCK TABLE {} IN SHARE ROW EXCLUSIVE MODE", self.target.qualified);
        self.transaction.session.run(&lock).await
    }

    /// What the run has to bring.
    pub fn freight(&self) -> Freight {
        let order = self.transaction.order;
        let views = self.views;
        let relations = [
            (views.input, Relation::Input),
            (views.failures, Relation::Failures),
            (order.mode() == Mode::ReplaceIds && !self.is_new, Relation::Answered),
            (order.spares(&self.transaction.policy, self.is_new), Relation::Spared),
            (order.deletes_gone() && !self.is_new, Relation::Listed),
            (self.staged, Relation::Staged),
            (!self.staged, Relation::Rows),
        ];
        let relations =
            relations.into_iter().filter(|(is_needed, _)| *is_needed).map(|(_, relation)| relation);
        let jsonb = self.fits.iter().map(|fit| fit.jsonb).collect();
        self.transaction.freight(self.is_new, relations.collect(), jsonb)
    }

    /// Takes what the run brings, in its order, and does with it what the mode says; the job's own statements around
    /// it.
    pub async fn fill(&self, carrier: &mut Carrier) -> Result<Written, MergeError> {
        let mut written = Written::default();
        loop {
            match carrier.parcels.recv().await {
                Some(Parcel::Begin(Relation::Rows, _)) => {
                    self.before().await?;
                    written.replaced = self.make_room().await?;
                    (written.sent, written.rows) = self.copy_rows(carrier).await?;
                }
                Some(Parcel::Begin(Relation::Staged, fields)) => {
                    written.sent = self.take_into(STAGED, &fields, carrier).await?;
                    self.show_rows().await?;
                    self.before().await?;
                    written.withheld = self.withheld(written.sent).await?;
                    self.take_staged(&mut written).await?;
                }
                Some(Parcel::Begin(relation, fields)) => {
                    self.take_into(temporary(relation), &fields, carrier).await?;
                }
                Some(Parcel::Data(_) | Parcel::End(_)) => return Err(MergeError::Interrupted),
                None => break,
            }
        }
        if self.transaction.order.deletes_gone() && !self.is_new {
            written.gone = self.delete_unless(LISTED).await?;
        }
        written.reports = self.after().await?;
        Ok(written)
    }

    async fn before(&self) -> Result<(), MergeError> {
        for (name, statement) in statements::before(&self.transaction.order.job) {
            run(self.transaction.session, &name, statement).await?;
        }
        Ok(())
    }

    /// Runs the statements after the rows; their reports.
    async fn after(&self) -> Result<Vec<Report>, MergeError> {
        let session = self.transaction.session;
        let mut reports = Vec::new();
        for (name, statement) in statements::after(&self.transaction.order.job) {
            match &statement.file {
                None => run(session, &name, statement).await?,
                Some(path) => reports.push(report(session, &name, statement, Report::begin(path)?).await?),
            }
        }
        Ok(reports)
    }

    /// The staged rows as the job's statements see them.
    async fn show_rows(&self) -> Result<(), PostgresError> {
        if !self.views.rows {
            return Ok(());
        }
        let place = PLACE.into_iter().map(str::to_owned);
        let names = self.transaction.columns.iter().map(|output| sql::identifier(&output.name));
        let select = format!("SELECT {} FROM {STAGED}", listed(place.chain(names)));
        self.transaction.session.run(&format!("CREATE TEMP VIEW windrow_rows AS {select}")).await
    }

    /// Staged rows that the job's statements have deleted.
    async fn withheld(&self, staged: u64) -> Result<u64, PostgresError> {
        match self.views.rows {
            true => {
                let left = self.transaction.count(&format!("SELECT count(*) FROM {STAGED}")).await?;
                Ok(staged.saturating_sub(left))
            }
            false => Ok(0),
        }
    }

    /// COPY straight into the table.
    async fn copy_rows(&self, carrier: &mut Carrier) -> Result<(u64, u64), MergeError> {
        let copy = format!(
            "COPY {} ({}) FROM STDIN (FORMAT binary)",
            self.target.qualified,
            listed(self.names.iter().map(|name| sql::identifier(name)))
        );
        self.transaction.copy(&copy, carrier).await
    }

    /// COPY into a temporary table of the job's own types; the number of its rows.
    async fn take_into(
        &self,
        table: &str,
        fields: &[Field],
        carrier: &mut Carrier,
    ) -> Result<u64, MergeError> {
        let column = |field: &Field| format!("{} {}", sql::identifier(&field.name), staged_type(field.ty));
        let columns = listed(fields.iter().map(column));
        let name = table.trim_start_matches("pg_temp.");
        let session = self.transaction.session;
        session.run(&format!("CREATE TEMP TABLE {name} ({columns}) ON COMMIT DROP")).await?;
        let copy = format!("COPY {table} FROM STDIN (FORMAT binary)");
        let (sent, _) = self.transaction.copy(&copy, carrier).await?;
        session.run(&format!("ANALYZE {table}")).await?;
        Ok(sent)
    }

    /// Deletes the rows that stand where new ones come; their number. (An upsert replaces them one by one.)
    async fn make_room(&self) -> Result<u64, PostgresError> {
        let order = self.transaction.order;
        match order.mode() {
            _ if self.is_new => Ok(0),
            Mode::Append | Mode::Upsert => Ok(0),
            Mode::ReplaceIds => self.delete_where(&format!("EXISTS ({})", self.with_id_of(ANSWERED))).await,
            Mode::Replace if order.spares(&self.transaction.policy, false) => {
                self.delete_unless(SPARED).await
            }
            Mode::Replace => self.delete_where("true").await,
        }
    }

    /// Deletes all rows but those with these ids.
    async fn delete_unless(&self, table: &str) -> Result<u64, PostgresError> {
        self.delete_where(&format!("NOT EXISTS ({})", self.with_id_of(table))).await
    }

    async fn delete_where(&self, condition: &str) -> Result<u64, PostgresError> {
        let delete = format!("DELETE FROM {} AS old WHERE {condition}", self.target.qualified);
        self.transaction.execute(&delete).await
    }

    /// A SELECT of the ids of a temporary table that `old` has.
    fn with_id_of(&self, table: &str) -> String {
        let same = self.ids().map(|id| self.same(id));
        format!("SELECT FROM {table} AS new WHERE {}", same.collect::<Vec<_>>().join(" AND "))
    }

    /// From the staging table into the target.
    async fn take_staged(&self, written: &mut Written) -> Result<(), MergeError> {
        let keeps = !self.is_new && self.transaction.order.must_keep(&self.transaction.policy);
        if self.transaction.order.mode() == Mode::Upsert {
            written.duplicates = self.leave_out_twins().await?;
            if !self.is_new {
                let twins = self.delete_standing_twins().await?;
                written.rows = self.update().await?;
                written.replaced = twins + written.rows;
            }
            written.rows += self.insert(&format!("NOT EXISTS ({})", self.standing_under_key())).await?;
            return Ok(());
        }
        if keeps {
            self.keep_standing().await?;
        }
        written.replaced = self.make_room().await?;
        written.rows = self.insert("true").await?;
        Ok(())
    }

    /// Where the server finds keys alike that we took for different, the later row wins; how many lost.
    async fn leave_out_twins(&self) -> Result<u64, PostgresError> {
        let keys = listed(self.key().into_iter().map(|key| self.converted("new", key)));
        let twins = format!("SELECT FROM {STAGED} AS new GROUP BY {keys} HAVING count(*) > 1 LIMIT 1");
        if self.transaction.count(&format!("SELECT count(*) FROM ({twins}) AS twins")).await? == 0 {
            return Ok(0);
        }
        let [ordinal, part] = PLACE;
        let delete = format!(
            "DELETE FROM {STAGED} AS loser USING (SELECT new.ctid AS row, row_number() OVER \
             (PARTITION BY {keys} ORDER BY new.{ordinal} DESC, new.{part} DESC) AS place FROM {STAGED} AS new) AS placed \
             WHERE loser.ctid = placed.row AND placed.place > 1"
        );
        self.transaction.execute(&delete).await
    }

    /// Of rows that stand under one key only the latest stays.
    async fn delete_standing_twins(&self) -> Result<u64, PostgresError> {
        let names: Vec<String> = self.key().into_iter().map(|key| self.name(key)).collect();
        if self.target.is_unique(&names) {
            return Ok(0);
        }
        let keys = listed(names.iter().map(|name| format!("old.{}", sql::identifier(name))));
        let delete = format!(
            "DELETE FROM {table} AS twin USING (SELECT old.tableoid AS part, old.ctid AS row, row_number() OVER \
             (PARTITION BY {keys} ORDER BY old.ctid DESC) AS place FROM {table} AS old \
             WHERE EXISTS (SELECT FROM {STAGED} AS new WHERE {same})) AS placed \
             WHERE twin.tableoid = placed.part AND twin.ctid = placed.row AND placed.place > 1",
            table = self.target.qualified,
            same = self.same_key(),
        );
        self.transaction.execute(&delete).await
    }

    /// Gives the rows that stand under a key their new values.
    async fn update(&self) -> Result<u64, PostgresError> {
        let set = self.transaction.columns.iter().map(|output| {
            let name = sql::identifier(&self.name(output));
            let new = self.converted("new", output);
            let value = match self.kept(output) {
                Some(failed) => format!("CASE WHEN new.{failed} THEN old.{name} ELSE {new} END"),
                None => new,
            };
            format!("{name} = {value}")
        });
        let update = format!(
            "UPDATE {} AS old SET {} FROM {STAGED} AS new WHERE {}",
            self.target.qualified,
            listed(set),
            self.same_key()
        );
        self.transaction.execute(&update).await
    }

    /// Inserts the staged rows for which the condition holds.
    async fn insert(&self, condition: &str) -> Result<u64, PostgresError> {
        let [ordinal, part] = PLACE;
        let insert = format!(
            "INSERT INTO {} ({}) SELECT {} FROM {STAGED} AS new WHERE {condition} ORDER BY new.{ordinal}, new.{part}",
            self.target.qualified,
            listed(self.names.iter().map(|name| sql::identifier(name))),
            listed(self.transaction.columns.iter().map(|output| self.converted("new", output))),
        );
        self.transaction.execute(&insert).await
    }

    /// Gives staged rows whose endpoint failed the columns of the row that stands: under their key the latest, under
    /// their id the first.
    async fn keep_standing(&self) -> Result<(), PostgresError> {
        let order = match self.transaction.order.mode() {
            Mode::ReplaceIds => "ASC",
            _ => "DESC",
        };
        let keys = self.key();
        let names = listed(keys.iter().map(|key| format!("old.{}", sql::identifier(&self.name(key)))));
        let mut by_flag: HashMap<String, Vec<&Output>> = HashMap::new();
        for output in &self.transaction.columns {
            if let Some(failed) = self.kept(output) {
                by_flag.entry(failed).or_default().push(output);
            }
        }
        for (failed, outputs) in by_flag {
            let set = outputs.iter().map(|output| {
                let (staged, standing) = (sql::identifier(&output.name), sql::identifier(&self.name(output)));
                let ty = staged_type(output.ty.unwrap_or(Type::Text));
                format!("{staged} = old.{standing}::{ty}")
            });
            let update = format!(
                "UPDATE {STAGED} AS new SET {} FROM (SELECT DISTINCT ON ({names}) old.* FROM {} AS old \
                 ORDER BY {names}, old.ctid {order}) AS old WHERE new.{failed} AND {}",
                listed(set),
                self.target.qualified,
                self.same_key()
            );
            self.transaction.execute(&update).await?;
        }
        Ok(())
    }

    /// The flag of the endpoint whose failure leaves this column as it stands.
    fn kept(&self, output: &Output) -> Option<String> {
        match output.origin {
            Origin::Answer(at) if self.transaction.policy.keeps(at) => Some(failed_column(at)),
            _ => None,
        }
    }

    /// The key: the job's, or else the id; the id where rows are replaced by it.
    fn key(&self) -> Vec<&Output> {
        let table = &self.transaction.order.job.table;
        if table.key.is_empty() || table.mode == Mode::ReplaceIds {
            return self.ids().collect();
        }
        self.transaction.columns.iter().filter(|output| table.key.contains(&output.name)).collect()
    }

    fn ids(&self) -> impl Iterator<Item = &Output> {
        self.transaction.columns.iter().filter(|output| output.origin == Origin::Id)
    }

    fn standing_under_key(&self) -> String {
        format!("SELECT FROM {} AS old WHERE {}", self.target.qualified, self.same_key())
    }

    /// A condition: `old`, a row of the table, has the key of `new`, a staged one.
    fn same_key(&self) -> String {
        self.key().into_iter().map(|key| self.same(key)).collect::<Vec<_>>().join(" AND ")
    }

    /// A condition: `old` and `new` have one value there. A text that is no UUID equals none.
    fn same(&self, output: &Output) -> String {
        let old = format!("old.{}", sql::identifier(&self.name(output)));
        let new = self.converted("new", output);
        match self.fit(output).cast.as_deref() {
            Some("uuid") => {
                let text = format!("new.{}", sql::identifier(&output.name));
                let is_uuid = format!("{text} ~* '^[0-9a-f]{{8}}(-[0-9a-f]{{4}}){{3}}-[0-9a-f]{{12}}$'");
                format!("{old} = CASE WHEN {is_uuid} THEN {text}::uuid END")
            }
            Some(_) => format!("{old}::text = new.{}::text", sql::identifier(&output.name)),
            None => format!("{old} = {new}"),
        }
    }

    /// A staged value as the target takes it.
    fn converted(&self, alias: &str, output: &Output) -> String {
        let value = format!("{alias}.{}", sql::identifier(&output.name));
        match &self.fit(output).cast {
            Some(ty) => format!("{value}::{ty}"),
            None => value,
        }
    }

    fn at(&self, output: &Output) -> usize {
        self.transaction.columns.iter().position(|column| column.name == output.name).unwrap_or_default()
    }

    fn name(&self, output: &Output) -> String {
        self.names[self.at(output)].clone()
    }

    fn fit(&self, output: &Output) -> &Fit {
        &self.fits[self.at(output)]
    }
}

/// The temporary table of a relation.
fn temporary(relation: Relation) -> &'static str {
    match relation {
        Relation::Rows | Relation::Staged => STAGED,
        Relation::Answered => ANSWERED,
        Relation::Spared => SPARED,
        Relation::Listed => LISTED,
        Relation::Input => "pg_temp.windrow_input",
        Relation::Failures => "pg_temp.windrow_failures",
    }
}

fn listed(words: impl Iterator<Item = String>) -> String {
    words.collect::<Vec<_>>().join(", ")
}

//! From the staging table into the table.

use super::fill::Filling;
use super::rows::listed;
use crate::database::DatabaseError;
use crate::job::Mode;
use crate::merge::MergeError;
use crate::merge::columns::{Origin, Output};
use crate::merge::dialect::Twins;
use crate::merge::gate::Duplicates;
use crate::merge::load::{Written, failed_column};
use crate::merge::statements::place;

/// Values that rows of the run keep, of the rows that stand, in the table's own types.
const KEPT: &str = "windrow_kept";

/// A condition that every staged row, `new`, meets.
pub(super) const ALL: &str = "true";

impl Filling<'_> {
    /// Takes the staged rows into the table, as the mode says.
    pub(super) async fn take_staged(&self, written: &mut Written) -> Result<(), MergeError> {
        self.make_ready(written).await?;
        let coming = written.sent.saturating_sub(written.withheld + written.twins.rows);
        let (updated, inserted) = self.write_staged(ALL, coming).await?;
        written.replaced += updated;
        written.rows = updated + inserted;
        Ok(())
    }

    /// Does all that comes before the rows: sets aside what they keep, and makes room.
    pub(super) async fn make_ready(&self, written: &mut Written) -> Result<(), MergeError> {
        if self.mode() == Mode::Upsert {
            if self.views.rows {
                self.refuse_null_keys().await?;
            }
            let may_have_twins = self.rows.has_coarse_key() && self.key_types.is_none();
            if may_have_twins || self.views.rows {
                written.twins = Duplicates { rows: self.leave_out_twins().await?, first: None };
            }
            if !self.is_new {
                written.replaced = self.delete_standing_twins().await?;
            }
            return Ok(());
        }
        if self.keeps() {
            self.keep_standing().await?;
        }
        written.replaced = if self.in_place { self.make_way().await? } else { self.make_room().await? };
        Ok(())
    }

    /// Writes the staged rows that meet a condition, at the most `coming`: how many over rows that stood under their
    /// keys, and how many beside.
    pub(super) async fn write_staged(&self, only: &str, coming: u64) -> Result<(u64, u64), MergeError> {
        if self.in_place {
            let updated = self.update_paired(only).await?;
            return Ok((
                updated,
                self.insert(&format!("{} AND {only}", self.unpaired()), self.keeps()).await?,
            ));
        }
        if self.mode() != Mode::Upsert {
            return Ok((0, self.insert(only, self.keeps()).await?));
        }
        if self.is_empty().await? {
            return Ok((0, self.insert(only, false).await?));
        }
        let updated = if self.key_types.is_some() {
            self.update_by_key(only, coming).await?
        } else {
            self.update(only).await?
        };
        // Each staged row has a key of its own, and each key one row that stands at the most.
        if updated == coming {
            return Ok((updated, 0));
        }
        let table = &self.target.qualified;
        let is_new = self.dialect().meets_none(table, &self.staged(), &self.rows.same_key());
        Ok((updated, self.insert(&format!("{is_new} AND {only}"), false).await?))
    }

    /// Refuses rows whose key a statement of the job's own has made null: nothing could find them again.
    async fn refuse_null_keys(&self) -> Result<(), MergeError> {
        let [ordinal, _] = place(self.rows.outputs);
        for key in self.rows.key() {
            let of_null =
                format!("FROM {} WHERE {} IS NULL", self.staged(), self.dialect().identifier(&key.name));
            let rows = self.transaction.count(&format!("SELECT count(*) {of_null}")).await?;
            if rows > 0 {
                let ordinal = self.transaction.count(&format!("SELECT min({ordinal}) {of_null}")).await?;
                return Err(MergeError::NullKey { column: key.name.clone(), rows, ordinal });
            }
        }
        Ok(())
    }

    /// The columns that tell staged rows apart.
    pub(super) fn staged_identity(&self) -> [String; 2] {
        place(self.rows.outputs)
    }

    /// Where the server finds keys alike that we took for different, the later row wins; how many lost.
    async fn leave_out_twins(&self) -> Result<u64, DatabaseError> {
        let keys = listed(self.rows.key().into_iter().map(|key| self.rows.converted(key)));
        let [ordinal, part] = place(self.rows.outputs);
        let twins = Twins {
            table: &self.staged(),
            identity: &self.staged_identity().map(|name| format!("new.{name}")),
            alias: "new",
            key: &keys,
            order: &format!("new.{ordinal} DESC, new.{part} DESC"),
            condition: ALL,
        };
        if let Some(count) = self.dialect().count_twins(&twins)
            && self.transaction.count(&count).await? == 0
        {
            return Ok(0);
        }
        self.transaction.execute_all(&self.dialect().delete_twins(&twins)).await
    }

    /// Of rows that stand under one key only the latest stays.
    async fn delete_standing_twins(&self) -> Result<u64, MergeError> {
        if self.target.is_unique(&self.rows.key_names()) {
            return Ok(0);
        }
        let keys = listed(self.rows.key().into_iter().map(|key| format!("old.{}", self.rows.name(key))));
        let same = self.rows.same_key();
        let twins = Twins {
            table: &self.target.qualified,
            identity: &self.target.row_id("old"),
            alias: "old",
            key: &keys,
            order: &format!("{} DESC", self.target.place("old")),
            condition: &format!("EXISTS (SELECT 1 FROM {} AS new WHERE {same})", self.staged()),
        };
        self.deleting(&self.dialect().delete_twins(&twins)).await
    }

    /// Gives the rows that stand under a key their new values, where these meet the condition.
    pub(super) async fn update(&self, only: &str) -> Result<u64, MergeError> {
        let condition = format!("{} AND {only}", self.rows.same_key());
        self.updating(self.update_from(&format!("{} AS new", self.staged()), &condition)).await
    }

    /// Gives rows that stand the values of staged ones.
    pub(super) fn update_from(&self, from: &str, condition: &str) -> String {
        self.dialect().update(&self.target.qualified, &self.assignments(&self.anew()), from, condition)
    }

    /// The columns that a row which stands under the key of another one gets from it: of those of the key only where they may
    /// differ, since a database may well write the entry of an index anew for a value that stays.
    pub(super) fn anew(&self) -> Vec<&Output> {
        let key = self.rows.key();
        let is_of_key = |output: &Output| key.iter().any(|key| key.name == output.name);
        let is_anew = |output: &&Output| {
            let standing = self.target.column(&output.name).map(|column| &column.ty);
            let may_differ = |(standing, ty)| self.dialect().may_differ(ty, standing);
            !is_of_key(output) || standing.zip(output.ty).is_none_or(may_differ)
        };
        let anew: Vec<&Output> = self.rows.outputs.iter().filter(is_anew).collect();
        if anew.is_empty() { self.rows.outputs.iter().collect() } else { anew }
    }

    /// The values that a row which stands gets in these columns, each quoted.
    pub(super) fn assignments(&self, columns: &[&Output]) -> Vec<(String, String)> {
        columns.iter().map(|output| (self.rows.name(output), self.new_or_kept(output, "old"))).collect()
    }

    /// Inserts the staged rows for which the condition holds, with what they keep.
    async fn insert(&self, condition: &str, keeps: bool) -> Result<u64, DatabaseError> {
        let [ordinal, part] = place(self.rows.outputs);
        let value = |output: &Output| {
            if keeps { self.new_or_kept(output, "kept") } else { self.rows.written(output) }
        };
        let kept = if keeps {
            format!(
                "LEFT JOIN {} AS kept ON kept.{ordinal} = new.{ordinal} AND kept.{part} = new.{part}",
                self.dialect().temporary(KEPT)
            )
        } else {
            String::new()
        };
        let insert = format!(
            "INSERT INTO {} ({}) SELECT {} FROM {} AS new {kept} WHERE {condition} \
             ORDER BY new.{ordinal}, new.{part}",
            self.filled(),
            self.rows.names(),
            listed(self.rows.outputs.iter().map(value)),
            self.staged(),
        );
        self.transaction.execute(&insert).await
    }

    /// The row's new value, or, where its endpoint failed, that of a row that stands.
    pub(super) fn new_or_kept(&self, output: &Output, standing: &str) -> String {
        let new = self.rows.written(output);
        match self.kept(output) {
            Some(failed) => {
                format!("CASE WHEN new.{failed} THEN {standing}.{} ELSE {new} END", self.rows.name(output))
            }
            None => new,
        }
    }

    /// Sets aside what staged rows whose endpoint failed keep: of the rows under their key the latest's, of those under
    /// their id the first's.
    async fn keep_standing(&self) -> Result<(), DatabaseError> {
        let order = match self.mode() {
            Mode::ReplaceIds => "ASC",
            _ => "DESC",
        };
        let kept: Vec<(&Output, String)> =
            self.rows.outputs.iter().filter_map(|output| Some((output, self.kept(output)?))).collect();
        let [ordinal, part] = place(self.rows.outputs);
        let names = listed(kept.iter().map(|(output, _)| self.rows.name(output)));
        let select = format!(
            "SELECT {ordinal}, {part}, {names} FROM (SELECT new.{ordinal}, new.{part}, {}, \
               row_number() OVER (PARTITION BY new.{ordinal}, new.{part} ORDER BY {} {order}) AS windrow_place \
               FROM {} AS new JOIN {} AS old ON {} WHERE {}) AS placed WHERE windrow_place = 1",
            listed(kept.iter().map(|(output, _)| format!("old.{}", self.rows.name(output)))),
            self.target.place("old"),
            self.staged(),
            self.target.qualified,
            self.rows.same_key(),
            kept.iter().map(|(_, failed)| format!("new.{failed}")).collect::<Vec<_>>().join(" OR "),
        );
        self.transaction.keep_temporary(KEPT, &[vec![ordinal, part]], &select).await
    }

    /// The flag of the endpoint whose failure leaves this column as it stands.
    fn kept(&self, output: &Output) -> Option<String> {
        match output.origin {
            Origin::Answer(at) if self.transaction.policy.keeps(at) => {
                Some(failed_column(at, self.rows.outputs))
            }
            _ => None,
        }
    }
}

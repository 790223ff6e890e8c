//! Ids: the rows of the table that belong to records of the list, whatever their key.
//!
//! Ids are compared in the types of the table, null like null. An id that the table cannot hold has no rows there.

use duckdb::Result;

use super::keys::{NULL_LIKE_NULL, columns, key_column, same};
use super::scope::SCOPE;
use super::{ANSWERED, Loading};
use crate::handoff::input::ORDINAL;
use crate::merge::columns::Origin;
use crate::merge::slice::{ALL, Slice, column};

/// Temporary table: ordinal and id of the records whose rows stay as they stand.
pub(in crate::merge) const SPARED: &str = "temp.windrow_spared";
/// Temporary table: ordinal and id of all records.
pub(in crate::merge) const LISTED: &str = "temp.windrow_listed";

impl Loading<'_> {
    /// Fills [`ANSWERED`]. Where there is a scope, it keeps those of the scope, and others with the same id: an id's
    /// rows are replaced together.
    pub(super) fn collect_answered(&self, narrowed: bool) -> Result<()> {
        self.collect_ids(ANSWERED, |slice| self.answered(slice))?;
        if !narrowed {
            return Ok(());
        }
        self.connection.execute_batch(&format!(
            "DELETE FROM {ANSWERED} WHERE rowid NOT IN (SELECT twin.rowid FROM {ANSWERED} twin \
             SEMI JOIN (FROM {ANSWERED} SEMI JOIN {SCOPE} USING ({ORDINAL})) new ON {})",
            self.same_ids("twin", "new")
        ))
    }

    /// Deletes the rows of the answered ids; their number.
    pub(super) fn delete_answered(&self) -> Result<u64> {
        self.delete_by_id("SEMI", ANSWERED)
    }

    /// Deletes all rows but those of ids that are to be left as they stand; their number.
    pub(super) fn delete_unless_spared(&self, sparing: usize) -> Result<u64> {
        self.collect_spared(sparing)?;
        self.delete_by_id("ANTI", SPARED)
    }

    /// Fills [`SPARED`]. Where another record of the same id has an answer, that one counts.
    pub(in crate::merge) fn collect_spared(&self, sparing: usize) -> Result<()> {
        self.collect_ids(ANSWERED, |slice| self.answered(slice))?;
        self.collect_ids(SPARED, |slice| {
            let others = self.policy.needed().filter(|at| *at != sparing);
            let without = format!(" ANTI JOIN {}", joined(slice, sparing));
            others.map(|at| format!(" SEMI JOIN {}", joined(slice, at))).collect::<String>() + &without
        })?;
        self.connection.execute_batch(&format!(
            "DELETE FROM {SPARED} WHERE rowid IN \
             (SELECT spared.rowid FROM {SPARED} spared SEMI JOIN {ANSWERED} new ON {})",
            self.same_ids("spared", "new")
        ))
    }

    /// Deletes the rows of ids that the list does not have; their number.
    pub(super) fn delete_gone(&self) -> Result<u64> {
        self.collect_listed()?;
        self.delete_by_id("ANTI", LISTED)
    }

    /// Fills [`LISTED`].
    pub(in crate::merge) fn collect_listed(&self) -> Result<()> {
        self.collect_ids(LISTED, |_| String::new())
    }

    /// The joins that leave of all records those that have succeeded wherever they need to.
    fn answered(&self, slice: &Slice<'_>) -> String {
        let needed = self.policy.needed().map(|at| format!(" SEMI JOIN {}", joined(slice, at)));
        needed.chain([slice.taken(&format!("record.{ORDINAL}"))]).collect()
    }

    /// Fills a table with ordinal and id of the records that these joins leave.
    fn collect_ids(&self, table: &str, joins: impl Fn(&Slice<'_>) -> String) -> Result<()> {
        let ids = self.id_columns();
        let typed = columns(&ids);
        self.connection.execute_batch(&format!("CREATE TEMP TABLE {table} ({ORDINAL} BIGINT, {typed})"))?;
        for slice in self.slices() {
            let frozen = |name: &str| column("record", &slice.frozen(name));
            let cast = |(name, ty): &(String, String)| format!("TRY_CAST({} AS {ty})", frozen(name));
            let fits =
                |id: &(String, String)| format!("({} IS NULL) = ({} IS NULL)", frozen(&id.0), cast(id));
            let values: Vec<String> = ids.iter().map(cast).collect();
            let fits: Vec<String> = ids.iter().map(fits).collect();
            self.connection.execute_batch(&format!(
                "INSERT INTO {table} SELECT record.{ORDINAL}, {} FROM {} record{} WHERE {}",
                values.join(", "),
                slice.input(),
                joins(&slice),
                fits.join(" AND ")
            ))?;
        }
        Ok(())
    }

    /// The id's columns as the table has them: name and type.
    pub(in crate::merge) fn id_columns(&self) -> Vec<(String, String)> {
        let ids = self.columns.iter().filter(|output| output.origin == Origin::Id);
        ids.map(|output| self.as_it_stands(output)).collect()
    }

    /// A condition: two rows of tables of ids have one id.
    fn same_ids(&self, one: &str, other: &str) -> String {
        let ids = self.id_columns().into_iter().map(|(name, _)| key_column(&name));
        ids.map(|id| format!("{one}.{id} {NULL_LIKE_NULL} {other}.{id}")).collect::<Vec<_>>().join(" AND ")
    }

    fn delete_by_id(&self, join: &str, ids: &str) -> Result<u64> {
        let (table, same) = (&self.target.qualified, same(&self.id_columns(), NULL_LIKE_NULL));
        let sql = match (self.hides_places(), join) {
            (false, _) => format!(
                "DELETE FROM {table} WHERE rowid IN (SELECT old.rowid FROM {table} old {join} JOIN {ids} new ON {same})"
            ),
            (true, "ANTI") => {
                format!("DELETE FROM {table} AS old WHERE NOT EXISTS (SELECT 1 FROM {ids} new WHERE {same})")
            }
            (true, _) => {
                format!("DELETE FROM {table} AS old WHERE EXISTS (SELECT 1 FROM {ids} new WHERE {same})")
            }
        };
        self.connection.execute(&sql, []).map(|rows| rows as u64)
    }
}

/// The records that succeeded at the endpoint, to be joined with all.
fn joined(slice: &Slice<'_>, endpoint: usize) -> String {
    let succeeded = slice.succeeded(endpoint, &ALL);
    format!("{succeeded} answer{endpoint} ON answer{endpoint}.{ORDINAL} = record.{ORDINAL}")
}

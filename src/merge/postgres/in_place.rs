//! Rows that come again under their key, in a table to which others refer: they are updated instead of being deleted and
//! inserted, so that what refers to them stays, and so does what the job does not name (a serial number, say).
//!
//! That is done where a key tells rows apart, in `replace` with a key and `replace_ids`: of a key with one row that
//! stands and one that comes, the first becomes the second. Of several rows under a key nobody knows which is which: they
//! make way, and the new ones are inserted.

use super::fill::{Filling, STAGED};
use super::rows::listed;
use crate::database::DatabaseError;
use crate::merge::MergeError;

/// Which row that stands becomes which staged one.
const PAIRED: &str = "pg_temp.windrow_paired";

/// A condition: a staged row, `new`, becomes none of them.
pub(super) const UNPAIRED: &str =
    "NOT EXISTS (SELECT FROM pg_temp.windrow_paired AS paired WHERE paired.staged_row = new.ctid)";

impl Filling<'_> {
    /// Deletes the rows that make way and that no staged one comes in place of; their number.
    pub(super) async fn make_way(&self) -> Result<u64, MergeError> {
        self.pair().await?;
        let leaving = self.leaving();
        let unpaired = "NOT EXISTS (SELECT FROM pg_temp.windrow_paired AS paired \
                        WHERE paired.table_part = old.tableoid AND paired.table_row = old.ctid)";
        let deleted = self.delete_where(&format!("({leaving}) AND {unpaired}")).await?;
        // What the deletion did to other rows of this table, by references or triggers, has moved them.
        if deleted > 0 {
            self.pair().await?;
        }
        Ok(deleted)
    }

    async fn pair(&self) -> Result<(), DatabaseError> {
        let name = PAIRED.trim_start_matches("pg_temp.");
        let session = self.transaction.session;
        session.run(&format!("DROP TABLE IF EXISTS {PAIRED}")).await?;
        let pair = format!(
            "CREATE TEMP TABLE {name} ON COMMIT DROP AS \
             SELECT table_part, table_row, staged_row FROM (SELECT old.tableoid AS table_part, old.ctid AS table_row, \
               new.ctid AS staged_row, count(*) OVER (PARTITION BY old.tableoid, old.ctid) AS coming, \
               count(*) OVER (PARTITION BY new.ctid) AS standing \
               FROM {} AS old JOIN {STAGED} AS new ON {} WHERE {}) AS met WHERE coming = 1 AND standing = 1",
            self.target.qualified,
            self.rows.same_key(),
            self.leaving(),
        );
        session.run(&pair).await?;
        session.run(&format!("ANALYZE {PAIRED}")).await
    }

    /// Gives the rows that stay the values of the staged ones that become them, where these meet the condition.
    pub(super) async fn update_paired(&self, only: &str) -> Result<u64, MergeError> {
        let set = self.rows.outputs.iter().map(|output| {
            let name = self.rows.name(output);
            format!("{name} = {}", self.new_or_kept(output, "old"))
        });
        let update = format!(
            "UPDATE {} AS old SET {} FROM {PAIRED} AS paired JOIN {STAGED} AS new ON new.ctid = paired.staged_row \
             WHERE old.tableoid = paired.table_part AND old.ctid = paired.table_row AND {only}",
            self.target.qualified,
            listed(set),
        );
        self.updating(&update).await
    }
}

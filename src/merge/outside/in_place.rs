//! Rows that come again under their key, in a table to which others refer: they are updated instead of being deleted and
//! inserted, so that what refers to them stays, and so does what the job does not name (a serial number, say).
//!
//! That is done where a key tells rows apart, in `replace` with a key and `replace_ids`: of a key with one row that
//! stands and one that comes, the first becomes the second. Of several rows under a key nobody knows which is which: they
//! make way, and the new ones are inserted.

use super::ask::run_if_any;
use super::fill::Filling;
use super::rows::listed;
use crate::database::DatabaseError;
use crate::merge::MergeError;

/// Temporary table: which row that stands becomes which staged one, by what tells rows of either table apart.
const PAIRED: &str = "windrow_paired";

impl Filling<'_> {
    /// Deletes the rows that make way and that no staged one comes in place of; their number.
    pub(super) async fn make_way(&self) -> Result<u64, MergeError> {
        self.pair().await?;
        let unpaired = self.not_among_pairs("old");
        let deleted = self.delete_where(&format!("({}) AND {unpaired}", self.leaving())).await?;
        // What the deletion did to other rows of this table, by references or triggers, has moved them.
        if deleted > 0 {
            self.pair().await?;
        }
        Ok(deleted)
    }

    async fn pair(&self) -> Result<(), DatabaseError> {
        let session = self.transaction.session;
        session.run(&format!("DROP TABLE IF EXISTS {}", self.pairs())).await?;
        let [old, new] = ["old", "new"].map(|alias| self.row_id(alias));
        let named = [("old", &old), ("new", &new)].into_iter().flat_map(|(alias, ids)| {
            ids.iter().enumerate().map(move |(at, id)| format!("{id} AS {}", column(alias, at)))
        });
        let names = [("old", &old), ("new", &new)]
            .into_iter()
            .flat_map(|(alias, ids)| (0..ids.len()).map(move |at| column(alias, at)));
        let select = format!(
            "SELECT {} FROM (SELECT {}, count(*) OVER (PARTITION BY {}) AS coming, \
               count(*) OVER (PARTITION BY {}) AS standing FROM {} AS old JOIN {} AS new ON {} WHERE {}) AS met \
             WHERE coming = 1 AND standing = 1",
            listed(names),
            listed(named),
            old.join(", "),
            new.join(", "),
            self.target.qualified,
            self.staged(),
            self.rows.same_key(),
            self.leaving(),
        );
        self.transaction.keep_temporary(PAIRED, &select).await?;
        for (alias, ids) in [("old", &old), ("new", &new)] {
            let columns = listed((0..ids.len()).map(|at| column(alias, at)));
            run_if_any(session, self.dialect().index_temporary(PAIRED, &columns)).await?;
        }
        Ok(())
    }

    /// What tells rows of the table, `old`, or staged ones apart.
    fn row_id(&self, alias: &str) -> Vec<String> {
        if alias == "old" { self.target.row_id(alias) } else { self.dialect().row_id(alias) }
    }

    fn pairs(&self) -> String {
        self.dialect().temporary(PAIRED)
    }

    /// A condition: `old` or `new` is the one of the pair.
    fn is_of_pair(&self, alias: &str) -> String {
        let ids = self.row_id(alias);
        let ids = ids.iter().enumerate().map(|(at, id)| format!("paired.{} = {id}", column(alias, at)));
        ids.collect::<Vec<_>>().join(" AND ")
    }

    fn not_among_pairs(&self, alias: &str) -> String {
        format!("NOT EXISTS (SELECT 1 FROM {} AS paired WHERE {})", self.pairs(), self.is_of_pair(alias))
    }

    /// A condition: a staged row, `new`, becomes none that stands.
    pub(super) fn unpaired(&self) -> String {
        self.not_among_pairs("new")
    }

    /// Gives the rows that stay the values of the staged ones that become them, where these meet the condition.
    pub(super) async fn update_paired(&self, only: &str) -> Result<u64, MergeError> {
        let from =
            format!("{} AS paired JOIN {} AS new ON {}", self.pairs(), self.staged(), self.is_of_pair("new"));
        let condition = format!("{} AND {only}", self.is_of_pair("old"));
        self.updating(&self.update_from(&from, &condition)).await
    }
}

/// The name of a part of what tells a row apart.
fn column(alias: &str, at: usize) -> String {
    format!("{alias}_{at}")
}

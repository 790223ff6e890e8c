//! Rows of an upsert straight into the table, and over those that have their keys (`ON CONFLICT … DO UPDATE`), one by one as they
//! come, where the database and the table let it: nothing is staged.
//!
//! That is done where it comes to the same as an update of the rows that stand and an insertion of the others: where the key
//! has a unique index of its own that compares as the key's columns do, no trigger sees a row inserted that is updated then, and no
//! number is taken for it. Another condition of the table may refuse, as an insertion, a row that would only be updated (a
//! CHECK of a column that the job does not fill). So a row that is refused says nothing yet: all of them are [staged](super::staged)
//! then, and those of them that are refused there are named ([`Trouble::Misread`](crate::database::Trouble::Misread)).

use super::exporter::Exporter;
use super::fill::Filling;
use crate::database::{DatabaseError, LoadInto};
use crate::merge::MergeError;
use crate::merge::dialect::Cause;
use crate::merge::load::Written;

impl Filling<'_> {
    /// What stands behind the values of each row then.
    pub(super) async fn clause_to_write_over(&self) -> Result<Option<String>, DatabaseError> {
        let may_change = !self.transaction.order.job.before.is_empty() || self.keeps();
        if may_change || self.rows.has_coarse_key() || self.must_be_staged() {
            return Ok(None);
        }
        let asked = self.target.id().and_then(|id| self.dialect().may_write_over(id, &self.rows.key_names()));
        let Some(asked) = asked else { return Ok(None) };
        if !self.transaction.session.row(&asked).await?.flag(0) {
            return Ok(None);
        }
        let key: Vec<String> = self.rows.key().into_iter().map(|key| self.rows.name(key)).collect();
        let anew: Vec<String> = self.anew().into_iter().map(|output| self.rows.name(output)).collect();
        Ok(self.dialect().write_over(&key, &anew))
    }

    /// Writes rows so.
    pub(super) async fn copy_over(
        &self,
        into: LoadInto<'_>,
        exporter: &mut Exporter,
    ) -> Result<Written, MergeError> {
        let mut written = Written::default();
        let load = async {
            let loaded = self.transaction.load(into, exporter).await;
            (written.sent, written.rows) = loaded.map_err(MergeError::misread)?;
            Ok::<_, MergeError>(self.transaction.count(self.dialect().count_written_over()).await?)
        };
        written.replaced = self.watched(load, Cause::Update).await?;
        Ok(written)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::job::Mode;
    use crate::merge::ResolvedDestination;
    use crate::merge::outside::transact::begin;
    use crate::merge::tests::sandbox::{Sandbox, all_ok};

    const COLUMNS: &str = "title, votes INT, budget INT, facts TEXT";

    /// The clause for a table by hand with a row in it: with this id, and what stands behind the columns.
    async fn clause(id: &str, behind: &str) -> Option<String> {
        let sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Upsert).on_sqlite();
        sandbox.execute(&format!(
            "CREATE TABLE films ({id}, {COLUMNS}{behind}; INSERT INTO films (id) VALUES ('x')"
        ));
        let ResolvedDestination::Server(server) = sandbox.place() else { panic!("a file") };
        let (session, order) = (server.connect().await.unwrap(), Arc::new(sandbox.order().await));
        let transaction = begin(&session, &order).await.unwrap();
        let over = Filling::plan(&transaction, false).await.unwrap().over;
        session.close().await;
        over
    }

    #[tokio::test]
    async fn rows_are_written_over_where_that_comes_to_the_same() {
        let expected = "ON CONFLICT (\"id\") DO UPDATE SET \"title\" = excluded.\"title\", \"votes\" = excluded.\"votes\", \
                        \"budget\" = excluded.\"budget\", \"facts\" = excluded.\"facts\" WHERE windrow_count()";
        for (id, behind) in [
            ("id TEXT PRIMARY KEY", ")"),
            ("id TEXT PRIMARY KEY", ") WITHOUT ROWID"),
            ("nr INTEGER PRIMARY KEY, ID TEXT UNIQUE", ", more DEFAULT 7)"),
            ("id TEXT", "); CREATE UNIQUE INDEX one ON films (id); CREATE UNIQUE INDEX two ON films (title)"),
            ("id TEXT PRIMARY KEY", "); CREATE TABLE of (film REFERENCES films (id) ON UPDATE CASCADE)"),
        ] {
            let clause = clause(id, behind).await.unwrap_or_else(|| panic!("{id} {behind}"));
            assert_eq!(clause.replace("\"ID\"", "\"id\""), expected, "{id} {behind}");
        }
        for (id, behind) in [
            ("nr INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT UNIQUE", ")"),
            ("id TEXT COLLATE NOCASE PRIMARY KEY", ")"),
            ("id TEXT", "); CREATE UNIQUE INDEX one ON films (id COLLATE NOCASE)"),
            ("id TEXT PRIMARY KEY", "); CREATE UNIQUE INDEX one ON films (id COLLATE NOCASE)"),
            ("id TEXT", "); CREATE UNIQUE INDEX one ON films (id, title)"),
            ("id TEXT", "); CREATE UNIQUE INDEX one ON films (id) WHERE votes > 0"),
            ("id TEXT", "); CREATE UNIQUE INDEX one ON films (lower(id))"),
            ("id TEXT", "); CREATE INDEX one ON films (id)"),
            ("id TEXT PRIMARY KEY", "); CREATE TRIGGER t BEFORE INSERT ON films BEGIN SELECT 1; END"),
        ] {
            assert_eq!(clause(id, behind).await, None, "{id} {behind}");
        }
    }
}

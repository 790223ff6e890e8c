//! Rows of an upsert that lie by their key in the staging table, as those of the table do in the index that it has on it.
//!
//! Then there are no two rows of one key, as the table compares them: a load of such rows, or of one that no column of the
//! key has room for, ends with that, and all rows are staged anew by their place in the list ([`Trouble::Misread`]). And the
//! database goes once through both tables, and updates what it comes past: but only where the statement leaves the columns alone
//! by which it finds the rows. Else, as where rows lie by their place, it puts all values aside until it has found all rows,
//! which takes three times as long (MariaDB 10.11). So the key is only written anew where it is spelled otherwise.
//!
//! [`Trouble::Misread`]: crate::database::Trouble::Misread

use super::fill::Filling;
use crate::job::Mode;
use crate::merge::MergeError;
use crate::merge::columns::Output;
use crate::merge::dialect::StandingType;
use crate::merge::statements::place;

impl Filling<'_> {
    /// The types of the key's columns in the staging table, where rows lie by their key.
    pub(super) fn staged_key_types(&self) -> Option<Vec<String>> {
        let may_change = self.views.rows || self.transaction.order.staged;
        let has_index = self.target.is_unique(&self.rows.key_names()) && self.rows.has_direct_key();
        if self.mode() != Mode::Upsert || may_change || !has_index {
            return None;
        }
        let standing = |key: &Output| self.target.column(&key.name).map(|column| &column.ty);
        let standing: Option<Vec<&StandingType>> = self.rows.key().into_iter().map(standing).collect();
        self.dialect().staged_key_types(&standing?)
    }

    /// The type of one of them.
    pub(super) fn staged_key_type(&self, name: &str) -> Option<String> {
        let at = self.rows.key().iter().position(|key| key.name == name)?;
        self.key_types.as_ref()?.get(at).cloned()
    }

    /// The columns by which staged rows lie, quoted.
    pub(super) fn staged_order(&self) -> Vec<String> {
        if self.key_types.is_none() {
            return place(self.rows.outputs).to_vec();
        }
        self.rows.key().iter().map(|key| self.dialect().identifier(&key.name)).collect()
    }

    /// What a load of staged rows ended with. Where they lie by their key, one that is refused is no mistake yet.
    pub(super) fn unless_by_key<T>(&self, loaded: Result<T, MergeError>) -> Result<T, MergeError> {
        if self.key_types.is_some() { loaded.map_err(MergeError::misread) } else { loaded }
    }

    /// Gives the rows that stand under a key their new values, where these meet a condition: `coming` rows at the most.
    pub(super) async fn update_by_key(&self, only: &str, coming: u64) -> Result<u64, MergeError> {
        let is_of_key = |output: &&Output| self.rows.key().iter().any(|key| key.name == output.name);
        let (spelled, others): (Vec<&Output>, Vec<&Output>) = self.anew().into_iter().partition(is_of_key);
        if others.is_empty() {
            return self.update(only).await;
        }
        let spelled = spelled.into_iter().map(|key| {
            self.dialect().is_same(&format!("old.{}", self.rows.name(key)), &self.rows.converted(key))
        });
        let spelled: Vec<String> = spelled.collect();
        let same =
            [vec![self.rows.same_key()], spelled.clone(), vec![only.to_owned()]].concat().join(" AND ");
        let from = format!("{} AS new", self.staged());
        let (table, set) = (&self.target.qualified, self.assignments(&others));
        let along = !self.has_more_than(coming.saturating_add(coming / 3)).await?;
        let updated = self.updating(self.dialect().update_by_key(table, &set, &from, &same, along)).await?;
        if spelled.is_empty() || updated == coming {
            return Ok(updated);
        }
        let otherwise = format!("NOT ({}) AND {only}", spelled.join(" AND "));
        Ok(updated + self.update(&otherwise).await?)
    }

    /// Whether so many rows stand, and more.
    async fn has_more_than(&self, rows: u64) -> Result<bool, MergeError> {
        let one_more = format!("SELECT 1 FROM {} LIMIT 1 OFFSET {rows}", self.target.qualified);
        Ok(!self.transaction.session.rows(&one_more).await?.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::merge::ResolvedDestination;
    use crate::merge::outside::transact::begin;
    use crate::merge::tests::sandbox::{Sandbox, all_ok};

    const COLUMNS: &str = "title text, votes bigint, budget int, facts json";

    /// The types of the staged key, for a table by hand with a row in it.
    async fn types(id: &str, index: &str) -> Option<Vec<String>> {
        let sandbox = Sandbox::of_one_round(2, &all_ok).await.mode(Mode::Upsert).on_mariadb();
        sandbox.execute(&format!(
            "CREATE TABLE films (n int, id {id}, {COLUMNS}, {index}) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci; \
             INSERT INTO films (n, id) VALUES (1, 'x')"
        ));
        let ResolvedDestination::Server(server) = sandbox.place() else { panic!("a server") };
        let (session, order) = (server.connect().await.unwrap(), Arc::new(sandbox.order().await));
        let transaction = begin(&session, &order).await.unwrap();
        let types = Filling::plan(&transaction, false).await.unwrap().key_types;
        session.close().await;
        types
    }

    #[tokio::test]
    async fn rows_lie_by_their_key_where_the_table_has_an_index_of_it() {
        const OF_TABLE: &str = "CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci";
        for (id, index, expected) in [
            ("varchar(20)", "PRIMARY KEY (id)", Some(format!("varchar(20) {OF_TABLE}"))),
            ("char(36)", "PRIMARY KEY (n), UNIQUE KEY (id)", Some(format!("char(36) {OF_TABLE}"))),
            ("varchar(768)", "UNIQUE KEY (id)", Some(format!("varchar(768) {OF_TABLE}"))),
            ("varchar(769)", "UNIQUE KEY (id)", None),
            ("enum('x', 'tt0000', 'tt0001')", "UNIQUE KEY (id)", None),
            ("varchar(20)", "KEY (id)", None),
            ("varchar(20)", "UNIQUE KEY (id(10))", None),
            ("varchar(20)", "UNIQUE KEY (id, n)", None),
        ] {
            assert_eq!(types(id, index).await, expected.map(|ty| vec![ty]), "{id} {index}");
        }
    }
}

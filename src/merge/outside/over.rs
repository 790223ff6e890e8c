//! Rows of an upsert straight into the table, and over those that have their keys (`ON CONFLICT … DO UPDATE`), one by one as they
//! come, where the database and the table let it: nothing is staged.
//!
//! That is done where it comes to the same as an update of the rows that stand and an insertion of the others: where the key
//! has a unique index of its own that compares as the key's columns do, no trigger sees a row inserted that is updated then, and no
//! number is taken for it. Another condition of the table may refuse, as an insertion, a row that would only be updated (a
//! CHECK of a column that the job does not fill). So a row that is refused says nothing yet: all of them are [staged](super::staged)
//! then, and those of them that are refused there are named ([`Trouble::Misread`](crate::database::Trouble::Misread)).

#[cfg(test)]
use std::sync::Arc;

use super::exporter::Exporter;
use super::fill::Filling;
#[cfg(test)]
use super::transact::begin;
#[cfg(test)]
use crate::database::Session;
use crate::database::{DatabaseError, LoadInto};
use crate::merge::MergeError;
use crate::merge::dialect::Cause;
#[cfg(test)]
use crate::merge::load::Order;
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

/// What stands behind the values of each row, where a load would write them so.
#[cfg(test)]
pub(in crate::merge) async fn clause_of(session: &Session, order: &Arc<Order>) -> Option<String> {
    let transaction = begin(session, order).await.unwrap();
    Filling::plan(&transaction, false).await.unwrap().over
}

//! What stands makes way for the rows that come.

use super::insert::Insertion;
use super::{Chosen, Loading, Written};
use crate::job::Mode;
use crate::merge::MergeError;
use crate::merge::statements::Views;

/// How new rows find their place.
#[derive(Default)]
pub(super) struct Room {
    pub insertion: Insertion,
    /// What is known of the rows before they are written.
    pub written: Written,
}

impl Loading<'_> {
    /// Deletes what the new rows replace.
    pub(super) fn make_room(&self, is_new: bool, views: Views, chosen: Chosen) -> Result<Room, MergeError> {
        let mode = self.order.mode();
        let keeps = !is_new && self.order.must_keep(&self.policy);
        if keeps && matches!(mode, Mode::Append | Mode::Replace) {
            self.checked(if views.rows { self.collect_staged_keys() } else { self.collect_keys() })?;
        }
        let Chosen { only, duplicates, twins } = chosen;
        let insertion = Insertion { only, ..Insertion::default() };
        let written = Written { duplicates, twins, ..Written::default() };
        let mut room = Room { insertion, written };
        let further = if mode == Mode::Upsert && !is_new { self.further() } else { Vec::new() };
        if keeps || !further.is_empty() {
            room.insertion.standing = Some(self.checked(self.keep_standing(&further))?);
            room.insertion.further = further.into_iter().map(|column| self.kept(column)).collect();
        }
        if !is_new {
            room.written.replaced = self.unread + self.checked(self.delete_replaced())?;
        }
        Ok(room)
    }

    /// Deletes the rows that stand where new ones come; their number.
    fn delete_replaced(&self) -> duckdb::Result<u64> {
        match (self.order.mode(), self.policy.sparing()) {
            (Mode::Append, _) => Ok(0),
            (Mode::Upsert, _) => self.delete_standing(),
            (Mode::ReplaceIds, _) => self.delete_answered(),
            (Mode::Replace, Some(sparing)) if self.order.spares(&self.policy, false) => {
                self.delete_unless_spared(sparing)
            }
            (Mode::Replace, _) => self.delete_all(),
        }
    }

    fn delete_all(&self) -> duckdb::Result<u64> {
        let sql = format!("DELETE FROM {}", self.target.qualified);
        self.connection.execute(&sql, []).map(|rows| rows as u64)
    }
}

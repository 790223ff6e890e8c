//! After a retry or a pause: the records whose rows are new since the run was last published.
//!
//! A publication wrote every record that had succeeded, in the blocks that it covers, at each endpoint that it needed:
//! at a pause at all of them. What none wrote is new for `append`; for `upsert` and `replace_ids` so is every record
//! that got an answer in other blocks since.

use duckdb::Result;

use super::Loading;
use crate::handoff::input::ORDINAL;
use crate::job::Mode;
use crate::merge::files::{BlockFiles, Stretch};
use crate::merge::runs::Publication;
use crate::merge::slice::Slice;

/// The temporary table of their ordinals.
pub(super) const SCOPE: &str = "temp.windrow_scope";

impl Loading<'_> {
    /// Fills [`SCOPE`] where there is something published to leave alone; false where all is to be loaded.
    pub(super) fn narrow(&self) -> Result<bool> {
        if self.earlier.is_empty() || self.order.mode() == Mode::Replace {
            return Ok(false);
        }
        self.connection.execute_batch(&format!("CREATE TEMP TABLE windrow_scope ({ORDINAL} BIGINT)"))?;
        for slice in self.slices() {
            self.connection.execute_batch(&format!("INSERT INTO {SCOPE} {}", self.new_in(&slice)))?;
        }
        Ok(true)
    }

    /// Answers of records that were appended before: appended rows are never changed.
    pub(super) fn late_answers(&self) -> Result<u64> {
        let mut late = 0;
        for slice in self.slices() {
            let sql = format!(
                "SELECT count(*) FROM ({}) late ANTI JOIN {SCOPE} scope ON scope.{ORDINAL} = late.{ORDINAL}",
                self.answered_since(&slice)
            );
            late += self.connection.query_row(&sql, [], |row| row.get::<_, u64>(0))?;
        }
        Ok(late)
    }

    /// A SELECT of the ordinals of the slice that belong into the scope.
    fn new_in(&self, slice: &Slice<'_>) -> String {
        let unwritten: Vec<String> =
            self.earlier.iter().map(|publication| format!("({})", unwritten(slice, publication))).collect();
        let unwritten = unwritten.join(" INTERSECT ");
        match self.order.mode() {
            Mode::Upsert | Mode::ReplaceIds => {
                format!("({unwritten}) UNION ({})", self.answered_since(slice))
            }
            Mode::Append | Mode::Replace => unwritten,
        }
    }

    /// A SELECT of the records that any endpoint answered in blocks that no publication covers, each once.
    fn answered_since(&self, slice: &Slice<'_>) -> String {
        let is_new =
            |block: &BlockFiles| !self.earlier.iter().any(|publication| block.is_in(&publication.covered));
        let answered = |at| format!("SELECT {ORDINAL} FROM {}", slice.succeeded(at, &is_new));
        let parts: Vec<String> = self.policy.endpoints().map(answered).collect();
        match parts.len() {
            0 => nothing(),
            _ => format!("SELECT DISTINCT {ORDINAL} FROM ({})", parts.join(" UNION ALL ")),
        }
    }
}

/// A SELECT of the records that a publication left out, as its blocks and its own policy had it, or since the table
/// refused them.
fn unwritten(slice: &Slice<'_>, publication: &Publication) -> String {
    let failed = |at| {
        let answers = slice.succeeded(at, &|block| block.is_in(&publication.covered));
        format!(
            "SELECT record.{ORDINAL} FROM {} record ANTI JOIN {answers} answer \
             ON answer.{ORDINAL} = record.{ORDINAL}",
            slice.input()
        )
    };
    let Stretch { first, until } = slice.stretch;
    let rejected = publication.rejected.range(first..until).map(|(record, _)| format!("({record})"));
    let rejected = rejected.collect::<Vec<_>>().join(", ");
    let rejected = (!rejected.is_empty())
        .then(|| format!("SELECT record AS {ORDINAL} FROM (VALUES {rejected}) rejected(record)"));
    let parts: Vec<String> = publication.policy.needed().map(failed).chain(rejected).collect();
    if parts.is_empty() { nothing() } else { parts.join(" UNION ") }
}

fn nothing() -> String {
    format!("SELECT CAST(NULL AS BIGINT) AS {ORDINAL} WHERE false")
}

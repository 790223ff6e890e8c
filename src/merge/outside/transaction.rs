//! A transaction under way: what its statements are run with, and what it is about.

use std::sync::Arc;

use futures_util::stream;

use super::ask::run_if_any;
use super::exporter::{Exporter, Exports, Piece};
use super::runs::Runs;
use super::target::OutsideTarget;
use crate::database::{DatabaseError, LoadInto, Session};
use crate::merge::MergeError;
use crate::merge::columns::Output;
use crate::merge::dialect::{Dialect, Sent};
use crate::merge::load::{Order, Relation};
use crate::merge::policy::Policy;
use crate::merge::runs::Publication;

/// Size of a table, in bytes, that is read within seconds.
const SOON_COUNTED: u64 = 1 << 30;

/// A transaction under way.
pub(super) struct Transaction<'a> {
    pub session: &'a Session,
    pub dialect: &'static dyn Dialect,
    pub order: &'a Arc<Order>,
    pub columns: Vec<Output>,
    pub policy: Policy,
    /// The table, as it was looked up last.
    pub target: OutsideTarget,
    pub runs: Runs,
    /// What of this run was published before.
    pub earlier: Vec<Publication>,
    /// Whether the table was made just now, where that was before BEGIN.
    pub is_made: Option<bool>,
    /// Columns that the table was given.
    pub added: Vec<String>,
}

impl Transaction<'_> {
    /// The rows of the table, where the gate looks at them, or where they are soon counted.
    pub async fn rows_of_table(&self) -> Result<Option<u64>, DatabaseError> {
        let target = &self.target;
        if !target.exists() {
            return Ok(Some(0));
        }
        if self.order.batch.is_some() {
            // A batch is small, and the table may be large: nobody waits for a count.
            return Ok(None);
        }
        let size = self.dialect.size(&target.qualified);
        if self.order.gate.looks_at_table() || self.count(&size).await? < SOON_COUNTED {
            self.count(&format!("SELECT count(*) FROM {}", target.qualified)).await.map(Some)
        } else {
            Ok(None)
        }
    }

    /// The one number that a statement answers with.
    pub async fn count(&self, sql: &str) -> Result<u64, DatabaseError> {
        Ok(self.session.row(sql).await?.number(0).unwrap_or_default())
    }

    /// Runs a statement; the rows that it changed.
    pub async fn execute(&self, sql: &str) -> Result<u64, DatabaseError> {
        self.session.execute(sql).await
    }

    /// Runs statements; the rows that the last one changed.
    pub async fn execute_all(&self, statements: &[String]) -> Result<u64, DatabaseError> {
        let mut changed = 0;
        for statement in statements {
            changed = self.execute(statement).await?;
        }
        Ok(changed)
    }

    /// Makes a temporary table of the rows of a SELECT; `sought` are columns by which rows are looked for.
    pub async fn keep_temporary(
        &self,
        name: &str,
        sought: &[Vec<String>],
        select: &str,
    ) -> Result<(), DatabaseError> {
        self.session.run(&self.dialect.keep_temporary(name, sought, select)).await?;
        for columns in sought {
            run_if_any(self.session, self.dialect.index_temporary(name, &columns.join(", "))).await?;
        }
        run_if_any(self.session, self.dialect.analyze(&self.dialect.temporary(name))).await
    }

    /// Sends a relation into a table, or these columns of it; the rows that came, and those that were written.
    pub async fn load(&self, into: LoadInto<'_>, exporter: &mut Exporter) -> Result<(u64, u64), MergeError> {
        let mut sent = 0;
        let pieces = stream::unfold((exporter, &mut sent), |(exporter, sent)| async {
            let piece = match exporter.pieces.recv().await {
                Some(Piece::Data(bytes)) => Ok(bytes),
                Some(Piece::End(rows)) => {
                    *sent = rows;
                    return None;
                }
                // The thread failed: it says why.
                Some(Piece::Begin(..)) | None => Err(MergeError::Interrupted),
            };
            Some((piece, (exporter, sent)))
        });
        let written = self.session.load(into, pieces).await?;
        Ok((sent, written))
    }

    /// What is brought, for a table that is there or not.
    pub fn exports(&self, is_new: bool, relations: Vec<Relation>, sent: Vec<Sent>) -> Exports {
        let (order, columns, earlier) = (Arc::clone(self.order), self.columns.clone(), self.earlier.clone());
        Exports { dialect: self.dialect, order, columns, earlier, is_new, relations, sent }
    }
}

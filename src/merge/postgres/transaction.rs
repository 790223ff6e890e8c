//! A transaction under way: what its statements are run with, and what it is about.

use std::sync::Arc;

use futures_util::stream;

use super::carry::{Carrier, Freight, Parcel};
use super::runs::Runs;
use super::target::Target;
use crate::database::DatabaseError;
use crate::database::postgres::Session;
use crate::merge::columns::Output;
use crate::merge::load::{Order, Relation};
use crate::merge::policy::Policy;
use crate::merge::runs::Publication;
use crate::merge::{MergeError, sql};

/// Size of a table, in bytes, that is read within seconds.
const SOON_COUNTED: u64 = 1 << 30;

/// What holds in this transaction only, whatever the server, the database, the user or a statement of the job's own say:
/// moments are UTC, texts are what they look like, nobody's time limit ends a load, COMMIT means that it is on the disk,
/// and the server looks whether we are still there: within a minute it gives up the transaction of one that is gone.
pub(super) const SETTINGS: &str = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; \
     SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = 0; \
     SET LOCAL tcp_keepalives_idle = 20; SET LOCAL tcp_keepalives_interval = 10; SET LOCAL tcp_keepalives_count = 3; \
     SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'; \
     SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'; \
     SELECT set_config(name, '10s', true) FROM pg_settings \
         WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%'";

/// A transaction under way.
pub(super) struct Transaction<'a> {
    pub session: &'a Session,
    pub order: &'a Arc<Order>,
    pub columns: Vec<Output>,
    pub policy: Policy,
    /// The table, as it was looked up last.
    pub target: Target,
    pub runs: Runs,
    /// What of this run was published before.
    pub earlier: Vec<Publication>,
}

impl Transaction<'_> {
    /// The rows of the table, where the gate looks at them, or where they are soon counted.
    pub async fn rows_of_table(&self) -> Result<Option<u64>, DatabaseError> {
        let target = &self.target;
        if !target.exists() {
            return Ok(Some(0));
        }
        // By its name: a table that was swapped is another one.
        let table = format!("{}::regclass", sql::text(&target.qualified));
        let size = format!(
            "SELECT (pg_relation_size({table}) + coalesce((SELECT sum(pg_relation_size(relid)) \
             FROM pg_partition_tree({table})), 0))::bigint"
        );
        match self.order.gate.looks_at_table() || self.count(&size).await? < SOON_COUNTED {
            true => self.count(&format!("SELECT count(*) FROM {}", target.qualified)).await.map(Some),
            false => Ok(None),
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

    /// Sends a relation into a table, or these columns of it; the rows that came, and those that were written.
    pub async fn load(&self, into: &str, carrier: &mut Carrier) -> Result<(u64, u64), MergeError> {
        let mut sent = 0;
        let pieces = stream::unfold((carrier, &mut sent), |(carrier, sent)| async {
            let piece = match carrier.parcels.recv().await {
                Some(Parcel::Data(bytes)) => Ok(bytes),
                Some(Parcel::End(rows)) => {
                    *sent = rows;
                    return None;
                }
                // The thread failed: it says why.
                Some(Parcel::Begin(..)) | None => Err(MergeError::Interrupted),
            };
            Some((piece, (carrier, sent)))
        });
        let written = self.session.load(into, pieces).await?;
        Ok((sent, written))
    }

    /// What is brought, for a table that is there or not.
    pub fn freight(&self, is_new: bool, relations: Vec<Relation>, jsonb: Vec<bool>) -> Freight {
        let (order, columns, earlier) = (Arc::clone(self.order), self.columns.clone(), self.earlier.clone());
        Freight { order, columns, earlier, is_new, relations, jsonb }
    }
}

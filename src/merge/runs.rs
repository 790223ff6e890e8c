//! `windrow_runs`: the destination's own record of what was published into it.
//!
//! Its row is inserted first in the transaction that publishes, so a rival waits on (or fails at) its key,
//! and it is the only authority on whether a run was published: a merge that was killed after COMMIT, or that
//! never heard the answer to it, finds the row.

use duckdb::{Connection, OptionalExt, params};

use super::policy::Policy;
use crate::handoff::Plan;
use crate::job::OnFailure;

/// The table's name, in the schema `main`.
pub(super) const TABLE: &str = "windrow_runs";

/// One publication of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Publication {
    /// Rounds that were in it.
    pub rounds: u32,
    /// SHA-256 over the commits that it was made from.
    pub digest: String,
    /// Rows written.
    pub rows: u64,
    /// What a failure did to the rows.
    pub policy: Policy,
}

/// What identifies the publications of a run.
pub(super) struct Ledger<'a> {
    pub plan: &'a Plan,
    pub table: &'a str,
}

impl Ledger<'_> {
    /// Makes the table if it is not there.
    pub fn create(connection: &Connection) -> duckdb::Result<()> {
        connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS main.{TABLE} (\
             run_id VARCHAR NOT NULL, rounds INTEGER NOT NULL, job VARCHAR NOT NULL, \
             table_name VARCHAR NOT NULL, digest VARCHAR NOT NULL, \"rows\" BIGINT NOT NULL, \
             published_at TIMESTAMP NOT NULL, on_failure VARCHAR NOT NULL, \
             PRIMARY KEY (run_id, table_name, rounds))"
        ))
    }

    /// The run's publications into the table, by rounds; none where nothing was ever published there.
    pub fn publications(&self, connection: &Connection) -> duckdb::Result<Vec<Publication>> {
        let there = "SELECT 1 FROM duckdb_tables() WHERE database_name = current_database() \
                     AND schema_name = 'main' AND table_name = ?";
        if connection.query_row(there, params![TABLE], |_| Ok(())).optional()?.is_none() {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT rounds, digest, \"rows\", on_failure FROM main.{TABLE} \
             WHERE run_id = ? AND lower(table_name) = lower(?) ORDER BY rounds"
        );
        let mut statement = connection.prepare(&sql)?;
        let publication = |row: &duckdb::Row<'_>| {
            Ok(Publication {
                rounds: row.get(0)?,
                digest: row.get(1)?,
                rows: row.get(2)?,
                policy: read_policy(self.plan, &row.get::<_, String>(3)?),
            })
        };
        statement.query_map(params![self.plan.run, self.table], publication)?.collect()
    }

    /// Claims a publication; its rows are counted later.
    pub fn claim(
        &self,
        connection: &Connection,
        publication: &Publication,
        now_micros: i64,
    ) -> duckdb::Result<()> {
        let sql = format!(
            "INSERT INTO main.{TABLE} \
             (run_id, rounds, job, table_name, digest, \"rows\", published_at, on_failure) \
             VALUES (?, ?, ?, ?, ?, 0, make_timestamp(?::BIGINT), ?)"
        );
        let plan = self.plan;
        let policy = write_policy(plan, &publication.policy);
        connection
            .execute(
                &sql,
                params![
                    plan.run,
                    publication.rounds,
                    plan.job,
                    self.table,
                    publication.digest,
                    now_micros,
                    policy
                ],
            )
            .map(|_| ())
    }

    /// Notes the rows of a claimed publication.
    pub fn count(&self, connection: &Connection, rounds: u32, rows: u64) -> duckdb::Result<()> {
        let sql = format!(
            "UPDATE main.{TABLE} SET \"rows\" = ? WHERE run_id = ? AND table_name = ? AND rounds = ?"
        );
        connection.execute(&sql, params![rows, self.plan.run, self.table, rounds]).map(|_| ())
    }
}

/// `omdb=drop business=keep`.
fn write_policy(plan: &Plan, policy: &Policy) -> String {
    let word = |policy: &OnFailure| match policy {
        OnFailure::Drop => "drop",
        OnFailure::Null => "null",
        OnFailure::Keep => "keep",
    };
    let endpoints = plan.endpoints.iter().zip(policy.said());
    let pairs = endpoints.map(|(endpoint, policy)| format!("{}={}", endpoint.name, word(policy)));
    pairs.collect::<Vec<_>>().join(" ")
}

/// An endpoint that is not named there dropped its records.
fn read_policy(plan: &Plan, text: &str) -> Policy {
    let said = |name: &str| text.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    Policy::new(plan, |name| match said(name) {
        Some("null") => Some(OnFailure::Null),
        Some("keep") => Some(OnFailure::Keep),
        _ => Some(OnFailure::Drop),
    })
}

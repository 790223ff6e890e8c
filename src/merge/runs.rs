//! `windrow_runs`: the destination's own record of what was published into it.
//!
//! Its row is inserted first in the transaction that publishes, so a rival waits on (or fails at) its key,
//! and it is the only authority on whether a run was published: a merge that was killed after COMMIT, or that
//! never heard the answer to it, finds the row.
//!
//! | `rounds` | the row is of | `blocks` | `on_failure` |
//! |---|---|---|---|
//! | *r*, from 1 | a whole run of *r* rounds | null | as the job said |
//! | -*n* | what was there at the *n*th pause that published anything | [what was committed](super::covered) | all `drop` |
//!
//! A claim has -1 rows until they are counted: one that a statement of the job's own has committed too early counts for
//! nothing, and the next claim takes its place.
//!
//! What was published at a pause is known by its blocks and by the digest of their commits, whatever the run's folder
//! says. A `windrow_runs` that an older windrow made has no column `blocks` until the first pause; a windrow that does
//! not know it cannot read a negative number of rounds, and stops.

use duckdb::{Connection, params};

use super::covered::{BlockSet, Covered};
use super::policy::Policy;
use crate::handoff::Plan;
use crate::job::OnFailure;

/// The table's name, in the schema `main`.
pub(super) const TABLE: &str = "windrow_runs";

/// Columns that every table of runs has; a later version added `blocks`.
const COLUMNS: [&str; 8] =
    ["run_id", "rounds", "job", "table_name", "digest", "rows", "published_at", "on_failure"];

/// One publication of a run.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Publication {
    /// What was in it.
    pub covered: Covered,
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
    /// Makes the table if it is not there, and the column that an older one lacks if it is needed.
    pub fn create(connection: &Connection, publication: &Publication) -> duckdb::Result<()> {
        let columns = columns(connection)?;
        let lacks_blocks = !columns.is_empty() && !has_blocks(&columns);
        if lacks_blocks && matches!(publication.covered, Covered::Blocks(_)) {
            return connection.execute_batch(&format!("ALTER TABLE main.{TABLE} ADD COLUMN blocks VARCHAR"));
        }
        Ledger::make(connection)
    }

    /// Makes the table if it is not there.
    pub fn make(connection: &Connection) -> duckdb::Result<()> {
        connection.execute_batch(&format!(
            "CREATE TABLE IF NOT EXISTS main.{TABLE} (\
             run_id VARCHAR NOT NULL, rounds INTEGER NOT NULL, job VARCHAR NOT NULL, \
             table_name VARCHAR NOT NULL, digest VARCHAR NOT NULL, \"rows\" BIGINT NOT NULL, \
             published_at TIMESTAMP NOT NULL, on_failure VARCHAR NOT NULL, blocks VARCHAR, \
             PRIMARY KEY (run_id, table_name, rounds))"
        ))
    }

    /// The run's publications into the table; none where nothing was ever published there.
    pub fn publications(&self, connection: &Connection) -> duckdb::Result<Vec<Publication>> {
        let columns = columns(connection)?;
        if columns.is_empty() {
            return Ok(Vec::new());
        }
        let blocks = if has_blocks(&columns) { "blocks" } else { "NULL::VARCHAR" };
        let sql = format!(
            "SELECT rounds, digest, \"rows\", on_failure, {blocks} FROM main.{TABLE} \
             WHERE run_id = ? AND lower(table_name) = lower(?) AND \"rows\" >= 0 ORDER BY rounds"
        );
        let mut statement = connection.prepare(&sql)?;
        let publication = |row: &duckdb::Row<'_>| {
            Ok(Publication {
                covered: read_covered(row.get(0)?, row.get(4)?),
                digest: row.get(1)?,
                rows: row.get(2)?,
                policy: read_policy(self.plan, &row.get::<_, String>(3)?),
            })
        };
        statement.query_map(params![self.plan.run, self.table], publication)?.collect()
    }

    /// Claims a publication beside earlier ones; its rows are counted later.
    pub fn claim(
        &self,
        connection: &Connection,
        publication: &Publication,
        earlier: &[Publication],
        now_micros: i64,
    ) -> duckdb::Result<()> {
        let sql = format!(
            "INSERT INTO main.{TABLE} \
             (run_id, rounds, job, table_name, digest, \"rows\", published_at, on_failure) \
             VALUES (?, ?, ?, ?, ?, -1, make_timestamp(?::BIGINT), ?)"
        );
        let void = format!(
            "DELETE FROM main.{TABLE} WHERE run_id = ? AND lower(table_name) = lower(?) AND \"rows\" < 0"
        );
        connection.execute(&void, params![self.plan.run, self.table])?;
        let (run, job) = (&self.plan.run, &self.plan.job);
        let policy = write_policy(self.plan, &publication.policy);
        let (number, digest) = (number(publication, earlier), &publication.digest);
        connection.execute(&sql, params![run, number, job, self.table, digest, now_micros, policy])?;
        match &publication.covered {
            Covered::Rounds(_) => Ok(()),
            Covered::Blocks(blocks) => self.set(connection, "blocks", blocks.to_string(), number),
        }
    }

    /// Notes the rows of a claimed publication.
    pub fn count(
        &self,
        connection: &Connection,
        publication: &Publication,
        earlier: &[Publication],
        rows: u64,
    ) -> duckdb::Result<()> {
        self.set(connection, "\"rows\"", rows, number(publication, earlier))
    }

    fn set(
        &self,
        connection: &Connection,
        column: &str,
        value: impl duckdb::ToSql,
        number: i64,
    ) -> duckdb::Result<()> {
        let sql = format!(
            "UPDATE main.{TABLE} SET {column} = ? WHERE run_id = ? AND table_name = ? AND rounds = ?"
        );
        connection.execute(&sql, params![value, self.plan.run, self.table, number]).map(|_| ())
    }
}

/// What stands in `rounds`: part of the key, so that a rival cannot publish the same.
pub(super) fn number(publication: &Publication, earlier: &[Publication]) -> i64 {
    let is_of_pause = |earlier: &&Publication| matches!(earlier.covered, Covered::Blocks(_));
    match publication.covered {
        Covered::Rounds(rounds) => rounds.into(),
        Covered::Blocks(_) => -1 - earlier.iter().filter(is_of_pause).count() as i64,
    }
}

/// What is unreadable covers nothing, which its digest will not match.
pub(super) fn read_covered(rounds: i64, blocks: Option<String>) -> Covered {
    match u32::try_from(rounds) {
        Ok(rounds) => Covered::Rounds(rounds),
        Err(_) => Covered::Blocks(blocks.and_then(|text| BlockSet::parse(&text)).unwrap_or_default()),
    }
}

/// Why the table that has the name is not one that notes runs.
pub(super) fn not_ours(connection: &Connection) -> duckdb::Result<Option<String>> {
    let found = columns(connection)?;
    let lacking: Vec<&str> = COLUMNS.into_iter().filter(|name| !found.iter().any(|is| is == name)).collect();
    let is_ours = found.is_empty() || lacking.is_empty();
    Ok((!is_ours).then(|| {
        format!(
            "windrow notes its runs in a table {TABLE}, and the one that is there lacks {} (a table of yours? \
             rename it, or publish into another file)",
            lacking.join(", ")
        )
    }))
}

/// The columns of the table; none where it is not there.
fn columns(connection: &Connection) -> duckdb::Result<Vec<String>> {
    let sql = "SELECT column_name FROM duckdb_columns() WHERE database_name = current_database() \
               AND schema_name = 'main' AND lower(table_name) = ?";
    connection.prepare(sql)?.query_map(params![TABLE], |row| row.get(0))?.collect()
}

fn has_blocks(columns: &[String]) -> bool {
    columns.iter().any(|column| column == "blocks")
}

/// `omdb=drop business=keep`.
pub(super) fn write_policy(plan: &Plan, policy: &Policy) -> String {
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
pub(super) fn read_policy(plan: &Plan, text: &str) -> Policy {
    let said = |name: &str| text.split(' ').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    Policy::new(plan, |name| match said(name) {
        Some("null") => Some(OnFailure::Null),
        Some("keep") => Some(OnFailure::Keep),
        _ => Some(OnFailure::Drop),
    })
}

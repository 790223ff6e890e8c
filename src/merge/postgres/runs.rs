//! `windrow_runs` on the server: the same table as in DuckDB (see [`runs`](crate::merge::runs)), beside the job's own
//! table unless the job says where (`runs_table`).

use std::time::{Duration, UNIX_EPOCH};

use tokio_postgres::types::ToSql;

use super::target::{Target, qualified};
use crate::database::postgres::{PostgresError, Session};
use crate::handoff::Plan;
use crate::job::Job;
use crate::merge::MergeError;
use crate::merge::covered::Covered;
use crate::merge::runs::{self, Publication, number, read_covered, read_policy, write_policy};

/// The table, and what identifies the publications of a run in it.
pub(super) struct Ledger<'a> {
    pub session: &'a Session,
    pub plan: &'a Plan,
    /// `schema.table`, the job's.
    pub table: &'a str,
    /// `schema.table`, of the runs, quoted.
    pub qualified: String,
}

/// Columns that a table of runs has.
const COLUMNS: [&str; 9] =
    ["run_id", "rounds", "job", "table_name", "digest", "rows", "published_at", "on_failure", "blocks"];

impl<'a> Ledger<'a> {
    pub fn of(session: &'a Session, job: &Job, plan: &'a Plan, target: &'a Target) -> Ledger<'a> {
        Ledger { session, plan, table: &target.name, qualified: runs_table(job, target) }
    }

    /// Makes the table if it is not there.
    pub async fn create(&self) -> Result<(), PostgresError> {
        if is_there(self.session, &self.qualified).await? {
            return Ok(());
        }
        let create = format!(
            "CREATE TABLE {} (run_id text NOT NULL, rounds integer NOT NULL, job text NOT NULL, \
             table_name text NOT NULL, digest text NOT NULL, \"rows\" bigint NOT NULL, \
             published_at timestamptz NOT NULL, on_failure text NOT NULL, blocks text, \
             PRIMARY KEY (run_id, table_name, rounds))",
            self.qualified
        );
        self.session.run(&create).await
    }

    /// The run's publications into the table; none where nothing was ever published there.
    pub async fn publications(&self) -> Result<Vec<Publication>, PostgresError> {
        if !is_there(self.session, &self.qualified).await? {
            return Ok(Vec::new());
        }
        let sql = format!(
            "SELECT rounds::bigint, digest, \"rows\"::bigint, on_failure, blocks FROM {} \
             WHERE run_id = $1 AND table_name = $2 AND \"rows\" >= 0 ORDER BY rounds",
            self.qualified
        );
        let rows = self.session.client().query(&sql, &[&self.plan.run, &self.table]).await;
        let publication = |row: &tokio_postgres::Row| Publication {
            covered: read_covered(row.get(0), row.get(4)),
            digest: row.get(1),
            rows: u64::try_from(row.get::<_, i64>(2)).unwrap_or_default(),
            policy: read_policy(self.plan, row.get(3)),
        };
        Ok(rows.map_err(|error| self.session.failed(&error))?.iter().map(publication).collect())
    }

    /// Claims a publication beside earlier ones: a rival that claims the same waits here until this transaction ends.
    /// Its rows are counted later.
    pub async fn claim(
        &self,
        publication: &Publication,
        earlier: &[Publication],
        now_micros: i64,
    ) -> Result<(), PostgresError> {
        let insert = format!(
            "INSERT INTO {} (run_id, rounds, job, table_name, digest, \"rows\", published_at, on_failure, blocks) \
             VALUES ($1, $2::bigint, $3, $4, $5, -1, $6, $7, $8)",
            self.qualified
        );
        let void =
            format!("DELETE FROM {} WHERE run_id = $1 AND table_name = $2 AND \"rows\" < 0", self.qualified);
        let voided = self.session.client().execute(&void, &[&self.plan.run, &self.table]).await;
        voided.map_err(|error| self.session.failed(&error))?;
        let now = UNIX_EPOCH + Duration::from_micros(now_micros.unsigned_abs());
        let policy = write_policy(self.plan, &publication.policy);
        let blocks = match &publication.covered {
            Covered::Rounds(_) => None,
            Covered::Blocks(blocks) => Some(blocks.to_string()),
        };
        let (plan, number) = (self.plan, number(publication, earlier));
        let values: [&(dyn ToSql + Sync); 8] =
            [&plan.run, &number, &plan.job, &self.table, &publication.digest, &now, &policy, &blocks];
        let done = self.session.client().execute(&insert, &values).await;
        done.map(|_| ()).map_err(|error| self.session.failed(&error))
    }

    /// Notes the rows of a claimed publication.
    pub async fn count(
        &self,
        publication: &Publication,
        earlier: &[Publication],
        rows: u64,
    ) -> Result<(), PostgresError> {
        let update = format!(
            "UPDATE {} SET \"rows\" = $1 WHERE run_id = $2 AND table_name = $3 AND rounds = $4::bigint",
            self.qualified
        );
        let (rows, number) = (rows as i64, number(publication, earlier));
        let done =
            self.session.client().execute(&update, &[&rows, &self.plan.run, &self.table, &number]).await;
        done.map(|_| ()).map_err(|error| self.session.failed(&error))
    }
}

/// Whether the runs can be noted: what is in the way, in words.
pub(super) async fn check(session: &Session, job: &Job, target: &Target) -> Result<(), MergeError> {
    let table = runs_table(job, target);
    let failed = |error| session.failed(&error);
    if !is_there(session, &table).await? {
        return Ok(());
    }
    let columns = "SELECT attname::text FROM pg_attribute \
                   WHERE attrelid = to_regclass($1) AND attnum > 0 AND NOT attisdropped";
    let found = session.client().query(columns, &[&table]).await.map_err(failed)?;
    let found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    let lacking: Vec<&str> = COLUMNS.into_iter().filter(|name| !found.iter().any(|is| is == name)).collect();
    let mut problems = Vec::new();
    if !lacking.is_empty() {
        let hint = "is it a table of yours? runs_table names another one";
        problems.push(format!("it is to note the runs, and lacks {}: {hint}", lacking.join(", ")));
    }
    let rights = "SELECT has_table_privilege($1, 'SELECT') AND has_table_privilege($1, 'INSERT') \
                  AND has_table_privilege($1, 'UPDATE')";
    let may: bool = session.client().query_one(rights, &[&table]).await.map_err(failed)?.get(0);
    if !may {
        problems
            .push("it is to note the runs, and this user may not SELECT, INSERT and UPDATE there".to_owned());
    }
    match problems.is_empty() {
        true => Ok(()),
        false => Err(MergeError::Table { table, problems }),
    }
}

/// Where the runs are noted, quoted.
fn runs_table(job: &Job, target: &Target) -> String {
    let written = job.table.runs_table.as_deref().unwrap_or(runs::TABLE);
    match written.split_once('.') {
        Some((schema, table)) => qualified(schema, table),
        None => qualified(&target.schema, written),
    }
}

async fn is_there(session: &Session, qualified: &str) -> Result<bool, PostgresError> {
    let found = session.client().query_one("SELECT to_regclass($1) IS NOT NULL", &[&qualified]).await;
    Ok(found.map_err(|error| session.failed(&error))?.get(0))
}

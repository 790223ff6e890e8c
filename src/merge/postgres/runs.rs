//! `windrow_runs` on the server: the same table as in DuckDB (see [`runs`](crate::merge::runs)), beside the job's own
//! table unless the job says where (`runs_table`).

use std::time::{Duration, UNIX_EPOCH};

use tokio_postgres::types::ToSql;

use super::rights::{has, to_make_a_table};
use super::target::{Found, Target, covers, find, qualified, unique_indexes};
use crate::database::postgres::{PostgresError, Session};
use crate::handoff::Plan;
use crate::job::{Job, TableName};
use crate::merge::columns;
use crate::merge::covered::Covered;
use crate::merge::runs::{self, Publication, number, read_covered, read_policy, write_policy};
use crate::merge::sql;

/// The table, and what identifies the publications of a run in it.
pub(super) struct Ledger<'a> {
    pub session: &'a Session,
    pub plan: &'a Plan,
    /// `schema.table`, the job's.
    pub table: &'a str,
    /// The schema of the table of runs.
    schema: String,
    /// `schema.table`, of the runs, quoted.
    qualified: String,
    is_there: bool,
}

/// What tells one publication from another.
const KEY: [&str; 3] = ["run_id", "table_name", "rounds"];

/// Columns that a table of runs has.
const COLUMNS: [&str; 9] =
    ["run_id", "rounds", "job", "table_name", "digest", "rows", "published_at", "on_failure", "blocks"];

impl<'a> Ledger<'a> {
    pub async fn of(
        session: &'a Session,
        job: &Job,
        plan: &'a Plan,
        target: &'a Target,
    ) -> Result<Ledger<'a>, PostgresError> {
        let found = find_runs(session, job, target).await?;
        Ok(Ledger {
            session,
            plan,
            table: &target.name,
            qualified: qualified(&found.schema, &found.table),
            is_there: found.standing.is_some(),
            schema: found.schema,
        })
    }

    /// Waits until no other merge of this run into this table is at work. What this one reads from then on is what that
    /// one has left, whichever rounds it published.
    pub async fn wait_for_rivals(&self) -> Result<(), PostgresError> {
        let whose = format!("windrow {} {}", self.plan.run, self.table);
        let lock = "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))";
        let locked = self.session.client().execute(lock, &[&whose]).await;
        locked.map(|_| ()).map_err(|error| self.session.failed(&error))
    }

    /// Makes the table if it is not there, and its schema.
    pub async fn create(&self) -> Result<(), PostgresError> {
        if self.is_there {
            return Ok(());
        }
        make_schema(self.session, &self.schema).await?;
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
        if !self.is_there {
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

/// What keeps the runs from being noted, in words.
pub(super) async fn problems(
    session: &Session,
    job: &Job,
    target: &Target,
) -> Result<Vec<String>, PostgresError> {
    let Found { schema, table, standing, .. } = find_runs(session, job, target).await?;
    let name = format!("{schema}.{table}");
    let Some((oid, kind)) = standing else {
        let right = to_make_a_table(session, &schema).await?;
        let problem = |right| format!("{name}, which is to note the runs: this user may not make {right}");
        return Ok(right.map(problem).into_iter().collect());
    };
    let mut problems: Vec<String> = not_ours(session, oid, &kind).await?.into_iter().collect();
    let may = |right: &str| format!("has_table_privilege({oid}, '{right}')");
    if !has(session, &["SELECT", "INSERT", "UPDATE"].map(may).join(" AND ")).await? {
        problems.push("this user may not SELECT, INSERT and UPDATE there".to_owned());
    }
    Ok(problems.into_iter().map(|problem| format!("{name}, which is to note the runs: {problem}")).collect())
}

/// Why a table is not one that notes runs.
async fn not_ours(session: &Session, oid: u32, kind: &str) -> Result<Option<String>, PostgresError> {
    const HINT: &str = "a table of yours? runs_table names another one";
    if !matches!(kind, "r" | "p") {
        return Ok(Some(format!("it is no table ({HINT})")));
    }
    let columns = "SELECT attname::text FROM pg_attribute \
                   WHERE attrelid = $1 AND attnum > 0 AND NOT attisdropped";
    let found = session.client().query(columns, &[&oid]).await.map_err(|error| session.failed(&error))?;
    let found: Vec<String> = found.iter().map(|row| row.get(0)).collect();
    let lacking: Vec<&str> = COLUMNS.into_iter().filter(|name| !found.iter().any(|is| is == name)).collect();
    if !lacking.is_empty() {
        return Ok(Some(format!("it lacks {} ({HINT})", lacking.join(", "))));
    }
    let is_key = covers(&unique_indexes(session, oid).await?, &KEY.map(str::to_owned));
    Ok((!is_key).then(|| format!("it lacks its key: PRIMARY KEY ({})", KEY.join(", "))))
}

/// Where the runs are noted: beside the table, unless the job says.
async fn find_runs(session: &Session, job: &Job, target: &Target) -> Result<Found, PostgresError> {
    let TableName { schema, table } =
        columns::table_name(job.table.runs_table.as_deref().unwrap_or(runs::TABLE));
    find(session, Some(schema.as_ref().unwrap_or(&target.schema)), &table).await
}

/// Makes a schema that is not there.
pub(super) async fn make_schema(session: &Session, schema: &str) -> Result<(), PostgresError> {
    let is_there = format!("EXISTS (SELECT FROM pg_namespace WHERE nspname = {})", sql::text(schema));
    // Not IF NOT EXISTS: that needs the right to make one even where it is there.
    match has(session, &is_there).await? {
        true => Ok(()),
        false => session.run(&format!("CREATE SCHEMA {}", sql::identifier(schema))).await,
    }
}

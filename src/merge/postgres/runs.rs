//! `windrow_runs` on the server: the same table as in DuckDB (see [`runs`](crate::merge::runs)), beside the job's own
//! table unless the job says where (`runs_table`).

use super::rights::{has, to_make_a_table};
use super::target::{Found, Target, covers, find, qualified, unique_indexes};
use crate::database::DatabaseError;
use crate::database::postgres::Session;
use crate::handoff::Plan;
use crate::job::{Job, TableName};
use crate::merge::columns;
use crate::merge::dialect::Postgres;
use crate::merge::runs::{self, KEY, Ledger, Publication, lacking};
use crate::merge::sql;

/// The table of runs on the server.
pub(super) struct Runs {
    schema: String,
    /// `schema.table`, quoted.
    qualified: String,
    is_there: bool,
}

impl Runs {
    /// Looks it up.
    pub async fn find(session: &Session, job: &Job, target: &Target) -> Result<Runs, DatabaseError> {
        let found = find_runs(session, job, target).await?;
        let qualified = qualified(&found.schema, &found.table);
        Ok(Runs { qualified, is_there: found.standing.is_some(), schema: found.schema })
    }

    /// What identifies the publications of a run in it.
    pub fn ledger<'a>(&self, plan: &'a Plan, target: &'a Target) -> Ledger<'a> {
        Ledger { dialect: &Postgres, runs: self.qualified.clone(), plan, table: &target.name }
    }

    /// Makes the table if it is not there, and its schema.
    pub async fn make(&self, session: &Session) -> Result<(), DatabaseError> {
        if self.is_there {
            return Ok(());
        }
        make_schema(session, &self.schema).await?;
        session.run(&runs::create(&Postgres, &self.qualified)).await
    }

    /// The run's publications into the table; none where nothing was ever published there.
    pub async fn publications(
        &self,
        session: &Session,
        ledger: &Ledger<'_>,
    ) -> Result<Vec<Publication>, DatabaseError> {
        if !self.is_there {
            return Ok(Vec::new());
        }
        let rows = session.rows(&ledger.publications()).await?;
        Ok(rows.iter().map(|row| ledger.publication(row.values())).collect())
    }
}

/// What keeps the runs from being noted, in words.
pub(super) async fn problems(
    session: &Session,
    job: &Job,
    target: &Target,
) -> Result<Vec<String>, DatabaseError> {
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
async fn not_ours(session: &Session, oid: u32, kind: &str) -> Result<Option<String>, DatabaseError> {
    const HINT: &str = "a table of yours? runs_table names another one";
    if !matches!(kind, "r" | "p") {
        return Ok(Some(format!("it is no table ({HINT})")));
    }
    let columns = format!(
        "SELECT attname::text FROM pg_attribute WHERE attrelid = {oid} AND attnum > 0 AND NOT attisdropped"
    );
    let found: Vec<String> = session.rows(&columns).await?.iter().map(|row| row.text(0)).collect();
    if let Some(lacking) = lacking(&found) {
        return Ok(Some(format!("it lacks {lacking} ({HINT})")));
    }
    let is_key = covers(&unique_indexes(session, oid).await?, &KEY.map(str::to_owned));
    Ok((!is_key).then(|| format!("it lacks its key: PRIMARY KEY ({})", KEY.join(", "))))
}

/// Where the runs are noted: beside the table, unless the job says.
async fn find_runs(session: &Session, job: &Job, target: &Target) -> Result<Found, DatabaseError> {
    let TableName { schema, table } =
        columns::table_name(job.table.runs_table.as_deref().unwrap_or(runs::TABLE));
    find(session, Some(schema.as_ref().unwrap_or(&target.schema)), &table).await
}

/// Makes a schema that is not there.
pub(super) async fn make_schema(session: &Session, schema: &str) -> Result<(), DatabaseError> {
    let is_there = format!("EXISTS (SELECT FROM pg_namespace WHERE nspname = {})", sql::text(schema));
    // Not IF NOT EXISTS: that needs the right to make one even where it is there.
    match has(session, &is_there).await? {
        true => Ok(()),
        false => session.run(&format!("CREATE SCHEMA {}", sql::identifier(schema))).await,
    }
}

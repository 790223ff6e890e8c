//! `windrow_runs` on the server: the same table as in DuckDB (see [`runs`]), beside the job's own
//! table unless the job says where (`runs_table`).

use super::ask::{complaints, has};
use super::target::{FoundTable, OutsideTarget, covers, find, qualified, unique_indexes};
use crate::database::{DatabaseError, Session};
use crate::handoff::Plan;
use crate::job::{Job, TableName};
use crate::merge::columns;
use crate::merge::dialect::{self, LoadRights, Right};
use crate::merge::runs::{self, COLUMNS, KEY, Ledger, Publication, lacking};

/// The table of runs on the server.
pub(super) struct Runs {
    schema: String,
    /// `schema.table`, quoted.
    qualified: String,
    is_there: bool,
}

impl Runs {
    /// Looks it up.
    pub async fn find(session: &Session, job: &Job, target: &OutsideTarget) -> Result<Runs, DatabaseError> {
        let found = find_runs(session, job, target).await?;
        let qualified = qualified(dialect::of(session), &found.schema, &found.table);
        Ok(Runs { qualified, is_there: found.standing.is_some(), schema: found.schema })
    }

    /// What identifies the publications of a run in it.
    pub fn ledger<'a>(&self, session: &Session, plan: &'a Plan, target: &'a OutsideTarget) -> Ledger<'a> {
        Ledger { dialect: dialect::of(session), runs: self.qualified.clone(), plan, table: &target.name }
    }

    /// Makes the table if it is not there, and its schema.
    pub async fn make(&self, session: &Session) -> Result<(), DatabaseError> {
        if self.is_there {
            return Ok(());
        }
        make_schema(session, &self.schema).await?;
        session.run(&runs::create(dialect::of(session), &self.qualified)).await
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
    target: &OutsideTarget,
) -> Result<Vec<String>, DatabaseError> {
    let FoundTable { schema, table, standing, .. } = find_runs(session, job, target).await?;
    let name = format!("{schema}.{table}");
    let dialect = dialect::of(session);
    let problem = |problem: String| format!("{name}, which is to note the runs: {problem}");
    let Some((id, kind)) = standing else {
        let right = complaints(session, &dialect.may_not_make_table(&schema)).await?;
        return Ok(right.into_iter().map(problem).collect());
    };
    let mut problems: Vec<String> = not_ours(session, &id, &kind).await?.into_iter().collect();
    let rights = ["SELECT", "INSERT", "UPDATE"].map(|right| (right, Right::Table)).to_vec();
    let wanted = LoadRights { id: &id, table: &name, filled: &COLUMNS.map(str::to_owned), rights };
    // Rights in a table that is not ours are of no interest.
    let queries = if problems.is_empty() { dialect.missing_rights(&wanted) } else { Vec::new() };
    for query in queries {
        problems.extend(complaints(session, &query).await?);
    }
    Ok(problems.into_iter().map(problem).collect())
}

/// Why a table is not one that notes runs.
async fn not_ours(session: &Session, id: &str, kind: &str) -> Result<Option<String>, DatabaseError> {
    const HINT: &str = "a table of yours? runs_table names another one";
    let dialect = dialect::of(session);
    if dialect.no_table(kind).is_some() {
        return Ok(Some(format!("it is no table ({HINT})")));
    }
    let found = session.rows(&dialect.columns(id)).await?;
    let found: Vec<String> = found.iter().map(|row| row.text(0)).collect();
    if let Some(lacking) = lacking(&found) {
        return Ok(Some(format!("it lacks {lacking} ({HINT})")));
    }
    let is_key = covers(&unique_indexes(session, id).await?, &KEY.map(str::to_owned));
    Ok((!is_key).then(|| format!("it lacks its key: PRIMARY KEY ({})", KEY.join(", "))))
}

/// Where the runs are noted: beside the table, unless the job says.
async fn find_runs(
    session: &Session,
    job: &Job,
    target: &OutsideTarget,
) -> Result<FoundTable, DatabaseError> {
    let TableName { schema, table } =
        columns::table_name(job.table.runs_table.as_deref().unwrap_or(runs::TABLE));
    find(session, Some(schema.as_ref().unwrap_or(&target.schema)), &table).await
}

/// Makes a schema that is not there.
pub(super) async fn make_schema(session: &Session, schema: &str) -> Result<(), DatabaseError> {
    let dialect = dialect::of(session);
    // Not IF NOT EXISTS: that needs the right to make one even where it is there.
    if has(session, &dialect.has_schema(schema)).await? {
        Ok(())
    } else {
        session.run(&format!("CREATE SCHEMA {}", dialect.identifier(schema))).await
    }
}

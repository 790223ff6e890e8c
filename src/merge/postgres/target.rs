//! The table on the server: what is there, and whether the job's columns fit into it.
//!
//! A table that is there is filled as it is, never altered: columns that the job does not name are left to the
//! database (serial numbers, defaults; an upsert leaves them as they stand), and its keys, references and triggers hold.

use tokio_postgres::Row;

use super::fit::{Fit, StandingType, fit};
use crate::database::postgres::{PostgresError, Session};
use crate::job::{Job, Mode};
use crate::merge::columns::Output;
use crate::merge::{MergeError, sql};

/// The job's table on the server.
#[derive(Debug)]
pub(super) struct Target {
    /// Its schema, not quoted.
    pub schema: String,
    /// `schema.table`, as `windrow_runs` names it.
    pub name: String,
    /// The same, quoted.
    pub qualified: String,
    /// What it is; `None` where it has to be made.
    standing: Option<Standing>,
}

/// A table that is there.
#[derive(Debug)]
struct Standing {
    oid: u32,
    /// `pg_class.relkind`.
    kind: String,
    columns: Vec<TargetColumn>,
    /// The columns of each unique index that covers all rows.
    unique: Vec<Vec<String>>,
}

/// A column that stands.
#[derive(Debug)]
pub(super) struct TargetColumn {
    pub name: String,
    pub ty: StandingType,
    nullable: bool,
    has_default: bool,
    /// Computed, or always numbered: never written.
    generated: bool,
}

const TABLE: &str = "SELECT c.oid, n.nspname::text, c.relname::text, c.relkind::text \
     FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)";

/// A domain is looked through to the type that it is over.
const COLUMNS: &str = "SELECT a.attname::text, format_type(a.atttypid, a.atttypmod), b.typname::text, \
       format_type(b.oid, NULL), b.typtype = 'e', \
       CASE WHEN t.typtype = 'd' THEN t.typtypmod ELSE a.atttypmod END, \
       NOT (a.attnotnull OR t.typnotnull), a.atthasdef OR a.attidentity = 'd' OR t.typdefault IS NOT NULL, \
       a.attgenerated <> '' OR a.attidentity = 'a' \
     FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid \
     JOIN pg_type b ON b.oid = CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.oid END \
     WHERE a.attrelid = $1 AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum";

const UNIQUE: &str = "SELECT array(SELECT a.attname::text FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k \
       JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k) \
     FROM pg_index i WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL \
       AND i.indexprs IS NULL";

impl Target {
    /// Looks the table up: as it is written, or else in lower case, as PostgreSQL reads a name without quotes.
    pub async fn find(session: &Session, job: &Job) -> Result<Target, PostgresError> {
        let written = &job.table.name;
        for name in [written.clone(), written.to_lowercase()] {
            if let Some(target) = Target::standing(session, &name).await? {
                return Ok(target);
            }
        }
        let (schema, table) = match written.split_once('.') {
            Some((schema, table)) => (schema.to_owned(), table),
            None => (own_schema(session).await?, written.as_str()),
        };
        Ok(Target {
            name: format!("{schema}.{table}"),
            qualified: qualified(&schema, table),
            schema,
            standing: None,
        })
    }

    async fn standing(session: &Session, name: &str) -> Result<Option<Target>, PostgresError> {
        let failed = |error| session.failed(&error);
        let quoted: Vec<String> = name.split('.').map(sql::identifier).collect();
        let found = session.client().query_opt(TABLE, &[&quoted.join(".")]).await.map_err(failed)?;
        let Some(row) = found else { return Ok(None) };
        let (oid, schema, table): (u32, String, String) = (row.get(0), row.get(1), row.get(2));
        let columns = session.client().query(COLUMNS, &[&oid]).await.map_err(failed)?;
        let unique = session.client().query(UNIQUE, &[&oid]).await.map_err(failed)?;
        let standing = Standing {
            oid,
            kind: row.get(3),
            columns: columns.iter().map(target_column).collect(),
            unique: unique.iter().map(|row| row.get(0)).collect(),
        };
        Ok(Some(Target {
            name: format!("{schema}.{table}"),
            qualified: qualified(&schema, &table),
            schema,
            standing: Some(standing),
        }))
    }

    /// Whether the table is there.
    pub fn exists(&self) -> bool {
        self.standing.is_some()
    }

    fn columns(&self) -> &[TargetColumn] {
        self.standing.as_ref().map_or(&[], |standing| &standing.columns)
    }

    /// The column of that name, or of the same in lower case.
    pub fn column(&self, name: &str) -> Option<&TargetColumn> {
        let of = |name: &str| self.columns().iter().find(|column| column.name == name);
        of(name).or_else(|| of(&name.to_lowercase()))
    }

    /// Whether no two rows can have the same values in these columns.
    pub fn is_unique(&self, key: &[String]) -> bool {
        let covers =
            |unique: &Vec<String>| !unique.is_empty() && unique.iter().all(|name| key.contains(name));
        self.standing.as_ref().is_some_and(|standing| standing.unique.iter().any(covers))
    }

    /// Refuses a table that cannot be filled with these columns, naming all that is wrong with it.
    pub async fn check(&self, session: &Session, job: &Job, columns: &[Output]) -> Result<(), MergeError> {
        let mut problems = self.problems(columns);
        if problems.is_empty() {
            problems = self.missing_rights(session, job).await?;
        }
        match problems.is_empty() {
            true => Ok(()),
            false => Err(MergeError::Table { table: self.name.clone(), problems }),
        }
    }

    fn problems(&self, columns: &[Output]) -> Vec<String> {
        let Some(standing) = &self.standing else { return Vec::new() };
        match standing.kind.as_str() {
            "r" | "p" => {}
            "v" | "m" => return vec!["it is a view".to_owned()],
            _ => return vec!["it is no ordinary table".to_owned()],
        }
        let mut problems: Vec<String> = columns.iter().filter_map(|column| self.problem(column)).collect();
        let named = |column: &TargetColumn| {
            let of = |output: &Output| self.column(&output.name).is_some_and(|of| of.name == column.name);
            columns.iter().any(of)
        };
        let unfilled = standing
            .columns
            .iter()
            .filter(|column| !column.nullable && !column.has_default && !column.generated && !named(column));
        problems.extend(unfilled.map(|column| {
            format!("column {:?} is NOT NULL without a default, and the job does not fill it", column.name)
        }));
        problems
    }

    fn problem(&self, output: &Output) -> Option<String> {
        let name = &output.name;
        let Some(standing) = self.column(name) else { return Some(format!("it has no column {name:?}")) };
        if standing.generated {
            return Some(format!("column {name:?} is generated and cannot be filled"));
        }
        let ty = output.ty?;
        match fit(ty, &standing.ty) {
            Some(_) => None,
            None => Some(format!("column {name:?} is {} there, {ty} in the job", standing.ty.shown)),
        }
    }

    /// Rights that a load needs and this user does not have.
    async fn missing_rights(&self, session: &Session, job: &Job) -> Result<Vec<String>, PostgresError> {
        let mut missing = Vec::new();
        if !has(session, "has_database_privilege(current_database(), 'TEMP')").await? {
            missing.push("this user may not make temporary tables (GRANT TEMP ON DATABASE)".to_owned());
        }
        match &self.standing {
            Some(standing) => {
                for right in rights(job.table.mode) {
                    let asked = format!("has_any_column_privilege({}, '{right}')", standing.oid);
                    let whole = format!("has_table_privilege({}, '{right}')", standing.oid);
                    let asked = if *right == "DELETE" { &whole } else { &asked };
                    if !has(session, asked).await? {
                        missing.push(format!(
                            "this user may not {right} there (GRANT {right} ON {})",
                            self.name
                        ));
                    }
                }
            }
            None => missing.extend(self.missing_right_to_make(session).await?),
        }
        Ok(missing)
    }

    async fn missing_right_to_make(&self, session: &Session) -> Result<Option<String>, PostgresError> {
        let schema = sql::text(&self.schema);
        let is_there = format!("to_regnamespace({}) IS NOT NULL", sql::text(&sql::identifier(&self.schema)));
        let (asked, what) = match has(session, &is_there).await? {
            true => (format!("has_schema_privilege({schema}, 'CREATE')"), "a table in that schema"),
            false => ("has_database_privilege(current_database(), 'CREATE')".to_owned(), "a schema"),
        };
        let may = has(session, &asked).await?;
        Ok((!may).then(|| format!("it is not there, and this user may not make {what} (GRANT CREATE)")))
    }

    /// How each of the job's columns goes in.
    pub fn fits(&self, columns: &[Output]) -> Vec<Fit> {
        let of = |output: &Output| fit(output.ty?, &self.column(&output.name)?.ty);
        columns.iter().map(|output| of(output).unwrap_or_default()).collect()
    }

    /// The names of these columns there.
    pub fn names(&self, columns: &[Output]) -> Vec<String> {
        let of =
            |output: &Output| self.column(&output.name).map_or(&output.name, |column| &column.name).clone();
        columns.iter().map(of).collect()
    }
}

/// What a load of the mode does to the table.
fn rights(mode: Mode) -> &'static [&'static str] {
    match mode {
        Mode::Append => &["SELECT", "INSERT"],
        Mode::Upsert => &["SELECT", "INSERT", "UPDATE", "DELETE"],
        Mode::Replace | Mode::ReplaceIds => &["SELECT", "INSERT", "DELETE"],
    }
}

async fn has(session: &Session, condition: &str) -> Result<bool, PostgresError> {
    let answer = session.client().query_one(&format!("SELECT {condition}"), &[]).await;
    Ok(answer.map_err(|error| session.failed(&error))?.get(0))
}

/// The schema that a name without one is made in.
async fn own_schema(session: &Session) -> Result<String, PostgresError> {
    let answer = session.client().query_one("SELECT current_schema()::text", &[]).await;
    let found: Option<String> = answer.map_err(|error| session.failed(&error))?.get(0);
    Ok(found.unwrap_or_else(|| "public".to_owned()))
}

pub(super) fn qualified(schema: &str, table: &str) -> String {
    format!("{}.{}", sql::identifier(schema), sql::identifier(table))
}

fn target_column(row: &Row) -> TargetColumn {
    TargetColumn {
        name: row.get(0),
        ty: StandingType {
            shown: row.get(1),
            name: row.get(2),
            cast: row.get(3),
            is_enum: row.get(4),
            modifier: row.get(5),
        },
        nullable: row.get(6),
        has_default: row.get(7),
        generated: row.get(8),
    }
}

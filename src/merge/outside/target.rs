//! The table on the server: what is there, and whether the job's columns fit into it.
//!
//! A table that is there is filled as it is: columns that the job does not name are left to the database (serial numbers,
//! defaults; an upsert leaves them as they stand), and its keys, references and triggers hold. It may gain
//! [columns](super::added) that the job has, where that says so; it is never altered else.

use super::ask::run_if_any;
use crate::database::{DatabaseError, Row, Session};
use crate::job::{Job, Mode, OnFailure, Table, TableName};
use crate::merge::columns::{self, Output};
use crate::merge::dialect::{self, Dialect, Fit, StandingType};

/// The job's table on the server.
pub(super) struct OutsideTarget {
    dialect: &'static dyn Dialect,
    /// Its schema, not quoted.
    pub schema: String,
    /// Its name without the schema, not quoted.
    pub table: String,
    /// `schema.table`, as `windrow_runs` names it.
    pub name: String,
    /// The same, quoted.
    pub qualified: String,
    /// What it is; `None` where it has to be made.
    standing: Option<Standing>,
    /// The user's `search_path`, where a name without a schema is not found and no schema is there to make it in.
    lost_in: Option<String>,
}

/// A table that is there.
#[derive(Debug)]
struct Standing {
    id: String,
    /// Why it is no table.
    is_no_table: Option<&'static str>,
    columns: Vec<TargetColumn>,
    /// The columns of each unique index that covers all rows.
    unique: Vec<Vec<String>>,
    /// Whether a foreign key refers to it, or to a part of it.
    is_referenced: bool,
    /// Whether it has rules, which COPY passes over.
    has_rules: bool,
    /// The columns that tell its rows apart, where nothing of the database's own does.
    identity: Vec<String>,
}

/// A column that stands.
#[derive(Debug)]
pub(super) struct TargetColumn {
    pub name: String,
    pub ty: StandingType,
    nullable: bool,
    has_default: bool,
    /// Computed, or always numbered: never written.
    pub generated: bool,
    /// Computed from other columns.
    pub computed: bool,
}

/// What `windrow_runs` calls the job's table, whether it is there or has to be made; the rest of it is not looked up.
pub(super) async fn name_of_target(session: &Session, job: &Job) -> Result<String, DatabaseError> {
    let TableName { schema, table } = columns::table_name(&job.table.name);
    let FoundTable { schema, table, .. } = find(session, schema.as_deref(), &table).await?;
    Ok(TableName { schema: Some(schema), table }.to_string())
}

impl OutsideTarget {
    /// Looks the job's table up.
    pub async fn find(session: &Session, job: &Job) -> Result<OutsideTarget, DatabaseError> {
        let TableName { schema, table } = columns::table_name(&job.table.name);
        let dialect = dialect::of(session);
        let release = hold(session, schema.as_deref(), &table).await;
        let FoundTable { schema, table, standing, lost_in } =
            find(session, schema.as_deref(), &table).await?;
        let standing = match standing {
            Some((id, kind)) => Some(standing_table(session, id, &kind).await?),
            None => None,
        };
        run_if_any(session, release).await?;
        Ok(OutsideTarget {
            dialect,
            name: TableName { schema: Some(schema.clone()), table: table.clone() }.to_string(),
            qualified: qualified(dialect, &schema, &table),
            schema,
            table,
            standing,
            lost_in,
        })
    }

    /// What the catalogue knows it by, where it is there.
    pub fn id(&self) -> Option<&str> {
        self.standing.as_ref().map(|standing| standing.id.as_str())
    }

    /// Whether it is a table, or is to become one.
    pub fn is_table(&self) -> bool {
        self.standing.as_ref().is_none_or(|standing| standing.is_no_table.is_none())
    }

    /// Whether the table is there.
    pub fn exists(&self) -> bool {
        self.standing.is_some()
    }

    /// Its columns; none where it is not there.
    pub fn columns(&self) -> &[TargetColumn] {
        self.standing.as_ref().map_or(&[], |standing| &standing.columns)
    }

    /// The column of that name, or of the same in lower case.
    pub fn column(&self, name: &str) -> Option<&TargetColumn> {
        let of =
            |name: &str| self.columns().iter().find(|column| self.dialect.is_same_column(&column.name, name));
        of(name).or_else(|| of(&name.to_ascii_lowercase()))
    }

    /// What is wrong with its having no column of that name; nothing where it is to be added.
    pub fn lacking(&self, job: &Job, name: &str) -> Option<String> {
        columns::lacking(job, "it", self.columns().iter().map(|column| column.name.as_str()), name)
    }

    /// Whether it is there, a table, and has no column of that name.
    pub fn lacks(&self, name: &str) -> bool {
        self.exists() && self.is_table() && self.column(name).is_none()
    }

    /// Whether no two rows can have the same values in these columns.
    pub fn is_unique(&self, key: &[String]) -> bool {
        self.standing.as_ref().is_some_and(|standing| covers(&standing.unique, key))
    }

    /// What tells its rows apart, of the table under this alias.
    pub fn row_id(&self, alias: &str) -> Vec<String> {
        match self.standing.as_ref().map(|standing| standing.identity.as_slice()) {
            None | Some([]) => self.dialect.row_id(alias),
            Some(names) => {
                names.iter().map(|name| format!("{alias}.{}", self.dialect.identifier(name))).collect()
            }
        }
    }

    /// By what its rows are in the order in which they lie there.
    pub fn place(&self, alias: &str) -> String {
        match self.standing.as_ref().and_then(|standing| standing.identity.first()) {
            None => self.dialect.place(alias).unwrap_or_else(|| "NULL".to_owned()),
            Some(name) => format!("{alias}.{}", self.dialect.identifier(name)),
        }
    }

    /// Whether it has rules, which COPY passes over.
    pub fn has_rules(&self) -> bool {
        self.standing.as_ref().is_some_and(|standing| standing.has_rules)
    }

    /// Whether rows that come again when it is replaced are [updated](super::in_place): others refer to them, and a key
    /// tells them apart.
    pub fn is_replaced_in_place(&self, table: &Table) -> bool {
        let has_key = match table.mode {
            Mode::Replace => !table.key.is_empty() && !table.swap,
            Mode::ReplaceIds => true,
            Mode::Append | Mode::Upsert => false,
        };
        let is_referenced = self.standing.as_ref().is_some_and(|standing| standing.is_referenced);
        has_key && is_referenced && !self.row_id("old").is_empty()
    }

    /// What of it does not fit these columns of the job.
    pub fn problems(&self, job: &Job, columns: &[Output]) -> Vec<String> {
        let lost = self.lost_in.as_ref().map(|search_path| {
            format!(
                "it is not found, and search_path = {search_path} has no schema to make it in: write the \
                 schema, such as name = \"public.{}\"",
                self.table
            )
        });
        let Some(standing) = &self.standing else { return lost.into_iter().collect() };
        if let Some(what) = standing.is_no_table {
            return vec![what.to_owned()];
        }
        let mut problems: Vec<String> =
            columns.iter().filter_map(|column| self.problem(job, column)).collect();
        let names = self.names(columns);
        for (at, name) in names.iter().enumerate() {
            if let Some(first) = names[..at].iter().position(|other| other == name) {
                let (one, other) = (&columns[first].name, &columns[at].name);
                problems.push(format!("columns {one:?} and {other:?} would both be its column {name:?}"));
            }
        }
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

    /// That the table has no key by which the mode finds rows, where nothing else tells them apart.
    pub fn missing_key(&self, job: &Job) -> Option<String> {
        let standing = self.standing.as_ref().filter(|standing| standing.is_no_table.is_none())?;
        if !self.dialect.row_id("old").is_empty() {
            return None;
        }
        let keeps = job.endpoints.iter().any(|endpoint| endpoint.on_failure == OnFailure::Keep);
        if job.table.mode == Mode::Upsert && !self.is_unique(&self.names_of(&job.table.key)) {
            let key: Vec<String> =
                self.names_of(&job.table.key).iter().map(|name| self.dialect.identifier(name)).collect();
            return Some(format!(
                "an upsert needs a unique index on its key: CREATE UNIQUE INDEX windrow_key ON {} ({})",
                self.qualified,
                key.join(", ")
            ));
        }
        let needs_order = keeps && standing.identity.is_empty();
        needs_order.then(|| {
            "on_failure = \"keep\" needs a primary key or another unique index: nothing else gives its rows an order".to_owned()
        })
    }

    fn problem(&self, job: &Job, output: &Output) -> Option<String> {
        let name = &output.name;
        let Some(standing) = self.column(name) else { return self.lacking(job, name) };
        if standing.generated {
            return Some(format!("column {name:?} is generated and cannot be filled"));
        }
        let ty = output.ty?;
        match self.dialect.fit(ty, &standing.ty) {
            Some(_) => None,
            None => {
                let hint = self.dialect.unfit_hint(ty, &standing.ty);
                Some(format!("column {name:?} is {} there, {ty} in the job{hint}", standing.ty.shown))
            }
        }
    }

    /// How each of the job's columns goes in.
    pub fn fits(&self, columns: &[Output]) -> Vec<Fit> {
        let of = |output: &Output| self.dialect.fit(output.ty?, &self.column(&output.name)?.ty);
        columns.iter().map(|output| of(output).unwrap_or_default()).collect()
    }

    /// The names there of columns of these names.
    pub fn names_of(&self, names: &[String]) -> Vec<String> {
        let of = |name: &String| self.column(name).map_or(name, |column| &column.name).clone();
        names.iter().map(of).collect()
    }

    /// The names of these columns there.
    pub fn names(&self, columns: &[Output]) -> Vec<String> {
        let of =
            |output: &Output| self.column(&output.name).map_or(&output.name, |column| &column.name).clone();
        columns.iter().map(of).collect()
    }
}

/// A name, and what is there.
pub(super) struct FoundTable {
    pub schema: String,
    pub table: String,
    /// Its id, and its kind.
    pub standing: Option<(String, String)>,
    /// See [`OutsideTarget`].
    lost_in: Option<String>,
}

/// Keeps others from altering a table while it is looked at, where that is needed; what lets them again.
async fn hold(session: &Session, schema: Option<&str>, table: &str) -> Option<String> {
    let mut release = None;
    for (schema, table) in spellings(schema, table) {
        let [hold, then] = dialect::of(session).hold(schema.as_deref(), &table)?;
        release = Some(then);
        // Where it is not there, or may not be read, that is told elsewhere.
        if session.run(&hold).await.is_ok() {
            break;
        }
    }
    release
}

/// A name as it is written, and in lower case.
fn spellings(schema: Option<&str>, table: &str) -> [(Option<String>, String); 2] {
    let small = |name: &str| name.to_ascii_lowercase();
    [(schema.map(str::to_owned), table.to_owned()), (schema.map(small), small(table))]
}

/// Looks a table up: as its name is written, or else in lower case, as PostgreSQL reads a name without quotes. One that
/// is not there would be made in that schema, or else in the one that the user's names are made in.
pub(super) async fn find(
    session: &Session,
    schema: Option<&str>,
    table: &str,
) -> Result<FoundTable, DatabaseError> {
    let dialect = dialect::of(session);
    for (schema, table) in spellings(schema, table) {
        let row = session.row(&dialect.table(schema.as_deref(), &table)).await?;
        if let Some(id) = row.get(0) {
            let standing = Some((id.to_owned(), row.text(3)));
            return Ok(FoundTable { schema: row.text(1), table: row.text(2), standing, lost_in: None });
        }
    }
    let (schema, lost_in) = schema_to_make_in(session, schema).await?;
    Ok(FoundTable { schema, table: table.to_owned(), standing: None, lost_in })
}

/// The schema, and the `search_path` where none of it is there.
async fn schema_to_make_in(
    session: &Session,
    schema: Option<&str>,
) -> Result<(String, Option<String>), DatabaseError> {
    let row = session.row(&dialect::of(session).schema(schema)).await?;
    match row.get(0) {
        Some(name) => Ok((name.to_owned(), None)),
        None => Ok((schema.unwrap_or("public").to_owned(), row.get(1).map(str::to_owned))),
    }
}

async fn standing_table(session: &Session, id: String, kind: &str) -> Result<Standing, DatabaseError> {
    let dialect = dialect::of(session);
    let columns = session.rows(&dialect.columns(&id)).await?.iter().map(target_column).collect();
    let further = session.row(&dialect.further(&id)).await?;
    let unique = unique_indexes(session, &id).await?;
    Ok(Standing {
        id,
        is_no_table: dialect.no_table(kind),
        columns,
        unique,
        is_referenced: further.flag(0),
        has_rules: further.flag(1),
        identity: further.list(2),
    })
}

/// The columns of each unique index of a table that covers all rows.
pub(super) async fn unique_indexes(session: &Session, id: &str) -> Result<Vec<Vec<String>>, DatabaseError> {
    let found = session.rows(&dialect::of(session).unique(id)).await?;
    Ok(found.iter().map(|row| row.list(0)).collect())
}

/// Whether one of the indexes lets no two rows have the same values in these columns.
pub(super) fn covers(unique: &[Vec<String>], key: &[String]) -> bool {
    unique.iter().any(|columns| !columns.is_empty() && columns.iter().all(|name| key.contains(name)))
}

pub(super) fn qualified(dialect: &dyn Dialect, schema: &str, table: &str) -> String {
    format!("{}.{}", dialect.identifier(schema), dialect.identifier(table))
}

fn target_column(row: &Row) -> TargetColumn {
    TargetColumn {
        name: row.text(0),
        ty: StandingType {
            shown: row.text(1),
            name: row.text(2),
            cast: row.text(3),
            is_enum: row.flag(4),
            modifier: row.number(5).unwrap_or(-1),
            collation: row.get(6).map(str::to_owned),
        },
        nullable: row.flag(7),
        has_default: row.flag(8),
        generated: row.flag(9),
        computed: row.flag(10),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;
    use crate::merge::ResolvedDestination;
    use crate::merge::tests::sandbox::Sandbox;

    /// As a load has one, by its name.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_table_that_somebody_alters_is_seen_whole_under_a_lock() {
        let sandbox = Sandbox::new(1).await.on_mariadb();
        sandbox.execute("CREATE TABLE films (a int, b int PRIMARY KEY); INSERT INTO films SELECT seq, seq FROM seq_1_to_3000");
        let ResolvedDestination::Server(server) = sandbox.place() else { panic!("a server") };
        let (rival, own) = (server.connect().await.unwrap(), server.connect().await.unwrap());
        own.run("SELECT GET_LOCK('windrow', 1)").await.unwrap();
        let is_over = AtomicBool::new(false);
        let altering = async {
            while !is_over.load(Ordering::Relaxed) {
                rival.run("ALTER TABLE films FORCE, ALGORITHM = COPY, LOCK = EXCLUSIVE").await.unwrap();
            }
        };
        let looking = async {
            for _ in 0..30 {
                let found = OutsideTarget::find(&own, &sandbox.job).await.unwrap();
                assert!(found.exists() && found.is_table() && found.is_unique(&["b".to_owned()]));
                assert_eq!(found.columns().len(), 2);
            }
            is_over.store(true, Ordering::Relaxed);
        };
        tokio::join!(altering, looking);
    }
}

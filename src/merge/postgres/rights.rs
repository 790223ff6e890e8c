//! Rights that a load needs and this user does not have, in words that say what to grant.

use super::target::Target;
use crate::database::postgres::Session;
use crate::database::{DatabaseError, Row};
use crate::job::{Gone, Job, Mode};
use crate::merge::columns::Output;
use crate::merge::sql;

/// Where a right has to hold.
#[derive(Clone, Copy)]
enum Of {
    /// Any column: rows are counted.
    Any,
    /// Each column that the job fills.
    Columns,
    /// The whole table: its lock, and DELETE, know no columns.
    Table,
}

/// What is missing in the table, or to make it.
pub(super) async fn missing(
    session: &Session,
    job: &Job,
    target: &Target,
    columns: &[Output],
) -> Result<Vec<String>, DatabaseError> {
    let mut missing = Vec::new();
    if !has(session, "has_database_privilege(current_database(), 'TEMP')").await? {
        missing.push("this user may not make temporary tables (GRANT TEMP ON DATABASE)".to_owned());
    }
    let Some(oid) = target.oid() else {
        let right = to_make_a_table(session, &target.schema).await?;
        missing.extend(right.map(|right| format!("it is not there, and this user may not make {right}")));
        return Ok(missing);
    };
    let filled = filled(target, columns);
    for (right, of) in needed(job, target) {
        if !has(session, &held(oid, right, of, &filled)).await? {
            missing.push(format!("this user may not {right} there (GRANT {right} ON {})", target.name));
        }
    }
    missing.extend(missing_sequences(session, oid, &filled).await?);
    if has(session, &format!("row_security_active({oid})")).await? {
        missing.push(
            "row security hides rows of it from this user: let its owner load, or BYPASSRLS".to_owned(),
        );
    }
    Ok(missing)
}

/// What a load does to the table.
fn needed(job: &Job, target: &Target) -> Vec<(&'static str, Of)> {
    match job.table.mode {
        Mode::Append => vec![("SELECT", Of::Any), ("INSERT", Of::Columns)],
        Mode::Replace | Mode::ReplaceIds if target.is_replaced_in_place(&job.table) => {
            let columns = ["SELECT", "INSERT", "UPDATE"].map(|right| (right, Of::Columns));
            columns.into_iter().chain([("DELETE", Of::Table)]).collect()
        }
        Mode::Replace => vec![("SELECT", Of::Any), ("INSERT", Of::Columns), ("DELETE", Of::Table)],
        Mode::ReplaceIds => vec![("SELECT", Of::Columns), ("INSERT", Of::Columns), ("DELETE", Of::Table)],
        Mode::Upsert => {
            let mut rights = vec![("SELECT", Of::Columns), ("INSERT", Of::Columns), ("UPDATE", Of::Table)];
            if job.table.gone == Gone::Delete || !target.is_unique(&target.names_of(&job.table.key)) {
                rights.push(("DELETE", Of::Table));
            }
            rights
        }
    }
}

/// A condition: the right is held there.
fn held(oid: u32, right: &str, of: Of, filled: &[String]) -> String {
    let whole = format!("has_table_privilege({oid}, '{right}')");
    match of {
        Of::Table => whole,
        Of::Any => format!("has_any_column_privilege({oid}, '{right}')"),
        Of::Columns => {
            let each = filled
                .iter()
                .map(|name| format!("AND has_column_privilege({oid}, {}, '{right}')", sql::text(name)));
            format!("({whole} OR (true {}))", each.collect::<Vec<_>>().join(" "))
        }
    }
}

/// The columns of the table that the job fills.
fn filled(target: &Target, columns: &[Output]) -> Vec<String> {
    let filled = columns.iter().filter_map(|output| target.column(&output.name));
    filled.map(|column| column.name.clone()).collect()
}

/// Sequences that number the rows, which an INSERT takes the next number from.
async fn missing_sequences(
    session: &Session,
    oid: u32,
    filled: &[String],
) -> Result<Vec<String>, DatabaseError> {
    // The right is asked for only of sequences: CASE keeps the order.
    let filled: Vec<String> = filled.iter().map(|name| sql::text(name)).collect();
    let sequences = format!(
        "SELECT DISTINCT s.oid::regclass::text FROM pg_attribute a \
         JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum \
         JOIN pg_depend p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid \
              AND p.refclassid = 'pg_class'::regclass \
         JOIN pg_class s ON s.oid = p.refobjid \
         WHERE a.attrelid = {oid} AND a.attname::text <> ALL (ARRAY[{}]::text[]) \
         AND CASE s.relkind WHEN 'S' THEN NOT has_sequence_privilege(s.oid, 'USAGE, UPDATE') ELSE false END",
        filled.join(", ")
    );
    let word = |row: &Row| {
        format!("this user may not take numbers from its sequence (GRANT USAGE ON SEQUENCE {})", row.text(0))
    };
    Ok(session.rows(&sequences).await?.iter().map(word).collect())
}

/// What this user may not make for want of a right, if it has to be made: a table in the schema, or the schema.
pub(super) async fn to_make_a_table(
    session: &Session,
    schema: &str,
) -> Result<Option<&'static str>, DatabaseError> {
    let name = sql::text(schema);
    let is_there = format!("EXISTS (SELECT FROM pg_namespace WHERE nspname = {name})");
    let (asked, what) = match has(session, &is_there).await? {
        true => (format!("has_schema_privilege({name}, 'CREATE')"), "a table in that schema (GRANT CREATE)"),
        false => {
            let asked = "has_database_privilege(current_database(), 'CREATE')".to_owned();
            (asked, "its schema (GRANT CREATE ON DATABASE)")
        }
    };
    Ok((!has(session, &asked).await?).then_some(what))
}

/// Whether a condition holds.
pub(super) async fn has(session: &Session, condition: &str) -> Result<bool, DatabaseError> {
    Ok(session.row(&format!("SELECT {condition}")).await?.flag(0))
}

//! SQLite's SQL, as of 3.37.
//!
//! Rows of a table are known by `_rowid_`; those of one WITHOUT ROWID by their key. Temporary tables go with the connection,
//! and each transaction has one of its own. Statements do not look into a temporary table without an index on what is
//! compared: so each gets one.

mod catalogue;
mod encode;
mod fit;

use std::time::Duration;

use bytes::BytesMut;
use duckdb::arrow::array::StructArray;

use super::{Dialect, Fit, Sent, Spelling, StandingType, TAKE_BLOB, Temporary, Twins, Unsendable};
use crate::database::sqlite::{COUNT, COUNTED};
use crate::value::Type;

/// SQLite's SQL.
#[derive(Debug)]
pub(super) struct Sqlite;

impl Spelling for Sqlite {
    fn text_type(&self) -> &'static str {
        "TEXT"
    }

    fn moment_type(&self) -> &'static str {
        "TEXT"
    }

    fn is_table(&self, column: &str, name: &str) -> String {
        format!("lower({column}) = lower({})", self.text(name))
    }

    /// As it is: its own casts to text cut numbers to 15 digits, and who reads the answer spells them whole.
    fn as_text(&self, expression: &str) -> String {
        expression.to_owned()
    }
}

impl Dialect for Sqlite {
    fn column_type(&self, ty: Type) -> String {
        fit::staged_type(ty).to_owned()
    }

    fn table_options(&self) -> &'static str {
        " STRICT"
    }

    fn staged_type(&self, ty: Type, _: Option<&StandingType>, _: bool) -> String {
        fit::staged_type(ty).to_owned()
    }

    fn fit(&self, ty: Type, standing: &StandingType) -> Option<Fit> {
        fit::fit(ty, standing)
    }

    fn unfit_hint(&self, _: Type, standing: &StandingType) -> &'static str {
        if standing.name == "strict blob" { TAKE_BLOB } else { "" }
    }

    fn header(&self) -> &'static [u8] {
        &[]
    }

    fn trailer(&self) -> &'static [u8] {
        &[]
    }

    fn encode(&self, batch: &StructArray, _: &[Sent], out: &mut BytesMut) -> Result<(), Unsendable> {
        encode::encode(batch, out)
    }

    /// The file's one lock for writing, held to the end.
    fn begin(&self) -> &'static str {
        "BEGIN IMMEDIATE"
    }

    fn begin_reading(&self) -> &'static str {
        "BEGIN"
    }

    /// What a statement of the job's own may have set, and works within a transaction. (`foreign_keys` does not.)
    fn settings(&self) -> &'static str {
        "PRAGMA ignore_check_constraints = OFF; PRAGMA writable_schema = OFF; PRAGMA query_only = OFF"
    }

    /// They wait at the file's lock.
    fn wait_for_rivals(&self, _: &str) -> String {
        "SELECT 1".to_owned()
    }

    fn lock(&self, _: &str) -> Option<String> {
        None
    }

    fn wait_for_locks(&self, _: Duration) -> Option<String> {
        None
    }

    fn wait_as_before(&self) -> Option<&'static str> {
        None
    }

    fn take_at_most(&self, _: Duration) -> Option<String> {
        None
    }

    fn check_constraints_now(&self) -> Option<&'static str> {
        None
    }

    fn temporary(&self, name: &str) -> String {
        format!("temp.{name}")
    }

    /// Indexes are quicker made when the rows are there.
    fn make_temporary(&self, table: &Temporary<'_>) -> String {
        let columns: Vec<String> = table.columns.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
        format!("CREATE TEMP TABLE {} ({})", table.name, columns.join(", "))
    }

    fn keep_temporary(&self, name: &str, _: &[Vec<String>], select: &str) -> String {
        format!("DROP TABLE IF EXISTS {}; CREATE TEMP TABLE {name} AS {select}", self.temporary(name))
    }

    fn index_temporary(&self, name: &str, columns: &str) -> Option<String> {
        let index =
            format!("{name}_{}", columns.chars().filter(char::is_ascii_alphanumeric).collect::<String>());
        Some(format!("CREATE INDEX temp.{} ON {name} ({columns})", self.identifier(&index)))
    }

    fn analyze(&self, table: &str) -> Option<String> {
        Some(format!("ANALYZE {table}"))
    }

    fn row_id(&self, alias: &str) -> Vec<String> {
        vec![format!("{alias}._rowid_")]
    }

    fn place(&self, alias: &str) -> Option<String> {
        Some(format!("{alias}._rowid_"))
    }

    fn update(&self, table: &str, set: &[(String, String)], from: &str, condition: &str) -> String {
        let set: Vec<String> = set.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        format!("UPDATE {table} AS old SET {} FROM {from} WHERE {condition}", set.join(", "))
    }

    /// Asked once for all rows, not for each: where the table has no index on what is compared, the temporary one has.
    fn meets_none(&self, table: &str, temporary: &str, condition: &str) -> String {
        format!(
            "new._rowid_ NOT IN (SELECT new._rowid_ FROM {temporary} AS new JOIN {table} AS old ON {condition})"
        )
    }

    /// Without a condition all rows go at once.
    fn delete(&self, table: &str, condition: &str) -> String {
        match condition {
            "true" => format!("DELETE FROM {table}"),
            condition => format!("DELETE FROM {table} AS old WHERE {condition}"),
        }
    }

    /// Without an affinity a column may have 7 or 7.0.
    fn may_differ(&self, ty: Type, standing: &StandingType) -> bool {
        let is_kept = matches!(standing.name.trim_start_matches("strict "), "blob" | "any");
        standing.collation.is_some() || is_kept && fit::staged_type(ty) != "TEXT"
    }

    fn loads_row_by_row(&self) -> bool {
        true
    }

    /// The condition counts.
    fn write_over(&self, key: &[String], columns: &[String]) -> Option<String> {
        let set: Vec<String> = columns.iter().map(|name| format!("{name} = excluded.{name}")).collect();
        Some(format!("ON CONFLICT ({}) DO UPDATE SET {} WHERE {COUNT}()", key.join(", "), set.join(", ")))
    }

    fn count_written_over(&self) -> &'static str {
        COUNTED
    }

    fn delete_twins(&self, twins: &Twins<'_>) -> Vec<String> {
        let Twins { table, alias, identity, key, order, condition } = twins;
        let own = format!("{alias}.");
        let plain: Vec<&str> = identity.iter().map(|id| id.strip_prefix(&own).unwrap_or(id)).collect();
        let named: Vec<String> =
            identity.iter().enumerate().map(|(at, id)| format!("{id} AS r{at}")).collect();
        let names: Vec<String> = (0..identity.len()).map(|at| format!("r{at}")).collect();
        vec![format!(
            "DELETE FROM {table} WHERE ({}) IN (SELECT {} FROM (SELECT {}, row_number() OVER \
             (PARTITION BY {key} ORDER BY {order}) AS place FROM {table} AS {alias} WHERE {condition}) AS placed \
             WHERE placed.place > 1)",
            plain.join(", "),
            names.join(", "),
            named.join(", "),
        )]
    }
}

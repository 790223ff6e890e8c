//! The SQL of MariaDB and MySQL.
//!
//! LOAD DATA LOCAL, which brings the rows, makes warnings of errors: it changes values, and leaves rows out. So what it brings
//! straight into a table is only kept where it ends without one; else all of it is undone, and goes by way of staging. Of the two databases MariaDB (from 10.6) is tested; what MySQL 8 lacks is avoided: a
//! temporary table twice in one statement, DDL within a transaction.

mod catalogue;
mod encode;
mod fit;
mod queue;

use std::time::Duration;

use bytes::BytesMut;
use duckdb::arrow::array::StructArray;

use super::{Dialect, Fit, QueueDialect, Sent, Spelling, StandingType, Temporary, Twins, Unsendable};
use crate::value::{Field, Type};

/// The SQL of MariaDB and MySQL.
#[derive(Debug)]
pub(super) struct MySql;

/// Whatever the server, the user or a statement of the job's own say: nothing is rounded, cut off or guessed; moments are
/// UTC; foreign keys hold; no limit of time or rows ends a load, and no COMMIT goes on to another transaction. Zero dates
/// are the table's own affair, as its default or in columns that are kept: no value of ours is one.
const SETTINGS: &str = "SET NAMES utf8mb4; SET SESSION TRANSACTION READ WRITE; \
     SET SESSION sql_mode = 'STRICT_ALL_TABLES,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION,\
NO_AUTO_VALUE_ON_ZERO', SESSION time_zone = '+00:00', SESSION foreign_key_checks = 1, \
     SESSION unique_checks = 1, SESSION sql_safe_updates = 0, SESSION sql_select_limit = 18446744073709551615, \
     SESSION sql_big_selects = 1, SESSION completion_type = 'NO_CHAIN', SESSION group_concat_max_len = 1048576, \
     SESSION max_error_count = 65535, SESSION wait_timeout = 86400, SESSION net_read_timeout = 3600, \
     SESSION net_write_timeout = 3600 \
     /*M! , SESSION max_statement_time = 0, SESSION idle_transaction_timeout = 0, \
     SESSION idle_write_transaction_timeout = 0 */";

/// For tables that are made: indexes as long as they may be, and a binary collation that does not pad, of which each
/// database has its own.
const OPTIONS: &str = " ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4 /*M! COLLATE=utf8mb4_nopad_bin */ /*!80017 COLLATE=utf8mb4_0900_bin */";

/// The same for a column that is added to another table.
const TEXTS: &str =
    "CHARACTER SET utf8mb4 /*M! COLLATE utf8mb4_nopad_bin */ /*!80017 COLLATE utf8mb4_0900_bin */";

/// Longest time that another merge of the run is waited for, in seconds.
const WAITING: u32 = 31_536_000;

/// Temporary table: what tells rows apart that have the key of another one.
const TWINS: &str = "windrow_twins";

impl Spelling for MySql {
    fn identifier(&self, name: &str) -> String {
        identifier(name)
    }

    fn text(&self, text: &str) -> String {
        literal(text)
    }

    fn text_type(&self) -> &'static str {
        "longtext"
    }

    fn key_type(&self) -> &'static str {
        "varchar(255)"
    }

    fn moment_type(&self) -> &'static str {
        "datetime(6)"
    }

    fn moment(&self, text: &str) -> String {
        format!("CAST({} AS datetime(6))", self.text(text.trim_end_matches('Z')))
    }

    fn is_table(&self, column: &str, name: &str) -> String {
        format!("{column} = {}", self.text(name))
    }

    fn as_text(&self, expression: &str) -> String {
        format!("CAST({expression} AS char)")
    }

    fn runs_options(&self) -> &'static str {
        OPTIONS
    }
}

/// A name, quoted.
fn identifier(name: &str) -> String {
    format!("`{}`", name.replace('`', "``"))
}

/// A text as a literal, with backslashes as [`SETTINGS`] has them.
fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\\', "\\\\").replace('\'', "''").replace('\0', "\\0"))
}

/// Of an update: `old` is its row.
fn assignments(set: &[(String, String)]) -> String {
    set.iter().map(|(name, value)| format!("old.{name} = {value}")).collect::<Vec<_>>().join(", ")
}

impl Dialect for MySql {
    fn column_type(&self, ty: Type) -> String {
        fit::column_type(ty)
    }

    fn table_options(&self) -> &'static str {
        OPTIONS
    }

    /// A text is of the character set that the tables have which are made, whatever this one has. The server does it at once
    /// where it can (ALGORITHM = INSTANT), and else copies.
    fn add_column(&self, table: &str, column: &str, ty: Type) -> String {
        let ty = match ty {
            Type::Text | Type::Json => format!("{} {TEXTS}", fit::column_type(ty)),
            other => fit::column_type(other),
        };
        format!("ALTER TABLE {table} ADD COLUMN {column} {ty}")
    }

    fn key_column_type(&self, ty: Type, columns: usize) -> String {
        fit::key_column_type(ty, columns)
    }

    fn staged_type(&self, ty: Type, standing: Option<&StandingType>, sought: bool) -> String {
        fit::staged_type(ty, standing, sought)
    }

    fn staged_key_types(&self, key: &[&StandingType]) -> Option<Vec<String>> {
        fit::staged_key_types(key)
    }

    /// In capitals, accents, and blanks at the end. (A zero that stands keeps its sign.)
    fn may_differ(&self, _: Type, standing: &StandingType) -> bool {
        standing.collation.is_some()
    }

    /// The server takes one column for the other where they are alike, but no text within a CAST.
    fn is_same(&self, one: &str, other: &str) -> String {
        format!("CAST({one} AS binary) = CAST({other} AS binary)")
    }

    fn fit(&self, ty: Type, standing: &StandingType) -> Option<Fit> {
        fit::fit(ty, standing)
    }

    fn unfit_hint(&self, _: Type, standing: &StandingType) -> &'static str {
        fit::unfit_hint(standing)
    }

    fn decode_staged(&self, table: &str, fields: &[Field]) -> Option<String> {
        let blobs = fields.iter().filter(|field| field.ty == Type::Blob);
        let bytes = blobs.map(|field| identifier(&field.name)).map(|name| format!("{name} = UNHEX({name})"));
        let bytes: Vec<String> = bytes.collect();
        (!bytes.is_empty()).then(|| format!("UPDATE {table} SET {}", bytes.join(", ")))
    }

    fn header(&self) -> &'static [u8] {
        b""
    }

    fn trailer(&self) -> &'static [u8] {
        b""
    }

    fn encode(&self, batch: &StructArray, _: &[Sent], out: &mut BytesMut) -> Result<(), Unsendable> {
        encode::encode(batch, out)
    }

    fn begin(&self) -> &'static str {
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ; START TRANSACTION READ WRITE"
    }

    /// No READ ONLY: that refuses what rights are tried with, too.
    fn begin_reading(&self) -> &'static str {
        SETTINGS
    }

    fn settings(&self) -> &'static str {
        SETTINGS
    }

    /// The server's own lock by name, which ends with the connection.
    fn wait_for_rivals(&self, word: &str) -> String {
        format!("SELECT GET_LOCK(CONCAT('windrow ', SHA1({})), {WAITING})", self.text(word))
    }

    /// What is read by a statement that writes, the transaction locks, and the gaps between.
    fn lock(&self, _: &str) -> Option<String> {
        None
    }

    fn wait_for_locks(&self, longest: Duration) -> Option<String> {
        let seconds = longest.as_secs().max(1);
        Some(format!(
            "SET SESSION innodb_lock_wait_timeout = {seconds}, SESSION lock_wait_timeout = {seconds}"
        ))
    }

    fn wait_as_before(&self) -> Option<&'static str> {
        Some("SET SESSION innodb_lock_wait_timeout = DEFAULT, SESSION lock_wait_timeout = DEFAULT")
    }

    fn take_at_most(&self, longest: Duration) -> Option<String> {
        let seconds = longest.as_secs().max(1);
        Some(format!(
            "SET SESSION innodb_lock_wait_timeout = {seconds} /*M! , SESSION max_statement_time = {seconds} */"
        ))
    }

    fn temporary(&self, name: &str) -> String {
        name.to_owned()
    }

    fn make_temporary(&self, table: &Temporary<'_>) -> String {
        let mut lines: Vec<String> = table.columns.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
        if !table.identity.is_empty() {
            // By a primary key rows lie in their order; any other has to be looked up beside them.
            let key = if table.is_unique { "PRIMARY KEY" } else { "KEY" };
            lines.push(format!("{key} ({})", table.identity.join(", ")));
        }
        if !table.sought.is_empty() {
            let part = |name: &String| match table.columns.iter().find(|(column, _)| column == name) {
                Some((_, ty)) if ty.starts_with("longtext") || ty.starts_with("varchar") => {
                    format!("{name}({})", fit::LONGEST_KEY / table.sought.len())
                }
                _ => name.clone(),
            };
            lines.push(format!("KEY ({})", table.sought.iter().map(part).collect::<Vec<_>>().join(", ")));
        }
        let name = table.name;
        format!(
            "DROP TEMPORARY TABLE IF EXISTS {name}; CREATE TEMPORARY TABLE {name} ({}){OPTIONS}",
            lines.join(", ")
        )
    }

    fn keep_temporary(&self, name: &str, sought: &[Vec<String>], select: &str) -> String {
        let keys: Vec<String> =
            sought.iter().map(|columns| format!("KEY ({})", columns.join(", "))).collect();
        let keys = if keys.is_empty() { String::new() } else { format!("({})", keys.join(", ")) };
        format!(
            "DROP TEMPORARY TABLE IF EXISTS {name}; CREATE TEMPORARY TABLE {name} {keys} ENGINE=InnoDB ROW_FORMAT=DYNAMIC AS {select}"
        )
    }

    fn row_id(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn update(&self, table: &str, set: &[(String, String)], from: &str, condition: &str) -> String {
        format!("UPDATE {table} AS old, {from} SET {} WHERE {condition}", assignments(set))
    }

    fn update_by_key(
        &self,
        table: &str,
        set: &[(String, String)],
        from: &str,
        condition: &str,
        along: bool,
    ) -> String {
        let table = format!("{table} AS old");
        let [first, then] = if along { [table.as_str(), from] } else { [from, table.as_str()] };
        format!("UPDATE {first} STRAIGHT_JOIN {then} SET {} WHERE {condition}", assignments(set))
    }

    /// The form for several tables: only there a subquery is not asked anew for each row.
    fn delete(&self, table: &str, condition: &str) -> String {
        format!("DELETE old FROM {table} AS old WHERE {condition}")
    }

    fn delete_twins(&self, twins: &Twins<'_>) -> Vec<String> {
        let Twins { table, identity, alias, key, order, condition } = twins;
        let names: Vec<String> = (0..identity.len()).map(|at| format!("id_{at}")).collect();
        let named: Vec<String> =
            identity.iter().zip(&names).map(|(id, name)| format!("{id} AS {name}")).collect();
        let same: Vec<String> =
            identity.iter().zip(&names).map(|(id, name)| format!("twin.{name} = {id}")).collect();
        let select = format!(
            "SELECT {} FROM (SELECT {}, row_number() OVER (PARTITION BY {key} ORDER BY {order}) AS place \
             FROM {table} AS {alias} WHERE {condition}) AS placed WHERE place > 1",
            names.join(", "),
            named.join(", ")
        );
        let delete =
            format!("DELETE {alias} FROM {table} AS {alias} JOIN {TWINS} AS twin ON {}", same.join(" AND "));
        vec![self.keep_temporary(TWINS, std::slice::from_ref(&names), &select), delete]
    }

    /// The server counts keys in a tenth of the time in which it sorts rows by them.
    fn count_twins(&self, twins: &Twins<'_>) -> Option<String> {
        let Twins { table, alias, key, condition, .. } = twins;
        Some(format!("SELECT count(*) - count(DISTINCT {key}) FROM {table} AS {alias} WHERE {condition}"))
    }

    /// With LOCAL, even in strict mode.
    fn loads_leniently(&self) -> bool {
        true
    }

    fn makes_tables_in_transaction(&self) -> bool {
        false
    }

    fn queue(&self) -> Option<&'static dyn QueueDialect> {
        Some(&MySql)
    }
}

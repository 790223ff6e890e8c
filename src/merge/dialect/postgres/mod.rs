//! PostgreSQL's SQL, with `standard_conforming_strings`.

mod array;
mod catalogue;
mod encode;
mod fit;
mod queue;
mod swap;
mod varchar;

use std::time::Duration;

use bytes::BytesMut;
use duckdb::arrow::array::StructArray;

use super::{Dialect, Fit, QueueDialect, Sent, Spelling, StandingType, Temporary, Twins, Unsendable};
use crate::merge::sql;
use crate::value::Type;

/// PostgreSQL's SQL.
#[derive(Debug)]
pub(super) struct Postgres;

/// Moments are UTC, texts are what they look like, nobody's time limit ends a load, COMMIT means that it is on the disk,
/// and the server looks whether we are still there: within a minute it gives up the transaction of one that is gone.
const SETTINGS: &str = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL bytea_output = 'hex'; \
     SET LOCAL extra_float_digits = 3; \
     SET LOCAL standard_conforming_strings = on; SET LOCAL statement_timeout = 0; \
     SET LOCAL idle_in_transaction_session_timeout = 0; \
     SET LOCAL tcp_keepalives_idle = 20; SET LOCAL tcp_keepalives_interval = 10; SET LOCAL tcp_keepalives_count = 3; \
     SELECT set_config('synchronous_commit', 'on', true) WHERE current_setting('synchronous_commit') = 'off'; \
     SELECT set_config(name, '0', true) FROM pg_settings WHERE name = 'transaction_timeout'; \
     SELECT set_config(name, '10s', true) FROM pg_settings \
         WHERE name = 'client_connection_check_interval' AND version() LIKE '%linux%'";

impl Spelling for Postgres {
    fn text_type(&self) -> &'static str {
        "text"
    }

    fn moment_type(&self) -> &'static str {
        "timestamptz"
    }

    /// Names differ by case where they are quoted, and one without quotes is in lower case.
    fn is_same_column(&self, one: &str, other: &str) -> bool {
        one == other
    }

    fn as_hex(&self, bytes: &str) -> String {
        format!("encode({bytes}, 'hex')")
    }

    fn is_table(&self, column: &str, name: &str) -> String {
        format!("{column} = {}", self.text(name))
    }
}

impl Dialect for Postgres {
    fn column_type(&self, ty: Type) -> String {
        fit::column_type(ty)
    }

    /// Somebody else may add the same column meanwhile.
    fn add_column(&self, table: &str, column: &str, ty: Type) -> String {
        format!("ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {column} {}", self.column_type(ty))
    }

    fn staged_type(&self, ty: Type, _: Option<&StandingType>, _: bool) -> String {
        fit::staged_type(ty)
    }

    fn fit(&self, ty: Type, standing: &StandingType) -> Option<Fit> {
        fit::fit(ty, standing)
    }

    fn unfit_hint(&self, ty: Type, standing: &StandingType) -> &'static str {
        fit::unfit_hint(ty, standing)
    }

    fn header(&self) -> &'static [u8] {
        encode::HEADER
    }

    fn trailer(&self) -> &'static [u8] {
        &encode::TRAILER
    }

    fn encode(&self, batch: &StructArray, sent: &[Sent], out: &mut BytesMut) -> Result<(), Unsendable> {
        encode::encode(batch, sent, out)
    }

    fn begin(&self) -> &'static str {
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE; SET LOCAL temp_buffers = '64MB'"
    }

    fn begin_reading(&self) -> &'static str {
        "BEGIN READ ONLY; SET LOCAL standard_conforming_strings = on"
    }

    fn settings(&self) -> &'static str {
        SETTINGS
    }

    fn wait_for_rivals(&self, word: &str) -> String {
        format!("SELECT pg_advisory_xact_lock(hashtextextended({}, 0))", sql::text(word))
    }

    fn lock(&self, table: &str) -> Option<String> {
        Some(format!("LOCK TABLE {table} IN SHARE ROW EXCLUSIVE MODE"))
    }

    fn wait_for_locks(&self, longest: Duration) -> Option<String> {
        Some(format!("SET LOCAL lock_timeout = {}", longest.as_millis()))
    }

    fn wait_as_before(&self) -> Option<&'static str> {
        Some("SET LOCAL lock_timeout TO DEFAULT")
    }

    fn take_at_most(&self, longest: Duration) -> Option<String> {
        Some(format!("SET LOCAL statement_timeout = {}", longest.as_millis().max(1)))
    }

    fn check_constraints_now(&self, _: &str) -> Option<String> {
        Some("SET CONSTRAINTS ALL IMMEDIATE".to_owned())
    }

    fn temporary(&self, name: &str) -> String {
        format!("pg_temp.{name}")
    }

    /// Without an index: it hashes what it looks for.
    fn make_temporary(&self, table: &Temporary<'_>) -> String {
        let Temporary { name, columns, .. } = table;
        let columns: Vec<String> = columns.iter().map(|(name, ty)| format!("{name} {ty}")).collect();
        format!("CREATE TEMP TABLE {name} ({}) ON COMMIT DROP", columns.join(", "))
    }

    fn keep_temporary(&self, name: &str, _: &[Vec<String>], select: &str) -> String {
        format!(
            "DROP TABLE IF EXISTS {}; CREATE TEMP TABLE {name} ON COMMIT DROP AS {select}",
            self.temporary(name)
        )
    }

    fn analyze(&self, table: &str) -> Option<String> {
        Some(format!("ANALYZE {table}"))
    }

    fn row_id(&self, alias: &str) -> Vec<String> {
        vec![format!("{alias}.tableoid"), format!("{alias}.ctid")]
    }

    fn place(&self, alias: &str) -> Option<String> {
        Some(format!("{alias}.ctid"))
    }

    fn update(&self, table: &str, set: &[(String, String)], from: &str, condition: &str) -> String {
        let set: Vec<String> = set.iter().map(|(name, value)| format!("{name} = {value}")).collect();
        let set = set.join(", ");
        format!("UPDATE {table} AS old SET {set} FROM {from} WHERE {condition}")
    }

    fn delete(&self, table: &str, condition: &str) -> String {
        format!("DELETE FROM {table} AS old WHERE {condition}")
    }

    fn delete_twins(&self, twins: &Twins<'_>) -> Vec<String> {
        let Twins { table, alias, key, order, condition, .. } = twins;
        vec![format!(
            "DELETE FROM {table} AS twin USING (SELECT {alias}.tableoid AS part, {alias}.ctid AS row, row_number() OVER \
             (PARTITION BY {key} ORDER BY {order}) AS place FROM {table} AS {alias} WHERE {condition}) AS placed \
             WHERE twin.tableoid = placed.part AND twin.ctid = placed.row AND placed.place > 1"
        )]
    }

    fn queue(&self) -> Option<&'static dyn QueueDialect> {
        Some(&Postgres)
    }
}

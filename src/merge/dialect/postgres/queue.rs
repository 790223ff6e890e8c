//! A table of PostgreSQL as a queue.

use std::time::Duration;

use super::Postgres;
use crate::merge::dialect::queue::{DeleteByKey, Put, QueueDialect};
use crate::merge::sql;

/// The unique indexes whose columns are all among the names `$2` of the table `$1`.
const UNIQUE_INDEX: &str = "SELECT c.relname FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid \
     WHERE i.indrelid = $1 AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL \
       AND NOT EXISTS (SELECT FROM unnest(i.indkey[0:i.indnkeyatts - 1]) k \
         JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k WHERE a.attname::text <> ALL (ARRAY[$2]::text[])) \
     ORDER BY NOT i.indisprimary, c.relname LIMIT 1";

impl QueueDialect for Postgres {
    fn begin_read_committed(&self) -> &'static str {
        "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
    }

    fn for_update(&self) -> &'static str {
        "FOR NO KEY UPDATE"
    }

    fn now(&self) -> &'static str {
        "clock_timestamp()"
    }

    fn after(&self, rest: Duration) -> String {
        format!("clock_timestamp() + interval '{} microseconds'", rest.as_micros())
    }

    fn seconds_since(&self, moment: &str) -> String {
        format!("extract(epoch FROM clock_timestamp() - {moment})")
    }

    fn name_type(&self) -> &'static str {
        "text"
    }

    fn key_type(&self) -> &'static str {
        "text"
    }

    fn key_of(&self, columns: &[String]) -> String {
        let texts: Vec<String> = columns.iter().map(|column| format!("CAST({column} AS text)")).collect();
        match texts.as_slice() {
            [only] => only.clone(),
            several => format!("CAST(json_build_array({}) AS text)", several.join(", ")),
        }
    }

    /// A literal without a type is of that of the column.
    fn id_literal(&self, text: &str, _: bool) -> String {
        sql::text(text)
    }

    fn by_index(&self, _: &str) -> String {
        String::new()
    }

    fn delete_by_key(&self, delete: &DeleteByKey<'_>) -> String {
        let DeleteByKey { table, condition, key, keys } = delete;
        format!("DELETE FROM {table} WHERE {condition} AND {key} IN ({})", keys.join(", "))
    }

    fn unique_index_of(&self, id: &str, columns: &[String]) -> String {
        let columns: Vec<String> = columns.iter().map(|name| sql::text(name)).collect();
        UNIQUE_INDEX.replace("$1", id).replace("$2", &columns.join(", "))
    }

    fn put(&self, put: &Put<'_>) -> String {
        let given: Vec<String> =
            put.given().iter().map(|column| format!("{column} = excluded.{column}")).collect();
        let only =
            put.only.map_or_else(String::new, |only| format!(" WHERE {}", only.replace("{old}", "old")));
        let insert = put.insert(" AS old");
        format!(
            "{insert} ON CONFLICT ({}) DO UPDATE SET {}{only}",
            put.columns[..put.key].join(", "),
            given.join(", ")
        )
    }

    fn too_old(&self) -> Option<&'static str> {
        None
    }

    /// Rows are locked when they have been sorted and counted.
    fn indexes(&self, _: &str) -> Option<String> {
        None
    }
}

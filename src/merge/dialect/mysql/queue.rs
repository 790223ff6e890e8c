//! A table of MariaDB or MySQL as a queue: from MariaDB 10.6 and MySQL 8 on, which have SKIP LOCKED.

use std::time::Duration;

use super::{MySql, identifier, literal};
use crate::merge::dialect::queue::{DeleteByKey, Put, QueueDialect};

/// SKIP LOCKED is in MariaDB from 10.6 on, in MySQL from 8 on.
const TOO_OLD: &str = "SELECT CONCAT('its server has version ', version, ': queues need MariaDB 10.6 or MySQL 8') \
     FROM (SELECT version, version LIKE '%MariaDB%' AS is_mariadb, \
       SUBSTRING_INDEX(version, '.', 1) * 1000 + SUBSTRING_INDEX(SUBSTRING_INDEX(version, '.', 2), '.', -1) AS number \
       FROM (SELECT VERSION() AS version) AS server) AS numbered \
     WHERE number < CASE WHEN is_mariadb THEN 10006 ELSE 8000 END";

/// The collation by which keys are compared.
const BY_BYTES: &str = "/*M! utf8mb4_nopad_bin */ /*!80017 utf8mb4_0900_bin */";

impl QueueDialect for MySql {
    fn begin_read_committed(&self) -> &'static str {
        "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED; START TRANSACTION READ WRITE"
    }

    fn now(&self) -> &'static str {
        "UTC_TIMESTAMP(6)"
    }

    fn after(&self, rest: Duration) -> String {
        format!("UTC_TIMESTAMP(6) + INTERVAL {} MICROSECOND", rest.as_micros())
    }

    fn seconds_since(&self, moment: &str) -> String {
        format!("TIMESTAMPDIFF(MICROSECOND, {moment}, UTC_TIMESTAMP(6)) / 1000000")
    }

    fn name_type(&self) -> &'static str {
        "varchar(255)"
    }

    /// With the queue's name as long as a key may be.
    fn key_type(&self) -> &'static str {
        "varchar(512)"
    }

    /// By its bytes, whatever the column finds alike.
    fn key_of(&self, columns: &[String]) -> String {
        let text = |column: &str| format!("CONVERT({column} USING utf8mb4)");
        let key = match columns {
            [only] => text(only),
            several => {
                let texts: Vec<String> = several.iter().map(|column| text(column)).collect();
                text(&format!("JSON_ARRAY({})", texts.join(", ")))
            }
        };
        format!("{key} COLLATE {BY_BYTES}")
    }

    /// A number that is compared with a text is rounded.
    fn id_literal(&self, text: &str, is_number: bool) -> String {
        let is_plain = |text: &str| {
            let digits = text.strip_prefix('-').unwrap_or(text);
            digits.starts_with(|first: char| first.is_ascii_digit())
                && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        };
        if is_number && is_plain(text) { text.to_owned() } else { literal(text) }
    }

    /// In the order of a table rows are locked that are only passed.
    fn by_index(&self, index: &str) -> String {
        format!(" FORCE INDEX ({})", identifier(index))
    }

    /// One by one: a small table is scanned for several keys, and what others have is locked and waited for. A hint is taken by a
    /// DELETE of several tables only, which then reads all that the condition alone finds.
    fn delete_by_key(&self, delete: &DeleteByKey<'_>) -> String {
        let DeleteByKey { table, condition, key, keys } = delete;
        let one = |value: &String| format!("DELETE FROM {table} WHERE {condition} AND {key} = {value}");
        keys.iter().map(one).collect::<Vec<_>>().join("; ")
    }

    fn unique_index_of(&self, id: &str, columns: &[String]) -> String {
        let columns: Vec<String> = columns.iter().map(|name| literal(name)).collect();
        format!(
            "SELECT INDEX_NAME FROM information_schema.STATISTICS WHERE {} AND NON_UNIQUE = 0 GROUP BY INDEX_NAME \
             HAVING COUNT(SUB_PART) = 0 AND COUNT(COLUMN_NAME) = COUNT(*) AND SUM(COLUMN_NAME NOT IN ({})) = 0 \
             ORDER BY INDEX_NAME <> 'PRIMARY', INDEX_NAME LIMIT 1",
            super::catalogue::is_table(id),
            columns.join(", ")
        )
    }

    fn put(&self, put: &Put<'_>) -> String {
        let value = |column: &String| match put.only {
            Some(only) => {
                format!("{column} = IF({}, VALUES({column}), {column})", only.replace("{old}.", ""))
            }
            None => format!("{column} = VALUES({column})"),
        };
        let given: Vec<String> = put.given().iter().map(value).collect();
        format!("{} ON DUPLICATE KEY UPDATE {}", put.insert(""), given.join(", "))
    }

    fn is_binary(&self, ty: &str) -> bool {
        super::fit::is_binary(ty)
    }

    fn too_old(&self) -> Option<&'static str> {
        Some(TOO_OLD)
    }

    fn indexes(&self, id: &str) -> Option<String> {
        Some(format!(
            "SELECT CONCAT('[', GROUP_CONCAT(JSON_QUOTE(COLUMN_NAME) ORDER BY SEQ_IN_INDEX), ']') \
             FROM information_schema.STATISTICS WHERE {} AND INDEX_TYPE = 'BTREE' GROUP BY INDEX_NAME \
             HAVING COUNT(SUB_PART) = 0 AND COUNT(COLUMN_NAME) = COUNT(*)",
            super::catalogue::is_table(id)
        ))
    }
}

//! The columns of an answer as a Parquet file has them.
//!
//! Promise: every reader of the file finds the same value, or writing it fails. Left alone, DuckDB writes integers of 128
//! bits as doubles, an infinite day as one of the far future, and moments without saying that they are UTC.

use super::sql;

/// A column as a report has it.
pub(super) fn parquet_value(column: &str, name: &str, ty: &str) -> String {
    let cast = |to: &str| format!("CAST({column} AS {to})");
    let finite = |value: String| {
        let why =
            sql::text(&format!("column {name:?}: an infinite date or timestamp; write it as text, by CAST"));
        format!("CASE WHEN isinf({column}) THEN error({why}) ELSE {value} END")
    };
    match ty {
        "BOOLEAN" | "INTEGER" | "BIGINT" | "FLOAT" | "DOUBLE" | "VARCHAR" => column.to_owned(),
        "TINYINT" | "SMALLINT" | "UTINYINT" | "USMALLINT" => cast("INTEGER"),
        "UINTEGER" => cast("BIGINT"),
        "UBIGINT" => cast("DECIMAL(20,0)"),
        "HUGEINT" | "UHUGEINT" => cast("DECIMAL(38,0)"),
        "DATE" => finite(column.to_owned()),
        "TIMESTAMP WITH TIME ZONE" => finite(column.to_owned()),
        "TIMESTAMP" | "TIMESTAMP_S" | "TIMESTAMP_MS" | "TIMESTAMP_NS" => {
            finite(cast("TIMESTAMP WITH TIME ZONE"))
        }
        other if other.starts_with("DECIMAL(") && other.ends_with(')') => column.to_owned(),
        _ => cast("VARCHAR"),
    }
}

/// The same of an answer that is kept as it is: bytes are bytes, and what holds other values is JSON.
pub(super) fn parquet_value_or_nested(column: &str, name: &str, ty: &str) -> String {
    match ty {
        "BLOB" => column.to_owned(),
        nested if sql::is_nested(nested) => sql::value_as_text(column, nested),
        _ => parquet_value(column, name, ty),
    }
}

/// The values of a select list, each under its column's name, and the names `c0, c1, …` that they are made of.
pub(super) fn listed(
    columns: &[(String, String)],
    value: impl Fn(&str, &str, &str) -> String,
) -> (String, String) {
    let given: Vec<String> = (0..columns.len()).map(|at| format!("c{at}")).collect();
    let named = given
        .iter()
        .zip(columns)
        .map(|(at, (name, ty))| format!("{} AS {}", value(at, name, ty), sql::identifier(name)));
    (named.collect::<Vec<_>>().join(", "), given.join(", "))
}

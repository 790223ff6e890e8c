//! What each type is in each destination, for people: as a table is made there, in the words of its dialect.

use super::dialect::every_dialect;
use super::sql;
use crate::value::Type;

/// A destination, and the column type that a type gets there.
pub type TypeThere = (&'static str, String);

/// The column type that a type gets in each kind of destination.
pub fn types_in_destinations(ty: Type) -> Vec<TypeThere> {
    let mut there: Vec<TypeThere> =
        every_dialect().into_iter().map(|(name, dialect)| (name, dialect.column_type(ty))).collect();
    there.push(("DuckDB", sql::column_type(ty)));
    there.push(("Parquet", in_parquet(ty)));
    there
}

/// The same of the only column of a key, where that is another.
pub fn key_types_in_destinations(ty: Type) -> Vec<TypeThere> {
    let dialects = every_dialect().into_iter();
    let of_key =
        dialects.map(|(name, dialect)| (name, dialect.key_column_type(ty, 1), dialect.column_type(ty)));
    of_key.filter(|(_, key, usual)| key != usual).map(|(name, key, _)| (name, key)).collect()
}

/// The logical type of a column, or the physical one where it has no other.
fn in_parquet(ty: Type) -> String {
    match ty {
        Type::Text | Type::Json => "STRING".to_owned(),
        Type::Boolean => "BOOLEAN".to_owned(),
        Type::Integer => "INT32".to_owned(),
        Type::Bigint => "INT64".to_owned(),
        Type::Double => "DOUBLE".to_owned(),
        Type::Decimal { precision, scale } => format!("DECIMAL({precision},{scale})"),
        Type::Date => "DATE".to_owned(),
        Type::Timestamp => "TIMESTAMP (UTC, µs)".to_owned(),
        Type::Blob => "BYTE_ARRAY".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use duckdb::Connection;

    use super::*;
    use crate::merge::typed::{listed, parquet_value_or_nested};

    /// What is said of Parquet is what a file has that windrow writes.
    #[test]
    fn parquet_files_have_the_types_that_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let file = sql::text(&folder.path().join("types.parquet").to_string_lossy());
        let connection = Connection::open_in_memory().unwrap();
        let columns: Vec<(String, String)> =
            Type::ALL.map(|ty| (ty.to_string(), sql::column_type(ty))).to_vec();
        let nulls: Vec<String> = columns.iter().map(|(_, ty)| format!("NULL::{ty}")).collect();
        let select = listed(&columns, parquet_value_or_nested);
        let from = format!("(SELECT {})", nulls.join(", "));
        let copy =
            format!("COPY (SELECT {} FROM {from} AS t ({})) TO {file} (FORMAT parquet)", select.0, select.1);
        connection.execute_batch(&copy).unwrap();
        let schema = format!(
            "SELECT type, concat_ws(' ', logical_type, converted_type, precision, scale) \
             FROM parquet_schema({file}) WHERE num_children IS NULL"
        );
        let mut schema = connection.prepare(&schema).unwrap();
        let told = |row: &duckdb::Row<'_>| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?));
        let found: Vec<_> = schema.query_map([], told).unwrap().map(Result::unwrap).collect();
        assert_eq!(found.len(), Type::ALL.len());
        for ((physical, logical), ty) in found.into_iter().zip(Type::ALL) {
            let has = |words: &[&str]| words.iter().all(|word| logical.contains(word));
            let is_it = match in_parquet(ty).as_str() {
                "STRING" => has(&["UTF8"]),
                "DATE" => has(&["DATE"]),
                "TIMESTAMP (UTC, µs)" => has(&["isAdjustedToUTC=1", "MICROS"]),
                "DECIMAL(18,4)" => has(&["DECIMAL", "18 4"]),
                told => physical == told,
            };
            assert!(is_it, "{ty}: {physical} {logical}");
        }
    }
}

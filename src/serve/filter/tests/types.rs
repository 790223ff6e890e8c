//! Values of all types: what passes is no error in DuckDB, and what DuckDB spells is found again.

use std::cell::RefCell;

use duckdb::Connection;
use proptest::prelude::*;

use super::{columns, duckdb, row_numbers, shape};
use crate::serve::column::Column;
use crate::serve::filter::form::encoded;
use crate::serve::filter::{Operator, Question};

/// DuckDB's types, each with values in its own spelling.
const TYPES: [(&str, &[&str]); 27] = [
    ("VARCHAR", &["", "a", "A", "é", "\u{202e}x", "a%b_c", "NULL", "0"]),
    ("BOOLEAN", &["true", "false"]),
    ("TINYINT", &["-128", "0", "127"]),
    ("SMALLINT", &["-32768", "0", "32767"]),
    ("INTEGER", &["-2147483648", "0", "2147483647"]),
    ("BIGINT", &["-9223372036854775808", "0", "9007199254740993", "9223372036854775807"]),
    (
        "HUGEINT",
        &["-170141183460469231731687303715884105728", "0", "170141183460469231731687303715884105727"],
    ),
    ("UTINYINT", &["0", "255"]),
    ("USMALLINT", &["0", "65535"]),
    ("UINTEGER", &["0", "4294967295"]),
    ("UBIGINT", &["0", "18446744073709551615"]),
    ("UHUGEINT", &["0", "340282366920938463463374607431768211455"]),
    ("FLOAT", &["-3.4028235e+38", "1e-45", "0.1", "0.3", "16777216.0", "3.4028235e+38"]),
    (
        "DOUBLE",
        &["-1.7976931348623157e+308", "5e-324", "0.1", "0.30000000000000004", "1.7976931348623157e+308"],
    ),
    ("DECIMAL(4,1)", &["-999.9", "0.0", "999.9"]),
    ("DECIMAL(9,0)", &["-999999999", "0"]),
    ("DECIMAL(18,18)", &["0.999999999999999999", "-0.000000000000000001"]),
    ("DECIMAL(38,10)", &["-9999999999999999999999999999.9999999999", "0.0000000001"]),
    ("DECIMAL(38,38)", &["0.99999999999999999999999999999999999999"]),
    ("DATE", &["0001-01-01", "1970-01-01", "2024-02-29", "9999-12-31"]),
    ("TIME", &["00:00:00", "14:05:00.25", "23:59:59.999999"]),
    (
        "TIMESTAMP",
        &[
            "0001-01-01 00:00:00",
            "1969-12-31 23:59:59.999999",
            "2026-11-23 14:05:00.25",
            "9999-12-31 23:59:59.999999",
        ],
    ),
    ("TIMESTAMP_S", &["0001-01-01 00:00:00", "2026-11-23 14:05:00", "9999-12-31 23:59:59"]),
    ("TIMESTAMP_MS", &["0001-01-01 00:00:00", "2026-11-23 14:05:00.25"]),
    (
        "TIMESTAMP_NS",
        &[
            "1677-09-22 00:00:00",
            "1969-12-31 23:59:59.999999999",
            "2026-11-23 14:05:00.250000001",
            "2262-04-11 23:47:16.854775806",
        ],
    ),
    ("TIMESTAMP WITH TIME ZONE", &["0001-01-01 00:00:00+00", "2026-11-23 14:05:00.25+00"]),
    (
        "UUID",
        &[
            "00000000-0000-0000-0000-000000000000",
            "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            "ffffffff-ffff-ffff-ffff-ffffffffffff",
        ],
    ),
];

/// A table with one column of the type, `v`: its values, and null.
fn table(ty: &str, values: &[&str]) -> (Connection, Vec<Column>) {
    let connection = duckdb();
    connection.execute_batch(&format!("CREATE TABLE served (v {ty}, windrow_row BIGINT)")).unwrap();
    let mut insert = connection.prepare(&format!("INSERT INTO served VALUES (CAST(? AS {ty}), ?)")).unwrap();
    for (at, value) in values.iter().map(Some).chain([None]).enumerate() {
        insert
            .execute(duckdb::params![value, at as i64])
            .unwrap_or_else(|error| panic!("{value:?} as {ty}: {error}"));
    }
    drop(insert);
    (connection, columns(&[("v", ty)]))
}

fn asked(connection: &Connection, columns: &[Column], query: &str) -> Vec<i64> {
    let question =
        Question::parse(Some(query), &shape(columns)).unwrap_or_else(|bad| panic!("{query}: {bad}"));
    row_numbers(connection, &question).unwrap()
}

#[test]
fn what_duckdb_spells_is_found_again_and_sorted_as_it_is() {
    for (ty, values) in TYPES {
        let (connection, columns) = table(ty, values);
        for (at, value) in values.iter().enumerate() {
            let (at, value) = (at as i64, encoded(value));
            assert_eq!(asked(&connection, &columns, &format!("v={value}")), [at], "{ty} {value}");
            assert_eq!(
                asked(
                    &connection,
                    &columns,
                    &format!("v.in={}", encoded(&super::quoted(values[at as usize])))
                ),
                [at],
                "{ty} {value}"
            );
            let others: Vec<i64> = (0..=values.len() as i64).filter(|row| *row != at).collect();
            assert_eq!(asked(&connection, &columns, &format!("v.ne={value}")), others, "{ty} {value}");
        }
        assert_eq!(asked(&connection, &columns, "v.null=true"), [values.len() as i64], "{ty}");
        assert_eq!(asked(&connection, &columns, "order=v").last(), Some(&(values.len() as i64)), "{ty}");
        assert_eq!(asked(&connection, &columns, "order=-v").last(), Some(&(values.len() as i64)), "{ty}");
    }
}

#[test]
fn each_side_of_a_value_is_what_is_less_and_greater() {
    for (ty, values) in TYPES {
        let (connection, columns) = table(ty, values);
        let ascending = asked(&connection, &columns, "order=v&v.null=false");
        for (at, row) in ascending.iter().enumerate() {
            let value = encoded(values[*row as usize]);
            let sides =
                |operator: &str| asked(&connection, &columns, &format!("order=v&v.{operator}={value}"));
            assert_eq!(sides("lt"), ascending[..at], "{ty} {value}");
            assert_eq!(sides("le"), ascending[..=at], "{ty} {value}");
            assert_eq!(sides("gt"), ascending[at + 1..], "{ty} {value}");
            assert_eq!(sides("ge"), ascending[at..], "{ty} {value}");
        }
    }
}

thread_local! {
    static TABLES: RefCell<Vec<(Connection, Vec<Column>)>> =
        RefCell::new(TYPES.iter().map(|(ty, values)| table(ty, values)).collect());
}

/// Texts that look like values of some type, or not at all.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[-+]?[0-9]{0,42}(\\.[0-9]{0,40})?([eE][-+]?[0-9]{0,3})?",
        "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.,][0-9]{0,12})?)?(Z|[-+][0-9]{2}(:?[0-9]{2})?)?)?",
        "(0000|0001|1582|1677|1970|2262|9999)-(01|02|12)-(01|2[0-9]|3[01])[T ](00|23|24):(00|59|60):(00|59|60)(\\.[0-9]{1,9})?Z?",
        "(1677-09-2[0-2]|2262-04-1[0-2])T[0-2][0-9]:[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,9})?Z",
        "[+-]0{0,2}[0-9]{4,6}-[0-9]{2}-[0-9]{2}T00:00Z(\\[[A-Za-z/]{0,12}\\])?",
        "[0-9]{1,2}:[0-9]{1,2}(:[0-9]{1,2}(\\.[0-9]{0,9})?)?",
        "[{]?[0-9a-fA-F]{8}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{4}-?[0-9a-fA-F]{12}[}]?",
        "(?i)nan|inf|-?infinity|true|false|[tf01]|null|epoch|now|today|yesterday|0x1f|1_000|१२|½",
        "\\PC{0,12}",
        proptest::collection::vec(any::<u8>(), 0..16)
            .prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(150))]
    #[test]
    fn what_passes_is_no_error_in_duckdb(text in text(), operator in 0..Operator::ALL.len()) {
        let query = format!("v.{}={}", Operator::ALL[operator].word(), encoded(&text));
        TABLES.with_borrow(|tables| {
            for (connection, columns) in tables {
                if let Ok(question) = Question::parse(Some(&query), &shape(columns)) {
                    let rows = row_numbers(connection, &question);
                    prop_assert!(rows.is_ok(), "{}: {rows:?}", columns[0].ty);
                    let again = Question::parse(Some(&question.canonical()), &shape(columns));
                    prop_assert_eq!(again, Ok(question));
                }
            }
            Ok(())
        })?;
    }

    #[test]
    fn numbers_of_any_bits_are_found_again(bits: u64) {
        let (double, float) = (f64::from_bits(bits), f32::from_bits((bits >> 32) as u32));
        for (ty, value, is_finite) in [("DOUBLE", double.to_string(), double.is_finite()), ("FLOAT", float.to_string(), float.is_finite())] {
            let columns = columns(&[("v", ty)]);
            let question = Question::parse(Some(&format!("v={value}")), &shape(&columns));
            prop_assert_eq!(question.is_ok(), is_finite, "{}", value);
            if let Ok(question) = question {
                let (_, values) = question.sql();
                let is_same = if ty == "DOUBLE" { values[0].parse() == Ok(double) } else { values[0].parse() == Ok(float) };
                prop_assert!(is_same, "{} {:?}", value, values);
            }
        }
    }

    #[test]
    fn any_query_is_read_or_refused(query in "[a-c.=&%+,\"0-9-]{0,40}|\\PC{0,40}|(select|order|limit|after|v|v\\.in|v\\.gt)=\\PC{0,20}(&(v\\.ne|limit|after|order)=[0-9a-f.,\"-]{0,20}){0,3}") {
        let columns = columns(&[("v", "BIGINT"), ("a", "VARCHAR"), ("a.b", "DATE"), ("\"", "VARCHAR")]);
        if let Ok(question) = Question::parse(Some(&query), &shape(&columns)) {
            let again = question.canonical();
            // An offset alone is no parameter.
            if !again.contains("after=") {
                prop_assert_eq!(Question::parse(Some(&again), &shape(&columns)), Ok(question));
            }
        }
    }
}

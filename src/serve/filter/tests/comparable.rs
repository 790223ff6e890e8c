//! Values as people write them.

use crate::serve::filter::Comparable;
use crate::value::Wrong;

fn read(ty: &str, text: &str) -> Result<String, Wrong> {
    Comparable::of(ty).read(text)
}

#[test]
fn what_means_the_same_is_spelled_the_same() {
    for (ty, texts, spelled) in [
        ("BIGINT", vec!["7", "007", "+7", "7.0", "0.7e1", " 7 "], "7"),
        ("BIGINT", vec!["0", "-0"], "0"),
        ("BOOLEAN", vec!["true", "T", "1", "TRUE"], "true"),
        ("DOUBLE", vec!["0.1", ".1", "1e-1", "0.10"], "1e-1"),
        ("DOUBLE", vec!["-0", "0", "1e-400"], "0e0"),
        ("FLOAT", vec!["0.1", "0.1000000001"], "1e-1"),
        // Over a double it would be rounded twice, to 1.
        ("FLOAT", vec!["1.000000059604644775390625000001"], "1.0000001e0"),
        ("DECIMAL(9,2)", vec!["0.1", "0.10", "1e-1", "0.1000"], "0.10"),
        ("DATE", vec!["2026-11-23"], "2026-11-23"),
        ("TIME", vec!["14:05", "14:05:00", "14:05:00.000"], "14:05:00"),
        (
            "TIMESTAMP",
            vec!["2026-11-23", "2026-11-23T00:00Z", "2026-11-23T01:00:00+01:00"],
            "2026-11-23 00:00:00",
        ),
        ("TIMESTAMP", vec!["2026-11-23 14:05:00.25Z", "2026-11-23T14:05:00.250"], "2026-11-23 14:05:00.25"),
        ("TIMESTAMP WITH TIME ZONE", vec!["2026-11-23 14:05:00.25Z"], "2026-11-23 14:05:00.25+00"),
        ("TIMESTAMP_NS", vec!["2026-11-23T14:05:00.000000001Z"], "2026-11-23 14:05:00.000000001"),
        ("TIMESTAMP_NS", vec!["1969-12-31T23:59:59.9999999Z"], "1969-12-31 23:59:59.999999900"),
        ("UUID", vec!["F81D4FAE-7DEC-11D0-A765-00A0C91E6BF6"], "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        ("VARCHAR", vec![" a\t"], " a\t"),
    ] {
        for text in texts {
            assert_eq!(read(ty, text).as_deref(), Ok(spelled), "{text} as {ty}");
        }
    }
}

#[test]
fn integers_end_where_their_type_does() {
    for (ty, least, most) in [
        ("TINYINT", "-128", "127"),
        ("SMALLINT", "-32768", "32767"),
        ("INTEGER", "-2147483648", "2147483647"),
        ("BIGINT", "-9223372036854775808", "9223372036854775807"),
        ("HUGEINT", "-170141183460469231731687303715884105728", "170141183460469231731687303715884105727"),
        ("UTINYINT", "0", "255"),
        ("USMALLINT", "0", "65535"),
        ("UINTEGER", "0", "4294967295"),
        ("UBIGINT", "0", "18446744073709551615"),
        ("UHUGEINT", "0", "340282366920938463463374607431768211455"),
    ] {
        assert_eq!(read(ty, least).as_deref(), Ok(least), "{ty}");
        assert_eq!(read(ty, most).as_deref(), Ok(most), "{ty}");
        let further = |text: &str| {
            let last = text.chars().last().unwrap().to_digit(10).unwrap() + 1;
            format!("{}{last}", &text[..text.len() - 1])
        };
        assert_eq!(read(ty, &further(most)), Err(Wrong::Range), "{ty}");
        let below = if least == "0" { "-1".to_owned() } else { further(least) };
        assert_eq!(read(ty, &below), Err(Wrong::Range), "{ty}");
        assert_eq!(read(ty, "1.5"), Err(Wrong::Fraction), "{ty}");
    }
}

#[test]
fn what_is_no_value_is_refused() {
    for (ty, text, wrong) in [
        ("BIGINT", "", Wrong::Form),
        ("BIGINT", "eq.5", Wrong::Form),
        ("HUGEINT", "1e39", Wrong::Range),
        ("DOUBLE", "nan", Wrong::Form),
        ("DOUBLE", "inf", Wrong::Form),
        ("DOUBLE", "1e309", Wrong::Range),
        ("FLOAT", "1e39", Wrong::Range),
        ("FLOAT", "infinity", Wrong::Form),
        ("DECIMAL(9,2)", "0.125", Wrong::Fraction),
        ("DECIMAL(9,2)", "12345678", Wrong::Range),
        ("BOOLEAN", "yes", Wrong::Form),
        ("DATE", "2026-02-30", Wrong::Form),
        ("DATE", "2026-11-23T00:00:00Z", Wrong::Form),
        ("DATE", "infinity", Wrong::Form),
        ("TIME", "24:00", Wrong::Form),
        ("TIME", "23:59:60", Wrong::Form),
        ("TIME", "2026-11-23T10:00", Wrong::Form),
        ("TIME", "14:05:00.0000001", Wrong::Fraction),
        ("TIMESTAMP", "1764000000", Wrong::Form),
        ("TIMESTAMP", "2026-11-23T14:05:00 02:00", Wrong::Form),
        ("TIMESTAMP", "2026-11-23T14:05:00.0000001Z", Wrong::Fraction),
        ("TIMESTAMP_S", "2026-11-23T14:05:00.5Z", Wrong::Fraction),
        ("TIMESTAMP_MS", "2026-11-23T14:05:00.0005Z", Wrong::Fraction),
        ("TIMESTAMP_NS", "2262-04-11T23:47:16.854775807Z", Wrong::Range),
        ("TIMESTAMP_NS", "1677-09-21T23:59:59Z", Wrong::Range),
        ("UUID", "f81d4fae7dec11d0a76500a0c91e6bf6", Wrong::Form),
        ("BLOB", "00", Wrong::Form),
        ("INTEGER[]", "1", Wrong::Form),
    ] {
        assert_eq!(read(ty, text), Err(wrong), "{text:?} as {ty}");
    }
}

#[test]
fn what_holds_other_values_is_not_compared() {
    for ty in [
        "STRUCT(a INTEGER)",
        "INTEGER[]",
        "DECIMAL(9,2)[]",
        "MAP(VARCHAR, INTEGER)",
        "BLOB",
        "INTERVAL",
        "JSON",
        "TIME WITH TIME ZONE",
        "BIT",
        "\"NULL\"",
        "DECIMAL",
        "decimal(0,0)",
        "ENUM('x', 'y')",
    ] {
        assert_eq!(Comparable::of(ty), Comparable::Nothing, "{ty}");
    }
    assert_eq!(Comparable::of("DECIMAL(38,38)"), Comparable::Decimal { precision: 38, scale: 38 });
}

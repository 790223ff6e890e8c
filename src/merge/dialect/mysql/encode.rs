//! Rows as lines of LOAD DATA, from Arrow arrays, as DuckDB gives them: fields between tabs, `\\N` for null, a backslash
//! before what would end a field.
//!
//! Bytes travel as hexadecimal digits, since the server reads lines as texts, and refuses or mends what is no UTF-8;
//! [`decode_staged`](crate::merge::dialect::Dialect::decode_staged) makes bytes of them.
//!
//! Promises: every value arrives exactly as it is; one that the server cannot hold is an error that names column and row,
//! never another value.

use std::fmt::Write as _;

use bytes::{BufMut as _, BytesMut};
use duckdb::arrow::array::{Array as _, StructArray};

use crate::merge::dialect::Unsendable;
use crate::merge::dialect::arrays::{self, ColumnValues, Values};
use crate::value::{Type, Value, hex, spelled};

/// The first day of the year 1 and the last one of 9999, since 1970: what the server has days for.
const DAYS: std::ops::RangeInclusive<i64> = -719_162..=2_932_896;

/// Microseconds of a day.
const DAY: i64 = 86_400_000_000;

/// Appends the rows of a batch.
pub(super) fn encode(batch: &StructArray, out: &mut BytesMut) -> Result<(), Unsendable> {
    let columns = arrays::columns(batch)?;
    for row in 0..batch.len() {
        for (at, column) in columns.iter().enumerate() {
            if at > 0 {
                out.put_u8(b'\t');
            }
            put(column, row, out).map_err(|why| Unsendable { column: at, row, why })?;
        }
        out.put_u8(b'\n');
    }
    Ok(())
}

fn put(column: &ColumnValues<'_>, row: usize, out: &mut BytesMut) -> Result<(), String> {
    if column.is_null(row) {
        out.put_slice(b"\\N");
        return Ok(());
    }
    match &column.values {
        Values::Boolean(values) => out.put_u8(if values.value(row) { b'1' } else { b'0' }),
        Values::Integer(values) => put_number(values.value(row), out),
        Values::Bigint(values) => put_number(values.value(row), out),
        Values::Double(values) => put_double(values.value(row), out)?,
        Values::Decimal(values, scale) => {
            let ty = Type::Decimal { precision: 38, scale: *scale };
            out.put_slice(spelled(&Value::Decimal(values.value(row)), ty).as_bytes());
        }
        Values::Date(values) => {
            let days = values.value(row);
            in_range(days.into())?;
            out.put_slice(spelled(&Value::Date(days), Type::Date).as_bytes());
        }
        Values::Timestamp(values) => {
            let micros = values.value(row);
            in_range(micros.div_euclid(DAY))?;
            let text = spelled(&Value::Timestamp(micros), Type::Timestamp);
            out.put_slice(text.trim_end_matches('Z').as_bytes());
        }
        Values::Blob(values) => out.put_slice(hex(values.value(row)).as_bytes()),
        Values::Text(values) => put_text(values.value(row), out),
    }
    Ok(())
}

fn put_number(number: impl itoa::Integer, out: &mut BytesMut) {
    out.put_slice(itoa::Buffer::new().format(number).as_bytes());
}

fn put_double(number: f64, out: &mut BytesMut) -> Result<(), String> {
    if number.is_finite() {
        write!(out, "{number:e}").map_err(|error| error.to_string())
    } else {
        Err(format!("{number}, which MySQL has no number for"))
    }
}

fn in_range(days: i64) -> Result<(), String> {
    if DAYS.contains(&days) {
        Ok(())
    } else {
        Err("a day beyond the years 1 to 9999, which MySQL has".to_owned())
    }
}

fn put_text(text: &str, out: &mut BytesMut) {
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'\\' | b'\t' | b'\n' | b'\r' | 0)) {
        out.put_slice(&rest[..at]);
        out.put_u8(b'\\');
        out.put_u8(match rest[at] {
            b'\t' => b't',
            b'\n' => b'n',
            b'\r' => b'r',
            0 => b'0',
            other => other,
        });
        rest = &rest[at + 1..];
    }
    out.put_slice(rest);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> String {
        let mut out = BytesMut::new();
        put_text(text, &mut out);
        String::from_utf8(out.to_vec()).unwrap()
    }

    #[test]
    fn what_would_end_a_field_is_escaped() {
        assert_eq!(text("a\tb\nc\\d\re\0f"), r"a\tb\nc\\d\re\0f");
        assert_eq!(text(r"\N"), r"\\N", "a text, not null");
        assert_eq!(text(""), "");
    }

    #[test]
    fn doubles_are_spelled_so_that_they_come_back() {
        for number in [0.1, -0.0, 1e308, 5e-324, 1.0 / 3.0] {
            let mut out = BytesMut::new();
            put_double(number, &mut out).unwrap();
            let back: f64 = std::str::from_utf8(&out).unwrap().parse().unwrap();
            assert_eq!(back.to_bits(), number.to_bits());
        }
        assert!(put_double(f64::NAN, &mut BytesMut::new()).is_err());
    }

    #[test]
    fn days_beyond_the_calendar_are_refused() {
        assert!(in_range(-719_162).is_ok() && in_range(-719_163).is_err());
        assert!(in_range(2_932_896).is_ok() && in_range(2_932_897).is_err());
    }
}

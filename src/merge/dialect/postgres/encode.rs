//! Rows as PostgreSQL's binary COPY takes them (manual, "COPY", Binary Format): from Arrow arrays, as DuckDB gives them.
//!
//! Promises: every value arrives exactly as it is, decimals digit by digit, moments to the microsecond; a value that
//! PostgreSQL cannot hold, or would cut, is an error that names column and row, never another value.

use bytes::{BufMut, BytesMut};
use duckdb::arrow::array::{Array as _, StructArray};

use crate::merge::dialect::arrays::{self, ColumnValues, Values};
use crate::merge::dialect::{Sent, Unsendable};

/// What a COPY begins with: the signature, no flags, no extension.
pub(super) const HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// What it ends with.
pub(super) const TRAILER: [u8; 2] = (-1i16).to_be_bytes();

/// Days from 1970-01-01 to 2000-01-01, where PostgreSQL counts from.
const EPOCH_DAYS: i32 = 10_957;
/// The same in microseconds.
const EPOCH_MICROS: i64 = EPOCH_DAYS as i64 * 86_400_000_000;
/// What means infinity there: moments that have a number nevertheless.
const INFINITIES: [i64; 2] = [i64::MIN, i64::MAX];

/// Appends the rows of a batch; `sent` says of each column how it goes straight into the table.
pub(super) fn encode(batch: &StructArray, sent: &[Sent], out: &mut BytesMut) -> Result<(), Unsendable> {
    let columns = arrays::columns(batch)?;
    let width = i16::try_from(columns.len()).unwrap_or(i16::MAX);
    for row in 0..batch.len() {
        out.put_i16(width);
        for (at, column) in columns.iter().enumerate() {
            let sent = sent.get(at).copied().unwrap_or_default();
            put(column, sent, row, out).map_err(|why| Unsendable { column: at, row, why })?;
        }
    }
    Ok(())
}

fn put(column: &ColumnValues<'_>, sent: Sent, row: usize, out: &mut BytesMut) -> Result<(), String> {
    if column.is_null(row) {
        out.put_i32(-1);
        return Ok(());
    }
    match &column.values {
        Values::Boolean(values) => sized(out, &[u8::from(values.value(row))]),
        Values::Integer(values) => sized(out, &values.value(row).to_be_bytes()),
        Values::Bigint(values) => sized(out, &values.value(row).to_be_bytes()),
        Values::Double(values) => sized(out, &values.value(row).to_be_bytes()),
        Values::Date(values) => sized(out, &date(values.value(row))?.to_be_bytes()),
        Values::Timestamp(values) => sized(out, &timestamp(values.value(row))?.to_be_bytes()),
        Values::Decimal(values, scale) => put_numeric(values.value(row), u16::from(*scale), out),
        Values::Blob(values) => put_bytes(values.value(row), out)?,
        Values::Text(values) => put_text(values.value(row), sent, out)?,
    }
    Ok(())
}

fn sized(out: &mut BytesMut, bytes: &[u8]) {
    out.put_i32(bytes.len() as i32);
    out.put_slice(bytes);
}

fn put_text(text: &str, sent: Sent, out: &mut BytesMut) -> Result<(), String> {
    if memchr::memchr(0, text.as_bytes()).is_some() {
        return Err("the character U+0000, which PostgreSQL cannot hold".to_owned());
    }
    if let Sent::UpTo(most) = sent
        && text.ends_with(' ')
        && text.chars().nth(most).is_some()
    {
        return Err(format!("{} characters, the last a blank, where {most} have room", text.chars().count()));
    }
    let jsonb = sent == Sent::Jsonb;
    let length = i32::try_from(text.len() + usize::from(jsonb)).map_err(|_| "a text of more than 2 GiB")?;
    out.put_i32(length);
    if jsonb {
        out.put_u8(1);
    }
    out.put_slice(text.as_bytes());
    Ok(())
}

/// Bytes of a value, with its length (manual, "Binary Data Types" and `MaxAllocSize`).
const LARGEST: usize = (1 << 30) - 5;

fn put_bytes(bytes: &[u8], out: &mut BytesMut) -> Result<(), String> {
    if bytes.len() > LARGEST {
        return Err(format!("{} bytes, and PostgreSQL holds less than 1 GiB in a value", bytes.len()));
    }
    sized(out, bytes);
    Ok(())
}

fn date(days: i32) -> Result<i32, String> {
    let since = days.checked_sub(EPOCH_DAYS).filter(|since| !INFINITIES.contains(&i64::from(*since)));
    since.ok_or_else(|| format!("the day {days} since 1970, which is out of PostgreSQL's range"))
}

fn timestamp(micros: i64) -> Result<i64, String> {
    let since = micros.checked_sub(EPOCH_MICROS).filter(|since| !INFINITIES.contains(since));
    since.ok_or_else(|| format!("the moment {micros} µs since 1970, which is out of PostgreSQL's range"))
}

/// A decimal's digits in groups of four around the point (`numeric_send` of PostgreSQL).
fn put_numeric(unscaled: i128, scale: u16, out: &mut BytesMut) {
    let mut rest = unscaled.unsigned_abs();
    // Zeros at the end, so that the fraction's groups are whole.
    let padding = (4 - scale % 4) % 4;
    let mut groups = Vec::with_capacity(12);
    if padding > 0 {
        let short = 10u128.pow(u32::from(4 - padding));
        groups.push((rest % short) as u16 * 10u16.pow(u32::from(padding)));
        rest /= short;
    }
    while rest > 0 {
        groups.push((rest % 10_000) as u16);
        rest /= 10_000;
    }
    let fraction = usize::from(scale.div_ceil(4));
    let weight = groups.len() as i16 - fraction as i16 - 1;
    let trailing = groups.iter().take_while(|group| **group == 0).count();
    groups.drain(..trailing);
    let weight = if groups.is_empty() { 0 } else { weight };
    out.put_i32(8 + 2 * groups.len() as i32);
    out.put_i16(groups.len() as i16);
    out.put_i16(weight);
    out.put_u16(if unscaled < 0 { 0x4000 } else { 0 });
    out.put_u16(scale);
    groups.iter().rev().for_each(|group| out.put_u16(*group));
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use duckdb::arrow::array::{ArrayRef, StringArray};
    use duckdb::arrow::datatypes::DataType;

    use super::*;

    /// Groups, weight, sign and scale of a decimal.
    fn numeric(unscaled: i128, scale: u16) -> (Vec<u16>, i16, u16, u16) {
        let mut out = BytesMut::new();
        put_numeric(unscaled, scale, &mut out);
        let word = |at: usize| u16::from_be_bytes([out[at], out[at + 1]]);
        let groups = (0..word(4)).map(|at| word(12 + 2 * usize::from(at))).collect();
        (groups, word(6) as i16, word(8), word(10))
    }

    #[test]
    fn decimals_are_groups_of_four_digits_around_the_point() {
        assert_eq!(numeric(0, 2), (vec![], 0, 0, 2));
        assert_eq!(numeric(1, 0), (vec![1], 0, 0, 0));
        assert_eq!(numeric(12_345, 0), (vec![1, 2345], 1, 0, 0));
        assert_eq!(numeric(-12_345, 2), (vec![123, 4500], 0, 0x4000, 2));
        assert_eq!(numeric(5, 5), (vec![5000], -2, 0, 5));
        assert_eq!(numeric(10_000, 0), (vec![1], 1, 0, 0));
        assert_eq!(numeric(10_000_001, 4), (vec![1000, 1], 0, 0, 4));
        let (groups, weight, _, scale) = numeric(i128::MAX / 2, 38);
        assert_eq!((groups.len(), weight, scale), (10, -1, 38));
    }

    #[test]
    fn what_postgresql_cannot_hold_is_refused() {
        let texts: ArrayRef = Arc::new(StringArray::from(vec![Some("fine"), None, Some("a\0b")]));
        let field = duckdb::arrow::datatypes::Field::new("text", DataType::Utf8, true);
        let batch = StructArray::from(vec![(Arc::new(field), texts)]);
        let refused = encode(&batch, &[], &mut BytesMut::new()).unwrap_err();
        assert_eq!((refused.column, refused.row), (0, 2));
        assert!(timestamp(i64::MIN + 1).is_err() && timestamp(0).is_ok());
        assert!(date(i32::MIN).is_err());
    }
}

//! What a column's values can be compared with, and how a text is read as such.
//!
//! Promise: a text means what it means wherever windrow reads one ([`crate::value`]), nothing is rounded but to the nearest
//! `float` or `double`, and what is handed on is spelled so that DuckDB's CAST to the column's type cannot fail.

use std::ops::RangeInclusive;

use jiff::civil::Time;

use crate::value::{self, Type, Value, Wrong};

/// Moments that DuckDB reads as `TIMESTAMP_NS`, in nanoseconds since 1970: of the day that 64 bits begin with it reads none.
const NANOSECONDS: RangeInclusive<i128> = -9_223_286_400_000_000_000..=9_223_372_036_854_775_806;

/// What the values of a column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparable {
    /// Text, compared byte by byte.
    Text,
    /// True or false.
    Boolean,
    /// A whole number from the one to the other.
    Integer(i128, u128),
    /// A number of 32 bits.
    Float,
    /// A number of 64 bits.
    Double,
    /// An exact number.
    Decimal {
        /// All its digits.
        precision: u8,
        /// Those after the point.
        scale: u8,
    },
    /// A day.
    Date,
    /// A time of the day.
    Time,
    /// A moment.
    Timestamp {
        /// Digits of a second.
        digits: u8,
        /// Whether DuckDB has it as one of a time zone.
        zoned: bool,
    },
    /// 128 bits, as RFC 9562 writes them.
    Uuid,
    /// Nothing: what is nested, bytes, intervals, JSON. Only whether there is a value can be asked.
    Nothing,
}

impl Comparable {
    /// The values of one of DuckDB's types, as DESCRIBE names it.
    pub fn of(ty: &str) -> Comparable {
        let signed =
            |bits: u32| Comparable::Integer(i128::MIN >> (128 - bits), (i128::MAX >> (128 - bits)) as u128);
        let unsigned = |bits: u32| Comparable::Integer(0, u128::MAX >> (128 - bits));
        match ty {
            "VARCHAR" => Comparable::Text,
            "BOOLEAN" => Comparable::Boolean,
            "TINYINT" => signed(8),
            "SMALLINT" => signed(16),
            "INTEGER" => signed(32),
            "BIGINT" => signed(64),
            "HUGEINT" => signed(128),
            "UTINYINT" => unsigned(8),
            "USMALLINT" => unsigned(16),
            "UINTEGER" => unsigned(32),
            "UBIGINT" => unsigned(64),
            "UHUGEINT" => unsigned(128),
            "FLOAT" => Comparable::Float,
            "DOUBLE" => Comparable::Double,
            "DATE" => Comparable::Date,
            "TIME" => Comparable::Time,
            "TIMESTAMP" => Comparable::Timestamp { digits: 6, zoned: false },
            "TIMESTAMP_S" => Comparable::Timestamp { digits: 0, zoned: false },
            "TIMESTAMP_MS" => Comparable::Timestamp { digits: 3, zoned: false },
            "TIMESTAMP_NS" => Comparable::Timestamp { digits: 9, zoned: false },
            "TIMESTAMP WITH TIME ZONE" => Comparable::Timestamp { digits: 6, zoned: true },
            "UUID" => Comparable::Uuid,
            _ => match ty.to_lowercase().parse() {
                Ok(Type::Decimal { precision, scale }) => Comparable::Decimal { precision, scale },
                _ => Comparable::Nothing,
            },
        }
    }

    /// A value as DuckDB reads it: the same for all texts that mean the same.
    ///
    /// # Errors
    /// It is no such value.
    pub(super) fn read(self, text: &str) -> Result<String, Wrong> {
        // Text stands as it is; around all others space does not count.
        let tight = text.trim();
        match self {
            Comparable::Text => Ok(text.to_owned()),
            Comparable::Boolean => read_as(tight, Type::Boolean),
            Comparable::Integer(least, most) => integer(tight, least, most),
            Comparable::Float => float(tight),
            Comparable::Double => double(tight),
            Comparable::Decimal { precision, scale } => read_as(tight, Type::Decimal { precision, scale }),
            Comparable::Date => read_as(tight, Type::Date),
            Comparable::Time => time(tight),
            Comparable::Timestamp { digits, zoned } => timestamp(tight, digits, zoned),
            Comparable::Uuid => uuid(tight).ok_or(Wrong::Form),
            Comparable::Nothing => Err(Wrong::Form),
        }
    }

    /// One of its values, as people write it.
    pub fn example(self) -> &'static str {
        match self {
            Comparable::Text => "abc",
            Comparable::Boolean => "true",
            Comparable::Integer(..) => "7",
            Comparable::Float | Comparable::Double | Comparable::Decimal { .. } => "0.5",
            Comparable::Date => "2026-11-23",
            Comparable::Time => "14:05:00",
            Comparable::Timestamp { .. } => "2026-11-23T14:05:00Z",
            Comparable::Uuid => "f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
            Comparable::Nothing => "",
        }
    }
}

fn parsed(text: &str, ty: Type) -> Result<Value, Wrong> {
    value::parse(text, ty).map_err(|misfit| misfit.wrong)
}

fn read_as(text: &str, ty: Type) -> Result<String, Wrong> {
    parsed(text, ty).map(|read| value::spelled(&read, ty))
}

/// Of 38 digits at most as every number is written, of 39, which only 128 bits have, as digits.
fn integer(text: &str, least: i128, most: u128) -> Result<String, Wrong> {
    let is_between = |size: u128, negative: bool| match negative {
        true => size <= least.unsigned_abs(),
        false => size <= most,
    };
    let digits = Type::Decimal { precision: 38, scale: 0 };
    let (size, negative) = match parsed(text, digits) {
        Ok(Value::Decimal(number)) => (number.unsigned_abs(), number < 0),
        Err(Wrong::Range) => {
            let plain = text.strip_prefix('-').or_else(|| text.strip_prefix('+')).unwrap_or(text);
            (plain.parse().map_err(|_| Wrong::Range)?, text.starts_with('-'))
        }
        Ok(_) => return Err(Wrong::Form),
        Err(wrong) => return Err(wrong),
    };
    if !is_between(size, negative) {
        return Err(Wrong::Range);
    }
    Ok(if negative { format!("-{size}") } else { size.to_string() })
}

fn double(text: &str) -> Result<String, Wrong> {
    let Value::Double(number) = parsed(text, Type::Double)? else { return Err(Wrong::Form) };
    // Minus zero is zero.
    Ok(format!("{:e}", number + 0.0))
}

/// Read at once: over a double it would be rounded twice.
fn float(text: &str) -> Result<String, Wrong> {
    double(text)?;
    let number: f32 = text.parse().map_err(|_| Wrong::Form)?;
    if number.is_infinite() { Err(Wrong::Range) } else { Ok(format!("{:e}", number + 0.0)) }
}

fn time(text: &str) -> Result<String, Wrong> {
    let is_shaped = text.as_bytes().get(2) == Some(&b':')
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b':' || byte == b'.')
        // jiff takes a leap second for the one before it.
        && !text.contains(":60");
    let time: Time = is_shaped.then(|| text.parse().ok()).flatten().ok_or(Wrong::Form)?;
    let is_fine = time.subsec_nanosecond() % 1000 != 0;
    if is_fine { Err(Wrong::Fraction) } else { Ok(time.to_string()) }
}

fn timestamp(text: &str, digits: u8, zoned: bool) -> Result<String, Wrong> {
    let Value::Timestamp(micros) = parsed(text, Type::Timestamp)? else { return Err(Wrong::Form) };
    let fraction = fraction(text);
    if fraction.len() > usize::from(digits) {
        return Err(Wrong::Fraction);
    }
    // Microseconds are as far as the value goes.
    let further: String = format!("{fraction:0<9}").chars().skip(6).collect();
    let nanos = i128::from(micros) * 1000 + further.parse::<i128>().unwrap_or_default();
    if digits == 9 && !NANOSECONDS.contains(&nanos) {
        return Err(Wrong::Range);
    }
    let spelled = value::spelled(&Value::Timestamp(micros), Type::Timestamp);
    let plain = spelled.trim_end_matches('Z').replace('T', " ");
    let (seconds, within) = plain.split_once('.').unwrap_or((&plain, ""));
    let within = if further == "000" { within.to_owned() } else { format!("{within:0<6}{further}") };
    let point = if within.is_empty() { "" } else { "." };
    Ok(format!("{seconds}{point}{within}{}", if zoned { "+00" } else { "" }))
}

/// The digits of a second in a moment's text, without zeros at the end.
fn fraction(text: &str) -> &str {
    let Some((_, behind)) = text.split_once(['.', ',']) else { return "" };
    let end = behind.find(|c: char| !c.is_ascii_digit()).unwrap_or(behind.len());
    behind[..end].trim_end_matches('0')
}

fn uuid(text: &str) -> Option<String> {
    let is_one = |(at, byte): (usize, u8)| match at {
        8 | 13 | 18 | 23 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    };
    (text.len() == 36 && text.bytes().enumerate().all(is_one)).then(|| text.to_ascii_lowercase())
}

//! Text to typed values and back: what `types` in a job file asks for.
//!
//! Nothing is guessed and nothing is lost: a text that is not exactly a value of its type is a [`Misfit`].

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;

use crate::record::{Type, Value};

/// Characters of a value that an error shows.
const SHOWN: usize = 60;

/// A text that is not a value of the type it should have.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error("{text:?} is no {ty}{why}")]
pub struct Misfit {
    text: String,
    ty: Type,
    why: &'static str,
}

/// The value of type `ty` that `text` spells.
///
/// Booleans are `true`, `false`, `t`, `f`, `1` or `0` in any case; dates are `2024-05-31`; timestamps are RFC 3339,
/// with a `T` or a blank, in UTC where they name no offset; doubles are finite.
pub(super) fn parse(text: &str, ty: Type) -> Result<Value, Misfit> {
    let misfit = |why| Misfit { text: shown(text), ty, why };
    let plain = || misfit("");
    match ty {
        Type::Text => Ok(Value::Text(text.to_owned())),
        Type::Boolean => boolean(text).map(Value::Boolean).ok_or_else(plain),
        Type::Integer => text.parse().map(Value::Integer).map_err(|_| plain()),
        Type::Bigint => text.parse().map(Value::Bigint).map_err(|_| plain()),
        Type::Double => double(text).map(Value::Double).ok_or_else(plain),
        Type::Decimal { precision, scale } => {
            decimal(text, precision, scale).map(Value::Decimal).map_err(misfit)
        }
        Type::Date => date(text).map(Value::Date).ok_or_else(|| misfit(" such as 2024-05-31")),
        Type::Timestamp => timestamp(text).map(Value::Timestamp).map_err(misfit),
        Type::Json => json(text).map(Value::Json).ok_or_else(plain),
    }
}

/// How a value is spelled: what [`parse`] reads back as the same value. Empty for null.
pub(super) fn spelled(value: &Value, ty: Type) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) | Value::Json(text) => text.clone(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Bigint(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Decimal(digits) => match ty {
            Type::Decimal { scale, .. } => spelled_decimal(*digits, usize::from(scale)),
            _ => digits.to_string(),
        },
        Value::Date(days) => spelled_date(*days),
        Value::Timestamp(micros) => {
            jiff::Timestamp::from_microsecond(*micros).map(|moment| moment.to_string()).unwrap_or_default()
        }
    }
}

fn boolean(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "t" | "1" => Some(true),
        "false" | "f" | "0" => Some(false),
        _ => None,
    }
}

fn double(text: &str) -> Option<f64> {
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// The unscaled digits of a plain decimal number; zeros beyond the scale are no loss.
fn decimal(text: &str, precision: u8, scale: u8) -> Result<i128, &'static str> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if !all_digits(whole) || !all_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err("");
    }
    let fraction = fraction.trim_end_matches('0');
    let scale = usize::from(scale);
    if fraction.len() > scale {
        return Err(": too many digits after the point");
    }
    let joined = format!("{}{fraction:0<scale$}", whole.trim_start_matches('0'));
    if joined.trim_start_matches('0').len() > usize::from(precision) {
        return Err(": too many digits");
    }
    let unscaled: i128 =
        if joined.is_empty() { 0 } else { joined.parse().map_err(|_| ": too many digits")? };
    Ok(if negative { -unscaled } else { unscaled })
}

fn spelled_decimal(digits: i128, scale: usize) -> String {
    let sign = if digits < 0 { "-" } else { "" };
    let padded = format!("{:0>width$}", digits.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = padded.split_at(padded.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

/// Days since 1970 of `2024-05-31`.
fn date(text: &str) -> Option<i32> {
    let day = (text.len() == 10).then(|| text.parse::<Date>().ok())??;
    Some(i32::try_from(day.duration_since(jiff::civil::date(1970, 1, 1)).as_hours() / 24).unwrap_or_default())
}

fn spelled_date(days: i32) -> String {
    use jiff::ToSpan as _;
    let day = jiff::civil::date(1970, 1, 1).checked_add(i64::from(days).days());
    day.map(|day| day.to_string()).unwrap_or_default()
}

/// Microseconds since 1970 of an RFC 3339 moment.
fn timestamp(text: &str) -> Result<i64, &'static str> {
    let with_offset = text.parse::<jiff::Timestamp>();
    let moment = with_offset.or_else(|error| match text.parse::<DateTime>() {
        Ok(civil) => civil.to_zoned(TimeZone::UTC).map(|zoned| zoned.timestamp()),
        Err(_) => Err(error),
    });
    let moment = moment.map_err(|_| " such as 2024-05-31T10:00:00Z")?;
    if moment.subsec_nanosecond() % 1000 != 0 {
        return Err(": finer than a microsecond");
    }
    Ok(moment.as_microsecond())
}

fn json(text: &str) -> Option<String> {
    serde_json::from_str::<&serde_json::value::RawValue>(text).ok().map(|_| text.to_owned())
}

/// The start of a value, for an error.
pub(super) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MONEY: Type = Type::Decimal { precision: 9, scale: 2 };

    #[test]
    fn text_becomes_what_its_type_says() {
        let cases = [
            ("007", Type::Integer, Value::Integer(7)),
            ("-9223372036854775808", Type::Bigint, Value::Bigint(i64::MIN)),
            ("TRUE", Type::Boolean, Value::Boolean(true)),
            ("0", Type::Boolean, Value::Boolean(false)),
            ("1e3", Type::Double, Value::Double(1000.0)),
            ("12.5", MONEY, Value::Decimal(1250)),
            ("-.5", MONEY, Value::Decimal(-50)),
            ("0012.500", MONEY, Value::Decimal(1250)),
            ("9999999.99", MONEY, Value::Decimal(999_999_999)),
            ("0", MONEY, Value::Decimal(0)),
            ("1970-01-02", Type::Date, Value::Date(1)),
            ("1969-12-31", Type::Date, Value::Date(-1)),
            ("1970-01-01T00:00:01Z", Type::Timestamp, Value::Timestamp(1_000_000)),
            ("1970-01-01 00:00:01.5", Type::Timestamp, Value::Timestamp(1_500_000)),
            ("1970-01-01T02:00:00+02:00", Type::Timestamp, Value::Timestamp(0)),
            ("{\"a\": [1]}", Type::Json, Value::Json("{\"a\": [1]}".into())),
        ];
        for (text, ty, value) in cases {
            assert_eq!(parse(text, ty), Ok(value), "{text} as {ty}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let cases = [
            ("1.0", Type::Bigint),
            ("2147483648", Type::Integer),
            (" 7", Type::Bigint),
            ("NaN", Type::Double),
            ("inf", Type::Double),
            ("yes", Type::Boolean),
            ("12.555", MONEY),
            ("10000000.00", MONEY),
            ("1e3", MONEY),
            (".", MONEY),
            ("--1", MONEY),
            ("2024-02-30", Type::Date),
            ("2024-1-1", Type::Date),
            ("2024-01-01T10:00:00Z", Type::Date),
            ("yesterday", Type::Timestamp),
            ("2024-01-01T00:00:00.0000001Z", Type::Timestamp),
            ("{\"a\":", Type::Json),
        ];
        for (text, ty) in cases {
            assert!(parse(text, ty).is_err(), "{text} as {ty}");
        }
        let long = parse(&"x".repeat(10_000), Type::Bigint).unwrap_err().to_string();
        assert!(long.len() < 200, "{long}");
    }

    proptest! {
        #[test]
        fn what_is_spelled_is_read_back(number: i64, double: f64, days in -700_000i32..2_900_000, flag: bool) {
            let double = if double.is_finite() { double } else { 0.0 };
            let decimal = Type::Decimal { precision: 38, scale: 7 };
            let cases = [
                (Value::Integer(number as i32), Type::Integer),
                (Value::Bigint(number), Type::Bigint),
                (Value::Decimal(i128::from(number)), decimal),
                (Value::Double(double), Type::Double),
                (Value::Boolean(flag), Type::Boolean),
                (Value::Date(days), Type::Date),
                (Value::Timestamp(number % 253_000_000_000_000_000), Type::Timestamp),
            ];
            for (value, ty) in cases {
                prop_assert_eq!(parse(&spelled(&value, ty), ty), Ok(value));
            }
        }
    }
}

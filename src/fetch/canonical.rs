//! A value as text, the way a request carries it: digits without grouping, ISO 8601 days and moments, bytes as hexadecimal
//! digits.

use std::borrow::Cow;

use jiff::civil::{Date, date};
use jiff::{Span, Timestamp};

use super::encode;
use crate::value::{self, Type, Value};

/// The canonical text of a value, or why it has none. `ty` gives a decimal its scale.
pub fn text(value: &Value, ty: Type) -> Result<Cow<'_, str>, &'static str> {
    Ok(match value {
        Value::Null => return Err("is null"),
        Value::Text(text) | Value::Json(text) => Cow::Borrowed(text),
        Value::Boolean(true) => Cow::Borrowed("true"),
        Value::Boolean(false) => Cow::Borrowed("false"),
        Value::Integer(number) => Cow::Owned(itoa::Buffer::new().format(*number).to_owned()),
        Value::Bigint(number) => Cow::Owned(itoa::Buffer::new().format(*number).to_owned()),
        Value::Double(number) if number.is_finite() => Cow::Owned(number.to_string()),
        Value::Double(_) => return Err("is not a finite number"),
        Value::Decimal(unscaled) => Cow::Owned(decimal(*unscaled, scale(ty))),
        Value::Date(days) => {
            Cow::Owned(day(*days).ok_or("is a day outside of the years that can be written")?.to_string())
        }
        Value::Timestamp(micros) => Cow::Owned(moment(*micros)?.to_string()),
        Value::Blob(bytes) => Cow::Owned(value::hex(bytes)),
    })
}

/// A value as JSON: numbers, booleans and JSON as they are, everything else as a text. Or why it cannot be.
pub fn json_text(value: &Value, ty: Type) -> Result<Cow<'_, str>, &'static str> {
    Ok(match value {
        Value::Null => Cow::Borrowed("null"),
        Value::Text(_) | Value::Date(_) | Value::Timestamp(_) | Value::Blob(_) => {
            Cow::Owned(format!("\"{}\"", encode::json(&text(value, ty)?)))
        }
        _ => text(value, ty)?,
    })
}

fn scale(ty: Type) -> usize {
    match ty {
        Type::Decimal { scale, .. } => usize::from(scale),
        _ => 0,
    }
}

/// All digits of the scale: 1250 at scale 2 is `12.50`.
fn decimal(unscaled: i128, scale: usize) -> String {
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let sign = if unscaled < 0 { "-" } else { "" };
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

fn day(days_since_1970: i32) -> Option<Date> {
    let span = Span::new().try_days(days_since_1970).ok()?;
    date(1970, 1, 1).checked_add(span).ok()
}

fn moment(micros: i64) -> Result<Timestamp, &'static str> {
    Timestamp::from_microsecond(micros).map_err(|_| "is a moment outside of the years that can be written")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text_of(value: Value, ty: &str) -> String {
        text(&value, ty.parse().unwrap()).unwrap().into_owned()
    }

    #[test]
    fn every_type_has_one_spelling() {
        assert_eq!(text_of(Value::Text("007".into()), "text"), "007");
        assert_eq!(text_of(Value::Bigint(i64::MIN), "bigint"), "-9223372036854775808");
        assert_eq!(text_of(Value::Integer(-5), "integer"), "-5");
        assert_eq!(text_of(Value::Boolean(true), "boolean"), "true");
        assert_eq!(text_of(Value::Double(2.5), "double"), "2.5");
        assert_eq!(text_of(Value::Date(-1), "date"), "1969-12-31");
        assert_eq!(text_of(Value::Blob(vec![0, 255]), "blob"), "00ff");
        assert_eq!(text_of(Value::Timestamp(1_000_000), "timestamp"), "1970-01-01T00:00:01Z");
        assert_eq!(text_of(Value::Timestamp(1_500_000), "timestamp"), "1970-01-01T00:00:01.5Z");
    }

    #[test]
    fn decimals_have_all_digits_of_their_scale() {
        for (unscaled, ty, expected) in [
            (1250, "decimal(9,2)", "12.50"),
            (-5, "decimal(9,2)", "-0.05"),
            (0, "decimal(9,3)", "0.000"),
            (42, "decimal(9,0)", "42"),
            (i128::MIN, "decimal(38,0)", "-170141183460469231731687303715884105728"),
        ] {
            assert_eq!(text_of(Value::Decimal(unscaled), ty), expected);
        }
    }

    #[test]
    fn what_has_no_text_is_refused() {
        for value in [Value::Null, Value::Double(f64::NAN), Value::Date(i32::MAX), Value::Timestamp(i64::MAX)]
        {
            assert!(text(&value, Type::Text).is_err(), "{value:?}");
        }
    }
}

//! Typed values: what a text means in a column of a type, how a value is spelled, and values as columns of polars.
//!
//! Promise: a text has one meaning in a type, wherever it stands: in a list, an answer, a chunk of CSV. Nothing is guessed
//! and nothing is rounded (a double is the nearest one, as always); what is not a value of the type is a [`Misfit`].
//!
//! What texts a type takes, and how its values are spelled, is said by [`Type::form`].
//!
//! For all types but `text` and `json` the space around a text does not count.

mod bytes;
mod columns;
#[cfg(any(test, feature = "fuzz"))]
pub mod fuzz;
mod number;
mod time;

use std::borrow::Cow;
use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::bytes::{Encoding, decoded, hex};
pub use self::columns::{column, from_any, values};
pub use self::time::{Clock, is_integer};

/// The type of a column, as a job file names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    /// UTF-8 text.
    Text,
    /// True or false.
    Boolean,
    /// A signed integer of 32 bits.
    Integer,
    /// A signed integer of 64 bits.
    Bigint,
    /// An IEEE 754 number of 64 bits.
    Double,
    /// An exact decimal of `precision` digits (1 to 38), `scale` of them after the point.
    Decimal {
        /// All digits, 1 to 38.
        precision: u8,
        /// Digits after the point, at most `precision`.
        scale: u8,
    },
    /// A calendar day.
    Date,
    /// A moment in UTC, to the microsecond.
    Timestamp,
    /// JSON text, as the answer had it.
    Json,
    /// Bytes.
    Blob,
}

/// What texts a type takes, and how its values are spelled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Form {
    /// The texts that are values of it.
    pub texts: &'static str,
    /// How a value of it is written.
    pub spelled: &'static str,
}

impl Type {
    /// One of each, with digits enough for money.
    pub const ALL: [Type; 10] = [
        Type::Text,
        Type::Boolean,
        Type::Integer,
        Type::Bigint,
        Type::Double,
        Type::Decimal { precision: 18, scale: 4 },
        Type::Date,
        Type::Timestamp,
        Type::Blob,
        Type::Json,
    ];

    /// What texts it takes, and how its values are spelled.
    pub fn form(self) -> Form {
        let (texts, spelled) = match self {
            Type::Text => ("all, as they are", "the same"),
            Type::Boolean => ("`true`, `t`, `1`, `false`, `f`, `0`, in any case", "`true`, `false`"),
            Type::Integer => ("`7`, `007`, `+7`, `7.0`, `7e3`, of 32 bits", "`7`"),
            Type::Bigint => ("`7`, `007`, `+7`, `7.0`, `7e3`, of 64 bits", "`7`"),
            Type::Double => (
                "numbers, with a fraction or without; no words such as `nan`",
                "the shortest that is read back",
            ),
            Type::Decimal { .. } => (
                "numbers of at most `p` digits (1 to 38), at most `s` of them after the point",
                "with `s` digits after the point",
            ),
            Type::Date => ("`2024-05-31`, or as a `format` says", "`2024-05-31`"),
            Type::Timestamp => (
                "RFC 3339 or ISO 8601, or as a `format` says; without an offset in UTC, or in the column's `zone`; what \
                 is finer than a microsecond is cut off",
                "`2024-05-31T10:00:00Z`",
            ),
            Type::Blob => {
                ("hexadecimal digits, two for a byte; in an answer as the column's `format` says", "`00ff`")
            }
            Type::Json => ("JSON", "the same"),
        };
        Form { texts, spelled }
    }
}

/// One typed value. `Null` fits every [`Type`]; the other variants belong to the type of their name.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// No value.
    Null,
    /// UTF-8 text.
    Text(String),
    /// True or false.
    Boolean(bool),
    /// 32 bits.
    Integer(i32),
    /// 64 bits.
    Bigint(i64),
    /// 64 bits; never NaN from JSON.
    Double(f64),
    /// The unscaled digits: 12.50 as `decimal(9,2)` is 1250.
    Decimal(i128),
    /// Days since 1970-01-01.
    Date(i32),
    /// Microseconds since 1970-01-01T00:00:00Z.
    Timestamp(i64),
    /// JSON text.
    Json(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// Bytes of its text, or its own; 0 where it has none.
    pub fn text_bytes(&self) -> usize {
        match self {
            Value::Text(text) | Value::Json(text) => text.len(),
            Value::Blob(bytes) => bytes.len(),
            Value::Null
            | Value::Boolean(_)
            | Value::Integer(_)
            | Value::Bigint(_)
            | Value::Double(_)
            | Value::Decimal(_)
            | Value::Date(_)
            | Value::Timestamp(_) => 0,
        }
    }
}

/// Why a text is not a value of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wrong {
    /// It is written otherwise.
    Form,
    /// It has more digits after the point than the type.
    Fraction,
    /// It is too large or too small.
    Range,
}

/// A text that is not a value of the type that it should have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misfit {
    /// Its beginning, as people read it.
    shown: String,
    /// The type.
    pub ty: Type,
    /// Why.
    pub wrong: Wrong,
}

/// Characters of a text that a [`Misfit`] shows.
const SHOWN: usize = 80;

impl Misfit {
    /// Of that text.
    pub fn new(text: &str, ty: Type, wrong: Wrong) -> Misfit {
        Misfit { shown: format!("{:?}", cut(text, SHOWN)), ty, wrong }
    }
}

impl Misfit {
    /// What a text of the type looks like, where that is not plain: a few words to stand behind.
    pub fn such_as(&self) -> &'static str {
        match (self.wrong, self.ty) {
            (Wrong::Form, Type::Date) => " such as 2024-05-31",
            (Wrong::Form, Type::Timestamp) => " such as 2024-05-31T10:00:00Z",
            (Wrong::Form, Type::Blob) => ", two hexadecimal digits for each byte",
            (Wrong::Form | Wrong::Fraction | Wrong::Range, _) => "",
        }
    }
}

impl fmt::Display for Misfit {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Misfit { shown, ty, wrong } = self;
        match (wrong, ty) {
            (Wrong::Form, ty) => write!(out, "{shown} is not {}", with_article(*ty)),
            (Wrong::Range, ty) => write!(out, "{shown} is beyond the range of {ty}"),
            (Wrong::Fraction, Type::Decimal { scale, .. }) => {
                write!(out, "{shown} has more than {scale} digits after the point")
            }
            (Wrong::Fraction, ty) => write!(out, "{shown} is not {}: it has a fraction", with_article(*ty)),
        }
    }
}

impl std::error::Error for Misfit {}

/// `an integer`: the type with its article.
pub fn with_article(ty: Type) -> String {
    match ty {
        Type::Integer => "an integer".to_owned(),
        Type::Json | Type::Text => ty.to_string(),
        Type::Boolean
        | Type::Bigint
        | Type::Double
        | Type::Decimal { .. }
        | Type::Date
        | Type::Timestamp
        | Type::Blob => {
            format!("a {ty}")
        }
    }
}

/// At most `limit` characters of a text, for people.
pub fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
        None => Cow::Borrowed(text),
    }
}

/// The value of that type that a text is, dates and times as ISO 8601 writes them, in UTC where they name no offset.
///
/// # Errors
/// It is none.
pub fn parse(text: &str, ty: Type) -> Result<Value, Misfit> {
    let tight = if matches!(ty, Type::Text | Type::Json) { text } else { text.trim() };
    read(tight, ty, &Clock::default()).map_err(|wrong| Misfit::new(text, ty, wrong))
}

/// The same of a text without space around it, dates and times as the clock reads them.
// All values of answers pass here: a call of its own costs some 3 %.
#[inline(always)]
pub fn read(text: &str, ty: Type, clock: &Clock) -> Result<Value, Wrong> {
    match ty {
        Type::Text => Ok(Value::Text(text.to_owned())),
        Type::Boolean => boolean(text).map(Value::Boolean).ok_or(Wrong::Form),
        Type::Integer => number::integer(text).map(Value::Integer),
        Type::Bigint => number::bigint(text).map(Value::Bigint),
        Type::Double => number::double(text).map(Value::Double),
        Type::Decimal { precision, scale } => number::decimal(text, precision, scale).map(Value::Decimal),
        Type::Date => clock.date(text).map(Value::Date).ok_or(Wrong::Form),
        Type::Timestamp => clock.timestamp(text).map(Value::Timestamp).ok_or(Wrong::Form),
        Type::Json => is_json(text).then(|| Value::Json(text.to_owned())).ok_or(Wrong::Form),
        Type::Blob => decoded(text, Encoding::Hex).map(Value::Blob).map_err(|_| Wrong::Form),
    }
}

/// How a value of that type is spelled: what [`parse`] reads back as the same value. Empty for null.
pub fn spelled(value: &Value, ty: Type) -> String {
    match value {
        Value::Null => String::new(),
        Value::Text(text) | Value::Json(text) => text.clone(),
        Value::Boolean(value) => value.to_string(),
        Value::Integer(value) => value.to_string(),
        Value::Bigint(value) => value.to_string(),
        Value::Double(value) => value.to_string(),
        Value::Decimal(digits) => {
            let scale = if let Type::Decimal { scale, .. } = ty { scale } else { 0 };
            number::spelled_decimal(*digits, usize::from(scale))
        }
        Value::Date(days) => time::spelled_date(*days),
        Value::Timestamp(micros) => time::spelled_timestamp(*micros),
        Value::Blob(bytes) => hex(bytes),
    }
}

fn boolean(text: &str) -> Option<bool> {
    let is_one_of = |words: [&str; 3]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match text {
        _ if is_one_of(["true", "t", "1"]) => Some(true),
        _ if is_one_of(["false", "f", "0"]) => Some(false),
        _ => None,
    }
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<&RawValue>(text).is_ok()
}

impl fmt::Display for Type {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Type::Text => out.write_str("text"),
            Type::Boolean => out.write_str("boolean"),
            Type::Integer => out.write_str("integer"),
            Type::Bigint => out.write_str("bigint"),
            Type::Double => out.write_str("double"),
            Type::Decimal { precision, scale } => write!(out, "decimal({precision},{scale})"),
            Type::Date => out.write_str("date"),
            Type::Timestamp => out.write_str("timestamp"),
            Type::Json => out.write_str("json"),
            Type::Blob => out.write_str("blob"),
        }
    }
}

/// What [`Type::from_str`](std::str::FromStr) refuses.
#[derive(Debug, thiserror::Error)]
#[error(
    "unknown type {0:?}: use text, boolean, integer, bigint, double, decimal(p,s), date, timestamp, json or blob"
)]
pub struct UnknownType(String);

impl std::str::FromStr for Type {
    type Err = UnknownType;

    fn from_str(word: &str) -> Result<Type, UnknownType> {
        let simple = match word {
            "text" => Type::Text,
            "boolean" => Type::Boolean,
            "integer" => Type::Integer,
            "bigint" => Type::Bigint,
            "double" => Type::Double,
            "date" => Type::Date,
            "timestamp" => Type::Timestamp,
            "json" => Type::Json,
            "blob" => Type::Blob,
            _ => return decimal(word).ok_or_else(|| UnknownType(word.to_owned())),
        };
        Ok(simple)
    }
}

/// `decimal(p,s)` with 1 ≤ p ≤ 38 and s ≤ p.
fn decimal(word: &str) -> Option<Type> {
    let inside = word.strip_prefix("decimal(")?.strip_suffix(')')?;
    let (precision, scale) = inside.split_once(',')?;
    let precision: u8 = precision.trim().parse().ok()?;
    let scale: u8 = scale.trim().parse().ok()?;
    ((1..=38).contains(&precision) && scale <= precision).then_some(Type::Decimal { precision, scale })
}

impl Serialize for Type {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Type {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Type, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// A named, typed column of the input or of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Field {
    /// The column's name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub ty: Type,
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MONEY: Type = Type::Decimal { precision: 9, scale: 2 };

    #[test]
    fn types_are_read_as_they_are_written() {
        for word in [
            "text",
            "boolean",
            "integer",
            "bigint",
            "double",
            "decimal(38,0)",
            "date",
            "timestamp",
            "json",
            "blob",
        ] {
            assert_eq!(word.parse::<Type>().unwrap().to_string(), word);
        }
        for word in ["decimal(39,0)", "decimal(3,4)", "decimal(0,0)", "decimal", "int"] {
            assert!(word.parse::<Type>().is_err(), "{word}");
        }
    }

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
            ("1e3", MONEY, Value::Decimal(100_000)),
            ("1.0", Type::Bigint, Value::Bigint(1)),
            (" 7\t", Type::Bigint, Value::Bigint(7)),
            ("t", Type::Boolean, Value::Boolean(true)),
            ("F", Type::Boolean, Value::Boolean(false)),
            (" true", Type::Text, Value::Text(" true".into())),
            ("9999999.99", MONEY, Value::Decimal(999_999_999)),
            ("0", MONEY, Value::Decimal(0)),
            ("1970-01-02", Type::Date, Value::Date(1)),
            ("1969-12-31", Type::Date, Value::Date(-1)),
            ("1970-01-01T00:00:01Z", Type::Timestamp, Value::Timestamp(1_000_000)),
            ("1970-01-01 00:00:01.5", Type::Timestamp, Value::Timestamp(1_500_000)),
            ("1970-01-01T02:00:00+02:00", Type::Timestamp, Value::Timestamp(0)),
            ("1970-01-01T00:00:00.0000019Z", Type::Timestamp, Value::Timestamp(1)),
            ("9999-12-31T23:59:59Z", Type::Timestamp, Value::Timestamp(253_402_300_799_000_000)),
            ("{\"a\": [1]}", Type::Json, Value::Json("{\"a\": [1]}".into())),
            (" \\x00FF ", Type::Blob, Value::Blob(vec![0, 255])),
        ];
        for (text, ty, value) in cases {
            assert_eq!(parse(text, ty), Ok(value), "{text} as {ty}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let cases = [
            ("1.5", Type::Bigint),
            ("2147483648", Type::Integer),
            ("7 7", Type::Bigint),
            ("NaN", Type::Double),
            ("inf", Type::Double),
            ("yes", Type::Boolean),
            ("12.555", MONEY),
            ("10000000.00", MONEY),
            ("1e-3", MONEY),
            (".", MONEY),
            ("--1", MONEY),
            ("2024-02-30", Type::Date),
            ("2024-1-1", Type::Date),
            ("2024-01-01T10:00:00Z", Type::Date),
            ("yesterday", Type::Timestamp),
            ("{\"a\":", Type::Json),
            ("0ff", Type::Blob),
        ];
        for (text, ty) in cases {
            assert!(parse(text, ty).is_err(), "{text} as {ty}");
        }
        let long = parse(&"x".repeat(10_000), Type::Bigint).unwrap_err().to_string();
        assert!(long.len() < 200, "{long}");
    }

    proptest! {
        #[test]
        fn what_is_spelled_is_read_back(number: i64, double: f64, days in -719_162i32..=2_932_896, flag: bool, bytes: Vec<u8>) {
            let double = if double.is_finite() { double } else { 0.0 };
            let decimal = Type::Decimal { precision: 38, scale: 7 };
            let cases = [
                (Value::Integer(number as i32), Type::Integer),
                (Value::Bigint(number), Type::Bigint),
                (Value::Decimal(i128::from(number)), decimal),
                (Value::Double(double), Type::Double),
                (Value::Boolean(flag), Type::Boolean),
                (Value::Date(days), Type::Date),
                (Value::Blob(bytes), Type::Blob),
                // The years 1 to 9999.
                (Value::Timestamp(number.rem_euclid(315_537_897_600_000_000) - 62_135_596_800_000_000), Type::Timestamp),
            ];
            for (value, ty) in cases {
                prop_assert_eq!(parse(&spelled(&value, ty), ty), Ok(value));
            }
        }
    }
}

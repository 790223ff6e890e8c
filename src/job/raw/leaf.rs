//! The values that keys hold: text, numbers within their bounds, durations, sizes, lists.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::super::mistake::Mistakes;
use super::at::At;
use super::fields::{FromToml, wrong_shape};

impl FromToml for String {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<String> {
        let text = value.get_ref().as_str().map(str::to_owned);
        if text.is_none() {
            mistakes.add(&value.span(), wrong_shape("text", value), "put it in quotes");
        }
        text
    }
}

impl FromToml for bool {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<bool> {
        let truth = value.get_ref().as_bool();
        if truth.is_none() {
            mistakes.add(&value.span(), wrong_shape("true or false", value), "write it without quotes");
        }
        truth
    }
}

/// Who may do what in a folder, as `chmod` has it in digits: `"0750"`.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct Permissions(pub u32);

/// All that the owner may do: less, and windrow itself cannot work there.
const OWNERS: u32 = 0o700;

impl FromToml for Permissions {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Permissions> {
        let text = value.get_ref().as_str();
        let digits = text.filter(|text| matches!(text.len(), 3 | 4));
        let mode = digits.and_then(|digits| u32::from_str_radix(digits, 8).ok());
        if let Some(mode) = mode.filter(|mode| mode & OWNERS == OWNERS && *mode <= 0o777) {
            return Some(Permissions(mode));
        }
        let message = match text {
            Some(text) => format!("\"{text}\" are no permissions of a folder that its owner can use"),
            None => wrong_shape("permissions in quotes", value),
        };
        mistakes.add(&value.span(), message, "write \"0700\", \"0750\" or \"0755\", as for chmod");
        None
    }
}

impl JsonSchema for Permissions {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Permissions".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^0?7[0-7]{2}$" })
    }
}

/// An address to listen at: `"127.0.0.1:9464"`.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct Address(pub SocketAddr);

impl FromToml for Address {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Address> {
        let text = value.get_ref().as_str();
        if let Some(address) = text.and_then(|text| text.parse().ok()) {
            return Some(Address(address));
        }
        let message = match text {
            Some(text) => format!("\"{text}\" is no address to listen at"),
            None => wrong_shape("an address in quotes", value),
        };
        let hint = "write \"127.0.0.1:9464\" for this machine alone, or \"0.0.0.0:9464\" for others, too";
        mistakes.add(&value.span(), message, hint);
        None
    }
}

impl JsonSchema for Address {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Address".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^([0-9.]+|\[[0-9A-Fa-f:.]+(%[0-9]+)?\]):[0-9]{1,5}$" })
    }
}

/// A whole number from `LEAST` to `MOST`.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct Count<const LEAST: u64, const MOST: u64>(pub u64);

impl<const LEAST: u64, const MOST: u64> FromToml for Count<LEAST, MOST> {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Self> {
        let number = whole_number(value.get_ref()).filter(|number| (LEAST..=MOST).contains(number));
        if number.is_none() {
            let message = match value.get_ref() {
                DeValue::Integer(integer) => format!("{integer} is out of bounds"),
                _ => wrong_shape("a whole number", value),
            };
            mistakes.add(&value.span(), message, format!("write a whole number from {LEAST} to {MOST}"));
        }
        number.map(Count)
    }
}

impl<const LEAST: u64, const MOST: u64> JsonSchema for Count<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Count_{LEAST}_{MOST}").into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "integer", "minimum": LEAST, "maximum": MOST })
    }
}

fn whole_number(value: &DeValue<'_>) -> Option<u64> {
    let integer = value.as_integer()?;
    u64::from_str_radix(integer.as_str(), integer.radix()).ok()
}

fn number(value: &DeValue<'_>) -> Option<f64> {
    match value {
        DeValue::Float(float) => float.as_str().parse().ok(),
        DeValue::Integer(integer) => integer.as_str().parse().ok(),
        _ => None,
    }
}

/// A share from 0 to 1.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct Share(pub f64);

impl FromToml for Share {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Share> {
        let number = number(value.get_ref());
        let share = number.filter(|share| (0.0..=1.0).contains(share));
        if share.is_none() {
            let message = match number {
                Some(number) => format!("{number} is not a share"),
                None => wrong_shape("a share", value),
            };
            mistakes.add(&value.span(), message, "write a number from 0 to 1: 0.98 for 98 %");
        }
        share.map(Share)
    }
}

impl JsonSchema for Share {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Share".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0, "maximum": 1 })
    }
}

/// A share that may be more than the whole: a number from 0 on.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct Ratio(pub f64);

impl FromToml for Ratio {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Ratio> {
        let number = number(value.get_ref());
        let ratio = number.filter(|number| number.is_finite() && *number >= 0.0);
        if ratio.is_none() {
            let message = match number {
                Some(number) => format!("{number} is out of bounds"),
                None => wrong_shape("a number", value),
            };
            mistakes.add(
                &value.span(),
                message,
                "write a number from 0 on: 0.1 for a tenth, 2 for twice as much",
            );
        }
        ratio.map(Ratio)
    }
}

impl JsonSchema for Ratio {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Ratio".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "number", "minimum": 0 })
    }
}

/// A duration such as `"10s"`, from `LEAST` to `MOST` milliseconds.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct Time<const LEAST: u64, const MOST: u64>(pub Duration);

impl<const LEAST: u64, const MOST: u64> FromToml for Time<LEAST, MOST> {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Self> {
        let (least, most) = (Duration::from_millis(LEAST), Duration::from_millis(MOST));
        let wrong = match value.get_ref().as_str().map(humantime::parse_duration) {
            Some(Ok(time)) if (least..=most).contains(&time) => return Some(Time(time)),
            Some(Ok(time)) => format!("{} is out of bounds", humantime::format_duration(time)),
            Some(Err(error)) => format!("not a duration: {}", error.to_string().to_lowercase()),
            None => wrong_shape("a duration in quotes", value),
        };
        let bounds = [least, most].map(|bound| humantime::format_duration(bound).to_string());
        let hint = format!("write it like \"500ms\", \"10s\" or \"5m\", from {} to {}", bounds[0], bounds[1]);
        mistakes.add(&value.span(), wrong, hint);
        None
    }
}

impl<const LEAST: u64, const MOST: u64> JsonSchema for Time<LEAST, MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Duration".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": r"^\s*(\d+(\.\d+)?\s*[a-zA-Zµ]+\s*)+$|^0$", "examples": ["500ms", "10s", "5m", "7d"] })
    }
}

/// Bytes, as `"16MiB"` or a whole number, from 1 to `MOST`.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct Size<const MOST: u64>(pub u64);

impl<const MOST: u64> FromToml for Size<MOST> {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Self> {
        let bytes = match value.get_ref() {
            DeValue::String(text) => text.trim().parse::<bytesize::ByteSize>().ok().map(|size| size.as_u64()),
            other => whole_number(other),
        };
        let within = bytes.filter(|bytes| (1..=MOST).contains(bytes));
        if within.is_none() {
            let message = match (bytes, value.get_ref()) {
                (Some(bytes), _) => format!("{bytes} bytes are out of bounds"),
                (None, DeValue::String(_)) => "not a size".to_owned(),
                (None, DeValue::Integer(integer)) => format!("{integer} is out of bounds"),
                _ => wrong_shape("a size", value),
            };
            let most = bytesize::ByteSize(MOST);
            mistakes.add(&value.span(), message, format!("write it like \"16MiB\", at most {most}"));
        }
        within.map(Size)
    }
}

impl<const MOST: u64> JsonSchema for Size<MOST> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Size".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                { "type": "string", "pattern": r"^\s*\d+(\.\d+)?\s*([kKmMgG][iI]?)?[bB]?\s*$", "examples": ["16MiB"] },
                { "type": "integer", "minimum": 1, "maximum": MOST },
            ]
        })
    }
}

impl<T: FromToml> FromToml for Vec<At<T>> {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Self> {
        let Some(array) = value.get_ref().as_array() else {
            mistakes.add(&value.span(), wrong_shape("a list", value), T::list_hint());
            return None;
        };
        let read = |item: &Spanned<DeValue<'_>>| {
            T::from_toml(item, mistakes).map(|read| At { value: read, span: item.span() })
        };
        Some(array.iter().filter_map(read).collect())
    }
}

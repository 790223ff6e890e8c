//! JSON written as TOML: the payload of a request, its texts with their places.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::{DeInteger, DeTable, DeValue};

use super::at::At;
use super::fields::FromToml;
use crate::job::mistake::Mistakes;

/// Deepest nesting of lists and objects.
const DEEPEST: usize = 64;

/// JSON as a job file has it.
#[derive(Debug, Clone)]
pub(in crate::job) enum Json {
    /// A number or a boolean.
    Fixed(serde_json::Value),
    /// A template.
    Text(At<String>),
    /// In order.
    List(Vec<Json>),
    /// Members in the order of the file.
    Object(Vec<(String, Json)>),
}

impl Json {
    /// Its texts, in order.
    pub(in crate::job) fn texts(&self) -> Vec<&At<String>> {
        match self {
            Json::Fixed(_) => Vec::new(),
            Json::Text(text) => vec![text],
            Json::List(items) => items.iter().flat_map(Json::texts).collect(),
            Json::Object(members) => members.iter().flat_map(|(_, member)| member.texts()).collect(),
        }
    }

    fn read(value: &Spanned<DeValue<'_>>, depth: usize, mistakes: &mut Mistakes) -> Option<Json> {
        let wrong = match value.get_ref() {
            DeValue::String(text) => {
                return Some(Json::Text(At { value: text.to_string(), span: value.span() }));
            }
            DeValue::Boolean(truth) => return Some(Json::Fixed((*truth).into())),
            DeValue::Integer(integer) => match whole(integer) {
                Some(number) => return Some(Json::Fixed(number)),
                None => (format!("{integer} is too large for JSON"), "put it in quotes"),
            },
            DeValue::Float(float) => {
                let number = float.as_str().parse().ok().and_then(serde_json::Number::from_f64);
                match number {
                    Some(number) => return Some(Json::Fixed(number.into())),
                    None => (format!("{float} is no number of JSON"), "put it in quotes"),
                }
            }
            DeValue::Datetime(_) => ("JSON has no dates".to_owned(), "put it in quotes"),
            DeValue::Array(_) | DeValue::Table(_) if depth == DEEPEST => {
                let message = format!("JSON of more than {DEEPEST} levels");
                (message, "write deeper JSON as a text, with `body`")
            }
            DeValue::Array(items) => return list(items, depth, mistakes),
            DeValue::Table(table) => return object(table, depth, mistakes),
        };
        mistakes.add(&value.span(), wrong.0, wrong.1);
        None
    }
}

/// All items, or none where one is wrong.
fn list(items: &[Spanned<DeValue<'_>>], depth: usize, mistakes: &mut Mistakes) -> Option<Json> {
    let read: Vec<Option<Json>> = items.iter().map(|item| Json::read(item, depth + 1, mistakes)).collect();
    read.into_iter().collect::<Option<_>>().map(Json::List)
}

fn object(table: &DeTable<'_>, depth: usize, mistakes: &mut Mistakes) -> Option<Json> {
    let mut members: Vec<_> = table.iter().collect();
    members.sort_by_key(|(name, _)| name.span().start);
    let read: Vec<Option<(String, Json)>> = members
        .into_iter()
        .map(|(name, value)| Some((name.get_ref().to_string(), Json::read(value, depth + 1, mistakes)?)))
        .collect();
    read.into_iter().collect::<Option<_>>().map(Json::Object)
}

/// A whole number of 64 bits.
fn whole(integer: &DeInteger<'_>) -> Option<serde_json::Value> {
    let (digits, radix) = (integer.as_str(), integer.radix());
    let signed = i64::from_str_radix(digits, radix).ok().map(serde_json::Value::from);
    signed.or_else(|| u64::from_str_radix(digits, radix).ok().map(serde_json::Value::from))
}

impl FromToml for Json {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Json> {
        Json::read(value, 0, mistakes)
    }
}

impl JsonSchema for Json {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["object", "array", "string", "number", "boolean"] })
    }
}

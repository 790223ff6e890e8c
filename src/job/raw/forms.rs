//! Values that may be written in more than one form.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::super::mistake::Mistakes;
use super::at::At;
use super::fields::{FromToml, wrong_shape};
use super::leaf::Count;

/// A table whose keys are names of the user's, in the order of the file.
#[derive(Debug, Clone)]
pub(in crate::job) struct Named<T>(pub Vec<Entry<T>>);

/// A name and what it names; nothing where that was wrong.
#[derive(Debug, Clone)]
pub(in crate::job) struct Entry<T> {
    pub name: At<String>,
    pub value: Option<At<T>>,
}

impl<T> Named<T> {
    /// The entries that could be read.
    pub(in crate::job) fn entries(&self) -> impl Iterator<Item = (&At<String>, &At<T>)> {
        self.0.iter().filter_map(|entry| Some((&entry.name, entry.value.as_ref()?)))
    }

    /// All names, also of entries that are wrong.
    pub(in crate::job) fn names(&self) -> Vec<&At<String>> {
        self.0.iter().map(|entry| &entry.name).collect()
    }
}

impl<T: FromToml> FromToml for Named<T> {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Self> {
        let Some(table) = value.get_ref().as_table() else {
            mistakes.add(&value.span(), wrong_shape("a table", value), "write it as { name = \"…\" }");
            return None;
        };
        let mut entries: Vec<Entry<T>> = Vec::with_capacity(table.len());
        for (key, value) in table {
            let read = T::from_toml(value, mistakes);
            entries.push(Entry {
                name: At { value: key.get_ref().to_string(), span: key.span() },
                value: read.map(|read| At { value: read, span: value.span() }),
            });
        }
        entries.sort_by_key(|entry| entry.name.span.start);
        Some(Named(entries))
    }
}

impl<T: JsonSchema> JsonSchema for Named<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Named_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "object", "additionalProperties": generator.subschema_for::<T>() })
    }
}

/// One name, or a list of names.
#[derive(Debug, Clone)]
pub(in crate::job) struct Names(pub Vec<At<String>>);

impl FromToml for Names {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Names> {
        if let Some(array) = value.get_ref().as_array() {
            if array.is_empty() {
                mistakes.add(&value.span(), "an empty list of columns", "name at least one");
                return None;
            }
            return Vec::from_toml(value, mistakes).map(Names);
        }
        let name = String::from_toml(value, mistakes)?;
        Some(Names(vec![At { value: name, span: value.span() }]))
    }
}

impl JsonSchema for Names {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Names".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" }, "minItems": 1 }]
        })
    }
}

/// An id of `ids = […]`: text; a whole number is taken as its digits.
#[derive(Debug, Clone)]
pub(in crate::job) struct Id(pub String);

impl FromToml for Id {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Id> {
        match value.get_ref() {
            DeValue::Integer(integer) if integer.radix() == 10 => Some(Id(integer.as_str().to_owned())),
            _ => String::from_toml(value, mistakes).map(Id),
        }
    }
}

impl JsonSchema for Id {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Id".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": ["string", "integer"] })
    }
}

/// When an answer says that the id does not exist: statuses and at most one jq condition.
#[derive(Debug, Clone, Default)]
pub(in crate::job) struct MissingRule {
    pub statuses: Vec<At<u16>>,
    pub when: Option<At<String>>,
}

impl FromToml for MissingRule {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<MissingRule> {
        let mut rule = MissingRule::default();
        match value.get_ref() {
            DeValue::Array(items) => items.iter().for_each(|item| rule.add(item, mistakes)),
            DeValue::Integer(status) => {
                let hint = format!("write a list: [{status}]");
                mistakes.add(&value.span(), wrong_shape("a list or a jq condition", value), hint);
            }
            _ => rule.add(value, mistakes),
        }
        Some(rule)
    }
}

impl MissingRule {
    fn add(&mut self, item: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) {
        match item.get_ref() {
            DeValue::Integer(number) => match number.as_str().parse::<u16>() {
                Ok(status @ 201..=599) => self.statuses.push(At { value: status, span: item.span() }),
                _ => {
                    let message = format!("{number} is no HTTP status that can mean that an id is missing");
                    mistakes.add(&item.span(), message, "write statuses such as 404 or 410");
                }
            },
            DeValue::String(_) if self.when.is_some() => {
                mistakes.add(&item.span(), "a second jq condition", "join the two with `or`");
            }
            DeValue::String(code) => self.when = Some(At { value: code.to_string(), span: item.span() }),
            _ => {
                let hint = "write '.Response == \"False\"', [404, 410] or a list of both";
                mistakes.add(&item.span(), wrong_shape("an HTTP status or a jq condition", item), hint);
            }
        }
    }
}

impl JsonSchema for MissingRule {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Missing".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let status = json_schema!({ "type": "integer", "minimum": 201, "maximum": 599 });
        json_schema!({
            "anyOf": [
                { "type": "string" },
                { "type": "array", "items": { "anyOf": [status, { "type": "string" }] } },
            ]
        })
    }
}

/// `limit`: the name of a limit, or a list of names, which may be empty.
#[derive(Debug, Clone)]
pub(in crate::job) struct Mentions(pub Vec<At<String>>);

impl FromToml for Mentions {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Mentions> {
        if value.get_ref().as_array().is_some() {
            return Vec::from_toml(value, mistakes).map(Mentions);
        }
        let name = String::from_toml(value, mistakes)?;
        Some(Mentions(vec![At { value: name, span: value.span() }]))
    }
}

impl JsonSchema for Mentions {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Mentions".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "anyOf": [{ "type": "string" }, { "type": "array", "items": { "type": "string" } }] })
    }
}

/// What a request costs: a whole number, or jq on the answer.
#[derive(Debug, Clone)]
pub(in crate::job) enum CostRule {
    Constant(u64),
    Answer(At<String>),
}

impl FromToml for CostRule {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<CostRule> {
        match value.get_ref() {
            DeValue::Integer(_) => {
                Count::<1, 1_000_000_000>::from_toml(value, mistakes).map(|count| CostRule::Constant(count.0))
            }
            DeValue::String(code) => {
                Some(CostRule::Answer(At { value: code.to_string(), span: value.span() }))
            }
            _ => {
                let hint = "write \".usage.total_tokens\", jq on the answer, or a whole number from 1 on";
                mistakes.add(&value.span(), wrong_shape("jq or a whole number", value), hint);
                None
            }
        }
    }
}

impl JsonSchema for CostRule {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Cost".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let count = Count::<1, 1_000_000_000>::json_schema(generator);
        json_schema!({ "anyOf": [{ "type": "string" }, count] })
    }
}

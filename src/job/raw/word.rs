//! Values that are one word of a few: choices, and the types of columns.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::super::mistake::Mistakes;
use super::fields::{FromToml, wrong_shape};
use crate::job::suggest;
use crate::value::Type;

/// A value that is chosen from a few words.
pub(in crate::job) trait Choice: Copy + 'static {
    /// The words and what they mean.
    const WORDS: &'static [(&'static str, Self)];

    /// Words that other tools have for them, and what to write instead.
    const OTHERS: &'static [(&'static [&'static str], &'static str)] = &[];
}

/// A word of a [`Choice`].
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct Word<C>(pub C);

impl<C: Choice> FromToml for Word<C> {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<Self> {
        let word = value.get_ref().as_str();
        if let Some((_, choice)) = C::WORDS.iter().find(|(known, _)| Some(*known) == word) {
            return Some(Word(*choice));
        }
        let words: Vec<&str> = C::WORDS.iter().map(|(known, _)| *known).collect();
        let hint = format!("write {}", suggest::quoted(&words));
        let (message, hint) = match word {
            Some(word) => {
                let hint = instead_of(word, C::OTHERS)
                    .or_else(|| suggest::did_you_mean(word, &words))
                    .unwrap_or(hint);
                (format!("unknown word \"{word}\""), hint)
            }
            None => (wrong_shape("a word in quotes", value), hint),
        };
        mistakes.add(&value.span(), message, hint);
        None
    }
}

fn instead_of(word: &str, others: &[(&[&str], &str)]) -> Option<String> {
    let word = word.to_lowercase().replace('-', "_");
    let meant = others.iter().find(|(words, _)| words.contains(&word.as_str()))?;
    Some(meant.1.to_owned())
}

impl<C: Choice> JsonSchema for Word<C> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Word".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let words: Vec<&str> = C::WORDS.iter().map(|(known, _)| *known).collect();
        json_schema!({ "type": "string", "enum": words })
    }
}

/// A column's type.
#[derive(Debug, Clone, Copy)]
pub(in crate::job) struct TypeName(pub Type);

/// The types, as a hint lists them.
const TYPES: &str =
    "text, boolean, integer (32 bits), bigint, double, decimal(p,s), date, timestamp, json or blob";

impl FromToml for TypeName {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<TypeName> {
        let word = String::from_toml(value, mistakes)?;
        let ty = word.parse().ok();
        if ty.is_none() {
            mistakes.add(&value.span(), format!("unknown type \"{word}\""), type_hint(&word.to_lowercase()));
        }
        ty.map(TypeName)
    }
}

/// What windrow calls a type that Python, SQL or Rust knows under `word`.
fn type_hint(word: &str) -> String {
    // An array of anything is JSON.
    let word = if word.ends_with("[]") { "array" } else { word };
    let ours = match word.split(['(', '[']).next().unwrap_or_default().trim() {
        "str" | "string" | "varchar" | "char" | "uuid" | "enum" => "text",
        "bool" => "boolean",
        "int" | "int4" | "int32" | "i32" | "smallint" => "integer",
        "int8" | "int64" | "i64" | "long" => "bigint",
        "float" | "float8" | "float64" | "f64" | "real" | "number" => "double",
        "decimal" | "numeric" | "money" => {
            return "write decimal(p,s), p digits from 1 to 38 with s of them after the point: decimal(18,2)"
                .to_owned();
        }
        "datetime" | "timestamptz" | "time" => "timestamp",
        "bytea" | "binary" | "bytes" | "byte" | "varbinary" | "longblob" | "image" | "base64" => "blob",
        "jsonb" | "object" | "dict" | "array" | "list" | "struct" => "json",
        other => {
            let words =
                ["text", "boolean", "integer", "bigint", "double", "date", "timestamp", "json", "blob"];
            return suggest::did_you_mean(other, &words).unwrap_or_else(|| format!("write {TYPES}"));
        }
    };
    format!("write \"{ours}\"")
}

impl JsonSchema for TypeName {
    fn schema_name() -> Cow<'static, str> {
        "Type".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "text, boolean, integer (32 bits), bigint (64 bits), double, decimal(p,s), date, timestamp (UTC), json or blob (bytes)",
            "anyOf": [
                { "enum": ["text", "boolean", "integer", "bigint", "double", "date", "timestamp", "json", "blob"] },
                { "type": "string", "pattern": r"^decimal\(\s*\d+\s*,\s*\d+\s*\)$" },
            ]
        })
    }
}

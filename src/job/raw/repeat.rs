//! `on` of `retry`: which failures are repeated, as written.

use std::borrow::Cow;
use std::ops::RangeInclusive;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use toml::Spanned;
use toml::de::DeValue;

use super::super::mistake::Mistakes;
use super::fields::{FromToml, wrong_shape};
use crate::job::endpoint::RetryOn;
use crate::job::suggest;
use crate::record::Kind;

/// Failures that another attempt may mend.
const KINDS: [Kind; 5] = [Kind::Dns, Kind::Connect, Kind::Tls, Kind::Timeout, Kind::Reset];

/// Statuses that say whose fault it was: the client's, then the server's (RFC 9110 sections 15.5 and 15.6).
const CLASSES: [(&str, RangeInclusive<u16>); 2] = [("4xx", 400..=499), ("5xx", 500..=599)];

const HINT: &str = "write statuses from 200 to 599, \"4xx\", \"5xx\", \"dns\", \"connect\", \"tls\", \"timeout\" or \"reset\"";

/// A list of statuses, classes of statuses, and kinds; each is taken once.
#[derive(Debug, Clone)]
pub(in crate::job) struct RepeatOn(pub RetryOn);

/// What an item of the list means.
enum Item {
    Statuses(RangeInclusive<u16>),
    Kind(Kind),
}

impl FromToml for RepeatOn {
    fn from_toml(value: &Spanned<DeValue<'_>>, mistakes: &mut Mistakes) -> Option<RepeatOn> {
        let Some(list) = value.get_ref().as_array() else {
            let hint = "write [408, 429, \"5xx\", \"timeout\"]; an empty list repeats nothing";
            mistakes.add(&value.span(), wrong_shape("a list", value), hint);
            return None;
        };
        let mut on = RetryOn { statuses: Vec::new(), kinds: Vec::new() };
        for written in list.iter() {
            match item(written) {
                Ok(Item::Statuses(range)) => add_once(&mut on.statuses, range),
                Ok(Item::Kind(kind)) => add_once(&mut on.kinds, kind),
                Err((message, hint)) => mistakes.add(&written.span(), message, hint),
            }
        }
        Some(RepeatOn(on))
    }
}

fn add_once<T: PartialEq>(list: &mut Vec<T>, item: T) {
    if !list.contains(&item) {
        list.push(item);
    }
}

/// What is meant, or what is wrong with it and a hint.
fn item(written: &Spanned<DeValue<'_>>) -> Result<Item, (String, String)> {
    let status = match written.get_ref() {
        DeValue::Integer(number) => number.to_string(),
        DeValue::String(word) if is_number(word) => word.to_string(),
        DeValue::String(word) => return named(word),
        _ => return Err((wrong_shape("an HTTP status or a word in quotes", written), HINT.to_owned())),
    };
    match status.parse() {
        Ok(status @ 200..=599) => Ok(Item::Statuses(status..=status)),
        _ => Err((format!("{status} is no HTTP status of an answer"), HINT.to_owned())),
    }
}

fn is_number(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

fn named(word: &str) -> Result<Item, (String, String)> {
    if let Some((_, range)) = CLASSES.iter().find(|(class, _)| *class == word) {
        return Ok(Item::Statuses(range.clone()));
    }
    if let Some(kind) = KINDS.into_iter().find(|kind| kind.word() == word) {
        return Ok(Item::Kind(kind));
    }
    if Kind::ALL.iter().any(|kind| kind.word() == word) {
        return Err((format!("a failure of kind \"{word}\" is the same a second time"), HINT.to_owned()));
    }
    let words: Vec<&str> =
        CLASSES.iter().map(|(class, _)| *class).chain(KINDS.iter().map(|kind| kind.word())).collect();
    let hint = suggest::did_you_mean(word, &words).unwrap_or_else(|| HINT.to_owned());
    Err((format!("unknown word \"{word}\""), hint))
}

impl JsonSchema for RepeatOn {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "RepeatOn".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let classes = CLASSES.iter().map(|(class, _)| *class);
        let words: Vec<&str> = classes.chain(KINDS.iter().map(|kind| kind.word())).collect();
        json_schema!({
            "type": "array",
            "items": {
                "anyOf": [
                    { "type": "integer", "minimum": 200, "maximum": 599 },
                    { "enum": words },
                    { "type": "string", "pattern": "^[2-5][0-9][0-9]$" },
                ]
            }
        })
    }
}

//! From a value to the type of its column: from JSON text, or from text that HTML or a plain answer has.
//!
//! JSON becomes text (strings without their escapes, numbers and booleans as they are written), then in turn: `regex`
//! picks a part of it, `nulls` says which texts are null, `remove` removes characters, and the column's type reads the rest
//! ([`value`]).
//!
//! - An array or object fits `json`, and `text` as its JSON without spacing.
//! - `json` keeps the JSON that the answer had; of text, and with `regex` or `remove`, what is left must itself
//!   be JSON.
//! - Of a `blob` only a text has the bytes, as its `format` writes them.
//! - What does not fit fails the answer, or is null with `on_error = "null"`. That is about conversion only: an
//!   expression that fails, or gives more than one value, fails the answer in any case.
//! - The character U+0000 in a text, or its escape in `json`, is at last kept, replaced, or does not fit, as
//!   `on_bad_character` says; half a surrogate pair does not fit, or is replaced before anything else.
//! - Where a `regex` has a capture group, the first one counts, and is null where it took no part in the match.

mod amended;
mod bad_character;

use std::borrow::Cow;

use jiff::tz::TimeZone;
use regex::Regex;
use serde_json::value::RawValue;

use crate::job::{Column, OnBadCharacter, OnError};
use crate::record::{Failure, Kind};

use crate::value::{self, Clock, Encoding, Type, Value, Wrong, with_article};

use super::{ExtractorError, body, text};

pub use self::amended::{Amended, amended};

/// Characters of a value that a failure shows.
const SHOWN: usize = 80;

/// How the values of one column are made.
#[derive(Debug)]
pub(super) struct Conversion {
    /// `column votes`: how a failure names it.
    name: String,
    ty: Type,
    regex: Option<Regex>,
    nulls: Vec<String>,
    remove: Option<Vec<char>>,
    clock: Clock,
    /// Of bytes.
    encoding: Option<Encoding>,
    on_error: OnError,
    not_null: bool,
    on_bad_character: OnBadCharacter,
}

/// What does not fit, and why.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Misfit(String);

impl Conversion {
    /// Prepares the conversion of a column.
    pub fn new(column: &Column) -> Result<Conversion, ExtractorError> {
        Ok(Conversion {
            name: format!("column {}", column.name),
            ty: column.ty,
            regex: regex(column)?,
            nulls: column.nulls.clone(),
            remove: column.remove.as_ref().map(|characters| characters.chars().collect()),
            encoding: column.format.as_deref().and_then(Encoding::named),
            clock: Clock { format: column.format.clone(), zone: zone(column)? },
            on_error: column.on_error,
            not_null: column.not_null,
            on_bad_character: column.on_bad_character,
        })
    }

    /// How a failure names the column.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The value that `json` is in this column. `json` is valid and has no space around it.
    #[inline]
    pub fn value(&self, json: &str) -> Result<Value, Failure> {
        match self.converted(json) {
            Ok(Value::Null) => self.null(),
            Ok(value) => Ok(value),
            Err(misfit) => self.misfitting(&misfit),
        }
    }

    /// The value that a text is in this column, or none.
    pub fn value_of_text(&self, text: Option<&str>) -> Result<Value, Failure> {
        match text.map(|text| self.converted_text(text)) {
            None | Some(Ok(Value::Null)) => self.null(),
            Some(Ok(value)) => Ok(value),
            Some(Err(misfit)) => self.misfitting(&misfit),
        }
    }

    fn null(&self) -> Result<Value, Failure> {
        if self.not_null {
            Err(Failure::lasting(Kind::Null, format!("{} is null, which it must not be", self.name)))
        } else {
            Ok(Value::Null)
        }
    }

    fn misfitting(&self, misfit: &Misfit) -> Result<Value, Failure> {
        match self.on_error {
            OnError::Null => self.null(),
            OnError::Fail => Err(Failure::lasting(Kind::Convert, format!("{}: {misfit}", self.name))),
        }
    }

    // As below: with a call for each value, plain paths took 4 % longer.
    #[inline(always)]
    fn converted(&self, json: &str) -> Result<Value, Misfit> {
        if json == "null" {
            return Ok(Value::Null);
        }
        let whole = self.text(json)?;
        match self.ty {
            Type::Json if self.regex.is_none() && self.remove.is_none() => {
                if self.is_null(&whole) {
                    Ok(Value::Null)
                } else {
                    bad_character::kept_json(json, self.on_bad_character)
                }
            }
            _ => self.converted_text(&whole),
        }
    }

    // All values pass here, JSON and text: a call of its own costs some 3 %.
    #[inline(always)]
    fn converted_text(&self, whole: &str) -> Result<Value, Misfit> {
        let Some(picked) = self.picked(whole) else { return Ok(Value::Null) };
        if self.is_null(picked) {
            return Ok(Value::Null);
        }
        match self.ty {
            Type::Text => bad_character::kept_text(self.stripped(picked), self.on_bad_character),
            _ => self.read(self.stripped(picked).trim()),
        }
    }

    fn is_null(&self, text: &str) -> bool {
        self.nulls.iter().any(|null| null == text)
    }

    fn text<'a>(&self, json: &'a str) -> Result<Cow<'a, str>, Misfit> {
        match (json.as_bytes().first(), self.ty) {
            (Some(b'"'), Type::Text | Type::Json) => bad_character::text_of(json, self.on_bad_character),
            (Some(b'"'), _) => text::unescaped(json).map_err(|half| Misfit(format!("the text holds {half}"))),
            (Some(_), Type::Blob) if !self.is_null(json) => Err(Misfit(format!(
                "{} is not a blob: bytes are written as a text",
                body::quoted(json, SHOWN)
            ))),
            (Some(b'{' | b'['), Type::Text) => Ok(Cow::Owned(text::compact(json))),
            (Some(b'{'), ty) if ty != Type::Json => {
                Err(Misfit(format!("an object is not {}", with_article(ty))))
            }
            (Some(b'['), ty) if ty != Type::Json => {
                Err(Misfit(format!("an array is not {}", with_article(ty))))
            }
            _ => Ok(Cow::Borrowed(json)),
        }
    }

    fn picked<'a>(&self, text: &'a str) -> Option<&'a str> {
        match &self.regex {
            None => Some(text),
            Some(regex) if regex.captures_len() == 1 => regex.find(text).map(|found| found.as_str()),
            Some(regex) => regex.captures(text)?.get(1).map(|group| group.as_str()),
        }
    }

    fn stripped<'a>(&self, text: &'a str) -> Cow<'a, str> {
        match &self.remove {
            Some(characters) if text.contains(&**characters) => Cow::Owned(text.replace(&**characters, "")),
            _ => Cow::Borrowed(text),
        }
    }

    fn read(&self, text: &str) -> Result<Value, Misfit> {
        match self.ty {
            Type::Text => bad_character::kept_text(Cow::Borrowed(text), self.on_bad_character),
            Type::Json => match serde_json::from_str::<&RawValue>(text) {
                Ok(json) => bad_character::kept_json(json.get(), self.on_bad_character),
                Err(_) => Err(self.misfit(text, Wrong::Form)),
            },
            Type::Blob => self.bytes(text),
            ty => value::read(text, ty, &self.clock).map_err(|wrong| self.misfit(text, wrong)),
        }
    }

    fn bytes(&self, text: &str) -> Result<Value, Misfit> {
        let encoding = self.encoding.unwrap_or(Encoding::Hex);
        value::decoded(text, encoding)
            .map(Value::Blob)
            .map_err(|why| Misfit(format!("{} is not {encoding}: {why}", body::quoted(text, SHOWN))))
    }

    fn misfit(&self, text: &str, wrong: Wrong) -> Misfit {
        let hint = match (wrong, &self.clock.format, self.ty) {
            (Wrong::Form, Some(format), Type::Date | Type::Timestamp) => format!(" in the format {format:?}"),
            (Wrong::Form, None, Type::Date) => " (YYYY-MM-DD, or as the column's format says)".to_owned(),
            (Wrong::Form, None, Type::Timestamp) if value::is_integer(text) => {
                " (for seconds since 1970 set format = \"%s\")".to_owned()
            }
            (Wrong::Form, None, Type::Timestamp) => " (RFC 3339, or as the column's format says)".to_owned(),
            _ => String::new(),
        };
        Misfit(format!("{}{hint}", value::Misfit::new(text, self.ty, wrong)))
    }
}

fn regex(column: &Column) -> Result<Option<Regex>, ExtractorError> {
    let compiled = column.regex.as_deref().map(Regex::new).transpose();
    compiled.map_err(|source| ExtractorError::Regex { column: column.name.clone(), source: Box::new(source) })
}

fn zone(column: &Column) -> Result<TimeZone, ExtractorError> {
    let Some(name) = &column.zone else { return Ok(TimeZone::UTC) };
    TimeZone::get(name).map_err(|source| ExtractorError::Zone { column: column.name.clone(), source })
}

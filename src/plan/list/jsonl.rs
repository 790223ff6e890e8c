//! One JSON object a line.
//!
//! A string is its text; anything else is its JSON as written, so that large integers and decimals stay exact;
//! null and an absent key are null. Blank lines are passed over.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::text::Lines;
use super::{Cell, Intake, ListError, PlanError, Reader};
use crate::plan::columns::Columns;
use crate::value::Type;

/// Reads the list and returns the digest of its bytes.
pub(super) fn read(
    mut lines: Lines<'_>,
    columns: &Columns,
    reader: &Reader<'_>,
    intake: &mut Intake,
) -> Result<String, PlanError> {
    let mut seen = SeenColumns { columns: vec![false; columns.fields.len()], keys: Vec::new() };
    while let Some(number) = lines.advance(reader)? {
        if lines.text().trim_ascii().is_empty() {
            continue;
        }
        let line = reader.utf8(number, lines.text())?;
        let cells = object(line, number, columns, reader, &mut seen)?;
        intake.push(number, cells)?;
    }
    seen.all(reader)?;
    Ok(lines.sha256())
}

/// Which columns came with any line, and the keys of the first line.
struct SeenColumns {
    columns: Vec<bool>,
    keys: Vec<String>,
}

impl SeenColumns {
    /// An error for the first column that came with no line.
    fn all(&self, reader: &Reader<'_>) -> Result<(), ListError> {
        match self.columns.iter().position(|seen| !seen) {
            Some(index) if !self.keys.is_empty() => Err(ListError::NoColumn {
                list: reader.list.to_owned(),
                name: reader.wanted.names[index].clone(),
                there: self.keys.clone(),
            }),
            _ => Ok(()),
        }
    }
}

/// The cells of one line.
fn object<'l>(
    line: &'l str,
    number: u64,
    columns: &Columns,
    reader: &Reader<'_>,
    seen: &mut SeenColumns,
) -> Result<Vec<Cell<'l>>, ListError> {
    let wrong = |error: serde_json::Error| ListError::Json {
        place: reader.place(number),
        why: without_place(&error),
    };
    let mut json = serde_json::Deserializer::from_str(line);
    let values = Needed(&reader.wanted.names).deserialize(&mut json).map_err(wrong)?;
    json.end().map_err(wrong)?;
    if seen.keys.is_empty() {
        seen.keys = keys(line);
    }
    for (seen, value) in seen.columns.iter_mut().zip(&values) {
        *seen |= value.is_some();
    }
    if let Some(index) = values[..columns.id].iter().position(Option::is_none) {
        let list = reader.place(number).to_string();
        return Err(ListError::NoColumn {
            list,
            name: reader.wanted.names[index].clone(),
            there: keys(line),
        });
    }
    let typed = values.into_iter().zip(columns.fields.iter());
    typed.map(|(value, field)| cell(value, field.ty)).collect::<Result<_, _>>().map_err(wrong)
}

fn cell(value: Option<&RawValue>, ty: Type) -> Result<Cell<'_>, serde_json::Error> {
    let Some(raw) = value.map(RawValue::get) else { return Ok(Cell::Null) };
    match raw.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) {
        _ if raw == "null" => Ok(Cell::Null),
        _ if ty == Type::Json => Ok(Cell::text(raw)),
        Some(inside) if !inside.contains('\\') => Ok(Cell::text(inside)),
        Some(_) => serde_json::from_str::<String>(raw).map(|text| Cell::Text(text.into())),
        None => Ok(Cell::text(raw)),
    }
}

/// serde_json's message without "at line 1 column 7", which counts within our line.
fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rsplit_once(" at line ") {
        Some((what, _)) => format!("{what} at character {}", error.column()),
        None => text,
    }
}

/// The keys of an object, for messages.
fn keys(line: &str) -> Vec<String> {
    let object: Option<serde_json::Map<String, serde_json::Value>> = serde_json::from_str(line).ok();
    object.map(|object| object.keys().cloned().collect()).unwrap_or_default()
}

/// Reads the values of these keys from an object and passes over the others.
struct Needed<'n>(&'n [String]);

impl<'de> DeserializeSeed<'de> for Needed<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Needed<'_> {
    type Value = Vec<Option<&'de RawValue>>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a JSON object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut values = vec![None; self.0.len()];
        while let Some(index) = object.next_key_seed(Key(self.0))? {
            match index {
                None => drop(object.next_value::<IgnoredAny>()?),
                Some(index) if values[index].is_some() => {
                    return Err(A::Error::custom(format_args!("{:?} comes twice", self.0[index])));
                }
                Some(index) => values[index] = Some(object.next_value()?),
            }
        }
        Ok(values)
    }
}

/// Reads a key as its position among these names.
struct Key<'n>(&'n [String]);

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("a key")
    }

    fn visit_str<E>(self, key: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|name| name == key))
    }
}

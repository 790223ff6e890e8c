//! Compiled templates: the pieces that a URL, a header's value or a payload is put together from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::value::RawValue;

use super::marked::Marked;
use super::request_part::{PAYLOAD_LIMIT, RequestPart};
use super::secret::Secret;
use super::{Values, canonical};
use crate::job::{Endpoint, Part, Template};
use crate::record::{Failure, Kind};
use crate::value::{Field, Type, Value};

/// One piece of a template.
#[derive(Debug)]
pub(super) enum Piece {
    /// As it goes over the wire.
    Literal(String),
    /// Put in when the request is built.
    Secret(Secret, RequestPart),
    /// Filled from the records.
    Slot(Slot),
}

impl Piece {
    /// Appends it, filled, to what stands before it.
    pub(super) fn write(&self, out: &mut Marked, records: &Records<'_, impl Values>) -> Result<(), Failure> {
        match self {
            Piece::Literal(text) => out.text.push_str(text),
            Piece::Secret(secret, place) => out.push_secret(secret, |out, value| place.push(out, value)),
            Piece::Slot(slot) => slot.write(&mut out.text, records)?,
        }
        Ok(())
    }
}

/// The records that a request is for: one, or those of a batch.
#[derive(Clone, Copy)]
pub(super) struct Records<'a, V> {
    /// At least one; more only in a batch.
    pub(super) all: &'a [V],
    /// What stands between the values of a batch; `None` where one record is asked for at a time.
    pub(super) join: Option<&'a str>,
}

impl<V> Records<'_, V> {
    /// The failure of a request of which a part grew beyond its limit.
    pub(super) fn too_large(&self, part: &str, limit: usize) -> Failure {
        let hint = if self.all.len() > 1 { "; hint: a smaller batch.size" } else { "" };
        too_large(part, limit, hint)
    }
}

/// The failure of a part of a request that grew beyond its limit.
pub(super) fn too_large(part: &str, limit: usize, hint: &str) -> Failure {
    Failure::lasting(Kind::Template, format!("{part} would be longer than {limit} bytes{hint}"))
}

/// A place that the records' values go to.
#[derive(Debug)]
pub(super) struct Slot {
    source: Source,
    ty: Type,
    place: RequestPart,
    /// The column, as messages name it.
    pub(super) name: String,
}

#[derive(Debug)]
enum Source {
    Input(usize),
    Answer { endpoint: usize, column: usize },
}

impl Slot {
    /// Whether it is in the path.
    pub(super) fn is_in_path(&self) -> bool {
        matches!(self.place, RequestPart::Path { .. })
    }

    /// Whether it is in that segment of the path.
    pub(super) fn is_in_segment(&self, number: usize) -> bool {
        self.place == RequestPart::Path { segment: number }
    }

    /// A record's value as text, not encoded.
    pub(super) fn plain<'a>(&self, values: &'a impl Values) -> Result<Cow<'a, str>, Failure> {
        self.text(self.value(values)?)
    }

    /// Appends the records' values, each encoded for its place.
    fn write(&self, out: &mut String, records: &Records<'_, impl Values>) -> Result<(), Failure> {
        let is_list = self.place == RequestPart::JsonValue && records.join.is_some();
        out.push_str(if is_list { "[" } else { "" });
        for (number, values) in records.all.iter().enumerate() {
            if number > 0 {
                self.place.push_join(out, records.join.unwrap_or_default());
            }
            self.write_one(out, values, is_list)?;
            if out.len() > PAYLOAD_LIMIT {
                return Err(records.too_large("the payload", PAYLOAD_LIMIT));
            }
        }
        out.push_str(if is_list { "]" } else { "" });
        Ok(())
    }

    fn write_one(&self, out: &mut String, values: &impl Values, in_list: bool) -> Result<(), Failure> {
        let value = self.value(values)?;
        match (self.place, value) {
            // No item of an answer could belong to a record without a key.
            (RequestPart::JsonValue, Value::Null) if !in_list => out.push_str("null"),
            (RequestPart::JsonValue, Value::Json(json)) => out.push_str(self.json(json)?),
            (RequestPart::JsonValue, value) if is_json_literal(value) => out.push_str(&self.text(value)?),
            (place, value) => place.push(out, &self.text(value)?),
        }
        Ok(())
    }

    fn value<'a>(&self, values: &'a impl Values) -> Result<&'a Value, Failure> {
        match self.source {
            Source::Input(column) => Ok(values.input(column)),
            Source::Answer { endpoint, column } => match values.answer(endpoint, column) {
                Some(Value::Null) if self.place == RequestPart::JsonValue => Ok(&Value::Null),
                None | Some(Value::Null) => {
                    Err(Failure::lasting(Kind::Dependency, format!("{} gave no value", self.name)))
                }
                Some(value) => Ok(value),
            },
        }
    }

    /// The canonical text of a value that can stand in the slot's place.
    fn text<'a>(&self, value: &'a Value) -> Result<Cow<'a, str>, Failure> {
        let text = canonical::text(value, self.ty).map_err(|why| self.refused(why))?;
        self.place.check(&text).map_err(|why| self.refused(&why))?;
        Ok(text)
    }

    /// JSON text, if it is that.
    fn json<'a>(&self, text: &'a str) -> Result<&'a str, Failure> {
        let parsed: Result<&RawValue, _> = serde_json::from_str(text);
        parsed.map(RawValue::get).map_err(|error| self.refused(&format!("is not JSON: {error}")))
    }

    /// The failure of a value that does not fit.
    pub(super) fn refused(&self, why: &str) -> Failure {
        Failure::lasting(Kind::Template, format!("{} {why}", self.name))
    }
}

/// Whether a value's canonical text is JSON as it stands.
fn is_json_literal(value: &Value) -> bool {
    match value {
        Value::Boolean(_) | Value::Integer(_) | Value::Bigint(_) | Value::Double(_) | Value::Decimal(_) => {
            true
        }
        Value::Null
        | Value::Text(_)
        | Value::Date(_)
        | Value::Timestamp(_)
        | Value::Json(_)
        | Value::Blob(_) => false,
    }
}

/// What the names in a job's templates mean.
pub(super) struct Names<'a> {
    /// All endpoints of the job.
    pub(super) endpoints: &'a [Endpoint],
    /// The columns of the input.
    pub(super) columns: &'a [Field],
    /// The secrets by name.
    pub(super) secrets: &'a BTreeMap<String, Secret>,
}

impl Names<'_> {
    /// The pieces that a template becomes in a place where its literal text reads back unchanged, like a value.
    pub(super) fn pieces(&self, template: &Template, place: RequestPart) -> Result<Vec<Piece>, String> {
        template.parts.iter().map(|part| self.piece(part, place)).collect()
    }

    /// The piece that a part of a template becomes.
    pub(super) fn piece(&self, part: &Part, place: RequestPart) -> Result<Piece, String> {
        match part {
            Part::Literal(text) => {
                let mut literal = String::with_capacity(text.len());
                place.push(&mut literal, text);
                Ok(Piece::Literal(literal))
            }
            Part::Secret(name) => self
                .secrets
                .get(name)
                .map(|secret| Piece::Secret(secret.clone(), place))
                .ok_or_else(|| format!("${{{name}}} is not set")),
            Part::Input(name) => Ok(Piece::Slot(self.input(name, place)?)),
            Part::Url(name) => Err(format!("{{{name}:url}} can only be a url, and alone there")),
            Part::Answer { endpoint, column, .. } => self.answer(*endpoint, *column, place),
        }
    }

    /// The slot of an input column.
    pub(super) fn input(&self, name: &str, place: RequestPart) -> Result<Slot, String> {
        let found = self.columns.iter().enumerate().find(|(_, field)| field.name == name);
        let (column, field) = found.ok_or_else(|| format!("the input has no column {name}"))?;
        Ok(Slot { source: Source::Input(column), ty: field.ty, place, name: format!("column {name}") })
    }

    fn answer(&self, endpoint: usize, column: usize, place: RequestPart) -> Result<Piece, String> {
        let of = self.endpoints.get(endpoint).ok_or("a template uses an endpoint that the job lacks")?;
        let found = of.columns.get(column).ok_or("a template uses a column that its endpoint lacks")?;
        let name = format!("{}.{}", of.name, found.name);
        Ok(Piece::Slot(Slot { source: Source::Answer { endpoint, column }, ty: found.ty, place, name }))
    }
}

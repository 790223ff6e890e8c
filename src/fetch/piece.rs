//! Compiled templates: the pieces that a URL or a header value is put together from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::secrets::Secret;
use super::{Values, canonical, encode};
use crate::job::{Endpoint, Part, Template};
use crate::record::{Failure, Field, Kind, Type, Value};

/// Longest value that goes into a URL. Most servers refuse a request line of 8 KiB (nginx, Apache) anyway.
const VALUE_LIMIT: usize = 8 * 1024;

/// One piece of a template.
#[derive(Debug)]
pub(super) enum Piece {
    /// As it goes over the wire.
    Literal(String),
    /// Put in when the request is built.
    Secret(Secret),
    /// Filled from the record.
    Slot(Slot),
}

/// A place that a record's value goes to.
#[derive(Debug)]
pub(super) struct Slot {
    source: Source,
    ty: Type,
    place: Place,
    /// The column, as messages name it.
    pub(super) name: String,
}

#[derive(Debug)]
enum Source {
    Input(usize),
    Answer { endpoint: usize, column: usize },
}

/// Which part of a request a piece belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The path's segment of that number, from 0.
    Path {
        /// Slashes before it, less one.
        segment: usize,
    },
    /// The query.
    Query,
    /// A header's value.
    Header,
}

impl Slot {
    /// Whether it is in the path.
    pub(super) fn is_in_path(&self) -> bool {
        matches!(self.place, Place::Path { .. })
    }

    /// Whether it is in that segment of the path.
    pub(super) fn is_in_segment(&self, number: usize) -> bool {
        self.place == Place::Path { segment: number }
    }

    /// Appends the record's value, encoded for its place.
    pub(super) fn append(&self, out: &mut String, values: &impl Values) -> Result<(), Failure> {
        let value = self.value(values)?;
        let text = canonical::text(value, self.ty).map_err(|why| self.refused(why))?;
        self.check(&text)?;
        match self.place {
            Place::Header => out.push_str(&text),
            Place::Path { .. } | Place::Query => encode::push_component(out, &text),
        }
        Ok(())
    }

    fn value<'a>(&self, values: &'a impl Values) -> Result<&'a Value, Failure> {
        match self.source {
            Source::Input(column) => Ok(values.input(column)),
            Source::Answer { endpoint, column } => match values.answer(endpoint, column) {
                None | Some(Value::Null) => {
                    Err(Failure::lasting(Kind::Dependency, format!("{} gave no value", self.name)))
                }
                Some(value) => Ok(value),
            },
        }
    }

    fn check(&self, text: &str) -> Result<(), Failure> {
        if memchr::memchr3(b'\r', b'\n', 0, text.as_bytes()).is_some() {
            return Err(self.refused("holds a line break or NUL"));
        }
        match self.place {
            Place::Header if !text.bytes().all(|byte| matches!(byte, b' '..=b'~')) => {
                Err(self.refused("holds characters that a header cannot carry (only visible ASCII can)"))
            }
            Place::Header => Ok(()),
            Place::Path { .. } if text.is_empty() => {
                Err(self.refused("is empty, which would change the URL's path"))
            }
            Place::Path { .. } | Place::Query if text.len() > VALUE_LIMIT => Err(self.refused(&format!(
                "is {} bytes long: at most {VALUE_LIMIT} go into a URL, few servers take more",
                text.len()
            ))),
            Place::Path { .. } | Place::Query => Ok(()),
        }
    }

    fn refused(&self, why: &str) -> Failure {
        Failure::lasting(Kind::Template, format!("{} {why}", self.name))
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
    /// The piece that a part of a template becomes; literals are `literal`'s matter.
    pub(super) fn piece(&self, part: &Part, place: Place, literal: Literal) -> Result<Piece, String> {
        match part {
            Part::Literal(text) => Ok(Piece::Literal(literal(text).into_owned())),
            Part::Secret(name) => self
                .secrets
                .get(name)
                .map(|secret| Piece::Secret(secret.clone()))
                .ok_or_else(|| format!("${{{name}}} is not set")),
            Part::Input(name) => self.input(name, place),
            Part::Url(name) => Err(format!("{{{name}:url}} cannot stand beside other text")),
            Part::Answer { endpoint, column } => self.answer(*endpoint, *column, place),
        }
    }

    /// The pieces of a header's value.
    pub(super) fn header(&self, template: &Template) -> Result<Vec<Piece>, String> {
        template.parts.iter().map(|part| self.piece(part, Place::Header, |text| text.into())).collect()
    }

    fn input(&self, name: &str, place: Place) -> Result<Piece, String> {
        let found = self.columns.iter().enumerate().find(|(_, field)| field.name == name);
        let (column, field) = found.ok_or_else(|| format!("the input has no column {name}"))?;
        let name = format!("column {name}");
        Ok(Piece::Slot(Slot { source: Source::Input(column), ty: field.ty, place, name }))
    }

    fn answer(&self, endpoint: usize, column: usize, place: Place) -> Result<Piece, String> {
        let of = self.endpoints.get(endpoint).ok_or("a template uses an endpoint that the job lacks")?;
        let found = of.columns.get(column).ok_or("a template uses a column that its endpoint lacks")?;
        let name = format!("{}.{}", of.name, found.name);
        Ok(Piece::Slot(Slot { source: Source::Answer { endpoint, column }, ty: found.ty, place, name }))
    }
}

/// How a literal is written in a place.
type Literal = fn(&str) -> Cow<'_, str>;

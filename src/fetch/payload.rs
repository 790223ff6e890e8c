//! Payloads, compiled: JSON, a form or a text, flattened to the pieces that they are written from.

use hyper::header::HeaderValue;

use super::Values;
use super::marked::Marked;
use super::piece::{Names, Piece, Records};
use super::request_part::{PAYLOAD_LIMIT, RequestPart};
use crate::job::{self, JsonTemplate, Part, Template};
use crate::record::Failure;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; charset=utf-8");

/// What an endpoint's requests carry.
#[derive(Debug)]
pub(super) struct Payload {
    /// `content-type`, unless the job gives one.
    pub(super) content_type: HeaderValue,
    pieces: Vec<Piece>,
}

impl Payload {
    /// From an endpoint's `json`, `form` or `body`.
    pub(super) fn compile(payload: &job::Payload, names: &Names) -> Result<Payload, String> {
        let mut writer = Writer { names, pieces: Vec::new() };
        let content_type = match payload {
            job::Payload::Json(json) => writer.json(json).map(|()| JSON),
            job::Payload::Form(fields) => writer.form(fields).map(|()| FORM),
            job::Payload::Text(template) => writer.template(template, RequestPart::Text).map(|()| TEXT),
        };
        Ok(Payload { content_type: content_type?, pieces: writer.pieces })
    }

    /// The payload for the records of a request.
    pub(super) fn build(&self, records: &Records<'_, impl Values>) -> Result<Marked, Failure> {
        let mut built = Marked::default();
        for piece in &self.pieces {
            piece.write(&mut built, records)?;
        }
        if built.text.len() > PAYLOAD_LIMIT {
            Err(records.too_large("the payload", PAYLOAD_LIMIT))
        } else {
            Ok(built)
        }
    }
}

/// Puts the pieces of a payload together.
struct Writer<'a> {
    names: &'a Names<'a>,
    pieces: Vec<Piece>,
}

impl Writer<'_> {
    fn json(&mut self, json: &JsonTemplate) -> Result<(), String> {
        match json {
            JsonTemplate::Fixed(value) => self.push(&value.to_string()),
            JsonTemplate::Text(template) => return self.json_text(template),
            JsonTemplate::List(items) => {
                self.push("[");
                for (number, item) in items.iter().enumerate() {
                    self.push(if number > 0 { "," } else { "" });
                    self.json(item)?;
                }
                self.push("]");
            }
            JsonTemplate::Object(members) => {
                self.push("{");
                for (number, (name, member)) in members.iter().enumerate() {
                    self.push(if number > 0 { "," } else { "" });
                    self.push_as(RequestPart::JsonValue, name);
                    self.push(":");
                    self.json(member)?;
                }
                self.push("}");
            }
        }
        Ok(())
    }

    /// A text: a value with its type where it is one slot alone.
    fn json_text(&mut self, template: &Template) -> Result<(), String> {
        if let [Part::Input(_) | Part::Answer { .. }] = template.parts.as_slice() {
            return self.template(template, RequestPart::JsonValue);
        }
        self.push("\"");
        self.template(template, RequestPart::JsonText)?;
        self.push("\"");
        Ok(())
    }

    fn form(&mut self, fields: &[(String, Template)]) -> Result<(), String> {
        for (number, (name, template)) in fields.iter().enumerate() {
            self.push(if number > 0 { "&" } else { "" });
            self.push_as(RequestPart::Form, name);
            self.push("=");
            self.template(template, RequestPart::Form)?;
        }
        Ok(())
    }

    fn template(&mut self, template: &Template, place: RequestPart) -> Result<(), String> {
        for piece in self.names.pieces(template, place)? {
            match piece {
                Piece::Literal(text) => self.push(&text),
                filled => self.pieces.push(filled),
            }
        }
        Ok(())
    }

    /// Appends text that must read back unchanged.
    fn push_as(&mut self, place: RequestPart, text: &str) {
        let mut written = String::new();
        place.push(&mut written, text);
        self.push(&written);
    }

    /// Appends text as it goes over the wire.
    fn push(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Literal(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Literal(text.to_owned())),
        }
    }
}

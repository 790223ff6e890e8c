//! URL templates, compiled: a fixed origin, and the pieces of path and query.
//!
//! Scheme, host and port are literal text of the template and are resolved here, once; a record's values
//! only ever meet the path and the query, each in its slot.

use std::borrow::Cow;

use url::Url;

use super::marked::Marked;
use super::origin::Origin;
use super::piece::{Names, Piece, Records, Slot};
use super::request_part::RequestPart;
use super::{Values, encode};
use crate::job::{Part, Template};
use crate::record::{Failure, Kind};

/// A URL whose origin the job fixes.
#[derive(Debug)]
pub(super) struct UrlTemplate {
    /// Literal in the template.
    pub(super) origin: Origin,
    /// Path and query, beginning with `/`.
    pieces: Vec<Piece>,
    fills_path: bool,
}

impl UrlTemplate {
    /// From an endpoint's URL and query.
    pub(super) fn compile(
        url: &Template,
        query: &[(String, Template)],
        names: &Names,
    ) -> Result<UrlTemplate, String> {
        let Some(Part::Literal(beginning)) = url.parts.first() else {
            return Err("the url must begin with http:// or https:// and a host".to_owned());
        };
        let (origin, rest) = split_origin(beginning, url.parts.len() == 1)?;
        let mut writer = Writer { names, pieces: Vec::new(), place: RequestPart::Path { segment: 0 } };
        writer.url(rest, &url.parts[1..])?;
        writer.query(query)?;
        let pieces = writer.pieces;
        refuse_literal_dots(&pieces)?;
        let fills_path = pieces.iter().any(is_path_slot);
        Ok(UrlTemplate { origin, pieces, fills_path })
    }

    /// Path and query for the records of a request.
    pub(super) fn build(&self, records: &Records<'_, impl Values>) -> Result<Marked, Failure> {
        let mut built = Marked { text: String::with_capacity(128), marks: Vec::new() };
        for piece in &self.pieces {
            piece.write(&mut built, records)?;
        }
        self.check(&built.text)?;
        Ok(built)
    }

    fn check(&self, text: &str) -> Result<(), Failure> {
        if !self.fills_path {
            return Ok(());
        }
        match segments(text).position(encode::is_dot_segment) {
            Some(number) => Err(self.dot_segment(number)),
            None => Ok(()),
        }
    }

    fn dot_segment(&self, number: usize) -> Failure {
        let mut slots: Vec<&Slot> = self.slots().filter(|slot| slot.is_in_segment(number)).collect();
        if slots.is_empty() {
            // What stands between a batch's values has added segments.
            slots = self.slots().filter(|slot| slot.is_in_path()).collect();
        }
        let names: Vec<&str> = slots.iter().map(|slot| &*slot.name).collect();
        let why = format!("{} gives `.` or `..`, which would change the URL's path", names.join(" with "));
        Failure::lasting(Kind::Template, why)
    }

    fn slots(&self) -> impl Iterator<Item = &Slot> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Slot(slot) => Some(slot),
            Piece::Literal(_) | Piece::Secret(..) => None,
        })
    }
}

/// The path's segments, as the URL standard counts them.
fn segments(path_and_query: &str) -> impl Iterator<Item = &str> {
    let path = path_and_query.split('?').next().unwrap_or_default();
    path.strip_prefix('/').unwrap_or(path).split('/')
}

/// The origin that a URL's literal beginning names, and what follows it.
fn split_origin(beginning: &str, is_whole: bool) -> Result<(Origin, &str), String> {
    let after_scheme = beginning.find("://").ok_or("the url must begin with http:// or https://")? + 3;
    let end = beginning[after_scheme..].find(['/', '?', '#', '\\']).map(|at| after_scheme + at);
    if end.is_none() && !is_whole {
        return Err("scheme, host and port of the url must be literal text, a `/` after them".to_owned());
    }
    let (origin, rest) = beginning.split_at(end.unwrap_or(beginning.len()));
    let parsed = Url::parse(origin).map_err(|error| format!("the url is not valid: {error}"))?;
    Ok((Origin::of(&parsed)?, rest))
}

/// The pieces of query parameters that are appended to a URL which is not yet known: `a=1&b=2`.
pub(super) fn appended(query: &[(String, Template)], names: &Names) -> Result<Vec<Piece>, String> {
    if query.is_empty() {
        return Ok(Vec::new());
    }
    let separator = Piece::Literal("&".to_owned());
    let mut writer = Writer { names, pieces: vec![separator], place: RequestPart::Query };
    writer.query(query)?;
    if let Some(Piece::Literal(first)) = writer.pieces.first_mut() {
        first.remove(0);
    }
    Ok(writer.pieces)
}

/// Puts the pieces of path and query together.
struct Writer<'a> {
    names: &'a Names<'a>,
    pieces: Vec<Piece>,
    place: RequestPart,
}

impl Writer<'_> {
    fn url(&mut self, rest: &str, parts: &[Part]) -> Result<(), String> {
        if !rest.starts_with('/') {
            self.push("/");
        }
        self.literal(rest)?;
        for part in parts {
            match part {
                Part::Literal(text) => self.literal(text)?,
                _ => self.pieces.push(self.names.piece(part, self.place)?),
            }
        }
        Ok(())
    }

    fn query(&mut self, query: &[(String, Template)]) -> Result<(), String> {
        for (key, template) in query {
            let separator = if self.place == RequestPart::Query { "&" } else { "?" };
            if !self.ends_with_separator() {
                self.push(separator);
            }
            self.place = RequestPart::Query;
            self.push(&encode::component(key));
            self.push("=");
            for piece in self.names.pieces(template, RequestPart::Query)? {
                match piece {
                    Piece::Literal(text) => self.push(&text),
                    filled => self.pieces.push(filled),
                }
            }
        }
        Ok(())
    }

    /// Literal text of the URL: its delimiters count.
    fn literal(&mut self, text: &str) -> Result<(), String> {
        if text.contains('#') {
            return Err("a url's fragment (from `#` on) is never sent: write %23 for a `#`".to_owned());
        }
        let (path, query) = match (self.place, text.find('?')) {
            (RequestPart::Path { .. }, Some(at)) => text.split_at(at),
            (RequestPart::Path { .. }, None) => (text, ""),
            _ => ("", text),
        };
        self.push_url_text(path);
        if let RequestPart::Path { segment } = &mut self.place {
            *segment = self.pieces.iter().map(slashes).sum::<usize>().saturating_sub(1);
        }
        if query.starts_with('?') {
            self.place = RequestPart::Query;
        }
        self.push_url_text(query);
        Ok(())
    }

    fn push_url_text(&mut self, text: &str) {
        let mut encoded = String::new();
        encode::push_literal(&mut encoded, text);
        self.push(&encoded);
    }

    /// Appends text as it goes over the wire.
    fn push(&mut self, text: &str) {
        match self.pieces.last_mut() {
            Some(Piece::Literal(last)) => last.push_str(text),
            _ => self.pieces.push(Piece::Literal(text.to_owned())),
        }
    }

    fn ends_with_separator(&self) -> bool {
        matches!(self.pieces.last(), Some(Piece::Literal(last)) if last.ends_with(['?', '&']))
            && self.place == RequestPart::Query
    }
}

fn slashes(piece: &Piece) -> usize {
    match piece {
        Piece::Literal(text) => text.matches('/').count(),
        Piece::Secret(..) | Piece::Slot(_) => 0,
    }
}

fn is_path_slot(piece: &Piece) -> bool {
    match piece {
        Piece::Slot(slot) => slot.is_in_path(),
        Piece::Literal(_) | Piece::Secret(..) => false,
    }
}

/// Segments `.` and `..` that the template itself spells out: what they mean is the server's choice.
fn refuse_literal_dots(pieces: &[Piece]) -> Result<(), String> {
    let skeleton: String = pieces
        .iter()
        .map(|piece| match piece {
            Piece::Literal(text) => Cow::Borrowed(text.as_str()),
            Piece::Secret(secret, _) => encode::component(secret.reveal()).into(),
            Piece::Slot(_) => "value".into(),
        })
        .collect();
    if segments(&skeleton).any(encode::is_dot_segment) {
        Err("the url's path has a segment `.` or `..`: write the path without it".to_owned())
    } else {
        Ok(())
    }
}

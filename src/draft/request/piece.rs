//! Pieces of a request in which a value of the list, or a secret, may stand.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::job::{Part, Template};

/// All but the unreserved characters of RFC 3986, section 2.3: how a job's parameters are encoded.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Where a piece stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// In the URL's path, between two slashes.
    Path,
    /// The value of a parameter of the URL's query.
    Param,
    /// The value of a header.
    Header,
    /// A value of the JSON, the form or the text that is sent.
    Payload,
}

/// A piece of a request.
#[derive(Debug, Clone)]
pub struct Piece {
    /// Where it stands.
    pub place: Place,
    /// What it is the value of: a parameter's, header's or field's name; for JSON the path, `filter.id`.
    pub name: String,
    /// What it says, its encoding undone.
    pub text: String,
    /// As it was written, where that is in a URL.
    raw: Option<String>,
    /// What the job says in its stead.
    pub template: Template,
}

impl Piece {
    /// Of plain text.
    pub fn plain(place: Place, name: &str, text: &str) -> Piece {
        let template = Template { parts: vec![Part::Literal(text.to_owned())] };
        Piece { place, name: name.to_owned(), text: text.to_owned(), raw: None, template }
    }

    /// Of text as it stands in a URL.
    pub fn encoded(place: Place, name: &str, raw: &str) -> Piece {
        let text = percent_decode_str(raw).decode_utf8_lossy().into_owned();
        Piece { raw: Some(raw.to_owned()), ..Piece::plain(place, name, &text) }
    }

    /// Whether nothing of it was replaced.
    pub fn is_literal(&self) -> bool {
        matches!(self.template.parts.as_slice(), [] | [Part::Literal(_)])
    }

    /// Replaces a range of its text, which no other part has replaced.
    pub fn replace(&mut self, range: std::ops::Range<usize>, part: Part) {
        if range == (0..self.text.len()) {
            // How it was encoded does not matter any more.
            self.raw = None;
        }
        let literal = |text: &str| (!text.is_empty()).then(|| Part::Literal(text.to_owned()));
        let before = literal(&self.text[..range.start]);
        let after = literal(&self.text[range.end..]);
        self.template.parts = before.into_iter().chain([part]).chain(after).collect();
    }

    /// Replaces the first place where a text stands that nothing has replaced yet.
    pub fn replace_text(&mut self, text: &str, part: Part) {
        let found = self.template.parts.iter().enumerate().find_map(|(at, part)| match part {
            Part::Literal(literal) => Some((at, literal.split_once(text)?)),
            _ => None,
        });
        let Some((at, (before, after))) = found else { return };
        let literal = |text: &str| (!text.is_empty()).then(|| Part::Literal(text.to_owned()));
        let parts: Vec<Part> = [literal(before), Some(part), literal(after)].into_iter().flatten().collect();
        self.template.parts.splice(at..=at, parts);
    }

    /// Whether a job that has it among `params` sends it as it was written.
    pub fn is_component(&self) -> bool {
        self.raw.as_ref().is_none_or(|raw| *raw == component(&self.text))
    }

    /// As the job has it within a URL.
    pub fn in_url(&self) -> String {
        let raw = self.raw.as_deref().unwrap_or(&self.text);
        if self.is_literal() {
            return Template { parts: vec![Part::Literal(raw.to_owned())] }.to_string();
        }
        let is_plain = raw == self.text;
        let parts = self.template.parts.iter().map(|part| match part {
            Part::Literal(text) if !is_plain => Part::Literal(component(text)),
            other => other.clone(),
        });
        Template { parts: parts.collect() }.to_string()
    }
}

fn component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_replaced_stays_as_it_was_written() {
        let mut piece = Piece::encoded(Place::Path, "", "a%2Fb,{c}:7");
        assert_eq!((piece.text.as_str(), piece.in_url().as_str()), ("a/b,{c}:7", "a%2Fb,{{c}}:7"));
        piece.replace(8..9, Part::Input("id".into()));
        assert_eq!(piece.in_url(), "a%2Fb%2C%7Bc%7D%3A{id}");
    }

    #[test]
    fn a_part_is_replaced_between_what_stands_around_it() {
        let mut piece = Piece::encoded(Place::Path, "", "tt0111161.json");
        piece.replace(0..9, Part::Input("imdb id".into()));
        assert_eq!(piece.in_url(), "{imdb id}.json");
        assert!(!piece.is_literal());
    }
}

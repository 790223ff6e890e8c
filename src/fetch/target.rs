//! Where a question goes: a URL that the job's template owns, or a whole one from the input.

use bytes::Bytes;
use hyper::http::uri::PathAndQuery;
use url::form_urlencoded;

use super::given::GivenUrl;
use super::marked::{Mark, Marked};
use super::origin::Origin;
use super::piece::{self, Names, Records};
use super::template::UrlTemplate;
use super::{Values, encode};
use crate::job::{Endpoint, Part};
use crate::record::{Failure, Kind};

/// What [`URL_LIMIT`] is the limit of, for messages.
const URL: &str = "path and query of the URL";

/// Longest path and query together. Servers take 4 to 16 KiB; beyond that all refuse (414).
const URL_LIMIT: usize = 16 * 1024;

/// Where the questions of an endpoint go.
#[derive(Debug)]
pub(super) enum UrlSource {
    /// The origin is the same for every record.
    Template(UrlTemplate),
    /// The input has it.
    Given(GivenUrl),
}

impl UrlSource {
    /// From an endpoint's URL and query.
    pub(super) fn compile(endpoint: &Endpoint, names: &Names) -> Result<UrlSource, String> {
        match endpoint.url.parts.as_slice() {
            [Part::Url(column)] => Ok(UrlSource::Given(GivenUrl::compile(column, endpoint, names)?)),
            _ => Ok(UrlSource::Template(UrlTemplate::compile(&endpoint.url, &endpoint.params, names)?)),
        }
    }

    /// The origin that all records have in common.
    pub(super) fn origin(&self) -> Option<&Origin> {
        match self {
            UrlSource::Template(template) => Some(&template.origin),
            UrlSource::Given(_) => None,
        }
    }

    /// Origin, path and query for the records of a request.
    pub(super) fn build(&self, records: &Records<'_, impl Values>) -> Result<(Origin, Marked), Failure> {
        let (origin, built) = match self {
            UrlSource::Template(template) => (template.origin.clone(), template.build(records)?),
            UrlSource::Given(given) => given.build(records)?,
        };
        if built.text.len() > URL_LIMIT {
            Err(records.too_large(URL, URL_LIMIT))
        } else {
            Ok((origin, built))
        }
    }
}

/// A path and query whose parameter `name` has this value: in the place of the one that it had, or else at the end.
pub(super) fn with_parameter(text: &str, marks: &[Mark], name: &str, value: &str) -> Result<Marked, Failure> {
    let path = text.find('?').unwrap_or(text.len());
    let mut out = Marked::default();
    out.push_part(text, marks, 0..path);
    let mut is_written = false;
    let mut at = path + 1;
    for pair in text.get(at..).unwrap_or_default().split('&') {
        let here = at..at + pair.len();
        at = here.end + 1;
        if pair.is_empty() {
            continue;
        }
        if !form_urlencoded::parse(pair.as_bytes()).any(|(other, _)| other == name) {
            begin_pair(&mut out.text);
            out.push_part(text, marks, here);
        } else if !is_written {
            push_pair(&mut out.text, name, value);
            is_written = true;
        }
    }
    if !is_written {
        push_pair(&mut out.text, name, value);
    }
    if out.text.len() > URL_LIMIT { Err(piece::too_large(URL, URL_LIMIT, "")) } else { Ok(out) }
}

fn push_pair(target: &mut String, name: &str, value: &str) {
    begin_pair(target);
    encode::push_component(target, name);
    target.push('=');
    encode::push_component(target, value);
}

fn begin_pair(target: &mut String) {
    target.push(if target.contains('?') { '&' } else { '?' });
}

/// Path and query as the wire wants them.
pub(super) fn path_and_query(text: String) -> Result<PathAndQuery, Failure> {
    PathAndQuery::from_maybe_shared(Bytes::from(text))
        .map_err(|error| Failure::lasting(Kind::Template, format!("the URL is not valid: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fetch::marked::shown;

    fn with(target: &str, name: &str, value: &str) -> String {
        with_parameter(target, &[], name, value).unwrap().text
    }

    #[test]
    fn a_parameter_takes_its_old_place_or_the_end() {
        assert_eq!(with("/a", "page", "2"), "/a?page=2");
        assert_eq!(with("/a?", "page", "2"), "/a?page=2");
        assert_eq!(with("/a?x=1&", "page", "2"), "/a?x=1&page=2");
        assert_eq!(with("/a?page=1&x=1", "page", "2"), "/a?page=2&x=1");
        assert_eq!(with("/a?page=1&x=?&page=7&page", "page", "2"), "/a?page=2&x=?");
        assert_eq!(with("/a?mypage=1&pages=2", "page", "2"), "/a?mypage=1&pages=2&page=2");
        assert_eq!(with("/a?p%61ge=1", "page", "2"), "/a?page=2");
        assert_eq!(with("/a?a+b=1", "a b", "c&d=é"), "/a?a%20b=c%26d%3D%C3%A9");
    }

    #[test]
    fn secrets_stay_marked_wherever_they_move() {
        let mark = |at| Mark { at, shown: "${KEY}".into() };
        let built =
            with_parameter("/abc?page=1&k=abc&z=1", &[mark(1..4), mark(14..17)], "page", "12345").unwrap();
        assert_eq!(shown(&built.text, &built.marks), "/${KEY}?page=12345&k=${KEY}&z=1");
        let built = with_parameter("/?page=abc", &[mark(7..10)], "page", "2").unwrap();
        assert_eq!(shown(&built.text, &built.marks), "/?page=2");
    }

    #[test]
    fn a_cursor_may_not_be_endless() {
        let failure = with_parameter("/", &[], "cursor", &"x".repeat(URL_LIMIT)).unwrap_err();
        assert_eq!(failure.kind, Kind::Template);
    }
}

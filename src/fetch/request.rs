//! One request, built: an origin, a path and query, headers. What people see of it holds no secret.

use std::fmt;

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Uri;
use hyper::header::{HOST, HeaderMap};
use hyper::http::uri::PathAndQuery;

use super::origin::Origin;
use super::target::{Built, Mark};
use crate::record::{Failure, Kind};

/// A request for one record. Its `Debug` output and [`Request::shown`] have `${NAME}` in place of secrets.
#[derive(Clone)]
pub struct Request {
    pub(super) origin: Origin,
    pub(super) target: PathAndQuery,
    pub(super) headers: HeaderMap,
    marks: Vec<Mark>,
}

impl Request {
    pub(super) fn new(origin: Origin, built: Built, headers: HeaderMap) -> Result<Request, Failure> {
        let target = PathAndQuery::from_maybe_shared(Bytes::from(built.text))
            .map_err(|error| Failure::lasting(Kind::Template, format!("the URL is not valid: {error}")))?;
        Ok(Request { origin, target, headers, marks: built.marks })
    }

    /// A request that a redirect leads to.
    pub(super) fn redirected(origin: Origin, target: PathAndQuery, headers: HeaderMap) -> Request {
        Request { origin, target, headers, marks: Vec::new() }
    }

    /// The URL for people, `${NAME}` in place of each secret.
    pub fn shown(&self) -> String {
        let target = self.target.as_str();
        let mut shown = self.origin.to_string();
        let mut from = 0;
        for mark in &self.marks {
            shown.push_str(&target[from..mark.at.start]);
            shown.push_str(&format!("${{{}}}", mark.name));
            from = mark.at.end;
        }
        shown.push_str(&target[from..]);
        shown
    }

    /// The headers for people: names and values, `(secret)` in place of a value that holds one.
    pub fn shown_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| {
            let text = if value.is_sensitive() { "(secret)" } else { value.to_str().unwrap_or_default() };
            (name.as_str(), text)
        })
    }

    /// As HTTP/1.1 sends it: the path only, the host in a header.
    pub(super) fn for_http1(&self) -> hyper::Request<Empty<Bytes>> {
        self.with_uri(Uri::from(self.target.clone()), self.headers.clone())
    }

    /// As HTTP/2 sends it: the whole URI, no host header.
    pub(super) fn for_http2(&self) -> Result<hyper::Request<Empty<Bytes>>, hyper::http::Error> {
        let mut headers = self.headers.clone();
        headers.remove(HOST);
        Ok(self.with_uri(self.origin.uri(self.target.clone())?, headers))
    }

    fn with_uri(&self, uri: Uri, headers: HeaderMap) -> hyper::Request<Empty<Bytes>> {
        let mut request = hyper::Request::new(Empty::new());
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Request").field("url", &self.shown()).field("headers", &self.headers).finish()
    }
}

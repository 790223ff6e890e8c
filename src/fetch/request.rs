//! One request, built: method, origin, path and query, headers, payload. What people see of it holds no secret.

use std::fmt;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{
    CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION, CONTENT_TYPE, HOST, HeaderMap,
    HeaderName, HeaderValue, PROXY_AUTHORIZATION,
};
use hyper::http::uri::PathAndQuery;
use hyper::{Method, Uri};

use super::marked::{self, Mark};
use super::origin::Origin;

/// A payload as the wire takes it; empty where there is none.
pub(super) type Body = Full<Bytes>;

/// Headers that describe a payload.
pub(super) const ABOUT_PAYLOAD: [HeaderName; 5] =
    [CONTENT_TYPE, CONTENT_ENCODING, CONTENT_LANGUAGE, CONTENT_LENGTH, CONTENT_LOCATION];

/// A request for one record, or for those of a batch. Its `Debug` output, [`Request::shown`] and
/// [`Request::shown_body`] have `${NAME}` in place of secrets.
#[derive(Clone)]
pub struct Request {
    pub(super) method: Method,
    pub(super) origin: Origin,
    pub(super) target: PathAndQuery,
    pub(super) headers: HeaderMap,
    /// UTF-8; empty where there is none.
    pub(super) payload: Bytes,
    /// Where secrets stand in the target.
    pub(super) marks: Vec<Mark>,
    /// Where secrets stand in the payload.
    pub(super) payload_marks: Vec<Mark>,
    /// Whose answer led to it, where the job does not name its host.
    pub(super) led_by: Option<Origin>,
}

impl Request {
    /// Its method, in capitals.
    pub fn method(&self) -> &str {
        self.method.as_str()
    }

    /// Where it is sent.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The URL for people, `${NAME}` in place of each secret.
    pub fn shown(&self) -> String {
        format!("{}{}", self.origin, marked::shown(self.target.as_str(), &self.marks))
    }

    /// The headers for people: names and values, `(secret)` in place of a value that holds one.
    pub fn shown_headers(&self) -> impl Iterator<Item = (&str, &str)> {
        self.headers.iter().map(|(name, value)| {
            let text = if value.is_sensitive() { "(secret)" } else { value.to_str().unwrap_or_default() };
            (name.as_str(), text)
        })
    }

    /// The payload for people, `${NAME}` in place of each secret; `None` where there is none.
    pub fn shown_body(&self) -> Option<String> {
        let text = std::str::from_utf8(&self.payload).ok().filter(|text| !text.is_empty())?;
        Some(marked::shown(text, &self.payload_marks))
    }

    /// Makes a GET of it.
    pub(super) fn without_payload(self) -> Request {
        let mut headers = self.headers;
        for name in ABOUT_PAYLOAD {
            headers.remove(name);
        }
        Request { method: Method::GET, headers, payload: Bytes::new(), payload_marks: Vec::new(), ..self }
    }

    /// As HTTP/1.1 sends it: the path only, the host in a header.
    pub(super) fn for_http1(&self) -> hyper::Request<Body> {
        self.with_uri(Uri::from(self.target.clone()), self.headers.clone())
    }

    /// As HTTP/1.1 hands it to a proxy: with the whole URI, and what only the proxy is told of who is asking.
    pub(super) fn for_proxy(
        &self,
        authorization: Option<&HeaderValue>,
    ) -> Result<hyper::Request<Body>, hyper::http::Error> {
        let mut headers = self.headers.clone();
        headers.extend(authorization.map(|value| (PROXY_AUTHORIZATION, value.clone())));
        Ok(self.with_uri(self.origin.uri(self.target.clone())?, headers))
    }

    /// As HTTP/2 sends it: the whole URI, no host header.
    pub(super) fn for_http2(&self) -> Result<hyper::Request<Body>, hyper::http::Error> {
        let mut headers = self.headers.clone();
        headers.remove(HOST);
        Ok(self.with_uri(self.origin.uri(self.target.clone())?, headers))
    }

    fn with_uri(&self, uri: Uri, headers: HeaderMap) -> hyper::Request<Body> {
        let mut request = hyper::Request::new(Full::new(self.payload.clone()));
        *request.method_mut() = self.method.clone();
        *request.uri_mut() = uri;
        *request.headers_mut() = headers;
        request
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Request")
            .field("method", &self.method)
            .field("url", &self.shown())
            .field("headers", &self.headers)
            .field("body", &self.shown_body())
            .finish()
    }
}

//! Request headers, compiled: those that are the same for every record, and those with slots.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hyper::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONNECTION, CONTENT_LENGTH, HOST, HeaderMap, HeaderName,
    HeaderValue, PROXY_AUTHORIZATION, TE, TRAILER, TRANSFER_ENCODING, UPGRADE, USER_AGENT,
};

use super::Values;
use super::marked::{self, Marked};
use super::piece::{Names, Piece, Records};
use super::request_part::RequestPart;
use super::secret::Secret;
use crate::job::{AnswerFormat, Auth, Endpoint};
use crate::record::{Failure, Kind};
use crate::value::Value;

pub(super) const OUR_ACCEPT_ENCODING: HeaderValue = HeaderValue::from_static("gzip, br, zstd, deflate");
/// Who we are, unless the job says otherwise.
pub(super) const OUR_USER_AGENT: HeaderValue =
    HeaderValue::from_static(concat!("windrow/", env!("CARGO_PKG_VERSION")));

/// Headers that frame the message or steer the connection: ours to write, not the job's.
const RESERVED: [HeaderName; 8] =
    [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, CONNECTION, PROXY_AUTHORIZATION, TE, TRAILER, UPGRADE];

/// The headers of an endpoint's requests, but for what describes the payload; `host` is a place that is kept for it.
pub(super) struct Headers {
    /// The same for every record: ours, unless the job gives others, and the job's.
    pub(super) constant: HeaderMap,
    /// Those with slots.
    filled: Vec<(HeaderName, Vec<Piece>)>,
    /// A user and a password as they are sent, where they are secret.
    pub(super) derived: Option<Secret>,
}

impl Headers {
    /// From an endpoint's headers.
    pub(super) fn compile(endpoint: &Endpoint, names: &Names) -> Result<Headers, String> {
        let constant = HeaderMap::from_iter([
            // Before the others, as RFC 9110 (section 7.2) would have it; each request puts its own in its place.
            (HOST, HeaderValue::from_static("")),
            (USER_AGENT, OUR_USER_AGENT),
            (ACCEPT, our_accept(endpoint)),
            (ACCEPT_ENCODING, OUR_ACCEPT_ENCODING),
        ]);
        let mut headers = Headers { constant, filled: Vec::new(), derived: None };
        for (name, template) in &endpoint.headers {
            headers.add(header_name(name)?, names.pieces(template, RequestPart::Header)?)?;
        }
        match &endpoint.auth {
            Some(Auth::Bearer(token)) => {
                let mut pieces = vec![Piece::Literal("Bearer ".to_owned())];
                pieces.extend(names.pieces(token, RequestPart::Header)?);
                headers.add(AUTHORIZATION, pieces)?;
            }
            Some(Auth::Basic(user)) => headers.add_basic(names.pieces(user, RequestPart::Header)?)?,
            Some(Auth::Token(_)) | None => {}
        }
        Ok(headers)
    }

    /// A user and a password (RFC 7617).
    fn add_basic(&mut self, pieces: Vec<Piece>) -> Result<(), String> {
        let text = written(&pieces, &Records { all: &[NoValues], join: None })
            .map_err(|failure| failure.detail.to_string())?;
        let encoded = STANDARD.encode(&text.text);
        let value = HeaderValue::from_str(&format!("Basic {encoded}"));
        let mut value = value.map_err(|_| "auth holds characters that a header cannot carry")?;
        value.set_sensitive(true);
        self.constant.insert(AUTHORIZATION, value);
        if !text.marks.is_empty() {
            let shown = format!("({} in base64)", marked::shown(&text.text, &text.marks));
            self.derived = Some(Secret::named(shown.into(), &encoded));
        }
        Ok(())
    }

    /// Those of one request.
    pub(super) fn build(&self, records: &Records<'_, impl Values>) -> Result<HeaderMap, Failure> {
        let mut headers = self.constant.clone();
        for (name, pieces) in &self.filled {
            headers.insert(name, header_value(pieces, records)?);
        }
        Ok(headers)
    }

    fn add(&mut self, name: HeaderName, pieces: Vec<Piece>) -> Result<(), String> {
        if pieces.iter().any(|piece| matches!(piece, Piece::Slot(_))) {
            self.filled.push((name, pieces));
            return Ok(());
        }
        let value = header_value(&pieces, &Records { all: &[NoValues], join: None })
            .map_err(|failure| format!("header {name}: {}", failure.detail))?;
        self.constant.insert(name, value);
        Ok(())
    }
}

/// What is asked for unless the job says otherwise.
fn our_accept(endpoint: &Endpoint) -> HeaderValue {
    HeaderValue::from_static(match endpoint.format {
        _ if endpoint.pipe.is_some() => "*/*",
        AnswerFormat::Json => "application/json, */*;q=0.5",
        AnswerFormat::JsonLines => "application/x-ndjson, application/json;q=0.9, */*;q=0.5",
        AnswerFormat::Jsonp => "*/*",
        AnswerFormat::Html => "text/html, application/xhtml+xml;q=0.9, */*;q=0.5",
        AnswerFormat::Text => "text/plain, */*;q=0.5",
    })
}

fn header_name(name: &str) -> Result<HeaderName, String> {
    let parsed: HeaderName = name.parse().map_err(|_| format!("{name:?} is not the name of a header"))?;
    if RESERVED.contains(&parsed) {
        return Err(format!("header {name} follows from the url and the connection and cannot be set"));
    }
    Ok(parsed)
}

/// A header's value for the records of a request. One that holds a secret is marked, so that its `Debug` output
/// is hidden, HTTP/2 keeps it out of its compression tables, and no redirect takes it to another origin.
fn header_value(pieces: &[Piece], records: &Records<'_, impl Values>) -> Result<HeaderValue, Failure> {
    let built = written(pieces, records)?;
    let refused = |_| Failure::lasting(Kind::Template, "holds characters that a header cannot carry");
    let mut value = HeaderValue::from_str(&built.text).map_err(refused)?;
    value.set_sensitive(!built.marks.is_empty());
    Ok(value)
}

fn written(pieces: &[Piece], records: &Records<'_, impl Values>) -> Result<Marked, Failure> {
    let mut built = Marked::default();
    for piece in pieces {
        piece.write(&mut built, records)?;
    }
    Ok(built)
}

/// Stands for the record where a template has no slots.
pub(super) struct NoValues;

impl Values for NoValues {
    fn input(&self, _: usize) -> &Value {
        &Value::Null
    }

    fn answer(&self, _: usize, _: usize) -> Option<&Value> {
        None
    }
}

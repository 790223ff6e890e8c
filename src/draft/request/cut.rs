//! A curl command's request, cut into pieces.

use serde_json::Value;
use url::Url;

use super::DraftError;
use super::json::Json;
use super::piece::{Piece, Place};
use crate::curl::CurlCommand;

/// What is sent.
#[derive(Debug, Clone)]
pub(super) enum Payload {
    None,
    Json(Json),
    Form(Vec<Piece>),
    Text(Piece),
}

/// A request in pieces.
#[derive(Debug, Clone)]
pub(super) struct CutRequest {
    /// The method, where it is not the one that a job has anyway.
    pub method: Option<String>,
    /// Scheme, host and port.
    pub origin: String,
    /// What stands between the slashes of the path.
    pub path: Vec<Piece>,
    /// The query's parameters.
    pub params: Vec<Param>,
    pub headers: Vec<Piece>,
    pub payload: Payload,
    /// Headers that are left out: they belong to a single request.
    pub left_out: Vec<String>,
}

/// A parameter of the query.
#[derive(Debug, Clone)]
pub(super) struct Param {
    /// Its name as it was written.
    pub raw_name: String,
    pub value: Piece,
    /// Whether there is a `=`.
    pub has_value: bool,
}

/// Headers that make an answer, or its absence, that of another request.
const OF_ONE_REQUEST: [&str; 10] = [
    "idempotency-key",
    "if-match",
    "if-modified-since",
    "if-none-match",
    "if-range",
    "if-unmodified-since",
    "range",
    "traceparent",
    "tracestate",
    "x-request-id",
];

impl CutRequest {
    pub fn of(command: &CurlCommand) -> Result<CutRequest, DraftError> {
        let url = Url::parse(&command.url)
            .map_err(|error| DraftError::Url(command.url.clone(), error.to_string()))?;
        if !matches!(url.scheme(), "http" | "https") || url.host_str().is_none() {
            return Err(DraftError::Scheme(command.url.clone()));
        }
        let (headers, left_out): (Vec<_>, Vec<_>) = command
            .headers
            .iter()
            .partition(|(name, _)| !OF_ONE_REQUEST.contains(&name.to_ascii_lowercase().as_str()));
        let mut headers = joined(&headers);
        let payload = payload(command.body.as_deref(), &mut headers);
        let usual = if command.body.is_some() { "POST" } else { "GET" };
        let (path, query) = path_and_query(&command.url);
        Ok(CutRequest {
            method: (command.method != usual).then(|| command.method.clone()),
            origin: url.origin().ascii_serialization(),
            path: path.split('/').map(|raw| Piece::encoded(Place::Path, "", raw)).collect(),
            params: query.map_or_else(Vec::new, |query| query.split('&').map(param).collect()),
            headers,
            payload,
            left_out: left_out.iter().map(|(name, _)| name.clone()).collect(),
        })
    }

    /// All pieces, in the order of the request.
    pub fn pieces(&self) -> Vec<&Piece> {
        let payload: Vec<&Piece> = match &self.payload {
            Payload::None => Vec::new(),
            Payload::Json(json) => json.pieces.iter().collect(),
            Payload::Form(fields) => fields.iter().collect(),
            Payload::Text(text) => vec![text],
        };
        let params = self.params.iter().map(|param| &param.value);
        self.path.iter().chain(params).chain(&self.headers).chain(payload).collect()
    }

    /// The same, to be replaced.
    pub fn pieces_mut(&mut self) -> Vec<&mut Piece> {
        let payload: Vec<&mut Piece> = match &mut self.payload {
            Payload::None => Vec::new(),
            Payload::Json(json) => json.pieces.iter_mut().collect(),
            Payload::Form(fields) => fields.iter_mut().collect(),
            Payload::Text(text) => vec![text],
        };
        let params = self.params.iter_mut().map(|param| &mut param.value);
        self.path.iter_mut().chain(params).chain(&mut self.headers).chain(payload).collect()
    }

    /// The columns that are sent as JSON numbers.
    pub fn number_columns(&self) -> Vec<String> {
        match &self.payload {
            Payload::Json(json) => json.number_columns(),
            _ => Vec::new(),
        }
    }

    /// The parameters as a job's `params`, if it sends them as they were written.
    pub fn named_params(&self) -> Option<Vec<(String, &Piece)>> {
        let names: Vec<String> = self.params.iter().map(|param| decoded(&param.raw_name)).collect();
        let are_plain = self.params.iter().zip(&names).enumerate().all(|(at, (param, name))| {
            let is_once = !names[..at].contains(name);
            let is_component = Piece::encoded(Place::Param, "", &param.raw_name).is_component();
            is_once && is_component && param.has_value && param.value.is_component()
        });
        are_plain.then(|| names.into_iter().zip(self.params.iter().map(|param| &param.value)).collect())
    }
}

/// Headers, those of one name as one (RFC 9110, section 5.3; cookies RFC 6265, section 5.4).
fn joined(headers: &[&(String, String)]) -> Vec<Piece> {
    let mut joined: Vec<(String, String)> = Vec::new();
    for (name, value) in headers {
        let name = name.to_ascii_lowercase();
        match joined.iter_mut().find(|(there, _)| *there == name) {
            Some((_, before)) => *before += &format!("{}{value}", if name == "cookie" { "; " } else { ", " }),
            None => joined.push((name, value.clone())),
        }
    }
    joined.iter().map(|(name, value)| Piece::plain(Place::Header, name, value)).collect()
}

/// Path and query as they were written: a parser would spell them its own way.
fn path_and_query(url: &str) -> (&str, Option<&str>) {
    let behind_scheme = url.find("://").map_or(0, |at| at + 3);
    let rest = &url[behind_scheme..];
    let rest = rest.find(['/', '?']).map_or("", |at| &rest[at..]);
    match rest.split_once('?') {
        Some((path, query)) => (path, Some(query).filter(|query| !query.is_empty())),
        None => (rest, None),
    }
}

fn param(raw: &str) -> Param {
    let (name, value) = raw.split_once('=').unwrap_or((raw, ""));
    let value = Piece::encoded(Place::Param, &decoded(name), value);
    Param { raw_name: name.to_owned(), value, has_value: raw.contains('=') }
}

fn decoded(raw: &str) -> String {
    percent_encoding::percent_decode_str(raw).decode_utf8_lossy().into_owned()
}

/// What is sent; where a job says its content type by itself, the header goes.
fn payload(body: Option<&str>, headers: &mut Vec<Piece>) -> Payload {
    let Some(body) = body else { return Payload::None };
    let content_type =
        headers.iter().find(|header| header.name == "content-type").map(|header| header.text.clone());
    let essence = content_type.as_deref().unwrap_or_default().split(';').next().unwrap_or_default().trim();
    let json =
        || serde_json::from_str::<Value>(body).ok().filter(|value| value.is_object() || value.is_array());
    let payload = match essence.to_ascii_lowercase().as_str() {
        "application/json" => json().and_then(Json::of).map(Payload::Json),
        "application/x-www-form-urlencoded" => form(body).map(Payload::Form),
        _ => None,
    };
    match payload {
        Some(payload) => {
            headers.retain(|header| header.name != "content-type");
            payload
        }
        None => Payload::Text(Piece::plain(Place::Payload, "", body)),
    }
}

/// The values in a text that is sent as it is, by their names: each as it stands there. Of JSON, and of forms.
pub(super) fn named_values(text: &str) -> Vec<(String, String)> {
    if let Ok(value) = serde_json::from_str::<Value>(text) {
        let mut found = Vec::new();
        json_texts(&value, "", &mut found);
        return found;
    }
    let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
    let is_name = |name: &str| !name.is_empty() && !name.contains(char::is_whitespace) && !name.contains('<');
    pairs.filter(|(name, _)| is_name(name)).map(|(name, value)| (decoded(name), value.to_owned())).collect()
}

fn json_texts(value: &Value, name: &str, found: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => {
            let written = Value::from(text.as_str()).to_string();
            found.push((name.to_owned(), written[1..written.len() - 1].to_owned()));
        }
        Value::Array(items) => items.iter().for_each(|item| json_texts(item, name, found)),
        Value::Object(members) => members.iter().for_each(|(name, value)| json_texts(value, name, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// The fields of a form whose names differ, if they would be sent again as they were written.
fn form(body: &str) -> Option<Vec<Piece>> {
    let fields: Vec<(String, String)> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let is_once = |at: usize| fields[..at].iter().all(|(name, _)| *name != fields[at].0);
    let again = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&fields).finish();
    let are_plain = !fields.is_empty() && again == body && (0..fields.len()).all(is_once);
    are_plain.then(|| fields.iter().map(|(name, value)| Piece::plain(Place::Payload, name, value)).collect())
}

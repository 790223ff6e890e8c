//! Method and payload: a request has one body, or none.

use super::names::GivenNames;
use super::template;
use crate::job::mistake::{Mistakes, Span};
use crate::job::raw::{self, At, Json};
use crate::job::{JsonTemplate, Payload, Template};

/// Methods without a body whose meaning anybody knows (RFC 9110 section 9.3.1 and 9.3.2).
const WITHOUT_BODY: [&str; 2] = ["GET", "HEAD"];

/// The method; by default GET, or POST where there is a payload.
pub(super) fn method(endpoint: &raw::Endpoint, mistakes: &mut Mistakes) -> String {
    let payloads = written(endpoint);
    let Some(method) = &endpoint.common.method else {
        return if payloads.is_empty() { "GET" } else { "POST" }.to_owned();
    };
    check_method(method, mistakes);
    for (key, place) in payloads.iter().filter(|_| WITHOUT_BODY.contains(&method.text())) {
        let hint = "write method = \"POST\", or leave the method out: POST is what a payload goes with";
        mistakes.add(place, format!("`{key}` with method {}", method.value), hint);
    }
    method.value.clone()
}

fn check_method(method: &At<String>, mistakes: &mut Mistakes) {
    let capitals = method.value.to_ascii_uppercase();
    let wrong = match method.text() {
        text if !is_token(text) => {
            (format!("\"{text}\" is no method"), "write \"GET\", \"POST\", \"PUT\" or its like".to_owned())
        }
        text if text != capitals => {
            (format!("the method \"{text}\" is not in capitals"), format!("write \"{capitals}\""))
        }
        text @ ("CONNECT" | "TRACE") => {
            let hint = "it asks for nothing: write \"GET\", \"POST\", \"PUT\" or its like";
            (format!("the method {text} is not for requests of a job"), hint.to_owned())
        }
        _ => return,
    };
    mistakes.add(&method.span, wrong.0, wrong.1);
}

/// RFC 9110 section 5.6.2: a token.
pub(super) fn is_token(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

/// The payload; with more than one the first, which is then a mistake.
pub(super) fn validated(
    endpoint: &raw::Endpoint,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Option<Payload>> {
    let written = written(endpoint);
    for pair in written.windows(2) {
        let message = format!("both `{}` and `{}` in [[endpoint]]", pair[0].0, pair[1].0);
        mistakes.add(&pair[1].1, message, "leave one of them out: a request has one body");
    }
    if let Some(body) = &endpoint.common.body {
        return Some(Some(Payload::Text(template::validated(body, known, mistakes)?)));
    }
    if let Some(form) = &endpoint.common.form {
        let fields: Vec<Option<(String, Template)>> = form
            .value
            .entries()
            .map(|(name, value)| Some((name.value.clone(), template::validated(value, known, mistakes)?)))
            .collect();
        return Some(Some(Payload::Form(fields.into_iter().collect::<Option<_>>()?)));
    }
    match &endpoint.common.json {
        Some(json) => Some(Some(Payload::Json(json_template(&json.value, known, mistakes)?))),
        None => Some(None),
    }
}

/// The payloads that are there, in the order of the file.
fn written(endpoint: &raw::Endpoint) -> Vec<(&'static str, Span)> {
    let json = endpoint.common.json.as_ref().map(|json| ("json", json.span.clone()));
    let form = endpoint.common.form.as_ref().map(|form| ("form", form.span.clone()));
    let body = endpoint.common.body.as_ref().map(|body| ("body", body.span.clone()));
    let mut all: Vec<(&str, Span)> = json.into_iter().chain(form).chain(body).collect();
    all.sort_by_key(|(_, span)| span.start);
    all
}

fn json_template(json: &Json, known: &GivenNames<'_>, mistakes: &mut Mistakes) -> Option<JsonTemplate> {
    match json {
        Json::Fixed(value) => Some(JsonTemplate::Fixed(value.clone())),
        Json::Text(text) => template::validated(text, known, mistakes).map(JsonTemplate::Text),
        Json::List(items) => {
            let items: Vec<Option<JsonTemplate>> =
                items.iter().map(|item| json_template(item, known, mistakes)).collect();
            items.into_iter().collect::<Option<_>>().map(JsonTemplate::List)
        }
        Json::Object(members) => {
            let members: Vec<Option<(String, JsonTemplate)>> = members
                .iter()
                .map(|(name, member)| Some((name.clone(), json_template(member, known, mistakes)?)))
                .collect();
            members.into_iter().collect::<Option<_>>().map(JsonTemplate::Object)
        }
    }
}

//! What is asked: URL, query, headers and payload, for one record or for several at once.

use super::names::{Condition, GivenNames};
use super::{batch, hosts, payload, template, url};
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Batch, Part, Payload, Template, is_idempotent};

/// Headers that belong to the connection, which windrow manages (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2).
const MANAGED: [&str; 11] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// What an endpoint asks.
pub(super) struct Asked {
    pub method: String,
    pub url: Template,
    pub hosts: Vec<String>,
    pub params: Vec<(String, Template)>,
    pub headers: Vec<(String, Template)>,
    pub payload: Option<Payload>,
    pub idempotent: bool,
    pub batch: Option<Batch>,
}

/// Everything that makes an endpoint's requests.
pub(super) fn validated(
    endpoint: &raw::Endpoint,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Asked> {
    let templates: Vec<&At<String>> = endpoint.templates().collect();
    let url = endpoint.url.as_ref().and_then(|written| url(written, known, mistakes));
    let hosts = hosts::validated(endpoint, mistakes);
    if url.as_ref().is_some_and(Template::is_whole_url) {
        hosts::refuse_secrets(&templates, known, mistakes);
    }
    let method = payload::method(endpoint, mistakes);
    let params = params(endpoint, known, mistakes);
    let headers = headers(&endpoint.common, known, mistakes);
    let payload = payload::validated(endpoint, known, mistakes);
    let batch = batch::validated(endpoint, &templates, known, mistakes);
    let may_repeat = endpoint.common.idempotent.as_ref().map(|truth| truth.value);
    Some(Asked {
        idempotent: may_repeat.unwrap_or_else(|| is_idempotent(&method)),
        method,
        url: url?,
        hosts,
        params: params?,
        headers: headers?,
        payload: payload?,
        batch: batch?,
    })
}

fn url(written: &At<String>, known: &GivenNames<'_>, mistakes: &mut Mistakes) -> Option<Template> {
    let template = template::of_a_url(written, known, mistakes)?;
    url::check(&template, written, mistakes);
    Some(template)
}

/// The query's parameters, in the order of the file.
fn params(
    endpoint: &raw::Endpoint,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Vec<(String, Template)>> {
    let entries = endpoint.common.params.iter().flat_map(|params| params.value.entries());
    let parameters: Vec<Option<(String, Template)>> = entries
        .map(|(name, value)| Some((name.value.clone(), template::validated(value, known, mistakes)?)))
        .collect();
    parameters.into_iter().collect()
}

/// The endpoints whose columns its templates and its condition use, in ascending order; those with mistakes do not
/// count.
pub(super) fn needs(
    endpoint: &raw::Endpoint,
    condition: Option<&Condition<'_>>,
    known: &GivenNames<'_>,
) -> Vec<usize> {
    let parsed =
        endpoint.templates().filter_map(|template| Template::parse(template.text(), &known.answers).ok());
    let in_templates = parsed.flat_map(|template| template.parts).filter_map(|part| match part {
        Part::Answer { endpoint, .. } => Some(endpoint),
        _ => None,
    });
    let named = condition.and_then(|condition| condition.uses.as_ref().ok());
    let named = named.into_iter().flat_map(|uses| &uses.answers).map(|((endpoint, _), _)| *endpoint);
    let mut needs: Vec<usize> = in_templates.chain(named).collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

/// The headers, those of the defaults first.
fn headers(
    common: &raw::Common,
    known: &GivenNames<'_>,
    mistakes: &mut Mistakes,
) -> Option<Vec<(String, Template)>> {
    let mut headers = Some(Vec::new());
    let mut before: Vec<String> = Vec::new();
    for (name, value) in common.headers.iter().flat_map(|headers| headers.value.entries()) {
        let lower = name.value.to_ascii_lowercase();
        check_header_name(name, &lower, before.contains(&lower), mistakes);
        before.push(lower.clone());
        let template = template::validated(value, known, mistakes);
        if let Some(template) = &template {
            check_header_value(value, template, mistakes);
        }
        headers = headers.zip(template).map(|(mut headers, template)| {
            headers.push((lower, template));
            headers
        });
    }
    headers
}

fn check_header_name(name: &At<String>, lower: &str, is_second: bool, mistakes: &mut Mistakes) {
    if !payload::is_token(lower) {
        let hint = "letters, digits and `-`, as in X-Api-Key";
        mistakes.add(&name.span, format!("\"{}\" is no name for a header", name.value), hint);
    } else if MANAGED.contains(&lower) {
        let hint = match lower {
            "proxy-authorization" => "write proxy = \"http://user:${PROXY_PASSWORD}@proxy.example.com:3128\"",
            _ => "leave it out",
        };
        mistakes.add(&name.span, format!("the header `{}` is windrow's own to send", name.value), hint);
    } else if is_second {
        let hint = "capitals make no difference: leave one out";
        mistakes.add(&name.span, format!("a second header `{}`", name.value), hint);
    }
}

fn check_header_value(written: &At<String>, template: &Template, mistakes: &mut Mistakes) {
    let literals = template.parts.iter().filter_map(|part| match part {
        Part::Literal(text) => Some(text),
        _ => None,
    });
    for literal in literals {
        if let Some(odd) = literal.chars().find(|&one| one != '\t' && !(' '..='~').contains(&one)) {
            let message = format!("`{}` cannot stand in a header", odd);
            mistakes.add(&written.span, message, "headers hold printable ASCII characters only");
        }
    }
}

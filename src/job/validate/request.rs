//! What is sent: URL, query and headers.

use super::names::Known;
use super::url;
use crate::job::mistake::Mistakes;
use crate::job::raw::{self, At};
use crate::job::{Part, Template};

/// Headers that belong to the connection, which windrow manages (RFC 9110 section 7.6.1, RFC 9113 section 8.2.2).
const MANAGED: [&str; 10] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The URL's template.
pub(super) fn url(written: &At<String>, known: &Known<'_>, mistakes: &mut Mistakes) -> Option<Template> {
    let template = template(written, known, mistakes)?;
    url::check(&template, written, mistakes);
    Some(template)
}

/// The query's parameters, in the order of the file.
pub(super) fn query(
    endpoint: &raw::Endpoint,
    known: &Known<'_>,
    mistakes: &mut Mistakes,
) -> Option<Vec<(String, Template)>> {
    let entries = endpoint.query.iter().flat_map(|query| query.value.entries());
    let parameters: Vec<Option<(String, Template)>> =
        entries.map(|(name, value)| Some((name.value.clone(), template(value, known, mistakes)?))).collect();
    parameters.into_iter().collect()
}

/// The headers: those of the defaults that the endpoint does not name itself, then its own.
pub(super) fn headers(
    endpoint: &raw::Endpoint,
    defaults: Option<&raw::Common>,
    known: &Known<'_>,
    mistakes: &mut Mistakes,
) -> Option<Vec<(String, Template)>> {
    let own = named_headers(&endpoint.common, known, mistakes);
    let general =
        defaults.map_or_else(|| Some(Vec::new()), |defaults| named_headers(defaults, known, mistakes));
    let (own, mut headers) = (own?, general?);
    headers.retain(|(name, _)| own.iter().all(|(other, _)| other != name));
    headers.extend(own);
    Some(headers)
}

/// The endpoints whose columns its templates use, in ascending order; templates with mistakes do not count.
pub(super) fn needs(
    endpoint: &raw::Endpoint,
    defaults: Option<&raw::Common>,
    known: &Known<'_>,
) -> Vec<usize> {
    let own: Vec<&At<String>> = endpoint.common.header_names();
    let is_own = |name: &At<String>| own.iter().any(|other| other.value.eq_ignore_ascii_case(name.text()));
    let general = defaults.and_then(|defaults| defaults.headers.as_ref());
    let general = general.into_iter().flat_map(|headers| headers.value.entries());
    let inherited = general.filter(|(name, _)| !is_own(name)).map(|(_, template)| template);
    let templates = endpoint.templates().chain(inherited);
    let parsed = templates.filter_map(|template| Template::parse(template.text(), &known.answers).ok());
    let mut needs: Vec<usize> = parsed
        .flat_map(|template| template.parts)
        .filter_map(|part| match part {
            Part::Answer { endpoint, .. } => Some(endpoint),
            _ => None,
        })
        .collect();
    needs.sort_unstable();
    needs.dedup();
    needs
}

fn named_headers(
    common: &raw::Common,
    known: &Known<'_>,
    mistakes: &mut Mistakes,
) -> Option<Vec<(String, Template)>> {
    let mut headers = Some(Vec::new());
    let mut before: Vec<String> = Vec::new();
    for (name, value) in common.headers.iter().flat_map(|headers| headers.value.entries()) {
        let lower = name.value.to_ascii_lowercase();
        check_header_name(name, &lower, before.contains(&lower), mistakes);
        before.push(lower.clone());
        let template = template(value, known, mistakes);
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
    // RFC 9110 section 5.6.2: a token.
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    if lower.is_empty() || !lower.bytes().all(fits) {
        let hint = "letters, digits and `-`, as in X-Api-Key";
        mistakes.add(&name.span, format!("\"{}\" is no name for a header", name.value), hint);
    } else if MANAGED.contains(&lower) {
        mistakes.add(
            &name.span,
            format!("the header `{}` is windrow's own to send", name.value),
            "leave it out",
        );
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

fn template(written: &At<String>, known: &Known<'_>, mistakes: &mut Mistakes) -> Option<Template> {
    let parsed = Template::parse(written.text(), &known.answers);
    for mistake in parsed.as_ref().err().into_iter().flatten() {
        mistakes.add(&written.part(mistake.range.clone()), &mistake.message, &mistake.hint);
    }
    parsed.ok()
}

//! The template owns the URL: scheme, host, port and the shape of the path are its own, never a value's.

use ::url::Url;

use crate::job::mistake::Mistakes;
use crate::job::raw::At;
use crate::job::{Part, Template};

/// Notes what a URL's template must not have. One that is a whole URL from the list has nothing to look at.
pub(super) fn check(template: &Template, written: &At<String>, mistakes: &mut Mistakes) {
    if template.is_whole_url() {
        return;
    }
    let checked = whole_url(template).and_then(|()| origin(template));
    if let Err((message, hint)) =
        checked.and_then(|()| characters(template)).and_then(|()| segments(template))
    {
        mistakes.add(&written.span, message, hint);
    }
}

/// Whether a character may stand in a query as it is (RFC 3986 section 3.4; `%` begins an encoded one).
pub(super) fn is_url_character(one: char) -> bool {
    one.is_ascii_alphanumeric() || "-._~!$&'()*+,;=:@/?%".contains(one)
}

/// A message and its hint.
type Refusal = (String, &'static str);

fn refused(message: impl Into<String>, hint: &'static str) -> Result<(), Refusal> {
    Err((message.into(), hint))
}

/// A whole URL leaves nothing to add.
fn whole_url(template: &Template) -> Result<(), Refusal> {
    if template.parts.iter().any(|part| matches!(part, Part::Url(_))) {
        refused(
            "a whole URL from the list beside other text",
            "write url = \"{column:url}\" alone, or leave out `:url`",
        )
    } else {
        Ok(())
    }
}

/// Scheme, host and port of a URL that is not a whole one from the list, if they are right.
pub(super) fn literal_origin(template: &Template) -> Option<Url> {
    origin(template).ok()?;
    let (scheme, authority, _) = beginning(template)?;
    Url::parse(&format!("{scheme}{authority}/")).ok()
}

/// The scheme, what stands behind it up to the path, and the path or query where it is literal.
fn beginning(template: &Template) -> Option<(&'static str, &str, &str)> {
    let Some(Part::Literal(text)) = template.parts.first() else { return None };
    let starts =
        |scheme: &&str| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme));
    let scheme = ["http://", "https://"].into_iter().find(starts)?;
    let rest = &text[scheme.len()..];
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#', '\\']).unwrap_or(rest.len()));
    Some((scheme, authority, path))
}

/// Scheme, host and port are literal, and nobody's password stands between them.
fn origin(template: &Template) -> Result<(), Refusal> {
    let Some((scheme, authority, path)) = beginning(template) else {
        return refused(
            "a URL that does not start with http:// or https://",
            "write the whole URL, scheme and host included; \"{column:url}\" alone is a whole URL from the list",
        );
    };
    if path.is_empty() && template.parts.len() > 1 {
        return refused(
            "the host is not literal",
            "write host and port out, and end them with `/` before the first value",
        );
    }
    if authority.contains('@') {
        return refused(
            "a user name in the URL",
            "write it beside the URL: auth = { basic = \"user:${PASSWORD}\" }",
        );
    }
    match Url::parse(&format!("{scheme}{authority}/")) {
        Ok(url) if url.host().is_some() && url.port() != Some(0) => Ok(()),
        Ok(_) => refused("no host in the URL", "write it as https://host/path"),
        Err(error) => refused(format!("no valid host in the URL: {error}"), "write it as https://host/path"),
    }
}

/// Literal text holds what a URL may hold, and no fragment.
fn characters(template: &Template) -> Result<(), Refusal> {
    for part in &template.parts {
        let Part::Literal(text) = part else { continue };
        if text.contains('#') {
            return refused(
                "a fragment (`#`) in the URL",
                "servers never see it: leave it out, or write %23",
            );
        }
        if text.contains('\\') {
            return refused("a backslash in the URL", "write / between the parts of a path, or %5C");
        }
        if text.contains(|one: char| one.is_whitespace() || one.is_control()) {
            return refused("a space or control character in the URL", "write %20 for a space");
        }
    }
    Ok(())
}

/// No `.` or `..` in the path, which would be resolved away.
fn segments(template: &Template) -> Result<(), Refusal> {
    let with_values: String =
        template.parts.iter().map(|part| if let Part::Literal(text) = part { text } else { "x" }).collect();
    let path = with_values.split('?').next().unwrap_or_default();
    let is_dots =
        |segment: &str| matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(is_dots) {
        return refused("`.` or `..` in the URL's path", "write the path that is meant");
    }
    Ok(())
}

//! How text gets into a URL (RFC 3986), a form and a JSON text.
//!
//! A value never changes the URL's shape: everything but the unreserved characters is percent-encoded, so
//! that decoding its slot gives the exact value back. What the job's author wrote in the URL itself keeps its
//! delimiters; only what may not stand in a URL at all is encoded there.

use std::borrow::Cow;

use percent_encoding::{
    AsciiSet, CONTROLS, NON_ALPHANUMERIC, percent_decode_str, percent_encode_byte, utf8_percent_encode,
};
use url::form_urlencoded;

/// All but the unreserved characters of RFC 3986, section 2.3.
const VALUE: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// What may stand nowhere in a URL. `\` is among them because URL parsers of browsers take it for `/`.
const LITERAL: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'#')
    .add(b'<')
    .add(b'>')
    .add(b'\\')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

/// Longest encoded spelling of `..` that [`is_dot_segment`] sees through: `%252e%252e`.
const LONGEST_DOTS: usize = 10;

/// Appends a value, encoded, to a URL.
pub(super) fn push_component(url: &mut String, value: &str) {
    url.extend(utf8_percent_encode(value, VALUE));
}

/// A value as it stands in a URL.
pub(super) fn component(value: &str) -> String {
    utf8_percent_encode(value, VALUE).to_string()
}

/// Appends a part of the URL as the job's author wrote it; `%` stays where it begins an escape.
pub(super) fn push_literal(url: &mut String, text: &str) {
    let mut pieces = text.split('%');
    url.extend(pieces.next().map(literal_without_escapes).into_iter().flatten());
    for piece in pieces {
        let escape = piece.len() >= 2 && piece.bytes().take(2).all(|byte| byte.is_ascii_hexdigit());
        url.push_str(if escape { "%" } else { percent_encode_byte(b'%') });
        url.extend(literal_without_escapes(piece));
    }
}

fn literal_without_escapes(text: &str) -> impl Iterator<Item = &str> {
    utf8_percent_encode(text, LITERAL)
}

/// Appends a value to an `application/x-www-form-urlencoded` text.
pub(super) fn push_form(out: &mut String, value: &str) {
    out.extend(form_urlencoded::byte_serialize(value.as_bytes()));
}

/// A value as it stands in a form.
pub(super) fn form(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}

/// Appends a value to a JSON string (RFC 8259, section 7), without the quotes around it.
pub(super) fn push_json(out: &mut String, value: &str) {
    if !value.bytes().any(|byte| byte < b' ' || byte == b'"' || byte == b'\\') {
        return out.push_str(value);
    }
    let quoted = serde_json::Value::from(value).to_string();
    out.push_str(&quoted[1..quoted.len() - 1]);
}

/// A value as a JSON string holds it, without the quotes around it.
pub(super) fn json(value: &str) -> String {
    let mut out = String::with_capacity(value.len());
    push_json(&mut out, value);
    out
}

/// Whether a path segment is `.` or `..`, plainly or encoded once or twice: a server (or something before
/// it) may decode before it resolves such segments, and would look elsewhere.
pub(super) fn is_dot_segment(segment: &str) -> bool {
    if segment.len() > LONGEST_DOTS || !segment.starts_with(['.', '%']) {
        return false;
    }
    let once = decoded(segment);
    let twice = decoded(&once);
    [segment, &once, &twice].into_iter().any(|form| form == "." || form == "..")
}

fn decoded(text: &str) -> Cow<'_, str> {
    percent_decode_str(text).decode_utf8_lossy()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_only_unreserved_characters() {
        assert_eq!(component("aZ09-._~"), "aZ09-._~");
        assert_eq!(component("a/b?c#d%e@f:g h+é"), "a%2Fb%3Fc%23d%25e%40f%3Ag%20h%2B%C3%A9");
    }

    #[test]
    fn literals_keep_their_delimiters_and_escapes() {
        let mut url = String::new();
        push_literal(&mut url, "/a b/%2F/100%/%zz?x[]=ü&y=|");
        assert_eq!(url, "/a%20b/%2F/100%25/%25zz?x[]=%C3%BC&y=%7C");
    }

    #[test]
    fn forms_and_json_have_their_own_escapes() {
        assert_eq!(form("a b&c=d+é*~"), "a+b%26c%3Dd%2B%C3%A9*%7E");
        assert_eq!(json("plain é/"), "plain é/");
        assert_eq!(json("\"\\\n\0\u{1f}"), r#"\"\\\n\u0000\u001f"#);
    }

    #[test]
    fn dots_are_seen_in_every_spelling() {
        for dots in [".", "..", "%2e", "%2E.", ".%2e", "%2e%2E", "%252e%252E", "%252e", ".%252e"] {
            assert!(is_dot_segment(dots), "{dots}");
        }
        for name in ["...", ".a", "a.", "", "%2f", "%2e%2e%2e", "..%2F..", "%"] {
            assert!(!is_dot_segment(name), "{name}");
        }
    }
}

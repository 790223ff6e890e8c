//! What an answer is, where it is not what the job takes it for: told by its first bytes, and by what its server says.
//!
//! | read as | it is | how that is seen |
//! |---|---|---|
//! | anything | a PDF, picture, archive, font, … | its signature (crate infer), and bytes that no text has |
//! | anything | some other binary data | a null byte, and a `Content-Type` that is none of text |
//! | html | XML | its declaration or `Content-Type`; XHTML, whose root is `html`, is read as HTML |
//! | html | JSON | `{` or `[`, and its `Content-Type`; or it is valid, without a `<` that might begin a tag |
//! | html | some other binary data | a null byte, and no `<` |
//! | json | a page, such as that of a login, or XML | `<` |
//!
//! Bytes that no text has are those of the MIME Sniffing standard (section 5, "binary data byte"): without them a text
//! that begins with `BM` would be a picture. A `Content-Type` alone convicts nothing: servers send pages as
//! `application/octet-stream`, and fragments of HTML as JSON. Text is never looked at further than its beginning.
//!
//! Every one of these is a failure, of kind `not_json` or `content_type`, that says what came: as HTML or text it would
//! have been a row of nulls.

use super::charset::{Reading, is_utf_16};
use super::content_type::ContentType;
use crate::record::{Failure, Kind};

/// Bytes that are looked at: the standard's "resource header".
const LOOKED_AT: usize = 1445;

/// Bytes in which a page's title is looked for, and characters of it that are shown.
const TITLE_WITHIN: usize = 8192;
const TITLE_SHOWN: usize = 60;

/// Refuses bytes that are no text.
pub(super) fn check_bytes(
    reading: Reading,
    content_type: Option<&ContentType>,
    body: &[u8],
) -> Result<(), Failure> {
    if reading == Reading::Json && may_be_json(body) {
        return Ok(());
    }
    match not_text(&body[..body.len().min(LOOKED_AT)], content_type, reading) {
        Some(what) => Err(another(reading, what)),
        None => Ok(()),
    }
}

/// Refuses text, in UTF-8, of another kind than is read.
pub(super) fn check_text(
    reading: Reading,
    content_type: Option<&ContentType>,
    text: &[u8],
) -> Result<(), Failure> {
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text).trim_ascii_start();
    let what = match (reading, text.first()) {
        (Reading::Json, Some(b'<')) => Some(markup(text)),
        (Reading::Html, Some(b'<')) if is_xml(text, content_type) => {
            Some(format!("XML (its root is <{}>)", root(text).unwrap_or_default()))
        }
        (Reading::Html, Some(b'{' | b'[')) if is_json(text, content_type) => Some("JSON".to_owned()),
        _ => None,
    };
    what.map_or(Ok(()), |what| Err(another(reading, what)))
}

fn another(reading: Reading, what: String) -> Failure {
    let (kind, wanted) = match reading {
        Reading::Json => (Kind::NotJson, "JSON"),
        Reading::Html => (Kind::ContentType, "HTML"),
        Reading::Text | Reading::Any => (Kind::ContentType, "text"),
    };
    Failure::lasting(kind, format!("the answer is {what}, not {wanted}"))
}

/// Whether the first byte may be that of JSON, or of a call or comment around it.
fn may_be_json(body: &[u8]) -> bool {
    body.trim_ascii_start()
        .first()
        .is_none_or(|first| matches!(first, b'{' | b'[' | b'"' | b'-' | b'/' | b'0'..=b'9'))
}

fn not_text(head: &[u8], content_type: Option<&ContentType>, reading: Reading) -> Option<String> {
    let is_pdf = head.starts_with(b"%PDF-");
    if is_utf_16(head) || !is_pdf && !head.iter().any(is_binary) {
        return None;
    }
    let signature = infer::get(head).filter(|found| found.matcher_type() != infer::MatcherType::Text);
    if let Some(found) = signature {
        return Some(format!("{} by its first bytes", found.mime_type()));
    }
    let says_text = |ty: &ContentType| ty.says(&["text/", "html", "xml", "json", "script"]);
    let has_tags = reading != Reading::Html || head.contains(&b'<');
    let is_said = content_type.map_or(reading == Reading::Html, |ty| !says_text(ty));
    ((is_said || !has_tags) && head.contains(&0)).then(|| match content_type {
        Some(ty) => format!("binary data ({})", ty.text()),
        None => "binary data".to_owned(),
    })
}

fn is_binary(byte: &u8) -> bool {
    matches!(byte, 0..=8 | 0x0b | 0x0e..=0x1a | 0x1c..=0x1f)
}

/// Whether what begins like JSON is JSON: its server says so, or it is nothing else. `{"error": "busy"}` as HTML would be
/// a row of nulls.
fn is_json(text: &[u8], content_type: Option<&ContentType>) -> bool {
    content_type.is_some_and(|ty| ty.says(&["json"]))
        || memchr::memchr(b'<', text).is_none()
            && serde_json::from_slice::<serde::de::IgnoredAny>(text).is_ok()
}

fn is_xml(text: &[u8], content_type: Option<&ContentType>) -> bool {
    let is_declared = text.starts_with(b"<?xml");
    let is_said = || content_type.is_some_and(|ty| ty.says(&["/xml", "+xml"]) && !ty.says(&["html"]));
    (is_declared || is_said()) && root(text).is_none_or(|root| !root.eq_ignore_ascii_case("html"))
}

/// The name of the first element, without its prefix.
fn root(text: &[u8]) -> Option<String> {
    let mut rest = text;
    loop {
        rest = rest.trim_ascii_start();
        let end: &[u8] = match rest {
            _ if rest.starts_with(b"<!--") => b"-->",
            _ if rest.starts_with(b"<?") => b"?>",
            _ if is_doctype_html(rest) => return Some("html".to_owned()),
            // One with definitions of its own ends where the last of them does.
            _ if rest.starts_with(b"<!") && has_subset(rest) => b"]>",
            _ if rest.starts_with(b"<!") => b">",
            _ => break,
        };
        rest = &rest[memchr::memmem::find(rest, end)? + end.len()..];
    }
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, b'>' | b'/');
    let name = rest.strip_prefix(b"<")?.split(is_end).next()?;
    let name = name.rsplit(|byte| *byte == b':').next()?;
    Some(String::from_utf8_lossy(&name[..name.len().min(TITLE_SHOWN)]).into_owned())
}

fn is_doctype_html(rest: &[u8]) -> bool {
    const DOCTYPE: &[u8] = b"<!doctype html";
    rest.get(..DOCTYPE.len()).is_some_and(|start| start.eq_ignore_ascii_case(DOCTYPE))
}

fn has_subset(doctype: &[u8]) -> bool {
    let first = doctype.iter().find(|byte| matches!(byte, b'[' | b'>'));
    first == Some(&b'[')
}

/// A page by its title, or XML by its root.
fn markup(text: &[u8]) -> String {
    match (root(text), title(text)) {
        (Some(root), _) if text.starts_with(b"<?xml") && !root.eq_ignore_ascii_case("html") => {
            format!("XML (its root is <{root}>)")
        }
        (_, Some(title)) => format!("a web page titled {title:?}"),
        (root, None) => format!("a web page or XML (its root is <{}>)", root.unwrap_or_default()),
    }
}

fn title(text: &[u8]) -> Option<String> {
    let head = text[..text.len().min(TITLE_WITHIN)].to_ascii_lowercase();
    let tag = memchr::memmem::find(&head, b"<title")?;
    let start = tag + memchr::memchr(b'>', &head[tag..])? + 1;
    let end = start + memchr::memchr(b'<', &head[start..])?;
    let title = String::from_utf8_lossy(&text[start..end]);
    let words: Vec<&str> = title.split_whitespace().collect();
    Some(words.join(" ").chars().take(TITLE_SHOWN).collect()).filter(|title: &String| !title.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: [Reading; 4] = [Reading::Json, Reading::Html, Reading::Text, Reading::Any];

    fn checked(reading: Reading, content_type: &str, body: impl AsRef<[u8]>) -> Result<(), Failure> {
        let content_type = ContentType::from_text(content_type).filter(|_| !content_type.is_empty());
        check_bytes(reading, content_type.as_ref(), body.as_ref())?;
        check_text(reading, content_type.as_ref(), body.as_ref())
    }

    fn refusal(reading: Reading, content_type: &str, body: impl AsRef<[u8]>) -> String {
        checked(reading, content_type, body).unwrap_err().detail
    }

    #[test]
    fn files_are_refused_by_what_they_are() {
        for (body, what) in [
            (&b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj"[..], "application/pdf"),
            (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "image/png"),
            (b"\xff\xd8\xff\xe0\0\x10JFIF\0", "image/jpeg"),
            (b"GIF89a\x01\0\x01\0", "image/gif"),
            (b"PK\x03\x04\x14\0\x06\0\x08\0", "application/zip"),
            (b"\x1f\x8b\x08\0\0\0\0\0\0\x03", "application/gzip"),
            (b"\x28\xb5\x2f\xfd\x04\x58", "application/zstd"),
            (b"\0\x01\0\0\0\x0f\0\x80", "application/font-sfnt"),
        ] {
            // Whatever the server says it were.
            for content_type in ["", "text/html; charset=utf-8", "application/json"] {
                for reading in EVERY {
                    let failure = checked(reading, content_type, body).unwrap_err();
                    let kind = if reading == Reading::Json { Kind::NotJson } else { Kind::ContentType };
                    assert_eq!((failure.kind, failure.worth_repeating), (kind, false));
                    assert!(failure.detail.contains(what), "{reading:?} {failure:?}");
                }
            }
        }
        assert_eq!(
            refusal(Reading::Text, "application/x-thing", b"\x01\x02\0\x03"),
            "the answer is binary data (application/x-thing), not text"
        );
        assert_eq!(refusal(Reading::Html, "", b"\x01\x02\0\x03"), "the answer is binary data, not HTML");
        assert_eq!(
            refusal(Reading::Html, "text/html", b"\x7fELF\x02\0\0"),
            "the answer is binary data (text/html), not HTML"
        );
    }

    #[test]
    fn text_is_let_through_whatever_it_begins_with() {
        for body in
            ["BMW 320d", "MZ", "ID3 and MP3", "FLV", "Rar!", "", "<p>", "8=FIX.4.2\u{1}9=65\u{1}", "a\0b"]
        {
            for content_type in ["", "text/html", "text/plain"] {
                assert_eq!(checked(Reading::Text, content_type, body), Ok(()), "{body:?} {content_type}");
            }
        }
        assert_eq!(checked(Reading::Html, "application/octet-stream", "<p>a"), Ok(()));
        assert_eq!(checked(Reading::Html, "image/png", "<p>a"), Ok(()));
        assert_eq!(checked(Reading::Html, "text/html", "<p>\0\u{1}a"), Ok(()));
        assert_eq!(checked(Reading::Html, "", b"\xff\xfe<\0p\0>\0"), Ok(()));
    }

    #[test]
    fn xml_is_no_html_but_xhtml_is() {
        for (content_type, body) in [
            ("text/html", "<?xml version='1.0'?><rss><link>a</link></rss>"),
            ("application/rss+xml", "<rss></rss>"),
            ("text/xml; charset=utf-8", "\u{feff} <!-- <html> --><a:rss/>"),
            ("", "<?xml version='1.0'?><!DOCTYPE rss [<!ENTITY a '>'>]><rss/>"),
            ("image/svg+xml", "<!DOCTYPE svg><rss xmlns='x'/>"),
        ] {
            let detail = refusal(Reading::Html, content_type, body);
            assert_eq!(detail, "the answer is XML (its root is <rss>), not HTML", "{body}");
            assert_eq!(checked(Reading::Text, content_type, body), Ok(()));
            assert_eq!(checked(Reading::Any, content_type, body), Ok(()));
        }
        for (content_type, body) in [
            ("application/xhtml+xml", "<p>a"),
            ("application/xml", "<?xml version='1.0'?>\n<!DOCTYPE html PUBLIC 'x'><html>"),
            ("text/xml", "<?xml version='1.0'?><!-- a --><?b?><html xmlns='x'>"),
            ("text/html", "<svg></svg>"),
            ("", "<x>"),
        ] {
            assert_eq!(checked(Reading::Html, content_type, body), Ok(()), "{body}");
        }
    }

    #[test]
    fn json_is_no_html() {
        assert_eq!(
            refusal(Reading::Html, "application/json", " {\"error\":\"busy\"}"),
            "the answer is JSON, not HTML"
        );
        for content_type in ["", "text/html"] {
            for body in ["{\"error\":\"busy\"}", "\u{feff}[]"] {
                assert_eq!(
                    refusal(Reading::Html, content_type, body),
                    "the answer is JSON, not HTML",
                    "{body}"
                );
            }
            for body in ["[no JSON]", "{\"html\":\"<li>a\"}", "7", "busy"] {
                assert_eq!(checked(Reading::Html, content_type, body), Ok(()), "{body}");
            }
        }
        assert_eq!(checked(Reading::Html, "application/json", "<li>a"), Ok(()));
        assert_eq!(checked(Reading::Html, "text/html", "{{title}}<li>"), Ok(()));
    }

    #[test]
    fn a_page_in_place_of_json_is_named() {
        let page = "<!DOCTYPE html>\n<HTML><head><TITLE id=x>\n Sign  in </TITLE>";
        assert_eq!(
            refusal(Reading::Json, "text/html", page),
            "the answer is a web page titled \"Sign in\", not JSON"
        );
        assert_eq!(
            refusal(Reading::Json, "", "<html><body>We'll be back"),
            "the answer is a web page or XML (its root is <html>), not JSON"
        );
        assert_eq!(
            refusal(Reading::Json, "", "<?xml version=\"1.0\"?><Error><Code>1</Code></Error>"),
            "the answer is XML (its root is <Error>), not JSON"
        );
        for body in ["{}", "[1,2", " \n", "cb(1)", "/**/cb(1)", "nothing", "{\"a\":\"\u{1}\0\"}"] {
            assert_eq!(checked(Reading::Json, "", body), Ok(()), "{body}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_answer_is_too_odd(body in "(<\\?xml|\\?>|<!DOCTYPE|<!--|-->| html|\\[|\\]>|<title|>|<|a:b|/|\0){0,20}") {
            for reading in EVERY {
                let _ = checked(reading, "application/xml", &body);
            }
        }
    }
}

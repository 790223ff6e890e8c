//! Text in whatever charset, handed on as UTF-8.
//!
//! | the answer is | its charset | bytes that do not fit |
//! |---|---|---|
//! | html | byte order mark, `content-type`, its own `<meta>`, or else UTF-8 | U+FFFD |
//! | text, or for a program | byte order mark, `content-type`, or else UTF-8 | U+FFFD |
//! | json | byte order mark, `content-type`, or else UTF-8 (RFC 8259, section 8.1) | a failure; UTF-8 stays as it is, for the parser to judge |
//!
//! That is the order of the Encoding standard, whose labels count: `iso-8859-1` is windows-1252.

use bytes::Bytes;
use encoding_rs::{CoderResult, Encoding, UTF_8};
use hyper::header::{CONTENT_TYPE, HeaderMap};

use super::{encoding, prescan};
use crate::job::{AnswerFormat, Endpoint};
use crate::record::{Failure, Kind};

/// How an answer is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    Json,
    Html,
    Text,
    /// A program of the job's takes it as text: a page by its content type, or else plain.
    Any,
}

impl Reading {
    /// How an endpoint's answers are read.
    pub(super) fn of(endpoint: &Endpoint) -> Reading {
        match endpoint.answer {
            _ if endpoint.pipe.is_some() => Reading::Any,
            AnswerFormat::Json | AnswerFormat::JsonLines | AnswerFormat::Jsonp => Reading::Json,
            AnswerFormat::Html => Reading::Html,
            AnswerFormat::Text => Reading::Text,
        }
    }
}

/// The body in UTF-8, at most `limit` bytes of it.
pub(super) fn to_utf8(
    reading: Reading,
    headers: &HeaderMap,
    body: Bytes,
    limit: u64,
) -> Result<Bytes, Failure> {
    if let Some((encoding, length)) = Encoding::for_bom(&body) {
        return converted(reading, encoding, body.slice(length..), limit);
    }
    let encoding = match declared(headers)? {
        Some(encoding) => encoding,
        None if is_page(reading, headers) => prescan::encoding(&body).unwrap_or(UTF_8),
        None => UTF_8,
    };
    converted(reading, encoding, body, limit)
}

/// The body as text as well as it can be had.
pub(super) fn to_text(headers: &HeaderMap, body: Bytes) -> String {
    let read = to_utf8(Reading::Any, headers, body.clone(), u64::MAX);
    String::from_utf8_lossy(&read.unwrap_or(body)).into_owned()
}

fn is_page(reading: Reading, headers: &HeaderMap) -> bool {
    match reading {
        Reading::Html => true,
        Reading::Any => content_type(headers).is_some_and(|text| text.to_ascii_lowercase().contains("html")),
        Reading::Json | Reading::Text => false,
    }
}

/// The charset that the server names.
fn declared(headers: &HeaderMap) -> Result<Option<&'static Encoding>, Failure> {
    let Some(label) = content_type(headers).and_then(charset) else { return Ok(None) };
    match Encoding::for_label_no_replacement(label.as_bytes()) {
        Some(encoding) => Ok(Some(encoding)),
        None => Err(Failure::lasting(Kind::Decode, format!("the charset {label:?} is not known"))),
    }
}

fn content_type(headers: &HeaderMap) -> Option<&str> {
    std::str::from_utf8(headers.get(CONTENT_TYPE)?.as_bytes()).ok()
}

/// The value of a media type's `charset` parameter.
fn charset(content_type: &str) -> Option<&str> {
    let parameters = content_type.split(';').skip(1).filter_map(|parameter| parameter.split_once('='));
    parameters
        .filter(|(name, _)| name.trim().eq_ignore_ascii_case("charset"))
        .map(|(_, value)| value.trim().trim_matches(['"', '\'']))
        .find(|value| !value.is_empty())
}

fn converted(
    reading: Reading,
    encoding: &'static Encoding,
    body: Bytes,
    limit: u64,
) -> Result<Bytes, Failure> {
    let is_json = reading == Reading::Json;
    let is_utf8 = encoding == UTF_8 && (is_json || std::str::from_utf8(&body).is_ok());
    if is_utf8 || encoding.is_ascii_compatible() && body.is_ascii() {
        return Ok(body);
    }
    let mut decoder = encoding.new_decoder_without_bom_handling();
    let mut text = String::with_capacity(body.len() + body.len() / 4);
    let mut from = 0;
    loop {
        let (result, read, had_errors) = decoder.decode_to_string(&body[from..], &mut text, true);
        from += read;
        if text.len() as u64 > limit {
            return Err(encoding::too_large(limit));
        }
        if had_errors && is_json {
            return Err(Failure::lasting(Kind::Decode, format!("the body is not valid {}", encoding.name())));
        }
        match result {
            CoderResult::InputEmpty => return Ok(text.into()),
            CoderResult::OutputFull => text.reserve(text.len() / 2 + 64),
        }
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    fn read(reading: Reading, content_type: &str, body: &[u8]) -> Result<String, Kind> {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_str(content_type).unwrap())]);
        let body = to_utf8(reading, &headers, Bytes::copy_from_slice(body), 1000);
        body.map(|body| String::from_utf8(body.to_vec()).unwrap()).map_err(|failure| failure.kind)
    }

    const EVERY: [Reading; 4] = [Reading::Json, Reading::Html, Reading::Text, Reading::Any];

    #[test]
    fn the_server_names_the_charset() {
        for reading in EVERY {
            for content_type in [
                "text/html; charset=iso-8859-1",
                "application/json;Charset=\"windows-1252\"",
                "text/plain; format=flowed; charset='latin1' ; x=y",
                "text/plain; charset=; charset=latin1",
            ] {
                assert_eq!(
                    read(reading, content_type, b"\"caf\xe9 \x80\"").unwrap(),
                    "\"café €\"",
                    "{content_type}"
                );
            }
            assert_eq!(read(reading, "a/b; charset=shift_jis", b"\x93\xfa\x96{").unwrap(), "日本");
            assert_eq!(read(reading, "a/b; charset=iso-2022-jp", b"\x1b$BF|K\\\x1b(B").unwrap(), "日本");
            assert_eq!(read(reading, "a/b; charset=utf-16le", b"a\0\xe9\0").unwrap(), "aé");
            assert_eq!(read(reading, "a/b; charset=utf-8", "é".as_bytes()).unwrap(), "é");
            for unknown in ["a/b; charset=klingon", "a/b; charset=utf-32", "a/b; charset=hz-gb-2312"] {
                assert_eq!(read(reading, unknown, b"abc"), Err(Kind::Decode), "{unknown}");
            }
        }
    }

    #[test]
    fn a_byte_order_mark_wins_and_is_dropped() {
        for reading in EVERY {
            assert_eq!(read(reading, "a/b; charset=latin1", b"\xef\xbb\xbf\xc3\xa9").unwrap(), "é");
            assert_eq!(read(reading, "a/b", b"\xff\xfe{\0}\0").unwrap(), "{}");
            assert_eq!(read(reading, "a/b; charset=klingon", b"\xfe\xff\0{\0}").unwrap(), "{}");
        }
    }

    #[test]
    fn a_page_names_its_own_charset_unless_the_server_does() {
        let page = b"<meta charset=windows-1252>\xe9";
        assert_eq!(read(Reading::Html, "text/html", page).unwrap(), "<meta charset=windows-1252>é");
        assert_eq!(read(Reading::Any, "text/HTML", page).unwrap(), "<meta charset=windows-1252>é");
        assert_eq!(
            read(Reading::Html, "text/html; charset=utf-8", page).unwrap(),
            "<meta charset=windows-1252>\u{fffd}"
        );
        assert_eq!(read(Reading::Text, "text/html", page).unwrap(), "<meta charset=windows-1252>\u{fffd}");
        assert_eq!(read(Reading::Any, "text/plain", page).unwrap(), "<meta charset=windows-1252>\u{fffd}");
    }

    #[test]
    fn bytes_that_do_not_fit_are_replaced_in_text_and_never_in_json() {
        assert_eq!(read(Reading::Text, "a/b", b"a\xffb").unwrap(), "a\u{fffd}b");
        assert_eq!(
            read(Reading::Html, "a/b; charset=shift_jis", b"a\xff\xffb").unwrap(),
            "a\u{fffd}\u{fffd}b"
        );
        assert_eq!(read(Reading::Json, "a/b; charset=shift_jis", b"a\xff\xffb"), Err(Kind::Decode));
        for content_type in ["application/json", "application/json; charset=UTF-8"] {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            let body = Bytes::from_static(b"a\xffb");
            assert_eq!(to_utf8(Reading::Json, &headers, body.clone(), 1000).unwrap(), body);
        }
    }

    #[test]
    fn text_may_not_grow_beyond_the_limit() {
        assert_eq!(read(Reading::Text, "a/b; charset=latin1", &[0xe9; 500]).unwrap().len(), 1000);
        assert_eq!(read(Reading::Text, "a/b; charset=latin1", &[0xe9; 501]), Err(Kind::TooLarge));
        assert_eq!(read(Reading::Text, "a/b", &[0xff; 400]), Err(Kind::TooLarge));
    }

    #[test]
    fn an_error_page_is_text_whatever_it_is() {
        let text = |content_type: &'static str, body: &'static [u8]| {
            let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
            to_text(&headers, Bytes::from_static(body))
        };
        assert_eq!(text("text/html", b"<meta charset=latin1>\xe9"), "<meta charset=latin1>é");
        assert_eq!(text("a/b; charset=klingon", b"qapl\xff"), "qapl\u{fffd}");
    }
}

//! Text in whatever charset, handed on as UTF-8.
//!
//! | the answer is | its charset: the first of these that there is | bytes that do not fit |
//! |---|---|---|
//! | html | byte order mark, UTF-16 by its zeros, `content-type`, its own `<meta>`, UTF-8 | U+FFFD |
//! | text, or for a program | byte order mark, UTF-16 by its zeros, `content-type`, UTF-8 | U+FFFD |
//! | json | byte order mark, UTF-16 by its zeros, UTF-8 if it is valid, `content-type`, UTF-8 | a failure; UTF-8 stays as it is, for the parser to judge |
//!
//! That is the order of the Encoding standard, whose labels count: `iso-8859-1` is windows-1252. JSON is UTF-8 whatever
//! its server says (RFC 8259, section 8.1), and is never copied then. A charset that nobody knows (`none`) is as good
//! as none; one that is known and cannot be read here (UTF-32, UTF-7, `hz-gb-2312`) is a failure, since as UTF-8 it would be
//! another text. So is not UTF-16: where a server says so of bytes that are valid UTF-8 without a zero, they are UTF-8.

use std::borrow::Cow;

use encoding_rs::{CoderResult, Encoding, REPLACEMENT, UTF_8, UTF_16BE, UTF_16LE};

use super::content_type::ContentType;
use super::{encoding, prescan};
use crate::job::{AnswerFormat, Endpoint};
use crate::record::{Failure, Kind};

/// Names that servers give to encodings which the standard lists under others.
const ALIASES: [(&str, &str); 5] = [
    ("latin-1", "windows-1252"),
    ("cp932", "shift_jis"),
    ("cp936", "gbk"),
    ("cp949", "euc-kr"),
    ("cp950", "big5"),
];

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
        match endpoint.format {
            _ if endpoint.pipe.is_some() => Reading::Any,
            AnswerFormat::Json | AnswerFormat::JsonLines | AnswerFormat::Jsonp => Reading::Json,
            AnswerFormat::Html => Reading::Html,
            AnswerFormat::Text => Reading::Text,
        }
    }
}

/// The body in UTF-8, at most `limit` bytes of it.
pub(super) fn to_utf8<'b>(
    reading: Reading,
    content_type: Option<&ContentType>,
    body: &'b [u8],
    limit: u64,
) -> Result<Cow<'b, [u8]>, Failure> {
    if is_utf_32(body) {
        return Err(unreadable("UTF-32"));
    }
    if content_type.is_some_and(|content_type| is_utf_7(content_type, body)) {
        return Err(unreadable("UTF-7"));
    }
    let (encoding, from) = match marked(body) {
        Some(found) => found,
        None => (encoding_of(reading, content_type, body)?, 0),
    };
    converted(reading, encoding, &body[from..], limit)
}

/// Whether these are the first bytes of UTF-16.
pub(super) fn is_utf_16(body: &[u8]) -> bool {
    marked(body).is_some_and(|(encoding, _)| encoding != UTF_8)
}

/// The encoding that the first bytes tell, and how many of them are its mark.
fn marked(body: &[u8]) -> Option<(&'static Encoding, usize)> {
    Encoding::for_bom(body).or_else(|| Some((by_zeros(body)?, 0)))
}

/// UTF-16 without its mark: every other byte of the first characters is zero, as those of JSON and HTML are in ASCII.
fn by_zeros(body: &[u8]) -> Option<&'static Encoding> {
    match *body {
        [a, 0] | [a, 0, 1..=255, 0, ..] if is_text(a) => Some(UTF_16LE),
        [0, a] | [0, a, 0, 1..=255, ..] if is_text(a) => Some(UTF_16BE),
        _ => None,
    }
}

/// Whether these are the first bytes of UTF-32, whose mark begins like that of UTF-16.
fn is_utf_32(body: &[u8]) -> bool {
    match *body {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => true,
        [a, 0, 0, 0, ..] | [0, 0, 0, a, ..] => is_text(a),
        _ => false,
    }
}

fn is_text(byte: u8) -> bool {
    byte.is_ascii_graphic() || byte.is_ascii_whitespace()
}

/// What the server and the page say.
fn encoding_of(
    reading: Reading,
    content_type: Option<&ContentType>,
    body: &[u8],
) -> Result<&'static Encoding, Failure> {
    let is_json = reading == Reading::Json
        || reading == Reading::Any && content_type.is_some_and(|content_type| content_type.says(&["json"]));
    let named = content_type.and_then(named);
    let is_wide = |encoding| encoding == UTF_16LE || encoding == UTF_16BE;
    match named {
        Some(Named::Encoding(encoding)) if encoding == UTF_8 => Ok(UTF_8),
        Some(Named::Encoding(encoding)) if (is_json || is_wide(encoding)) && is_plain_utf_8(body) => {
            Ok(UTF_8)
        }
        Some(Named::Encoding(encoding)) => Ok(encoding),
        // The escapes of HZ (RFC 1843) are ASCII.
        Some(Named::Unreadable(label))
            if !is_plain_utf_8(body) || memchr::memmem::find(body, b"~{").is_some() =>
        {
            Err(unreadable(&String::from_utf8_lossy(label)))
        }
        None if is_page(reading, content_type) => Ok(prescan::encoding(body).unwrap_or(UTF_8)),
        _ => Ok(UTF_8),
    }
}

/// Whether it is UTF-8 and nothing else: other encodings have bytes that UTF-8 has not, or zeros (UTF-16), or
/// escapes (those of ISO 2022), none of which is in JSON.
fn is_plain_utf_8(body: &[u8]) -> bool {
    memchr::memchr3(0, 0x0e, 0x1b, body).is_none() && std::str::from_utf8(body).is_ok()
}

/// A charset that is known.
enum Named<'a> {
    Encoding(&'static Encoding),
    Unreadable(&'a [u8]),
}

/// The first charset of a `content-type` that is known.
fn named(content_type: &ContentType) -> Option<Named<'_>> {
    content_type.charsets().find_map(|label| {
        let alias = ALIASES.iter().find(|(alias, _)| label.eq_ignore_ascii_case(alias.as_bytes()));
        match Encoding::for_label(alias.map_or(label, |(_, name)| name.as_bytes())) {
            Some(encoding) if encoding == REPLACEMENT => Some(Named::Unreadable(label)),
            Some(encoding) => Some(Named::Encoding(encoding)),
            None => label.to_ascii_lowercase().starts_with(b"utf-32").then_some(Named::Unreadable(label)),
        }
    })
}

/// Whether text that looks like ASCII says something else: escapes of UTF-7 (RFC 2152) begin with `+`.
fn is_utf_7(content_type: &ContentType, body: &[u8]) -> bool {
    content_type.charsets().any(|label| label.eq_ignore_ascii_case(b"utf-7"))
        && body.is_ascii()
        && body.contains(&b'+')
}

fn unreadable(label: &str) -> Failure {
    Failure::lasting(Kind::Decode, format!("the charset {label} cannot be read"))
}

fn is_page(reading: Reading, content_type: Option<&ContentType>) -> bool {
    match reading {
        Reading::Html => true,
        Reading::Any => content_type.is_some_and(|content_type| content_type.says(&["html"])),
        Reading::Json | Reading::Text => false,
    }
}

fn converted<'b>(
    reading: Reading,
    encoding: &'static Encoding,
    body: &'b [u8],
    limit: u64,
) -> Result<Cow<'b, [u8]>, Failure> {
    let is_json = reading == Reading::Json;
    let is_utf8 = encoding == UTF_8 && (is_json || std::str::from_utf8(body).is_ok());
    if is_utf8 || encoding.is_ascii_compatible() && body.is_ascii() {
        return Ok(Cow::Borrowed(body));
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
            CoderResult::InputEmpty => return Ok(Cow::Owned(text.into_bytes())),
            CoderResult::OutputFull => text.reserve(text.len() / 2 + 64),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(reading: Reading, content_type: &str, body: &[u8]) -> Result<String, Kind> {
        let body = to_utf8(reading, ContentType::from_text(content_type).as_ref(), body, 1000);
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
            assert_eq!(read(reading, "a/b; charset=cp932", b"\x93\xfa\x96{").unwrap(), "日本");
        }
    }

    #[test]
    fn utf_7_is_not_taken_for_ascii() {
        assert_eq!(read(Reading::Html, "text/html; charset=UTF-7", b"<p>+AOk-"), Err(Kind::Decode));
        assert_eq!(read(Reading::Html, "text/html; charset=utf-7", b"<p>x").unwrap(), "<p>x");
    }

    #[test]
    fn a_charset_that_nobody_knows_is_none() {
        for charset in ["none", "klingon", "utf-7", "\u{fffd}gUTF-8", "*", "undefined"] {
            let content_type = format!("text/html; charset={charset}");
            for reading in EVERY {
                assert_eq!(read(reading, &content_type, "\"é\"".as_bytes()).unwrap(), "\"é\"", "{charset}");
            }
            let page = b"<meta charset=windows-1251>\xcf";
            assert_eq!(
                read(Reading::Html, &content_type, page).unwrap(),
                "<meta charset=windows-1251>П",
                "{charset}"
            );
        }
        let second = "text/html; charset=none, text/html; charset=windows-1251";
        assert_eq!(read(Reading::Text, second, b"\xcf").unwrap(), "П");
    }

    #[test]
    fn a_charset_that_cannot_be_read_is_not_guessed() {
        for charset in ["hz-gb-2312", "iso-2022-kr", "UTF-32", "utf-32le"] {
            let content_type = format!("a/b; charset={charset}");
            for reading in EVERY {
                for body in [&b"~{VP~}"[..], b"\x1b$)C\x0e", b"a\0\0\0", b"\xff"] {
                    assert_eq!(read(reading, &content_type, body), Err(Kind::Decode), "{charset}");
                }
                assert_eq!(read(reading, &content_type, "\"é\"".as_bytes()).unwrap(), "\"é\"", "{charset}");
            }
        }
        for utf_32 in
            [&b"\xff\xfe\0\0{\0\0\0"[..], b"\0\0\xfe\xff\0\0\0{", b"{\0\0\0}\0\0\0", b"\0\0\0{\0\0\0}"]
        {
            for reading in EVERY {
                assert_eq!(read(reading, "a/b", utf_32), Err(Kind::Decode));
            }
        }
    }

    #[test]
    fn json_is_utf_8_whatever_its_server_says() {
        let json = "{\"a\":\"Müller €\"}";
        for label in ["iso-8859-1", "windows-1252", "latin1", "shift_jis", "gbk", "utf-16", "iso-2022-jp"] {
            let content_type = ContentType::from_text(&format!("application/json; charset={label}"));
            let read = to_utf8(Reading::Json, content_type.as_ref(), json.as_bytes(), 1000).unwrap();
            assert!(matches!(read, Cow::Borrowed(text) if text == json.as_bytes()), "{label}: not copied");
            // So it is for a program that takes JSON, but not of other text.
            let piped = to_utf8(Reading::Any, content_type.as_ref(), json.as_bytes(), 1000).unwrap();
            assert_eq!(*piped, *json.as_bytes(), "{label}");
        }
        assert_eq!(read(Reading::Json, "a/b; charset=latin1", b"\"M\xfcller\"").unwrap(), "\"Müller\"");
        assert_eq!(read(Reading::Text, "a/b; charset=latin1", "ü".as_bytes()).unwrap(), "Ã¼");
        let japanese = b"\"\x1b$BF|K\\\x1b(B\"";
        assert_eq!(read(Reading::Json, "a/b; charset=iso-2022-jp", japanese).unwrap(), "\"日本\"");
    }

    #[test]
    fn utf_16_is_seen_by_its_zeros() {
        let little = |text: &str| text.encode_utf16().flat_map(u16::to_le_bytes).collect::<Vec<_>>();
        let big = |text: &str| text.encode_utf16().flat_map(u16::to_be_bytes).collect::<Vec<_>>();
        for text in ["{\"a\":\"é日\"}", "[]", "7", "<p>é", " [\"日\"]"] {
            for content_type in ["", "a/b; charset=utf-16", "a/b; charset=utf-8", "a/b; charset=latin1"] {
                for reading in EVERY {
                    assert_eq!(read(reading, content_type, &little(text)).unwrap(), text, "{content_type}");
                    assert_eq!(read(reading, content_type, &big(text)).unwrap(), text, "{content_type}");
                }
            }
        }
        assert_eq!(read(Reading::Text, "a/b; charset=utf-16be", &big("日本")).unwrap(), "日本");
        assert_eq!(read(Reading::Text, "a/b; charset=utf-16", "<x>é".as_bytes()).unwrap(), "<x>é");
        assert_eq!(read(Reading::Text, "a/b", b"\x01\0\x02\0").unwrap(), "\x01\0\x02\0");
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
            let content_type = ContentType::from_text(content_type);
            let body = to_utf8(Reading::Json, content_type.as_ref(), b"a\xffb", 1000).unwrap();
            assert_eq!(*body, b"a\xffb"[..]);
        }
    }

    #[test]
    fn text_may_not_grow_beyond_the_limit() {
        assert_eq!(read(Reading::Text, "a/b; charset=latin1", &[0xe9; 500]).unwrap().len(), 1000);
        assert_eq!(read(Reading::Text, "a/b; charset=latin1", &[0xe9; 501]), Err(Kind::TooLarge));
        assert_eq!(read(Reading::Text, "a/b", &[0xff; 400]), Err(Kind::TooLarge));
    }
}

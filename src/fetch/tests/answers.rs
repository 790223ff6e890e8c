//! What is handed on of an answer: its encoding undone, its text in UTF-8; of an error page the beginning.

use std::borrow::Cow;

use bytes::Bytes;

use super::site::Raw;
use super::*;
use crate::fetch::encoding::tests::{gzip, zlib};
use crate::job::AnswerFormat;
use crate::record::Kind;

fn answer(status: &str, headers: &[(&str, &str)], body: &[u8]) -> Raw {
    let mut head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n", body.len());
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    Raw::answering([head.as_bytes(), b"\r\n", body].concat())
}

#[tokio::test]
async fn encodings_are_undone_one_in_another() {
    let text = "{\"a\":1}".repeat(100);
    for (encoding, wire) in [
        ("deflate", zlib(text.as_bytes())),
        ("zstd", zstd::encode_all(text.as_bytes(), 3).unwrap()),
        ("deflate, gzip", gzip(&zlib(text.as_bytes()))),
    ] {
        let asked =
            ask(&endpoint(&answer("200 OK", &[("content-encoding", encoding)], &wire).url("/"))).await;
        assert_eq!(asked.bytes, wire.len() as u64);
        assert_eq!(body(asked), text, "{encoding}");
    }
}

/// An answer as it came, and what it says to this endpoint.
async fn read(
    headers: &[(&str, &str)],
    body: &[u8],
    read: impl Fn(&mut Endpoint),
) -> (Vec<u8>, Result<String, Failure>) {
    let mut endpoint = endpoint(&answer("200 OK", headers, body).url("/"));
    read(&mut endpoint);
    let asked = ask(&endpoint).await;
    let came = asked.answer.as_ref().unwrap().body.to_vec();
    (came, text(&endpoint, asked))
}

#[tokio::test]
async fn a_page_is_kept_as_it_came_and_read_in_utf_8() {
    let html = |endpoint: &mut Endpoint| endpoint.format = AnswerFormat::Html;
    let page = b"<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2";
    for headers in [
        &[("content-type", "text/html")][..],
        &[("content-type", "text/html; charset=klingon")],
        &[("content-type", "text/html; charset=none"), ("content-type", "text/html; charset=windows-1251")],
        &[("content-type", "text/html\u{e9}; charset=windows-1251")],
        &[("content-type", "text/html"), ("content-encoding", "utf-8")],
        &[],
    ] {
        let (came, text) = read(headers, page, html).await;
        assert_eq!(came, page);
        assert_eq!(text.unwrap(), "<meta charset=windows-1251><p>Привет", "{headers:?}");
    }
    let (_, piped) = read(&[], b"a\xff", |endpoint| endpoint.pipe = Some(vec!["parse".to_owned()])).await;
    assert_eq!(piped.unwrap(), "a\u{fffd}");
}

#[tokio::test]
async fn json_is_utf_8_and_else_what_its_server_says() {
    let latin1 = &[("content-type", "application/json; charset=latin1")][..];
    for (headers, body, says) in [
        (latin1, "\"é\"".as_bytes(), "\"é\""),
        (latin1, b"\"\xe9\"", "\"é\""),
        (&[("content-type", "application/json; charset=none")], "\"é\"".as_bytes(), "\"é\""),
        (&[], b"[\0\"\0\xe9\0\"\0]\0", "[\"é\"]"),
    ] {
        let (came, text) = read(headers, body, |_| {}).await;
        assert_eq!(came, body);
        assert_eq!(text.unwrap(), says, "{headers:?}");
    }
    // Whether it is valid is seen when it is parsed.
    let raw = answer("200 OK", &[("content-type", "application/json")], b"\"\xe9\"");
    let (endpoint, got) = (endpoint(&raw.url("/")), ask(&endpoint(&raw.url("/"))).await.answer.unwrap());
    assert!(matches!(question(&endpoint).text(&got), Ok(Cow::Borrowed(b"\"\xe9\""))));
    // Nobody looks at the body of what does not exist.
    let raw = answer("404 Not Found", &[("content-type", "text/html; charset=klingon")], b"qapl");
    assert!(ask(&self::endpoint(&raw.url("/"))).await.answer.unwrap().missing);
}

#[tokio::test]
async fn another_thing_than_is_read_is_a_failure_that_says_so() {
    let html = |endpoint: &mut Endpoint| {
        endpoint.format = AnswerFormat::Html;
        endpoint.headers = named(&[("x-key", "${KEY}")]);
    };
    let pdf = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3";
    let (came, text) = read(&[("content-type", "text/html")], pdf, html).await;
    let failure = text.unwrap_err();
    assert_eq!(came, pdf);
    assert_eq!(
        (failure.kind, failure.status, failure.worth_repeating),
        (Kind::ContentType, Some(200), false)
    );
    assert_eq!(failure.detail, "the answer is application/pdf by its first bytes, not HTML");
    let page = format!("<html><title>{SECRET}</title>");
    let keyed = |endpoint: &mut Endpoint| endpoint.headers = named(&[("x-key", "${KEY}")]);
    let failure = read(&[], page.as_bytes(), keyed).await.1.unwrap_err();
    assert_eq!(failure.kind, Kind::NotJson);
    assert_eq!(failure.detail, "the answer is a web page titled \"${KEY}\", not JSON");
}

#[tokio::test]
async fn a_transfer_encoding_is_undone_or_refused() {
    let transferred = |coding: &str, body: &[u8]| {
        let head = format!("HTTP/1.1 200 OK\r\ntransfer-encoding: {coding}\r\nconnection: close\r\n\r\n");
        Raw::answering([head.as_bytes(), body].concat())
    };
    let chunked = |body: &[u8]| [format!("{:x}\r\n", body.len()).as_bytes(), body, b"\r\n0\r\n\r\n"].concat();
    let wire = chunked(&gzip(b"{\"a\":1}"));
    for coding in ["gzip, chunked", "x-gzip,Chunked", "gzip\r\ntransfer-encoding: chunked"] {
        assert_eq!(body(ask(&endpoint(&transferred(coding, &wire).url("/"))).await), "{\"a\":1}", "{coding}");
    }
    assert_eq!(body(ask(&endpoint(&transferred("chunked", &chunked(b"{}")).url("/"))).await), "{}");
    for coding in
        ["chunked, identity", "xchunked", "identity", "chunked, chunked", "compress, chunked", "chunked;x=y"]
    {
        let wire = chunked(&chunked(b"{}"));
        let failure = failure(ask(&endpoint(&transferred(coding, &wire).url("/"))).await);
        assert_eq!((failure.kind, failure.status), (Kind::Protocol, Some(200)), "{coding}");
        assert!(failure.detail.starts_with("transfer encoding "), "{failure:?}");
    }
}

#[tokio::test]
async fn growing_in_utf_8_counts() {
    let latin1 = &[("content-type", "text/plain; charset=latin1")];
    let (_, text) = read(latin1, &[0xe9; 700_000], |endpoint| endpoint.format = AnswerFormat::Text).await;
    assert_eq!(text.unwrap_err().kind, Kind::TooLarge);
}

#[tokio::test]
async fn what_is_kept_is_what_came_without_secrets() {
    let raw = answer("200 OK", &[("content-type", "text/html; charset=latin1")], b"<p>\xc9");
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.format = AnswerFormat::Html;
    endpoint.headers = named(&[("x-key", "${KEY}")]);
    let kept = question(&endpoint).to_keep(&ask(&endpoint).await.answer.unwrap());
    let type_of = |text: &str| Some(text.to_owned());
    assert_eq!(
        kept,
        Redacted {
            body: Bytes::from_static(b"<p>\xc9"),
            content_type: type_of("text/html; charset=latin1"),
            text: type_of("<p>É"),
            is_masked: false,
        }
    );
    // A text with a secret cannot be what came: it is in UTF-8, and says so.
    let page = [b"<meta charset=latin1>\xc9 ", SECRET.as_bytes()].concat();
    for (headers, ty) in [
        (&[("content-type", "text/html; charset=latin1")][..], "text/html; charset=utf-8"),
        (&[], "text/plain; charset=utf-8"),
    ] {
        endpoint.url = template(&answer("200 OK", headers, &page).url("/"));
        let answer = ask(&endpoint).await.answer.unwrap();
        let kept = question(&endpoint).to_keep(&answer);
        assert_eq!(
            (&*kept.body, kept.content_type, kept.is_masked),
            ("<meta charset=latin1>É ${KEY}".as_bytes(), type_of(ty), true)
        );
    }
    let pdf = answer("200 OK", &[], b"%PDF-1.7\n%\xe2\xe3");
    endpoint.url = template(&pdf.url("/"));
    let kept = question(&endpoint).to_keep(&ask(&endpoint).await.answer.unwrap());
    assert_eq!((&*kept.body, kept.text), (&b"%PDF-1.7\n%\xe2\xe3"[..], None));
}

#[tokio::test]
async fn of_an_error_page_the_beginning_is_kept_without_secrets() {
    let page = format!("no access with the key {SECRET}. {}", "x".repeat(200_000));
    let raw = answer("403 Forbidden", &[("content-type", "text/plain")], page.as_bytes());
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.headers = named(&[("x-key", "${KEY}")]);
    let asked = ask(&endpoint).await;
    let kept = asked.page.clone().unwrap().body;
    assert!(kept.starts_with(b"no access with the key ${KEY}. xxx"), "{kept:?}");
    assert!((64 * 1024 - 20..=64 * 1024).contains(&kept.len()), "{}", kept.len());
    assert!(
        failure(asked).detail.starts_with("403 Forbidden, asked with ${KEY}: no access with the key ${KEY}.")
    );

    let page = b"<meta charset=latin1><h1>\xc9chec";
    for (headers, wire) in [(&[][..], page.to_vec()), (&[("content-encoding", "gzip")], gzip(page))] {
        let headers = [&[("content-type", "text/html")], headers].concat();
        let asked = ask(&self::endpoint(&answer("500 Oh", &headers, &wire).url("/"))).await;
        let kept = asked.page.clone().unwrap();
        assert_eq!((&*kept.body, kept.content_type.as_deref()), (&page[..], Some("text/html")));
        assert_eq!(kept.text.unwrap(), "<meta charset=latin1><h1>Échec");
    }
}

#[tokio::test]
async fn an_error_page_may_be_cut_off_or_be_nothing() {
    let text: String = (0..50_000).map(|number| format!("{number} ")).collect();
    let wire = gzip(text.as_bytes());
    assert!(wire.len() > 70_000);
    let raw = answer("500 Oh", &[("content-encoding", "gzip")], &wire);
    let page = ask(&endpoint(&raw.url("/"))).await.page.unwrap().body;
    assert_eq!(page, text[..64 * 1024]);
    let half = Raw::answering("HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nhalf a page");
    assert_eq!(ask(&endpoint(&half.url("/"))).await.page.unwrap().body, "half a page");
    let raw = answer("500 Oh", &[], b"");
    assert_eq!(ask(&endpoint(&raw.url("/"))).await.page, None);
}

#[tokio::test]
async fn a_page_is_that_of_the_last_refusal_and_of_failed_questions_only() {
    let raw = Raw::serving(|number, peer| {
        peer.request();
        match number {
            0 => peer.write(b"HTTP/1.1 500 Oh\r\ncontent-length: 5\r\n\r\nfirst"),
            1 => peer.write(b"HTTP/1.1 502 Oh\r\ncontent-length: 6\r\n\r\nsecond"),
            2 => {}
            _ => peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthere"),
        }
    });
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.retry.attempts = 3;
    let asked = ask(&endpoint).await;
    assert_eq!((asked.attempts, &*asked.page.clone().unwrap().body), (3, &b"second"[..]));
    assert_eq!(failure(asked).kind, Kind::Reset);
    assert_eq!(ask(&endpoint).await.page, None);
}

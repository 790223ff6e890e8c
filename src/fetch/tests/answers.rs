//! What is handed on of an answer: its encoding undone, in UTF-8; of an error page the beginning.

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

#[tokio::test]
async fn pages_are_handed_on_in_utf_8() {
    let html = |url: String| Endpoint { answer: AnswerFormat::Html, ..endpoint(&url) };
    let page = b"<meta charset=windows-1251><p>\xcf\xf0\xe8\xe2\xe5\xf2";
    let raw = answer("200 OK", &[("content-type", "text/html")], page);
    assert_eq!(body(ask(&html(raw.url("/"))).await), "<meta charset=windows-1251><p>Привет");
    let raw = answer("200 OK", &[("content-type", "text/html; charset=klingon")], page);
    let failure = failure(ask(&html(raw.url("/"))).await);
    assert_eq!((failure.kind, failure.status, failure.worth_repeating), (Kind::Decode, Some(200), false));
    let piped = Endpoint {
        pipe: Some(vec!["parse".to_owned()]),
        ..endpoint(&answer("200 OK", &[], b"a\xff").url("/"))
    };
    assert_eq!(body(ask(&piped).await), "a\u{fffd}");
}

#[tokio::test]
async fn json_is_handed_on_as_it_came_unless_its_charset_is_named() {
    let raw = answer("200 OK", &[("content-type", "application/json")], b"\"\xe9\"");
    assert_eq!(&*ask(&endpoint(&raw.url("/"))).await.answer.unwrap().body, b"\"\xe9\"");
    let raw = answer("200 OK", &[("content-type", "application/json; charset=latin1")], b"\"\xe9\"");
    assert_eq!(body(ask(&endpoint(&raw.url("/"))).await), "\"é\"");
    // Nobody looks at the body of what does not exist.
    let raw = answer("404 Not Found", &[("content-type", "text/html; charset=klingon")], b"qapl");
    assert!(ask(&endpoint(&raw.url("/"))).await.answer.unwrap().missing);
}

#[tokio::test]
async fn growing_in_utf_8_counts() {
    let raw = answer("200 OK", &[("content-type", "text/plain; charset=latin1")], &[0xe9; 700_000]);
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.answer = AnswerFormat::Text;
    assert_eq!(failure(ask(&endpoint).await).kind, Kind::TooLarge);
}

#[tokio::test]
async fn of_an_error_page_the_beginning_is_kept_without_secrets() {
    let page = format!("no access with the key {SECRET}. {}", "x".repeat(200_000));
    let raw = answer("403 Forbidden", &[("content-type", "text/plain")], page.as_bytes());
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.headers = named(&[("x-key", "${KEY}")]);
    let asked = ask(&endpoint).await;
    let kept = asked.page.clone().unwrap();
    assert!(kept.starts_with(b"no access with the key ${KEY}. xxx"), "{kept:?}");
    assert!((64 * 1024 - 20..=64 * 1024).contains(&kept.len()), "{}", kept.len());
    assert!(
        failure(asked).detail.starts_with("403 Forbidden, asked with ${KEY}: no access with the key ${KEY}.")
    );

    let page = b"<meta charset=latin1><h1>\xc9chec";
    for (headers, wire) in [(&[][..], page.to_vec()), (&[("content-encoding", "gzip")], gzip(page))] {
        let headers = [&[("content-type", "text/html")], headers].concat();
        let asked = ask(&self::endpoint(&answer("500 Oh", &headers, &wire).url("/"))).await;
        assert_eq!(asked.page.unwrap(), "<meta charset=latin1><h1>Échec");
    }
}

#[tokio::test]
async fn an_error_page_may_be_cut_off_or_be_nothing() {
    let text: String = (0..50_000).map(|number| format!("{number} ")).collect();
    let wire = gzip(text.as_bytes());
    assert!(wire.len() > 70_000);
    let raw = answer("500 Oh", &[("content-encoding", "gzip")], &wire);
    let page = ask(&endpoint(&raw.url("/"))).await.page.unwrap();
    assert_eq!(page, text[..64 * 1024]);
    let half = Raw::answering("HTTP/1.1 500 Oh\r\ncontent-length: 100\r\n\r\nhalf a page");
    assert_eq!(ask(&endpoint(&half.url("/"))).await.page.unwrap(), "half a page");
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
    assert_eq!((asked.attempts, asked.page.clone().unwrap()), (3, "second".into()));
    assert_eq!(failure(asked).kind, Kind::Reset);
    assert_eq!(ask(&endpoint).await.page, None);
}

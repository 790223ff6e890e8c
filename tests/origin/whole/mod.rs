//! Requests over TCP to a whole origin: what no module can promise by itself.

mod limits;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::rc::Rc;
use std::sync::mpsc;

use serde_json::{Value, json};
use tokio::runtime::{Builder, LocalOptions};

use crate::knobs::Knobs;
use crate::library::Library;
use crate::listen;
use crate::origin::Origin;

/// Starts one on a thread of its own, which ends with the tests; its port.
fn started(knobs: &str) -> u16 {
    let knobs = Knobs::default().changed(knobs.as_bytes()).expect("knobs");
    let (sender, receiver) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = Builder::new_current_thread().enable_all().build_local(LocalOptions::default());
        runtime.expect("a runtime").block_on(async {
            let listener = listen::bind(0).expect("a free port");
            sender.send(listener.local_addr().expect("an address").port()).expect("a test that waits");
            let library = Library::open(10).expect("movies.json");
            listen::serve(listener, Rc::new(Origin::new(library, knobs, 0, "http")), None).await;
        });
    });
    receiver.recv().expect("a port")
}

/// Head and body of the answer; nothing where the connection is reset.
fn ask(port: u16, method: &str, target: &str, headers: &str, body: &str) -> (String, Vec<u8>) {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).expect("a connection");
    let length = body.len();
    let head =
        format!("{method} {target} HTTP/1.1\r\nhost: h\r\nconnection: close\r\ncontent-length: {length}\r\n");
    write!(stream, "{head}{headers}\r\n{body}").expect("a request sent");
    let mut answer = Vec::new();
    if stream.read_to_end(&mut answer).is_err() {
        return (String::new(), Vec::new());
    }
    let end = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").expect("a whole head");
    (String::from_utf8_lossy(&answer[..end]).into_owned(), answer[end + 4..].to_vec())
}

/// What it says of itself.
fn report(port: u16, what: &str) -> Value {
    let (_, body) = ask(port, "GET", &format!("/_admin/{what}"), "", "");
    serde_json::from_slice(&body).expect("JSON")
}

fn counts(port: u16, endpoint: &str) -> Value {
    report(port, "counts?full=1")["by_endpoint"][endpoint].clone()
}

const JSON: &str = "content-type: application/json\r\n";

fn plus_ones(url: &str) -> String {
    json!([{ "method": "pos.plusones.get", "id": "p", "params": { "id": url } }]).to_string()
}

#[test]
fn methods_are_kept_apart() {
    let port = started("{}");
    let (head, body) = ask(port, "GET", "/rpc", "", "");
    assert!(head.starts_with("HTTP/1.1 405") && head.contains("allow: POST"), "{head}");
    assert_eq!(body, br#"{"error":"only POST"}"#);
    let (head, _) = ask(port, "POST", "/graph/?ids=a&access_token=t", JSON, "[]");
    assert!(head.starts_with("HTTP/1.1 405") && head.contains("allow: GET, HEAD"), "{head}");
    assert!(ask(port, "POST", "/rpc", JSON, &plus_ones("http://a/")).0.starts_with("HTTP/1.1 200"));
}

#[test]
fn what_was_asked_is_counted_even_where_the_connection_is_reset() {
    let port = started(r#"{"rate_reset": 1}"#);
    assert_eq!(ask(port, "POST", "/rpc", JSON, &plus_ones("http://a/")).0, "");
    assert_eq!(ask(port, "GET", "/graph/?ids=a,b&access_token=t", "", "").0, "");
    assert_eq!(counts(port, "plus_ones")["counts"], json!({"http://a/": 1}));
    assert_eq!(
        counts(port, "graph"),
        json!({"total": 1, "ids": 2, "repeated": {}, "counts": {"a": 1, "b": 1}})
    );
}

#[test]
fn pages_are_packed_for_whoever_accepts_it() {
    let port = started("{}");
    let (head, packed) = ask(port, "GET", "/pages/8", "accept-encoding: br, gzip\r\n", "");
    assert!(head.contains("content-encoding: gzip") && head.contains("charset=ISO-8859-1"), "{head}");
    let (head, plain) = ask(port, "GET", "/pages/8", "accept-encoding: br\r\n", "");
    assert!(
        !head.contains("content-encoding") && plain.starts_with(b"<!DOCTYPE") && packed != plain,
        "{head}"
    );
}

#[test]
fn told_bodies_have_the_endpoints_type() {
    let port = started(r#"{"body_ids": {"m0001": "<p>", "x": "{"}}"#);
    let (head, body) = ask(port, "GET", "/matches/m0001", "", "");
    assert!(head.contains("text/html") && body == b"<p>", "{head}");
    assert!(ask(port, "GET", "/states/x", "", "").0.contains("application/json"));
}

#[test]
fn a_redirect_keeps_the_method() {
    let port = started(r#"{"rate_redirect": 1}"#);
    let (head, _) = ask(port, "POST", "/rpc", JSON, &plus_ones("http://a/"));
    assert!(head.starts_with("HTTP/1.1 307") && head.contains("location: /rpc?_redirected=1"), "{head}");
    assert!(
        ask(port, "POST", "/rpc?_redirected=1", JSON, &plus_ones("http://a/")).0.starts_with("HTTP/1.1 200")
    );
    assert!(ask(port, "GET", "/pages/1", "", "").0.starts_with("HTTP/1.1 302"));
    assert_eq!(counts(port, "plus_ones")["total"], 1);
}

#[test]
fn the_knobs_turn_rounds_and_fail_pages() {
    let port = started(r#"{"fail_page": 2, "odds_round": 1}"#);
    let page = |target| ask(port, "GET", target, "", "");
    assert!(page("/lists/25?page=2").0.starts_with("HTTP/1.1 500"));
    assert!(page("/lists/25?offset=20").0.starts_with("HTTP/1.1 200"));
    assert_eq!(page("/matches/m0001").1, page("/matches/m0001?at=1").1);
    assert_ne!(page("/matches/m0001").1, page("/matches/m0001?at=0").1);
    let truth: Value = serde_json::from_slice(&page("/_admin/truth/matches/m0001").1).expect("JSON");
    let rows = page("/matches/m0001").1.windows(11).filter(|bytes| bytes == b"<tr class=\"").count();
    assert_eq!(truth["offers"].as_array().map(Vec::len), Some(rows));
}

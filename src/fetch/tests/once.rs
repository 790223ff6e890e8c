//! Requests that may not be sent twice: they are only where the server cannot have acted on them.

use std::sync::atomic::{AtomicU32, Ordering};

use super::site::{Raw, Site, ok, reply};
use super::*;
use crate::job::Redirects;
use crate::record::Kind;

fn posting(url: &str) -> Endpoint {
    let mut endpoint = endpoint(url);
    endpoint.method = "POST".to_owned();
    endpoint.idempotent = false;
    endpoint.retry.attempts = 3;
    endpoint
}

/// One that follows redirects as browsers do.
fn by_browser(url: &str) -> Endpoint {
    Endpoint { redirects: Redirects::Browser, ..posting(url) }
}

/// How a question failed, with its attempts, and whether it is asked again.
fn outcome(asked: Asked) -> (Kind, u32, bool) {
    let attempts = asked.attempts;
    let failure = failure(asked);
    if !failure.worth_repeating {
        let said = "not sent again (idempotent = true allows it), as the server may have acted on it: ";
        assert!(failure.detail.starts_with(said), "{}", failure.detail);
    }
    (failure.kind, attempts, failure.worth_repeating)
}

#[tokio::test]
async fn statuses_are_final_unless_they_say_that_nothing_was_done() {
    for (status, header, is_repeated) in [
        (500, ("x-none", ""), false),
        (502, ("retry-after", "0"), false),
        (408, ("x-none", ""), false),
        (503, ("x-none", ""), false),
        (503, ("retry-after", "soon"), false),
        (503, ("retry-after", "0"), true),
        (429, ("x-none", ""), true),
    ] {
        let count = AtomicU32::new(0);
        let site = Site::plain(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 => reply(status, header, "not now"),
            _ => ok("there"),
        });
        let asked = ask(&posting(&site.url("/"))).await;
        if is_repeated {
            assert_eq!((asked.attempts, body(asked).as_str()), (2, "there"), "{status}")
        } else {
            assert_eq!(outcome(asked), (Kind::Status, 1, false), "{status}")
        }
        let mut idempotent = posting(&site.url("/"));
        idempotent.idempotent = true;
        assert_eq!(body(ask(&idempotent).await), "there");
    }
}

#[tokio::test]
async fn a_status_that_lasts_anyway_says_no_more() {
    let site = Site::plain(|_| reply(403, ("x-none", ""), "no"));
    assert_eq!(failure(ask(&posting(&site.url("/"))).await).detail, "403 Forbidden: no");
}

#[tokio::test]
async fn without_a_connection_it_is_tried_again() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let asked = ask(&posting(&format!("http://{free}/"))).await;
    assert_eq!((asked.requests, outcome(asked)), (0, (Kind::Connect, 3, true)));
    let asked = ask(&posting("http://no-such-host.invalid/")).await;
    assert_eq!(outcome(asked), (Kind::Dns, 3, true));
}

#[tokio::test]
async fn a_connection_that_breaks_after_it_is_final() {
    for answer in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234"] {
        let raw = Raw::answering(answer);
        assert_eq!(outcome(ask(&posting(&raw.url("/"))).await), (Kind::Reset, 1, false), "{answer}");
        assert_eq!(raw.heads().len(), 1);
    }
}

#[tokio::test]
async fn silence_is_final() {
    let raw = Raw::serving(|_, peer| {
        peer.request();
        peer.request();
    });
    let mut endpoint = posting(&raw.url("/"));
    endpoint.bounds.idle_timeout = Duration::from_millis(50);
    assert_eq!(outcome(ask(&endpoint).await), (Kind::Timeout, 1, false));
}

#[tokio::test]
async fn a_reused_connection_that_swallows_it_is_final() {
    let raw = Raw::serving(|_, peer| {
        peer.request();
        peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthere");
        peer.request();
    });
    let client = client();
    // The second request comes on the first one's connection; what the server did with it is unknown.
    assert_eq!(body(ask_with(&client, &posting(&raw.url("/")), &&Gate::open()).await), "there");
    tokio::time::sleep(Duration::from_millis(100)).await;
    let asked = ask_with(&client, &posting(&raw.url("/")), &&Gate::open()).await;
    assert_eq!(outcome(asked), (Kind::Reset, 1, false));
    assert_eq!(raw.heads().len(), 2);
}

#[tokio::test]
async fn a_reused_connection_that_was_closed_before_costs_nothing() {
    let raw = Raw::serving(|_, peer| {
        peer.request();
        peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthere");
    });
    let client = client();
    for _ in 0..3 {
        let asked = ask_with(&client, &posting(&raw.url("/")), &&Gate::open()).await;
        assert_eq!((asked.attempts, asked.requests, body(asked).as_str()), (1, 1, "there"));
        // The whole runtime stands still, so that nobody sees the connection close before it is used again.
        std::thread::sleep(Duration::from_millis(30));
    }
    assert_eq!(raw.heads().len(), 3);
}

#[tokio::test]
async fn after_a_redirect_it_depends_on_what_the_redirect_says() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    for (status, expected) in [
        // Taken, and its outcome is elsewhere.
        (303, (Kind::Connect, 1, false)),
        (302, (Kind::Connect, 1, false)),
        // Sent on to somebody who was never reached.
        (307, (Kind::Connect, 3, true)),
        (308, (Kind::Connect, 3, true)),
    ] {
        let location = format!("http://{free}/");
        let site = Site::plain(move |_| reply(status, ("location", &location), ""));
        assert_eq!(outcome(ask(&by_browser(&site.url("/"))).await), expected, "{status}");
    }
}

#[test]
fn what_is_found_in_an_answer_is_final_too() {
    let found = || Failure::passing(Kind::NotOk, "not yet").with_status(200);
    let mut endpoint = posting("http://example.com/");
    let failure = question(&endpoint).once_answered(found());
    assert_eq!((failure.kind, failure.status, failure.worth_repeating), (Kind::NotOk, Some(200), false));
    assert!(failure.detail.ends_with(": not yet"), "{}", failure.detail);
    endpoint.idempotent = true;
    assert_eq!(question(&endpoint).once_answered(found()), found());
}

#[tokio::test]
async fn a_run_that_ends_on_the_way_of_a_redirect_leaves_nothing_to_repeat() {
    let site = Site::plain(|_| reply(303, ("location", "/outcome"), ""));
    let gate = Gate::letting(1, Refused::Interrupted);
    let asked = ask_with(&client(), &by_browser(&site.url("/")), &&gate).await;
    assert_eq!(outcome(asked), (Kind::Redirect, 1, false));
    // Before the first request there is no harm in coming back.
    let asked = ask_with(&client(), &posting(&site.url("/")), &&Gate::letting(0, Refused::Interrupted)).await;
    assert_eq!(outcome(asked), (Kind::Interrupted, 0, true));
}

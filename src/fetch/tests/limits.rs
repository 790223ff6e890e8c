//! What the job repeats, and for how long; what servers say of their limits.

use super::repeats::{flaky, patient};
use super::site::{Raw, Site, reply};
use super::*;
use crate::job::RetryOn;
use crate::record::Kind;

const NOTHING: (&str, &str) = ("x-none", "");

/// How often a question was tried that failed, and whether it is asked again in a later round.
async fn tries(endpoint: &Endpoint) -> (Kind, u32, bool) {
    let asked = ask(endpoint).await;
    let attempts = asked.attempts;
    let failure = failure(asked);
    (failure.kind, attempts, failure.worth_repeating)
}

fn repeating(url: &str, statuses: &[u16], kinds: &[Kind]) -> Endpoint {
    let mut endpoint = patient(url);
    endpoint.retry.attempts = 3;
    let statuses = statuses.iter().map(|&status| status..=status).collect();
    endpoint.retry.on = RetryOn { statuses, kinds: kinds.to_vec() };
    endpoint
}

#[tokio::test]
async fn statuses_are_repeated_that_the_job_lists_and_no_others() {
    for (status, is_listed) in [(403, true), (418, true), (500, false), (429, false), (503, false)] {
        let site = Site::plain(move |_| reply(status, NOTHING, "no"));
        let expected = if is_listed { (Kind::Status, 3, true) } else { (Kind::Status, 1, false) };
        assert_eq!(tries(&repeating(&site.url("/"), &[403, 418], &[])).await, expected, "{status}");
    }
    let site = flaky(2, 403, ("x-none", String::new()));
    let asked = ask(&repeating(&site.url("/"), &[403], &[])).await;
    assert_eq!((asked.attempts, body(asked).as_str()), (3, "there"));
}

#[tokio::test]
async fn errors_are_repeated_whose_kind_the_job_lists_and_no_others() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let silent = Raw::serving(|_, peer| {
        peer.request();
        peer.request();
    });
    let closing = Raw::answering("");
    let breaking_off = Raw::serving(|_, peer| {
        let mut hello = [0; 64];
        std::io::Read::read_exact(&mut peer.stream, &mut hello).unwrap();
    });
    for (url, kind) in [
        ("http://no-such-host.invalid/".to_owned(), Kind::Dns),
        (format!("http://{free}/"), Kind::Connect),
        (breaking_off.url("/").replace("http:", "https:"), Kind::Tls),
        (silent.url("/"), Kind::Timeout),
        (closing.url("/"), Kind::Reset),
    ] {
        let tried = async |kinds: &[Kind]| {
            let mut endpoint = repeating(&url, &[], kinds);
            endpoint.bounds.idle_timeout = Duration::from_millis(50);
            tries(&endpoint).await
        };
        assert_eq!(tried(&[kind]).await, (kind, 3, true));
        let others: Vec<Kind> = Kind::ALL.into_iter().filter(|other| *other != kind).collect();
        assert_eq!(tried(&others).await, (kind, 1, false));
    }
}

#[tokio::test]
async fn what_cannot_pass_is_not_repeated_though_it_is_listed() {
    let other = Raw::answering("SSH-2.0-OpenSSH_9.2\r\n");
    assert_eq!(tries(&repeating(&other.url("/"), &[], &Kind::ALL)).await, (Kind::Protocol, 1, false));
    // Bytes that are no TLS, where a handshake that breaks off would be repeated.
    let plain = Raw::serving(|_, peer| {
        peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.request();
    });
    let url = plain.url("/").replace("http:", "https:");
    assert_eq!(tries(&repeating(&url, &[], &Kind::ALL)).await, (Kind::Tls, 1, false));
}

#[tokio::test]
async fn a_listed_status_does_not_have_a_request_sent_twice_that_may_not_be() {
    let site = Site::plain(|_| reply(403, NOTHING, "no"));
    let mut endpoint = repeating(&site.url("/"), &[403], &[]);
    (endpoint.method, endpoint.idempotent) = ("POST".to_owned(), false);
    assert_eq!(tries(&endpoint).await, (Kind::Status, 1, false));
    assert_eq!(site.seen().len(), 1);
}

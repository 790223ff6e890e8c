//! Every class of failure, seen through a socket.

use std::time::Instant;

use super::site::{Raw, Site, ok};
use super::*;
use crate::fetch::encoding::tests::gzip;
use crate::record::Kind;

/// Kind, status and whether it is worth repeating.
async fn outcome(url: String) -> (Kind, Option<u16>, bool) {
    let failure = failure(ask(&endpoint(&url)).await);
    (failure.kind, failure.status, failure.worth_repeating)
}

async fn raw_outcome(answer: impl Into<Vec<u8>>) -> (Kind, Option<u16>, bool) {
    outcome(Raw::answering(answer).url("/")).await
}

fn encoded(encoding: &str, body: &[u8]) -> Vec<u8> {
    let head =
        format!("HTTP/1.1 200 OK\r\ncontent-encoding: {encoding}\r\ncontent-length: {}\r\n\r\n", body.len());
    [head.as_bytes(), body].concat()
}

#[tokio::test]
async fn an_answer_comes_with_its_account() {
    let site = Site::plain(|_| ok("{\"a\":1}"));
    let mut endpoint = endpoint(&site.url("/films/{id}"));
    endpoint.params = named(&[("apikey", "${KEY}")]);
    let asked = ask(&endpoint).await;
    assert_eq!((asked.attempts, asked.requests, asked.bytes, asked.http_status), (1, 1, 7, Some(200)));
    let (started, finished) = (asked.started_at.unwrap(), asked.finished_at.unwrap());
    assert!(started > 1_700_000_000_000_000 && finished >= started);
    assert_eq!(asked.answer.as_ref().unwrap().status, 200);
    assert_eq!(body(asked), "{\"a\":1}");

    let seen = &site.seen()[0];
    assert_eq!(seen.target, "/films/tt1?apikey=s3cr3t%2F%2B%20key");
    assert_eq!(seen.headers["host"], format!("localhost:{}", site.address.port()));
    assert_eq!(seen.headers["accept-encoding"], "gzip, br, zstd, deflate");
    assert_eq!(seen.headers["user-agent"], concat!("windrow/", env!("CARGO_PKG_VERSION")));
}

#[tokio::test]
async fn a_success_without_a_body_is_an_empty_answer() {
    assert_eq!(body(ask(&endpoint(&Raw::answering("HTTP/1.1 204 No Content\r\n\r\n").url("/"))).await), "");
    let empty = "HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(body(ask(&endpoint(&Raw::answering(empty).url("/"))).await), "");
}

#[tokio::test]
async fn a_body_without_a_length_ends_with_the_connection() {
    assert_eq!(
        body(ask(&endpoint(&Raw::answering("HTTP/1.0 200 OK\r\n\r\n{\"a\":1}").url("/"))).await),
        "{\"a\":1}"
    );
}

#[tokio::test]
async fn a_body_in_many_pieces_is_put_together() {
    let raw = Raw::serving(|_, peer| {
        peer.request();
        peer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
        for number in 0..100 {
            peer.write(format!("7\r\npiece{number:02}\r\n").as_bytes());
        }
        peer.write(b"0\r\n\r\n");
    });
    let asked = ask(&endpoint(&raw.url("/"))).await;
    assert_eq!(asked.bytes, 700);
    assert!(body(asked).ends_with("piece98piece99"));
}

#[tokio::test]
async fn a_missing_status_is_an_answer() {
    let raw = Raw::answering("HTTP/1.1 404 Not Found\r\ncontent-length: 4\r\n\r\nnone");
    let answer = ask(&endpoint(&raw.url("/"))).await.answer.unwrap();
    assert_eq!((answer.missing, answer.status, &*answer.body), (true, 404, &b"none"[..]));
}

#[tokio::test]
async fn statuses_fail_with_what_the_server_says() {
    let raw = Raw::answering("HTTP/1.1 403 Forbidden\r\ncontent-length: 24\r\n\r\nkey s3cr3t/+ key is bad!");
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.params = named(&[("key", "${KEY}")]);
    let failure = failure(ask(&endpoint).await);
    assert_eq!((failure.kind, failure.status, failure.worth_repeating), (Kind::Status, Some(403), false));
    assert_eq!(failure.detail, "403 Forbidden, asked with ${KEY}: key ${KEY} is bad!");

    assert_eq!(raw_outcome("HTTP/1.1 500 Oh\r\n\r\n").await, (Kind::Status, Some(500), true));
    assert_eq!(raw_outcome("HTTP/1.1 304 Not Modified\r\n\r\n").await, (Kind::Status, Some(304), false));
    // Half an error page is still an error page.
    assert_eq!(
        raw_outcome("HTTP/1.1 410 Gone\r\ncontent-length: 9\r\n\r\nha").await,
        (Kind::Status, Some(410), false)
    );
}

#[tokio::test]
async fn a_name_that_does_not_resolve_is_dns() {
    let failure = failure(ask(&endpoint("http://no-such-host.invalid/")).await);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Dns, true));
    assert!(failure.detail.starts_with("no-such-host.invalid did not resolve: "), "{}", failure.detail);
}

#[tokio::test]
async fn a_closed_port_is_connect() {
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let asked = ask(&endpoint(&format!("http://{free}/"))).await;
    assert_eq!((asked.attempts, asked.requests), (1, 0));
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Connect, true));
    assert!(failure.detail.starts_with(&format!("http://{free}: ")), "{}", failure.detail);
    assert!(failure.detail.contains("refused"), "{}", failure.detail);
}

#[tokio::test]
async fn a_connection_that_breaks_is_reset() {
    let reset = (Kind::Reset, None, true);
    assert_eq!(raw_outcome("").await, reset);
    assert_eq!(raw_outcome("HTTP/1.1 200 OK\r\ncontent-le").await, reset);
    let half = "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234";
    assert_eq!(raw_outcome(half).await, (Kind::Reset, Some(200), true));
    let chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\na\r\n01234";
    assert_eq!(raw_outcome(chunk).await, (Kind::Reset, Some(200), true));
    // Closed without reading the request: the kernel answers with a reset.
    assert_eq!(outcome(Raw::serving(|_, _| ()).url("/")).await, reset);
}

#[tokio::test]
async fn half_a_body_is_counted() {
    let asked =
        ask(&endpoint(&Raw::answering("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234").url("/"))).await;
    assert_eq!((asked.bytes, asked.requests, asked.http_status), (5, 1, Some(200)));
}

#[tokio::test]
async fn what_is_not_http_is_protocol() {
    for garbage in
        ["SSH-2.0-OpenSSH_9.2\r\n", "\0\0\0\0\0\0\0\0\r\n\r\n", "HTTP/1.1 abc\r\n\r\n", "<html>\r\n\r\n"]
    {
        assert_eq!(raw_outcome(garbage).await, (Kind::Protocol, None, false), "{garbage}");
    }
    let chunk = "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n01234";
    assert_eq!(raw_outcome(chunk).await, (Kind::Protocol, Some(200), false));
    let length = "HTTP/1.1 200 OK\r\ncontent-length: 1x\r\n\r\n0";
    assert_eq!(raw_outcome(length).await, (Kind::Protocol, None, false));
}

#[tokio::test]
async fn heads_have_a_limit() {
    let long = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "x".repeat(200_000));
    assert_eq!(raw_outcome(long).await, (Kind::TooLarge, None, false));
    let many =
        |number| format!("HTTP/1.1 200 OK\r\n{}content-length: 0\r\n\r\n", "x-many: 1\r\n".repeat(number));
    assert_eq!(raw_outcome(many(1024)).await, (Kind::TooLarge, None, false));
    // Whether or not it may be sent twice; what may is, once, on a connection that reads so many.
    for (method, heads) in [("GET", 2), ("POST", 1)] {
        let raw = Raw::answering(many(1023));
        let mut endpoint = endpoint(&raw.url("/"));
        endpoint.method = method.to_owned();
        endpoint.idempotent = method == "GET";
        let client = client();
        for asked in 0..2 {
            let answer = ask_with(&client, &endpoint, &&Gate::open()).await;
            assert_eq!((answer.attempts, body(answer).as_str()), (1, ""));
            assert_eq!(raw.heads().len(), heads + asked, "{method}");
        }
    }
    let endless = Raw::serving(|_, peer| {
        peer.request();
        peer.write(b"HTTP/1.1 200 OK\r\nx-long: ");
        for _ in 0..4096 {
            peer.write(&[b'x'; 1024]);
        }
    });
    assert_eq!(outcome(endless.url("/")).await, (Kind::TooLarge, None, false));
}

#[tokio::test]
async fn bodies_have_a_limit_on_the_wire_and_decoded() {
    let too_large = (Kind::TooLarge, Some(200), false);
    // Announced: not one byte of it is read.
    let announced = Raw::answering("HTTP/1.1 200 OK\r\ncontent-length: 1048577\r\n\r\n");
    let asked = ask(&endpoint(&announced.url("/"))).await;
    assert_eq!(asked.bytes, 0);
    assert_eq!(failure(asked).kind, Kind::TooLarge);
    let endless = Raw::serving(|_, peer| {
        peer.request();
        peer.write(b"HTTP/1.1 200 OK\r\n\r\n");
        for _ in 0..4096 {
            peer.write(&[b'x'; 1024]);
        }
    });
    assert_eq!(outcome(endless.url("/")).await, too_large);
    let bomb = gzip(&vec![b' '; 100 << 20]);
    assert!(bomb.len() < 200_000);
    assert_eq!(raw_outcome(encoded("gzip", &bomb)).await, too_large);
}

#[tokio::test]
async fn encodings_are_undone_or_fail() {
    let members = [gzip(b"{\"a\":"), gzip(b"1}")].concat();
    let asked = ask(&endpoint(&Raw::answering(encoded("gzip", &members)).url("/"))).await;
    assert_eq!(asked.bytes, members.len() as u64);
    assert_eq!(body(asked), "{\"a\":1}");
    let decode = (Kind::Decode, Some(200), false);
    assert_eq!(raw_outcome(encoded("gzip", b"{\"a\":1}")).await, decode);
    assert_eq!(raw_outcome(encoded("br", b"abc")).await, decode);
}

/// How long it takes until a question with short limits fails.
async fn impatient(raw: &Raw, idle: u64, total: u64) -> (Failure, u128) {
    let mut endpoint = endpoint(&raw.url("/"));
    endpoint.bounds.idle_timeout = Duration::from_millis(idle);
    endpoint.bounds.timeout = Duration::from_millis(total);
    let begun = Instant::now();
    let failure = failure(ask(&endpoint).await);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Timeout, true));
    (failure, begun.elapsed().as_millis())
}

#[tokio::test]
async fn silence_runs_into_the_idle_limit() {
    for beginning in ["", "HTTP/1.1 200", "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01"] {
        let raw = Raw::serving(move |_, peer| {
            peer.request();
            peer.write(beginning.as_bytes());
            peer.request();
        });
        let (failure, took) = impatient(&raw, 60, 10_000).await;
        assert_eq!(failure.detail, "nothing came for 60ms");
        assert!((60..5000).contains(&took), "{took}");
    }
}

#[tokio::test]
async fn dribbling_runs_into_the_total_limit() {
    let raw = Raw::serving(|_, peer| {
        peer.request();
        peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n");
        for _ in 0..1000 {
            peer.write(b"x");
            std::thread::sleep(Duration::from_millis(10));
        }
    });
    let (failure, took) = impatient(&raw, 4000, 100).await;
    assert_eq!(failure.detail, "the answer was not whole within 100ms");
    assert!((100..3900).contains(&took), "{took}");
}

#[tokio::test]
async fn connecting_has_its_own_limit() {
    // A listener whose queue is full: further connections get no answer at all.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let nonblocking = |_| {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        tokio::spawn(socket.connect(address))
    };
    let filling: Vec<_> = (0..200).map(nonblocking).collect();
    tokio::time::sleep(Duration::from_millis(50)).await;
    let mut endpoint = endpoint(&format!("http://{address}/"));
    endpoint.bounds.connect_timeout = Duration::from_millis(80);
    let asked = ask(&endpoint).await;
    assert_eq!(asked.requests, 0);
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Timeout, true), "{}", failure.detail);
    filling.iter().for_each(tokio::task::JoinHandle::abort);
}

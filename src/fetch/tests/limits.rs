//! What the job repeats, and for how long; what servers say of their limits.

use std::time::Instant;

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

/// A pacer with which everybody waits for a turn.
struct Queue(Duration);

impl Pacer for Queue {
    type Permit = ();

    async fn start(&self, _: &Origin) -> Result<(), Refused> {
        tokio::time::sleep(self.0).await;
        Ok(())
    }
}

fn until(deadline: u64, url: &str) -> Endpoint {
    let mut endpoint = patient(url);
    endpoint.retry.attempts = 100;
    endpoint.retry.deadline = Duration::from_millis(deadline);
    endpoint
}

#[tokio::test]
async fn attempts_end_with_the_deadline() {
    let site = flaky(u32::MAX, 500, ("x-none", String::new()));
    let asked = ask(&until(100, &site.url("/"))).await;
    // The pauses are 10, 20, 40 and 40 ms: no fifth attempt can begin in time.
    let attempts = asked.attempts;
    assert!((1..=4).contains(&attempts), "{attempts}");
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.status, failure.worth_repeating), (Kind::Status, Some(500), true));
    let tried = if attempts == 1 { "1 attempt".to_owned() } else { format!("{attempts} attempts") };
    let said = format!("the deadline of 100ms is over after {tried}; 500 Internal Server Error: not now");
    assert_eq!(failure.detail, said);
}

#[tokio::test]
async fn a_pause_that_would_end_beyond_the_deadline_is_not_begun() {
    let site = flaky(1, 503, ("retry-after", "4".to_owned()));
    let begun = Instant::now();
    let failure = failure(ask(&until(3000, &site.url("/"))).await);
    assert!(begun.elapsed().as_secs() < 3, "{:?}", begun.elapsed());
    assert_eq!((failure.kind, failure.status), (Kind::Status, Some(503)));
    assert!(failure.detail.starts_with("the deadline of 3s is over after 1 attempt; "), "{}", failure.detail);
}

#[tokio::test]
async fn the_time_of_attempts_counts_towards_the_deadline() {
    let site = Site::plain(|_| {
        std::thread::sleep(Duration::from_millis(200));
        reply(500, NOTHING, "no")
    });
    assert_eq!(tries(&until(150, &site.url("/"))).await, (Kind::Status, 1, true));
}

#[tokio::test]
async fn the_time_of_waiting_for_a_permit_does_not() {
    let site = flaky(2, 500, ("x-none", String::new()));
    let begun = Instant::now();
    let queue = Queue(Duration::from_millis(300));
    let asked = ask_with(&client(), &until(600, &site.url("/")), &queue).await;
    assert!(begun.elapsed().as_millis() >= 900, "{:?}", begun.elapsed());
    assert_eq!((asked.attempts, body(asked).as_str()), (3, "there"));
}

/// How a question fails that is answered so; the waits that everybody is told of.
async fn told_to_wait(endpoint: &Endpoint) -> (Failure, Vec<Duration>) {
    let gate = Gate::open();
    let asked = ask_with(&client(), endpoint, &&gate).await;
    assert_eq!(asked.attempts, 1);
    (failure(asked), gate.pauses.take())
}

#[tokio::test]
async fn who_is_to_wait_too_long_is_left_to_a_later_round_and_everybody_waits() {
    for (status, header) in [
        (429, ("retry-after", "3600")),
        (503, ("retry-after", "3600")),
        (500, ("retry-after", "3600")),
        (429, ("ratelimit", "\"hour\";r=0;t=3600")),
    ] {
        let site = Site::plain(move |_| reply(status, header, "no"));
        let mut endpoint = patient(&site.url("/"));
        for attempts in [1, 3] {
            endpoint.retry.attempts = attempts;
            let (failure, waits) = told_to_wait(&endpoint).await;
            let (kind, passing) = (failure.kind, failure.worth_repeating);
            assert_eq!((kind, failure.status, passing), (Kind::Quota, Some(status), true));
            assert!(failure.detail.starts_with("the server asks to wait 3600 s"), "{}", failure.detail);
            assert_eq!(waits, [Duration::from_secs(3600)]);
        }
    }
}

#[tokio::test]
async fn what_may_have_been_taken_keeps_its_failure_and_everybody_waits() {
    for (status, is_taken) in [(502, true), (429, false), (503, false)] {
        let site = Site::plain(move |_| reply(status, ("retry-after", "3600"), "no"));
        let mut endpoint = patient(&site.url("/"));
        (endpoint.method, endpoint.idempotent) = ("POST".to_owned(), false);
        let (failure, waits) = told_to_wait(&endpoint).await;
        let expected = if is_taken { (Kind::Status, false) } else { (Kind::Quota, true) };
        assert_eq!((failure.kind, failure.worth_repeating), expected, "{status}");
        assert_eq!(waits, [Duration::from_secs(3600)]);
    }
}

#[tokio::test]
async fn a_status_that_is_not_repeated_has_everybody_wait_where_it_is_about_limits() {
    let hour = [Duration::from_secs(3600)];
    for (status, waits) in [(429, &hour[..]), (503, &hour), (500, &[]), (403, &[])] {
        let site = Site::plain(move |_| reply(status, ("retry-after", "3600"), "no"));
        let (failure, told) = told_to_wait(&repeating(&site.url("/"), &[418], &[])).await;
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Status, false), "{status}");
        assert_eq!(told, waits, "{status}");
    }
}

#[tokio::test]
async fn a_limit_that_is_used_up_is_waited_for() {
    let site = flaky(1, 403, ("ratelimit", "\"second\";r=0;t=1".to_owned()));
    let (begun, gate) = (Instant::now(), Gate::open());
    let asked = ask_with(&client(), &repeating(&site.url("/"), &[403], &[]), &&gate).await;
    assert!(begun.elapsed().as_millis() >= 1000, "{:?}", begun.elapsed());
    assert_eq!((asked.attempts, body(asked).as_str()), (2, "there"));
    assert_eq!(gate.pauses.take(), [Duration::from_secs(1)]);
}

#[tokio::test]
async fn what_every_answer_says_of_limits_is_told() {
    let told = async |status, header| {
        let (site, gate) = (Site::plain(move |_| reply(status, header, "{}")), Gate::open());
        ask_with(&client(), &endpoint(&site.url("/")), &&gate).await;
        (gate.takes.take(), gate.pauses.take())
    };
    let half_a_minute = Duration::from_secs(30);
    let field = ("ratelimit", "\"day\";r=50;t=30");
    for status in [200, 404, 403, 429] {
        assert_eq!(told(status, field).await, (vec![(50, half_a_minute)], vec![]), "{status}");
    }
    let used_up = ("ratelimit", "\"day\";r=0;t=30");
    assert_eq!(told(200, used_up).await, (vec![(0, half_a_minute)], vec![]));
    assert_eq!(told(429, used_up).await, (vec![(0, half_a_minute)], vec![half_a_minute]));
    assert_eq!(told(200, ("x-plain", "1")).await, (vec![], vec![]));
}

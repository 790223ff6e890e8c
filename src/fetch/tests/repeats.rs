//! Attempts, pauses, interruption and what is counted on the way.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Instant, SystemTime};

use super::site::{Raw, Site, ok, reply};
use super::*;
use crate::record::Kind;

/// Fails with `status` the first `times`, then answers.
pub(super) fn flaky(times: u32, status: u16, header: (&'static str, String)) -> Site {
    let count = AtomicU32::new(0);
    Site::plain(move |_| {
        if count.fetch_add(1, Ordering::SeqCst) < times {
            reply(status, (header.0, &header.1), "not now")
        } else {
            ok("there")
        }
    })
}

pub(super) fn patient(url: &str) -> Endpoint {
    let mut endpoint = endpoint(url);
    endpoint.retry.attempts = 5;
    endpoint
}

#[tokio::test]
async fn passing_failures_are_repeated_until_they_pass() {
    for status in [408, 429, 500, 502, 503, 504] {
        let site = flaky(2, status, ("x-none", String::new()));
        let asked = ask(&patient(&site.url("/"))).await;
        assert_eq!((asked.attempts, asked.requests, asked.http_status), (3, 3, Some(200)));
        assert_eq!(asked.bytes, 7 + 7 + 5);
        assert_eq!(body(asked), "there");
    }
}

#[tokio::test]
async fn lasting_failures_are_not_repeated() {
    let site = flaky(9, 403, ("retry-after", "0".to_owned()));
    let asked = ask(&patient(&site.url("/"))).await;
    assert_eq!((asked.attempts, asked.requests), (1, 1));
    assert_eq!(failure(asked).status, Some(403));
}

#[tokio::test]
async fn attempts_have_an_end() {
    let site = flaky(99, 500, ("x-none", String::new()));
    let asked = ask(&patient(&site.url("/"))).await;
    assert_eq!((asked.attempts, asked.requests, asked.http_status), (5, 5, Some(500)));
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Status, true));
    assert_eq!(failure.detail, "500 Internal Server Error: not now");
}

#[tokio::test]
async fn a_broken_connection_is_repeated() {
    let raw = Raw::serving(|number, peer| {
        peer.request();
        match number {
            0 => {}
            1 => peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n01234"),
            _ => peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\n0123456789"),
        }
    });
    let asked = ask(&patient(&raw.url("/"))).await;
    assert_eq!((asked.attempts, asked.requests, asked.bytes), (3, 3, 15));
    assert_eq!(body(asked), "0123456789");
}

#[tokio::test]
async fn retry_after_is_waited_for_in_both_forms() {
    let seconds: fn() -> String = || "1".to_owned();
    // A date has whole seconds: this one is two to three away.
    let date: fn() -> String = || httpdate::fmt_http_date(SystemTime::now() + Duration::from_secs(3));
    for (header, at_least) in [(seconds, 1000), (date, 1900)] {
        let header = header();
        let site = flaky(1, 503, ("retry-after", header));
        let gate = Gate::open();
        let begun = Instant::now();
        let asked = ask_with(&client(), &patient(&site.url("/")), &&gate).await;
        assert_eq!(body(asked), "there");
        assert!(begun.elapsed().as_millis() >= at_least, "{:?}", begun.elapsed());
        assert_eq!(gate.pauses.borrow().len(), 1);
    }
}

#[tokio::test]
async fn a_retry_after_beyond_patience_leaves_the_pair_to_a_later_round() {
    let site = flaky(1, 429, ("retry-after", "3600".to_owned()));
    let begun = Instant::now();
    let asked = ask(&patient(&site.url("/"))).await;
    assert!(begun.elapsed().as_secs() < 5);
    assert_eq!(asked.attempts, 1);
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.status, failure.worth_repeating), (Kind::Quota, Some(429), true));
    assert!(
        failure.detail.starts_with("the server asks to wait 3600 s, more than the 5 s"),
        "{}",
        failure.detail
    );
}

#[tokio::test]
async fn no_permit_is_held_during_a_pause() {
    // The gate itself panics when a pair takes a second permit; here the pause is looked into.
    let site = flaky(1, 503, ("retry-after", "1".to_owned()));
    let (endpoint, client, gate) = (patient(&site.url("/")), client(), Gate::open());
    let pacer = &gate;
    let asking = ask_with(&client, &endpoint, &pacer);
    let looking = async {
        while gate.pauses.borrow().is_empty() {
            tokio::task::yield_now().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
        gate.held.get()
    };
    let (asked, held) = futures_util::future::join(asking, looking).await;
    assert_eq!((body(asked), held), ("there".to_owned(), 0));
}

async fn stopped_after(endpoint: &Endpoint, wait: Duration) -> (Asked, Duration) {
    let (client, question, gate) = (client(), question(endpoint), Gate::open());
    let request = question.build(&Row::id("tt1")).unwrap();
    let (running, stop) = watch::channel(false);
    let begun = Instant::now();
    let stopping = async {
        tokio::time::sleep(wait).await;
        running.send(true).unwrap();
    };
    let pacer = &gate;
    let asking = client.ask(&question, &request, &pacer, &stop, |most| most);
    let (asked, ()) = futures_util::future::join(asking, stopping).await;
    (asked, begun.elapsed())
}

#[tokio::test]
async fn an_interruption_ends_a_pause() {
    let site = flaky(9, 503, ("retry-after", "5".to_owned()));
    let (asked, took) = stopped_after(&patient(&site.url("/")), Duration::from_millis(100)).await;
    assert!(took.as_secs() < 4, "{took:?}");
    assert_eq!((asked.attempts, asked.requests, asked.http_status), (1, 1, Some(503)));
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Interrupted, true));
    assert!(failure.detail.contains("503 Service Unavailable"), "{}", failure.detail);
}

#[tokio::test]
async fn a_request_in_flight_is_finished() {
    let site = Site::plain(|_| {
        std::thread::sleep(Duration::from_millis(200));
        ok("there")
    });
    let (asked, _) = stopped_after(&patient(&site.url("/")), Duration::from_millis(50)).await;
    assert_eq!(body(asked), "there");
}

#[tokio::test]
async fn nothing_is_asked_after_the_interruption() {
    let site = Site::plain(|_| ok("there"));
    let (client, question) = (client(), question(&patient(&site.url("/"))));
    let request = question.build(&Row::id("tt1")).unwrap();
    let (_running, stop) = watch::channel(true);
    let asked = client.ask(&question, &request, &&Gate::open(), &stop, |most| most).await;
    assert_eq!((asked.attempts, asked.requests, asked.started_at, asked.finished_at), (0, 0, None, None));
    assert_eq!(failure(asked).kind, Kind::Interrupted);
    assert!(site.seen().is_empty());
}

#[tokio::test]
async fn a_pacer_that_refuses_ends_the_pair() {
    for (refused, kind) in
        [(Refused::MaxRequests, Kind::MaxRequests), (Refused::Interrupted, Kind::Interrupted)]
    {
        let site = flaky(9, 500, ("x-none", String::new()));
        let never = ask_with(&client(), &patient(&site.url("/")), &&Gate::letting(0, refused)).await;
        assert_eq!((never.attempts, never.requests, never.http_status), (0, 0, None));
        assert_eq!(failure(never).kind, kind);
        let asked = ask_with(&client(), &patient(&site.url("/")), &&Gate::letting(2, refused)).await;
        assert_eq!((asked.attempts, asked.requests, asked.http_status), (2, 2, Some(500)));
        assert_eq!(failure(asked).kind, kind);
    }
}

#[tokio::test]
async fn pauses_are_drawn_below_their_bound() {
    let site = flaky(99, 500, ("x-none", String::new()));
    let mut endpoint = patient(&site.url("/"));
    endpoint.retry.attempts = 4;
    let (client, question) = (client(), question(&endpoint));
    let request = question.build(&Row::id("tt1")).unwrap();
    let (_running, stop) = watch::channel(false);
    let bounds = RefCell::new(Vec::new());
    let draw = |most: Duration| {
        bounds.borrow_mut().push(most.as_millis());
        Duration::ZERO
    };
    client.ask(&question, &request, &&Gate::open(), &stop, draw).await;
    assert_eq!(*bounds.borrow(), [10, 20, 40]);
}

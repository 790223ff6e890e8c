//! Redirects: where they lead, what they carry, where they end.

use super::site::{Raw, Site, ok, reply};
use super::*;
use crate::job::{Payload, Redirects};
use crate::record::Kind;

fn to(location: &str) -> Raw {
    Raw::answering(format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n"))
}

/// An endpoint with a secret wherever one can be.
fn with_credentials(url: &str) -> Endpoint {
    let mut endpoint = endpoint(url);
    endpoint.params = named(&[("key", "${KEY}")]);
    endpoint.headers = named(&[
        ("x-key", "Key ${KEY}"),
        ("x-mixed", "{id} ${KEY}"),
        ("authorization", "literal"),
        ("cookie", "a=b"),
        ("x-plain", "plain {id}"),
        ("x-api-key", "spelled out"),
        ("accept", "text/plain"),
    ]);
    endpoint
}

async fn redirect_failure(location: &str) -> Failure {
    let failure = failure(ask(&endpoint(&to(location).url("/"))).await);
    assert_eq!((failure.kind, failure.status, failure.worth_repeating), (Kind::Redirect, Some(302), false));
    failure
}

#[tokio::test]
async fn all_redirects_of_a_get_are_followed() {
    for status in [301, 302, 303, 307, 308] {
        let site = Site::plain(move |target| match target {
            "/a/from?x=1" => reply(status, ("location", "../b/to?y=2#part"), "moved"),
            _ => ok("there"),
        });
        let asked = ask(&endpoint(&site.url("/a/from?x=1"))).await;
        assert_eq!((asked.attempts, asked.requests, asked.http_status), (1, 2, Some(200)));
        assert_eq!(asked.bytes, 5 + 5);
        assert_eq!(body(asked), "there");
        assert_eq!(site.seen()[1].target, "/b/to?y=2");
        assert_eq!(site.connections(), 1);
    }
}

#[tokio::test]
async fn credentials_stay_on_their_origin() {
    let other = Site::plain(|_| ok("there"));
    let location = other.url("/elsewhere");
    let first = Site::plain(move |target| {
        if target.starts_with("/here") { ok("here") } else { reply(302, ("location", &location), "") }
    });
    let asked = ask(&with_credentials(&first.url("/"))).await;
    assert_eq!(body(asked), "there");
    let seen = &first.seen()[0];
    assert_eq!(seen.headers["x-key"], "Key s3cr3t/+ key");
    let seen = &other.seen()[0];
    assert_eq!(seen.target, "/elsewhere");
    assert_eq!(seen.headers["host"], format!("localhost:{}", other.address.port()));
    // Nothing of the job's, since any of it may be a credential.
    let names: Vec<&str> = seen.headers.keys().map(|name| name.as_str()).collect();
    assert_eq!(names, ["host", "accept", "accept-encoding", "user-agent"]);
    assert_eq!(seen.headers["accept"], "text/plain");
    assert!(!format!("{seen:?}").contains("s3cr3t"));
}

#[tokio::test]
async fn a_secret_stays_behind_in_any_header() {
    let other = Site::plain(|_| ok("there"));
    let location = other.url("/");
    let first = Site::plain(move |_| reply(302, ("location", &location), ""));
    let mut endpoint = endpoint(&first.url("/"));
    endpoint.headers = named(&[("user-agent", "me ${KEY}"), ("accept", "a/${KEY}")]);
    assert_eq!(body(ask(&endpoint).await), "there");
    let names: Vec<_> = other.seen()[0].headers.keys().map(ToString::to_string).collect();
    assert_eq!(names, ["host", "accept-encoding"]);
}

#[tokio::test]
async fn credentials_go_along_on_the_same_origin() {
    let site = Site::plain(|target| {
        if target.starts_with("/from") { reply(302, ("location", "/to"), "") } else { ok("there") }
    });
    assert_eq!(body(ask(&with_credentials(&site.url("/from"))).await), "there");
    let seen = &site.seen()[1];
    assert_eq!(seen.headers["x-key"], "Key s3cr3t/+ key");
    assert_eq!(seen.headers["authorization"], "literal");
}

#[tokio::test]
async fn another_name_of_the_same_machine_is_another_origin() {
    let site = Site::plain(|_| ok("there"));
    let location = site.url("/to").replace("localhost", "127.0.0.1");
    let first = Site::plain(move |_| reply(302, ("location", &location), ""));
    assert_eq!(body(ask(&with_credentials(&first.url("/"))).await), "there");
    assert!(!site.seen()[0].headers.contains_key("x-key"));
}

#[tokio::test]
async fn a_redirect_that_hands_the_secret_on_is_refused() {
    let other = Site::plain(|_| ok("there"));
    for spelling in ["s3cr3t%2F%2B%20key", "s3cr3t/+%20key", "%733cr3t%2f%2b%20key"] {
        let location = other.url(&format!("/?key={spelling}"));
        let first = to(&location);
        let failure = failure(ask(&with_credentials(&first.url("/"))).await);
        assert_eq!(failure.kind, Kind::Redirect, "{failure:?}");
        assert!(failure.detail.contains("another origin"), "{}", failure.detail);
        assert!(!failure.detail.contains("3cr3t"), "{}", failure.detail);
    }
    assert!(other.seen().is_empty());
}

#[tokio::test]
async fn a_loop_ends_at_the_bound() {
    let site = Site::plain(|_| reply(302, ("location", "/again"), ""));
    let mut endpoint = endpoint(&site.url("/"));
    endpoint.bounds.max_redirects = 3;
    let asked = ask(&endpoint).await;
    assert_eq!((asked.attempts, asked.requests), (1, 4));
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.status), (Kind::Redirect, Some(302)));
    assert_eq!(failure.detail, "more than 3 redirects, the last one to /again");
    endpoint.bounds.max_redirects = 0;
    assert_eq!(ask(&endpoint).await.requests, 1);
}

#[tokio::test]
async fn the_way_of_a_redirect_has_one_time_limit() {
    let site = Site::plain(|_| {
        std::thread::sleep(Duration::from_millis(40));
        reply(302, ("location", "/again"), "")
    });
    let mut endpoint = endpoint(&site.url("/"));
    endpoint.bounds.max_redirects = 100;
    endpoint.bounds.timeout = Duration::from_millis(200);
    let asked = ask(&endpoint).await;
    assert!(asked.requests < 10);
    assert_eq!(failure(asked).kind, Kind::Timeout);
}

#[tokio::test]
async fn addresses_that_may_not_be_followed() {
    for location in [
        "ftp://localhost/",
        "file:///etc/passwd",
        "javascript:alert(1)",
        "http://user:pw@localhost/",
        "http://",
        "http://[::bad/",
    ] {
        redirect_failure(location).await;
    }
    let none = failure(ask(&endpoint(&Raw::answering("HTTP/1.1 301 Moved\r\n\r\n").url("/"))).await);
    assert_eq!((none.kind, &*none.detail), (Kind::Redirect, "without a Location header"));
    let two = "HTTP/1.1 301 Moved\r\nlocation: /a\r\nlocation: /b\r\n\r\n";
    let two = failure(ask(&endpoint(&Raw::answering(two).url("/"))).await);
    assert_eq!((two.kind, &*two.detail), (Kind::Redirect, "with two Location headers that differ"));
    assert_eq!(redirect_failure(" ").await.detail, "with an empty Location header");
}

#[tokio::test]
async fn an_address_is_asked_as_its_server_wrote_it() {
    for (location, target) in [
        // UTF-8, Latin-1, and bytes of no charset at all.
        (&b"/caf\xc3\xa9?q=\xc3\xa9#\xc3\xa9"[..], "/caf%C3%A9?q=%C3%A9"),
        (b"/caf\xe9?q=\xe9", "/caf%E9?q=%E9"),
        (b"/\xff%ff\xc3\xa9 x", "/%FF%ff%C3%A9%20x"),
        (b"?\xe9", "/from?%E9"),
    ] {
        let answer =
            [&b"HTTP/1.1 302 Found\r\ncontent-length: 0\r\nlocation: "[..], location, b"\r\n\r\n"].concat();
        let raw = Raw::serving(move |_, peer| {
            while let Some(head) = peer.head() {
                if head.starts_with("GET /from HTTP") {
                    peer.write(&answer)
                } else {
                    peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthere")
                }
            }
        });
        assert_eq!(body(ask(&endpoint(&raw.url("/from"))).await), "there");
        assert!(raw.heads()[1].starts_with(&format!("GET {target} HTTP/1.1\r\n")), "{}", raw.heads()[1]);
    }
}

#[tokio::test]
async fn slashes_too_many_name_a_host_as_in_browsers() {
    let other = Site::plain(|_| ok("there"));
    let host = format!("localhost:{}", other.address.port());
    for location in [
        format!("//{host}/to"),
        format!("///{host}/to"),
        format!("/\\\\{host}/to"),
        format!("http:///{host}/to"),
    ] {
        assert_eq!(body(ask(&with_credentials(&to(&location).url("/"))).await), "there", "{location}");
        let seen = other.seen().pop().unwrap();
        assert_eq!((&*seen.target, seen.headers.contains_key("x-key")), ("/to", false));
    }
}

#[tokio::test]
async fn a_redirect_status_may_mean_missing() {
    let mut endpoint = endpoint(&to("/elsewhere").url("/"));
    endpoint.missing.statuses = vec![302];
    let answer = ask(&endpoint).await.answer.unwrap();
    assert!(answer.missing);
}

#[tokio::test]
async fn the_status_says_whether_the_payload_goes_along() {
    for (method, status, then) in [
        ("POST", 301, "GET"),
        ("POST", 302, "GET"),
        ("POST", 303, "GET"),
        ("POST", 307, "POST"),
        ("POST", 308, "POST"),
        ("PUT", 301, "PUT"),
        ("PUT", 303, "GET"),
        ("DELETE", 302, "DELETE"),
        ("HEAD", 303, "HEAD"),
    ] {
        let site = Site::plain(move |target| match target {
            "/from" => reply(status, ("location", "/to"), ""),
            _ => ok("there"),
        });
        let mut endpoint = endpoint(&site.url("/from"));
        endpoint.method = method.to_owned();
        endpoint.redirects = Redirects::Browser;
        if method != "HEAD" {
            endpoint.payload = Some(Payload::Text(template("<{id}>")));
        }
        assert!(ask(&endpoint).await.answer.is_ok());
        let seen = &site.seen()[1];
        assert_eq!(seen.method, then, "{method} {status}");
        let has_payload = ["POST", "PUT", "DELETE"].contains(&then);
        assert_eq!(seen.body, if has_payload { "<tt1>" } else { "" }, "{method} {status}");
        assert_eq!(seen.headers.contains_key("content-type"), has_payload, "{method} {status}");
    }
}

#[tokio::test]
async fn no_redirect_makes_a_get_of_a_post_unless_the_job_says_so() {
    for (method, status) in [("POST", 301), ("POST", 302), ("POST", 303), ("PUT", 303), ("DELETE", 303)] {
        let site = Site::plain(move |_| reply(status, ("location", "/to?k=s3cr3t%2F%2B%20key"), ""));
        let mut endpoint = with_credentials(&site.url("/from"));
        endpoint.method = method.to_owned();
        let asked = ask(&endpoint).await;
        assert_eq!((asked.requests, site.seen().len()), (1, 1));
        let failure = failure(asked);
        assert_eq!(
            (failure.kind, failure.status, failure.worth_repeating),
            (Kind::Redirect, Some(status), false)
        );
        let said = format!(
            "to /to?k=${{KEY}}: after {status} this {method} would become a GET without its payload; hint: put the \
             final address into the job's url, or say redirects = \"browser\" if the answer is what that GET gives"
        );
        assert_eq!(failure.detail, said);
    }
}

#[tokio::test]
async fn a_payload_with_a_secret_stays_on_its_origin() {
    let other = Site::plain(|_| ok("there"));
    let location = other.url("/");
    let site = Site::plain(move |target| {
        reply(if target == "/303" { 303 } else { 307 }, ("location", &location), "")
    });
    let mut endpoint = endpoint(&site.url("/307"));
    endpoint.method = "POST".to_owned();
    endpoint.redirects = Redirects::Browser;
    endpoint.payload = Some(Payload::Text(template("plain")));
    assert_eq!(body(ask(&endpoint).await), "there");
    endpoint.payload = Some(Payload::Text(template("key ${KEY}")));
    let failure = failure(ask(&endpoint).await);
    assert_eq!(failure.kind, Kind::Redirect);
    assert!(failure.detail.contains("hand a secret"), "{}", failure.detail);
    endpoint.url = template(&site.url("/303"));
    assert_eq!(body(ask(&endpoint).await), "there");
    let bodies: Vec<_> = other.seen().into_iter().map(|seen| seen.body).collect();
    assert_eq!(bodies, ["plain", ""]);
}

#[tokio::test]
async fn every_step_asks_the_pacer() {
    let site = Site::plain(|_| reply(302, ("location", "/again"), ""));
    let gate = Gate::letting(2, Refused::MaxRequests);
    let asked = ask_with(&client(), &endpoint(&site.url("/")), &&gate).await;
    assert_eq!((asked.attempts, asked.requests, asked.http_status), (1, 2, Some(302)));
    assert_eq!(failure(asked).kind, Kind::MaxRequests);
    assert_eq!(site.seen().len(), 2);
}

//! Cookies within one request's redirects: sent back where they belong, nowhere else, and forgotten after it.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use http_body_util::Full;
use hyper::Response;

use super::site::{Raw, Seen, Site, ok};
use super::*;
use crate::record::Kind;

/// A redirect that sets these.
fn setting(location: &str, cookies: &[&str]) -> Response<Full<Bytes>> {
    let mut answer = Response::builder().status(302).header("location", location);
    for cookie in cookies {
        answer = answer.header("set-cookie", *cookie);
    }
    answer.body(Full::default()).unwrap()
}

fn cookie(seen: &Seen) -> &str {
    seen.headers.get("cookie").map_or("", |value| value.to_str().unwrap())
}

/// A server that answers only who brings the cookie back that it sets, as login pages and consent walls do.
fn wall() -> Raw {
    Raw::serving(|_, peer| {
        while let Some(head) = peer.head() {
            if head.contains("\r\nCookie: sid=1\r\n") {
                peer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nthere")
            } else {
                peer.write(b"HTTP/1.1 302 Found\r\nlocation: /\r\nset-cookie: sid=1; HttpOnly\r\ncontent-length: 0\r\n\r\n")
            }
        }
    })
}

#[tokio::test]
async fn a_site_that_sets_one_and_redirects_to_itself_answers() {
    let wall = wall();
    let client = client();
    for _ in 0..2 {
        let asked = ask_with(&client, &endpoint(&wall.url("/")), &&Gate::open()).await;
        assert_eq!(asked.requests, 2);
        assert_eq!(body(asked), "there");
    }
    let with: Vec<bool> = wall.heads().iter().map(|head| head.contains("Cookie:")).collect();
    assert_eq!(with, [false, true, false, true], "a request begins without those of another");
}

#[tokio::test]
async fn each_goes_where_it_belongs() {
    let site = Site::plain(|target| match target {
        "/a/from" => setting(
            "/a/one",
            &[
                "here=1",
                "root=2; Path=/",
                "deep=3; Path=/a/deep",
                "safe=4; Secure",
                "gone=5; Max-Age=0",
                "other=6; Domain=example.com",
                "old=7; Expires=Thu, 01 Jan 1970 00:00:00 GMT",
                "=8",
                "bare",
            ],
        ),
        "/a/one" => setting("/a/deep/two", &["root=9; Path=/", "root=8; Path=/a"]),
        "/a/deep/two" => setting("/b", &["here=; Path=/a; Max-Age=0"]),
        "/b" => setting("/a/last", &[]),
        _ => ok("there"),
    });
    assert_eq!(body(ask(&endpoint(&site.url("/a/from"))).await), "there");
    // This machine counts as safe, as it does in browsers.
    let cookies: Vec<String> = site.seen().iter().map(|seen| cookie(seen).to_owned()).collect();
    assert_eq!(
        cookies,
        [
            "",
            "here=1; safe=4; root=2",
            "deep=3; here=1; root=8; safe=4; root=9",
            "root=9",
            "root=8; safe=4; root=9"
        ]
    );
}

#[tokio::test]
async fn another_origin_gets_none_and_the_first_one_has_its_own_back() {
    let first_address = Arc::new(std::sync::OnceLock::<String>::new());
    let back = first_address.clone();
    let other = Site::plain(move |_| setting(back.get().unwrap(), &["other=1; Path=/"]));
    let location = other.url("/");
    let first = Site::plain(move |target| match target {
        "/from" => setting(&location, &["own=1; Path=/"]),
        _ => ok("there"),
    });
    first_address.set(first.url("/back")).unwrap();
    assert_eq!(body(ask(&endpoint(&first.url("/from"))).await), "there");
    assert_eq!(cookie(&other.seen()[0]), "");
    assert_eq!(cookie(&first.seen()[1]), "own=1");
}

#[tokio::test]
async fn the_jobs_own_stay_beside_them_on_their_origin() {
    let site = Site::plain(|target| match target {
        "/from" => setting("/to", &["b=server; Path=/", "c=3; Path=/"]),
        _ => ok("there"),
    });
    let mut endpoint = endpoint(&site.url("/from"));
    endpoint.headers = named(&[("cookie", "a=${KEY}; b=job")]);
    let asked = ask(&endpoint).await;
    assert_eq!(body(asked), "there");
    assert_eq!(cookie(&site.seen()[1]), format!("a={SECRET}; b=server; c=3"));
}

#[tokio::test]
async fn a_redirect_that_goes_round_says_that_cookies_were_set() {
    let count = Arc::new(AtomicUsize::new(0));
    let site = Site::plain(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        setting("/again", &[&format!("sid={number}; Path=/"), "key=s3cr3t%2F%2B%20key"])
    });
    let mut endpoint = endpoint(&site.url("/"));
    endpoint.bounds.max_redirects = 2;
    endpoint.headers = named(&[("x-key", "${KEY}")]);
    let failure = failure(ask(&endpoint).await);
    assert_eq!(failure.kind, Kind::Redirect);
    assert_eq!(
        failure.detail,
        "more than 2 redirects, the last one to /again; on the way cookies were set (sid, key), and sent back where they \
         had been set"
    );
}

#[tokio::test]
async fn there_is_an_end_to_what_is_kept() {
    let many: Vec<String> = (0..400).map(|number| format!("n{number}={}; Path=/", "x".repeat(400))).collect();
    let site = Site::plain(move |target| match target {
        "/from" => {
            let many: Vec<&str> = many.iter().take(60).map(String::as_str).collect();
            setting("/to", &many)
        }
        _ => ok("there"),
    });
    assert_eq!(body(ask(&endpoint(&site.url("/from"))).await), "there");
    let length = cookie(&site.seen()[1]).len();
    assert!((4000..=8192).contains(&length), "{length}");
}

#[test]
fn one_that_is_for_https_does_not_go_over_http() {
    let headers =
        hyper::HeaderMap::from_iter([(hyper::header::SET_COOKIE, "safe=1; Secure".parse().unwrap())]);
    let sent = |url: &str| {
        let request = question(&endpoint(url)).build(&Row::id("tt1")).unwrap();
        let mut jar = crate::fetch::cookies::Jar::default();
        jar.keep(&request, &headers);
        jar.added_to(&request).map(|request| request.headers["cookie"].to_str().unwrap().to_owned())
    };
    assert_eq!(sent("https://example.com/").as_deref(), Some("safe=1"));
    assert_eq!(sent("http://example.com/"), None);
}

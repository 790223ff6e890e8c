//! From one page to the next.

use super::site::{Site, ok, reply};
use super::*;
use crate::job::{NextPage, Pages, Payload};
use crate::record::Kind;

fn paged(url: &str, next: NextPage) -> Endpoint {
    let pages = Some(Pages { next, max: 1000, items: None });
    Endpoint { rows: Some(".[]".to_owned()), pages, ..endpoint(url) }
}

fn offset(url: &str) -> Endpoint {
    paged(url, NextPage::Offset { parameter: "start".to_owned(), first: 0, more: None })
}

fn number(url: &str) -> Endpoint {
    paged(url, NextPage::Number { parameter: "page".to_owned(), first: 1, more: None })
}

fn first(endpoint: &Endpoint) -> (Question, Request) {
    let question = question(endpoint);
    let request = question.build(&Row::id("tt1")).unwrap();
    (question, request)
}

fn step<'a>(name: &'a str, value: &'a str) -> NextStep<'a> {
    NextStep::Parameter { name, value }
}

#[test]
fn the_first_page_has_its_parameter_too() {
    let target = |endpoint: &Endpoint| first(endpoint).1.target.to_string();
    assert_eq!(target(&offset("http://example.com/{id}")), "/tt1?start=0");
    assert_eq!(target(&number("http://example.com/?a={id}")), "/?a=tt1&page=1");
    assert_eq!(target(&number("http://example.com/?page=0&a={id}")), "/?page=1&a=tt1");
    assert_eq!(target(&paged("http://example.com/{id}", NextPage::Link)), "/tt1");
    let cursor = NextPage::Cursor { value: ".next".to_owned(), parameter: "cursor".to_owned() };
    assert_eq!(target(&paged("http://example.com/{id}", cursor)), "/tt1");
}

#[test]
fn a_parameter_leads_on_and_all_else_stays() {
    let mut endpoint = number("http://example.com/${KEY}/{id}?k=${KEY}");
    endpoint.method = "POST".to_owned();
    endpoint.payload = Some(Payload::Form(named(&[("key", "${KEY}")])));
    endpoint.headers = named(&[("x-key", "${KEY}")]);
    let (question, request) = first(&endpoint);
    let second = question.next_page(&request, step("page", "2")).unwrap();
    let third = question.next_page(&second, step("page", "3&x=1")).unwrap();
    assert_eq!(third.target, "/s3cr3t%2F%2B%20key/tt1?k=s3cr3t%2F%2B%20key&page=3%26x%3D1");
    assert_eq!(third.shown(), "http://example.com/${KEY}/tt1?k=${KEY}&page=3%26x%3D1");
    assert_eq!(third.method(), "POST");
    assert_eq!(third.payload, request.payload);
    assert_eq!(third.shown_body().as_deref(), Some("key=${KEY}"));
    assert_eq!(third.headers, request.headers);
    assert!(!format!("{third:?}").contains("s3cr3t"));
}

#[test]
fn a_cursor_may_be_any_text_but_not_endless() {
    let (question, request) = first(&endpoint("http://example.com/?q=a"));
    let next = question.next_page(&request, step("cursor", "a b&c=d#é\n/")).unwrap();
    let read: Vec<_> = url::Url::parse(&next.shown()).unwrap().query_pairs().into_owned().collect();
    assert_eq!(read[1], ("cursor".to_owned(), "a b&c=d#é\n/".to_owned()));
    let failure = question.next_page(&request, step("cursor", &"x".repeat(20_000))).unwrap_err();
    assert_eq!(failure.kind, Kind::Template);
}

#[test]
fn a_url_leads_on_and_its_secrets_are_not_shown() {
    let mut endpoint = endpoint("https://example.com/a/films?k=${KEY}");
    endpoint.headers = named(&[("x-key", "${KEY}")]);
    let (question, request) = first(&endpoint);
    for (reference, shown) in [
        ("?page=2", "https://example.com/a/films?page=2"),
        ("../b?k=s3cr3t%2F%2B%20key&page=2#top", "https://example.com/b?k=${KEY}&page=2"),
        ("https://EXAMPLE.com:443/c?k=s3cr3t%2F%2B+key", "https://example.com/c?k=${KEY}"),
        ("/d?k=%733cr3t%2F%2B%20key", "https://example.com(withheld: it holds a secret)"),
    ] {
        let next = question.next_page(&request, NextStep::Url(reference)).unwrap();
        assert_eq!(next.shown(), shown);
        assert!(next.headers.contains_key("x-key"), "{reference}");
    }
}

#[test]
fn another_origin_gets_no_credentials() {
    let mut endpoint = endpoint("https://example.com/{id}");
    endpoint.headers = named(&[("x-key", "${KEY}"), ("x-plain", "plain")]);
    let (question, request) = first(&endpoint);
    let away = question.next_page(&request, NextStep::Url("https://other.example/2")).unwrap();
    assert_eq!(away.headers["host"], "other.example");
    assert!(!away.headers.contains_key("x-key") && !away.headers.contains_key("x-plain"));
    assert!(away.headers.contains_key("user-agent"));
    let back = question.next_page(&away, NextStep::Url("https://example.com/3")).unwrap();
    assert!(!back.headers.contains_key("x-key"), "a credential that was left behind stays there");
}

#[test]
fn pages_that_may_not_be_followed() {
    let mut endpoint = endpoint("https://example.com/{id}");
    endpoint.method = "POST".to_owned();
    endpoint.payload = Some(Payload::Text(template("${KEY}")));
    let (question, request) = first(&endpoint);
    for (reference, why) in [
        ("http://example.com/2", "from https to http"),
        ("ftp://example.com/2", "only http and https"),
        ("https://user@example.com/2", "user name"),
        ("https://other.example/?k=s3cr3t%2F%2B%20key", "another origin"),
        ("https://other.example/", "another origin"),
        ("https://[::bad/", "IPv6"),
    ] {
        let failure = question.next_page(&request, NextStep::Url(reference)).unwrap_err();
        assert_eq!((failure.kind, failure.worth_repeating), (Kind::Pages, false), "{reference}");
        assert!(failure.detail.contains(why) && !failure.detail.contains("s3cr3t"), "{}", failure.detail);
    }
}

#[tokio::test]
async fn the_link_header_is_read_where_pages_follow_it() {
    let site = Site::plain(|target| match target {
        "/a/from" => reply(302, ("location", "/b/films?page=1"), ""),
        "/b/films?page=1" => reply(200, ("link", "<?page=2>; rel=\"next\", <?page=9>; rel=last"), "1"),
        _ => ok("2"),
    });
    let question = question(&paged(&site.url("/a/from"), NextPage::Link));
    let request = question.build(&Row::id("tt1")).unwrap();
    let (client, (_running, stop)) = (client(), watch::channel(false));
    let asked = client.ask(&question, &request, &&Gate::open(), &stop, |most| most).await;
    // Relative to the address where the page was found.
    let next = asked.answer.unwrap().next_link.unwrap();
    assert_eq!(next, site.url("/b/films?page=2"));
    let second = question.next_page(&request, NextStep::Url(&next)).unwrap();
    let answer = client.ask(&question, &second, &&Gate::open(), &stop, |most| most).await.answer.unwrap();
    assert_eq!((&*answer.body, answer.next_link), (&b"2"[..], None));

    let elsewhere = ask(&endpoint(&site.url("/b/films?page=1"))).await.answer.unwrap();
    assert_eq!(elsewhere.next_link, None);
}

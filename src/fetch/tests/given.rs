//! Whole URLs from the input: who is asked, and who is not, whatever the URL looks like.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use hyper::http::uri::PathAndQuery;
use proptest::prelude::*;

use super::site::{Site, ok, reply};
use super::*;
use crate::job::Payload;
use crate::record::Kind;

/// An endpoint that asks the URL in the column `id`.
fn given(hosts: &[&str]) -> Endpoint {
    Endpoint { hosts: hosts.iter().map(|host| host.to_string()).collect(), ..endpoint("{id:url}") }
}

async fn ask_url(client: &Client, endpoint: &Endpoint, url: &str) -> Asked {
    let question = question(endpoint);
    let request = question.build(&Row::id(url)).unwrap();
    let (_running, stop) = watch::channel(false);
    client.ask(&question, &request, &&Gate::open(), &stop, |most| most).await
}

fn refusal(endpoint: &Endpoint, url: &str) -> String {
    let failure = question(endpoint).build(&Row::id(url)).expect_err(url);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Template, false));
    failure.detail
}

#[tokio::test]
async fn the_url_is_asked_as_it_is_and_templates_add_to_it() {
    let site = Site::plain(|target| ok(target.to_owned()));
    let mut endpoint = given(&["localhost"]);
    endpoint.headers = named(&[("x-url", "<{id}>")]);
    let url = site.url("/a%2Fb/../c d?x=1#part");
    assert_eq!(body(ask_url(&client(), &endpoint, &format!(" {url} ")).await), "/c%20d?x=1");
    assert_eq!(site.seen()[0].headers["host"], format!("localhost:{}", site.address.port()));
    assert_eq!(site.seen()[0].headers["x-url"], format!("< {url} >"));
    endpoint.params = named(&[("q", "a&b"), ("r", "r")]);
    for (path, asked) in [
        ("", "/?q=a%26b&r=r"),
        ("/c?", "/c?q=a%26b&r=r"),
        ("/c?x=1", "/c?x=1&q=a%26b&r=r"),
        ("/c?x=1&", "/c?x=1&q=a%26b&r=r"),
    ] {
        assert_eq!(body(ask_url(&client(), &endpoint, &site.url(path)).await), asked);
    }
}

#[test]
fn what_is_no_url_to_ask_is_refused_by_name() {
    let anyone = given(&[]);
    for (url, why) in [
        ("", "column id is not a URL"),
        ("example.com/films", "is not a URL"),
        ("//example.com/", "is not a URL"),
        ("ftp://example.com/", "only http and https"),
        ("file:///etc/passwd", "only http and https"),
        ("javascript:alert(1)", "only http and https"),
        ("http://user:pw@example.com/", "user name or a password"),
        ("http://user@example.com/", "user name or a password"),
        ("http://exa mple.com/", "is not a URL"),
        ("http://example.com/a\r\nHost: evil", "line break"),
        ("http://127.0.0.1/", "127.0.0.1 is not a public address; hint: name the host"),
        ("http://[::1]/", "::1 is not a public address"),
    ] {
        assert!(refusal(&anyone, url).contains(why), "{url}: {}", refusal(&anyone, url));
    }
    let url = "http://other.example/";
    assert!(refusal(&given(&["example.com"]), url).contains("other.example is not among the hosts"));
    let long = format!("http://example.com/{}", "x".repeat(9000));
    assert!(refusal(&anyone, &long).contains("bytes long"));
}

#[test]
fn secrets_and_batches_do_not_go_with_it() {
    let mut with_secret = given(&["example.com"]);
    with_secret.payload = Some(Payload::Text(template("${KEY}")));
    let beside = endpoint("http://example.com/{id:url}");
    let wrong_host = given(&["http://example.com"]);
    for endpoint in [with_secret, beside, wrong_host] {
        let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
        assert!(Question::compile_all(&[endpoint], &columns, &secrets(&[("KEY", "x")])).is_err());
    }
}

#[tokio::test]
async fn a_name_is_judged_by_the_address_that_it_leads_to() {
    let site = Site::plain(|_| ok("there"));
    let asked = ask_url(&client(), &given(&[]), &site.url("/")).await;
    assert_eq!((asked.attempts, asked.requests), (1, 0));
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Template, false));
    assert!(failure.detail.starts_with("localhost leads to "), "{}", failure.detail);
    assert_eq!(site.connections(), 0);
    assert_eq!(body(ask_url(&client(), &given(&["localhost"]), &site.url("/")).await), "there");
}

#[tokio::test]
async fn a_connection_that_others_opened_does_not_help() {
    let site = Site::plain(|_| ok("there"));
    let client = client();
    for endpoint in [given(&["localhost"]), endpoint(&site.url("/"))] {
        assert_eq!(body(ask_url(&client, &endpoint, &site.url("/")).await), "there");
        assert_eq!(failure(ask_url(&client, &given(&[]), &site.url("/")).await).kind, Kind::Template);
    }
    assert_eq!((site.connections(), site.seen().len()), (1, 2));
}

#[tokio::test]
async fn public_addresses_are_asked_over_connections_of_their_own() {
    let site = Site::plain(|_| ok("there"));
    let client = Client::with(16, connect::Connector::new(), |address| address.is_loopback());
    for _ in 0..3 {
        assert_eq!(body(ask_url(&client, &given(&[]), &site.url("/")).await), "there");
        assert_eq!(body(ask_url(&client, &given(&["localhost"]), &site.url("/")).await), "there");
    }
    assert_eq!(site.connections(), 2);
}

#[tokio::test]
async fn redirects_lead_no_further_than_the_urls() {
    let other = Site::plain(|_| ok("there"));
    let by_address = other.url("/").replace("localhost", "127.0.0.1");
    let (location, named) = (by_address.clone(), other.url("/"));
    let site = Site::plain(move |target| match target {
        "/address" => reply(302, ("location", &location), ""),
        _ => reply(302, ("location", &named), ""),
    });
    let by_hosts = given(&["localhost"]);
    assert_eq!(body(ask_url(&client(), &by_hosts, &site.url("/name")).await), "there");
    let refused = failure(ask_url(&client(), &by_hosts, &site.url("/address")).await);
    assert_eq!((refused.kind, refused.status), (Kind::Redirect, Some(302)));
    assert!(refused.detail.contains("127.0.0.1 is not among the hosts"), "{}", refused.detail);

    let client = Client::with(16, connect::Connector::new(), |address| address.is_loopback());
    let refused = failure(ask_url(&client, &given(&[]), &site.url("/address")).await);
    assert_eq!((refused.kind, refused.status), (Kind::Redirect, Some(302)));
    assert!(refused.detail.contains("not a public address"), "{}", refused.detail);
    assert_eq!(other.seen().len(), 1);
}

#[tokio::test]
async fn a_redirect_to_a_name_is_judged_by_its_address() {
    static IS_PUBLIC: AtomicBool = AtomicBool::new(true);
    let other = Site::plain(|_| ok("there"));
    let location = other.url("/");
    let site = Site::plain(move |_| {
        IS_PUBLIC.store(false, Ordering::SeqCst);
        reply(302, ("location", &location), "")
    });
    let client = Client::with(16, connect::Connector::new(), |_| IS_PUBLIC.load(Ordering::SeqCst));
    let asked = ask_url(&client, &given(&[]), &site.url("/")).await;
    assert_eq!((asked.requests, asked.attempts), (1, 1));
    assert_eq!(failure(asked).kind, Kind::Redirect);
    assert_eq!(other.connections(), 0);
}

/// A client for which this is a public address and 127.0.0.2 is none.
fn public_here() -> Client {
    Client::with(16, connect::Connector::new(), |address| address.to_string() != "127.0.0.2")
}

#[tokio::test]
async fn a_public_host_leads_to_public_addresses_only() {
    let second = Site::plain(|_| reply(302, ("location", "http://127.0.0.2:9/inner"), ""));
    let by_address = second.url("/").replace("localhost", "127.0.0.1");
    let first = Site::plain(move |target| match target {
        "/far" => reply(302, ("location", &by_address), ""),
        "/home" => reply(302, ("location", "/inner"), ""),
        _ => reply(302, ("location", "http://127.0.0.2:9/inner"), ""),
    });
    for (path, requests) in [("/near", 1), ("/far", 2), ("/home", 2)] {
        let mut endpoint = endpoint(&first.url(path));
        let asked = ask_with(&public_here(), &endpoint, &&Gate::open()).await;
        assert_eq!((asked.attempts, asked.requests), (1, requests), "{path}");
        let refused = failure(asked);
        assert_eq!((refused.kind, refused.worth_repeating), (Kind::Redirect, false), "{refused:?}");
        let said = "127.0.0.2 is not a public address; hint: name the host in the endpoint's hosts if it may be asked";
        assert_eq!(refused.detail, said);
        // Where the job names it, it is asked: nobody is there.
        endpoint.hosts = vec!["127.0.0.1".to_owned(), "127.0.0.2".to_owned()];
        let named = failure(ask_with(&public_here(), &endpoint, &&Gate::open()).await);
        assert_eq!(named.kind, Kind::Connect, "{named:?}");
        endpoint.hosts = vec!["127.0.0.3".to_owned()];
        let others = failure(ask_with(&public_here(), &endpoint, &&Gate::open()).await);
        assert!(others.detail.contains("is not among the hosts that the job names"), "{others:?}");
    }
}

#[tokio::test]
async fn so_it_does_by_next_pages() {
    let site = Site::plain(|_| ok("there"));
    let question = question(&endpoint(&site.url("/")));
    let first = question.build(&Row::id("")).unwrap();
    let (_running, stop) = watch::channel(false);
    for (next, kind) in
        [("http://127.0.0.2:9/", Some(Kind::Template)), ("/2", None), ("//127.0.0.3:9/", Some(Kind::Connect))]
    {
        let request = question.next_page(&first, NextStep::Url(next)).unwrap();
        let asked = public_here().ask(&question, &request, &&Gate::open(), &stop, |most| most).await;
        assert_eq!(asked.answer.err().map(|failure| failure.kind), kind, "{next}");
    }
}

#[tokio::test]
async fn a_host_of_a_network_of_ones_own_leads_to_others_there() {
    let other = Site::plain(|_| ok("there"));
    let location = other.url("/").replace("localhost", "127.0.0.1");
    let site = Site::plain(move |_| reply(302, ("location", &location), ""));
    assert_eq!(body(ask(&endpoint(&site.url("/"))).await), "there");
}

#[test]
fn next_pages_lead_no_further_either() {
    let question = question(&given(&["example.com", "*.example.org"]));
    let request = question.build(&Row::id("https://example.com/1")).unwrap();
    for url in ["/2", "https://example.com:8443/2", "https://a.example.org/2"] {
        question.next_page(&request, NextStep::Url(url)).expect(url);
    }
    for url in ["https://example.org/", "https://127.0.0.1/", "http://example.com/2"] {
        assert_eq!(question.next_page(&request, NextStep::Url(url)).expect_err(url).kind, Kind::Pages);
    }
}

/// This machine and its network, in every spelling that some program understands.
const INNER: &[&str] = &[
    "127.0.0.1",
    "127.1",
    "127.0.1",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0X7F.0.0.1",
    "0177.0.0.1",
    "0177.1",
    "00000177.0x0.0.01",
    "127.0.0.1.",
    "0x7f.1.",
    "%31%32%37.0.0.1",
    "127。0。0。1",
    "①②⑦.0.0.1",
    "１２７.1",
    "0",
    "0.",
    "0x0",
    "10.0.0.1",
    "012.1",
    "172.16.1",
    "192.168.1.1",
    "0xc0a80101",
    "3232235777",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "100.64.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "4294967295",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[0:0:0:0:0:ffff:a9fe:a9fe]",
    "[::127.0.0.1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[fe80::1]",
    "[fd00::1]",
    "[FEC0::1]",
    "[ff02::1]",
];

/// Hosts that some program or other may take for good.example.
const NEARLY: &[&str] = &[
    "good.example",
    "GOOD.example.",
    "good.example..",
    "good.example.evil.net",
    "evil.net",
    "evilgood.example",
    "good.example%00.evil.net",
    "good.example%2eevil.net",
    "good%2eexample",
    "ｇｏｏｄ.example",
    "good。example",
    "gооd.example",
    "xn--good.example",
    "good.example\\evil.net",
    "evil.net\\good.example",
    "[good.example]",
    "good.example,evil.net",
    "good.example;evil.net",
    "good.example|evil.net",
    "evil.net\u{ad}good.example",
    "good.exam\u{ad}ple",
    "127.0.0.1",
    "[::1]",
];

/// What may stand around a host.
const SCHEMES: &[&str] = &[
    "http://",
    "https://",
    "HTTP://",
    "http:",
    "http:/",
    "http:///",
    "http:\\\\",
    "http:/\\",
    "ht\ttp://",
    "//",
    " http://",
];
const USERS: &[&str] = &[
    "",
    "",
    "",
    "",
    "@",
    ":@",
    "good.example@",
    "good.example:80@",
    "evil.net@",
    "good.example\\@",
    "good.example/@",
    "good.example?@",
    "good.example#@",
    "good.example%40",
    "a@b@",
    "\u{0}",
];
const PORTS: &[&str] = &["", "", "", ":80", ":443", ":8080", ":", ":0", ":99999", ":80@evil.net", ":\t80"];
const PATHS: &[&str] = &[
    "",
    "/",
    "/a",
    "\\a",
    "?x",
    "#x",
    "/@good.example",
    "\\@good.example",
    "@good.example",
    "/..//evil.net",
    "#@good.example",
    "/%2f..",
    "//evil.net/",
];

/// A URL around a host, written in odd ways.
fn dressed(host: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    let one = |of: &'static [&'static str]| prop::sample::select(of);
    (one(SCHEMES), one(USERS), host, one(PORTS), one(PATHS))
        .prop_map(|(scheme, user, host, port, path)| format!("{scheme}{user}{host}{port}{path}"))
}

fn one_of(hosts: &'static [&'static str]) -> impl Strategy<Value = String> {
    let host = prop::sample::select(hosts);
    let below = prop::sample::select(vec!["", "", "", "a.", ".", "good.example."]);
    (below, host).prop_map(|(below, host)| format!("{below}{host}"))
}

/// Where a request really goes: host as the connector reads it.
fn connected_to(request: &Request) -> String {
    let uri = request.origin.uri(PathAndQuery::from_static("/")).unwrap();
    assert!(["http", "https"].contains(&uri.scheme_str().unwrap()));
    assert!(!uri.authority().unwrap().as_str().contains('@'));
    assert_eq!(uri.authority().unwrap().as_str().as_bytes(), request.headers["host"].as_bytes());
    assert!(request.target.as_str().starts_with('/'));
    uri.host().unwrap().to_owned()
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(20_000) })]

    #[test]
    fn no_spelling_of_an_inner_address_is_asked(url in dressed(one_of(INNER))) {
        if let Ok(request) = question(&given(&[])).build(&Row::id(&url)) {
            let host = connected_to(&request);
            // Another host was meant after all: `good.example\@127.0.0.1` is a path there.
            prop_assert!(host.trim_matches(['[', ']']).parse::<IpAddr>().is_err(), "{url} asks {host}");
        }
    }

    #[test]
    fn no_spelling_of_a_host_is_taken_for_another(url in dressed(one_of(NEARLY))) {
        let question = question(&given(&["good.example", "*.good.example"]));
        if let Ok(request) = question.build(&Row::id(&url)) {
            let host = connected_to(&request);
            let name = host.strip_suffix('.').unwrap_or(&host);
            prop_assert!(name == "good.example" || name.ends_with(".good.example"), "{url} asks {host}");
        }
    }

    #[test]
    fn nothing_odd_gets_beyond_a_server_that_leads_on(url in dressed(one_of(NEARLY))) {
        let question = question(&given(&["good.example"]));
        let first = question.build(&Row::id("https://good.example/")).unwrap();
        if let Ok(request) = question.next_page(&first, NextStep::Url(&url)) {
            let host = connected_to(&request);
            prop_assert_eq!(host.strip_suffix('.').unwrap_or(&host), "good.example", "{}", url);
            prop_assert!(request.origin.is_https());
        }
    }
}

/// The generators above are worth something only if some of what they make is asked.
#[test]
fn plain_spellings_are_asked() {
    for url in [
        "http://good.example",
        "HTTPS://a.good.example./?x",
        "http:\\\\good.example\\a",
        "http://ｇｏｏｄ.example:8080/",
    ] {
        let question = question(&given(&["good.example", "*.good.example"]));
        question.build(&Row::id(url)).expect(url);
    }
    for url in
        ["http://8.8.8.8/", "http://0x08080808/", "https://[2606:4700::1111]/", "https://example.com./"]
    {
        question(&given(&[])).build(&Row::id(url)).expect(url);
    }
}

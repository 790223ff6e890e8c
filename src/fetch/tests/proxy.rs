//! Requests through a proxy: what it is told, what the host is told, and what becomes of a proxy's own answers.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::thread;

use super::site::{Peer, Raw, Site, ok, reply};
use super::tls::Authority;
use super::*;
use crate::job::{Network, Proxy, ProxyUrl};
use crate::record::Kind;

/// The proxy's password that tests look for where it must not be, and what the wire has of it.
const PASSWORD: &str = "pr0xy/+ word";
const BASIC: &str = "Basic bWU6cHIweHkvKyB3b3Jk";

/// A proxy that does what it is asked: it connects, or hands requests on.
fn passing() -> Raw {
    Raw::serving(|_, peer| {
        let Some(head) = peer.head() else { return };
        let target = head.split(' ').nth(1).unwrap().to_owned();
        match head.strip_prefix("CONNECT ") {
            Some(_) => {
                let host = TcpStream::connect(target.replace("localhost", "127.0.0.1")).unwrap();
                peer.write(b"HTTP/1.1 200 Connection established\r\nVia: 1.1 test\r\n\r\n");
                relay(peer, host);
            }
            None => hand_on(peer, head, &target),
        }
    })
}

/// Hands on a request that had its head read, and those after it on the same connection.
fn hand_on(peer: &mut Peer, head: String, target: &str) {
    let rest = target.strip_prefix("http://").expect("no absolute URL");
    let (host, path) = rest.split_at(rest.find('/').unwrap());
    let mut to = TcpStream::connect(host.replace("localhost", "127.0.0.1")).unwrap();
    let without: Vec<&str> =
        head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("proxy-")).collect();
    let head = without.join("\r\n").replacen(target, path, 1);
    to.write_all(
        format!("{}\r\n\r\n", head.trim_end())
            .replace("HTTP/1.1\r\n", "HTTP/1.1\r\nConnection: close\r\n")
            .as_bytes(),
    )
    .unwrap();
    relay(peer, to);
}

fn relay(peer: &mut Peer, host: TcpStream) {
    let (mut from, mut to) = (host.try_clone().unwrap(), peer.stream.try_clone().unwrap());
    let back = thread::spawn(move || {
        let _ = std::io::copy(&mut from, &mut to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let mut host = host;
    let _ = std::io::copy(&mut peer.stream, &mut host);
    let _ = host.shutdown(Shutdown::Write);
    let _ = back.join();
}

/// An endpoint that goes through a proxy, with user and password.
fn by(proxy: &Raw, endpoint: Endpoint) -> Endpoint {
    let url = proxy.url("").replace("http://", "http://me:${PROXY}@");
    let network = Network { proxy: Proxy::Url(ProxyUrl::parse(&url).unwrap()), ..Network::default() };
    Endpoint { network, ..endpoint }
}

fn by_proxy(endpoint: &Endpoint) -> Question {
    let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
    let secrets = secrets(&[("KEY", SECRET), ("PROXY", PASSWORD)]);
    Question::compile_all(std::slice::from_ref(endpoint), &columns, &secrets).unwrap().remove(0)
}

async fn asked_by(client: &Client, endpoint: &Endpoint) -> Asked {
    let question = by_proxy(endpoint);
    let request = question.build(&Row::id("tt1")).unwrap();
    let (_running, stop) = watch::channel(false);
    client.ask(&question, &request, &&Gate::open(), &stop, |most| most).await
}

fn with_key(url: &str) -> Endpoint {
    Endpoint { headers: named(&[("x-api-key", "${KEY}")]), ..endpoint(url) }
}

#[tokio::test]
async fn http_is_handed_over_with_the_whole_url() {
    let (proxy, site) = (passing(), Site::plain(|target| ok(target.to_owned())));
    let asked = asked_by(&client(), &by(&proxy, with_key(&site.url("/films/{id}?a=b")))).await;
    assert_eq!(asked.secrets.unwrap(), SecretsSeen { is_of_proxy: false, ..asked.secrets.unwrap() });
    assert_eq!(body(asked), "/films/tt1?a=b");
    let head = &proxy.heads()[0];
    assert!(head.starts_with(&format!("GET {} HTTP/1.1\r\n", site.url("/films/tt1?a=b"))), "{head}");
    assert!(head.contains(&format!("\r\nProxy-Authorization: {BASIC}\r\n")), "{head}");
    let seen = &site.seen()[0];
    assert_eq!(seen.headers["host"], format!("localhost:{}", site.address.port()));
    assert_eq!(seen.headers["x-api-key"], SECRET);
    assert!(!format!("{seen:?}").contains("bWU6"), "{seen:?}");
}

#[tokio::test]
async fn https_goes_through_a_tunnel_that_sees_nothing() {
    let authority = Authority::new();
    let proxy = passing();
    for protocols in [&["h2", "http/1.1"][..], &["http/1.1"]] {
        let site = Site::tls(authority.acceptor("localhost", protocols), |_| ok("there"));
        let client = authority.client();
        let question = by_proxy(&by(&proxy, with_key(&site.url("/{id}"))));
        let (_running, stop) = watch::channel(false);
        for _ in 0..3 {
            let request = question.build(&Row::id("tt1")).unwrap();
            let asked = client.ask(&question, &request, &&Gate::open(), &stop, |most| most).await;
            assert_eq!(body(asked), "there");
        }
        assert_eq!(site.connections(), 1, "the tunnel is used again");
        let seen = &site.seen()[0];
        assert_eq!(seen.headers["x-api-key"], SECRET);
        assert!(!format!("{seen:?}").contains("bWU6"), "{seen:?}");
        let host = format!("localhost:{}", site.address.port());
        let agent = concat!("windrow/", env!("CARGO_PKG_VERSION"));
        let head = proxy.heads().pop().unwrap();
        assert_eq!(
            head,
            format!(
                "CONNECT {host} HTTP/1.1\r\nHost: {host}\r\nUser-Agent: {agent}\r\nProxy-Authorization: {BASIC}\r\n\r\n"
            )
        );
    }
    assert_eq!(proxy.connections(), 2);
}

#[tokio::test]
async fn endpoints_with_a_proxy_and_without_share_no_connection() {
    let (proxy, site) = (passing(), Site::plain(|_| ok("there")));
    let client = client();
    let straight = endpoint(&site.url("/"));
    assert_eq!(body(ask_with(&client, &straight, &&Gate::open()).await), "there");
    let through = by(&proxy, endpoint(&site.url("/")));
    assert_eq!(body(asked_by(&client, &through).await), "there");
    assert_eq!((proxy.connections(), site.connections()), (1, 2));
    assert_eq!(body(ask_with(&client, &straight, &&Gate::open()).await), "there");
    assert_eq!((proxy.connections(), site.connections()), (1, 2));
}

#[tokio::test]
async fn redirects_go_through_the_proxy_and_leave_credentials_behind() {
    let authority = Authority::new();
    let other = Site::tls(authority.acceptor("localhost", &["h2"]), |_| ok("there"));
    let location = other.url("/elsewhere");
    let first = Site::plain(move |_| reply(302, ("location", &location), ""));
    let proxy = passing();
    assert_eq!(body(asked_by(&authority.client(), &by(&proxy, with_key(&first.url("/")))).await), "there");
    let seen = &other.seen()[0];
    assert!(!seen.headers.contains_key("x-api-key") && !seen.headers.contains_key("proxy-authorization"));
    let heads = proxy.heads();
    assert!(
        heads[0].starts_with("GET http://localhost:") && heads[1].starts_with("CONNECT localhost:"),
        "{heads:?}"
    );
    assert!(!heads[1].contains("X-Api-Key") && !heads[1].contains("s3cr3t"), "{}", heads[1]);
}

/// Kind, status, whether it is worth repeating, and what the secrets say of an https request through a proxy.
async fn tunnelled(proxy: &Raw) -> (Failure, Option<SecretsSeen>, u32) {
    let asked = asked_by(&client(), &by(proxy, with_key("https://api.example.test/{id}"))).await;
    let (seen, requests) = (asked.secrets, asked.requests);
    let failure = failure(asked);
    assert!(failure.detail.contains("the proxy http://127.0.0.1:"), "{}", failure.detail);
    assert!(!failure.detail.contains("pr0xy") && !failure.detail.contains("bWU6"), "{}", failure.detail);
    (failure, seen, requests)
}

#[tokio::test]
async fn what_a_proxy_answers_to_connect_is_no_answer_of_the_host() {
    let page = "<html>pr0xy/+ word bWU6cHIweHkvKyB3b3Jk</html>";
    for (status, passes, said) in [
        ("403 Forbidden", false, "fails to connect to api.example.test:443: 403 Forbidden"),
        ("404 Not Found", false, "404"),
        ("302 Found", false, "302"),
        ("502 Bad Gateway", true, "fails to connect to api.example.test:443: 502 Bad Gateway"),
        ("503 Service Unavailable", true, "503"),
        ("429 Too Many Requests", true, "429"),
    ] {
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\n\r\n{page}", page.len());
        let (failure, seen, requests) = tunnelled(&Raw::answering(answer)).await;
        assert_eq!(
            (failure.kind, failure.worth_repeating, failure.status),
            (Kind::Connect, passes, None),
            "{status}"
        );
        assert!(failure.detail.contains(said), "{}", failure.detail);
        assert_eq!((seen, requests), (None, 0), "{status}");
    }
    let silent = |_: usize, peer: &mut Peer| {
        peer.request();
    };
    let closed = tunnelled(&Raw::serving(silent)).await.0;
    assert_eq!((closed.kind, closed.worth_repeating), (Kind::Connect, true), "{closed:?}");
    assert!(closed.detail.contains("closed the connection"), "{}", closed.detail);
    for garbage in ["<html>no</html>\r\n\r\n", "SSH-2.0-OpenSSH_9\r\n"] {
        let odd = tunnelled(&Raw::answering(garbage)).await.0;
        assert_eq!((odd.kind, odd.worth_repeating), (Kind::Connect, false), "{odd:?}");
        assert!(odd.detail.contains("is no HTTP proxy"), "{}", odd.detail);
    }
    let portal = tunnelled(&Raw::answering("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nlogin")).await.0;
    assert_eq!((portal.kind, portal.worth_repeating), (Kind::Connect, false), "{portal:?}");
    assert!(portal.detail.contains("answers CONNECT with a page"), "{}", portal.detail);
}

#[tokio::test]
async fn a_proxy_that_does_not_take_the_password_is_told_from_the_host() {
    let answer = "HTTP/1.1 407 Proxy Authentication Required\r\nproxy-authenticate: Basic\r\ncontent-length: 0\r\n\r\n";
    let (failed, seen, _) = tunnelled(&Raw::answering(answer)).await;
    assert_eq!((failed.kind, failed.status, failed.worth_repeating), (Kind::Connect, Some(407), false));
    assert!(failed.detail.contains("does not accept user and password"), "{}", failed.detail);
    assert!(failed.detail.contains("asked with ${PROXY}"), "{}", failed.detail);
    assert!(seen.is_some_and(|seen| seen.refused && seen.is_of_proxy));
    let (failed, seen, _) =
        tunnelled(&Raw::answering("HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n")).await;
    assert!(
        seen.is_some_and(|seen| seen.is_of_proxy && seen.refused) && !failed.worth_repeating,
        "{failed:?}"
    );
    // The same of a request that was handed over: nothing of it is the host's, whatever the job makes of a 407.
    let proxy = Raw::answering(answer);
    let mut handed = by(&proxy, with_key("http://api.example.test/"));
    handed.missing.statuses = vec![407];
    let asked = asked_by(&client(), &handed).await;
    assert!(asked.secrets.is_some_and(|seen| seen.refused && seen.is_of_proxy));
    assert_eq!(asked.http_status, None);
    assert_eq!(failure(asked).kind, Kind::Connect);
    // Without any.
    let network =
        Network { proxy: Proxy::Url(ProxyUrl::parse(&proxy.url("")).unwrap()), ..Network::default() };
    let anonymous = Endpoint { network, ..endpoint("https://api.example.test/") };
    let detail = failure(asked_by(&client(), &anonymous).await).detail;
    assert!(detail.contains("wants a user and a password"), "{detail}");
}

/// Proxies of long ago answer as HTTP/1.0.
#[tokio::test]
async fn a_tunnel_may_be_opened_by_http_1_0() {
    let authority = Authority::new();
    let site = Site::tls(authority.acceptor("localhost", &["h2"]), |_| ok("there"));
    let port = site.address.port();
    let old = Raw::serving(move |_, peer| {
        peer.request();
        peer.write(b"HTTP/1.0 200 Connection established\r\nProxy-Agent: old\r\n\r\n");
        relay(peer, TcpStream::connect(("127.0.0.1", port)).unwrap());
    });
    assert_eq!(body(asked_by(&authority.client(), &by(&old, endpoint(&site.url("/")))).await), "there");
}

#[tokio::test]
async fn an_answer_of_a_host_says_that_the_proxy_takes_the_password() {
    let (proxy, site) = (passing(), Site::plain(|_| ok("there")));
    let seen = asked_by(&client(), &by(&proxy, endpoint(&site.url("/")))).await.secrets.unwrap();
    assert!(seen.is_of_proxy && !seen.refused);
}

#[tokio::test]
async fn an_error_page_of_the_proxy_is_no_missing_id() {
    let answer =
        "HTTP/1.1 403 Forbidden\r\nx-squid-error: ERR_ACCESS_DENIED 0\r\ncontent-length: 2\r\n\r\nno";
    let mut endpoint = by(&Raw::answering(answer), endpoint("http://api.example.test/"));
    endpoint.missing.statuses = vec![403];
    let asked = asked_by(&client(), &endpoint).await;
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Connect, false), "{failure:?}");
    assert!(failure.detail.contains("ERR_ACCESS_DENIED"), "{}", failure.detail);
}

#[tokio::test]
async fn a_post_that_the_proxy_did_not_pass_on_is_sent_again() {
    for (error, attempts) in [("ERR_CONNECT_FAIL 111", 2), ("ERR_READ_TIMEOUT 0", 1)] {
        let proxy = Raw::answering(format!(
            "HTTP/1.1 503 Service Unavailable\r\nx-squid-error: {error}\r\ncontent-length: 0\r\n\r\n"
        ));
        let mut endpoint = by(&proxy, endpoint("http://api.example.test/"));
        (endpoint.method, endpoint.idempotent, endpoint.retry.attempts) = ("POST".to_owned(), false, 2);
        assert_eq!(asked_by(&client(), &endpoint).await.attempts, attempts, "{error}");
    }
}

#[tokio::test]
async fn a_proxy_that_is_down_or_silent_is_named() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let gone = |url: &str| {
        let url = ProxyUrl::parse(&format!("http://me:${{PROXY}}@{address}{url}")).unwrap();
        let network = Network { proxy: Proxy::Url(url), ..Network::default() };
        Endpoint { network, ..endpoint("https://api.example.test/") }
    };
    let down = failure(asked_by(&client(), &gone("")).await);
    assert_eq!((down.kind, down.worth_repeating), (Kind::Connect, true));
    assert!(
        down.detail
            .contains(&format!("no connection to the proxy http://{address}, for https://api.example.test")),
        "{}",
        down.detail
    );
    let silent = Raw::serving(|_, peer| {
        peer.request();
        let _ = peer.stream.read(&mut [0; 64]);
    });
    let mut endpoint = by(&silent, endpoint("https://api.example.test/"));
    endpoint.bounds.connect_timeout = Duration::from_millis(80);
    let late = failure(asked_by(&client(), &endpoint).await);
    assert_eq!((late.kind, late.worth_repeating), (Kind::Timeout, true));
    assert!(late.detail.contains("through the proxy http://127.0.0.1:"), "{}", late.detail);
    let url = ProxyUrl::parse("http://no-such-proxy.invalid:3128").unwrap();
    endpoint.network.proxy = Proxy::Url(url);
    endpoint.bounds.connect_timeout = Duration::from_secs(5);
    let unknown = failure(asked_by(&client(), &endpoint).await);
    assert_eq!((unknown.kind, unknown.worth_repeating), (Kind::Dns, true), "{unknown:?}");
    assert!(
        unknown.detail.starts_with("the proxy http://no-such-proxy.invalid:3128: "),
        "{}",
        unknown.detail
    );
}

#[tokio::test]
async fn a_list_leads_through_a_proxy_to_no_private_address() {
    let proxy = passing();
    let site = Site::plain(|_| ok("there"));
    for url in
        [site.url("/"), format!("http://{}/", site.address), "https://169.254.169.254/latest".to_owned()]
    {
        let endpoint = by(&proxy, endpoint("{id:url}"));
        let question = by_proxy(&endpoint);
        let client = Client::new(&ClientSettings { max_idle: 4 });
        let (_running, stop) = watch::channel(false);
        let failed = match question.build(&Row::id(&url)) {
            Ok(request) => failure(client.ask(&question, &request, &&Gate::open(), &stop, |most| most).await),
            Err(failure) => failure,
        };
        assert_eq!((failed.kind, failed.worth_repeating), (Kind::Template, false), "{failed:?}");
        assert!(failed.detail.contains("not a public address"), "{}", failed.detail);
    }
    assert_eq!((proxy.connections(), site.connections()), (0, 0));
    // A name that nobody knows here may be known to the proxy.
    let endpoint =
        by(&Raw::answering("HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n"), endpoint("{id:url}"));
    let question = by_proxy(&endpoint);
    let request = question.build(&Row::id("https://nobody-knows.invalid/")).unwrap();
    let (_running, stop) = watch::channel(false);
    let failed = failure(client().ask(&question, &request, &&Gate::open(), &stop, |most| most).await);
    assert!(failed.kind == Kind::Connect && failed.detail.contains("502"), "{failed:?}");
}

#[tokio::test]
async fn nobody_sees_the_password_of_a_proxy() {
    let echo = format!("who are you, {PASSWORD}? {BASIC} pr0xy%2F%2B%20word");
    let answer = format!("HTTP/1.1 500 Oh\r\ncontent-length: {}\r\n\r\n{echo}", echo.len());
    let endpoint = by(&Raw::answering(answer), with_key("http://api.example.test/"));
    let asked = asked_by(&client(), &endpoint).await;
    let page = asked.page.clone().unwrap();
    let shown = format!("{:?} {} {asked:?}", by_proxy(&endpoint), String::from_utf8_lossy(&page.body));
    for form in ["pr0xy", "bWU6", "me:"] {
        assert!(!shown.contains(form), "{form} in {shown}");
    }
    assert!(shown.contains("who are you, ${PROXY}? Basic ${PROXY} ${PROXY}"), "{shown}");
    assert!(!format!("{:?}", endpoint.network).contains("pr0xy"));
}

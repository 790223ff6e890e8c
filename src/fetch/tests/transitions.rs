//! Credentials and where answers lead: each way to lead, from each kind of place to each, with a credential in each place of a
//! request, over real connections. None goes to another origin than its own.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::site::{Seen, Site, ok, reply};
use super::tls::Authority;
use super::*;
use crate::job::{Auth, NextPage, Pages, Payload, Redirects};

/// The access token that is given.
const ACCESS: &str = "acc3ss/+token";

/// What stands in base64 for `me:` and [`SECRET`], begun.
const BASIC: &str = "bWU6czNjcjN0";

/// What becomes of a credential.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Then {
    /// It is asked there with it: the same origin.
    Sent,
    /// It is asked there without it.
    Left,
    /// It is not asked.
    Refused,
}
use Then::{Left, Refused, Sent};

/// From where to where. `P` and `Q` are ports without TLS, `S` and `T` with it. All names lead to this machine.
const MOVES: [(&str, &str, &str, Then); 49] = [
    ("a path", "http://api.test:P", "/to", Sent),
    ("a relative path", "http://api.test:P", "to", Sent),
    ("a query", "http://api.test:P", "?to", Sent),
    ("no scheme", "http://api.test:P", "//api.test:P/to", Sent),
    ("the whole address", "http://api.test:P", "http://api.test:P/to", Sent),
    ("the same with TLS", "https://api.test:S", "https://api.test:S/to", Sent),
    ("capitals", "http://api.test:P", "HTTP://API.Test:P/to", Sent),
    ("wide letters", "http://api.test:P", "http://\u{ff41}\u{ff50}\u{ff49}.test:P/to", Sent),
    ("a dot in percents", "http://api.test:P", "http://api%2etest:P/to", Sent),
    ("no user", "http://api.test:P", "http://@api.test:P/to", Sent),
    ("an address in hexadecimal", "http://127.0.0.1:P", "http://0x7f000001:P/to", Sent),
    ("an address as a number", "http://127.0.0.1:P", "http://2130706433:P/to", Sent),
    ("a short address", "http://127.0.0.1:P", "http://127.1:P/to", Sent),
    ("an address in octal", "http://127.0.0.1:P", "http://0177.0.0.1:P/to", Sent),
    ("IPv6 in full", "http://[::1]:P", "http://[0:0:0:0:0:0:0:1]:P/to", Sent),
    ("a host in the path", "http://api.test:P", "/@evil.test:P/to", Sent),
    ("what makes a user of a host that it is put behind", "http://api.test:P", "@evil.test:P/to", Sent),
    ("what makes a name of it", "http://api.test:P", ".evil.test/to", Sent),
    ("another port", "http://api.test:P", "http://api.test:Q/to", Left),
    ("another port with TLS", "https://api.test:S", "https://api.test:T/to", Left),
    ("another host", "http://api.test:P", "http://evil.test:P/to", Left),
    ("another host with TLS", "https://api.test:S", "https://evil.test:S/to", Left),
    ("no scheme, another host", "http://api.test:P", "//evil.test:P/to", Left),
    ("more slashes", "http://api.test:P", "///evil.test:P/to", Left),
    ("backslashes", "http://api.test:P", "\\\\evil.test:P/to", Left),
    ("one of each", "http://api.test:P", "/\\evil.test:P/to", Left),
    ("one slash less", "http://api.test:P", "http:/\\evil.test:P/to", Left),
    ("a name below", "http://api.test:P", "http://sub.api.test:P/to", Left),
    ("a name above", "http://v1.api.test:P", "http://api.test:P/to", Left),
    ("www", "http://api.test:P", "http://www.api.test:P/to", Left),
    ("a dot at the end", "http://api.test:P", "http://api.test.:P/to", Left),
    ("no dot at the end", "http://api.test.:P", "http://api.test:P/to", Left),
    ("a name that begins so", "http://api.test:P", "http://api.test.evil.test:P/to", Left),
    ("a name that ends so", "http://api.test:P", "http://evilapi.test:P/to", Left),
    ("a letter that looks alike", "http://api.test:P", "http://\u{430}pi.test:P/to", Left),
    ("a host behind the path", "http://api.test:P", "http://evil.test:P/@api.test:P", Left),
    ("a host behind a mark", "http://api.test:P", "http://evil.test:P#@api.test:P", Left),
    ("a host behind a backslash", "http://api.test:P", "http://evil.test:P\\@api.test:P/to", Left),
    ("its address", "http://api.test:P", "http://127.0.0.1:P/to", Left),
    ("another address", "http://127.0.0.1:P", "http://127.0.0.2:P/to", Left),
    ("the other family", "http://127.0.0.1:P", "http://[::1]:P/to", Left),
    ("an address in the other family", "http://127.0.0.1:P", "http://[::ffff:127.0.0.1]:P/to", Left),
    ("to https", "http://api.test:P", "https://api.test:S/to", Left),
    ("from https", "https://api.test:S", "http://api.test:P/to", Refused),
    ("from https to another", "https://api.test:S", "http://evil.test:P/to", Refused),
    ("from https without TLS there", "https://api.test:S", "http://api.test:S/to", Refused),
    ("its name as a user", "http://api.test:P", "http://api.test@evil.test:P/to", Refused),
    ("its name and port as a user", "http://api.test:P", "http://api.test:P@evil.test:P/to", Refused),
    ("a user of its own", "http://api.test:P", "http://me:word@api.test:P/to", Refused),
];

/// Where a credential stands.
const PLACES: [&str; 9] =
    ["header", "literal", "cookie", "agent", "bearer", "basic", "token", "query", "payload"];

/// How an answer leads on.
const WAYS: [&str; 6] = ["301", "302", "303", "307", "308", "next"];

/// Servers at all names, with and without TLS, and what they were asked.
struct World {
    ports: BTreeMap<char, Site>,
    client: Box<dyn Fn() -> Client>,
    tokens: Site,
    /// Where the first answer leads to, and its status.
    leads: Arc<Mutex<(u16, String)>>,
}

const NAMES: [&str; 9] = [
    "api.test",
    "evil.test",
    "sub.api.test",
    "v1.api.test",
    "www.api.test",
    "api.test.evil.test",
    "evilapi.test",
    "xn--pi-6kc.test",
    "127.0.0.1",
];

impl World {
    fn new() -> World {
        let leads = Arc::new(Mutex::new((302, String::new())));
        let authority = Authority::new();
        let site = |is_tls: bool| {
            let leads = leads.clone();
            let tls = is_tls.then(|| authority.acceptor_for(&NAMES, &["h2", "http/1.1"]));
            Site::at("[::]:0", tls, move |seen: &Seen| match &*leads.lock().unwrap() {
                (200, link) if is_first(&seen.target) => reply(200, ("link", link), "[]"),
                (status, to) if is_first(&seen.target) => reply(*status, ("location", to), ""),
                _ => ok("there"),
            })
        };
        let ports = [('P', site(false)), ('Q', site(false)), ('S', site(true)), ('T', site(true))].into();
        let client = Box::new(move || {
            let local = |_: &str| vec![IpAddr::from([127, 0, 0, 1])];
            let connector = connect::Connector::told(resolve::Resolver::told(local), authority.roots());
            Client::with(4, connector, reach::is_public)
        });
        let tokens =
            Site::plain(|_| ok(format!(r#"{{"access_token": "{ACCESS}", "token_type": "bearer"}}"#)));
        World { ports, client, tokens, leads }
    }

    /// A URL with its ports.
    fn at(&self, url: &str) -> String {
        let ports = self.ports.iter();
        ports.fold(url.to_owned(), |url, (word, site)| {
            url.replace(&format!(":{word}"), &format!(":{}", site.address.port()))
        })
    }

    fn endpoint(&self, from: &str, place: &str) -> Endpoint {
        let mut endpoint = endpoint(&self.at(&format!("{from}/from")));
        endpoint.redirects = Redirects::Browser;
        match place {
            "header" => endpoint.headers = named(&[("x-key", "Key ${KEY}")]),
            "literal" => endpoint.headers = named(&[("authorization", "spelled s3cr3t out")]),
            "cookie" => endpoint.headers = named(&[("cookie", "a=${KEY}")]),
            "agent" => endpoint.headers = named(&[("user-agent", "me ${KEY}")]),
            "bearer" => endpoint.auth = Some(Auth::Bearer(template("${KEY}"))),
            "basic" => endpoint.auth = Some(Auth::Basic(template("me:${KEY}"))),
            "token" => {
                let source = super::token::source(&self.tokens.url("/token"));
                endpoint.auth = Some(Auth::Token(Box::new(source)));
            }
            "query" => endpoint.params = named(&[("key", "${KEY}")]),
            _ => {
                endpoint.method = "POST".to_owned();
                endpoint.payload = Some(Payload::Text(template("key ${KEY}")));
            }
        }
        endpoint
    }

    /// Asks, follows what leads on; what was asked after the first, and whether it had an answer.
    async fn follow(&self, endpoint: Endpoint, to: &str, way: &str) -> (Vec<(String, String)>, bool) {
        let to = percent(&self.at(to));
        let is_page = way == "next";
        *self.leads.lock().unwrap() = match way.parse() {
            Ok(status) => (status, to),
            Err(_) => (200, format!("<{to}>; rel=next")),
        };
        let pages = is_page.then_some(Pages { next: NextPage::Link, max: 9, items: None });
        let rows = is_page.then(|| ".[]".to_owned());
        let seen = self.ports.iter().map(|(port, site)| (*port, site.seen().len())).collect();
        let folder = tempfile::tempdir().unwrap();
        let (client, question) = self.compile(Endpoint { pages, rows, ..endpoint }, folder.path());
        let request = question.build(&Row::id("tt1")).unwrap();
        let (_running, stop) = watch::channel(false);
        let gate = Gate::open();
        let first = client.ask(&question, &request, &&gate, &stop, |most| most).await;
        let is_answered = match first.answer {
            Ok(answer) if is_page => {
                match question.next_page(&request, NextStep::Url(&answer.next_link.unwrap())) {
                    Ok(next) => client.ask(&question, &next, &&gate, &stop, |most| most).await.answer.is_ok(),
                    Err(_) => false,
                }
            }
            answer => answer.is_ok(),
        };
        (self.seen_since(&seen), is_answered)
    }

    /// A client without connections that has its tokens in this folder, and what it asks.
    fn compile(&self, endpoint: Endpoint, folder: &Path) -> (Client, Question) {
        let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
        let secrets = secrets(&[("KEY", SECRET), ("REFRESH", "first refresh")]);
        let endpoints = [endpoint];
        let mut questions = Question::compile_all(&endpoints, &columns, &secrets).unwrap();
        let settings = TokenSettings { folder: folder.to_owned(), patience: Duration::ZERO };
        let tokens = Tokens::compile(&endpoints, &questions, &secrets, settings).unwrap();
        ((self.client)().with_tokens(tokens), questions.remove(0))
    }

    /// Origins and all that they were sent, but for the first request.
    fn seen_since(&self, before: &BTreeMap<char, usize>) -> Vec<(String, String)> {
        let mut seen = Vec::new();
        for (port, site) in &self.ports {
            for request in site.seen().split_off(before[port]) {
                let host = request.headers.get("host").map(|host| host.to_str().unwrap().to_owned());
                let scheme = if "ST".contains(*port) { "https" } else { "http" };
                let origin = format!("{scheme}://{}", host.or(request.host).unwrap());
                let text = format!("{} {:?} {:?}", request.target, request.headers, request.body);
                if !is_first(&request.target) {
                    seen.push((origin, text));
                }
            }
        }
        seen
    }
}

/// Whether a request is the one whose answer leads on.
fn is_first(target: &str) -> bool {
    target.starts_with("/from") && !target.contains("?to")
}

/// What a header carries of it.
fn percent(to: &str) -> String {
    to.chars()
        .map(
            |letter| {
                if letter.is_ascii() { letter.to_string() } else { encode::component(&letter.to_string()) }
            },
        )
        .collect()
}

fn holds_a_secret(text: &str) -> bool {
    [SECRET, "s3cr3t", ACCESS, BASIC].iter().any(|secret| text.contains(secret))
}

/// Whether a credential of such a place goes along where the origin is the same.
fn goes_along(place: &str, way: &str) -> bool {
    match place {
        // What leads on has a query of its own.
        "query" => false,
        "payload" => !["301", "302", "303"].contains(&way),
        _ => true,
    }
}

#[tokio::test]
async fn no_credential_goes_to_another_origin_however_it_is_led() {
    let world = World::new();
    let (mut cases, mut sent, mut left, mut refused) = (0, 0, 0, 0);
    for (number, (what, from, to, then)) in MOVES.into_iter().enumerate() {
        for (at, place) in PLACES.into_iter().enumerate() {
            // Each move and each place with each way, in the end; all of them would be 2,500.
            let way = WAYS[(number + at) % WAYS.len()];
            let (seen, is_answered) = world.follow(world.endpoint(from, place), to, way).await;
            let case = format!("{what} ({way}): {from} to {to} with a {place}: {seen:?}");
            let own: url::Url = world.at(from).parse().unwrap();
            let own = own.origin().ascii_serialization();
            assert!(seen.iter().all(|(origin, text)| *origin == own || !holds_a_secret(text)), "{case}");
            let stays = then == Left && place == "payload" && goes_along(place, way);
            match then {
                Sent => {
                    assert!(is_answered && seen.len() == 1 && seen[0].0 == own, "{case}");
                    assert_eq!(holds_a_secret(&seen[0].1), goes_along(place, way), "{case}");
                    sent += 1;
                }
                Left if !stays => {
                    assert!(is_answered && seen.len() == 1 && seen[0].0 != own, "{case}");
                    left += 1;
                }
                Left | Refused => {
                    assert!(!is_answered && seen.is_empty(), "{case}");
                    refused += 1;
                }
            }
            cases += 1;
        }
    }
    println!("{cases} cases: {sent} sent at home, {left} asked without, {refused} not asked");
    assert!(cases >= 200 && sent > 50 && left > 100 && refused > 30);
}

//! Addresses that are not public, in every spelling that some program understands: written in the list, led to by a public host,
//! named by a resolver that says another thing each time. Nobody connects to them: this machine's own listen, and are not asked.

use std::net::IpAddr;
use std::sync::Arc;

use super::site::{Seen, Site, ok, reply};
use super::*;
use crate::job::{NextPage, Pages};
use crate::record::Kind;

/// The address that is public for these tests.
const PUBLIC: [u8; 4] = [127, 9, 9, 9];

/// Hosts; `P` is the port at which all of this machine's addresses listen, but for the public one.
const HOSTS: [&str; 76] = [
    // This machine, IPv4.
    "127.0.0.1:P",
    "127.0.0.2:P",
    "127.1:P",
    "127.0.1:P",
    "2130706433:P",
    "0x7f000001:P",
    "0X7F.1:P",
    "0x7f.0.0.1:P",
    "0177.0.0.1:P",
    "0177.1:P",
    "017700000001:P",
    "00000177.0x0.0.01:P",
    "127.0.0.1.:P",
    "0x7f.1.:P",
    "%31%32%37.0.0.1:P",
    "127%2e0%2e0%2e1:P",
    "127\u{3002}0\u{3002}0\u{3002}1:P",
    "127\u{ff0e}0\u{ff0e}0\u{ff0e}1:P",
    "\u{2460}\u{2461}\u{2466}.0.0.1:P",
    "\u{ff11}\u{ff12}\u{ff17}.1:P",
    "127.0.\u{ad}0.1:P",
    "127.0.0.1\t:P",
    "0:P",
    "0.0.0.0:P",
    "0x0:P",
    "0.:P",
    "00.00.00.00:P",
    // This machine, IPv6.
    "[::1]:P",
    "[::]:P",
    "[0:0:0:0:0:0:0:1]:P",
    "[0000::0001]:P",
    "[::ffff:127.0.0.1]:P",
    "[::ffff:7f00:1]:P",
    "[::FFFF:0:0]:P",
    "[0:0:0:0:0:ffff:7f00:1]:P",
    "[::127.0.0.1]:P",
    "[::7f00:1]:P",
    "[::ffff:0:127.0.0.1]:P",
    // With a zone, which URLs do not have.
    "[::1%lo]:P",
    "[::1%25lo]:P",
    "[fe80::1%25eth0]:P",
    // Ways to IPv4 through IPv6: NAT64, of one's own, 6to4, Teredo, ISATAP.
    "[64:ff9b::7f00:1]:P",
    "[64:ff9b::127.0.0.1]:P",
    "[64:ff9b:1::7f00:1]:P",
    "[2002:7f00:1::]:P",
    "[2002:a9fe:a9fe::]",
    "[2001:0:7f00:1::]:P",
    "[fe80::5efe:7f00:1]:P",
    // Metadata of clouds.
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[fd00:ec2::254]",
    "100.100.100.200",
    "192.0.0.192",
    // Networks of one's own, and others that are nobody's.
    "10.0.0.1",
    "172.16.0.1",
    "192.168.1.1",
    "0xc0a80101",
    "100.64.0.1",
    "198.18.0.1",
    "224.0.0.1",
    "255.255.255.255",
    "[fc00::1]",
    "[fd12::1]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[2001:db8::1]",
    // Users, ports and slashes that hide a host.
    "public.test@127.0.0.1:P",
    "public.test:80@127.0.0.1:P",
    "public.test%40@127.0.0.1:P",
    "127.0.0.1:P\\@public.test",
    "127.0.0.1:0",
];

/// Names, which lead to addresses of this machine and others.
const NAMES: [(&str, &[&str]); 12] = [
    ("private.test", &["127.0.0.1"]),
    ("localhost", &["127.0.0.1", "::1"]),
    ("localhost.", &["127.0.0.1"]),
    ("six.test", &["::1"]),
    ("mapped.test", &["::ffff:127.0.0.1"]),
    ("compatible.test", &["::7f00:1"]),
    ("nat.test", &["64:ff9b::7f00:1"]),
    ("any.test", &["0.0.0.0", "::"]),
    ("metadata.test", &["169.254.169.254"]),
    ("several.test", &["10.0.0.1", "127.0.0.1", "169.254.169.254"]),
    ("scoped.test", &["fe80::1"]),
    ("private.test.", &["127.0.0.1"]),
];

/// How a request comes to an address.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Way {
    /// It stands in the list.
    Given,
    /// A public host that the list names leads to it.
    GivenThenLed,
    /// A public host that the template names leads to it.
    Led,
    /// That host's page says that the next one is there.
    Link,
}
use Way::{Given, GivenThenLed, Led, Link};

/// What a name leads to, the first time and then.
fn names(name: &str, asked: usize) -> Vec<IpAddr> {
    let public = vec![IpAddr::from(PUBLIC)];
    let private = vec![IpAddr::from([127, 0, 0, 1])];
    match name {
        "public.test" => public,
        "both.test" => [private, public].concat(),
        "first-public.test" => {
            if asked == 0 {
                public
            } else {
                private
            }
        }
        "first-private.test" => {
            if asked == 0 {
                private
            } else {
                public
            }
        }
        "now-and-then.test" => {
            if asked.is_multiple_of(2) {
                public
            } else {
                private
            }
        }
        _ => {
            let found = NAMES.iter().find(|(known, _)| *known == name);
            found.map_or(Vec::new(), |(_, addresses)| {
                addresses.iter().map(|text| text.parse().unwrap()).collect()
            })
        }
    }
}

/// Listens at a public address and at those of this machine that are not.
struct World {
    public: Site,
    inner: Vec<Site>,
    /// Of the inner ones.
    port: u16,
    leads: Arc<Mutex<String>>,
}

impl World {
    fn new() -> World {
        let leads = Arc::new(Mutex::new(String::new()));
        let to = leads.clone();
        let public = Site::at("127.9.9.9:0", None, move |seen: &Seen| {
            let location = to.lock().unwrap().clone();
            match &*seen.target {
                "/led" => reply(302, ("location", &location), ""),
                "/link" => reply(200, ("link", &format!("<{location}>; rel=next")), "[]"),
                _ => ok("there"),
            }
        });
        let first = Site::at("127.0.0.1:0", None, |_: &Seen| ok("inside"));
        let port = first.address.port();
        let others = ["127.0.0.2", "[::1]"]
            .map(|address| Site::at(&format!("{address}:{port}"), None, |_: &Seen| ok("inside")));
        World { public, inner: [first].into_iter().chain(others).collect(), port, leads }
    }

    /// Connections to addresses that are not public.
    fn reached(&self) -> usize {
        self.inner.iter().map(Site::connections).sum()
    }

    fn client() -> Client {
        let asked: Mutex<HashMap<String, usize>> = Mutex::default();
        let told = move |name: &str| {
            let mut asked = asked.lock().unwrap();
            let count = asked.entry(name.to_owned()).or_default();
            *count += 1;
            names(name, *count - 1)
        };
        let connector =
            connect::Connector::told(resolve::Resolver::told(told), rustls::RootCertStore::empty());
        Client::with(4, connector, |address| address == IpAddr::from(PUBLIC) || reach::is_public(address))
    }

    /// What comes of asking for a host in some way, by these names of hosts that are asked first.
    async fn ask(&self, host: &str, way: Way) -> Result<String, Failure> {
        let url = format!("http://{}/inside", host.replace(":P", &format!(":{}", self.port)));
        *self.leads.lock().unwrap() =
            url.chars()
                .map(|letter| {
                    if letter.is_ascii() {
                        letter.to_string()
                    } else {
                        encode::component(&letter.to_string())
                    }
                })
                .collect();
        let public = |path: &str| format!("http://public.test:{}{path}", self.public.address.port());
        let (mut endpoint, id) = match way {
            Given => (endpoint("{id:url}"), url),
            GivenThenLed => (endpoint("{id:url}"), public("/led")),
            Led => (endpoint(&public("/led")), String::new()),
            Link => (endpoint(&public("/link")), String::new()),
        };
        endpoint.bounds.connect_timeout = Duration::from_secs(2);
        if way == Link {
            endpoint.pages = Some(Pages { next: NextPage::Link, max: 9, items: None });
            endpoint.rows = Some(".[]".to_owned());
        }
        let (client, question) = (World::client(), question(&endpoint));
        let request = question.build(&Row::id(&id))?;
        let (_running, stop) = watch::channel(false);
        let gate = Gate::open();
        let answer = client.ask(&question, &request, &&gate, &stop, |most| most).await.answer?;
        let answer = match answer.next_link {
            Some(next) => {
                let second = question.next_page(&request, NextStep::Url(&next))?;
                client.ask(&question, &second, &&gate, &stop, |most| most).await.answer?
            }
            None => answer,
        };
        Ok(String::from_utf8(answer.body.to_vec()).unwrap())
    }
}

#[tokio::test]
async fn no_spelling_of_an_address_that_is_not_public_is_connected_to() {
    let world = World::new();
    let mut cases = 0;
    for way in [Given, GivenThenLed, Led, Link] {
        let names = NAMES.iter().map(|(name, _)| format!("{name}:P"));
        for host in HOSTS.into_iter().map(str::to_owned).chain(names) {
            let failure = match world.ask(&host, way).await {
                // What another reader takes for a part of the host is a path here.
                Ok(body) if body == "there" => continue,
                Ok(body) => panic!("{host:?} {way:?}: {body}"),
                Err(failure) => failure,
            };
            let is_refused =
                matches!(failure.kind, Kind::Template | Kind::Redirect | Kind::Pages | Kind::Dns);
            assert!(is_refused && !failure.detail.is_empty(), "{host:?} {way:?}: {failure:?}");
            assert_eq!(world.reached(), 0, "{host:?} {way:?}");
            cases += 1;
        }
    }
    println!("{cases} cases");
    assert!(cases >= 300);
}

/// What a resolver says first, and what it says then: only what is connected to counts.
#[tokio::test]
async fn a_name_that_leads_elsewhere_each_time_leads_to_nothing_that_is_not_public() {
    let world = World::new();
    for way in [Given, GivenThenLed, Led, Link] {
        for name in ["first-public.test", "first-private.test", "now-and-then.test", "both.test"] {
            for port in [world.port, world.public.address.port()] {
                // Whatever comes of it.
                let _ = world.ask(&format!("{name}:{port}"), way).await;
                assert_eq!(world.reached(), 0, "{name}:{port} {way:?}");
            }
        }
    }
    let port = world.public.address.port();
    assert_eq!(
        world.ask(&format!("both.test:{port}"), Given).await.unwrap(),
        "there",
        "of several the public one"
    );
}

/// A template's host is asked whatever its address. Where its name was public, it leads to nothing that is not: neither by what
/// it says, nor by becoming a name of this machine.
#[tokio::test]
async fn a_templates_host_whose_name_leads_home_later_leads_nobody_home() {
    let world = World::new();
    let port = world.public.address.port();
    for name in ["first-public.test", "now-and-then.test"] {
        for to in [
            format!("http://127.0.0.1:{}/", world.port),
            format!("http://private.test:{}/", world.port),
            // Its own name, by now.
            format!("http://{name}:{}/", world.port),
            format!("http://{name}.:{}/", world.port),
            format!("//{name}:{}/", world.port),
        ] {
            *world.leads.lock().unwrap() = to.clone();
            let endpoint = endpoint(&format!("http://{name}:{port}/led"));
            let failure = failure(ask_with(&World::client(), &endpoint, &&Gate::open()).await);
            let is_refused =
                failure.kind == Kind::Redirect && failure.detail.contains("not a public address");
            // Where the name leads to the public address once more, nobody listens at that port.
            let is_public = matches!(failure.kind, Kind::Connect | Kind::Dns);
            assert!(is_refused || is_public, "{name} to {to}: {failure:?}");
            assert_eq!(world.reached(), 0, "{name} to {to}");
        }
    }
    // Where the job names it, it may.
    *world.leads.lock().unwrap() = format!("http://127.0.0.1:{}/", world.port);
    let named = endpoint(&format!("http://public.test:{port}/led"));
    let named = Endpoint { hosts: vec!["127.0.0.1".to_owned()], ..named };
    assert_eq!(body(ask_with(&World::client(), &named, &&Gate::open()).await), "inside");
}

/// Whether a host that was down is back is asked without a request: no private one, where only a public one leads there.
#[tokio::test]
async fn a_host_that_a_public_one_led_to_is_not_looked_for_at_a_private_address() {
    let world = World::new();
    let inner: Origin = format!("http://private.test:{}", world.port).parse().unwrap();
    let looked_for = async |questions: &[&str]| {
        let questions: Vec<Question> = questions.iter().map(|url| question(&endpoint(url))).collect();
        World::client().reaches(questions.iter(), &inner, Duration::from_secs(2)).await
    };
    assert!(!looked_for(&["http://public.test:1/"]).await);
    assert!(!looked_for(&["http://public.test:1/", "{id:url}"]).await);
    assert_eq!(world.reached(), 0);
    assert!(looked_for(&["http://public.test:1/", &inner.to_string()]).await, "the job names it");
    assert!(
        looked_for(&["http://public.test:1/", "http://six.test:1/"]).await,
        "a host beside it may lead there"
    );
}

/// A host of a network of one's own leads to others there, as before.
#[tokio::test]
async fn a_private_host_leads_to_private_hosts() {
    let world = World::new();
    let first = Site::plain({
        let port = world.port;
        move |_| reply(302, ("location", &format!("http://127.0.0.2:{port}/")), "")
    });
    let endpoint = endpoint(&format!("http://private.test:{}/", first.address.port()));
    assert_eq!(body(ask_with(&World::client(), &endpoint, &&Gate::open()).await), "inside");
}

//! HTTPS: HTTP/2 and HTTP/1.1, certificates that verify and those that do not.

use std::convert::Infallible;
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use futures_util::future::join_all;
use http_body_util::Full;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper::{Response, Version};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{RootCertStore, ServerConfig};
use tokio::io::AsyncWriteExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::site::{Raw, Site, ok, reply};
use super::*;
use crate::record::Kind;

/// A certificate authority of our own.
pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new() -> Authority {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        Authority(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }

    pub(super) fn roots(&self) -> RootCertStore {
        let mut roots = RootCertStore::empty();
        roots.add(self.0.der().clone()).unwrap();
        roots
    }

    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate for `name`, and its key.
    pub(super) fn certificate(&self, name: &str) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        self.certificate_for(&[name])
    }

    fn certificate_for(&self, names: &[&str]) -> (Vec<CertificateDer<'static>>, PrivateKeyDer<'static>) {
        let key = KeyPair::generate().unwrap();
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let certificate = CertificateParams::new(names).unwrap().signed_by(&key, &self.0).unwrap();
        (vec![certificate.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
    }

    /// A server for `name` that offers `protocols`.
    pub(super) fn acceptor(&self, name: &str, protocols: &[&str]) -> TlsAcceptor {
        self.acceptor_for(&[name], protocols)
    }

    /// The same for several names.
    pub(super) fn acceptor_for(&self, names: &[&str], protocols: &[&str]) -> TlsAcceptor {
        let (chain, key) = self.certificate_for(names);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .unwrap();
        config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
        TlsAcceptor::from(Arc::new(config))
    }

    pub(super) fn client(&self) -> Client {
        Client::with(16, connect::Connector::trusting(self.roots()), reach::is_public)
    }
}

async fn many(client: &Client, site: &Site, number: usize) -> Vec<Asked> {
    let question = question(&endpoint(&site.url("/{id}")));
    let (_running, stop) = watch::channel(false);
    let asking = (0..number).map(|number| {
        let request = question.build(&Row::id(&format!("tt{number}"))).unwrap();
        let (question, stop) = (&question, &stop);
        async move { client.ask(question, &request, &&Gate::open(), stop, |most| most).await }
    });
    join_all(asking).await
}

#[tokio::test]
async fn http2_shares_one_connection() {
    let authority = Authority::new();
    let site =
        Site::tls(authority.acceptor("localhost", &["h2", "http/1.1"]), |target| ok(target.to_owned()));
    let client = authority.client();
    for _ in 0..5 {
        for (number, asked) in many(&client, &site, 100).await.into_iter().enumerate() {
            assert_eq!((asked.requests, asked.bytes > 0), (1, true));
            assert_eq!(body(asked), format!("/tt{number}"));
        }
    }
    assert_eq!((site.seen().len(), site.connections()), (500, 1));
    let seen = &site.seen()[0];
    assert_eq!(seen.version, Version::HTTP_2);
    assert_eq!(seen.host.as_deref(), Some(&*format!("localhost:{}", site.address.port())));
    assert!(!seen.headers.contains_key("host"));
}

#[tokio::test]
async fn http1_over_tls_uses_several() {
    let authority = Authority::new();
    let site = Site::tls(authority.acceptor("localhost", &["http/1.1"]), |_| ok("there"));
    let client = authority.client();
    for _ in 0..5 {
        assert!(many(&client, &site, 8).await.into_iter().all(|asked| asked.answer.is_ok()));
    }
    assert_eq!(site.seen()[0].version, Version::HTTP_11);
    assert!((2..=9).contains(&site.connections()), "{}", site.connections());
}

#[tokio::test]
async fn payloads_go_over_http2_too() {
    let authority = Authority::new();
    let site = Site::tls(authority.acceptor("localhost", &["h2"]), |_| ok("there"));
    let mut endpoint = endpoint(&site.url("/"));
    endpoint.method = "POST".to_owned();
    endpoint.payload = Some(crate::job::Payload::Form(named(&[("id", "{id}")])));
    endpoint.idempotent = false;
    let question = question(&endpoint);
    let (client, (_running, stop)) = (authority.client(), watch::channel(false));
    let large = "x".repeat(300_000);
    for id in ["a b", &large] {
        let request = question.build(&Row::id(id)).unwrap();
        let asked = client.ask(&question, &request, &&Gate::open(), &stop, |most| most).await;
        assert_eq!(body(asked), "there");
    }
    let seen = site.seen();
    assert_eq!((seen[0].version, seen[0].method.as_str()), (Version::HTTP_2, "POST"));
    assert_eq!((&*seen[0].body, seen[0].headers["content-length"].to_str().unwrap()), (&b"id=a+b"[..], "6"));
    assert_eq!(seen[1].body.len(), large.len() + 3);
    assert_eq!(site.connections(), 1);
}

async fn tls_failure(client: &Client, url: String) -> Failure {
    let failure = failure(ask_with(client, &endpoint(&url), &&Gate::open()).await);
    assert_eq!(failure.kind, Kind::Tls, "{failure:?}");
    failure
}

#[tokio::test]
async fn a_certificate_of_a_stranger_or_for_another_name_is_refused() {
    let authority = Authority::new();
    let stranger = Authority::new();
    let site = Site::tls(stranger.acceptor("localhost", &["h2"]), |_| ok("there"));
    let failure = tls_failure(&authority.client(), site.url("/")).await;
    assert!(!failure.worth_repeating && failure.detail.contains("certificate"), "{failure:?}");
    let site = Site::tls(authority.acceptor("example.com", &["h2"]), |_| ok("there"));
    let failure = tls_failure(&authority.client(), site.url("/")).await;
    assert!(!failure.worth_repeating && failure.detail.contains("certificate"), "{failure:?}");
    assert!(site.seen().is_empty());
}

#[tokio::test]
async fn a_plain_server_and_a_handshake_that_breaks_off_are_tls_failures() {
    let authority = Authority::new();
    let plain = Raw::serving(|_, peer| {
        peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.request();
    });
    assert!(
        !tls_failure(&authority.client(), plain.url("/").replace("http:", "https:")).await.worth_repeating
    );
    let closing = Raw::serving(|_, peer| {
        let mut hello = [0; 64];
        std::io::Read::read_exact(&mut peer.stream, &mut hello).unwrap();
    });
    assert!(
        tls_failure(&authority.client(), closing.url("/").replace("http:", "https:")).await.worth_repeating
    );
}

#[tokio::test]
async fn the_handshake_falls_under_the_connect_limit() {
    let silent = Raw::serving(|_, peer| {
        peer.request();
    });
    let mut endpoint = endpoint(&silent.url("/").replace("http:", "https:"));
    endpoint.bounds.connect_timeout = Duration::from_millis(80);
    let asked = ask_with(&Authority::new().client(), &endpoint, &&Gate::open()).await;
    assert_eq!(asked.requests, 0);
    let failure = failure(asked);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Timeout, true), "{failure:?}");
}

#[tokio::test]
async fn no_redirect_leads_from_https_to_http() {
    let authority = Authority::new();
    let plain = Site::plain(|_| ok("there"));
    let location = plain.url("/");
    let site =
        Site::tls(authority.acceptor("localhost", &["h2"]), move |_| reply(302, ("location", &location), ""));
    let failure = failure(ask_with(&authority.client(), &endpoint(&site.url("/")), &&Gate::open()).await);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Redirect, false));
    assert!(failure.detail.contains("https to http"), "{}", failure.detail);
    assert!(plain.seen().is_empty());
}

#[tokio::test]
async fn http2_answers_have_the_same_limits() {
    let authority = Authority::new();
    let site = Site::tls(authority.acceptor("localhost", &["h2"]), |target| match target {
        "/head" => reply(200, ("x-long", &"x".repeat(100_000)), ""),
        "/body" => ok("x".repeat(2 << 20)),
        _ => ok("there"),
    });
    let client = authority.client();
    let asked = ask_with(&client, &endpoint(&site.url("/body")), &&Gate::open()).await;
    assert_eq!(failure(asked).kind, Kind::TooLarge);
    // h2 does not tell a head above its limit from other offences.
    let asked = ask_with(&client, &endpoint(&site.url("/head")), &&Gate::open()).await;
    assert_eq!(failure(asked).kind, Kind::Protocol);
    let asked = ask_with(&client, &endpoint(&site.url("/none")), &&Gate::open()).await;
    assert_eq!(body(asked), "there");
    // Too large a body costs its stream only; a connection that breaks the protocol is not used again.
    assert_eq!(site.connections(), 2);
}

/// A server that hands each connection, by its number, to `serve` when its handshake is done.
pub(super) async fn handshaking<F>(
    acceptor: TlsAcceptor,
    serve: impl Fn(usize, TlsStream<TcpStream>) -> F + 'static,
) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/", listener.local_addr().unwrap().port());
    tokio::task::spawn_local(async move {
        for number in 0.. {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(serve(number, stream));
            }
        }
    });
    url
}

#[tokio::test]
async fn http2_that_ends_or_is_none_is_told_apart() {
    let local = tokio::task::LocalSet::new();
    let asking = local.run_until(async {
        let authority = Authority::new();
        let acceptor = || authority.acceptor("localhost", &["h2"]);
        let closing = handshaking(acceptor(), |_, stream| async move { drop(stream) }).await;
        let closed = failure(ask_with(&authority.client(), &endpoint(&closing), &&Gate::open()).await);
        let babbling = handshaking(acceptor(), |_, mut stream| async move {
            stream.write_all(&[b'x'; 4096]).await.unwrap();
            tokio::time::sleep(Duration::from_secs(5)).await;
        });
        let babbled =
            failure(ask_with(&authority.client(), &endpoint(&babbling.await), &&Gate::open()).await);
        [closed, babbled].map(|failure| (failure.kind, failure.worth_repeating))
    });
    assert_eq!(asking.await, [(Kind::Reset, true), (Kind::Protocol, false)]);
}

/// What the connections of a server that breaks the first one have in common.
#[derive(Default)]
struct Breaking {
    connections: AtomicUsize,
    requests: AtomicUsize,
    full: tokio::sync::Notify,
}

impl Breaking {
    /// The first connection breaks when it holds `width` requests, later ones answer.
    async fn serve(self: Arc<Self>, number: usize, stream: TlsStream<TcpStream>, width: usize) {
        self.connections.fetch_add(1, Ordering::SeqCst);
        let service = service_fn(|_| self.clone().answer(number, width));
        let serving =
            http2::Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            _ = serving => {}
            () = self.full.notified(), if number == 0 => {}
        }
    }

    async fn answer(
        self: Arc<Self>,
        connection: usize,
        width: usize,
    ) -> Result<Response<Full<Bytes>>, Infallible> {
        let number = self.requests.fetch_add(1, Ordering::SeqCst) + 1;
        if connection == 0 {
            if number == width {
                self.full.notify_one();
            }
            std::future::pending::<()>().await;
        }
        Ok(ok("there"))
    }
}

#[tokio::test]
async fn requests_on_an_http2_connection_that_breaks_share_the_next_one() {
    const WIDTH: usize = 20;
    let local = tokio::task::LocalSet::new();
    let authority = Authority::new();
    let server = Arc::new(Breaking::default());
    let serving = server.clone();
    let asked = local.run_until(async {
        let url = handshaking(authority.acceptor("localhost", &["h2"]), move |number, stream| {
            serving.clone().serve(number, stream, WIDTH)
        });
        let mut endpoint = endpoint(&url.await);
        endpoint.retry.attempts = 2;
        let client = authority.client();
        let (client, endpoint) = (&client, &endpoint);
        join_all((0..WIDTH).map(|_| async move { ask_with(client, endpoint, &&Gate::open()).await })).await
    });
    let asked = asked.await;
    // Only the request that had opened the connection has failed once.
    assert_eq!(asked.iter().map(|asked| asked.attempts as usize).sum::<usize>(), WIDTH + 1);
    assert!(asked.into_iter().all(|asked| body(asked) == "there"));
    let counts = [&server.requests, &server.connections].map(|count| count.load(Ordering::SeqCst));
    assert_eq!(counts, [2 * WIDTH, 2]);
}

/// The product's own way to its roots, in a process of its own: the environment belongs to all threads.
#[test]
fn ssl_cert_file_names_the_roots() {
    let authority = Authority::new();
    let site = Site::tls(authority.acceptor("localhost", &["h2"]), |_| ok("there"));
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), authority.pem()).unwrap();
    let run = |roots: &std::path::Path| {
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "fetch::tests::tls::asks_with_the_systems_roots", "--ignored", "--nocapture"])
            .env("SSL_CERT_FILE", roots)
            .env_remove("SSL_CERT_DIR")
            .env("WINDROW_TEST_URL", site.url("/"))
            .output()
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(run(file.path()).contains("answered: Ok"), "{}", run(file.path()));
    let empty = tempfile::NamedTempFile::new().unwrap();
    let refused = run(empty.path());
    assert!(refused.contains("kind: Tls") && refused.contains("ca-certificates"), "{refused}");
}

#[tokio::test]
#[ignore = "started by ssl_cert_file_names_the_roots, in a process of its own"]
async fn asks_with_the_systems_roots() {
    let url = std::env::var("WINDROW_TEST_URL").unwrap();
    println!("answered: {:?}", ask(&endpoint(&url)).await.answer);
}

//! Certificates: who is trusted, who is shown ours, and in which words what fails is told.

use std::path::PathBuf;
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, KeyPair, date_time_ymd};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;

use super::site::{Raw, Site, ok, reply};
use super::tls::Authority;
use super::*;
use crate::job::{ClientCertificate, Network};
use crate::record::Kind;

/// A certificate with its key.
struct Own {
    certificate: CertificateDer<'static>,
    pem: String,
    key: KeyPair,
}

/// One that is signed by itself, for `localhost` unless `change` makes it another.
fn self_signed(change: impl FnOnce(&mut CertificateParams)) -> Own {
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, "a server of mine");
    change(&mut params);
    let key = KeyPair::generate().unwrap();
    let certificate = params.self_signed(&key).unwrap();
    Own { certificate: certificate.der().clone(), pem: certificate.pem(), key }
}

fn as_authority(params: &mut CertificateParams) {
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
}

impl Own {
    fn key(&self) -> PrivateKeyDer<'static> {
        PrivatePkcs8KeyDer::from(self.key.serialize_der()).into()
    }

    fn site(&self) -> Site {
        let config = server().with_no_client_auth();
        let config = config.with_single_cert(vec![self.certificate.clone()], self.key()).unwrap();
        Site::tls(TlsAcceptor::from(Arc::new(config)), |_| ok("there"))
    }

    fn file(&self) -> tempfile::NamedTempFile {
        file(&self.pem)
    }
}

fn server() -> rustls::ConfigBuilder<ServerConfig, rustls::WantsVerifier> {
    ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
}

fn file(text: &str) -> tempfile::NamedTempFile {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), text).unwrap();
    file
}

fn trusting(url: String, ca_file: &tempfile::NamedTempFile) -> Endpoint {
    let network = Network { ca_file: Some(ca_file.path().to_owned()), ..Network::default() };
    Endpoint { network, ..endpoint(&url) }
}

/// Asks a client that trusts an authority which nobody here uses.
async fn ask_stranger(endpoint: &Endpoint) -> Asked {
    ask_with(&Authority::new().client(), endpoint, &&Gate::open()).await
}

async fn refused(endpoint: &Endpoint) -> String {
    let failure = failure(ask_stranger(endpoint).await);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Tls, false), "{failure:?}");
    failure.detail
}

#[tokio::test]
async fn a_servers_own_certificate_is_trusted_where_the_job_names_it() {
    for own in [self_signed(|_| {}), self_signed(as_authority)] {
        let site = own.site();
        assert_eq!(body(ask_stranger(&trusting(site.url("/"), &own.file())).await), "there");
        let detail = refused(&endpoint(&site.url("/"))).await;
        assert!(detail.contains("signed by itself only; hint: ") && detail.contains("ca_file"), "{detail}");
        // Another of the same name is not it.
        let twin = self_signed(as_authority);
        let detail = refused(&trusting(site.url("/"), &twin.file())).await;
        assert!(detail.contains("certificate"), "{detail}");
        assert_eq!(site.seen().len(), 1);
    }
}

#[tokio::test]
async fn one_that_is_trusted_as_it_stands_has_a_name_and_a_time_all_the_same() {
    let elsewhere = self_signed(|params| {
        as_authority(params);
        params.subject_alt_names =
            CertificateParams::new(vec!["example.com".to_owned()]).unwrap().subject_alt_names;
    });
    let detail = refused(&trusting(elsewhere.site().url("/"), &elsewhere.file())).await;
    assert!(detail.contains("is not for localhost, but for example.com"), "{detail}");
    let nameless = self_signed(|params| params.subject_alt_names.clear());
    let detail = refused(&trusting(nameless.site().url("/"), &nameless.file())).await;
    assert!(detail.contains("names no host") && detail.contains("subjectAltName"), "{detail}");
    for is_authority in [true, false] {
        let past = self_signed(|params| {
            params.is_ca = if is_authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
            (params.not_before, params.not_after) = (date_time_ymd(2001, 1, 1), date_time_ymd(2002, 2, 3));
        });
        let detail = refused(&trusting(past.site().url("/"), &past.file())).await;
        assert!(detail.contains("expired on 2002-02-03T00:00:00Z; hint: "), "{detail}");
        let future = self_signed(|params| {
            params.is_ca = if is_authority { IsCa::Ca(BasicConstraints::Unconstrained) } else { IsCa::NoCa };
            (params.not_before, params.not_after) = (date_time_ymd(2101, 1, 1), date_time_ymd(2102, 2, 3));
        });
        let detail = refused(&trusting(future.site().url("/"), &future.file())).await;
        assert!(detail.contains("not valid before 2101-01-01") && detail.contains("clock"), "{detail}");
    }
}

#[tokio::test]
async fn the_jobs_authorities_stand_beside_the_systems() {
    let (system, mine) = (Authority::new(), Authority::new());
    let ca = file(&mine.pem());
    let client = system.client();
    for authority in [&system, &mine] {
        let site = Site::tls(authority.acceptor("localhost", &["h2"]), |_| ok("there"));
        let endpoint = trusting(site.url("/"), &ca);
        assert_eq!(body(ask_with(&client, &endpoint, &&Gate::open()).await), "there");
    }
    let site = Site::tls(mine.acceptor("localhost", &["h2"]), |_| ok("there"));
    let detail = refused(&endpoint(&site.url("/"))).await;
    assert!(detail.contains("nobody that this machine trusts vouches"), "{detail}");
}

/// A server that wants a certificate of `clients`.
fn wanting(
    authority: &Authority,
    clients: &Own,
    answer: fn(&str) -> hyper::Response<http_body_util::Full<bytes::Bytes>>,
) -> Site {
    let mut roots = RootCertStore::empty();
    roots.add(clients.certificate.clone()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).build().unwrap();
    let (chain, key) = authority.certificate("localhost");
    let config = server().with_client_cert_verifier(verifier).with_single_cert(chain, key).unwrap();
    Site::tls(TlsAcceptor::from(Arc::new(config)), answer)
}

fn showing(
    url: String,
    certificate: &tempfile::NamedTempFile,
    key: Option<&tempfile::NamedTempFile>,
) -> Endpoint {
    let path = |file: &tempfile::NamedTempFile| -> PathBuf { file.path().to_owned() };
    let files = ClientCertificate { certificate: path(certificate), key: path(key.unwrap_or(certificate)) };
    let network = Network { client_certificate: Some(files), ..Network::default() };
    Endpoint { network, ..endpoint(&url) }
}

#[tokio::test]
async fn a_host_that_wants_a_certificate_is_shown_it() {
    let authority = Authority::new();
    let client = self_signed(|_| {});
    let site = wanting(&authority, &client, |_| ok("there"));
    let key = client.key.serialize_pem();
    let (together, apart, key) = (file(&format!("{key}{}", client.pem)), client.file(), file(&key));
    for endpoint in [showing(site.url("/"), &together, None), showing(site.url("/"), &apart, Some(&key))] {
        assert_eq!(body(ask_with(&authority.client(), &endpoint, &&Gate::open()).await), "there");
    }
    let failure = failure(ask_with(&authority.client(), &endpoint(&site.url("/")), &&Gate::open()).await);
    assert_eq!((failure.kind, failure.worth_repeating), (Kind::Tls, false), "{failure:?}");
    assert!(
        failure.detail.contains("the server wants a client certificate; hint: client_certificate_file"),
        "{}",
        failure.detail
    );
    let stranger = self_signed(|params| params.distinguished_name.push(DnType::CommonName, "somebody else"));
    let wrong = file(&format!("{}{}", stranger.key.serialize_pem(), stranger.pem));
    let failed = super::failure(
        ask_with(&authority.client(), &showing(site.url("/"), &wrong, None), &&Gate::open()).await,
    );
    assert!(
        failed.kind == Kind::Tls && failed.detail.contains("refuses the client certificate"),
        "{failed:?}"
    );
}

#[tokio::test]
async fn a_certificate_is_shown_to_its_own_host_only() {
    let authority = Authority::new();
    let client = self_signed(|_| {});
    let together = file(&format!("{}{}", client.key.serialize_pem(), client.pem));
    let other = wanting(&authority, &client, |_| ok("there"));
    let location = other.url("/");
    let first =
        Site::tls(authority.acceptor("localhost", &["h2"]), move |_| reply(302, ("location", &location), ""));
    let asked =
        ask_with(&authority.client(), &showing(first.url("/"), &together, None), &&Gate::open()).await;
    assert!(failure(asked).detail.contains("wants a client certificate"));
    assert!(other.seen().is_empty());
}

#[test]
fn files_that_cannot_be_used_are_told_before_anything_is_asked() {
    let client = self_signed(|_| {});
    let compiled = |endpoint: &Endpoint| {
        let columns = [Field { name: "id".to_owned(), ty: Type::Text }];
        Question::compile_all(std::slice::from_ref(endpoint), &columns, &secrets(&[]))
            .err()
            .unwrap()
            .to_string()
    };
    let url = || "https://localhost/".to_owned();
    let (empty, certificate) = (file(""), client.file());
    let broken = file("-----BEGIN CERTIFICATE-----\n!!!!\n-----END CERTIFICATE-----\n");
    let wrong = file("-----BEGIN CERTIFICATE-----\naGFsbG8=\n-----END CERTIFICATE-----\n");
    assert!(compiled(&trusting(url(), &empty)).contains("holds no certificate"));
    assert!(compiled(&trusting(url(), &broken)).contains("is no PEM file"));
    assert!(compiled(&trusting(url(), &wrong)).contains("a certificate cannot be read"));
    let mut gone = trusting(url(), &empty);
    gone.network.ca_file = Some("/nowhere/ca.pem".into());
    assert!(compiled(&gone).contains("/nowhere/ca.pem: No such file"), "{}", compiled(&gone));
    assert!(compiled(&showing(url(), &certificate, None)).contains("holds no private key"));
    let encrypted =
        file("-----BEGIN ENCRYPTED PRIVATE KEY-----\naGFsbG8=\n-----END ENCRYPTED PRIVATE KEY-----\n");
    assert!(compiled(&showing(url(), &certificate, Some(&encrypted))).contains("openssl pkey"));
    let other = file(&self_signed(|_| {}).key.serialize_pem());
    let why = compiled(&showing(url(), &certificate, Some(&other)));
    assert!(why.contains("is not that of the certificate in"), "{why}");
}

#[tokio::test]
async fn what_is_no_tls_is_told_in_words() {
    let plain = Raw::serving(|_, peer| {
        peer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n");
        peer.request();
    });
    let detail = refused(&endpoint(&plain.url("/").replace("http:", "https:"))).await;
    assert!(detail.contains("does not speak TLS; hint: is it http://, or another port?"), "{detail}");
    // A fatal alert, as servers of long ago answer a hello that they do not know: protocol_version, handshake_failure.
    for (alert, said) in
        [(70, "no longer safe"), (40, "refuses the handshake"), (112, "does not know the name")]
    {
        let old = Raw::serving(move |_, peer| {
            let _ = std::io::Read::read(&mut peer.stream, &mut [0; 4096]);
            peer.write(&[21, 3, 1, 0, 2, 2, alert]);
        });
        let detail = refused(&endpoint(&old.url("/").replace("http:", "https:"))).await;
        assert!(detail.contains(said), "{detail}");
    }
}

//! Connections: name, TCP, TLS, HTTP, within one time limit.
//!
//! TLS is always verified, against the operating system's roots (or those that `SSL_CERT_FILE` and
//! `SSL_CERT_DIR` name). They are loaded with the first https connection: a job without one does not need them.
//!
//! A connector opens connections to the addresses that it admits and to no others: what a name resolves to is
//! judged in the resolver, and exactly that is connected to.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use hyper::Uri;
use hyper::client::conn::http1;
use hyper::http::uri::PathAndQuery;
use hyper_rustls::{ConfigBuilderExt, HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tower_service::Service;

use super::origin::Origin;
use super::request::Body;
use super::resolve::{NoAddress, Resolver};
use super::streams::Shared;
use super::{classify, reach};
use crate::record::{Failure, Kind};

/// Longest head of an answer. Servers rarely send 2 KiB; browsers allow some 256 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// Loaded when they are first needed.
type Roots = OnceLock<Result<Arc<ClientConfig>, Failure>>;
type Stream = MaybeHttpsStream<TokioIo<TcpStream>>;

/// Our end of a connection.
pub(super) enum Sender {
    /// One request at a time.
    Http1(http1::SendRequest<Body>),
    /// Many at a time.
    Http2(Shared),
}

/// Opens connections.
pub(super) struct Connector {
    tcp: HttpConnector<Resolver>,
    resolver: Resolver,
    /// Holds for every address that is connected to.
    admits: fn(IpAddr) -> bool,
    tls: Arc<Roots>,
}

impl Connector {
    /// One that connects to any address.
    pub(super) fn new() -> Connector {
        Connector::with(Resolver::default(), |_| true, Arc::default())
    }

    /// One that connects only to addresses that `admits` holds for. It shares what the other one knows of names and
    /// roots.
    pub(super) fn only(&self, admits: fn(IpAddr) -> bool) -> Connector {
        Connector::with(self.resolver.only(admits), admits, self.tls.clone())
    }

    fn with(resolver: Resolver, admits: fn(IpAddr) -> bool, tls: Arc<Roots>) -> Connector {
        let mut tcp = HttpConnector::new_with_resolver(resolver.clone());
        tcp.set_nodelay(true);
        tcp.enforce_http(false);
        Connector { tcp, resolver, admits, tls }
    }

    /// One that trusts these roots and no others.
    #[cfg(test)]
    pub(super) fn trusting(roots: rustls::RootCertStore) -> Connector {
        let connector = Connector::new();
        let config =
            config_builder().map(|builder| builder.with_root_certificates(roots).with_no_client_auth());
        let _ = connector.tls.set(config.map(with_protocols));
        connector
    }

    /// A new connection to an origin, ready for a request, within `limit`. A wide one reads answers with many headers.
    pub(super) async fn open(
        &self,
        origin: &Origin,
        is_wide: bool,
        limit: Duration,
    ) -> Result<Sender, Failure> {
        let opened = tokio::time::timeout(limit, async {
            let stream = self.stream(origin, limit).await?;
            if stream.connected().is_negotiated_h2() {
                http2(stream).await
            } else {
                http1(stream, is_wide).await
            }
        });
        opened.await.unwrap_or_else(|_| {
            Err(Failure::passing(Kind::Timeout, format!("no connection to {origin} within {limit:?}")))
        })
    }

    /// Whether an origin has an address that this one connects to; also where nobody knows.
    pub(super) async fn leads_to(&self, origin: &Origin, limit: Duration) -> bool {
        if let Some(address) = origin.address() {
            return (self.admits)(address);
        }
        let resolved = self.resolver.clone().resolve(origin.host_name().to_owned());
        !matches!(tokio::time::timeout(limit, resolved).await, Ok(Err(NoAddress::NotAdmitted(_))))
    }

    async fn stream(&self, origin: &Origin, limit: Duration) -> Result<Stream, Failure> {
        // The resolver is not asked about addresses.
        if let Some(address) = origin.address().filter(|address| !(self.admits)(*address)) {
            return Err(Failure::lasting(Kind::Template, reach::not_public(&address.to_string(), address)));
        }
        let uri = connect_uri(origin)?;
        let mut tcp = self.tcp.clone();
        // The connector divides it among a name's addresses, so that a dead one leaves time for the next.
        tcp.set_connect_timeout(Some(limit));
        if origin.is_https() {
            let mut tls = HttpsConnector::from((tcp, self.tls_config()?));
            tls.call(uri).await.map_err(|error| classify::not_connected(origin, &error))
        } else {
            let stream =
                tcp.call(uri).await.map_err(|error| classify::not_connected(origin, &error.into()))?;
            Ok(MaybeHttpsStream::Http(stream))
        }
    }

    fn tls_config(&self) -> Result<Arc<ClientConfig>, Failure> {
        self.tls.get_or_init(system_roots).clone()
    }
}

fn connect_uri(origin: &Origin) -> Result<Uri, Failure> {
    origin
        .uri(PathAndQuery::from_static("/"))
        .map_err(|error| Failure::lasting(Kind::Template, format!("{origin} is not valid: {error}")))
}

fn system_roots() -> Result<Arc<ClientConfig>, Failure> {
    let builder = config_builder()?.with_native_roots().map_err(|error| {
        let why = format!("this machine has no root certificates ({error}); hint: install ca-certificates");
        Failure::lasting(Kind::Tls, why)
    })?;
    Ok(with_protocols(builder.with_no_client_auth()))
}

fn config_builder() -> Result<rustls::ConfigBuilder<ClientConfig, rustls::WantsVerifier>, Failure> {
    ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| Failure::lasting(Kind::Tls, error.to_string()))
}

/// Offers HTTP/2 and HTTP/1.1 (RFC 7301).
fn with_protocols(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

async fn http1(stream: Stream, is_wide: bool) -> Result<Sender, Failure> {
    let mut builder = http1::Builder::new();
    if is_wide {
        builder.max_headers(classify::MAX_HEADERS);
    }
    // Old servers and appliances know `Authorization` and `X-Api-Key` in that spelling only.
    let (sender, connection) = builder
        .title_case_headers(true)
        .max_buf_size(MAX_HEAD)
        .writev(false)
        .handshake(stream)
        .await
        .map_err(|error| classify::no_answer(&error))?;
    // What breaks it is told to the request that is on it.
    tokio::spawn(connection);
    Ok(Sender::Http1(sender))
}

async fn http2(stream: Stream) -> Result<Sender, Failure> {
    let shared =
        Shared::handshake(stream, MAX_HEAD as u32).await.map_err(|error| classify::no_answer(&error))?;
    Ok(Sender::Http2(shared))
}

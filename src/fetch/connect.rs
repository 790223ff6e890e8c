//! Connections: name, TCP, a proxy on the way, TLS, HTTP, within one time limit.
//!
//! A connector opens connections to the addresses that it admits and to no others: what a name resolves to is
//! judged in the resolver, and exactly that is connected to. Through a proxy the proxy looks names up: an address that is
//! written as one is judged here all the same, and so is what a name leads to as this machine has it, where it has it at
//! all; beyond that the proxy decides whom it asks. It is itself asked at any address, as the job names it.

use std::future::{Ready, ready};
use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::Uri;
use hyper::client::conn::http1;
use hyper::http::uri::PathAndQuery;
use hyper_rustls::{HttpsConnector, MaybeHttpsStream};
use hyper_util::client::legacy::connect::{Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tower_service::Service;

use super::network::Network;
use super::origin::Origin;
use super::proxy::Proxy;
use super::request::Body;
use super::resolve::{NoAddress, Resolver};
use super::streams::Shared;
use super::tls::{SystemRoots, Tls};
use super::{classify, reach};
use crate::record::{Failure, Kind};

/// Longest head of an answer. Servers rarely send 2 KiB; browsers allow some 256 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// How long a name is looked up that a proxy will look up itself. Behind many proxies nobody knows it here.
const GLANCE: Duration = Duration::from_secs(2);

type Tcp = TokioIo<TcpStream>;
type Stream = MaybeHttpsStream<Tcp>;

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
    system: Arc<SystemRoots>,
    tls: Arc<Tls>,
    /// `None` is the usual way: straight, trusting the system's roots.
    network: Option<Arc<Network>>,
}

impl Connector {
    /// One that connects to any address.
    pub(super) fn new() -> Connector {
        Connector::trusting_system(Arc::default())
    }

    fn trusting_system(system: Arc<SystemRoots>) -> Connector {
        let tls = Arc::new(Tls::new(system.clone(), Arc::default()));
        Connector::with(Resolver::default(), |_| true, system, tls, None)
    }

    /// One that connects only to addresses that `admits` holds for. It shares what the other one knows of names and
    /// roots.
    pub(super) fn only(&self, admits: fn(IpAddr) -> bool) -> Connector {
        let (system, tls) = (self.system.clone(), self.tls.clone());
        Connector::with(self.resolver.only(admits), admits, system, tls, self.network.clone())
    }

    /// One that goes another way. It shares the same.
    pub(super) fn through(&self, network: &Arc<Network>) -> Connector {
        let system = self.system.clone();
        let tls = Arc::new(Tls::new(system.clone(), network.files.clone()));
        Connector::with(self.resolver.clone(), self.admits, system, tls, Some(network.clone()))
    }

    fn with(
        resolver: Resolver,
        admits: fn(IpAddr) -> bool,
        system: Arc<SystemRoots>,
        tls: Arc<Tls>,
        network: Option<Arc<Network>>,
    ) -> Connector {
        let tcp = tcp_by(resolver.clone());
        Connector { tcp, resolver, admits, system, tls, network }
    }

    /// One that trusts these roots and no others.
    #[cfg(test)]
    pub(super) fn trusting(roots: rustls::RootCertStore) -> Connector {
        Connector::told(Resolver::default(), roots)
    }

    /// The same, which asks this one about names.
    #[cfg(test)]
    pub(super) fn told(resolver: Resolver, roots: rustls::RootCertStore) -> Connector {
        let system = SystemRoots::new();
        let _ = system.set(Ok(roots));
        let system = Arc::new(system);
        let tls = Arc::new(Tls::new(system.clone(), Arc::default()));
        Connector::with(resolver, |_| true, system, tls, None)
    }

    /// Whom requests to an origin go through.
    pub(super) fn proxy_of(&self, origin: &Origin) -> Option<&Proxy> {
        self.network.as_ref()?.proxy_of(origin)
    }

    /// Whom requests to an origin are handed to as they are.
    pub(super) fn hands_to(&self, origin: &Origin) -> Option<&Proxy> {
        if origin.is_https() { None } else { self.proxy_of(origin) }
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
            let way = self.proxy_of(origin).map(|proxy| format!(" through {proxy}")).unwrap_or_default();
            Err(Failure::passing(Kind::Timeout, format!("no connection to {origin}{way} within {limit:?}")))
        })
    }

    /// Whether an origin has an address that this one connects to, or had one before: what answered may have been there. Also
    /// where nobody knows.
    pub(super) async fn leads_to(&self, origin: &Origin, limit: Duration) -> bool {
        if let Some(address) = origin.address() {
            return (self.admits)(address);
        }
        self.refusal(origin, limit).await.is_none() || self.resolver.has_led(origin.host_name()).await
    }

    /// Why an origin's name may not be connected to, by where it leads now; nothing where it may, or nobody knows.
    async fn refusal(&self, origin: &Origin, limit: Duration) -> Option<NoAddress> {
        let limit = if self.proxy_of(origin).is_some() { limit.min(GLANCE) } else { limit };
        let resolved = self.resolver.clone().resolve(origin.host_name().to_owned());
        let resolved = tokio::time::timeout(limit, resolved).await.ok()?;
        resolved.err().filter(|why| matches!(why, NoAddress::NotAdmitted(_)))
    }

    async fn stream(&self, origin: &Origin, limit: Duration) -> Result<Stream, Failure> {
        // The resolver is not asked about addresses.
        if let Some(address) = origin.address().filter(|address| !(self.admits)(*address)) {
            return Err(Failure::lasting(Kind::Template, reach::not_public(&address.to_string(), address)));
        }
        let tcp = match self.proxy_of(origin) {
            None => self.straight(origin, limit).await?,
            Some(proxy) => self.by_proxy(proxy, origin, limit).await?,
        };
        if !origin.is_https() {
            return Ok(MaybeHttpsStream::Http(tcp));
        }
        let mut tls = HttpsConnector::from((Opened(Some(tcp)), self.tls.config(origin)?));
        tls.call(connect_uri(origin)?).await.map_err(|error| classify::not_connected(origin, &error))
    }

    async fn straight(&self, origin: &Origin, limit: Duration) -> Result<Tcp, Failure> {
        let mut tcp = self.tcp.clone();
        // The connector divides it among a name's addresses, so that a dead one leaves time for the next.
        tcp.set_connect_timeout(Some(limit));
        let opened = tcp.call(connect_uri(origin)?).await;
        opened.map_err(|error| classify::not_connected(origin, &error.into()))
    }

    /// A connection to a proxy, or over it to an https host.
    async fn by_proxy(&self, proxy: &Proxy, origin: &Origin, limit: Duration) -> Result<Tcp, Failure> {
        self.refuse_private_name(origin, limit).await?;
        let mut tcp = tcp_by(self.resolver.only(|_| true));
        tcp.set_connect_timeout(Some(limit));
        let opened = tcp.call(connect_uri(proxy.origin())?).await;
        let opened = opened.map_err(|error| classify::no_proxy(proxy, origin, &error.into()))?;
        if origin.is_https() { proxy.tunnel(opened, origin).await } else { Ok(opened) }
    }

    /// Where only some addresses are admitted: a name that leads to others from here is not handed to a proxy either.
    async fn refuse_private_name(&self, origin: &Origin, limit: Duration) -> Result<(), Failure> {
        if origin.address().is_some() {
            return Ok(());
        }
        match self.refusal(origin, limit).await {
            Some(why) => Err(Failure::lasting(Kind::Template, why.to_string())),
            None => Ok(()),
        }
    }
}

fn tcp_by(resolver: Resolver) -> HttpConnector<Resolver> {
    let mut tcp = HttpConnector::new_with_resolver(resolver);
    tcp.set_nodelay(true);
    tcp.enforce_http(false);
    tcp
}

fn connect_uri(origin: &Origin) -> Result<Uri, Failure> {
    origin
        .uri(PathAndQuery::from_static("/"))
        .map_err(|error| Failure::lasting(Kind::Template, format!("{origin} is not valid: {error}")))
}

/// A connection that is there already, for whoever would open one.
struct Opened(Option<Tcp>);

impl Service<Uri> for Opened {
    type Response = Tcp;
    type Error = io::Error;
    type Future = Ready<io::Result<Tcp>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Uri) -> Self::Future {
        ready(self.0.take().ok_or_else(|| io::Error::other("it was used already")))
    }
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

//! Servers for the tests, each in a thread of its own, on a port that the system picks.

use std::convert::Infallible;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio_rustls::TlsAcceptor;

/// A server that writes bytes of the test's choice.
pub(super) struct Raw {
    address: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
    connections: Arc<AtomicUsize>,
}

impl Raw {
    /// Each connection, by its number, is handed to `serve` and closed after it.
    pub(super) fn serving(serve: impl Fn(usize, &mut Peer) + Send + Sync + 'static) -> Raw {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let heads = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let (serve, shared, count) = (Arc::new(serve), heads.clone(), connections.clone());
        thread::spawn(move || {
            for (number, stream) in listener.incoming().enumerate() {
                count.store(number + 1, Ordering::SeqCst);
                let (serve, heads) = (serve.clone(), shared.clone());
                let mut peer = Peer { stream: stream.unwrap(), heads };
                thread::spawn(move || serve(number, &mut peer));
            }
        });
        Raw { address, heads, connections }
    }

    /// Each connection gets one request answered with these bytes.
    pub(super) fn answering(bytes: impl Into<Vec<u8>>) -> Raw {
        let bytes = bytes.into();
        Raw::serving(move |_, peer| {
            peer.request();
            peer.write(&bytes);
        })
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// The heads of all requests, in the order they came.
    pub(super) fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

/// A server's end of a raw connection.
pub(super) struct Peer {
    pub(super) stream: TcpStream,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Peer {
    /// Reads a request's head; false where the connection ended.
    pub(super) fn request(&mut self) -> bool {
        self.head().is_some()
    }

    /// The same, and hands it out.
    pub(super) fn head(&mut self) -> Option<String> {
        let mut head = Vec::new();
        let mut byte = [0];
        while !head.ends_with(b"\r\n\r\n") {
            match self.stream.read(&mut byte) {
                Ok(1) => head.push(byte[0]),
                _ => return None,
            }
        }
        let head = String::from_utf8(head).unwrap();
        self.heads.lock().unwrap().push(head.clone());
        Some(head)
    }

    pub(super) fn write(&mut self, bytes: &[u8]) {
        // The client may have gone, as it should where an answer exceeds its limits.
        let _ = self.stream.write_all(bytes).and_then(|()| self.stream.flush());
    }
}

/// What a site saw of a request.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: hyper::Method,
    pub(super) target: String,
    pub(super) headers: hyper::HeaderMap,
    pub(super) version: hyper::Version,
    pub(super) host: Option<String>,
    pub(super) body: Bytes,
}

/// An HTTP server, plain or with TLS.
pub(super) struct Site {
    pub(super) address: SocketAddr,
    scheme: &'static str,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
}

type Answer = Response<Full<Bytes>>;

impl Site {
    pub(super) fn plain(answer: impl Fn(&str) -> Answer + Send + Sync + 'static) -> Site {
        Site::minding(move |seen| answer(&seen.target))
    }

    /// One that looks at all of a request.
    pub(super) fn minding(answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Site {
        Site::start("127.0.0.1:0", None, answer)
    }

    /// The same at another address of this machine, with TLS or without.
    pub(super) fn at(
        address: &str,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Site {
        Site::start(address, tls, answer)
    }

    pub(super) fn tls(
        acceptor: TlsAcceptor,
        answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
    ) -> Site {
        Site::start("127.0.0.1:0", Some(acceptor), move |seen| answer(&seen.target))
    }

    fn start(
        listens: &str,
        tls: Option<TlsAcceptor>,
        answer: impl Fn(&Seen) -> Answer + Send + Sync + 'static,
    ) -> Site {
        let listens = listens.to_owned();
        let scheme = if tls.is_some() { "https" } else { "http" };
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let served = Served { tls, seen: seen.clone(), answer: Arc::new(answer) };
        let (ready, address) = mpsc::channel();
        let count = connections.clone();
        thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async move {
                let listener = tokio::net::TcpListener::bind(listens).await.unwrap();
                ready.send(listener.local_addr().unwrap()).unwrap();
                loop {
                    let (stream, _) = listener.accept().await.unwrap();
                    count.fetch_add(1, Ordering::SeqCst);
                    tokio::spawn(served.clone().connection(stream));
                }
            });
        });
        Site { address: address.recv().unwrap(), scheme, seen, connections }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("{}://localhost:{}{path}", self.scheme, self.address.port())
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

#[derive(Clone)]
struct Served {
    tls: Option<TlsAcceptor>,
    seen: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<dyn Fn(&Seen) -> Answer + Send + Sync>,
}

impl Served {
    async fn connection(self, stream: tokio::net::TcpStream) {
        stream.set_nodelay(true).unwrap();
        let server = auto::Builder::new(TokioExecutor::new());
        let service = service_fn(|request| {
            let served = self.clone();
            async move { Ok::<_, Infallible>(served.answer(request).await) }
        });
        match &self.tls {
            None => drop(server.serve_connection(TokioIo::new(stream), service).await),
            Some(tls) => {
                if let Ok(stream) = tls.accept(stream).await {
                    drop(server.serve_connection(TokioIo::new(stream), service).await);
                }
            }
        }
    }

    async fn answer(&self, request: Request<Incoming>) -> Answer {
        let (head, body) = request.into_parts();
        let target = head.uri.path_and_query().unwrap().to_string();
        let seen = Seen {
            method: head.method,
            target,
            headers: head.headers,
            version: head.version,
            host: head.uri.authority().map(ToString::to_string),
            body: body.collect().await.unwrap().to_bytes(),
        };
        self.seen.lock().unwrap().push(seen.clone());
        (self.answer)(&seen)
    }
}

/// A 200 with this body.
pub(super) fn ok(body: impl Into<Bytes>) -> Answer {
    Response::new(Full::new(body.into()))
}

/// An answer with a status, one header and a body.
pub(super) fn reply(status: u16, header: (&str, &str), body: &'static str) -> Answer {
    Response::builder().status(status).header(header.0, header.1).body(Full::new(body.into())).unwrap()
}

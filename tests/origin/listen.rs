//! Connections: accepted, spoken with in HTTP/1.1 or HTTP/2, and forgotten.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::rc::Rc;
use std::time::Duration;

use hyper::rt::Executor;
use hyper::server::conn::{http1, http2};
use hyper_util::rt::TokioIo;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::origin::Origin;
use crate::received::Received;
use crate::tls::HTTP2;
use crate::visit::Visit;
use crate::wire::{Pen, Scissors, Wire};

/// Connections that may wait to be accepted; the system lowers it to what it allows.
const BACKLOG: u32 = 65_535;

/// Listens on 127.0.0.1.
pub fn bind(port: u16) -> Result<TcpListener, String> {
    let listen = || {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.bind(SocketAddr::from((Ipv4Addr::LOCALHOST, port)))?;
        socket.listen(BACKLOG)
    };
    listen().map_err(|error: io::Error| match error.kind() {
        io::ErrorKind::AddrInUse => {
            format!("port {port} of 127.0.0.1 is taken\nhint: choose another with --port, or any free one with --port 0")
        }
        _ => format!("127.0.0.1:{port}: {error}"),
    })
}

/// Lets this process hold as many connections as the system allows it; with fewer it works as well.
pub fn raise_file_limit() {
    if let Ok((_, hard)) = getrlimit(Resource::RLIMIT_NOFILE) {
        let _ = setrlimit(Resource::RLIMIT_NOFILE, hard, hard);
    }
}

/// Accepts connections for ever.
pub async fn serve(listener: TcpListener, origin: Rc<Origin>, acceptor: Option<TlsAcceptor>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                tokio::task::spawn_local(meet(stream, peer.port(), Rc::clone(&origin), acceptor.clone()));
            }
            // Out of file descriptors, or the peer is gone already: others may end meanwhile.
            Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
        }
    }
}

/// One connection. How it ends is the client's business, so errors are dropped.
async fn meet(stream: TcpStream, port: u16, origin: Rc<Origin>, acceptor: Option<TlsAcceptor>) {
    let _ = stream.set_nodelay(true);
    origin.counts.borrow_mut().connection();
    let received = if origin.notes_arrivals() { Received::of(&stream) } else { None };
    let (scissors, pen) = (Scissors::default(), Pen::default());
    let wire = Wire::new(stream, scissors.clone(), pen.clone(), received.clone());
    let visit = Visit { origin, scissors, pen, port, received };
    let Some(acceptor) = acceptor else { return speak_http1(wire, visit).await };
    let Ok(stream) = acceptor.accept(wire).await else { return };
    if stream.get_ref().1.alpn_protocol() == Some(HTTP2) {
        let builder = http2::Builder::new(LocalExecutor);
        let _ = builder.serve_connection(TokioIo::new(stream), visit).await;
    } else {
        speak_http1(stream, visit).await;
    }
}

async fn speak_http1(stream: impl AsyncRead + AsyncWrite + Unpin, visit: Visit) {
    let mut builder = http1::Builder::new();
    let _ = builder.pipeline_flush(true).serve_connection(TokioIo::new(stream), visit).await;
}

/// Runs HTTP/2 streams on this thread.
#[derive(Debug, Clone, Copy)]
struct LocalExecutor;

impl<F> Executor<F> for LocalExecutor
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}

//! What a worker of a queue tells of itself while it works, over HTTP: `/healthz` and `/metrics`.
//!
//! Promises:
//!
//! - Whoever asks sees figures, and changes nothing: GET and HEAD, two paths, no body is read, no header believed.
//! - Who asks slowly, or asks often, takes nothing from the work: so many connections at once and no more, of which the
//!   oldest make way, a bound on the bytes of a request, and a few seconds for each connection.
//! - It listens where the job says, and nowhere else; where it cannot, that is an error before anything is claimed.
//!
//! | path | answer |
//! |---|---|
//! | `/healthz` | 200 and `ok`; 503 and the reason, where the queue could not be looked at for longer than a lease |
//! | `/metrics` | the [`QueueFigures`], as OpenMetrics |
//!
//! It is a task of the runtime that it was [begun](Monitor::begin) on, and ends when it is dropped.

mod answer;
mod figures;
mod health;
mod listen;
#[cfg(test)]
pub(crate) mod reader;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;

pub use self::figures::QueueFigures;

/// It cannot listen where it is told to.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address} ([job] listen): {source}\nhint: {}", hint(.source))]
pub struct MonitorError {
    address: SocketAddr,
    source: std::io::Error,
}

fn hint(source: &std::io::Error) -> &'static str {
    match source.kind() {
        std::io::ErrorKind::AddrInUse => {
            "another process listens there, perhaps another `windrow work`: give each its own port"
        }
        std::io::ErrorKind::AddrNotAvailable => {
            "this machine has no such address; 127.0.0.1 is for this machine alone, 0.0.0.0 for all of its networks"
        }
        std::io::ErrorKind::PermissionDenied => {
            "ports below 1024 are the administrator's: choose one above, such as 9464"
        }
        _ => "[job] listen names an address of this machine and a port, such as \"127.0.0.1:9464\"",
    }
}

/// An address that is listened to, before anybody is answered.
#[derive(Debug)]
pub struct Monitor {
    listener: TcpListener,
    address: SocketAddr,
}

impl Monitor {
    /// Takes the address; port 0 takes a free one.
    ///
    /// # Errors
    /// Somebody else has it, or this machine has not.
    pub async fn bind(address: SocketAddr) -> Result<Monitor, MonitorError> {
        let failed = |source| MonitorError { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Monitor { listener, address })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers from now on, until what is returned is dropped.
    pub fn begin(self, figures: Arc<QueueFigures>) -> Answering {
        Answering(tokio::spawn(listen::answer_all(self.listener, figures)))
    }
}

/// A monitor that answers, as long as this lives.
#[derive(Debug)]
#[must_use = "nobody is answered any more when it is dropped"]
pub struct Answering(JoinHandle<()>);

impl Drop for Answering {
    fn drop(&mut self) {
        self.0.abort();
    }
}

//! Connections: how many at once, how long, and how much they may send.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{AbortHandle, JoinSet};

use super::QueueFigures;
use super::answer::answer;

/// Connections at once. A new one takes the place of the oldest: an honest question is answered within milliseconds, so that
/// those who are left are the slow ones.
const CONNECTIONS: usize = 32;

/// How long a connection may take for its question, and for all.
const QUESTION: Duration = Duration::from_millis(if cfg!(test) { 500 } else { 5_000 });
const ALL: Duration = Duration::from_millis(if cfg!(test) { 1_000 } else { 10_000 });

/// Bytes of a question: the least that hyper knows.
const BYTES: usize = 8 << 10;

/// Headers of a question; Prometheus sends half a dozen.
const HEADERS: usize = 64;

/// Until the next try, where the system gives no connection: it has no files left, for instance.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers connections until it is dropped.
pub(super) async fn answer_all(listener: TcpListener, figures: Arc<QueueFigures>) {
    let mut open = Open::default();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => open.add(stream, &figures),
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            Some(_) = open.tasks.join_next() => open.forget_ended(),
        }
    }
}

/// The connections that are open; they end with this.
#[derive(Default)]
struct Open {
    tasks: JoinSet<()>,
    /// The oldest first.
    handles: VecDeque<AbortHandle>,
}

impl Open {
    fn add(&mut self, stream: TcpStream, figures: &Arc<QueueFigures>) {
        self.forget_ended();
        if self.handles.len() >= CONNECTIONS
            && let Some(oldest) = self.handles.pop_front()
        {
            oldest.abort();
        }
        self.handles.push_back(self.tasks.spawn(converse(stream, Arc::clone(figures))));
    }

    fn forget_ended(&mut self) {
        self.handles.retain(|handle| !handle.is_finished());
    }
}

/// One question, one answer.
async fn converse(stream: TcpStream, figures: Arc<QueueFigures>) {
    let service = service_fn(|request| {
        let answered = answer(request.method(), request.uri().path(), &figures);
        async { Ok::<_, Infallible>(answered) }
    });
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(QUESTION)
        .keep_alive(false)
        .max_buf_size(BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(stream), service);
    // Whatever goes wrong, it is the other's affair.
    let _ = tokio::time::timeout(ALL, conversation).await;
}

//! Connections: how many at once, how long for a question, how fast an answer is read.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use super::pace::Paced;
use super::routes::router;
use super::site::Site;
use crate::os::Stop;

/// How long a question's head may take, and how long a connection may wait for its next question.
const QUESTION: Duration = Duration::from_secs(10);
/// Bytes of a question's head.
const BYTES: usize = 16 << 10;
/// Headers of a question; a browser sends two dozen.
const HEADERS: usize = 100;
/// How long answers under way may take after the first signal.
const DRAIN: Duration = Duration::from_secs(5);
/// Until the next try, where the system gives no connection: it has no files left, for instance.
const PAUSE: Duration = Duration::from_millis(200);

/// Answers whoever connects, so many at once, until the first signal; what is being answered then is finished. Who comes when
/// there is no room waits until somebody leaves.
pub async fn answer_all(listener: TcpListener, site: Arc<Site>, at_once: usize, stop: watch::Receiver<Stop>) {
    let router = router(Arc::clone(&site));
    let room = Arc::new(Semaphore::new(at_once));
    let mut connections = JoinSet::new();
    let mut stopped = stop.clone();
    loop {
        let accept = async {
            let place = Arc::clone(&room).acquire_owned().await;
            (place, listener.accept().await)
        };
        tokio::select! {
            (place, accepted) = accept => match accepted {
                Ok((stream, _)) => {
                    let conversation = converse(stream, router.clone(), stop.clone());
                    let open = site.figures.connected();
                    connections.spawn(async move {
                        conversation.await;
                        drop((place, open));
                    });
                }
                Err(_) => tokio::time::sleep(PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
            _ = stopped.wait_for(|stop| stop.is_set()) => break,
        }
    }
    let rest = async { while connections.join_next().await.is_some() {} };
    // Whoever is not done by then is cut off with the process.
    let _ = tokio::time::timeout(DRAIN, rest).await;
}

async fn converse(stream: TcpStream, router: Router, mut stop: watch::Receiver<Stop>) {
    // Small answers go out at once.
    let _ = stream.set_nodelay(true);
    let conversation = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(QUESTION)
        .max_buf_size(BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(Paced::new(stream)), TowerToHyperService::new(router));
    let mut conversation = std::pin::pin!(conversation);
    // Whatever goes wrong, it is the other's affair.
    tokio::select! {
        _ = conversation.as_mut() => return,
        _ = stop.wait_for(|stop| stop.is_set()) => conversation.as_mut().graceful_shutdown(),
    }
    let _ = conversation.await;
}

//! One HTTP request and its answer, on a connection of the pool.

use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::HeaderMap;
use hyper::{Response, StatusCode};
use tokio::time::{Instant, sleep};

use super::asked::Tally;
use super::connect::Sender;
use super::pool::Lease;
use super::question::Question;
use super::request::Request;
use super::watch::Watch;
use super::{Client, body, classify};
use crate::record::{Failure, Kind};

/// How much of an answer that is not wanted is read, so that its connection can be used again.
const UNWANTED_BODY: u64 = 64 * 1024;

/// A whole answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// As it came over the wire. Of an unwanted answer what could be had of it.
    pub(super) body: Bytes,
}

impl Client {
    /// Sends a request and reads the answer, within what is `left` of the attempt's time.
    pub(super) async fn exchange(
        &self,
        question: &Question,
        request: &Request,
        left: Duration,
        tally: &mut Tally,
    ) -> Result<Reply, Failure> {
        let begun = Instant::now();
        let connect_limit = question.bounds.connect_timeout.min(left);
        let lease = self.lease(request, connect_limit).await?;
        tally.sent();
        let left = left.saturating_sub(begun.elapsed());
        let mut watch = pin!(sleep(left));
        let mut watch =
            Watch::new(watch.as_mut(), question.bounds.idle_timeout, question.bounds.timeout, left);
        let (response, lease) = self.answered(request, lease, connect_limit, &mut watch).await?;
        tally.answered(response.status());
        self.read(question, request, response, lease, &mut watch, tally).await
    }

    /// The answer's head. A server may close a connection just as it is used again: then the request, which
    /// changes nothing there (RFC 9110, section 9.2.2), is sent once more on a new one, and counts as one.
    async fn answered(
        &self,
        request: &Request,
        mut lease: Lease,
        connect_limit: Duration,
        watch: &mut Watch<'_>,
    ) -> Result<(Response<Incoming>, Lease), Failure> {
        loop {
            let failure = match watch.step(send(&mut lease.sender, request)).await {
                Ok(Ok(response)) => return Ok((response, lease)),
                Ok(Err(failure)) | Err(failure) => failure,
            };
            let was_stale = lease.is_reused && failure.kind == Kind::Reset;
            self.pool.discard(&request.origin, lease);
            if !was_stale {
                return Err(failure);
            }
            lease = Box::pin(self.open_lease(request, connect_limit)).await?;
        }
    }

    /// Reads the body and gives the connection back, if there is nothing left on it.
    async fn read(
        &self,
        question: &Question,
        request: &Request,
        response: Response<Incoming>,
        lease: Lease,
        watch: &mut Watch<'_>,
        tally: &mut Tally,
    ) -> Result<Reply, Failure> {
        let (head, mut incoming) = response.into_parts();
        let wanted = head.status.is_success() || question.says_missing(head.status);
        let limit = if wanted { question.bounds.max_body } else { UNWANTED_BODY };
        let body = match body::read(&mut incoming, limit, watch, &mut tally.bytes).await {
            Ok(body) => {
                self.pool.put_back(&request.origin, lease);
                body
            }
            Err(failure) => {
                if failure.kind != Kind::TooLarge {
                    self.pool.discard(&request.origin, lease);
                }
                if wanted {
                    return Err(failure.with_status(head.status.as_u16()));
                }
                Bytes::new()
            }
        };
        Ok(Reply { status: head.status, headers: head.headers, body })
    }

    /// A connection to the request's origin, an old one if there is one.
    async fn lease(&self, request: &Request, limit: Duration) -> Result<Lease, Failure> {
        match self.pool.take(&request.origin) {
            Some(lease) => Ok(lease),
            // Boxed, because it is rare and large: every question would carry room for a handshake along.
            None => Box::pin(self.open_lease(request, limit)).await,
        }
    }

    /// A new connection, or one that is shared and was opened in the meantime.
    async fn open_lease(&self, request: &Request, limit: Duration) -> Result<Lease, Failure> {
        let begun = Instant::now();
        let origin = &request.origin;
        let Some(gate) = self.pool.gate(origin) else {
            return Ok(self.pool.opened(origin, self.connector.open(origin, limit).await?));
        };
        let too_late =
            |_| Failure::passing(Kind::Timeout, format!("no connection to {origin} within {limit:?}"));
        let opening = tokio::time::timeout(limit, gate.lock()).await.map_err(too_late)?;
        if let Some(lease) = self.pool.take_shared(origin) {
            return Ok(lease);
        }
        // The one before has shown whether connections are shared here: if not, the next need not wait.
        let opening = self.pool.gate(origin).map(|_| opening);
        let sender = self.connector.open(origin, limit.saturating_sub(begun.elapsed())).await?;
        let lease = self.pool.opened(origin, sender);
        drop(opening);
        Ok(lease)
    }
}

async fn send(sender: &mut Sender, request: &Request) -> Result<Response<Incoming>, Failure> {
    let response = match sender {
        Sender::Http1(sender) => {
            sender.ready().await.map_err(|error| classify::no_answer(&error))?;
            sender.send_request(request.for_http1()).await
        }
        Sender::Http2(sender) => {
            let whole =
                request.for_http2().map_err(|error| Failure::lasting(Kind::Template, error.to_string()))?;
            sender.ready().await.map_err(|error| classify::no_answer(&error))?;
            sender.send_request(whole).await
        }
    };
    response.map_err(|error| classify::no_answer(&error))
}

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
use super::origin::Origin;
use super::pool::Lease;
use super::proxy::{self, Proxy};
use super::question::Question;
use super::request::Request;
use super::streams::NoneFree;
use super::watch::Watch;
use super::{Door, body, classify};
use crate::record::{Failure, Kind};

/// How much of an answer that is no success is read: enough to tell what is the matter, and so that its connection
/// can be used again.
const UNWANTED_BODY: u64 = 64 * 1024;

/// A whole answer.
pub(super) struct Reply {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
    /// As it came over the wire. Of an unwanted answer the beginning.
    pub(super) body: Bytes,
}

/// A request without a whole answer.
pub(super) struct Broken {
    pub(super) failure: Failure,
    /// Whether the server may have seen it.
    pub(super) was_sent: bool,
    /// The head of an answer whose body did not come whole, or is not the host's.
    pub(super) head: Option<Box<Head>>,
}

/// The head of an answer.
pub(super) struct Head {
    pub(super) status: StatusCode,
    pub(super) headers: HeaderMap,
}

impl Broken {
    pub(super) fn unsent(failure: Failure) -> Broken {
        Broken { failure, was_sent: false, head: None }
    }

    fn sent(failure: Failure) -> Broken {
        Broken { failure, was_sent: true, head: None }
    }

    fn after_head(failure: Failure, status: StatusCode, headers: HeaderMap) -> Broken {
        Broken { failure, was_sent: true, head: Some(Box::new(Head { status, headers })) }
    }
}

impl Door {
    /// Sends a request on a connection and reads the answer, within what is `left` of the attempt's time.
    pub(super) async fn exchange(
        &self,
        question: &Question,
        request: &Request,
        lease: Lease,
        left: Duration,
        tally: &mut Tally,
    ) -> Result<Reply, Broken> {
        tally.sent();
        let mut watch = pin!(sleep(left));
        let mut watch =
            Watch::new(watch.as_mut(), question.bounds.idle_timeout, question.bounds.timeout, left);
        let (response, lease) = self.answered(question, request, lease, &mut watch, tally).await?;
        if let Some(broken) = self.told_by_proxy(request, &response, tally) {
            self.pool.discard(&request.origin, lease);
            return Err(broken);
        }
        tally.answered(response.status());
        self.read(question, request, response, lease, &mut watch, tally).await
    }

    /// Notes that a proxy on the way does not take who is asking.
    pub(super) fn note_refusal(&self, request: &Request, failure: &Failure, tally: &mut Tally) {
        let proxy = self.connector.proxy_of(&request.origin).filter(|_| proxy::is_refusal(failure));
        if let Some(proxy) = proxy {
            tally.went_through(proxy.secrets_seen(true));
        }
    }

    /// What a proxy says that was handed the request, instead of its host.
    fn told_by_proxy(
        &self,
        request: &Request,
        head: &Response<Incoming>,
        tally: &mut Tally,
    ) -> Option<Broken> {
        let proxy = self.connector.proxy_of(&request.origin)?;
        let own = self
            .connector
            .hands_to(&request.origin)
            .and_then(|_| proxy.own_answer(head.status(), head.headers()));
        tally.went_through(
            proxy.secrets_seen(own.as_ref().is_some_and(|own| proxy::is_refusal(&own.failure))),
        );
        own.map(|own| Broken {
            was_sent: own.was_sent,
            ..Broken::after_head(own.failure, head.status(), head.headers().clone())
        })
    }

    /// The answer's head. A server may close a connection just as it is used again: then a request that changes
    /// nothing there (RFC 9110, section 9.2.2), or has never left us, is sent once more on a new one, and counts as
    /// one. So is one whose answer has more headers than the connection reads, on one that reads more; it counts again.
    async fn answered(
        &self,
        question: &Question,
        request: &Request,
        mut lease: Lease,
        watch: &mut Watch<'_>,
        tally: &mut Tally,
    ) -> Result<(Response<Incoming>, Lease), Broken> {
        loop {
            if lease.is_reused && !question.is_idempotent {
                // So that a connection which was closed meanwhile is seen to be, before anything is written to it.
                tokio::task::yield_now().await;
            }
            let broken = match watch
                .step(send(&mut lease.sender, request, self.connector.hands_to(&request.origin)))
                .await
            {
                Ok(Ok(response)) => return Ok((response, lease)),
                Ok(Err(broken)) => broken,
                Err(too_late) => Broken::sent(too_late),
            };
            let was_stale = lease.is_reused && broken.failure.kind == Kind::Reset;
            let was_narrow = !lease.is_wide && broken.failure.kind == Kind::TooLarge;
            self.pool.discard(&request.origin, lease);
            if was_narrow {
                self.pool.widen(&request.origin);
            }
            if was_stale && !question.is_idempotent {
                self.pool.was_closed(&request.origin);
            }
            if !was_stale && !was_narrow || broken.was_sent && !question.is_idempotent {
                return Err(broken);
            }
            lease = Box::pin(self.open_lease(question, request, watch.left(), None))
                .await
                .map_err(|failure| Broken { failure, ..broken })?;
            watch.resume(lease.waited);
            if was_narrow {
                tally.sent();
            }
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
    ) -> Result<Reply, Broken> {
        let (head, mut incoming) = response.into_parts();
        let received = &mut tally.bytes;
        if head.status.is_success() || question.says_missing(head.status) {
            let body = body::read(&mut incoming, question.bounds.max_answer, watch, received).await;
            self.give_back(request, lease, body.as_ref().err());
            return match body {
                Ok(body) => Ok(Reply { status: head.status, headers: head.headers, body }),
                Err(failure) => {
                    let failure = failure.with_status(head.status.as_u16());
                    Err(Broken::after_head(failure, head.status, head.headers))
                }
            };
        }
        let (body, ended) = body::read_beginning(&mut incoming, UNWANTED_BODY, watch, received).await;
        self.give_back(request, lease, ended.as_ref().err());
        Ok(Reply { status: head.status, headers: head.headers, body })
    }

    /// Gives a connection back after an answer, unless something is left on it.
    fn give_back(&self, request: &Request, lease: Lease, failure: Option<&Failure>) {
        match failure {
            None => self.pool.put_back(&request.origin, lease),
            // A shared connection goes on without that answer.
            Some(failure) if failure.kind == Kind::TooLarge => {}
            Some(_) => self.pool.discard(&request.origin, lease),
        }
    }

    /// A connection to the request's origin, an old one if there is one, within what is `left` of the attempt's time.
    pub(super) async fn lease(
        &self,
        question: &Question,
        request: &Request,
        left: Duration,
    ) -> Result<Lease, Failure> {
        let lying = if question.is_idempotent {
            self.pool.take(&request.origin)
        } else {
            self.pool.take_settled(&request.origin)
        };
        match lying {
            Some(lease) if lease.has_place() => Ok(lease),
            // Boxed, because it is rare and large: every question would carry room for a handshake along.
            shared => Box::pin(self.open_lease(question, request, left, shared)).await,
        }
    }

    /// A place on a shared connection, or else a connection of its own. A shared one may end before the turn comes.
    async fn open_lease(
        &self,
        question: &Question,
        request: &Request,
        left: Duration,
        mut shared: Option<Lease>,
    ) -> Result<Lease, Failure> {
        let origin = &request.origin;
        let (begun, mut waited) = (Instant::now(), Duration::ZERO);
        loop {
            let lease = match shared.take() {
                Some(lease) => lease,
                None => {
                    let left = left.saturating_sub(begun.elapsed().saturating_sub(waited));
                    self.open(origin, question.bounds.connect_timeout.min(left)).await?
                }
            };
            let asked = Instant::now();
            let lease = lease.with_place(question.bounds.timeout).await.map_err(|NoneFree| {
                let bound = question.bounds.timeout;
                let why =
                    format!("the connection to {origin} had no room for another request within {bound:?}");
                Failure::passing(Kind::Timeout, why)
            })?;
            waited += asked.elapsed();
            match lease {
                Ok(mut lease) => {
                    lease.waited = waited;
                    return Ok(lease);
                }
                Err(ended) => self.pool.discard(origin, ended),
            }
        }
    }

    /// A new connection, or one that is shared and was opened in the meantime.
    async fn open(&self, origin: &Origin, limit: Duration) -> Result<Lease, Failure> {
        let begun = Instant::now();
        let is_wide = self.pool.is_wide(origin);
        let Some(gate) = self.pool.gate(origin) else {
            let sender = self.connector.open(origin, is_wide, limit).await?;
            return Ok(self.pool.opened(origin, sender, is_wide));
        };
        let too_late =
            |_| Failure::passing(Kind::Timeout, format!("no connection to {origin} within {limit:?}"));
        let opening = tokio::time::timeout(limit, gate.lock()).await.map_err(too_late)?;
        if let Some(lease) = self.pool.take_shared(origin) {
            return Ok(lease);
        }
        // The one before has shown whether connections are shared here: if not, the next need not wait.
        let opening = self.pool.gate(origin).map(|_| opening);
        let sender = self.connector.open(origin, is_wide, limit.saturating_sub(begun.elapsed())).await?;
        let lease = self.pool.opened(origin, sender, is_wide);
        drop(opening);
        Ok(lease)
    }
}

async fn send(
    sender: &mut Sender,
    request: &Request,
    proxy: Option<&Proxy>,
) -> Result<Response<Incoming>, Broken> {
    let not_ready = |error| Broken::unsent(classify::no_answer(&error));
    let not_valid =
        |error: hyper::http::Error| Broken::unsent(Failure::lasting(Kind::Template, error.to_string()));
    let response = match sender {
        Sender::Http1(sender) => {
            sender.ready().await.map_err(not_ready)?;
            let whole = match proxy {
                None => request.for_http1(),
                Some(proxy) => request.for_proxy(proxy.authorization()).map_err(not_valid)?,
            };
            sender.send_request(whole).await
        }
        Sender::Http2(shared) => {
            let whole = request.for_http2().map_err(not_valid)?;
            shared.sender.ready().await.map_err(not_ready)?;
            shared.sender.send_request(whole).await
        }
    };
    response.map_err(|error| {
        // hyper says canceled of a request that it has given back before a byte of it was written, and of no other.
        let was_sent = !error.is_canceled() && !classify::was_refused(&error);
        Broken { was_sent, ..Broken::unsent(classify::no_answer(&error)) }
    })
}

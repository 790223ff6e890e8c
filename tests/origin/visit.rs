//! One connection's requests, each on its way to its answer.

use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use hyper::body::Incoming;
use hyper::header::LOCATION;
use hyper::http::request::Parts;
use hyper::service::Service;
use hyper::{Method, Request, Response, StatusCode};

use crate::admin;
use crate::answer::{Answer, Cut, Payload};
use crate::asked::{Asked, REDIRECTED};
use crate::coding::Coding;
use crate::counts::InFlight;
use crate::fate::{Fate, Fault};
use crate::origin::{Origin, Wanted};
use crate::received::Received;
use crate::wire::{Pen, Scissors};

/// One connection's service.
#[derive(Clone)]
pub struct Visit {
    pub origin: Rc<Origin>,
    /// Ends the connection without an answer.
    pub scissors: Scissors,
    /// Learns when an answer is written.
    pub pen: Pen,
    /// The peer's port.
    pub port: u16,
    /// When its last bytes came, where arrivals were noted when it connected.
    pub received: Option<Received>,
}

impl Service<Request<Incoming>> for Visit {
    type Response = Response<Payload>;
    type Error = Cut;
    type Future = Answering;

    fn call(&self, request: Request<Incoming>) -> Answering {
        match self.origin.at_once(&request) {
            Some(response) => Answering::Ready(Some(response)),
            None => Answering::Later(Box::pin(self.clone().answer(request))),
        }
    }
}

impl Visit {
    async fn answer(self, request: Request<Incoming>) -> Result<Response<Payload>, Cut> {
        let (parts, body) = request.into_parts();
        if parts.uri.path().starts_with("/_admin/") {
            return Ok(admin::answer(&self.origin, &parts, body).await.respond());
        }
        let asked = Asked::of(&parts.uri);
        let age = self.received.as_ref().map(Received::age).unwrap_or_default();
        self.origin.arrived(asked.as_ref(), self.port, age);
        if self.origin.is_down() {
            return self.cut();
        }
        let Some(asked) = asked else {
            return Ok(Answer::problem(StatusCode::NOT_FOUND, "nothing is served here").respond());
        };
        let response = self.limited(asked, &parts, body).await?;
        self.origin.answered(response.status(), &self.pen);
        Ok(response)
    }

    /// Within the limits, or the refusal.
    async fn limited(
        &self,
        asked: Asked<'_>,
        parts: &Parts,
        body: Incoming,
    ) -> Result<Response<Payload>, Cut> {
        let _in_flight = InFlight::enter(&self.origin.counts);
        let body = match admin::read(body).await {
            Ok(body) => body,
            Err(answer) => return Ok(answer.respond()),
        };
        let wanted = self.origin.wanted(asked.with_body(&body), parts, &body);
        if self.origin.refuses() {
            return Ok(self.origin.failure(StatusCode::TOO_MANY_REQUESTS));
        }
        let standing = self.origin.standing();
        let mut response = match standing {
            Some(standing) if !standing.is_within => self.origin.failure(StatusCode::TOO_MANY_REQUESTS),
            _ => self.worked(&wanted).await?,
        };
        if let Some(standing) = standing {
            standing.tell(self.origin.limit_headers(), response.headers_mut());
        }
        Ok(response)
    }

    /// In its turn, and then as its fate wants it.
    async fn worked(&self, wanted: &Wanted<'_>) -> Result<Response<Payload>, Cut> {
        let Some(_place) = self.origin.place().await else {
            return Ok(self.origin.failure(StatusCode::SERVICE_UNAVAILABLE));
        };
        let Fate { wait, fault } = self.origin.fate(wanted);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        match fault {
            Some(fault) => self.fault(fault, wanted),
            None => Ok(self.honest(wanted)),
        }
    }

    fn fault(&self, fault: Fault, wanted: &Wanted<'_>) -> Result<Response<Payload>, Cut> {
        match fault {
            Fault::Slow => Ok(self.honest(wanted)),
            Fault::Status(status) => Ok(self.origin.failure(status)),
            Fault::Body(body) => Ok(Answer::of(wanted.asked.endpoint.content_type(), body).respond()),
            Fault::Reset => self.cut(),
            Fault::Truncate => Ok(self.origin.truth(wanted).respond_truncated()),
            Fault::Garbage => Ok(Answer::garbage().respond()),
            Fault::Empty => Ok(Answer::empty(StatusCode::NO_CONTENT).respond()),
            Fault::Redirect => Ok(redirect(wanted.parts)),
        }
    }

    fn honest(&self, wanted: &Wanted<'_>) -> Response<Payload> {
        let answer = self.origin.truth(wanted);
        let coding = if self.origin.packs() { Some(Coding::Gzip) } else { answer.coding };
        match coding.filter(|coding| coding.is_accepted(&wanted.parts.headers)) {
            Some(coding) => answer.respond_packed(coding),
            None => answer.respond(),
        }
    }

    fn cut(&self) -> Result<Response<Payload>, Cut> {
        self.scissors.cut();
        Err(Cut)
    }
}

/// To the same address, with the same method.
fn redirect(parts: &Parts) -> Response<Payload> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let separator = if parts.uri.query().is_some() { '&' } else { '?' };
    let reads = parts.method == Method::GET || parts.method == Method::HEAD;
    let status = if reads { StatusCode::FOUND } else { StatusCode::TEMPORARY_REDIRECT };
    Answer::empty(status).with(LOCATION, &format!("{target}{separator}{REDIRECTED}")).respond()
}

/// An answer that is there already or still to come.
pub enum Answering {
    Ready(Option<Response<Payload>>),
    Later(Pin<Box<dyn Future<Output = Result<Response<Payload>, Cut>>>>),
}

impl Future for Answering {
    type Output = Result<Response<Payload>, Cut>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut *self {
            Answering::Ready(response) => Poll::Ready(response.take().ok_or(Cut)),
            Answering::Later(future) => future.as_mut().poll(context),
        }
    }
}

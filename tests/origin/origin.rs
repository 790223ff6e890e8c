//! A request's way to its answer.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::service::Service;
use hyper::{Method, Request, Response, StatusCode};

use crate::answer::{Answer, Cut, Payload};
use crate::asked::{Asked, REDIRECTED};
use crate::coding::Coding;
use crate::counts::{Counts, InFlight};
use crate::endpoint::Endpoint;
use crate::fate::{self, Fate, Fault};
use crate::knobs::Knobs;
use crate::library::Library;
use crate::query::Query;
use crate::social::{graph, pins, plus_ones, shares};
use crate::wire::Scissors;
use crate::{admin, echo, items, lists, numbers, odds, omdb, pages, small};

/// What all connections share.
pub struct Origin {
    library: Library,
    knobs: RefCell<Knobs>,
    /// Whether the knobs leave requests alone; kept beside them because every request looks.
    quiet: Cell<bool>,
    pub counts: RefCell<Counts>,
    seed: u64,
    /// `http` or `https`, for documents with URLs of their own.
    scheme: &'static str,
}

/// A document's request, read and counted.
struct Wanted<'a> {
    asked: Asked<'a>,
    parts: &'a Parts,
    body: &'a [u8],
    /// How often the id was asked at the endpoint, with this time; 0 where a redirect of ours led here.
    nth: u32,
}

impl Wanted<'_> {
    fn query(&self) -> Query<'_> {
        Query(self.parts.uri.query().unwrap_or_default())
    }
}

impl Origin {
    pub fn new(library: Library, knobs: Knobs, seed: u64, scheme: &'static str) -> Origin {
        let counts = RefCell::new(Counts::new(library.listed()));
        let quiet = Cell::new(knobs.is_quiet());
        Origin { library, quiet, knobs: RefCell::new(knobs), counts, seed, scheme }
    }

    /// The knobs as they are now.
    pub fn knobs(&self) -> Knobs {
        self.knobs.borrow().clone()
    }

    /// Turns the knobs, for requests that come from now on.
    pub fn set_knobs(&self, knobs: Knobs) {
        self.quiet.set(knobs.is_quiet());
        self.knobs.replace(knobs);
    }

    fn film(&self, asked: &Asked<'_>) -> Answer {
        Answer::json(self.library.omdb(asked.index).unwrap_or(Bytes::from_static(omdb::UNKNOWN.as_bytes())))
    }

    fn business(&self, asked: &Asked<'_>) -> Answer {
        match self.library.business(asked.index) {
            Some(body) => Answer::json(body),
            None => Answer::problem(StatusCode::NOT_FOUND, &format!("no film {:?}", asked.id)),
        }
    }

    /// A film's document without a detour: only where no knob is turned.
    fn at_once(&self, request: &Request<Incoming>) -> Option<Response<Payload>> {
        if !self.quiet.get() || request.method() != Method::GET {
            return None;
        }
        let asked = Asked::of(request.uri())?;
        let answer = match asked.endpoint {
            Endpoint::Omdb => self.film(&asked),
            Endpoint::Business => self.business(&asked),
            _ => return None,
        };
        self.counts.borrow_mut().request(&asked);
        drop(InFlight::enter(&self.counts));
        Some(answer.respond())
    }

    /// The answer that the request would get from an honest server.
    fn truth(&self, wanted: &Wanted<'_>) -> Answer {
        let Wanted { asked, parts, body, nth } = wanted;
        let (id, query) = (asked.id.as_ref(), wanted.query());
        if !asked.endpoint.allows(&parts.method) {
            let methods = asked.endpoint.methods();
            let answer = Answer::problem(StatusCode::METHOD_NOT_ALLOWED, &format!("only {methods}"));
            return answer.with(ALLOW, methods);
        }
        match asked.endpoint {
            Endpoint::Omdb => self.film(asked),
            Endpoint::Business => self.business(asked),
            Endpoint::Numbers => numbers::answer(id),
            Endpoint::Echo => echo::answer(parts, body),
            Endpoint::Pins => pins::answer(id, query),
            Endpoint::Graph => graph::answer(&asked.batch, query),
            Endpoint::Shares => shares::answer(id, query),
            Endpoint::PlusOnes => plus_ones::answer(parts, body),
            Endpoint::Items => items::answer(&asked.batch),
            Endpoint::Matches => {
                odds::answer(id, query.number("at").unwrap_or(self.knobs.borrow().odds_round))
            }
            Endpoint::Pages => pages::answer(id),
            Endpoint::Lists => lists::answer(id, parts, self.scheme),
            Endpoint::JsonLines => lists::lines(id, query),
            Endpoint::Texts => small::text(id, query),
            Endpoint::States => small::state(id, *nth, query),
            Endpoint::Redirects => small::redirect(query),
        }
    }

    /// Counts the request.
    fn wanted<'a>(&self, asked: Asked<'a>, parts: &'a Parts, body: &'a [u8]) -> Wanted<'a> {
        let nth = self.counts.borrow_mut().request(&asked);
        Wanted { asked, parts, body, nth }
    }

    fn fate(&self, wanted: &Wanted<'_>) -> Fate {
        fate::decide(&mut self.knobs.borrow_mut(), self.seed, &wanted.asked, wanted.nth)
    }

    /// A failure, with `Retry-After` where it belongs and the knobs name one.
    fn failure(&self, status: StatusCode) -> Response<Payload> {
        let mut response = match status {
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Answer::empty(status),
            _ => Answer::problem(status, status.canonical_reason().unwrap_or("failed on purpose")),
        }
        .respond();
        if matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
            && let Some(value) = self.retry_after()
        {
            response.headers_mut().insert(RETRY_AFTER, value);
        }
        response
    }

    fn retry_after(&self) -> Option<HeaderValue> {
        let knobs = self.knobs.borrow();
        let seconds = knobs.retry_after?;
        let date = SystemTime::now().checked_add(Duration::from_secs(seconds.min(A_YEAR)));
        match date.filter(|_| knobs.retry_after_date) {
            Some(date) => HeaderValue::from_str(&httpdate::fmt_http_date(date)).ok(),
            None => Some(seconds.into()),
        }
    }
}

/// Farthest `Retry-After` date, in seconds; HTTP dates have four digits for the year.
const A_YEAR: u64 = 366 * 86_400;

/// One connection's service.
#[derive(Clone)]
pub struct Visit {
    pub origin: Rc<Origin>,
    /// Ends the connection without an answer.
    pub scissors: Scissors,
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
        if self.origin.knobs.borrow().down {
            return self.cut();
        }
        let Some(asked) = Asked::of(&parts.uri) else {
            return Ok(Answer::problem(StatusCode::NOT_FOUND, "nothing is served here").respond());
        };
        let _in_flight = InFlight::enter(&self.origin.counts);
        let body = match admin::read(body).await {
            Ok(body) => body,
            Err(answer) => return Ok(answer.respond()),
        };
        let wanted = self.origin.wanted(asked.with_body(&body), &parts, &body);
        let Fate { wait, fault } = self.origin.fate(&wanted);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        match fault {
            Some(fault) => self.fault(fault, &wanted),
            None => Ok(self.honest(&wanted)),
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
        let coding = if self.origin.knobs.borrow().gzip { Some(Coding::Gzip) } else { answer.coding };
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

//! A request's way to its answer.

use std::cell::{Cell, RefCell};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ACCEPT_ENCODING, HeaderValue, LOCATION, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::service::Service;
use hyper::{Method, Request, Response, StatusCode};

use crate::answer::{Answer, Cut, Payload};
use crate::asked::{Asked, Endpoint, REDIRECTED};
use crate::counts::{Counts, InFlight};
use crate::fate::{self, Fate, Fault};
use crate::knobs::Knobs;
use crate::library::Library;
use crate::wire::Scissors;
use crate::{admin, echo, numbers, omdb};

/// What all connections share.
pub struct Origin {
    library: Library,
    knobs: RefCell<Knobs>,
    /// Whether the knobs leave requests alone; kept beside them because every request looks.
    quiet: Cell<bool>,
    pub counts: RefCell<Counts>,
    seed: u64,
}

impl Origin {
    pub fn new(library: Library, knobs: Knobs, seed: u64) -> Origin {
        let counts = RefCell::new(Counts::new(library.listed()));
        Origin { library, quiet: Cell::new(knobs.is_quiet()), knobs: RefCell::new(knobs), counts, seed }
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
            Endpoint::Numbers | Endpoint::Echo => return None,
        };
        self.counts.borrow_mut().request(&asked);
        drop(InFlight::enter(&self.counts));
        Some(answer.respond())
    }

    /// The answer that the request would get from an honest server.
    async fn truth(&self, asked: &Asked<'_>, parts: &Parts, body: Incoming) -> Answer {
        let reads = parts.method == Method::GET || parts.method == Method::HEAD;
        match asked.endpoint {
            Endpoint::Echo => match admin::read(body).await {
                Ok(body) => echo::answer(parts, &body),
                Err(answer) => answer,
            },
            _ if !reads => Answer::problem(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD"),
            Endpoint::Omdb => self.film(asked),
            Endpoint::Business => self.business(asked),
            Endpoint::Numbers => numbers::answer(&asked.id),
        }
    }

    fn decide(&self, asked: &Asked<'_>) -> Fate {
        let nth = self.counts.borrow_mut().request(asked);
        fate::decide(&mut self.knobs.borrow_mut(), self.seed, asked, nth)
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
        let Fate { wait, fault } = self.origin.decide(&asked);
        if !wait.is_zero() {
            tokio::time::sleep(wait).await;
        }
        match fault {
            None | Some(Fault::Slow) => Ok(self.honest(&asked, &parts, body).await),
            Some(Fault::Status(status)) => Ok(self.origin.failure(status)),
            Some(Fault::Body(body)) => Ok(Answer::json(body).respond()),
            Some(Fault::Reset) => self.cut(),
            Some(Fault::Truncate) => Ok(self.origin.truth(&asked, &parts, body).await.respond_truncated()),
            Some(Fault::Garbage) => Ok(Answer::garbage().respond()),
            Some(Fault::Empty) => Ok(Answer::empty(StatusCode::NO_CONTENT).respond()),
            Some(Fault::Redirect) => Ok(redirect(&parts)),
        }
    }

    async fn honest(&self, asked: &Asked<'_>, parts: &Parts, body: Incoming) -> Response<Payload> {
        let answer = self.origin.truth(asked, parts, body).await;
        let packs = self.origin.knobs.borrow().gzip && accepts_gzip(parts);
        if packs { answer.respond_gzip() } else { answer.respond() }
    }

    fn cut(&self) -> Result<Response<Payload>, Cut> {
        self.scissors.cut();
        Err(Cut)
    }
}

fn accepts_gzip(parts: &Parts) -> bool {
    let accepted = parts.headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    accepted.into_iter().any(|codings| codings.contains("gzip"))
}

fn redirect(parts: &Parts) -> Response<Payload> {
    let target = parts.uri.path_and_query().map_or("/", |target| target.as_str());
    let separator = if parts.uri.query().is_some() { '&' } else { '?' };
    let mut response = Answer::empty(StatusCode::FOUND).respond();
    if let Ok(location) = HeaderValue::from_str(&format!("{target}{separator}{REDIRECTED}")) {
        response.headers_mut().insert(LOCATION, location);
    }
    response
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

//! What all connections share, and what it answers.

use std::cell::{Cell, RefCell};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use hyper::body::Incoming;
use hyper::header::{ALLOW, HeaderValue, RETRY_AFTER};
use hyper::http::request::Parts;
use hyper::{Method, Request, Response, StatusCode};

use crate::allowance::{Headers, Standing, Used};
use crate::answer::{Answer, Payload};
use crate::arrivals::Arrivals;
use crate::asked::Asked;
use crate::counts::{Counts, InFlight};
use crate::endpoint::Endpoint;
use crate::fate::{self, Fate};
use crate::identity::Identity;
use crate::knobs::Knobs;
use crate::library::Library;
use crate::places::{Place, Places};
use crate::query::Query;
use crate::social::{graph, pins, plus_ones, shares};
use crate::wire::Pen;
use crate::{
    echo, items, lists, numbers, odds, ohlc, omdb, pages, prices, public, small, subscriptions, usage,
};

/// What all connections share.
pub struct Origin {
    library: Library,
    knobs: RefCell<Knobs>,
    /// Whether the knobs leave requests alone; kept beside them because every request looks.
    quiet: Cell<bool>,
    pub counts: RefCell<Counts>,
    pub arrivals: RefCell<Arrivals>,
    /// Of the knob `limit`.
    used: Used,
    /// Of the knob `capacity`.
    places: Places,
    identity: Identity,
    seed: u64,
    /// `http` or `https`, for documents with URLs of their own.
    scheme: &'static str,
}

/// A document's request, read and counted.
pub struct Wanted<'a> {
    pub asked: Asked<'a>,
    pub parts: &'a Parts,
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
        Origin {
            quiet: Cell::new(knobs.is_quiet()),
            knobs: RefCell::new(knobs),
            counts: RefCell::new(Counts::new(library.listed())),
            arrivals: RefCell::new(Arrivals::new(Instant::now())),
            used: Used::default(),
            places: Places::default(),
            identity: Identity::default(),
            library,
            seed,
            scheme,
        }
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

    /// Whether every connection is reset.
    pub fn is_down(&self) -> bool {
        self.knobs.borrow().down
    }

    /// Whether answers are packed for whoever accepts it.
    pub fn packs(&self) -> bool {
        self.knobs.borrow().gzip
    }

    /// The style in which answers tell where a client stands.
    pub fn limit_headers(&self) -> Option<Headers> {
        self.knobs.borrow().limit_headers
    }

    /// Whether it is noted when requests arrive.
    pub fn notes_arrivals(&self) -> bool {
        self.knobs.borrow().arrivals
    }

    /// Notes that a request came so long ago, if that is wanted.
    pub fn arrived(&self, asked: Option<&Asked<'_>>, port: u16, age: Duration) {
        if self.notes_arrivals() {
            let in_flight = self.counts.borrow().in_flight() + 1;
            self.arrivals.borrow_mut().arrived(asked.map(|asked| asked.endpoint), port, in_flight, age);
        }
    }

    /// Counts an answer that asks the client to wait, and notes when it is written, if that is wanted.
    pub fn answered(&self, status: StatusCode, pen: &Pen) {
        if !asks_to_wait(status) {
            return;
        }
        self.counts.borrow_mut().refusal(status);
        if self.notes_arrivals() {
            pen.note(self.arrivals.borrow_mut().mark(status.as_u16()));
        }
    }

    /// Whether the request is one of the next that are refused; takes one from them.
    pub fn refuses(&self) -> bool {
        let mut knobs = self.knobs.borrow_mut();
        let refuses = knobs.refuse_next > 0;
        knobs.refuse_next = knobs.refuse_next.saturating_sub(1);
        refuses
    }

    /// Takes a request from the limit, if there is one.
    pub fn standing(&self) -> Option<Standing> {
        let limit = self.knobs.borrow().limit?;
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        Some(self.used.take(limit, now))
    }

    /// Waits for its turn; `None` where too many wait already.
    pub async fn place(&self) -> Option<Place> {
        let (capacity, most_waiting) = {
            let knobs = self.knobs.borrow();
            (knobs.capacity, knobs.overload_503)
        };
        self.places.take(capacity, most_waiting).await
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

    /// A film's answer with what it costs, if that is wanted.
    fn metered(&self, asked: &Asked<'_>, answer: Answer) -> Answer {
        if !self.knobs.borrow().tokens || answer.status != StatusCode::OK {
            return answer;
        }
        let tokens = usage::tokens(&asked.id);
        self.counts.borrow_mut().served(tokens);
        usage::with_usage(answer, tokens)
    }

    /// A film's document without a detour: only where no knob is turned.
    pub fn at_once(&self, request: &Request<Incoming>) -> Option<Response<Payload>> {
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
    pub fn truth(&self, wanted: &Wanted<'_>) -> Answer {
        let Wanted { asked, parts, body, nth } = wanted;
        let (id, query) = (asked.id.as_ref(), wanted.query());
        if !asked.endpoint.allows(&parts.method) {
            let methods = asked.endpoint.methods();
            let answer = Answer::problem(StatusCode::METHOD_NOT_ALLOWED, &format!("only {methods}"));
            return answer.with(ALLOW, methods);
        }
        if asked.endpoint == Endpoint::Subscriptions
            && self.knobs.borrow().token_needed
            && let Some(turned_away) = self.identity.turned_away(&parts.headers)
        {
            return turned_away;
        }
        match asked.endpoint {
            Endpoint::Omdb => self.metered(asked, self.film(asked)),
            Endpoint::Business => self.metered(asked, self.business(asked)),
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
            Endpoint::Ohlc => ohlc::answer(id),
            Endpoint::Prices => prices::answer(id, query.number("at").unwrap_or((*nth).into())),
            Endpoint::Public => public::answer(id, *nth),
            Endpoint::Subscriptions => subscriptions::answer(
                id,
                query.number("at").unwrap_or(self.knobs.borrow().subscriptions_round),
            ),
            Endpoint::Tokens => {
                let knobs = self.knobs.borrow();
                self.identity.answer(body, Duration::from_millis(knobs.token_ms), knobs.token_rotates)
            }
        }
    }

    /// Counts the request.
    pub fn wanted<'a>(&self, asked: Asked<'a>, parts: &'a Parts, body: &'a [u8]) -> Wanted<'a> {
        let nth = self.counts.borrow_mut().request(&asked);
        Wanted { asked, parts, body, nth }
    }

    pub fn fate(&self, wanted: &Wanted<'_>) -> Fate {
        fate::decide(&mut self.knobs.borrow_mut(), self.seed, &wanted.asked, wanted.nth)
    }

    /// A failure, with `Retry-After` where it belongs and the knobs name one.
    pub fn failure(&self, status: StatusCode) -> Response<Payload> {
        let mut response = match status {
            StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED => Answer::empty(status),
            _ => Answer::problem(status, status.canonical_reason().unwrap_or("failed on purpose")),
        }
        .respond();
        if asks_to_wait(status)
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

fn asks_to_wait(status: StatusCode) -> bool {
    matches!(status, StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE)
}
